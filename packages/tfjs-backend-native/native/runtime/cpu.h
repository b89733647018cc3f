// Which instruction sets this processor (and its operating system) can run, and which one the kernels use.
#pragma once

namespace easel {

/// Instruction sets that kernels are written for, in ascending order of preference.
enum class Target : int { serial = 0, avx2 = 1, avx512 = 2 };

constexpr int target_count = 3;

/// "serial", "avx2" or "avx512".
const char* target_name(Target target);

/// True if this machine can run the target's code.
bool supports(Target target);

/// The target in use: EASEL_CPU if set and supported, else the best supported one.
Target current_target();

/// Uses another target from now on, process-wide; the caller has checked supports().
void set_target(Target target);

/// Finds a target by name; false if there is none of that name.
bool parse_target(const char* name, Target* target);

/// The processor's own name ("AMD EPYC 9R14"), or "unknown".
const char* cpu_name();

}  // namespace easel
