// SPDX-License-Identifier: MIT
// Quality::kFast beside Quality::kExact: the same decisions, nearly the same pixels.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "data/tiny_dataset.h"
#include "soco/data/loader.h"
#include "soco/data/sample.h"

namespace soco {
namespace {

/// Waves of 100 px and more around the middle of the range: no step reaches 0 or 255 far, and rounding is all that
/// differs.
Image smooth_image(int height, int width, double phase) {
  Image image = make_image(height, width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        image.row(y)[3 * x + c] =
            static_cast<std::uint8_t>(std::lround(110 + 30 * std::sin(0.05 * x + c + phase) + 30 * std::cos(0.06 * y)));
  return image;
}

std::vector<std::vector<float>> views_of(const DecodedPart& source, const ViewPlan& plan, const SampleTrace& trace,
                                         Quality quality) {
  std::vector<std::vector<float>> views;
  std::vector<ViewMemory> memory;
  for (const ViewOptions& view : plan.views)
    memory.push_back({views.emplace_back(std::size_t{3} * view.size * view.size).data()});
  SampleScratch scratch;
  render_views(source, plan, trace, quality, memory, scratch);
  return views;
}

struct Difference {
  double mean = 0, most = 0;  // levels
};

Difference difference_of(const std::vector<float>& a, const std::vector<float>& b) {
  Difference result;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float std = kImageNetStd[i / (a.size() / 3)];
    const double levels = std::abs(a[i] - b[i]) * std * 255;
    result.mean += levels / static_cast<double>(a.size());
    result.most = std::max(result.most, levels);
  }
  return result;
}

// Without colours, two passes of a resize round to half a level each in the exact mode, so they differ by one at most;
// the fast mode's own roundings are 1/128 of a level for each tap and stay below a tenth.
TEST(FastQuality, ResizesToWithinTheRoundingOfBytes) {
  const ViewPlan plan = testing::without_colors(soco_fpn_view_plan(false));
  for (std::uint64_t i = 0; i < 10; ++i) {
    Rng rng(1, 0, i, purpose::kViews);
    const Image image = testing::test_image(301, 403, i);
    const Sample sample = draw_sample(301, 403, testing::test_proposals(301, 403, 12, i), plan, rng);
    const auto exact = views_of({image}, plan, sample.trace, Quality::kExact);
    const auto fast = views_of({image}, plan, sample.trace, Quality::kFast);
    for (std::size_t v = 0; v < 3; ++v) {
      EXPECT_LE(difference_of(exact[v], fast[v]).most, 1.1) << "view " << v;
      EXPECT_LE(difference_of(exact[v], fast[v]).mean, 0.5) << "view " << v;
    }
  }
}

// Of the exact mode's colours, four blends cut to whole levels (one each, up to 1.4 times larger after a later one) and
// the hue goes through 8 bits: 1/255 of a turn is 6/255 of the chroma, here at most 6 / 255 * 170 = 4 levels, and its
// saturation one more. With the resize and the blur's halves that stays below 14; on average below 3.
TEST(FastQuality, ColoursStayWithinTheRoundingOfBytes) {
  const ViewPlan plan = soco_fpn_view_plan(false);
  for (std::uint64_t i = 0; i < 40; ++i) {
    Rng rng(1, 0, i, purpose::kViews);
    const Image image = smooth_image(240, 320, 0.4 * static_cast<double>(i));
    const Sample sample = draw_sample(240, 320, testing::test_proposals(240, 320, 12, i), plan, rng);
    const auto exact = views_of({image}, plan, sample.trace, Quality::kExact);
    const auto fast = views_of({image}, plan, sample.trace, Quality::kFast);
    for (std::size_t v = 0; v < 3; ++v) {
      EXPECT_LE(difference_of(exact[v], fast[v]).most, 14) << "image " << i << ", view " << v;
      EXPECT_LE(difference_of(exact[v], fast[v]).mean, 3) << "image " << i << ", view " << v;
    }
  }
}

/// Small JPEG files in place of the tiny data set's.
struct JpegData {
  JpegData() : tiny(12, 60), store(ProposalStore::open_read(tiny.store_path())) {
    for (int i = 0; i < 12; ++i) {
      const auto bytes = encode_jpeg(read_image(tiny.image_path(i)), 92);
      write_file_atomic(tiny.image_path(i), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  }
  std::vector<PretrainBatch> batches(Quality quality, int num_workers) const {
    NullLogger logger;
    const PretrainDataset dataset(tiny.entries(), store, {}, logger);
    ViewPlan plan = soco_fpn_view_plan(true);
    plan.views[0].size = plan.views[1].size = 32;
    plan.views[2].size = 16;
    LoaderOptions options;
    options.num_workers = num_workers;
    options.quality = quality;
    DataLoader loader(dataset, plan, options, 5, 4);
    loader.start(0, 0, 3);
    std::vector<PretrainBatch> result;
    while (auto batch = loader.next()) result.push_back(std::move(*batch));
    return result;
  }
  testing::TinyDataset tiny;
  ProposalStore store;
};

TEST(FastQuality, BatchesHaveTheExactModesBoxesAndAreTheSameForAnyWorkers) {
  const JpegData data;
  const auto exact = data.batches(Quality::kExact, 1), fast = data.batches(Quality::kFast, 1);
  ASSERT_EQ(fast.size(), 9u);
  ASSERT_EQ(exact.size(), 9u);
  for (const int num_workers : {0, 2, 8}) {
    const auto others = data.batches(Quality::kFast, num_workers);
    ASSERT_EQ(others.size(), 9u);
    for (std::size_t i = 0; i < 9; ++i) {
      for (std::size_t v = 0; v < 3; ++v) {
        const auto one = fast[i].views[v].floats(), other = others[i].views[v].floats();
        EXPECT_TRUE(std::equal(one.begin(), one.end(), other.begin(), other.end())) << num_workers << " workers";
      }
    }
  }
  bool differ = false;
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(fast[i].sample_indices, exact[i].sample_indices);
    const auto one = fast[i].views[0].floats(), other = exact[i].views[0].floats();
    differ = differ || !std::equal(one.begin(), one.end(), other.begin(), other.end());
    for (std::size_t p = 0; p < fast[i].pairs.size(); ++p) {
      EXPECT_EQ(fast[i].pairs[p].a.boxes, exact[i].pairs[p].a.boxes);
      EXPECT_EQ(fast[i].pairs[p].b.boxes, exact[i].pairs[p].b.boxes);
      EXPECT_EQ(fast[i].pairs[p].b.ids, exact[i].pairs[p].b.ids);
      EXPECT_EQ(fast[i].pairs[p].b.levels, exact[i].pairs[p].b.levels);
    }
  }
  EXPECT_TRUE(differ);  // the switch does something
}

}  // namespace
}  // namespace soco
