// SPDX-License-Identifier: MIT
// Mask R-CNN R50-FPN against torchvision's, with the same weights and the same sampled anchors and proposals.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>

#include "soco/export/formats/torchvision_detector.h"
#include "soco/layers/roi_align.h"
#include "soco/layers/tensor_bridge.h"
#include "soco/modeling/meta_arch/mask_rcnn.h"
#include "testing/oracle_file.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using testing::max_difference;

constexpr std::int64_t kNumClasses = 4;
// Sums of some 1e5 products in float64, one after the other through sixty layers, in another order: about 1e-13 of the
// largest values. Everything before the loss is continuous in between, so a choice that differs shows at once.
constexpr double kRelative = 1e-10;

/// What torchvision's maskrcnn_resnet50_fpn does otherwise than Detectron2; see docs/detection.md.
DetectorOptions torchvision_options() {
  DetectorOptions options;
  options.backbone_norm = DetectorNorm::kFrozen;
  options.rpn.anchors.round = true;
  options.rpn.anchors.fit_stride = true;
  options.rpn.smooth_l1_beta = 1.0 / 9;
  options.rpn.train_proposals = 2000;
  options.rpn.min_size = 1e-3;
  options.roi_heads.aligned = false;
  options.roi_heads.sampling_ratio = 2;
  options.roi_heads.smooth_l1_beta = 1.0 / 9;
  options.roi_heads.min_size = 1e-2;
  return options;
}

class TorchvisionMaskRcnn : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto path = testing::find_oracle("detector.safetensors");
    if (!path) return;
    oracle_ = std::make_unique<StateDict>(testing::read_oracle(*path));
    StateDict theirs;
    for (const auto& [name, tensor] : oracle_->entries())
      if (name.starts_with("w.")) theirs.add(name.substr(2), tensor);
    const StateDict ours = ours_from_torchvision_detector(theirs);
    model_ = MaskRcnn(torchvision_options(), kNumClasses);
    std::size_t num_loaded = 0;
    for (const auto& item : model_->named_parameters())
      copy_from_host(item.value(), ours.at(item.key()), item.key()), ++num_loaded;
    for (const auto& item : model_->named_buffers())
      copy_from_host(item.value(), ours.at(item.key()), item.key()), ++num_loaded;
    ASSERT_EQ(num_loaded, ours.size());  // no weight of theirs is without a place
    model_->to(torch::kFloat64);
    images_ = {at("images"), {}};
    const torch::Tensor sizes = at("sizes");
    for (std::int64_t i = 0; i < sizes.size(0); ++i)
      images_.sizes.push_back({sizes[i][0].item<std::int64_t>(), sizes[i][1].item<std::int64_t>()});
  }
  static void TearDownTestSuite() {
    oracle_.reset();
    model_ = MaskRcnn(nullptr);
  }
  void SetUp() override {
    if (!oracle_) GTEST_SKIP() << "no detector.safetensors in SOCO_ORACLE_DIR; tests/oracles makes it";
  }

  static torch::Tensor at(const std::string& name) { return from_host(oracle_->at(name)); }
  static std::vector<std::int64_t> indices(const std::string& name) {
    const auto values = oracle_->at(name).as<std::int64_t>();
    return {values.begin(), values.end()};
  }

  /// Targets as torchvision makes them: the object's mask by its RoIAlign, so not only 0 and 1.
  static std::vector<DetectorTarget> targets() {
    std::vector<DetectorTarget> result;
    for (std::size_t i = 0; i < images_.sizes.size(); ++i) {
      const std::string name = "target" + std::to_string(i);
      const torch::Tensor masks = at(name + ".masks").to(torch::kFloat64).unsqueeze(1);
      result.push_back({at(name + ".boxes"), at(name + ".labels"),
                        [masks](const torch::Tensor& boxes, const torch::Tensor& objects, std::int64_t side) {
                          const torch::Tensor rois = torch::cat({objects.to(torch::kFloat64).unsqueeze(1), boxes}, 1);
                          return roi_align(masks, rois, 1.0, side, side, 0, false).squeeze(1);
                        }});
    }
    return result;
  }

  static std::unique_ptr<StateDict> oracle_;
  static MaskRcnn model_;
  static DetectorImages images_;
};
std::unique_ptr<StateDict> TorchvisionMaskRcnn::oracle_;
MaskRcnn TorchvisionMaskRcnn::model_{nullptr};
DetectorImages TorchvisionMaskRcnn::images_;

void expect_equal(const torch::Tensor& ours, const torch::Tensor& theirs, const std::string& name) {
  ASSERT_EQ(ours.sizes(), theirs.sizes()) << name;
  if (theirs.numel() == 0) return;
  EXPECT_LT(max_difference(ours, theirs), kRelative * std::max(1e-3, theirs.abs().max().item<double>())) << name;
}

TEST_F(TorchvisionMaskRcnn, TrainingMatchesAndLossesAndGradientsAreEqual) {
  model_->train();
  // Their samples; before that, that the same anchors and proposals were found to be objects and background.
  const CandidateSampler sampler = [](const SamplingRequest& request) {
    const std::string name =
        (request.stage == SamplingStage::kAnchors ? "train.rpn" : "train.roi") + std::to_string(request.image);
    EXPECT_EQ(request.matches.positives, indices(name + ".positive")) << name;
    EXPECT_EQ(request.matches.negatives, indices(name + ".negative")) << name;
    return SampledCandidates{indices(name + ".sampled_positive"), indices(name + ".sampled_negative")};
  };
  const auto result = model_->forward(images_, targets(), sampler);
  const std::vector<std::pair<std::string, std::string>> names{{"loss_rpn_cls", "loss_objectness"},
                                                               {"loss_rpn_loc", "loss_rpn_box_reg"},
                                                               {"loss_cls", "loss_classifier"},
                                                               {"loss_box_reg", "loss_box_reg"},
                                                               {"loss_mask", "loss_mask"}};
  ASSERT_EQ(result.losses.size(), names.size());
  torch::Tensor loss = torch::zeros({}, torch::kFloat64);
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(result.losses[i].first, names[i].first);
    const torch::Tensor term = at("train.loss." + names[i].second);
    const double theirs = term.item<double>();
    EXPECT_GT(theirs, 1e-3);
    // torchvision's anchor labels are float32, and so PyTorch 1.13 gives that loss in float32: half a last place.
    const double relative = term.scalar_type() == torch::kFloat32 ? 6e-8 : kRelative;
    EXPECT_NEAR(result.losses[i].second.item<double>(), theirs, relative * theirs) << names[i].first;
    loss = loss + result.losses[i].second;
  }
  loss.backward();
  StateDict gradients;
  for (const auto& item : model_->named_parameters())
    if (item.value().requires_grad()) gradients.add(item.key(), to_host(item.value().grad()));
  const StateDict theirs = torchvision_detector_from_ours(gradients);
  std::size_t num_theirs = 0;
  for (const auto& [name, tensor] : oracle_->entries()) num_theirs += name.starts_with("train.grad.");
  EXPECT_EQ(theirs.size(), num_theirs);
  for (const auto& [name, tensor] : theirs.entries()) {
    const torch::Tensor gradient = from_host(tensor).flatten(), sampled = at("train.grad." + name);
    const torch::Tensor places =
        (torch::arange(sampled.size(0), torch::kInt64) * gradient.size(0)).div(sampled.size(0), "floor");
    const double norm = at("train.grad_norm." + name).item<double>();
    // Cancellation in sums over all cells and regions: relative to the largest gradient, not to each.
    EXPECT_LT(max_difference(gradient.index_select(0, places), sampled), 1e-9 * norm) << name;
    EXPECT_NEAR(gradient.norm().item<double>(), norm, 1e-9 * norm) << name;
  }
}

TEST_F(TorchvisionMaskRcnn, ProposalsAreEqual) {
  const torch::NoGradGuard no_grad;
  model_->eval();
  const RpnPredictions predictions = model_->proposal_generator->predict(model_->features(images_));
  for (const auto& [phase, name] :
       {std::pair{DetectorPhase::kTraining, "train"}, std::pair{DetectorPhase::kPrediction, "test"}}) {
    const auto proposals = model_->proposal_generator->proposals(predictions, images_.sizes, phase);
    for (std::size_t i = 0; i < proposals.size(); ++i)
      expect_equal(proposals[i], at(name + std::string(".proposals") + std::to_string(i)), name);
  }
}

TEST_F(TorchvisionMaskRcnn, DetectionsAreEqual) {
  model_->eval();
  const auto found = model_->infer(images_);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string name = "test.detections" + std::to_string(i);
    ASSERT_GT(found[i].scores.size(0), 10);
    expect_equal(found[i].boxes, at(name + ".boxes"), "boxes");
    expect_equal(found[i].scores, at(name + ".scores"), "scores");
    EXPECT_TRUE(torch::equal(found[i].labels, at(name + ".labels")));
    expect_equal(found[i].masks, at(name + ".masks"), "masks");
  }
}

}  // namespace
}  // namespace soco
