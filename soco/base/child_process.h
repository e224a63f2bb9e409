// SPDX-License-Identifier: MIT
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace soco {

/// What a child process is started with.
struct ChildStart {
  std::filesystem::path program;
  std::vector<std::string> arguments;                          // without the program's name
  std::vector<std::pair<std::string, std::string>> variables;  // set or replaced in this process's environment
  std::filesystem::path output;  // what it prints is appended to this file; empty: goes where ours goes
};

/// How a child ended.
struct ChildEnd {
  int status = 0;  // as waitpid gives it

  /// Its exit code, 128 + number for one that a signal ended.
  int code() const;
  /// "ended with exit code 3", "was ended by signal 9 (Killed)".
  std::string text() const;
};

/// A program that runs beside this one and does not outlive it, however this one ends. Its process group is its own, so
/// that a terminal's Ctrl-C reaches it through us alone: once.
class ChildProcess {
 public:
  /// Error when it cannot be started or `output` cannot be written.
  explicit ChildProcess(const ChildStart& start);
  /// Kills it when it still runs.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, 0)), id_(other.id_) {}
  ChildProcess& operator=(ChildProcess&&) = delete;

  /// Its end, told once; empty while it runs and ever after.
  std::optional<ChildEnd> poll();
  bool running() const { return pid_ > 0; }
  void signal(int number) const;
  pid_t id() const { return id_; }  // kept after its end

 private:
  pid_t pid_ = 0;  // 0: has ended
  pid_t id_ = 0;
};

}  // namespace soco
