// SPDX-License-Identifier: MIT
#include "soco/base/missing_names.h"

#include <gtest/gtest.h>

#include "soco/base/error.h"

namespace soco {
namespace {

TEST(MissingNames, CountsAllAndNamesTen) {
  MissingNames names;
  EXPECT_EQ(names.text(), "0");
  for (char c = 'a'; c <= 'j'; ++c) names.add(std::string(1, c));
  EXPECT_EQ(names.text(), "10 (a, b, c, d, e, f, g, h, i, j)");
  names.add("k");
  names.add("l");
  EXPECT_EQ(names.text(), "12 (a, b, c, d, e, f, g, h, i, j and 2 more)");
}

TEST(MissingNames, FailsWhenMostAreMissing) {
  MissingNames names;
  names.check_minority(0, "f", "x");
  names.add("a");
  names.check_minority(2, "f", "x");
  try {
    names.check_minority(1, "gt.json", "images, so many lack a row:");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "gt.json: of 1 images, so many lack a row: 1 (a): the two do not belong together");
  }
}

}  // namespace
}  // namespace soco
