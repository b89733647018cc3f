// Products whose operands are copied to panels first (Goto and van de Geijn; see gemm.h). This file
// decides how they are cut into tasks and what is where in the caches. The target decides on the
// form of the panels and does the arithmetic.
#include <cstddef>

#include "kernels/gemm/products.h"
#include "kernels/gemm/split.h"
#include "runtime/block.h"
#include "runtime/cpu.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// The depth of B, and the elements of B, that are packed at once: 16 MiB of floats.
constexpr int64_t most_packed_depth = 4096;
constexpr int64_t most_packed_elements = int64_t{4} << 20;

/// How many elements a unit of packing copies. pack_run is the length of the runs that it reads
/// where runs are not along the depth.
constexpr int64_t pack_work = 65536;
constexpr int64_t pack_run = 1024;

/// The second-level cache that panels are laid out for.
int64_t cache_bytes() {
  static const int64_t bytes = max_of(min_of(second_level_cache(), int64_t{4} << 20), int64_t{256} << 10);
  return bytes;
}

/// One tile of C from a panel of A and one of B, each from some depth on.
struct TileTask {
  const char *a, *b;
  int64_t depth;
  float* c;
  int64_t c_row;
  int m, n;
  bool accumulate;
  bool last;  // no more will be added
  /// Memory that later tiles will read, or null, and its size. It is fetched to the cache
  /// meanwhile. Not all of it needs to exist.
  const char* ahead;
  int64_t ahead_bytes;
};

// The form of panels is a type with
//
//   tile_m, tile_n, depth            size of a tile, and the depth that is summed before it is added
//                                    to C: this decides the order of a sum
//   depth_unit                       panels are read from its multiples and packed in pieces of it
//   a_bytes, b_bytes, slack          bytes of a panel for each step of depth, and bytes after a panel
//                                    that may be overwritten
//   a_block, b_block                 bytes of a block of A, and of B, that are in the second-level
//                                    cache together
//   most_own_b                       the most bytes of packed B that each thread packs for itself
//   pack_cost, fetch_cost            what copying an element of A, and fetching one of B for a task,
//                                    cost in multiply-adds
//   pack_a, pack_b, multiply         see FloatPanels; multiply returns false if the tile must be
//                                    computed again, in place
//   OnThread                         made before the first tile on a thread, destroyed after the last

/// Panels of floats: element (i, p) is panel[p·width + i].
struct FloatPanels {
  const GemmKernels& kernels;
  const int64_t tile_m, tile_n, depth;
  const int64_t a_width, a_bytes, b_bytes;
  const int64_t a_block = cache_bytes() / 4, b_block = cache_bytes() / 4;
  static constexpr int64_t depth_unit = 8;
  static constexpr int64_t slack = pack_slack * static_cast<int64_t>(sizeof(float));
  static constexpr double pack_cost = 20, fetch_cost = 10;
  static constexpr int64_t most_own_b = int64_t{256} << 10;

  explicit FloatPanels(const GemmKernels& table)
      : kernels(table),
        tile_m(table.tile_m),
        tile_n(table.tile_n),
        depth(table.depth),
        a_width(ceil_div(2 * tile_m, tile_n) * tile_n / 2),  // whole vectors, of which tile_n holds two
        a_bytes(a_width * static_cast<int64_t>(sizeof(float))),
        b_bytes(tile_n * static_cast<int64_t>(sizeof(float))) {}

  struct OnThread {
    explicit OnThread(const FloatPanels&) {}
  };

  void pack_a(char* panel, const float* source, int64_t stride, bool depth_contiguous, int64_t count, int64_t steps) const {
    (depth_contiguous ? kernels.pack_rows : kernels.pack_columns)(reinterpret_cast<float*>(panel), a_width, source, stride, count, steps);
  }

  void pack_b(char* panel, const float* source, int64_t stride, bool depth_contiguous, int64_t count, int64_t steps) const {
    (depth_contiguous ? kernels.pack_rows : kernels.pack_columns)(reinterpret_cast<float*>(panel), tile_n, source, stride, count, steps);
  }

  bool multiply(const TileTask& task) const {
    GemmTile tile = one_segment_tile(1, a_width, tile_n, task.c_row);
    tile.a = reinterpret_cast<const float*>(task.a);
    tile.b = reinterpret_cast<const float*>(task.b);
    tile.depth = task.depth;
    tile.c = task.c;
    tile.m = task.m;
    tile.n = task.n;
    tile.accumulate = task.accumulate;
    tile.ahead = reinterpret_cast<const float*>(task.ahead);
    kernels.tile(tile);
    return true;
  }
};

#if defined(__x86_64__)
/// Panels of bfloat16 parts.
struct SplitPanels {
  const SplitKernels& kernels;
  const int64_t a_block = cache_bytes() * 3 / 8, b_block = cache_bytes() / 8;
  static constexpr int64_t tile_m = split_tile, tile_n = split_tile, depth = 1024, depth_unit = split_depth_unit;
  static constexpr int64_t a_bytes = split_bytes, b_bytes = split_bytes, slack = 0;
  static constexpr double pack_cost = 30, fetch_cost = 20;
  static constexpr int64_t most_own_b = int64_t{512} << 10;

  /// Holds the tile registers while a thread uses them.
  struct OnThread {
    const SplitKernels& kernels;
    explicit OnThread(const SplitPanels& panels) : kernels(panels.kernels) { kernels.begin(); }
    ~OnThread() { kernels.end(); }
    OnThread(const OnThread&) = delete;
    OnThread& operator=(const OnThread&) = delete;
  };

  void pack_a(char* panel, const float* source, int64_t stride, bool depth_contiguous, int64_t count, int64_t steps) const {
    kernels.pack_a(reinterpret_cast<unsigned char*>(panel), source, stride, depth_contiguous, count, steps);
  }

  void pack_b(char* panel, const float* source, int64_t stride, bool depth_contiguous, int64_t count, int64_t steps) const {
    kernels.pack_b(reinterpret_cast<unsigned char*>(panel), source, stride, depth_contiguous, count, steps);
  }

  bool multiply(const TileTask& task) const {
    SplitTile tile{};
    tile.a = reinterpret_cast<const unsigned char*>(task.a);
    tile.b = reinterpret_cast<const unsigned char*>(task.b);
    tile.depth = task.depth;
    tile.c = task.c;
    tile.c_row = task.c_row;
    tile.m = task.m;
    tile.n = task.n;
    tile.accumulate = task.accumulate;
    tile.check = task.last;
    tile.ahead = reinterpret_cast<const unsigned char*>(task.ahead);
    tile.ahead_lines = task.ahead_bytes / 64;
    return kernels.tile(tile);
  }
};
#endif

/// Copies a block of one operand to panels side by side. p runs over the sum. The block's element
/// (i, p) is at source[i·stride + p] if the depth is contiguous, else at source[p·stride + i].
template <typename Form, bool OfA>
struct Packing {
  const Form& form;
  const Matrix& matrix;
  const float* source;
  int64_t count, depth;
  char* panels;
  int64_t panel_bytes;

  bool depth_contiguous() const { return OfA != matrix.transposed; }
  int64_t tile() const { return OfA ? form.tile_m : form.tile_n; }
  int64_t step_bytes() const { return OfA ? form.a_bytes : form.b_bytes; }
  int64_t panel_count() const { return ceil_div(count, tile()); }
  /// The panels, and the depth, of a unit of work. Where the source runs along the panels, a unit
  /// reads runs of some pages.
  int64_t unit_panels() const { return depth_contiguous() ? max_of(1, pack_work / (depth * tile())) : max_of(1, pack_run / tile()); }
  int64_t unit_depth() const { return depth_contiguous() ? depth : pack_work / pack_run; }
  int64_t units() const { return ceil_div(panel_count(), unit_panels()) * ceil_div(depth, unit_depth()); }

  void run_on_all_threads() const {
    parallel_for(units(), 1, [this](int64_t begin, int64_t end) { run(begin, end); });
  }

  void run() const { run(0, units()); }

  void run(int64_t begin, int64_t end) const {
    for (int64_t unit = begin; unit < end; unit++) run_unit(unit);
  }

  void run_unit(int64_t unit) const {
    const int64_t parts = ceil_div(depth, unit_depth());
    const int64_t first = unit / parts * unit_panels(), last = min_of(panel_count(), first + unit_panels());
    const int64_t p_begin = unit % parts * unit_depth(), p_end = min_of(depth, p_begin + unit_depth());
    // Runs are read front to back, some rows in turn.
    const int64_t piece = depth_contiguous() ? depth : form.depth_unit;
    for (int64_t p = p_begin; p < p_end; p += piece) {
      for (int64_t q = first; q < last; q++) pack_panel(q, p, min_of(piece, p_end - p));
    }
  }

  void pack_panel(int64_t q, int64_t p, int64_t steps) const {
    const int64_t stride = matrix.stride, i = q * tile();
    char* const panel = panels + q * panel_bytes + p * step_bytes();
    const float* const from = source + (depth_contiguous() ? i * stride + p : p * stride + i);
    if (OfA) {
      form.pack_a(panel, from, stride, depth_contiguous(), min_of(tile(), count - i), steps);
    } else {
      form.pack_b(panel, from, stride, depth_contiguous(), min_of(tile(), count - i), steps);
    }
  }
};

/// Computes a tile again from the operands, with multiply-adds. This is for tiles whose parts do
/// not tell their sums (split.h).
bool again_in_place(const GemmKernels& kernels, const Product& x, int64_t i, int64_t j, const TileTask& task) {
  return product_in_place(kernels, task.m, task.n, x.k, x.a.from(i, 0), x.b.from(0, j), task.c, task.c_row, 2);
}

/// How a product is cut into tasks, counted in panels. Each task multiplies a block of rows by a
/// group of columns.
struct Cut {
  int64_t row_panels, column_panels;  // of a task
  int64_t row_tasks, column_tasks;

  int64_t tasks() const { return row_tasks * column_tasks; }
};

/// The cut that ends first, by estimate. It may depend on the number of threads, since an element's
/// sum does not depend on the cut.
template <typename Form>
Cut cut_product(const Form& form, int64_t m, int64_t n, int64_t most_row_panels) {
  const int64_t row_panels = ceil_div(m, form.tile_m), column_panels = ceil_div(n, form.tile_n);
  const int64_t threads = thread_count();
  const int64_t fewest_rows = ceil_div(row_panels, most_row_panels);
  Cut best{};
  double best_time = 0;
  for (int64_t rows = fewest_rows; rows <= row_panels && rows <= fewest_rows + 4 * threads; rows++) {
    for (int64_t columns = 1; columns <= column_panels && columns <= 4 * threads; columns++) {
      const Cut cut{ceil_div(row_panels, rows), ceil_div(column_panels, columns), rows, columns};
      const double cut_rows = static_cast<double>(cut.row_panels * form.tile_m), cut_columns = static_cast<double>(cut.column_panels * form.tile_n);
      const double each = cut_rows * cut_columns + Form::pack_cost * cut_rows + Form::fetch_cost * cut_columns;
      const double time = each * (static_cast<double>(ceil_div(rows * columns, threads)) + (threads > 1 ? 0.2 : 0));
      if (best_time == 0 || time < best_time) {
        best = cut;
        best_time = time;
      }
    }
  }
  best.row_tasks = ceil_div(row_panels, best.row_panels);
  best.column_tasks = ceil_div(column_panels, best.column_panels);
  return best;
}

/// A product on all threads. All of them pack a slab of B: as many columns and as much of the depth
/// as most_packed_elements hold. Then each task packs its rows of A, part by part of the depth, to
/// panels of its own, which stay in its second-level cache, and multiplies them by its columns of
/// the slab. Where B is small, each task packs all of it instead: 256 × 256 × 256 takes 0.061 ms
/// that way, else 0.082.
template <typename Form>
class PackedProduct {
 public:
  PackedProduct(const Form& form, const GemmKernels& kernels, const Product& product)
      : form_(form),
        kernels_(kernels),
        x_(product),
        part_(even_part(x_.k, form.depth, Form::depth_unit)),
        slab_depth_(min_of(x_.k, most_packed_depth / part_ * part_)),
        slab_columns_(even_part(x_.n, max_of(most_packed_elements / slab_depth_, form.tile_n), form.tile_n)),
        row_panels_(ceil_div(x_.m, form.tile_m)),
        block_columns_(max_of(1, form.b_block / (part_ * form.b_bytes))),
        a_panel_(part_ * form.a_bytes + Form::slack),
        b_panel_(round_up_to(slab_depth_, Form::depth_unit) * form.b_bytes + Form::slack) {}

  bool run() {
    if (shares_rows()) return run_shared_rows();
    packed_b_ = static_cast<char*>(scratch(1, static_cast<size_t>(ceil_div(slab_columns_, form_.tile_n) * b_panel_)));
    if (!packed_b_) return false;
    const int64_t most_row_panels = max_of(1, form_.a_block / (part_ * form_.a_bytes));
    for (int64_t j = 0; j < x_.n; j += slab_columns_) {
      slab_ = {j, min_of(slab_columns_, x_.n - j), 0, 0};
      cut_ = cut_product(form_, x_.m, slab_.columns, most_row_panels);
      for (int64_t p = 0; p < x_.k; p += slab_depth_) {
        slab_.p = p;
        slab_.depth = min_of(slab_depth_, x_.k - p);
        Packing<Form, false>{form_, x_.b, x_.b.at(p, j), slab_.columns, slab_.depth, packed_b_, b_panel_}.run_on_all_threads();
        parallel_for(cut_.tasks(), 1, [this](int64_t begin, int64_t end) {
          char* const packed_a = static_cast<char*>(scratch(0, static_cast<size_t>(cut_.row_panels * a_panel_)));
          if (!packed_a) return lacks_memory();
          run_tasks(begin, end, packed_a, packed_b_);
        });
        if (!enough_memory_) return false;
      }
    }
    return true;
  }

 private:
  /// The part of B that is packed: the columns from j on and the depth from p on.
  struct Slab {
    int64_t j, columns, p, depth;
  };

  /// A task's panels of rows and of the slab's columns.
  struct Range {
    int64_t row_begin, row_end, column_begin, column_end;
  };

  /// The panels of B that a thread will need next, from depth p of the slab on.
  struct Next {
    int64_t column, end, p;
  };

  /// Whether each thread packs all of B for itself. Where B is small, fetching what another thread
  /// has packed would take as long.
  bool shares_rows() const {
    const int64_t b_bytes = ceil_div(x_.n, form_.tile_n) * b_panel_, panels_each = ceil_div(row_panels_, thread_count());
    return x_.k <= part_ && x_.n <= slab_columns_ && b_bytes <= Form::most_own_b && panels_each * a_panel_ <= form_.a_block;
  }

  bool run_shared_rows() {
    slab_ = {0, x_.n, 0, x_.k};
    const int64_t panels_each = ceil_div(row_panels_, thread_count());
    cut_ = {panels_each, ceil_div(x_.n, form_.tile_n), ceil_div(row_panels_, panels_each), 1};
    parallel_for(cut_.tasks(), 1, [this](int64_t begin, int64_t end) {
      const int64_t b_bytes = round_up_to(cut_.column_panels * b_panel_, 64);
      char* const packed_b = static_cast<char*>(scratch(0, static_cast<size_t>(b_bytes + cut_.row_panels * a_panel_)));
      if (!packed_b) return lacks_memory();
      Packing<Form, false>{form_, x_.b, x_.b.data, x_.n, x_.k, packed_b, b_panel_}.run();
      run_tasks(begin, end, packed_b + b_bytes, packed_b);
    });
    return enough_memory_;
  }

  Range range_of(int64_t task) const {
    const int64_t row = task / cut_.column_tasks * cut_.row_panels, column = task % cut_.column_tasks * cut_.column_panels;
    return {row, min_of(row_panels_, row + cut_.row_panels), column, min_of(ceil_div(slab_.columns, form_.tile_n), column + cut_.column_panels)};
  }

  void run_tasks(int64_t begin, int64_t end, char* packed_a, const char* packed_b) {
    const typename Form::OnThread on_thread(form_);
    for (int64_t task = begin; task < end; task++) run_task(task, packed_a, packed_b);
  }

  void run_task(int64_t task, char* packed_a, const char* packed_b) {
    const Range range = range_of(task);
    const int64_t row = range.row_begin * form_.tile_m, rows = min_of(x_.m, range.row_end * form_.tile_m) - row;
    for (int64_t p = 0; p < slab_.depth; p += part_) {
      const int64_t depth = min_of(part_, slab_.depth - p);
      Packing<Form, true>{form_, x_.a, x_.a.at(row, slab_.p + p), rows, depth, packed_a, a_panel_}.run();
      for (int64_t block = range.column_begin; block < range.column_end; block += block_columns_) {
        const int64_t block_end = min_of(range.column_end, block + block_columns_);
        multiply_block(range, packed_a, packed_b, p, depth, block, block_end, after_block(task, range, p, block_end));
      }
    }
  }

  /// What follows a block of columns: the next columns, else the next part of the depth, else the
  /// task that this thread takes next if threads keep pace.
  Next after_block(int64_t task, const Range& range, int64_t p, int64_t block_end) const {
    if (block_end < range.column_end) return {block_end, range.column_end, p};
    if (p + part_ < slab_.depth) return {range.column_begin, range.column_end, p + part_};
    const int64_t next_task = task + thread_count();
    if (next_task >= cut_.tasks()) return {0, 0, 0};
    const Range next = range_of(next_task);
    return {next.column_begin, next.column_end, 0};
  }

  /// Multiplies the task's rows by a block of columns, which stays in the second-level cache as
  /// well. Meanwhile the panels of B that come next are brought there.
  void multiply_block(const Range& range, const char* packed_a, const char* packed_b, int64_t p, int64_t depth, int64_t block, int64_t block_end,
                      const Next& next) {
    const int64_t rows = range.row_end - range.row_begin;
    TileTask task{};
    task.depth = depth;
    task.c_row = x_.n;
    task.accumulate = slab_.p + p > 0;
    task.last = slab_.p + p + depth == x_.k;
    task.ahead_bytes = round_up_to(min_of(part_, slab_.depth - next.p) * form_.b_bytes / rows, 64);
    for (int64_t row = 0; row < rows; row++) {
      const int64_t i = (range.row_begin + row) * form_.tile_m;
      task.m = static_cast<int>(min_of(form_.tile_m, x_.m - i));
      task.a = packed_a + row * a_panel_;
      for (int64_t column = block; column < block_end; column++) {
        const int64_t j = slab_.j + column * form_.tile_n, next_column = next.column + column - block;
        task.n = static_cast<int>(min_of(form_.tile_n, slab_.columns - column * form_.tile_n));
        task.b = packed_b + column * b_panel_ + p * form_.b_bytes;
        task.c = x_.c + i * x_.n + j;
        task.ahead = next_column < next.end ? packed_b + next_column * b_panel_ + next.p * form_.b_bytes + row * task.ahead_bytes : nullptr;
        if (!form_.multiply(task) && !again_in_place(kernels_, x_, i, j, task)) lacks_memory();
      }
      if (task.last && !x_.epilogue.empty()) {
        const int64_t j = slab_.j + block * form_.tile_n;
        apply_epilogue(x_.epilogue, x_.c + i * x_.n + j, x_.n, task.m, min_of(slab_.columns, block_end * form_.tile_n) - block * form_.tile_n, j);
      }
    }
  }

  void lacks_memory() { __atomic_store_n(&enough_memory_, false, __ATOMIC_RELAXED); }

  const Form& form_;
  const GemmKernels& kernels_;
  const Product& x_;
  const int64_t part_, slab_depth_, slab_columns_, row_panels_, block_columns_, a_panel_, b_panel_;
  char* packed_b_ = nullptr;
  Slab slab_{};
  Cut cut_{};
  bool enough_memory_ = true;  // threads only ever set it to false
};

/// A product with few rows. A is packed once. Each task packs its strip of columns of B part by
/// part of the depth, which stays in its second-level cache, and multiplies all rows with it.
template <typename Form>
class StripProduct {
 public:
  StripProduct(const Form& form, const GemmKernels& kernels, const Product& product)
      : form_(form),
        kernels_(kernels),
        x_(product),
        part_(even_part(x_.k, form.depth, Form::depth_unit)),
        row_panels_(ceil_div(x_.m, form.tile_m)),
        column_panels_(ceil_div(x_.n, form.tile_n)),
        a_panel_(round_up_to(x_.k, Form::depth_unit) * form.a_bytes + Form::slack),
        b_panel_(part_ * form.b_bytes + Form::slack) {}

  bool run() {
    packed_a_ = static_cast<char*>(scratch(1, static_cast<size_t>(row_panels_ * a_panel_)));
    if (!packed_a_) return false;
    Packing<Form, true>{form_, x_.a, x_.a.data, x_.m, x_.k, packed_a_, a_panel_}.run_on_all_threads();
    width_ = strip_width();
    parallel_for(column_panels_, width_, [this](int64_t begin, int64_t end) { run_strip(begin, end); });
    return enough_memory_;
  }

 private:
  /// How many panels a strip has: as many as fit, but so that threads end together. An element's
  /// sum does not depend on it.
  int64_t strip_width() const {
    const int64_t widest = max_of(1, min_of(column_panels_, form_.b_block / (part_ * form_.b_bytes))), threads = thread_count();
    int64_t width = 1, least = 0;
    for (int64_t w = widest; w > 0 && 4 * w >= widest; w--) {
      const int64_t turns = ceil_div(ceil_div(column_panels_, w), threads) * w;
      if (least == 0 || turns < least) {
        width = w;
        least = turns;
      }
    }
    return width;
  }

  void run_strip(int64_t begin, int64_t end) {
    char* const packed_b = static_cast<char*>(scratch(0, static_cast<size_t>(width_ * b_panel_)));
    if (!packed_b) return lacks_memory();
    const typename Form::OnThread on_thread(form_);
    const int64_t j = begin * form_.tile_n, columns = min_of(x_.n, end * form_.tile_n) - j;
    for (int64_t p = 0; p < x_.k; p += part_) {
      const int64_t depth = min_of(part_, x_.k - p);
      Packing<Form, false>{form_, x_.b, x_.b.at(p, j), columns, depth, packed_b, b_panel_}.run();
      multiply_strip(packed_b, p, depth, j, columns);
    }
    apply_epilogue(x_.epilogue, x_.c + j, x_.n, x_.m, columns, j);
  }

  void multiply_strip(const char* packed_b, int64_t p, int64_t depth, int64_t j0, int64_t columns) {
    TileTask task{};
    task.depth = depth;
    task.c_row = x_.n;
    task.accumulate = p > 0;
    task.last = p + depth == x_.k;
    for (int64_t row = 0; row < row_panels_; row++) {
      const int64_t i = row * form_.tile_m;
      task.m = static_cast<int>(min_of(form_.tile_m, x_.m - i));
      task.a = packed_a_ + row * a_panel_ + p * form_.a_bytes;
      for (int64_t column = 0; column * form_.tile_n < columns; column++) {
        const int64_t j = j0 + column * form_.tile_n;
        task.n = static_cast<int>(min_of(form_.tile_n, columns - column * form_.tile_n));
        task.b = packed_b + column * b_panel_;
        task.c = x_.c + i * x_.n + j;
        if (!form_.multiply(task) && !again_in_place(kernels_, x_, i, j, task)) lacks_memory();
      }
    }
  }

  void lacks_memory() { __atomic_store_n(&enough_memory_, false, __ATOMIC_RELAXED); }

  const Form& form_;
  const GemmKernels& kernels_;
  const Product& x_;
  const int64_t part_, row_panels_, column_panels_, a_panel_, b_panel_;
  char* packed_a_ = nullptr;
  int64_t width_ = 1;
  bool enough_memory_ = true;  // threads only ever set it to false
};

template <template <typename> class Way>
bool run_in_best_form(const GemmKernels& kernels, const Product& product) {
#if defined(__x86_64__)
  if (splits(product)) return Way<SplitPanels>(SplitPanels{split_amx}, kernels, product).run();
#endif
  return Way<FloatPanels>(FloatPanels(kernels), kernels, product).run();
}

}  // namespace

bool splits(const Product& product) {
  // For smaller products, splitting costs more than the registers bring: 16 × 1024 × 1024 took 1.2
  // times as long, 128 × 128 × 128 1.6 times.
  constexpr int64_t fewest = 32, least_work = 4 * small_product;
  const int64_t work = product.m * product.n * product.k;
  return current_target() == Target::amx && product.m >= fewest && product.n >= fewest && product.k >= fewest && work > least_work;
}

bool product_packed(const GemmKernels& kernels, const Product& product) { return run_in_best_form<PackedProduct>(kernels, product); }

bool product_packed_strips(const GemmKernels& kernels, const Product& product) { return run_in_best_form<StripProduct>(kernels, product); }

}  // namespace easel
