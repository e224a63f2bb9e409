// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "soco/base/error.h"

namespace soco::testing {

/// What the Error says that `action` throws; empty when it throws none.
template <class F>
std::string error_of(F&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace soco::testing
