// SPDX-License-Identifier: MIT
#include "soco/modeling/meta_arch/box_embeddings.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "soco/layers/torch_compat.h"
#include "soco/modeling/roi_pooler.h"

namespace soco {
namespace {

// One head pass of the release: the boxes of a set, pooled from a level. `position` is its place in the release's
// order.
struct Group {
  std::size_t set;
  int level;
  std::int64_t position;
};

// Groups whose output reaches the loss, and groups that only move BatchNorm statistics.
struct GroupSplit {
  std::vector<Group> used, unused;
};

// Vectors that came out of autocast in a half type, in float32; float64 stays.
torch::Tensor at_least_float32(const torch::Tensor& vectors) {
  return vectors.scalar_type() == torch::kFloat64 ? vectors : vectors.to(torch::kFloat32);
}

bool reaches_loss(const BoxSet& set, int level) {
  for (std::size_t i = 0; i < set.levels.size(); ++i)
    if (set.levels[i] == level && set.matched[i]) return true;
  return false;
}

bool has_boxes(const BoxSet& set, int level) {
  return std::find(set.levels.begin(), set.levels.end(), level) != set.levels.end();
}

// The online network needs vectors of matched boxes alone; of the target, all boxes with a level are looked at (their
// spread is a health figure). Where nothing is matched at all, every group is used, so that the loss has a graph.
GroupSplit split_groups(const BoxSets& boxes, NetworkRole role, int num_levels) {
  GroupSplit result;
  for (std::size_t s = 0; s < boxes.sets.size(); ++s) {
    if (!boxes.embeds(s, role)) continue;
    for (int level = 0; level < num_levels; ++level) {
      const bool used = boxes.ranks != nullptr ||
                        (role == NetworkRole::kTarget ? has_boxes(boxes.sets[s], level)
                                                      : boxes.num_matches == 0 || reaches_loss(boxes.sets[s], level));
      (used ? result.used : result.unused).push_back({s, level, static_cast<std::int64_t>(s) * kNumLevels + level});
    }
  }
  return result;
}

NormGroups norm_groups(const std::vector<Group>& groups, RunningStatsQueue& queue) {
  NormGroups result{static_cast<std::int64_t>(groups.size()), &queue, {}};
  for (const Group& group : groups) result.positions.push_back(group.position);
  return result;
}

// Pools the groups that lie on one level of one view with one call, so that backward touches the level once.
void pool_groups(const FeatureMaps& features, std::int64_t view, const std::vector<Group>& groups, const BoxSets& boxes,
                 std::optional<std::int64_t> resolution, std::map<std::int64_t, torch::Tensor>& pooled_by_position) {
  for (int level = 0; level < kNumLevels; ++level) {
    std::vector<torch::Tensor> group_boxes;
    std::vector<std::int64_t> positions;
    for (const Group& group : groups) {
      if (group.level != level || boxes.sets[group.set].view != view) continue;
      group_boxes.push_back(boxes.sets[group.set].boxes);
      positions.push_back(group.position);
    }
    if (positions.empty()) continue;
    const std::int64_t count = static_cast<std::int64_t>(positions.size());
    const torch::Tensor pooled =
        pool_level(features[level], torch::cat(group_boxes), boxes.image_indices.repeat({count}), resolution);
    const std::vector<torch::Tensor> parts = pooled.chunk(count);
    for (std::int64_t i = 0; i < count; ++i) pooled_by_position[positions[i]] = parts[i];
  }
}

torch::Tensor stack_groups(std::map<std::int64_t, torch::Tensor>& pooled_by_position) {
  std::vector<torch::Tensor> parts;
  for (auto& [position, pooled] : pooled_by_position) parts.push_back(std::move(pooled));
  pooled_by_position.clear();
  return torch::cat(parts);
}

torch::Tensor run_heads(ContrastNetworkImpl& network, const torch::Tensor& pooled, const NormGroups& groups) {
  const torch::Tensor projected = network.projector(network.box_head->forward(pooled, groups), groups);
  return network.predictor.is_empty() ? projected : network.predictor(projected, groups);
}

// The same as far as the last BatchNorm: for its statistics.
void run_heads_for_statistics(ContrastNetworkImpl& network, const torch::Tensor& pooled, const NormGroups& groups) {
  const torch::Tensor features = network.box_head->forward(pooled, groups);
  if (network.predictor.is_empty())
    network.projector->hidden(features, groups);
  else
    network.predictor->hidden(network.projector(features, groups), groups);
}

// Row of box i of a set among the stacked rows of the used groups, or the row after the last when it has none.
torch::Tensor assigned_rows(const std::vector<Group>& used, const BoxSets& boxes) {
  const std::int64_t per_set = boxes.boxes_per_set();
  std::map<std::pair<std::size_t, std::int64_t>, std::int64_t> slot;
  for (std::size_t g = 0; g < used.size(); ++g) slot[{used[g].set, used[g].level}] = static_cast<std::int64_t>(g);
  std::vector<std::int64_t> rows;
  for (std::size_t s = 0; s < boxes.sets.size(); ++s) {
    for (std::int64_t i = 0; i < per_set; ++i) {
      const auto found = slot.find({s, boxes.sets[s].levels[static_cast<std::size_t>(i)]});
      rows.push_back((found == slot.end() ? static_cast<std::int64_t>(used.size()) : found->second) * per_set +
                     (found == slot.end() ? 0 : i));
    }
  }
  return torch::tensor(rows, torch::kInt64).to(boxes.image_indices.device());
}

// The levels that any rank wants: a pyramid's convolutions have BatchNorm, in which all take part or none.
LevelMask wanted_by_any_rank(const LevelMask& wanted, Communicator* ranks) {
  if (ranks == nullptr) return wanted;
  torch::Tensor counts = torch::zeros({kNumLevels}, torch::kFloat64);
  for (int level = 0; level < kNumLevels; ++level) counts[level] = wanted[level] ? 1.0 : 0.0;
  ranks->all_reduce_sum(counts);
  LevelMask result{};
  for (int level = 0; level < kNumLevels; ++level) result[level] = counts[level].item<double>() > 0;
  return result;
}

}  // namespace

torch::Tensor embed_boxes_reference(ContrastNetworkImpl& network, NetworkRole role,
                                    const std::vector<torch::Tensor>& views, const BoxSets& boxes) {
  const GroupSplit groups = split_groups(boxes, role, network.backbone->num_levels());
  std::map<std::int64_t, torch::Tensor> used, unused;
  const std::optional<std::int64_t> resolution = network.box_head->resolution();
  for (std::int64_t view = 0; view < static_cast<std::int64_t>(views.size()); ++view) {
    if (boxes.on_view(view, role).empty()) continue;
    const FeatureMaps features = network.backbone->forward(views[view]);
    pool_groups(features, view, groups.used, boxes, resolution, used);
    const torch::NoGradGuard no_grad;
    pool_groups(features, view, groups.unused, boxes, resolution, unused);
  }
  RunningStatsQueue queue;
  torch::Tensor vectors =
      torch::zeros({0, network.projector->fc2->options.out_features()}, boxes.sets[0].boxes.options());
  if (!groups.unused.empty()) {
    const NoGradPass no_grad;  // of the weights that the used groups need with gradients
    run_heads_for_statistics(network, stack_groups(unused), norm_groups(groups.unused, queue));
  }
  if (!groups.used.empty())
    vectors = at_least_float32(run_heads(network, stack_groups(used), norm_groups(groups.used, queue)));
  if (network.is_training()) queue.commit();
  const torch::Tensor no_vector = vectors.new_zeros({1, vectors.size(1)});
  return torch::cat({vectors, no_vector})
      .index_select(0, assigned_rows(groups.used, boxes))
      .view({static_cast<std::int64_t>(boxes.sets.size()), boxes.boxes_per_set(), vectors.size(1)});
}

torch::Tensor embed_boxes_assigned(ContrastNetworkImpl& network, NetworkRole role,
                                   const std::vector<torch::Tensor>& views, const BoxSets& boxes) {
  std::vector<torch::Tensor> by_set(boxes.sets.size());
  torch::Tensor any;
  for (std::int64_t view = 0; view < static_cast<std::int64_t>(views.size()); ++view) {
    const std::vector<std::size_t> sets = boxes.on_view(view, role);
    if (sets.empty()) continue;
    const std::int64_t coarsest = network.backbone->num_levels() - 1;  // where boxes without a level are pooled
    LevelMask wanted{};
    std::vector<torch::Tensor> set_boxes;
    std::vector<std::int64_t> levels;
    for (const std::size_t s : sets) {
      set_boxes.push_back(boxes.sets[s].boxes);
      for (const std::int64_t level : boxes.sets[s].levels) {
        levels.push_back(level < 0 ? coarsest : level);
        wanted[levels.back()] = true;
      }
    }
    const std::int64_t count = static_cast<std::int64_t>(sets.size());
    const FeatureMaps features = network.backbone->forward(views[view], wanted_by_any_rank(wanted, boxes.ranks));
    const torch::Tensor pooled = pool_assigned(features, torch::cat(set_boxes), boxes.image_indices.repeat({count}),
                                               torch::tensor(levels, torch::kInt64), network.box_head->resolution());
    const std::vector<torch::Tensor> vectors = at_least_float32(run_heads(network, pooled, {})).chunk(count);
    for (std::int64_t i = 0; i < count; ++i) by_set[sets[i]] = vectors[i];
    any = vectors[0];
  }
  for (torch::Tensor& vectors : by_set)
    if (!vectors.defined()) vectors = torch::zeros_like(any);
  return torch::stack(by_set);
}

}  // namespace soco
