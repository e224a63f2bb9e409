// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "soco/base/hash.h"
#include "soco/proposals/store.h"

namespace soco {

/// Boxes as the store keeps them: x1,y1,x2,y2 each, little endian, int16, or int32 when a side exceeds 32767 px.
/// Error naming `key` for a box that is not whole numbers, is empty, or leaves the image.
std::vector<std::byte> encode_boxes(const ProposalSet& proposals, std::string_view key);

/// Inverse of encode_boxes. Error saying what is wrong for bytes that encode_boxes cannot have made.
std::vector<Box> decode_boxes(std::span<const std::byte> bytes, int height, int width);

/// 16 bytes, low then high, little endian; and back (Error unless 16 bytes).
std::vector<std::byte> encode_fingerprint(const Hash128& fingerprint);
Hash128 decode_fingerprint(std::span<const std::byte> bytes);

/// What the columns of a row hold; the boxes and the fingerprint encoded.
struct RowView {
  std::string_view key;
  std::int64_t height = 0, width = 0;
  std::span<const std::byte> fingerprint, boxes;
  std::string_view error;
};

/// Checksum of all columns of a row: finds any flipped byte.
std::int64_t row_checksum(const RowView& row);

}  // namespace soco
