// SPDX-License-Identifier: MIT
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace soco {

/// What went wrong, as the command line's exit code will say it.
enum class ErrorKind {
  kFailed,       ///< exit code 1: the work could not be done (a bad file, a full disk)
  kUsage,        ///< exit code 2: the caller asked for something that is not allowed (a key, a value)
  kInterrupted,  ///< exit code 75: stopped by a signal; the same command continues the work
  kNotFinite,    ///< exit code 86: training met numbers that are not finite, and gave up
};

/// The exit code of the program for an error of this kind.
int exit_code(ErrorKind kind);

/// An error the user can act upon. The text names the file or option, the value found, what was expected, the remedy.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  explicit Error(const std::string& message) : Error(ErrorKind::kFailed, message) {}

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// Throws an Error of kind kFailed with the formatted text.
template <class... A>
[[noreturn]] void fail(fmt::format_string<A...> format, A&&... arguments) {
  throw Error(ErrorKind::kFailed, fmt::format(format, std::forward<A>(arguments)...));
}

/// Throws an Error of kind kUsage with the formatted text.
template <class... A>
[[noreturn]] void fail_usage(fmt::format_string<A...> format, A&&... arguments) {
  throw Error(ErrorKind::kUsage, fmt::format(format, std::forward<A>(arguments)...));
}

/// The system's text for an errno value, e.g. "No such file or directory (2)". Thread-safe.
std::string errno_text(int error_number);

/// Throws std::logic_error naming the place; called by SOCO_ASSERT alone.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace soco

/// Checks for our own bugs: throws std::logic_error with file and line. Never compiled out.
#define SOCO_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::soco::assertion_failed(#condition, __FILE__, __LINE__))
