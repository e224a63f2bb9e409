// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace soco {

/// The numeric address under which other ranks reach this host: that of the interface from which `main_host` is
/// reached. Where the name of this very host stands for a loopback address (as Debian's /etc/hosts has it), the first
/// address of an interface that is up; loopback only when main_host says so itself, or there is nothing else.
/// Errors: main_host is not known.
std::string local_address_towards(const std::string& main_host, int port);

}  // namespace soco
