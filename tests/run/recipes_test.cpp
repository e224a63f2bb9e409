// SPDX-License-Identifier: MIT
#include "soco/run/recipes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "soco/base/error.h"
#include "soco/run/auto_settings.h"

namespace soco {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

PretrainOptions recipe(const std::string& name) {
  PretrainOptions options;
  load_recipe_or_file(options, name);
  return options;
}

TEST(Recipes, AllLoadAndAreValid) {
  ASSERT_GE(pretrain_recipes().size(), 3u);
  for (const Recipe& row : pretrain_recipes()) {
    SCOPED_TRACE(std::string(row.name));
    validate_options(recipe(std::string(row.name)));
  }
}

// Figures of the published recipes: paper, section 4, and the release's launch scripts.
TEST(Recipes, FpnHundredEpochsIsThePublishedOne) {
  const PretrainOptions options = recipe("soco_fpn_100ep");
  EXPECT_EQ(options.train.recipe_epochs, 100);
  EXPECT_EQ(options.solver.optimizer, OptimizerKind::kLars);
  EXPECT_DOUBLE_EQ(options.solver.base_lr, 1.0);
  EXPECT_DOUBLE_EQ(options.solver.weight_decay, 1e-5);
  EXPECT_DOUBLE_EQ(options.solver.ema_momentum, 0.99);
  EXPECT_DOUBLE_EQ(options.solver.warmup_epochs, 10);
  EXPECT_EQ(options.model.backbone, Backbone::kResNet50);
  EXPECT_EQ(options.model.head_mode, HeadMode::kReference);
  ASSERT_EQ(options.plan.views.size(), 3u);
  EXPECT_EQ(options.plan.views[0].crop, "whole");
  EXPECT_EQ(options.plan.views[0].size, 224);
  EXPECT_EQ(options.plan.views[0].photometric.blur_prob, 1.0);
  EXPECT_EQ(options.plan.views[0].photometric.solarize_prob, 0.0);
  EXPECT_FALSE(options.plan.views[0].cutout);
  EXPECT_EQ(options.plan.views[1].photometric.blur_prob, 0.1);
  EXPECT_EQ(options.plan.views[1].photometric.solarize_prob, 0.2);
  EXPECT_EQ(options.plan.views[2].size, 112);
  EXPECT_TRUE(options.plan.views[1].cutout && options.plan.views[2].cutout);
  ASSERT_EQ(options.plan.pairs.size(), 2u);
  EXPECT_EQ(options.plan.pairs[1].b, 2);
  EXPECT_EQ(options.plan.num_boxes, 4);
}

TEST(Recipes, FourHundredEpochsHasNoCutoutAndElseTheSamePlan) {
  PretrainOptions hundred = recipe("soco_fpn_100ep");
  const PretrainOptions four_hundred = recipe("soco_fpn_400ep");
  EXPECT_EQ(four_hundred.train.recipe_epochs, 400);
  for (ViewOptions& view : hundred.plan.views) view.cutout = false;
  hundred.train.recipe_epochs = 400;
  EXPECT_EQ(dump_toml(hundred), dump_toml(four_hundred));
}

// Chen et al. 2020 (MoCo v2) and its published code.
TEST(Recipes, MocoV2IsThePublishedOne) {
  const PretrainOptions options = recipe("mocov2");
  EXPECT_EQ(options.train.recipe_epochs, 200);
  EXPECT_EQ(options.solver.optimizer, OptimizerKind::kSgd);
  EXPECT_DOUBLE_EQ(options.solver.base_lr, 0.03);
  EXPECT_DOUBLE_EQ(options.solver.weight_decay, 1e-4);
  EXPECT_DOUBLE_EQ(options.solver.ema_momentum, 0.999);
  EXPECT_EQ(options.solver.ema_schedule, EmaSchedule::kConstant);
  EXPECT_EQ(options.model.loss, ContrastLoss::kInfoNce);
  EXPECT_EQ(options.model.directions, Directions::kAToB);
  EXPECT_EQ(options.model.projector_out_channels, 128);
  EXPECT_DOUBLE_EQ(options.model.temperature, 0.2);
  EXPECT_EQ(options.model.queue_size, 65536);
  EXPECT_FALSE(options.model.predictor || options.model.projector_norm || options.model.zero_init_residual);
  for (const ViewOptions& view : options.plan.views) {
    EXPECT_DOUBLE_EQ(view.min_scale, 0.2);
    EXPECT_DOUBLE_EQ(view.photometric.saturation, 0.4);
    EXPECT_DOUBLE_EQ(view.photometric.blur_prob, 0.5);
    EXPECT_DOUBLE_EQ(view.photometric.solarize_prob, 0);
  }
}

TEST(Recipes, ByolImageHasSoCosBackboneScheduleOptimiserAndColours) {
  const PretrainOptions soco = recipe("soco_fpn_100ep"), byol = recipe("byol_image");
  EXPECT_EQ(byol.model.architecture, Architecture::kImage);
  EXPECT_EQ(byol.plan.boxes, BoxChoice::kImage);
  EXPECT_EQ(byol.model.backbone, soco.model.backbone);
  EXPECT_EQ(byol.model.loss, ContrastLoss::kCosine);
  for (const auto& [ours, theirs] : std::vector<std::pair<double, double>>{
           {byol.solver.base_lr, soco.solver.base_lr},
           {byol.solver.warmup_epochs, soco.solver.warmup_epochs},
           {byol.solver.final_lr, soco.solver.final_lr},
           {byol.solver.weight_decay, soco.solver.weight_decay},
           {byol.solver.ema_momentum, soco.solver.ema_momentum},
           {byol.plan.views[0].photometric.blur_prob, soco.plan.views[0].photometric.blur_prob},
           {byol.plan.views[1].photometric.solarize_prob, soco.plan.views[1].photometric.solarize_prob}})
    EXPECT_DOUBLE_EQ(ours, theirs);
}

TEST(PretrainOptions, WholeImagesAndBoxesOfThemGoTogether) {
  PretrainOptions options = recipe("byol_image");
  options.plan.boxes = BoxChoice::kObjects;
  EXPECT_THAT(error_of([&] { validate_options(options); }), HasSubstr("set plan.boxes=image"));
}

TEST(PretrainOptions, FastViewsAreNotFinishedByTheDevice) {
  PretrainOptions options = recipe("soco_fpn_100ep");
  options.loader.finish = FinishPlace::kDevice;
  validate_options(options);
  options.loader.quality = Quality::kFast;
  EXPECT_THAT(error_of([&] { validate_options(options); }), HasSubstr("loader.quality = exact"));
}

TEST(Recipes, UnknownNameIsAUsageErrorWithTheNearest) {
  EXPECT_THAT(error_of([] { recipe("soco_fpn_10ep"); }), HasSubstr("did you mean soco_fpn_100ep?"));
}

TEST(PretrainOptions, DumpReadsBackEqual) {
  PretrainOptions options = recipe("smoke/quickstart");
  apply_override(options, "plan.views.2.size=96");
  apply_override(options, "solver.lr=0.25");
  PretrainOptions again;
  load_toml(again, dump_toml(options), "dump");
  EXPECT_EQ(dump_toml(again), dump_toml(options));
  EXPECT_EQ(again.plan.views[2].size, 96);
}

TEST(PretrainOptions, MisspeltKeyGetsASuggestion) {
  PretrainOptions options;
  EXPECT_THAT(error_of([&] { apply_override(options, "train.epochz=3"); }), HasSubstr("epochs"));
}

TEST(PretrainOptions, AccumulationMustDivideTheBatch) {
  PretrainOptions options = recipe("soco_fpn_100ep");
  options.train.batch_size = 10;
  options.train.accumulation = 4;
  EXPECT_THAT(error_of([&] { validate_options(options); }),
              HasSubstr("train.accumulation = 4 does not divide train.batch_size = 10"));
}

MachineInfo cpu_with(double gib) {
  return {.cuda = false, .memory_bytes = static_cast<std::uint64_t>(gib * (1ull << 30)), .num_cores = 2};
}

TEST(AutoSettings, EveryAutoIsResolvedWithAReason) {
  PretrainOptions options = recipe("soco_fpn_100ep");
  const auto reasons = resolve_auto_settings(options, 1000, cpu_with(24));
  ASSERT_TRUE(options.train.batch_size && options.train.epochs && options.solver.lr && options.train.num_threads);
  // 16 on a CPU (memory and images allow more); 62 steps an epoch; 2000 steps / 62 = 33 epochs; 1.0 * 16 / 256.
  EXPECT_EQ(*options.train.batch_size, 16);
  EXPECT_EQ(*options.train.epochs, 33);
  EXPECT_DOUBLE_EQ(*options.solver.lr, 0.0625);
  EXPECT_EQ(*options.train.num_threads, 2);
  EXPECT_DOUBLE_EQ(options.solver.warmup_epochs, 3.3);  // 10 would be over a quarter of 33
  EXPECT_EQ(reasons.size(), 5u);
}

TEST(AutoSettings, GivenValuesStay) {
  PretrainOptions options = recipe("soco_fpn_100ep");
  options.train.batch_size = 4;
  options.train.epochs = 20;
  options.solver.lr = 0.5;
  options.train.num_threads = 1;
  EXPECT_TRUE(resolve_auto_settings(options, 1000, cpu_with(24)).empty());
  EXPECT_EQ(*options.train.batch_size, 4);
  EXPECT_DOUBLE_EQ(options.solver.warmup_epochs, 10);
}

TEST(AutoSettings, LittleMemoryAndFewImagesLowerTheBatch) {
  PretrainOptions little_memory = recipe("soco_fpn_100ep");
  resolve_auto_settings(little_memory, 1000, cpu_with(4));
  EXPECT_LT(*little_memory.train.batch_size, 16);
  PretrainOptions few_images = recipe("soco_fpn_100ep");
  resolve_auto_settings(few_images, 9, cpu_with(24));
  EXPECT_EQ(*few_images.train.batch_size, 2);  // a quarter of nine, rounded down to a power of two
}

TEST(AutoSettings, FewerImagesThanABatchIsAUsageErrorWithBothNumbers) {
  PretrainOptions options = recipe("soco_fpn_100ep");
  options.train.batch_size = 64;
  EXPECT_THAT(error_of([&] { resolve_auto_settings(options, 10, cpu_with(24)); }),
              ::testing::AllOf(HasSubstr("train.batch_size = 64"), HasSubstr("10 images")));
}

TEST(AutoSettings, CudaTrainsAtLeastTheRecipesEpochs) {
  PretrainOptions options = recipe("soco_fpn_100ep");
  options.train.batch_size = 256;
  MachineInfo gpu = cpu_with(80);
  gpu.cuda = true;
  resolve_auto_settings(options, 1'281'167, gpu);
  EXPECT_EQ(*options.train.epochs, 100);
}

FinetuneOptions detection_recipe(const std::string& name) {
  FinetuneOptions options;
  load_recipe_or_file(options, name);
  return options;
}

TEST(DetectionRecipes, AllLoadAndAreValid) {
  ASSERT_GE(detection_recipes().size(), 7u);
  for (const Recipe& row : detection_recipes()) {
    SCOPED_TRACE(std::string(row.name));
    validate_options(detection_recipe(std::string(row.name)));
  }
}

// Figures of the release's detectron2_configs and of Detectron2's defaults under them.
TEST(DetectionRecipes, AreTheReleases) {
  const FinetuneOptions fpn = detection_recipe("mask_rcnn_r50_fpn_1x"), c4 = detection_recipe("mask_rcnn_r50_c4_1x");
  EXPECT_EQ(fpn.train.steps, 90'000);
  EXPECT_EQ(std::llround(fpn.solver.drop_at[0] * 90'000), 60'000);
  EXPECT_EQ(std::llround(fpn.solver.drop_at[1] * 90'000), 80'000);
  EXPECT_EQ(fpn.model.roi_heads.num_convs, 4);
  EXPECT_EQ(fpn.model.roi_heads.num_fcs, 1);
  for (const DetectorNorm norm :
       {fpn.model.backbone_norm, fpn.model.fpn_norm, fpn.model.roi_heads.norm, fpn.model.masks.norm})
    EXPECT_EQ(norm, DetectorNorm::kBatch);
  EXPECT_EQ(fpn.eval.precise_bn_batches, 200);
  EXPECT_EQ(c4.model.trunk, DetectorTrunk::kC4);
  EXPECT_TRUE(c4.model.roi_heads.extra_norm);
  EXPECT_EQ(c4.model.rpn.train_candidates, 12'000);
  const FinetuneOptions voc = detection_recipe("faster_rcnn_r50_c4_voc_24k");
  EXPECT_EQ(std::llround(voc.solver.drop_at[0] * 24'000), 18'000);
  EXPECT_EQ(std::llround(voc.solver.drop_at[1] * 24'000), 22'000);
  EXPECT_FALSE(voc.model.masks.enabled);
  EXPECT_EQ(detection_recipe("mask_rcnn_r50_fpn_lvis").labels.repeat_threshold, 0.001);
}

TEST(DetectionRecipes, AreOfTheirOwnKind) {
  EXPECT_THAT(error_of([] { recipe("mask_rcnn_r50_fpn_1x"); }), HasSubstr("nor a shipped recipe"));
  EXPECT_THAT(error_of([] { detection_recipe("mask_rcnn_r50_fpn_3x"); }), HasSubstr("did you mean mask_rcnn_r50_fpn"));
}

}  // namespace
}  // namespace soco
