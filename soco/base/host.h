// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace soco {

/// The name this machine has for itself; "this host" when it has none. For messages and file names.
std::string host_name();

}  // namespace soco
