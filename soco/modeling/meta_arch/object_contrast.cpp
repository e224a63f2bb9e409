// SPDX-License-Identifier: MIT
#include "soco/modeling/meta_arch/object_contrast.h"

#include <torch/torch.h>

#include <cmath>

#include "soco/base/error.h"
#include "soco/layers/grouped_batch_norm.h"
#include "soco/layers/torch_compat.h"
#include "soco/modeling/meta_arch/box_embeddings.h"
#include "soco/modeling/meta_arch/box_sets.h"
#include "soco/modeling/meta_arch/contrast_loss.h"

namespace soco {
namespace {

torch::Tensor unit_length(const torch::Tensor& vectors) {
  return torch::nn::functional::normalize(vectors, torch::nn::functional::NormalizeFuncOptions().p(2).dim(-1));
}

// Convolutions and our BatchNorm run fastest with channels side by side.
std::vector<torch::Tensor> channels_last(const std::vector<torch::Tensor>& views) {
  std::vector<torch::Tensor> result;
  for (const torch::Tensor& view : views) result.push_back(view.contiguous(torch::MemoryFormat::ChannelsLast));
  return result;
}

// Rows of vectors [sets * N*K, D] that are keys: of boxes with a level on sides that are compared.
torch::Tensor key_rows(const BoxSets& boxes, const torch::Device& device) {
  std::vector<std::int64_t> rows;
  for (std::size_t s = 0; s < boxes.sets.size(); ++s)
    for (std::int64_t i = 0; i < boxes.boxes_per_set(); ++i)
      if (boxes.sets[s].is_key && boxes.sets[s].levels[static_cast<std::size_t>(i)] >= 0)
        rows.push_back(static_cast<std::int64_t>(s) * boxes.boxes_per_set() + i);
  return torch::tensor(rows, torch::kInt64).to(device);
}

// Of vectors [sets, N*K, D] the rows that are keys, of all ranks, in the order of one process with the whole batch: set
// by set, and in a set image by image, whose ranks follow each other.
torch::Tensor keys_of_all_ranks(const torch::Tensor& vectors, const torch::Tensor& rows, Communicator& ranks) {
  const std::int64_t sets = vectors.size(0), world = ranks.world_size();
  torch::Tensor everyone = vectors.new_zeros({sets, world, vectors.size(1), vectors.size(2) + 1});
  torch::Tensor own = everyone.select(1, ranks.rank());
  own.narrow(2, 0, vectors.size(2)).copy_(vectors);
  torch::Tensor is_key = vectors.new_zeros({sets * vectors.size(1)}).index_fill_(0, rows, 1);
  own.select(2, vectors.size(2)).copy_(is_key.view({sets, -1}));
  ranks.all_reduce_sum(everyone);
  const torch::Tensor flat = everyone.flatten(0, 2);
  const torch::Tensor keys = torch::nonzero(flat.select(1, vectors.size(2))).squeeze(1);
  return flat.narrow(1, 0, vectors.size(2)).index_select(0, keys);
}

// The matches of the whole batch (at least one, that none may be divided by), shared evenly by the ranks: the mean over
// the ranks of their losses is then the whole batch's.
double matches_per_rank(const torch::Tensor& match, Communicator* ranks) {
  torch::Tensor count = match.sum().to(torch::kFloat64).reshape({1});
  if (ranks != nullptr) ranks->all_reduce_sum(count);
  return std::max(1.0, count.item<double>()) / (ranks == nullptr ? 1 : ranks->world_size());
}

// Mean over channels of the standard deviation of unit vectors [M,D], times sqrt(D); 0 for fewer than two vectors.
double feature_std_ratio(const torch::Tensor& vectors) {
  if (vectors.size(0) < 2) return 0;
  return vectors.std(0, /*unbiased=*/false).mean().item<double>() * std::sqrt(static_cast<double>(vectors.size(-1)));
}

// Participation ratio of the covariance of [M,D] vectors; 0 when they are all the same, or fewer than two.
double feature_rank(const torch::Tensor& vectors) {
  const torch::Tensor exact = vectors.to(torch::kFloat64);  // which autocast leaves alone
  const torch::Tensor centered = exact - exact.mean(0, /*keepdim=*/true);
  const torch::Tensor covariance = torch::mm(centered.t(), centered);
  const double trace = covariance.trace().item<double>(), squares = covariance.square().sum().item<double>();
  return squares > 0 ? trace * trace / squares : 0;
}

// One direction of a pair: unit vectors of N images with K boxes each, [N,K,D], and which of them match, [N,K,K].
struct Direction {
  std::string name;
  torch::Tensor queries, keys, match;
};

std::vector<Direction> directions_of(const ObjectContrastInput& input, const BoxSets& boxes,
                                     const torch::Tensor& queries, const torch::Tensor& keys, Directions directions) {
  const std::vector<std::int64_t> shape{boxes.num_images, boxes.boxes_per_image, keys.size(-1)};
  const auto of_set = [&](const torch::Tensor& vectors, std::size_t set) {
    return vectors[static_cast<std::int64_t>(set)].view(shape);
  };
  std::vector<Direction> result;
  for (std::size_t p = 0; p < input.pairs.size(); ++p) {
    const auto [a, b] = boxes.sides[p];
    const std::string name = fmt::format("pair{}{}", input.pairs[p].view_a, input.pairs[p].view_b);
    result.push_back({name + ".a_to_b", of_set(queries, a), of_set(keys, b), boxes.match[p]});
    if (directions == Directions::kBoth)
      result.push_back({name + ".b_to_a", of_set(queries, b), of_set(keys, a), boxes.match[p].transpose(1, 2)});
  }
  return result;
}

}  // namespace

ObjectContrastImpl::ObjectContrastImpl(const ModelOptions& model_options) : options(model_options) {
  online = register_module("online", ContrastNetwork(options, NetworkRole::kOnline));
  target = register_module("target", ContrastNetwork(options, NetworkRole::kTarget));
  if (options.loss == ContrastLoss::kInfoNce)
    queue = register_module("queue", KeyQueue(options.queue_size, options.projector_out_channels));
  const torch::NoGradGuard no_grad;
  const auto online_parameters = online->named_parameters();
  for (auto& item : target->named_parameters()) {
    item.value().copy_(online_parameters[item.key()]);
    item.value().set_requires_grad(false);
  }
}

void ObjectContrastImpl::synchronize(Communicator& ranks) {
  synchronize_batch_norms(*this, ranks);
  communicator_ = &ranks;
}

ObjectContrastOutput ObjectContrastImpl::forward(const ObjectContrastInput& input,
                                                 const std::function<void()>& between) {
  BoxSets boxes = collect_box_sets(input, online->backbone->num_levels(), options.directions);
  boxes.ranks = communicator_ == nullptr || communicator_->is_alone() ? nullptr : communicator_;
  const std::vector<torch::Tensor> views = channels_last(input.views);
  const auto embed = [&](ContrastNetwork& network, NetworkRole role) {
    return options.head_mode == HeadMode::kReference ? embed_boxes_reference(*network, role, views, boxes)
                                                     : embed_boxes_assigned(*network, role, views, boxes);
  };
  const torch::Tensor predicted = embed(online, NetworkRole::kOnline);
  if (between) between();
  torch::Tensor projected;
  {
    const torch::NoGradGuard no_grad;
    projected = embed(target, NetworkRole::kTarget);
  }
  const NoAutocastGuard in_float32(predicted.device().type());
  return compare(input, boxes, unit_length(predicted), unit_length(projected));
}

ObjectContrastOutput ObjectContrastImpl::compare(const ObjectContrastInput& input, const BoxSets& boxes,
                                                 const torch::Tensor& queries, const torch::Tensor& keys) {
  const torch::Tensor negatives = queue.is_empty() ? torch::Tensor() : queue->negatives();
  ObjectContrastOutput output;
  torch::Tensor cosines = torch::zeros({}, keys.options());
  for (const Direction& d : directions_of(input, boxes, queries, keys, options.directions)) {
    const torch::Tensor term = queue.is_empty()
                                   ? contrast_loss(d.queries, d.keys, d.match)
                                   : info_nce_loss(d.queries, d.keys, d.match, negatives, options.temperature,
                                                   matches_per_rank(d.match, boxes.ranks));
    output.losses.emplace_back(d.name, term);
    output.loss = output.loss.defined() ? output.loss + term : term;
    cosines += (torch::bmm(d.queries.detach(), d.keys.transpose(1, 2)) * d.match).sum();
  }
  const torch::Tensor rows = key_rows(boxes, keys.device());
  const torch::Tensor all_keys = keys.flatten(0, 1).index_select(0, rows);
  if (is_training() && !queue.is_empty())
    queue->push(boxes.ranks == nullptr ? all_keys : keys_of_all_ranks(keys, rows, *boxes.ranks));
  output.num_matches = boxes.num_matches;
  output.boxes_per_level = boxes.boxes_per_level;
  const double comparisons = static_cast<double>(boxes.num_matches) * (options.directions == Directions::kBoth ? 2 : 1);
  output.mean_cosine = comparisons > 0 ? cosines.item<double>() / comparisons : 0;
  output.feature_std_ratio = feature_std_ratio(all_keys);
  output.feature_rank = feature_rank(all_keys);
  return output;
}

torch::Tensor match_boxes(const ObjectContrastInput::Side& a, const ObjectContrastInput::Side& b) {
  const torch::Tensor same = a.ids.unsqueeze(2) == b.ids.unsqueeze(1);
  const torch::Tensor has_level = (a.levels >= 0).unsqueeze(2).logical_and((b.levels >= 0).unsqueeze(1));
  return same.logical_and(has_level).to(torch::kFloat32);
}

}  // namespace soco
