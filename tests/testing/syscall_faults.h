// SPDX-License-Identifier: MIT
#pragma once
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace soco::testing {

/// What happens at one system call of a child: it fails with an errno, a write takes half of what it was given, or the
/// process is killed before the call, so that the call ahead of it was its last.
struct Fault {
  enum class Kind { kNone, kErrno, kShortWrite, kKill };
  Kind kind = Kind::kNone;
  int error_number = 0;  // for kErrno
  int call = -1;         // which, from 0
};

/// How a child ended.
struct FaultedRun {
  int num_calls = 0;       // system calls it made
  bool happened = false;   // the fault was met
  bool succeeded = false;  // its body returned without an exception
  long faulted_number = -1;
};

/// Runs `body` in a child whose every system call is watched by ptrace, as strace does, so that nothing the program,
/// a library or libc does on its way escapes; x86-64 Linux. The child must be single-threaded.
class SyscallFaults {
 public:
#if defined(__x86_64__)
  /// Whether a process may watch its child here; a container can forbid it.
  static bool supported() {
    const pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) _exit(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 ? 0 : 1);
    return wait_for(child) == 0;
  }

  static FaultedRun run(const std::function<void()>& body, const Fault& fault) {
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child == 0) run_child(body);
    FaultedRun result;
    int status = wait_for(child);  // the child's SIGSTOP: from now on it is traced
    if (ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0)
      throw std::runtime_error("ptrace is not allowed here");
    bool entering = true;
    int signal = 0;
    while (true) {
      ptrace(PTRACE_SYSCALL, child, 0, signal);
      status = wait_for(child);
      if (WIFEXITED(status) || WIFSIGNALED(status)) break;
      signal = WSTOPSIG(status);
      if (signal != (SIGTRAP | 0x80)) continue;  // an ordinary signal: delivered by the next call
      signal = 0;
      if (entering) {
        const bool now = result.num_calls++ == fault.call;
        if (now) enter_faulted(child, fault, result);
      } else if (result.happened && result.num_calls == fault.call + 1 && fault.kind == Fault::Kind::kErrno) {
        set_result(child, -fault.error_number);
      }
      entering = !entering;
    }
    result.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return result;
  }

 private:
  [[noreturn]] static void run_child(const std::function<void()>& body) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    try {
      body();
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }

  static int wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
      if (errno != EINTR) throw std::runtime_error("waitpid failed");
    return status;
  }

  static void enter_faulted(pid_t child, const Fault& fault, FaultedRun& result) {
    user_regs_struct registers{};
    ptrace(PTRACE_GETREGS, child, 0, &registers);
    result.faulted_number = static_cast<long>(registers.orig_rax);
    const bool is_write = result.faulted_number == SYS_write || result.faulted_number == SYS_pwrite64;
    const bool is_exit = result.faulted_number == SYS_exit_group;  // cannot fail
    result.happened = fault.kind == Fault::Kind::kKill || (fault.kind == Fault::Kind::kErrno && !is_exit) ||
                      (fault.kind == Fault::Kind::kShortWrite && is_write && registers.rdx > 1);
    if (!result.happened) return;
    if (fault.kind == Fault::Kind::kKill) ::kill(child, SIGKILL);
    if (fault.kind == Fault::Kind::kErrno) registers.orig_rax = ~0ULL;  // no call at all
    if (fault.kind == Fault::Kind::kShortWrite) registers.rdx /= 2;
    ptrace(PTRACE_SETREGS, child, 0, &registers);
  }

  static void set_result(pid_t child, long value) {
    user_regs_struct registers{};
    ptrace(PTRACE_GETREGS, child, 0, &registers);
    registers.rax = static_cast<unsigned long long>(value);
    ptrace(PTRACE_SETREGS, child, 0, &registers);
  }
#else
  static bool supported() { return false; }
  static FaultedRun run(const std::function<void()>&, const Fault&) { return {}; }
#endif
};

/// Calls `check(run, what)` after a run of `body` for each system call it makes and each way in which that can go
/// wrong: it fails with each of `errors`, is cut short, or is not reached; `prepare` sets the scene before each run.
/// Returns the number of faults that were met.
inline int for_each_syscall_fault(const std::function<void()>& prepare, const std::function<void()>& body,
                                  const std::function<void(const FaultedRun&, const std::string&)>& check,
                                  const std::vector<int>& errors = {ENOSPC, EIO, EINTR}) {
  struct Way {
    Fault::Kind kind;
    int error_number;
    std::string name;
  };
  std::vector<Way> ways{{Fault::Kind::kShortWrite, 0, "short write"}, {Fault::Kind::kKill, 0, "kill before"}};
  for (const int error : errors) ways.push_back({Fault::Kind::kErrno, error, "error " + std::to_string(error)});
  int num_met = 0;
  for (const Way& way : ways) {
    for (int call = 0;; ++call) {
      prepare();
      const FaultedRun run = SyscallFaults::run(body, {way.kind, way.error_number, call});
      if (run.num_calls <= call) break;  // there are no more
      if (!run.happened) continue;
      ++num_met;
      check(run, way.name + " at call " + std::to_string(call) + ", number " + std::to_string(run.faulted_number));
    }
  }
  return num_met;
}

}  // namespace soco::testing
