// SPDX-License-Identifier: MIT
#pragma once
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>

namespace soco::testing {

/// A child that runs `body` and says "ready" through the pipe it is given; wait_ready() waits for that. kill() ends it
/// as a power cut would: no destructor, no flush.
class ChildProcess {
 public:
  /// `body` gets a function to call when it is ready; after it returns the child waits to be killed.
  explicit ChildProcess(const std::function<void(const std::function<void()>&)>& body) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
    process_ = fork();
    if (process_ < 0) throw std::runtime_error("fork failed");
    if (process_ == 0) {
      try {
        body([&] { static_cast<void>(!write(ends[1], "r", 1)); });
      } catch (...) {
        _exit(1);
      }
      while (true) pause();
    }
    close(ends[1]);
    read_end_ = ends[0];
  }
  ~ChildProcess() {
    kill();
    close(read_end_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// False when the child ended before it was ready.
  bool wait_ready() {
    char byte = 0;
    return read(read_end_, &byte, 1) == 1;
  }
  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
  }

 private:
  pid_t process_ = 0;
  int read_end_ = -1;
};

}  // namespace soco::testing
