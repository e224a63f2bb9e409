// SPDX-License-Identifier: MIT
// Against scikit-image: boxes of tests/oracles/selective_search_oracle.py, colours of colour_space_oracle.py.
#include <gtest/gtest.h>

#include <array>

#include "soco/image/codec.h"
#include "soco/proposals/colour_space.h"
#include "soco/proposals/release_box.h"
#include "soco/proposals/selective_search.h"
#include "testing/oracle_file.h"

namespace soco {
namespace {

/// Largest distance between the planes and `wanted` (scaled and shifted to bytes, unrounded); around a circle of 255
/// for the first channel when it is a hue.
std::array<double, 3> distances(const Image& image, ColourSpace space, const Json& wanted, std::array<double, 3> scale,
                                std::array<double, 3> shift) {
  ColourPlanes planes;
  convert_colours(image, space, planes);
  std::array<double, 3> result{};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      double distance = std::abs(planes.planes[c][i] - (wanted.at(i).at(c).get<double>() * scale[c] + shift[c]));
      if (space == ColourSpace::kHsv && c == 0) distance = std::min(distance, 255 - distance);
      result[c] = std::max(result[c], distance);
    }
  }
  return result;
}

TEST(ColourSpaceOracle, AgreesToTheRounding) {
  SOCO_ORACLE_OR_SKIP(path, "colour_space.json");
  const Json expected = parse_json(read_text_file(path, 1ull << 30), path.string());
  const Json& rgb = expected.at("rgb");
  ASSERT_EQ(rgb.size(), 4096u);
  Image image = make_image(1, static_cast<int>(rgb.size()));
  for (std::size_t i = 0; i < rgb.size(); ++i)
    for (int c = 0; c < 3; ++c) image.pixels[3 * i + static_cast<std::size_t>(c)] = rgb.at(i).at(c).get<std::uint8_t>();
  // Half a level of rounding; 1e-3 for float32 and, in L*a*b*, for the cube root taken from a table.
  for (const double d : distances(image, ColourSpace::kHsv, expected.at("hsv"), {255, 255, 255}, {0, 0, 0}))
    EXPECT_LE(d, 0.501);
  for (const double d : distances(image, ColourSpace::kLab, expected.at("lab"), {2.55, 1, 1}, {0, 128, 128}))
    EXPECT_LE(d, 0.501);
}

TEST(SelectiveSearchOracle, GivesTheReferencesBoxesInOrder) {
  SOCO_ORACLE_OR_SKIP(path, "selective_search/expected.json");
  const Json expected = parse_json(read_text_file(path, 1ull << 30), path.string());
  ASSERT_FALSE(expected.at("images").empty());
  for (const Json& entry : expected.at("images")) {
    const std::string file = entry.at("file").get<std::string>();
    const Image image = read_image(path.parent_path() / file);
    const std::vector<Box> boxes = selective_search(image);
    const Json& wanted = entry.at("boxes");
    ASSERT_EQ(boxes.size(), wanted.size()) << file;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const ReleaseBox b = release_box_from_box(boxes[i]);
      ASSERT_EQ(Json({b.x, b.y, b.w, b.h}), wanted.at(i)) << file << ", box " << i;
    }
  }
}

}  // namespace
}  // namespace soco
