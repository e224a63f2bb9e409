// SPDX-License-Identifier: MIT
// Views finished on a device beside those that the loader's workers finish, whose pixels are Pillow's: bit for bit.
#include "soco/engine/finish_views.h"

#include <gtest/gtest.h>

#include "data/tiny_dataset.h"
#include "soco/data/loader.h"
#include "soco/engine/batch_input.h"
#include "testing/cuda.h"

namespace soco {
namespace {

/// All steps as often as not, boxes of blurs narrow and wide, squares cut out.
ViewPlan eventful_plan() {
  ViewPlan plan = soco_fpn_view_plan(true);
  plan.cutout_prob = 0.7;
  const std::array sizes{61, 40, 24};
  for (std::size_t v = 0; v < plan.views.size(); ++v) {
    ViewOptions& view = plan.views[v];
    view.size = sizes[v % sizes.size()];
    view.cutout = v > 0;
    view.photometric = {.brightness = 0.8, .contrast = 0.8, .saturation = 0.8, .hue = 0.5, .jitter_prob = 0.8};
    view.photometric.gray_prob = 0.3;
    view.photometric.blur_prob = 0.8;
    view.photometric.blur_min = 0.1;
    view.photometric.blur_max = 12;
    view.photometric.solarize_prob = 0.4;
  }
  return plan;
}

void expect_the_workers_pixels(const torch::Device& device) {
  const testing::TinyDataset tiny(80);
  const ProposalStore store = ProposalStore::open_read(tiny.store_path());
  NullLogger logger;
  const PretrainDataset dataset(tiny.entries(), store, {}, logger);
  for (const ElementType type : {ElementType::kFloat32, ElementType::kBfloat16}) {
    for (const PixelLayout layout : {PixelLayout::kChw, PixelLayout::kHwc}) {
      LoaderOptions options;
      options.num_workers = 2;
      options.pixels = type;
      options.layout = layout;
      DataLoader by_workers(dataset, eventful_plan(), options, 5, 40);
      options.finish = FinishPlace::kDevice;
      DataLoader by_device(dataset, eventful_plan(), options, 5, 40);
      by_workers.start(0, 0);
      by_device.start(0, 0);
      for (int i = 0; i < 4; ++i) {
        PretrainBatch finished = by_workers.next().value(), pending = by_device.next().value();
        EXPECT_EQ(pending.views[0].pixels.size(), 40u * 61 * 61 * 3);
        const auto expected = to_input(finished, torch::kCPU).views, got = to_input(pending, device).views;
        for (std::size_t v = 0; v < expected.size(); ++v) {
          ASSERT_EQ(got[v].device().type(), device.type());
          ASSERT_EQ(got[v].strides(), expected[v].strides());
          ASSERT_TRUE(torch::equal(got[v].cpu(), expected[v])) << "batch " << i << ", view " << v;
        }
        by_device.recycle(std::move(pending));  // its memory serves again
      }
    }
  }
}

/// Turns the hue of all 2^24 colours.
void expect_every_hue(const torch::Device& device) {
  constexpr int kSide = 512;
  ViewChanges changes;
  changes.photometric.jitter = true;
  changes.photometric.enabled = {false, false, false, true};
  PhotometricScratch scratch;
  std::vector<float> expected(3 * kSide * kSide);
  for (int block = 0; block < 64; ++block) {
    Image image = make_image(kSide, kSide);
    for (int i = 0; i < kSide * kSide; ++i) {
      const int colour = block << 18 | i;
      for (int c = 0; c < 3; ++c)
        image.pixels[static_cast<std::size_t>(3 * i + c)] = static_cast<std::uint8_t>(colour >> 8 * c);
    }
    changes.photometric.hue = (block - 32) / 64.0;
    finish_view(changes.photometric, Mirror::kNo, image, {expected.data()}, scratch);
    const auto pixels = torch::from_blob(image.pixels.data(), {1, kSide, kSide, 3}, torch::kUInt8);
    const auto got = finish_views(pixels.to(device), std::array{changes}).cpu();
    ASSERT_TRUE(torch::equal(got, torch::from_blob(expected.data(), {1, 3, kSide, kSide}))) << "block " << block;
  }
}

TEST(FinishViews, GivesTheWorkersPixels) { expect_the_workers_pixels(torch::kCPU); }
TEST(FinishViews, TurnsEveryHueAsTheWorkers) { expect_every_hue(torch::kCPU); }

TEST(FinishViews, GivesTheWorkersPixelsOnCuda) {
  SOCO_CUDA_OR_SKIP();
  expect_the_workers_pixels(torch::kCUDA);
}
TEST(FinishViews, TurnsEveryHueAsTheWorkersOnCuda) {
  SOCO_CUDA_OR_SKIP();
  expect_every_hue(torch::kCUDA);
}

}  // namespace
}  // namespace soco
