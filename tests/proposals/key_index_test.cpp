// SPDX-License-Identifier: MIT
#include "soco/proposals/key_index.h"

#include <gtest/gtest.h>

namespace soco {
namespace {

TEST(KeyIndex, FindsTheKeyOrTheOnlyOneOfThatFileName) {
  const KeyIndex index({"a.jpg", "val/b.jpg", "x/c.jpg", "y/c.jpg", "z/a.jpg"});
  EXPECT_EQ(index.find("val/b.jpg"), 1u);
  EXPECT_EQ(index.find("b.jpg"), 1u);
  EXPECT_EQ(index.find("images/val/b.jpg"), 1u);
  EXPECT_EQ(index.find("a.jpg"), 0u);  // equal, though another has the same last component
  EXPECT_EQ(index.find("y/c.jpg"), 3u);
  EXPECT_FALSE(index.find("c.jpg"));
  EXPECT_FALSE(index.find("w/c.jpg"));
  EXPECT_FALSE(index.find("d.jpg"));
  EXPECT_FALSE(index.find(""));
}

}  // namespace
}  // namespace soco
