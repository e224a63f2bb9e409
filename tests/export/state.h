// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "soco/base/random.h"
#include "soco/structures/host_tensor.h"

namespace soco::testing {

/// Random values under the names of layers, the same for a seed.
class RandomState {
 protected:
  explicit RandomState(std::uint64_t seed) : rng_(seed, 0, 0, 0) {}

  void add(const std::string& name, std::vector<std::int64_t> shape) {
    std::vector<float> values(static_cast<std::size_t>(num_elements(shape)));
    for (float& value : values) value = static_cast<float>(rng_.uniform(-1, 1));
    state_.add(name, HostTensor::from<float>(std::move(shape), values));
  }
  void norm(const std::string& name, std::int64_t channels) {
    for (const char* leaf : {".weight", ".bias", ".running_mean", ".running_var"}) add(name + leaf, {channels});
    state_.add(name + ".num_batches_tracked", HostTensor::from<std::int64_t>({}, {++count_}));
  }
  void conv_norm(const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
    add(name + ".weight", {out, in, kernel, kernel});
    norm(name + ".norm", out);
  }
  void conv(const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
    add(name + ".weight", {out, in, kernel, kernel});
    add(name + ".bias", {out});
  }
  void linear(const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }
  /// A ResNet's block; `bottleneck`: of three convolutions, else of two.
  void residual_block(const std::string& name, std::int64_t in, std::int64_t inner, std::int64_t out, bool bottleneck,
                      bool shortcut) {
    if (shortcut) conv_norm(name + ".shortcut", out, in, 1);
    conv_norm(name + ".conv1", inner, in, bottleneck ? 1 : 3);
    conv_norm(name + ".conv2", bottleneck ? inner : out, inner, 3);
    if (bottleneck) conv_norm(name + ".conv3", out, inner, 1);
  }

  StateDict state_;

 private:
  std::int64_t count_ = 0;
  Rng rng_;
};

/// Builds a state dict with the names of the pretraining's online network, values random; shapes are a ResNet's where
/// `width` is 64, else thinner in proportion.
class OnlineStateBuilder : RandomState {
 public:
  OnlineStateBuilder(std::int64_t width, bool bottleneck)
      : RandomState(7), width_(width), bottleneck_(bottleneck) {}

  StateDict make(const std::vector<int>& blocks_per_stage) {
    conv_norm("backbone.bottom_up.stem.conv1", width_, 3, 7);
    std::int64_t in = width_;
    for (int stage = 2; stage <= 5; ++stage) {
      const std::int64_t inner = width_ << (stage - 2);
      const std::int64_t out = bottleneck_ ? 4 * inner : inner;
      for (int block = 0; block < blocks_per_stage[static_cast<std::size_t>(stage - 2)]; ++block) {
        residual_block("backbone.bottom_up.res" + std::to_string(stage) + "." + std::to_string(block), in, inner, out,
                       bottleneck_, block == 0 && in != out);
        in = out;
      }
      conv_norm("backbone.fpn_lateral" + std::to_string(stage), width_, out, 1);
      conv_norm("backbone.fpn_output" + std::to_string(stage), width_, width_, 3);
    }
    for (int i = 1; i <= 4; ++i) conv_norm("roi_heads.box_head.conv" + std::to_string(i), width_, width_, 3);
    linear("roi_heads.box_head.fc1", 2 * width_, width_ * 7 * 7);
    for (const char* head : {"projector", "predictor"}) {
      linear(std::string(head) + ".fc1", width_, 2 * width_);
      norm(std::string(head) + ".norm", width_);
      linear(std::string(head) + ".fc2", 4, width_);
    }
    return std::move(state_);
  }

 private:
  std::int64_t width_;
  bool bottleneck_;
};

/// ResNet-18 with FPN; width 64 is the true size (11 M backbone parameters).
inline StateDict resnet18_state(std::int64_t width = 8) { return OnlineStateBuilder(width, false).make({2, 2, 2, 2}); }

/// ResNet-50 with FPN.
inline StateDict resnet50_state(std::int64_t width = 4) { return OnlineStateBuilder(width, true).make({3, 4, 6, 3}); }

}  // namespace soco::testing
