// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>
#include <hwy/targets.h>

namespace soco::testing {

/// Runs `check` once for each instruction set that this machine and the program have, the plain one among them.
template <class Check>
void for_each_target(const Check& check) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    check();
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace soco::testing
