// SPDX-License-Identifier: MIT
#include "soco/proposals/record_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "soco/base/bytes.h"
#include "soco/base/error.h"

namespace soco {
namespace {

constexpr int kMaxInt16Side = 32767;
constexpr int kMaxSide = 1 << 24;  // whole numbers up to here are exact in a Box's float32

template <class T>
void put_little_endian(T value, std::vector<std::byte>& out) {
  const auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<std::byte>((bits >> (8 * i)) & 0xff));
}

template <class T>
T get_little_endian(std::span<const std::byte> bytes, std::size_t offset) {
  std::make_unsigned_t<T> bits = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bits = static_cast<std::make_unsigned_t<T>>(
        bits |
        static_cast<std::make_unsigned_t<T>>(std::to_integer<std::make_unsigned_t<T>>(bytes[offset + i]) << (8 * i)));
  }
  return static_cast<T>(bits);
}

bool is_small(int height, int width) { return std::max(height, width) <= kMaxInt16Side; }

bool fits(const Box& b, int height, int width) {
  return b.x1 >= 0 && b.y1 >= 0 && b.x1 < b.x2 && b.y1 < b.y2 && b.x2 <= static_cast<float>(width) &&
         b.y2 <= static_cast<float>(height);  // false for NaN
}

bool is_whole(const Box& b) {
  return b.x1 == std::floor(b.x1) && b.y1 == std::floor(b.y1) && b.x2 == std::floor(b.x2) && b.y2 == std::floor(b.y2);
}

static_assert(std::endian::native == std::endian::little, "boxes are copied as they lie in memory");

template <class T>
std::vector<Box> decode_as(std::span<const std::byte> bytes) {
  std::vector<Box> boxes(bytes.size() / (4 * sizeof(T)));
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    std::array<T, 4> v;
    std::memcpy(v.data(), bytes.data() + i * sizeof(v), sizeof(v));
    boxes[i] = {static_cast<float>(v[0]), static_cast<float>(v[1]), static_cast<float>(v[2]), static_cast<float>(v[3])};
  }
  return boxes;
}

}  // namespace

std::vector<std::byte> encode_boxes(const ProposalSet& proposals, std::string_view key) {
  const int height = proposals.height, width = proposals.width;
  if (height < 0 || width < 0 || height > kMaxSide || width > kMaxSide) {
    fail("proposals of '{}': image of {} x {} pixels; sides from 0 to {} can be stored", key, width, height, kMaxSide);
  }
  const bool small = is_small(height, width);
  std::vector<std::byte> bytes;
  bytes.reserve(proposals.boxes.size() * (small ? 8 : 16));
  for (const Box& b : proposals.boxes) {
    if (!fits(b, height, width) || !is_whole(b)) {
      fail("proposals of '{}': box ({}, {}, {}, {}) is not whole pixels inside its image of {} x {}", key, b.x1, b.y1,
           b.x2, b.y2, width, height);
    }
    for (const float value : {b.x1, b.y1, b.x2, b.y2}) {
      small ? put_little_endian(static_cast<std::int16_t>(value), bytes)
            : put_little_endian(static_cast<std::int32_t>(value), bytes);
    }
  }
  return bytes;
}

std::vector<Box> decode_boxes(std::span<const std::byte> bytes, int height, int width) {
  const bool small = is_small(height, width);
  if (bytes.size() % (small ? 8 : 16) != 0) fail("boxes of {} bytes", bytes.size());
  std::vector<Box> boxes = small ? decode_as<std::int16_t>(bytes) : decode_as<std::int32_t>(bytes);
  for (const Box& b : boxes) {
    if (!fits(b, height, width)) fail("box ({}, {}, {}, {}) outside {} x {}", b.x1, b.y1, b.x2, b.y2, width, height);
  }
  return boxes;
}

std::vector<std::byte> encode_fingerprint(const Hash128& fingerprint) {
  std::vector<std::byte> bytes;
  put_little_endian(fingerprint.low, bytes);
  put_little_endian(fingerprint.high, bytes);
  return bytes;
}

Hash128 decode_fingerprint(std::span<const std::byte> bytes) {
  if (bytes.size() != 16) fail("fingerprint of {} bytes", bytes.size());
  return {get_little_endian<std::uint64_t>(bytes, 0), get_little_endian<std::uint64_t>(bytes, 8)};
}

std::int64_t row_checksum(const RowView& row) {
  const std::array<std::uint64_t, 6> head{// lengths first, so that no byte can move between columns unseen
                                          row.key.size(),
                                          row.fingerprint.size(),
                                          row.boxes.size(),
                                          row.error.size(),
                                          static_cast<std::uint64_t>(row.height),
                                          static_cast<std::uint64_t>(row.width)};
  Hasher128 hasher;
  hasher.update(std::as_bytes(std::span(head)));
  hasher.update(bytes_of(row.key));
  hasher.update(row.fingerprint);
  hasher.update(row.boxes);
  hasher.update(bytes_of(row.error));
  return static_cast<std::int64_t>(hasher.digest().low);
}

}  // namespace soco
