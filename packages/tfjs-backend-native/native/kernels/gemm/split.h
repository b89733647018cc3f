// Products on matrix registers that multiply bfloat16 and add float32 (Intel's AMX), with the
// precision of float32.
//
// Each element is the exact sum of three bfloat16 parts, x = high + middle + low. Each part is
// rounded to nearest from what the parts before it left: 3 · 8 bits of a significand of 24. Of the
// nine products of parts of x and y, six are added:
//
//   x·y ≈ high·low + high·middle + middle·middle + middle·high + low·high + high·high
//
// The three left out are below 2⁻²⁴ |x·y| together. Every product of parts is exact in float32, and
// the sums of 16 of them are added to C's, so the error is below that of one multiply-add after the
// other. (Intel's oneMKL knows the method as bf16x3; Henry, Tang and Heinecke 2019,
// arXiv:1904.06376.)
//
// This differs from float32 arithmetic in two points. Parts and products under 2⁻¹²⁶ count as 0, so
// elements under 2⁻¹⁰² lose digits. And where an element is infinite, or rounds up to infinity, the
// parts' products give NaN. A tile that holds anything not finite is therefore reported, and the
// caller computes it again with multiply-adds.
//
// A panel holds 32 rows of op(A), or 32 columns of op(B), in steps of 32 of the depth, filled up
// with zeros. A step has three parts. Each part is two tiles of 16 registers' rows of 64 bytes. Row
// i of A's tile holds the elements (i, 0…31). Row r of B's tile holds the pairs (2r, j), (2r+1, j)
// for j < 16.
#pragma once

#include <cstdint>

namespace easel {

constexpr int split_tile = 32;
constexpr int64_t split_depth_unit = 32;
/// Bytes of a panel for each step of depth: 32 elements of three parts.
constexpr int64_t split_bytes = 32 * 3 * 2;

/// C[i,j] (+)= Σ_p A[i,p] · B[p,j] for i < m ≤ 32, j < n ≤ 32, p < depth. Nothing beyond m and n is
/// read or written.
struct SplitTile {
  const unsigned char *a, *b;  // panels at a multiple of split_depth_unit
  int64_t depth;
  float* c;
  int64_t c_row;
  int m, n;
  bool accumulate;
  /// Whether to look at the result. If not, tile() returns true.
  bool check;
  /// Later tiles will read ahead_lines of 64 bytes from here on. They are fetched to the
  /// second-level cache meanwhile. Not all of them need to exist.
  const unsigned char* ahead = nullptr;
  int64_t ahead_lines = 0;
};

struct SplitKernels {
  /// begin is called before the first tile on a thread and sets the registers up. end is called
  /// after the last tile and frees them, so that a change of threads is cheap again.
  void (*begin)();
  void (*end)();
  /// Copies elements (i, p), i < count ≤ 32, p < depth, to a panel. Element (i, p) is
  /// source[i·stride + p] if depth_contiguous, else source[p·stride + i].
  void (*pack_a)(unsigned char* panel, const float* source, int64_t stride, bool depth_contiguous, int64_t count, int64_t depth);
  void (*pack_b)(unsigned char* panel, const float* source, int64_t stride, bool depth_contiguous, int64_t count, int64_t depth);
  /// Computes a tile. Returns false if it holds an infinity or NaN.
  bool (*tile)(const SplitTile& tile);
};

extern const SplitKernels split_amx;

}  // namespace easel
