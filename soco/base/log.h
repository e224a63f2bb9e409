// SPDX-License-Identifier: MIT
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace soco {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Where messages go. Passed as `Logger&` to whatever has something to say; nothing else in the library prints.
class Logger {
 public:
  virtual ~Logger();

  template <class... A>
  void debug(fmt::format_string<A...> format, A&&... arguments) {
    write(LogLevel::kDebug, fmt::format(format, std::forward<A>(arguments)...));
  }
  template <class... A>
  void info(fmt::format_string<A...> format, A&&... arguments) {
    write(LogLevel::kInfo, fmt::format(format, std::forward<A>(arguments)...));
  }
  template <class... A>
  void warning(fmt::format_string<A...> format, A&&... arguments) {
    write(LogLevel::kWarning, fmt::format(format, std::forward<A>(arguments)...));
  }
  template <class... A>
  void error(fmt::format_string<A...> format, A&&... arguments) {
    write(LogLevel::kError, fmt::format(format, std::forward<A>(arguments)...));
  }

  /// One message, without line end. Thread-safe in every implementation.
  virtual void write(LogLevel level, std::string_view message) = 0;

  /// Whether show_status() reaches someone who looks at it now.
  virtual bool interactive() const { return false; }

  /// Draws the line that stays below the messages and is replaced by the next call; empty removes it.
  virtual void show_status(std::string_view line);
};

/// Drops everything.
class NullLogger : public Logger {
 public:
  void write(LogLevel level, std::string_view message) override;
};

enum class ConsoleMode { kAutomatic, kTerminal, kPlain };

/// When a log file is full and what becomes of it: it is renamed NAME.1, what was that NAME.2, and so on.
struct LogRotation {
  std::uint64_t max_bytes = std::uint64_t{64} << 20;
  int keep = 4;  // full ones; the oldest goes
};

/// Messages to a file descriptor (standard error), and with a timestamp to any number of files.
/// On a terminal the status line is erased before each message and redrawn after it; elsewhere it is never written.
class ConsoleLogger : public Logger {
 public:
  /// Messages below `minimum` are dropped. kAutomatic asks the system whether the descriptor is a terminal.
  explicit ConsoleLogger(LogLevel minimum = LogLevel::kInfo, int descriptor = 2,
                         ConsoleMode mode = ConsoleMode::kAutomatic);
  ~ConsoleLogger() override;

  /// Appends all further messages, debug ones too, to this file, as "2024-05-06T07:08:09.123Z level message" (UTC).
  /// Error when it cannot be opened. A write that fails later is told once on the console. One process writes a file.
  void add_file(const std::filesystem::path& path, const LogRotation& rotation = {});

  void write(LogLevel level, std::string_view message) override;
  bool interactive() const override;
  void show_status(std::string_view line) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The message with control characters written out (\x1b), so that a hostile file name cannot steer the terminal.
/// Line ends and tabs stay.
std::string printable(std::string_view message);

}  // namespace soco
