// SPDX-License-Identifier: MIT
#include "soco/run/detector_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/checkpoint/checkpointer.h"
#include "soco/checkpoint/safetensors.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

HostTensor number(float value) { return HostTensor::from<float>({1}, std::vector<float>{value}); }

std::vector<std::string> names(const StateDict& state) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : state.entries()) result.push_back(name);
  return result;
}

class DetectorFileTest : public ::testing::Test {
 protected:
  std::string error_of(const std::filesystem::path& path) {
    try {
      read_detector_file(path, log_);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  testing::TempDir temp_;
  NullLogger log_;
  FinetuneOptions options_;
  std::vector<ObjectCategory> categories_{{.id = 3, .name = "cat"}, {.id = 7, .name = "dog \"x\""}};
};

TEST_F(DetectorFileTest, ComesBackWithOptionsCategoriesAndWeights) {
  options_.model.fpn_channels = 48;
  options_.solver.freeze = {"backbone."};
  StateDict weights;
  weights.add("roi_heads.box_predictor.cls_score.bias", number(2));
  write_safetensors(temp_ / "d.safetensors", weights, detector_metadata(options_, categories_));
  const DetectorFile file = read_detector_file(temp_ / "d.safetensors", log_);
  EXPECT_EQ(file.options.model.fpn_channels, 48);
  EXPECT_THAT(file.options.solver.freeze, ElementsAre("backbone."));
  ASSERT_EQ(file.categories.size(), 2u);
  EXPECT_EQ(file.categories[1].id, 7);
  EXPECT_EQ(file.categories[1].name, "dog \"x\"");
  EXPECT_TRUE(file.weights == weights);
}

TEST_F(DetectorFileTest, OfACheckpointTheMovingAverageIsTakenElseTheModel) {
  StateDict checkpoint;
  checkpoint.add("model.w", number(1));
  checkpoint.add("optimizer.momentum_buffer.w", number(2));
  checkpoint.add("selection", number(3));
  EXPECT_THAT(names(detector_tensors(checkpoint)), ElementsAre("w"));
  EXPECT_TRUE(detector_tensors(checkpoint).at("w") == number(1));
  checkpoint.add("ema.w", number(4));
  EXPECT_THAT(names(detector_tensors(checkpoint)), ElementsAre("w"));
  EXPECT_TRUE(detector_tensors(checkpoint).at("w") == number(4));
}

TEST_F(DetectorFileTest, OfARunTheBestDetectorIsTaken) {
  StateDict best, newest;
  best.add("w", number(1));
  newest.add("model.w", number(2));
  std::filesystem::create_directories(temp_ / "run" / "checkpoints");
  write_file_atomic(temp_ / "run" / "config.toml", dump_toml(options_));
  const auto metadata = detector_metadata(options_, categories_);
  EXPECT_THAT(error_of(temp_ / "run"), HasSubstr("has no checkpoint yet"));
  Checkpointer(temp_ / "run" / "checkpoints", {}, log_).save(1, newest, metadata);
  EXPECT_TRUE(read_detector_file(temp_ / "run", log_).weights.at("w") == number(2));
  write_safetensors(temp_ / "run" / "best.safetensors", best, metadata);
  EXPECT_TRUE(read_detector_file(temp_ / "run", log_).weights.at("w") == number(1));
}

TEST_F(DetectorFileTest, OtherFilesAreRefused) {
  StateDict weights;
  weights.add("w", number(1));
  const auto path = temp_ / "d.safetensors";
  write_safetensors(path, weights, {{"kind", "soco-pretrain"}});
  EXPECT_THAT(error_of(path), HasSubstr("is no detector that 'soco finetune' trained"));
  auto metadata = detector_metadata(options_, categories_);
  metadata["categories"] = "[{\"id\": \"three\"}]";
  write_safetensors(path, weights, metadata);
  EXPECT_THAT(error_of(path), HasSubstr("categories"));
  metadata["categories"] = "[]";
  write_safetensors(path, weights, metadata);
  EXPECT_THAT(error_of(path), HasSubstr("name no categories"));
  metadata = detector_metadata(options_, categories_);
  metadata["config"] = "[model]\nbackbone = \"vgg\"\n";
  write_safetensors(path, weights, metadata);
  EXPECT_THAT(error_of(path), HasSubstr("config in its metadata"));
}

}  // namespace
}  // namespace soco
