// SPDX-License-Identifier: MIT
#include "soco/run/launcher.h"

#include <arpa/inet.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "soco/base/child_process.h"
#include "soco/base/error.h"
#include "soco/base/host.h"
#include "soco/base/signals.h"
#include "soco/run/run_folder.h"

namespace soco {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPoll = std::chrono::milliseconds(20);
constexpr std::int64_t kNoStep = -1;

struct Descriptor {
  int value;
  explicit Descriptor(int descriptor) : value(descriptor) {}
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

/// A TCP port of this machine that is free now.
int free_port() {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = socket.value >= 0 &&
                     ::bind(socket.value, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     ::getsockname(socket.value, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (!bound) fail("no TCP port of this machine can be had: {}", errno_text(errno));
  return ntohs(address.sin_port);
}

/// The ranks of one attempt. Its end kills those that still run.
class Ranks {
 public:
  Ranks(const LaunchOptions& options, const std::vector<std::string>& command, int port)
      : steps_(::memfd_create("soco_steps", 0)) {  // inherited on purpose: see announce_step
    if (steps_.value < 0) fail("cannot make a file in memory: {}", errno_text(errno));
    for (int rank = 0; rank < options.num_ranks; ++rank) {
      const std::int64_t none = kNoStep;
      static_cast<void>(!::pwrite(steps_.value, &none, sizeof none, rank * 8));
      processes_.emplace_back(ChildStart{
          .program = options.program, .arguments = command, .variables = variables(options, rank, port), .output = {}});
    }
  }
  ~Ranks() { signal_all(SIGKILL); }  // all at once: each one's own end would wait for the one before
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  struct End {
    int rank;
    ChildEnd end;
    pid_t process;
  };

  /// A rank that has ended since the last call, if one has.
  std::optional<End> next_end() {
    for (std::size_t rank = 0; rank < processes_.size(); ++rank)
      if (const auto end = processes_[rank].poll()) return End{static_cast<int>(rank), *end, processes_[rank].id()};
    return std::nullopt;
  }

  bool any_left() const {
    return std::any_of(processes_.begin(), processes_.end(), [](const ChildProcess& p) { return p.running(); });
  }

  void signal_all(int number) const {
    for (const ChildProcess& process : processes_) process.signal(number);
  }

  /// The last step that the rank has done, kNoStep when none.
  std::int64_t last_step(int rank) const {
    std::int64_t step = kNoStep;
    return ::pread(steps_.value, &step, sizeof step, rank * 8) == sizeof step ? step : kNoStep;
  }

 private:
  std::vector<std::pair<std::string, std::string>> variables(const LaunchOptions& options, int rank, int port) const {
    return {{"RANK", std::to_string(rank)},
            {"LOCAL_RANK", std::to_string(rank)},
            {"WORLD_SIZE", std::to_string(options.num_ranks)},
            {"LOCAL_WORLD_SIZE", std::to_string(options.num_ranks)},
            {"MASTER_ADDR", "127.0.0.1"},
            {"MASTER_PORT", std::to_string(port)},
            {"SOCO_STEP_FD", std::to_string(steps_.value)}};
  }

  Descriptor steps_;
  std::vector<ChildProcess> processes_;
};

std::string describe_end(const Ranks::End& end, std::int64_t last_step) {
  const std::string where = last_step == kNoStep ? "before its first step" : fmt::format("after step {}", last_step);
  return fmt::format("rank {} (pid {} on {}) {} {}", end.rank, end.process, host_name(), end.end.text(), where);
}

/// One attempt: until all ranks have ended. The code of the first that failed.
int run_once(const LaunchOptions& options, const std::vector<std::string>& command, Logger& log) {
  Ranks ranks(options, command, free_port());
  int code = 0;
  bool signalled = false;
  std::optional<Clock::time_point> deadline;
  while (ranks.any_left()) {
    // SIGUSR1: ranks that a batch system has signalled too must not take ours for the second that ends them at once.
    if (stop_requested() && !std::exchange(signalled, true)) ranks.signal_all(SIGUSR1);
    while (const auto end = ranks.next_end()) {
      if (end->end.status == 0 || code != 0) continue;
      code = end->end.code();
      deadline = Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(1000 * options.grace_s));
      const std::string text = describe_end(*end, ranks.last_step(end->rank));
      if (code == exit_code(ErrorKind::kInterrupted))
        log.info("{}", text);
      else
        log.error("{}; ending the other ranks", text);
    }
    // Ranks that were told to stop agree on it and save: only one's failure sets a time.
    const bool stopping = code == exit_code(ErrorKind::kInterrupted);
    if (deadline && !stopping && Clock::now() >= *deadline) ranks.signal_all(SIGKILL);
    std::this_thread::sleep_for(kPoll);
  }
  return code;
}

/// `pretrain ... --out RUN` or `finetune ...` of a run that has begun is `resume RUN` from now on.
std::vector<std::string> command_for_restart(const std::vector<std::string>& command) {
  if (command.empty() || (command[0] != "pretrain" && command[0] != "finetune")) return command;
  for (std::size_t i = 1; i < command.size(); ++i) {
    std::string run;
    if (command[i].starts_with("--out=")) run = command[i].substr(6);
    if (command[i] == "--out" && i + 1 < command.size()) run = command[i + 1];
    if (!run.empty() && is_run_folder(run)) return {"resume", run};
  }
  return command;
}

}  // namespace

int launch(const LaunchOptions& options, Logger& log) {
  std::vector<std::string> command = options.command;
  for (int restart = 0;; ++restart) {
    const int code = run_once(options, command, log);
    const bool final_code = code == 0 || code == exit_code(ErrorKind::kUsage) ||
                            code == exit_code(ErrorKind::kInterrupted) || code == exit_code(ErrorKind::kNotFinite);
    if (final_code || stop_requested() || restart >= options.max_restarts) return code;
    command = command_for_restart(command);
    log.warning("restart {} of {}: {}", restart + 1, options.max_restarts, fmt::format("{}", fmt::join(command, " ")));
  }
}

}  // namespace soco
