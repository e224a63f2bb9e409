// SPDX-License-Identifier: MIT
#include "soco/base/signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "soco/base/error.h"

namespace soco {
namespace {

// A signal handler gets no argument of ours, so this is the one global of the library. Lock-free: safe in a handler.
std::atomic<int> g_stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void handle_stop_signal(int number) {
  const int before = g_stop_signal.load();
  const bool asked = before == SIGINT || before == SIGTERM;
  if (asked && number != SIGUSR1) ::_exit(exit_code(ErrorKind::kInterrupted));
  if (!asked) g_stop_signal.store(number);
}

}  // namespace

void install_stop_signals() {
  struct sigaction action {};
  action.sa_handler = handle_stop_signal;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // reads and writes go on; the work asks stop_requested() when it is safe
  for (int number : {SIGINT, SIGTERM, SIGUSR1}) {
    if (::sigaction(number, &action, nullptr) != 0) fail("cannot handle signal {}: {}", number, errno_text(errno));
  }
}

bool stop_requested() { return g_stop_signal.load(std::memory_order_relaxed) != 0; }

int stop_signal() { return g_stop_signal.load(); }

void request_stop(int signal_number) { g_stop_signal.store(signal_number); }

}  // namespace soco
