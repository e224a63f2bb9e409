// SPDX-License-Identifier: MIT
#include <utility>

#include "soco/base/error.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/export/formats/soco_release.h"
#include "soco/export/network_shape.h"
#include "soco/export/weights.h"

namespace soco {
namespace {

using Keys = std::vector<std::pair<std::string, std::string>>;

NetworkWeights with_target(NetworkWeights weights) {
  if (!weights.target.empty()) return weights;
  for (const auto& [name, tensor] : weights.online.entries())
    if (!name.starts_with("predictor.")) weights.target.add(name, tensor);
  return weights;
}

Keys write_soco_weights(const std::filesystem::path& path, const NetworkWeights& weights) {
  StateDict all;
  Keys keys;
  const auto add = [&](const std::string& prefix, const std::string& their_prefix, const StateDict& side) {
    for (const auto& [name, tensor] : side.entries()) {
      all.add(their_prefix + name, tensor);
      keys.emplace_back(prefix + name, their_prefix + name);
    }
  };
  add("online.", "online.", weights.online);
  add("target.", "target.", weights.target);
  add("momentum.", "optimizer.momentum_buffer.online.", weights.momentum);
  write_safetensors(path, all, weights.metadata);
  return keys;
}

/// What differs first between two sides; empty when all is equal, whatever the order.
std::string difference(const StateDict& wanted, const StateDict& found) {
  if (wanted.size() != found.size()) return fmt::format("{} tensors instead of {}", found.size(), wanted.size());
  for (const auto& [name, tensor] : wanted.entries()) {
    const HostTensor* other = found.find(name);
    if (other == nullptr || !(*other == tensor)) return fmt::format("tensor '{}' differs", name);
  }
  return "";
}

std::string problem_of(const std::filesystem::path& path, const NetworkWeights& wanted, TrunkLayout layout) {
  try {
    const Momentum momentum = wanted.momentum.empty() ? Momentum::kLeave : Momentum::kTake;
    // What was read in part is written in part, so names may be missing; that they are the wanted ones is compared.
    const NetworkWeights found =
        read_weights(path, {.layout = layout, .mismatch = Mismatch::kAccept, .momentum = momentum}).weights;
    for (const auto& [a, b] : {std::pair(&wanted.online, &found.online), std::pair(&wanted.target, &found.target),
                               std::pair(&wanted.momentum, &found.momentum)})
      if (const std::string text = difference(*a, *b); !text.empty()) return text;
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

Keys write_weights(NetworkWeights weights, TrainingFormat format, const std::filesystem::path& out) {
  const bool release = format == TrainingFormat::kSocoRelease;
  if (release && !weights.momentum.empty())
    fail_usage("soco-release: momentum buffers are not written to the release's checkpoints; use soco-weights");
  if (network_shape(weights.online).detector)
    fail_usage("{}: this form is of a pretraining's two networks, and these are a detector's weights; use safetensors",
               out.string());
  const NetworkWeights both = with_target(std::move(weights));
  const Keys keys = release ? soco_release::write(out, both) : write_soco_weights(out, both);
  const bool c4 = both.online.find("backbone.stem.conv1.weight") != nullptr;
  const std::string problem = problem_of(out, both, c4 ? TrunkLayout::kC4 : TrunkLayout::kFpn);
  if (problem.empty()) return keys;
  std::error_code ignored;
  std::filesystem::remove(out, ignored);
  fail("{}: removed, since it does not read back as it was written ({}); is the disk failing?", out.string(), problem);
}

}  // namespace soco
