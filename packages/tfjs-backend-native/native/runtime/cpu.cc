#include "runtime/cpu.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace easel {
namespace {

const char* const names[target_count] = {"serial", "avx2", "avx512"};

Target best_target() {
  const char* forced = std::getenv("EASEL_CPU");
  Target target;
  if (forced && parse_target(forced, &target) && supports(target)) return target;
  for (int t = target_count - 1; t > 0; t--) {
    if (supports(static_cast<Target>(t))) return static_cast<Target>(t);
  }
  return Target::serial;
}

std::atomic<int>& chosen() {
  static std::atomic<int> target{static_cast<int>(best_target())};
  return target;
}

}  // namespace

const char* target_name(Target target) { return names[static_cast<int>(target)]; }

bool parse_target(const char* name, Target* target) {
  for (int t = 0; t < target_count; t++) {
    if (std::strcmp(names[t], name) == 0) {
      *target = static_cast<Target>(t);
      return true;
    }
  }
  return false;
}

bool supports(Target target) {
#if defined(__x86_64__)
  // __builtin_cpu_supports also asks xgetbv whether the operating system saves the wide registers.
  __builtin_cpu_init();
  switch (target) {
    case Target::serial:
      return true;
    case Target::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Target::avx512:
      return supports(Target::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
  return false;
#else
  return target == Target::serial;
#endif
}

Target current_target() { return static_cast<Target>(chosen().load(std::memory_order_relaxed)); }

void set_target(Target target) { chosen().store(static_cast<int>(target), std::memory_order_relaxed); }

const char* cpu_name() {
#if defined(__x86_64__)
  static char name[49] = {};
  static const bool known = [] {
    unsigned int words[12];
    if (__get_cpuid_max(0x80000000u, nullptr) < 0x80000004u) return false;
    for (unsigned int i = 0; i < 3; i++) {
      __get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]);
    }
    std::memcpy(name, words, 48);
    return true;
  }();
  if (known) {
    const char* start = name;
    while (*start == ' ') start++;
    return start;
  }
#endif
  return "unknown";
}

}  // namespace easel
