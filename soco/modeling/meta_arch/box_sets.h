// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "soco/distributed/communicator.h"
#include "soco/modeling/meta_arch/object_contrast.h"

namespace soco {

/// One side of one pair: N*K boxes on one view. What the head sees of a batch is a list of these.
struct BoxSet {
  std::int64_t view = 0;
  std::size_t pair = 0;
  bool is_a = false;
  torch::Tensor boxes;               // [N*K,4] float32, on the model's device, [0,1] of the view
  std::vector<std::int64_t> levels;  // [N*K]; -1: none
  std::vector<bool> matched;         // [N*K]: has a match in the other side of its pair
  bool is_query = true;              // the online network's vectors of it are compared,
  bool is_key = true;                // the target's; in both directions of a pair each side is both
};

/// A batch's box sets in the order in which the release runs its heads: view by view, on a view pair by pair (side a
/// before side b); and the matches of each pair.
struct BoxSets {
  std::vector<BoxSet> sets;
  std::vector<torch::Tensor> match;               // a pair: [N,K,K] float32 on the model's device, rows a, columns b
  std::vector<std::array<std::size_t, 2>> sides;  // a pair: indices of its sides a and b in `sets`
  torch::Tensor image_indices;                    // [N*K] int64 on the model's device
  std::int64_t num_images = 0, boxes_per_image = 0;
  std::int64_t num_matches = 0;
  std::array<std::int64_t, kNumLevels + 1> boxes_per_level{};
  Communicator* ranks = nullptr;  // see ObjectContrastImpl; null: one process

  std::int64_t boxes_per_set() const { return num_images * boxes_per_image; }
  /// Indices of the sets on a view that the network of `role` embeds, in order.
  std::vector<std::size_t> on_view(std::int64_t view, NetworkRole role) const;
  bool embeds(std::size_t set, NetworkRole role) const {
    return role == NetworkRole::kOnline ? sets[set].is_query : sets[set].is_key;
  }
};

/// Checks the batch (shapes, dtypes, view indices, levels below `num_levels`, one device) and lays it out.
BoxSets collect_box_sets(const ObjectContrastInput& input, int num_levels, Directions directions);

}  // namespace soco
