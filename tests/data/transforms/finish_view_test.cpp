// SPDX-License-Identifier: MIT
// finish_view against Pillow and torchvision on what tests/oracles/photometric_oracle.py writes: bit for bit, in each
// element type and layout, on every instruction set.
#include <gtest/gtest.h>

#include "data/plans.h"
#include "soco/data/transforms/photometric.h"
#include "testing/instruction_sets.h"
#include "testing/photometric_cases.h"

namespace soco {
namespace {

PhotometricDecision decision_of(const Json& one) {
  PhotometricDecision decision;
  decision.jitter = one.at("jitter").get<bool>();
  decision.order = one.at("order").get<std::array<int, 4>>();
  const auto factors = one.at("factors").get<std::array<double, 4>>();
  decision.brightness = factors[0];
  decision.contrast = factors[1];
  decision.saturation = factors[2];
  decision.hue = factors[3];
  decision.gray = one.at("gray").get<bool>();
  decision.blur = one.at("blur").get<bool>();
  decision.blur_radius = one.at("radius").get<double>();
  decision.solarize = one.at("solarize").get<bool>();
  decision.solarize_threshold = one.at("threshold").get<int>();
  return decision;
}

constexpr std::pair<ElementType, PixelLayout> kForms[] = {{ElementType::kFloat32, PixelLayout::kChw},
                                                          {ElementType::kFloat32, PixelLayout::kHwc},
                                                          {ElementType::kBfloat16, PixelLayout::kChw},
                                                          {ElementType::kBfloat16, PixelLayout::kHwc}};

/// Every form on the machine's best instruction set, one form an image on the others.
TEST(FinishView, EqualsTorchvisionsInEveryFormOnEveryTarget) {
  SOCO_ORACLE_OR_SKIP(folder, "photometric");
  const auto cases = testing::read_photometric_cases(folder);
  const Json& views = cases.index.at("cases").at("view");
  ASSERT_GE(views.size(), 2000u);
  PhotometricScratch scratch;  // one for all: its memory holds what other sizes left
  bool best = true;
  testing::for_each_target([&] {
    for (std::size_t i = 0; i < views.size(); ++i) {
      const Mirror mirror = views[i].at("mirror").get<bool>() ? Mirror::kYes : Mirror::kNo;
      for (std::size_t form = 0; form < 4; ++form) {
        if (!best && form != i % 4) continue;
        const auto [type, layout] = kForms[form];
        std::vector<std::byte> out(cases.images[i].pixels.size() * element_bytes(type));
        finish_view(decision_of(views[i]), mirror, cases.images[i], {out.data(), type, layout}, scratch);
        ASSERT_EQ(testing::crc32_of(out), views[i].at("crcs")[form].get<std::uint32_t>())
            << "form " << form << " of image " << i << ", " << views[i];
      }
    }
    best = false;
  });
}

TEST(FinishView, AllocatesNothingOnceWarm) {
  const Image image = testing::test_image(60, 50, 1);
  PhotometricDecision decision;
  decision.jitter = decision.blur = decision.solarize = true;
  decision.blur_radius = 2;
  std::vector<float> out(image.pixels.size());
  PhotometricScratch scratch;
  finish_view(decision, Mirror::kYes, image, {out.data()}, scratch);
  const auto memory = [&] {
    return std::vector<const void*>{scratch.planes.values.data(), scratch.blur.plane.data(), scratch.blur.lines.data()};
  };
  const auto warm = memory();
  for (const double radius : {0.1, 1.0, 2.0}) {
    decision.blur_radius = radius;
    finish_view(decision, Mirror::kNo, testing::test_image(30, 50, 2), {out.data()}, scratch);
    finish_view(decision, Mirror::kNo, image, {out.data()}, scratch);
  }
  EXPECT_EQ(memory(), warm);
}

}  // namespace
}  // namespace soco
