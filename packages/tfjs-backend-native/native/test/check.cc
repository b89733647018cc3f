#include "test/check.h"

#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/float_bits.h"

namespace easel {
namespace test {
namespace {

constexpr uint32_t mark = 0x7fc0dead;  // a NaN, so that a mark that is read shows in results
constexpr int64_t most_printed = 8;  // of a group

char label[512] = "start";
char group_name[64] = "", group_target[16] = "";
int64_t compared = 0, failed = 0, printed = 0;
double worst = 0;
uint64_t state = 1;

/// Mappings are reused, since making one under an emulator is expensive.
struct Mapping {
  float* pages;
  int64_t floats;
};
std::vector<Mapping> unused;

float* map_pages(int64_t floats) {
  for (size_t i = 0; i < unused.size(); i++) {
    if (unused[i].floats != floats) continue;
    float* pages = unused[i].pages;
    unused.erase(unused.begin() + static_cast<int64_t>(i));
    return pages;
  }
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), bytes = static_cast<size_t>(floats) * sizeof(float);
  void* pages = mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || mprotect(static_cast<char*>(pages) + bytes, page, PROT_NONE) != 0) {
    std::perror("mmap");
    std::exit(2);
  }
  return static_cast<float*>(pages);
}

void on_fault(int) {
  const char text[] = "FAILED: read or wrote beyond an array: ";
  (void)!write(1, text, sizeof(text) - 1);
  (void)!write(1, label, std::strlen(label));
  (void)!write(1, "\n", 1);
  _exit(1);
}

void print_failure(const char* format, ...) {
  failed++;
  if (++printed > most_printed) return;
  std::printf("FAILED: %s, %s: %s: ", group_name, group_target, label);
  va_list args;
  va_start(args, format);
  std::vprintf(format, args);
  va_end(args);
  std::printf("\n");
}

}  // namespace

Array::Array(int64_t n, int64_t gap) : size_(n) {
  static const bool watched = std::signal(SIGSEGV, on_fault) != SIG_ERR && std::signal(SIGBUS, on_fault) != SIG_ERR;
  (void)watched;
  const int64_t page = sysconf(_SC_PAGESIZE) / static_cast<int64_t>(sizeof(float));
  page_floats_ = (n + gap + 64 + page - 1) / page * page;  // some marks in front in any case
  pages_ = map_pages(page_floats_);
  float filler;
  std::memcpy(&filler, &mark, sizeof(filler));
  for (int64_t i = 0; i < page_floats_; i++) pages_[i] = filler;
  data_ = pages_ + page_floats_ - gap - n;
}

Array::~Array() {
  for (float* p = pages_; p < pages_ + page_floats_; p++) {
    if (p == data_) p += size_;
    if (p < pages_ + page_floats_ && bits_of(*p) != mark) {
      print_failure("wrote outside of an array of %lld, at %lld", static_cast<long long>(size_), static_cast<long long>(p - data_));
      break;
    }
  }
  unused.push_back({pages_, page_floats_});
}

void Array::fill_random(float spread) {
  for (int64_t i = 0; i < size_; i++) {
    data_[i] = spread * static_cast<float>(std::sqrt(-2 * std::log(1 - uniform())) * std::cos(6.283185307179586 * uniform()));
  }
}

void Array::fill(float value) {
  for (int64_t i = 0; i < size_; i++) data_[i] = value;
}

void Array::copy(const Array& other) {
  for (int64_t i = 0; i < size_; i++) data_[i] = other[i];
}

void describe(const char* format, ...) {
  va_list args;
  va_start(args, format);
  std::vsnprintf(label, sizeof(label), format, args);
  va_end(args);
}

void describe_group(const char* name, const char* target) {
  std::snprintf(group_name, sizeof(group_name), "%s", name);
  std::snprintf(group_target, sizeof(group_target), "%s", target);
  worst = 0;
  printed = 0;
}

void expect(double got, double reference, const Tolerance& tolerance, int64_t index) {
  compared++;
  if (std::isnan(reference) ? std::isnan(got) : got == reference) return;
  const double most = std::numeric_limits<float>::max();
  if (std::isinf(got) && std::fabs(reference) >= most * (1 - 1e-7 * (tolerance.ulps + 1)) && (got > 0) == (reference > 0)) return;
  const double size = std::fmax(std::fabs(reference), tolerance.scale);
  const double unit = size > 0 ? std::ldexp(1.0, std::fmax(-126, std::ilogb(size)) - 23) : std::ldexp(1.0, -149);
  const double error = std::fabs(got - reference), ulps = std::fmax(0.0, error - tolerance.floor) / unit;
  if (ulps > worst) worst = ulps;
  if (!(ulps <= tolerance.ulps)) {
    print_failure("[%lld] is %.9g, expected %.9g within %g ulp of %g", static_cast<long long>(index), got, reference, tolerance.ulps, size);
  }
}

void expect_true(bool holds, const char* what) {
  compared++;
  if (!holds) print_failure("%s", what);
}

double worst_ulps() { return worst; }
int64_t comparisons() { return compared; }
int64_t failures() { return failed; }

std::vector<int64_t> lengths(int64_t l) {
  return {0, 1, 2, 3, l - 1, l, l + 1, 2 * l - 1, 2 * l + 1, 4 * l - 1, 4 * l, 4 * l + 1, 9 * l + 3};
}

double uniform() {
  state += 0x9e3779b97f4a7c15u;  // splitmix64
  uint64_t z = state;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ z >> 31) >> 11) * 0x1p-53;
}

}  // namespace test
}  // namespace easel
