// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "soco/base/error.h"
#include "soco/layers/box_ops.h"
#include "soco/layers/conv_norm.h"
#include "soco/layers/nms.h"
#include "soco/layers/paste_masks.h"
#include "soco/layers/tensor_bridge.h"
#include "testing/oracle_file.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using testing::max_difference;

torch::Tensor boxes_of(std::initializer_list<double> values) {
  return torch::tensor(std::vector<double>(values), torch::kFloat64).view({-1, 4});
}

TEST(BoxOps, OverlapsEqualAHandCalculation) {
  const torch::Tensor a = boxes_of({0, 0, 4, 4, 1, 1, 1, 1}), b = boxes_of({2, 2, 6, 4, 10, 10, 12, 12, 1, 1, 1, 1});
  const torch::Tensor iou = box_iou(a, b);
  EXPECT_DOUBLE_EQ(iou[0][0].item<double>(), 4.0 / (16 + 8 - 4));
  EXPECT_EQ(iou[0][1].item<double>(), 0);
  EXPECT_EQ(iou[1][2].item<double>(), 0);  // both empty
}

TEST(BoxOps, AgreeWithTorchvision) {
  SOCO_ORACLE_OR_SKIP(path, "detector.safetensors");
  const StateDict oracle = testing::read_oracle(path);
  const auto at = [&](const std::string& name) { return from_host(oracle.at("boxops." + name)); };
  EXPECT_LT(max_difference(box_iou(at("a"), at("b")), at("iou")), 1e-14);
  for (const auto& [name, coder] :
       {std::pair{"rpn", BoxCoder{}}, std::pair{"roi", BoxCoder{.weights = {10, 10, 5, 5}}}}) {
    // float64; the largest values, after exp(), are some 1e4.
    EXPECT_LT(max_difference(coder.encode(at("a"), at("others")), at(std::string(name) + ".encoded")), 1e-10);
    EXPECT_LT(
        max_difference(coder.decode(at("a"), at(std::string(name) + ".deltas")), at(std::string(name) + ".decoded")),
        1e-9);
  }
  for (const auto& [name, beta] : {std::pair{"l1", 0.0}, std::pair{"ninth", 1.0 / 9}, std::pair{"one", 1.0}})
    EXPECT_NEAR(smooth_l1_sum(at("a"), at("others"), beta).item<double>(),
                at(std::string("smooth_l1.") + name).item<double>(), 1e-9);
}

TEST(BoxCoder, DecodesWhatItEncodesAndLimitsGrowth) {
  torch::manual_seed(2);
  const torch::Tensor corner = torch::rand({50, 2}, torch::kFloat64) * 50,
                      side = torch::rand({50, 2}, torch::kFloat64) * 30 + 1;
  const torch::Tensor from = torch::cat({corner, corner + side}, 1), to = from.flip(0);
  const BoxCoder coder{.weights = {10, 10, 5, 5}};
  EXPECT_LT(max_difference(coder.decode(from, coder.encode(from, to)), to), 1e-12);
  const torch::Tensor huge = coder.decode(boxes_of({0, 0, 16, 16}), boxes_of({0, 0, 1e6, -1e6}));
  EXPECT_NEAR((huge[0][2] - huge[0][0]).item<double>(), 16 * 1000.0 / 16, 1e-9);
  EXPECT_EQ((huge[0][3] - huge[0][1]).item<double>(), 0);
}

TEST(BoxOps, ClipToTheImage) {
  EXPECT_TRUE(torch::equal(clip_boxes(boxes_of({-3, 2, 50, 9}), 8, 40), boxes_of({0, 2, 40, 8})));
}

// The definition, box after box.
std::vector<std::int64_t> plain_nms(const torch::Tensor& boxes, const torch::Tensor& scores,
                                    const torch::Tensor& classes, double threshold) {
  const torch::Tensor order = std::get<1>(scores.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true));
  const torch::Tensor iou = box_iou(boxes, boxes);
  std::vector<std::int64_t> kept;
  for (std::int64_t r = 0; r < order.size(0); ++r) {
    const std::int64_t i = order[r].item<std::int64_t>();
    bool keep = true;
    for (const std::int64_t k : kept)
      keep = keep && !(classes[k].item<std::int64_t>() == classes[i].item<std::int64_t>() &&
                       iou[k][i].item<double>() > threshold);
    if (keep) kept.push_back(i);
  }
  return kept;
}

TEST(BatchedNms, EqualsTheDefinitionAndTorchvision) {
  SOCO_ORACLE_OR_SKIP(path, "detector.safetensors");
  const StateDict oracle = testing::read_oracle(path);
  const auto at = [&](const std::string& name) { return from_host(oracle.at("boxops.nms." + name)); };
  for (const int tenths : {3, 5, 7}) {
    const torch::Tensor kept = batched_nms(at("boxes"), at("scores"), at("classes"), tenths / 10.0);
    EXPECT_TRUE(torch::equal(kept, at("kept" + std::to_string(tenths))));
    if (tenths != 5) continue;
    const std::vector<std::int64_t> plain = plain_nms(at("boxes"), at("scores"), at("classes"), 0.5);
    EXPECT_TRUE(torch::equal(kept, torch::tensor(plain, torch::kInt64)));
  }
}

TEST(BatchedNms, TakesNothingAndEmptyBoxesAndRefusesNan) {
  const torch::Tensor none =
      batched_nms(torch::empty({0, 4}), torch::empty({0}), torch::empty({0}, torch::kInt64), 0.5);
  EXPECT_EQ(none.sizes(), (std::vector<std::int64_t>{0}));
  const torch::Tensor classes = torch::zeros({2}, torch::kInt64);
  EXPECT_EQ(batched_nms(torch::zeros({2, 4}), torch::ones({2}), classes, 0.5).size(0), 2);  // they overlap by nothing
  EXPECT_THROW(batched_nms(torch::zeros({2, 4}), torch::full({2}, NAN), classes, 0.5), Error);
  EXPECT_THROW(batched_nms(torch::zeros({3, 4}), torch::ones({2}), classes, 0.5), Error);
}

TEST(PasteMasks, EqualSamplingAtPixelCentres) {
  SOCO_ORACLE_OR_SKIP(path, "detector.safetensors");
  const StateDict oracle = testing::read_oracle(path);
  const torch::Tensor probabilities = from_host(oracle.at("paste.probabilities"));
  const torch::Tensor pasted = paste_masks(from_host(oracle.at("paste.masks")), from_host(oracle.at("paste.boxes")),
                                           probabilities.size(1), probabilities.size(2));
  const torch::Tensor expected = probabilities >= 0.5;
  EXPECT_GT(expected.sum().item<std::int64_t>(), 500);
  EXPECT_EQ((pasted != expected).sum().item<std::int64_t>(), 0);  // no probability is within rounding of a half
}

TEST(PasteMasks, FillExactlyTheBoxWhenTheMaskIsFull) {
  // At the box's edge a full mask has fallen to a half.
  const torch::Tensor pasted = paste_masks(torch::ones({1, 28, 28}), boxes_of({3, 2, 10, 6}), 12, 16);
  EXPECT_EQ(pasted.sum().item<std::int64_t>(), 7 * 4);
  EXPECT_EQ(pasted[0].slice(0, 2, 6).slice(1, 3, 10).sum().item<std::int64_t>(), 7 * 4);
  EXPECT_EQ(paste_masks(torch::ones({1, 28, 28}), boxes_of({5, 5, 5, 9}), 12, 16).sum().item<std::int64_t>(), 0);
  EXPECT_THROW(paste_masks(torch::ones({1, 28, 28}), boxes_of({0, 0, INFINITY, 9}), 12, 16), Error);
}

// A lively norm: factors, shifts and statistics far from those of the start.
void stir(BatchNorm& norm) {
  torch::nn::init::uniform_(norm->weight, 0.5, 1.5);
  torch::nn::init::normal_(norm->bias);
  norm->running_mean.normal_();
  norm->running_var.uniform_(0.5, 2);
}

TEST(ConvNorm, FrozenNormIsThatOfTheRunningStatisticsAndTakesNoGradient) {
  torch::manual_seed(4);
  ConvNorm conv(ConvNormOptions{6, 8, 3, 2});
  conv->to(torch::kFloat64);
  stir(conv->norm);
  conv->norm->freeze();
  const torch::Tensor x = torch::randn({2, 6, 9, 7}, torch::kFloat64).requires_grad_();
  const torch::Tensor residual = torch::randn({2, 8, 5, 4}, torch::kFloat64);
  const torch::Tensor before = conv->norm->running_mean.clone();
  const torch::Tensor ours = conv(x, NormCall{.activation = NormActivation::kRelu, .residual = residual, .groups = {}});
  const torch::Tensor plain =
      torch::batch_norm(torch::conv2d(x, conv->weight, {}, 2, 1), conv->norm->weight, conv->norm->bias,
                        conv->norm->running_mean, conv->norm->running_var, false, 0, kBatchNormEps, false);
  const torch::Tensor theirs = torch::relu(plain + residual);
  EXPECT_LT(max_difference(ours, theirs), 1e-12);
  const auto gradient = [&](const torch::Tensor& y, const torch::Tensor& of) {
    return torch::autograd::grad({(y * y).sum()}, {of}, {}, /*retain_graph=*/true)[0];
  };
  EXPECT_LT(max_difference(gradient(ours, x), gradient(theirs, x)), 1e-10);
  EXPECT_LT(max_difference(gradient(ours, conv->weight), gradient(theirs, conv->weight)), 1e-9);
  EXPECT_FALSE(conv->norm->weight.requires_grad());
  EXPECT_TRUE(torch::equal(conv->norm->running_mean, before));
}

TEST(ConvNorm, HasABiasInPlaceOfANorm) {
  ConvNorm conv(ConvNormOptions{3, 4, 1, 1, NormKind::kNone});
  torch::nn::init::normal_(conv->bias);
  const torch::Tensor x = torch::randn({1, 3, 5, 5});
  EXPECT_LT(max_difference(conv(x), torch::conv2d(x, conv->weight, conv->bias)), 1e-6);
  EXPECT_EQ(conv->named_parameters().size(), 2u);
}

}  // namespace
}  // namespace soco
