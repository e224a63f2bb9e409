// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace soco {

/// Tells `soco launch` that this rank has done `step`, so that it can say where a rank that died had been: eight bytes
/// at RANK * 8 of the file whose descriptor the environment names. Nothing without that launcher.
void announce_step(std::int64_t step);

}  // namespace soco
