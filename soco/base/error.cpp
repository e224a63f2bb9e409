// SPDX-License-Identifier: MIT
#include "soco/base/error.h"

#include <system_error>

namespace soco {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kFailed:
      return 1;
    case ErrorKind::kUsage:
      return 2;
    case ErrorKind::kInterrupted:
      return 75;  // EX_TEMPFAIL of sysexits.h: try again
    case ErrorKind::kNotFinite:
      return 86;  // beyond those of sysexits.h, below those of shells and signals
  }
  return 1;
}

std::string errno_text(int error_number) {
  return fmt::format("{} ({})", std::generic_category().message(error_number), error_number);
}

void assertion_failed(const char* condition, const char* file, int line) {
  throw std::logic_error(
      fmt::format("{}:{}: internal check failed: {}; this is a fault of the program", file, line, condition));
}

}  // namespace soco
