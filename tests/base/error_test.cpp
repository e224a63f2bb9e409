// SPDX-License-Identifier: MIT
#include "soco/base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace soco {
namespace {

TEST(Error, CarriesKindAndFormattedTextWhenThrownByFail) {
  try {
    fail("{} has {} bytes", "a.jpg", 3);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_STREQ(error.what(), "a.jpg has 3 bytes");
  }
  try {
    fail_usage("bad");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
}

TEST(Error, HasTheDocumentedExitCodes) {
  EXPECT_EQ(exit_code(ErrorKind::kFailed), 1);
  EXPECT_EQ(exit_code(ErrorKind::kUsage), 2);
  EXPECT_EQ(exit_code(ErrorKind::kInterrupted), 75);
  EXPECT_EQ(exit_code(ErrorKind::kNotFinite), 86);
}

TEST(Error, NamesTheSystemsReasonWithItsNumber) { EXPECT_EQ(errno_text(ENOENT), "No such file or directory (2)"); }

TEST(Assert, ThrowsLogicErrorWithThePlaceWhenFalse) {
  EXPECT_NO_THROW(SOCO_ASSERT(1 + 1 == 2));
  try {
    SOCO_ASSERT(1 + 1 == 3);
    FAIL() << "did not throw";
  } catch (const std::logic_error& error) {
    EXPECT_NE(std::string(error.what()).find("error_test.cpp:"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("1 + 1 == 3"), std::string::npos);
  }
}

}  // namespace
}  // namespace soco
