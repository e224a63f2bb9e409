// SPDX-License-Identifier: MIT
#include "soco/base/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "soco/base/numeric.h"
#include "soco/base/suggest.h"
#include "soco/base/utf8.h"

namespace soco {
namespace {

TEST(FormatDuration, UsesTheUnitsThatMatter) {
  EXPECT_EQ(format_duration(0.25), "0.25s");
  EXPECT_EQ(format_duration(12.34), "12.3s");
  EXPECT_EQ(format_duration(59.96), "1m00s");
  EXPECT_EQ(format_duration(245), "4m05s");
  EXPECT_EQ(format_duration(3599.7), "1h00m");
  EXPECT_EQ(format_duration(3725), "1h02m");
  EXPECT_EQ(format_duration(3 * 86400 + 4 * 3600 + 59), "3d04h");
  EXPECT_EQ(format_duration(-1), "?");
  EXPECT_EQ(format_duration(std::nan("")), "?");
  EXPECT_EQ(format_duration(std::numeric_limits<double>::infinity()), "?");
}

TEST(FormatBytes, UsesPowersOf1024) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1048575), "1.0 MiB");  // not "1024.0 KiB"
  EXPECT_EQ(format_bytes(4617089843), "4.3 GiB");
  EXPECT_EQ(format_bytes(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

TEST(FormatCount, SetsThousandsApart) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_count(-123456), "-123,456");
  EXPECT_EQ(format_count(std::numeric_limits<std::int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(ClosestMatch, FindsTypingMistakes) {
  const std::vector<std::string> keys{"epochs", "batch_size", "learning_rate", "seed"};
  EXPECT_EQ(closest_match("epchs", keys), "epochs");
  EXPECT_EQ(closest_match("epohcs", keys), "epochs");  // neighbours swapped
  EXPECT_EQ(closest_match("Batch_Size", keys), "batch_size");
  EXPECT_EQ(closest_match("batchsize", keys), "batch_size");
  EXPECT_EQ(closest_match("sede", keys), "seed");
}

TEST(ClosestMatch, FindsNothingWhenNothingIsNear) {
  EXPECT_EQ(closest_match("momentum", {"epochs", "seed"}), "");
  EXPECT_EQ(closest_match("", {"a"}), "");
  EXPECT_EQ(closest_match("ab", {"a", "b", "cd"}), "");  // one edit of two letters is too much
  EXPECT_EQ(closest_match(std::string(100000, 'x'), {std::string(100000, 'x')}), "");
  EXPECT_EQ(did_you_mean("epchs", {"epochs"}), "; did you mean 'epochs'?");
  EXPECT_EQ(did_you_mean("zzz", {"epochs"}), "");
}

TEST(CheckedProduct, IsNothingWhenItDoesNotFit) {
  const std::uint64_t half = std::uint64_t{1} << 32;
  EXPECT_EQ(checked_product({}), 1u);
  EXPECT_EQ(checked_product({3, 4, 5}), 60u);
  EXPECT_EQ(checked_product({half, half}), std::nullopt);
  EXPECT_EQ(checked_product({half, half, 0}), 0u);  // whatever the order
  EXPECT_EQ(checked_product({half, half - 1}), (half - 1) << 32);
}

TEST(CheckedSum, IsNothingWhenItDoesNotFit) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(checked_sum({}), 0u);
  EXPECT_EQ(checked_sum({most - 1, 1}), most);
  EXPECT_EQ(checked_sum({most, 1}), std::nullopt);
}

// Cases of RFC 3629 and Unicode table 3-7.
TEST(IsUtf8, AcceptsWellFormedTextAlone) {
  for (const char* good : {"", "abc", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8",
                          "\xc3", "\xe2\x82", "\xc3(", "\xff"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

}  // namespace
}  // namespace soco
