// SPDX-License-Identifier: MIT
#pragma once

namespace soco {

/// From now on the first SIGINT, SIGTERM or SIGUSR1 (what batch systems send before the time is up) asks the work to
/// stop at its next safe place; a second SIGINT or SIGTERM (SIGUSR1 does not count) ends the process at once with code
/// 75. Only `cli` calls this.
void install_stop_signals();

/// Whether a stop was asked for. Cheap; any thread may ask.
bool stop_requested();

/// The signal that asked first, SIGUSR1 only when no other did; 0: none did.
int stop_signal();

/// As a signal would, for tests and for hosts that handle signals themselves. 0 forgets the request.
void request_stop(int signal_number);

}  // namespace soco
