// SPDX-License-Identifier: MIT
#include "soco/modeling/meta_arch/object_contrast.h"

#include <torch/torch.h>

#include <cmath>

#include "soco/base/error.h"
#include "soco/layers/torch_compat.h"
#include "soco/modeling/meta_arch/box_embeddings.h"
#include "soco/modeling/meta_arch/box_sets.h"

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

// Mean over channels of the standard deviation of unit vectors [sets, N*K, D] over all boxes with a level, times
// sqrt(D); 0 when fewer than two boxes have one.
double feature_std_ratio(const torch::Tensor& vectors, const BoxSets& boxes) {
  std::vector<std::int64_t> rows;
  for (std::size_t s = 0; s < boxes.sets.size(); ++s)
    for (std::int64_t i = 0; i < boxes.boxes_per_set(); ++i)
      if (boxes.sets[s].levels[static_cast<std::size_t>(i)] >= 0)
        rows.push_back(static_cast<std::int64_t>(s) * boxes.boxes_per_set() + i);
  if (rows.size() < 2) return 0;
  const torch::Tensor chosen =
      vectors.flatten(0, 1).index_select(0, torch::tensor(rows, torch::kInt64).to(vectors.device()));
  return chosen.std(0, /*unbiased=*/false).mean().item<double>() * std::sqrt(static_cast<double>(vectors.size(-1)));
}

// Adds one direction's term to the output; returns the sum of its matched cosine similarities.
torch::Tensor add_term(const torch::Tensor& queries, const torch::Tensor& keys, const torch::Tensor& match,
                       const std::string& name, ObjectContrastOutput& output) {
  const torch::Tensor term = contrast_loss(queries, keys, match);
  output.losses.emplace_back(name, term);
  output.loss = output.loss.defined() ? output.loss + term : term;
  return (torch::bmm(queries.detach(), keys.transpose(1, 2)) * match).sum();
}

std::shared_ptr<DetectorBackboneImpl> make_backbone(const ModelOptions& options) {
  if (options.architecture == Architecture::kC4) return std::make_shared<ResNetC4Impl>(options.backbone);
  return std::make_shared<FpnImpl>(options.backbone, options.fpn_channels);
}

std::shared_ptr<RoiHeadImpl> make_roi_head(const ModelOptions& options, std::int64_t in_channels) {
  if (options.architecture == Architecture::kC4) return std::make_shared<Res5HeadImpl>(options.backbone);
  return std::make_shared<BoxHeadImpl>(
      BoxHeadOptions{in_channels, options.pooler_resolution, options.head_num_convs, options.head_fc_channels});
}

}  // namespace

ContrastNetworkImpl::ContrastNetworkImpl(const ModelOptions& options, bool has_predictor) {
  backbone = register_module("backbone", make_backbone(options));
  // Detectron2 nests its heads in RoI heads; the name is all that is nested here.
  const auto roi_heads = register_module("roi_heads", std::make_shared<torch::nn::Module>("RoiHeads"));
  const char* head_name = options.architecture == Architecture::kC4 ? "res5" : "box_head";
  box_head = roi_heads->register_module(head_name, make_roi_head(options, backbone->out_channels()));
  projector =
      register_module("projector", MlpHead(MlpHeadOptions{box_head->out_channels(), options.projector_hidden_channels,
                                                          options.projector_out_channels}));
  if (has_predictor)
    predictor = register_module(
        "predictor", MlpHead(MlpHeadOptions{options.projector_out_channels, options.projector_hidden_channels,
                                            options.projector_out_channels}));
}

ObjectContrastImpl::ObjectContrastImpl(const ModelOptions& model_options) : options(model_options) {
  online = register_module("online", ContrastNetwork(options, /*has_predictor=*/true));
  target = register_module("target", ContrastNetwork(options, /*has_predictor=*/false));
  const torch::NoGradGuard no_grad;
  const auto online_parameters = online->named_parameters();
  for (auto& item : target->named_parameters()) {
    item.value().copy_(online_parameters[item.key()]);
    item.value().set_requires_grad(false);
  }
}

ObjectContrastOutput ObjectContrastImpl::forward(const ObjectContrastInput& input,
                                                 const std::function<void()>& between) {
  const BoxSets boxes = collect_box_sets(input, online->backbone->num_levels());
  const std::vector<torch::Tensor> views = channels_last(input.views);
  const auto embed = [&](ContrastNetwork& network, NetworkRole role) {
    return options.head_mode == HeadMode::kReference ? embed_boxes_reference(*network, role, views, boxes, options)
                                                     : embed_boxes_assigned(*network, views, boxes, options);
  };
  const torch::Tensor predicted = embed(online, NetworkRole::kOnline);
  if (between) between();
  torch::Tensor projected;
  {
    const torch::NoGradGuard no_grad;
    projected = embed(target, NetworkRole::kTarget);
  }

  const NoAutocastGuard in_float32(predicted.device().type());
  const torch::Tensor queries = unit_length(predicted), keys = unit_length(projected);
  const std::vector<std::int64_t> shape{boxes.num_images, boxes.boxes_per_image, keys.size(-1)};
  ObjectContrastOutput output;
  torch::Tensor cosines = torch::zeros({}, keys.options());
  for (std::size_t p = 0; p < input.pairs.size(); ++p) {
    const auto [a, b] = boxes.sides[p];
    const auto s = [](std::size_t index) { return static_cast<std::int64_t>(index); };
    const std::string name = fmt::format("pair{}{}", input.pairs[p].view_a, input.pairs[p].view_b);
    const torch::Tensor match = boxes.match[p];
    cosines += add_term(queries[s(a)].view(shape), keys[s(b)].view(shape), match, name + ".a_to_b", output);
    cosines +=
        add_term(queries[s(b)].view(shape), keys[s(a)].view(shape), match.transpose(1, 2), name + ".b_to_a", output);
  }
  output.num_matches = boxes.num_matches;
  output.boxes_per_level = boxes.boxes_per_level;
  output.mean_cosine =
      boxes.num_matches > 0 ? cosines.item<double>() / (2.0 * static_cast<double>(boxes.num_matches)) : 0;
  output.feature_std_ratio = feature_std_ratio(keys, boxes);
  return output;
}

torch::Tensor contrast_loss(const torch::Tensor& queries, const torch::Tensor& keys, const torch::Tensor& match) {
  const torch::Tensor similarity = torch::bmm(queries, keys.transpose(1, 2));
  // In the vectors' precision: 1 + 1e-6 is another number in float32 than in float64.
  const torch::Tensor weight = match.to(similarity.scalar_type());
  const torch::Tensor per_image = (similarity * weight).sum({1, 2}) / (weight.sum({1, 2}) + 1e-6);
  return -2 * per_image.mean();
}

torch::Tensor match_boxes(const ObjectContrastInput::Side& a, const ObjectContrastInput::Side& b) {
  const torch::Tensor same = a.ids.unsqueeze(2) == b.ids.unsqueeze(1);
  const torch::Tensor has_level = (a.levels >= 0).unsqueeze(2).logical_and((b.levels >= 0).unsqueeze(1));
  return same.logical_and(has_level).to(torch::kFloat32);
}

}  // namespace soco
