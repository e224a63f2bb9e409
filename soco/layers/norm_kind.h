// SPDX-License-Identifier: MIT
#pragma once

namespace soco {

/// What follows a convolution. kBatch: BatchNorm. kNone: nothing, and the convolution has a bias.
enum class NormKind { kBatch, kNone };

}  // namespace soco
