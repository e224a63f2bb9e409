// SPDX-License-Identifier: MIT
#pragma once
#include <sys/resource.h>

#include <fstream>

namespace soco::testing {

/// kB by which the process's resident memory rises at the most while `action` runs, whatever it has been before: the
/// kernel's high-water mark is set back first (proc(5), clear_refs).
template <class Action>
long peak_memory_kb(Action&& action) {
  std::ofstream("/proc/self/clear_refs") << 5 << std::flush;
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  action();
  getrusage(RUSAGE_SELF, &after);
  return after.ru_maxrss - before.ru_maxrss;
}

}  // namespace soco::testing
