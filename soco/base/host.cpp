// SPDX-License-Identifier: MIT
#include "soco/base/host.h"

#include <unistd.h>

namespace soco {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "this host";
}

}  // namespace soco
