// SPDX-License-Identifier: MIT
// What the programs of this folder share.
#pragma once
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "soco/base/allocator.h"

namespace soco {

/// The middle one of the values, of an even number the upper.
inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// The most memory this process has held so far.
inline double peak_gib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

/// main(): runs `run` on the arguments, with the memory kept that is freed, as the program has it; an error is printed
/// after the program's name, exit code 1.
template <class Run>
int run_program(const char* name, int argc, char** argv, const Run& run) {
  try {
    keep_freed_memory();
    run(std::vector<std::string>(argv + 1, argv + argc));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 1;
  }
}

}  // namespace soco
