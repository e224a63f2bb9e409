// SPDX-License-Identifier: MIT
#include "soco/base/hash.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "soco/base/bytes.h"

namespace soco {
namespace {

std::vector<std::byte> filled(std::size_t size, int first, int step) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(first + step * static_cast<int>(i));
  return bytes;
}

TEST(Hash128, GivesTheKnownAnswers) {
  // What `xxhsum -H128` (xxHash 0.8) prints for an empty file, and python-xxhash's xxh3_128_hexdigest.
  EXPECT_EQ(hash128({}).hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hash128(bytes_of("a")).hex(), "a96faf705af16834e6c632b61e964e1f");
}

TEST(Hash128, IsTheSameWhenFedInPieces) {
  const auto bytes = filled(5000, 1, 7);
  for (std::size_t piece : {1u, 63u, 1024u, 5000u}) {
    Hasher128 hasher;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      hasher.update(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)));
    }
    EXPECT_EQ(hasher.digest(), hash128(bytes));
  }
}

TEST(Hash128, MayBeAskedInBetween) {
  Hasher128 hasher;
  hasher.update(bytes_of("ab"));
  EXPECT_EQ(hasher.digest(), hash128(bytes_of("ab")));
  hasher.update({});
  hasher.update(bytes_of("c"));
  EXPECT_EQ(hasher.digest(), hash128(bytes_of("abc")));
}

TEST(Hash128, ChangesWithEveryBit) {
  auto bytes = filled(300, 0, 1);
  const Hash128 before = hash128(bytes);
  for (std::size_t bit : {0u, 1003u, 2399u}) {
    bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    EXPECT_NE(hash128(bytes), before);
    bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
  }
}

// RFC 3720, appendix B.4, with the bytes of its CRC column read as a little-endian number.
TEST(Crc32c, GivesTheVectorsOfRfc3720) {
  EXPECT_EQ(crc32c(filled(32, 0, 0)), 0x8a9136aau);
  EXPECT_EQ(crc32c(filled(32, 0xff, 0)), 0x62a8ab43u);
  EXPECT_EQ(crc32c(filled(32, 0, 1)), 0x46dd794eu);
  EXPECT_EQ(crc32c(filled(32, 31, -1)), 0x113fdb5cu);
}

TEST(Crc32c, GivesTheCheckValueOfTheCatalogue) { EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283u); }

TEST(Crc32c, ContinuesFromAnEarlierCrc) {
  EXPECT_EQ(crc32c(bytes_of("6789"), crc32c(bytes_of("12345"))), 0xe3069283u);
  EXPECT_EQ(crc32c({}), 0u);
}

}  // namespace
}  // namespace soco
