#include "runtime/cpu.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace easel {
namespace {

const char* const names[target_count] = {"serial", "avx2", "avx512", "neon", "amx"};

#if defined(__x86_64__)
/// F16C, which not every compiler's __builtin_cpu_supports knows. Processors with AVX2 have it.
bool has_float16_conversions() {
  unsigned int eax, ebx, ecx, edx;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & 1u << 29) != 0;
}

/// Whether the processor has AMX with bfloat16 and the system lets this process use it. Linux makes
/// room for the registers only in processes that ask.
bool may_use_matrix_registers() {
#if defined(__linux__) && (defined(__clang__) || __GNUC__ >= 11)
  unsigned int eax, ebx, ecx, edx;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return false;
  constexpr unsigned int amx_bf16 = 1u << 22, amx_tile = 1u << 24;
  if (!(edx & amx_bf16) || !(edx & amx_tile)) return false;
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM of asm/prctl.h, and the state's number in XCR0
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}
#endif

Target best_target() {
  const char* forced = setting("CPU");
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

const char* setting(const char* name) {
  char whole[64];
  std::snprintf(whole, sizeof(whole), "TFJS_NATIVE_%s", name);
  if (const char* value = std::getenv(whole)) return value;
  std::snprintf(whole, sizeof(whole), "EASEL_%s", name);
  return std::getenv(whole);
}

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
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_float16_conversions();
    case Target::avx512:
      return supports(Target::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case Target::amx: {
      static const bool usable = supports(Target::avx512) && may_use_matrix_registers();
      return usable;
    }
    case Target::neon:
      return false;
  }
  return false;
#elif defined(__aarch64__)
  return target == Target::serial || target == Target::neon;  // AArch64 always has NEON with fused multiply-add
#else
  return target == Target::serial;
#endif
}

Target current_target() { return static_cast<Target>(chosen().load(std::memory_order_relaxed)); }

void set_target(Target target) { chosen().store(static_cast<int>(target), std::memory_order_relaxed); }

#if defined(__aarch64__) && !defined(__APPLE__)
namespace {

/// Linux knows two numbers of an ARM processor, from MIDR_EL1, in /proc/cpuinfo. These are the
/// names of cores that serve Node.
struct Core {
  unsigned int implementer, part;
  const char* name;
};
const Core cores[] = {
    {0x41, 0xd03, "ARM Cortex-A53"},  {0x41, 0xd05, "ARM Cortex-A55"},  {0x41, 0xd07, "ARM Cortex-A57"},   {0x41, 0xd08, "ARM Cortex-A72"},
    {0x41, 0xd09, "ARM Cortex-A73"},  {0x41, 0xd0b, "ARM Cortex-A76"},  {0x41, 0xd0c, "ARM Neoverse N1"},  {0x41, 0xd40, "ARM Neoverse V1"},
    {0x41, 0xd49, "ARM Neoverse N2"}, {0x41, 0xd4f, "ARM Neoverse V2"}, {0xc0, 0xac3, "Ampere-1"},         {0xc0, 0xac4, "Ampere-1A"},
};

const char* core_name() {
  FILE* file = std::fopen("/proc/cpuinfo", "r");
  if (!file) return nullptr;
  unsigned int implementer = 0, part = 0;
  char line[256];
  while (std::fgets(line, sizeof(line), file)) {
    if (std::sscanf(line, "CPU implementer : %x", &implementer) == 1) continue;
    if (std::sscanf(line, "CPU part : %x", &part) == 1) break;  // the first core's
  }
  std::fclose(file);
  for (const Core& core : cores) {
    if (core.implementer == implementer && core.part == part) return core.name;
  }
  static char other[48];
  if (!part) return nullptr;
  std::snprintf(other, sizeof(other), "ARM implementer 0x%02x part 0x%03x", implementer, part);
  return other;
}

}  // namespace
#endif

int64_t second_level_cache() {
  int64_t bytes = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
  bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
  return bytes > 0 ? bytes : int64_t{1} << 20;
}

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
#elif defined(__APPLE__)
  static char name[128] = {};
  static const bool known = [] {
    size_t bytes = sizeof(name);
    return sysctlbyname("machdep.cpu.brand_string", name, &bytes, nullptr, 0) == 0;
  }();
  if (known) return name;
#elif defined(__aarch64__)
  static const char* const name = core_name();
  if (name) return name;
#endif
  return "unknown";
}

}  // namespace easel
