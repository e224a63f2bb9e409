// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "soco/structures/box.h"

namespace soco {

/// The object proposals of one image.
struct ProposalSet {
  int height = 0;          ///< px of the image
  int width = 0;           ///< px of the image
  std::vector<Box> boxes;  ///< xyxy, px of the image

  bool operator==(const ProposalSet&) const = default;
};

}  // namespace soco
