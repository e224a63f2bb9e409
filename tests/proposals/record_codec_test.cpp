// SPDX-License-Identifier: MIT
#include "soco/proposals/record_codec.h"

#include <gtest/gtest.h>

#include <limits>

#include "soco/base/bytes.h"
#include "soco/base/error.h"

namespace soco {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> result;
  for (const int v : values) result.push_back(static_cast<std::byte>(v));
  return result;
}

TEST(EncodeBoxes, WritesInt16LittleEndian) {
  const ProposalSet set{.height = 1000, .width = 1000, .boxes = {{1, 2, 258, 515}}};
  EXPECT_EQ(encode_boxes(set, "k"), bytes({1, 0, 2, 0, 2, 1, 3, 2}));
}

TEST(EncodeBoxes, WritesInt32WhenASideIsAbove32767) {
  const ProposalSet set{.height = 10, .width = 32768, .boxes = {{0, 0, 32768, 1}}};
  EXPECT_EQ(encode_boxes(set, "k"), bytes({0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 1, 0, 0, 0}));
}

TEST(EncodeBoxes, ComesBack) {
  for (const int width : {32767, 32768, 100000}) {
    const ProposalSet set{.height = 50, .width = width, .boxes = {{0, 0, static_cast<float>(width), 50}, {3, 4, 5, 6}}};
    EXPECT_EQ(decode_boxes(encode_boxes(set, "k"), 50, width), set.boxes);
  }
  EXPECT_TRUE(decode_boxes({}, 0, 0).empty());
}

TEST(EncodeBoxes, RefusesBoxesThatAreNotWholePixelsInside) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Box& box : {Box{0.5, 0, 3, 3}, Box{-1, 0, 3, 3}, Box{0, 0, 11, 3}, Box{0, 0, 3, 21}, Box{3, 0, 3, 3},
                         Box{0, 5, 3, 4}, Box{nan, 0, 3, 3}, Box{0, 0, nan, 3}}) {
    EXPECT_THROW(encode_boxes({.height = 20, .width = 10, .boxes = {box}}, "k"), Error);
  }
  EXPECT_THROW(encode_boxes({.height = -1, .width = 10, .boxes = {}}, "k"), Error);
  EXPECT_THROW(encode_boxes({.height = 1 << 25, .width = 10, .boxes = {}}, "k"), Error);
}

TEST(DecodeBoxes, RefusesBytesThatAreNoBoxes) {
  EXPECT_THROW(decode_boxes(bytes({1, 0, 2, 0, 2, 1, 3}), 1000, 1000), Error);
  EXPECT_THROW(decode_boxes(bytes({0, 0, 0, 0, 11, 0, 1, 0}), 10, 10), Error);     // x2 = 11
  EXPECT_THROW(decode_boxes(bytes({255, 255, 0, 0, 5, 0, 1, 0}), 10, 10), Error);  // x1 = -1
  EXPECT_THROW(decode_boxes(bytes({0, 0, 0, 0, 5, 0, 1, 0}), 10, 40000), Error);   // half of an int32 box
}

TEST(EncodeFingerprint, ComesBack) {
  const Hash128 hash{0x0102030405060708ull, 0xfffefdfcfbfaf9f8ull};
  const std::vector<std::byte> encoded = encode_fingerprint(hash);
  ASSERT_EQ(encoded.size(), 16u);
  EXPECT_EQ(encoded[0], std::byte{8});
  EXPECT_EQ(decode_fingerprint(encoded), hash);
  EXPECT_THROW(decode_fingerprint(bytes({1, 2, 3})), Error);
}

TEST(RowChecksum, ChangesWithEveryColumn) {
  const std::vector<std::byte> a = bytes({1, 2}), b = bytes({1, 3});
  const RowView row{.key = "k", .height = 1, .width = 2, .fingerprint = a, .boxes = a, .error = "e"};
  const std::int64_t sum = row_checksum(row);
  RowView other = row;
  other.key = "l";
  EXPECT_NE(row_checksum(other), sum);
  other = row, other.height = 2;
  EXPECT_NE(row_checksum(other), sum);
  other = row, other.width = 1;
  EXPECT_NE(row_checksum(other), sum);
  other = row, other.fingerprint = b;
  EXPECT_NE(row_checksum(other), sum);
  other = row, other.boxes = b;
  EXPECT_NE(row_checksum(other), sum);
  other = row, other.error = "";
  EXPECT_NE(row_checksum(other), sum);
}

TEST(RowChecksum, SeesBytesMoveBetweenColumns) {
  const std::vector<std::byte> one = bytes({1}), two = bytes({1, 1});
  const RowView row{.key = "k", .height = 1, .width = 2, .fingerprint = one, .boxes = two, .error = ""};
  RowView other = row;
  std::swap(other.fingerprint, other.boxes);
  EXPECT_NE(row_checksum(other), row_checksum(row));
}

}  // namespace
}  // namespace soco
