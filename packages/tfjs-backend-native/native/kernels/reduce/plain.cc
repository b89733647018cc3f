#include "kernels/reduce/reduce.h"
#include "runtime/integers.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// Elements of one piece of work, and columns that are reduced together.
constexpr int64_t grain = 32768;
constexpr int64_t block = 256;

// An operation has the type of what is kept, the value that nothing has, how an element is added,
// and the result.

struct IntSum {
  using Kept = uint32_t;
  static constexpr Kept nothing = 0;
  static Kept add(Kept kept, int32_t x) { return kept + static_cast<uint32_t>(x); }
  static int32_t result(Kept kept) { return static_cast<int32_t>(kept); }
};

inline void convert(double x, float* y) { *y = static_cast<float>(x); }
inline void convert(double x, int32_t* y) { *y = int32_of(x); }

template <typename T>
struct Product {
  using Kept = double;
  static constexpr Kept nothing = 1;
  static Kept add(Kept kept, T x) { return kept * static_cast<double>(x); }
  static T result(Kept kept) {
    T y;
    convert(kept, &y);
    return y;
  }
};

struct IntMax {
  using Kept = int32_t;
  static constexpr Kept nothing = INT32_MIN;
  static Kept add(Kept kept, int32_t x) { return kept > x ? kept : x; }
  static int32_t result(Kept kept) { return kept; }
};

struct IntMin {
  using Kept = int32_t;
  static constexpr Kept nothing = INT32_MAX;
  static Kept add(Kept kept, int32_t x) { return kept < x ? kept : x; }
  static int32_t result(Kept kept) { return kept; }
};

struct Any {
  using Kept = uint8_t;
  static constexpr Kept nothing = 0;
  static Kept add(Kept kept, uint8_t x) { return kept | x; }
  static uint8_t result(Kept kept) { return kept; }
};

struct All {
  using Kept = uint8_t;
  static constexpr Kept nothing = 1;
  static Kept add(Kept kept, uint8_t x) { return kept & x; }
  static uint8_t result(Kept kept) { return kept; }
};

template <typename Op, typename T>
bool reduce_all(T* y, const T* x, int64_t outer, int64_t red, int64_t inner) {
  const int64_t blocks = (inner + block - 1) / block, size = red * (inner < block ? inner : block);
  parallel_for(outer * blocks, size < grain ? grain / size : 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t row = task / blocks, column = task % blocks * block, width = inner - column < block ? inner - column : block;
      const T* from = x + row * red * inner + column;
      T* const to = y + row * inner + column;
      if (inner == 1) {
        typename Op::Kept kept = Op::nothing;
        for (int64_t i = 0; i < red; i++) kept = Op::add(kept, from[i]);
        *to = Op::result(kept);
        continue;
      }
      typename Op::Kept kept[block];
      for (int64_t j = 0; j < width; j++) kept[j] = Op::nothing;
      for (int64_t i = 0; i < red; i++, from += inner) {
        for (int64_t j = 0; j < width; j++) kept[j] = Op::add(kept[j], from[j]);
      }
      for (int64_t j = 0; j < width; j++) to[j] = Op::result(kept[j]);
    }
  });
  return true;
}

}  // namespace

bool reduce_plain(PlainReduction op, float* y, const float* x, int64_t outer, int64_t red, int64_t inner) {
  return op == plain_product && reduce_all<Product<float>>(y, x, outer, red, inner);
}

bool reduce_plain(PlainReduction op, int32_t* y, const int32_t* x, int64_t outer, int64_t red, int64_t inner) {
  switch (op) {
    case plain_sum:
      return reduce_all<IntSum>(y, x, outer, red, inner);
    case plain_product:
      return reduce_all<Product<int32_t>>(y, x, outer, red, inner);
    case plain_max:
      return reduce_all<IntMax>(y, x, outer, red, inner);
    case plain_min:
      return reduce_all<IntMin>(y, x, outer, red, inner);
    default:
      return false;
  }
}

bool reduce_plain(PlainReduction op, uint8_t* y, const uint8_t* x, int64_t outer, int64_t red, int64_t inner) {
  switch (op) {
    case plain_any:
      return reduce_all<Any>(y, x, outer, red, inner);
    case plain_all:
      return reduce_all<All>(y, x, outer, red, inner);
    default:
      return false;
  }
}

}  // namespace easel
