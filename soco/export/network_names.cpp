// SPDX-License-Identifier: MIT
#include "soco/export/network_names.h"

#include <algorithm>
#include <array>
#include <utility>

#include "soco/base/error.h"
#include "soco/export/formats/key_rules.h"

namespace soco {
namespace {

constexpr std::string_view kTrunk = "backbone.bottom_up.";

struct PartPrefix {
  NetworkPart part;
  std::string_view prefix;
};
constexpr std::array<PartPrefix, 8> kPartPrefixes{{{NetworkPart::kTrunk, kTrunk},
                                                   {NetworkPart::kFpn, "backbone.fpn_"},
                                                   {NetworkPart::kRpn, "proposal_generator."},
                                                   {NetworkPart::kBoxHead, "roi_heads.box_head."},
                                                   {NetworkPart::kBoxPredictor, "roi_heads.box_predictor."},
                                                   {NetworkPart::kMaskHead, "roi_heads.mask_head."},
                                                   {NetworkPart::kProjector, "projector."},
                                                   {NetworkPart::kPredictor, "predictor."}}};

/// Of the ResNets that the pretraining knows (He et al. 2015, table 1), the number of blocks of each stage.
std::array<long, 4> stage_lengths(long blocks_of_res4, const std::string& name) {
  switch (blocks_of_res4) {
    case 2:
      return {2, 2, 2, 2};
    case 6:
      return {3, 4, 6, 3};
    case 23:
      return {3, 4, 23, 3};
    default:
      fail("{}: {} blocks in res4; ResNet-18 has 2, ResNet-34 and 50 have 6, ResNet-101 has 23", name, blocks_of_res4);
  }
}

/// The highest number that `{n}` of the pattern stands for, or `none`.
long highest(const std::set<std::string>& found, std::string_view pattern, long none) {
  long result = none;
  for (const std::string& name : found)
    if (const auto match = match_pattern(pattern, name)) result = std::max(result, match->number('n'));
  return result;
}

constexpr long kMostConvs = 64, kMostFcs = 16;  // of DetectorOptions

enum class Ending { kNorm, kBias };

/// How the convolutions of a pattern end: with a bias where any is there, else with a norm.
Ending ending(const std::set<std::string>& found, std::string_view biases) {
  return highest(found, biases, -1) >= 0 ? Ending::kBias : Ending::kNorm;
}

class NameList {
 public:
  void norm(const std::string& prefix) {
    for (const char* leaf : {".weight", ".bias", ".running_mean", ".running_var", ".num_batches_tracked"})
      names.push_back(prefix + leaf);
  }
  void conv_norm(const std::string& prefix) {
    names.push_back(prefix + ".weight");
    norm(prefix + ".norm");
  }
  void conv(const std::string& prefix, Ending ending) { ending == Ending::kNorm ? conv_norm(prefix) : linear(prefix); }
  /// Weight and bias: linear layers, and convolutions without a norm.
  void linear(const std::string& prefix) {
    names.push_back(prefix + ".weight");
    names.push_back(prefix + ".bias");
  }
  void mlp(const std::string& prefix) {
    linear(prefix + ".fc1");
    norm(prefix + ".norm");
    linear(prefix + ".fc2");
  }
  void trunk(const std::array<long, 4>& lengths, bool bottleneck) {
    const std::string prefix(kTrunk);
    conv_norm(prefix + "stem.conv1");
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      for (long block = 0; block < lengths[i]; ++block) {
        const std::string at = fmt::format("{}res{}.{}.", prefix, i + 2, block);
        if (block == 0 && (bottleneck || i > 0)) conv_norm(at + "shortcut");
        for (const char* conv : {"conv1", "conv2"}) conv_norm(at + conv);
        if (bottleneck) conv_norm(at + "conv3");
      }
    }
  }

  std::vector<std::string> names;
};

void add_trunk(NameList& list, const std::set<std::string>& found, const std::string& name) {
  const long last = highest(found, "backbone.bottom_up.res4.{n}.conv1.weight", -1);
  list.trunk(stage_lengths(last + 1, name), found.contains("backbone.bottom_up.res2.0.conv3.weight"));
  const auto extra = found.lower_bound("backbone.bottom_up.res5.norm.");
  if (extra != found.end() && extra->starts_with("backbone.bottom_up.res5.norm."))
    list.norm("backbone.bottom_up.res5.norm");
}

void add_box_head(NameList& list, const std::set<std::string>& found) {
  const long convs = std::min(highest(found, "roi_heads.box_head.conv{n}.weight", 0), kMostConvs);
  const Ending end = ending(found, "roi_heads.box_head.conv{n}.bias");
  for (long i = 1; i <= convs; ++i) list.conv(fmt::format("roi_heads.box_head.conv{}", i), end);
  const long fcs = std::clamp(highest(found, "roi_heads.box_head.fc{n}.weight", 1), 1L, kMostFcs);
  for (long i = 1; i <= fcs; ++i) list.linear(fmt::format("roi_heads.box_head.fc{}", i));
}

void add_mask_head(NameList& list, const std::set<std::string>& found) {
  const long convs = std::min(highest(found, "roi_heads.mask_head.mask_fcn{n}.weight", 0), kMostConvs);
  const Ending end = ending(found, "roi_heads.mask_head.mask_fcn{n}.bias");
  for (long i = 1; i <= convs; ++i) list.conv(fmt::format("roi_heads.mask_head.mask_fcn{}", i), end);
  for (const char* layer : {"deconv", "predictor"}) list.linear(fmt::format("roi_heads.mask_head.{}", layer));
}

void add_part(NameList& list, NetworkPart part, const std::set<std::string>& found, const std::string& name) {
  switch (part) {
    case NetworkPart::kTrunk:
      return add_trunk(list, found, name);
    case NetworkPart::kFpn: {
      const Ending end = ending(found, "backbone.fpn_lateral{n}.bias");
      for (const char* kind : {"lateral", "output"})
        for (int level = 2; level <= 5; ++level) list.conv(fmt::format("backbone.fpn_{}{}", kind, level), end);
      return;
    }
    case NetworkPart::kRpn:
      for (const char* layer : {"conv", "objectness_logits", "anchor_deltas"})
        list.linear(fmt::format("proposal_generator.rpn_head.{}", layer));
      return;
    case NetworkPart::kBoxHead:
      return add_box_head(list, found);
    case NetworkPart::kBoxPredictor:
      for (const char* layer : {"cls_score", "bbox_pred"})
        list.linear(fmt::format("roi_heads.box_predictor.{}", layer));
      return;
    case NetworkPart::kMaskHead:
      return add_mask_head(list, found);
    case NetworkPart::kProjector:
      return list.mlp("projector");
    case NetworkPart::kPredictor:
      return list.mlp("predictor");
  }
}

}  // namespace

std::string name_in_layout(std::string_view name, TrunkLayout layout) {
  static const std::vector<KeyRule> rules{{"backbone.bottom_up.res5.*", "roi_heads.res5.*"},
                                          {"backbone.bottom_up.stem.*", "backbone.stem.*"},
                                          {"backbone.bottom_up.res{s}.*", "backbone.res{s}.*"}};
  const auto other = layout == TrunkLayout::kC4 ? theirs_from_ours(rules, name) : ours_from_theirs(rules, name);
  return other.value_or(std::string(name));
}

std::vector<std::string> network_names(const std::set<std::string>& found, const std::vector<NetworkPart>& parts,
                                       const std::string& name) {
  NameList list;
  for (const NetworkPart part : parts) add_part(list, part, found, name);
  return std::move(list.names);
}

std::vector<NetworkPart> parts_among(const std::set<std::string>& found) {
  std::vector<NetworkPart> parts;
  for (const PartPrefix& row : kPartPrefixes) {
    const auto first = found.lower_bound(std::string(row.prefix));
    if (first != found.end() && first->starts_with(row.prefix)) parts.push_back(row.part);
  }
  return parts;
}

}  // namespace soco
