// Which instruction sets this processor (and its operating system) can run, and which one the
// kernels use.
#pragma once

#include <cstdint>

namespace easel {

/// The instruction sets that kernels are written for. Those of one architecture are in ascending
/// order of preference. serial runs everywhere; avx2, avx512 and amx (AVX-512 with matrix
/// registers) are for x86-64; neon is for AArch64.
enum class Target : int { serial = 0, avx2 = 1, avx512 = 2, neon = 3, amx = 4 };

constexpr int target_count = 5;

/// "serial", "avx2", "avx512", "neon" or "amx".
const char* target_name(Target target);

/// Whether this machine can run the target's code.
bool supports(Target target);

/// The target in use: TFJS_NATIVE_CPU if it is set and supported, else the best supported one.
Target current_target();

/// The environment's TFJS_NATIVE_name, or its older name, EASEL_name. Null if neither is set.
const char* setting(const char* name);

/// Switches the process to another target. The caller has checked supports().
void set_target(Target target);

/// Finds a target by name. Returns false if none has that name.
bool parse_target(const char* name, Target* target);

/// The bytes of one core's second-level cache; 1 MiB where the system does not say.
int64_t second_level_cache();

/// The processor's name ("AMD EPYC 9R14"; on ARM under Linux the core's, "ARM Neoverse N1"), or
/// "unknown".
const char* cpu_name();

}  // namespace easel
