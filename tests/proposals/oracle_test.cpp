// SPDX-License-Identifier: MIT
// Box for box against tests/oracles/selective_search_oracle.py, which runs scikit-image.
#include <gtest/gtest.h>

#include "soco/image/codec.h"
#include "soco/proposals/release_box.h"
#include "soco/proposals/selective_search.h"
#include "testing/oracle_file.h"

namespace soco {
namespace {

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
