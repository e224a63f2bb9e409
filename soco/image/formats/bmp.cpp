// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

#include "soco/base/error.h"
#include "soco/image/formats/format.h"

namespace soco::formats {
namespace {

constexpr std::uint32_t kFileHeaderBytes = 14;
constexpr std::uint32_t kCoreHeaderBytes = 12;  // OS/2's: 16-bit sizes, palette of three bytes an entry
constexpr std::uint32_t kInfoHeaderBytes = 40;
constexpr std::uint32_t kUncompressed = 0, kBitFields = 3;

std::uint32_t read_u32(Bytes bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(bytes[at + i]) << 8 * i;
  return value;
}

std::uint32_t read_u16(Bytes bytes, std::size_t at) {
  return std::to_integer<std::uint32_t>(bytes[at]) | std::to_integer<std::uint32_t>(bytes[at + 1]) << 8;
}

/// What the headers say: an uncompressed picture with a palette (1, 4, 8 bits) or with masks (16, 24, 32 bits).
struct Header {
  std::int64_t width = 0, height = 0;
  bool top_down = false;
  std::uint32_t bits = 0;
  std::uint64_t pixels_at = 0;
  std::uint64_t palette_at = 0;
  std::uint32_t palette_size = 0, palette_entry_bytes = 4;
  std::array<std::uint32_t, 3> masks{};  // red, green, blue

  std::uint64_t row_bytes() const { return (static_cast<std::uint64_t>(width) * bits + 31) / 32 * 4; }
};

void check_size(Bytes bytes, std::uint64_t needed, const std::string& name) {
  if (bytes.size() < needed) fail("{}: truncated BMP: {} bytes, {} needed", name, bytes.size(), needed);
}

void read_masks(Bytes bytes, bool from_file, Header& header, const std::string& name) {
  constexpr std::array<std::uint32_t, 3> k555{0x7c00, 0x3e0, 0x1f}, k888{0xff0000, 0xff00, 0xff};
  header.masks = header.bits == 16 ? k555 : k888;
  if (!from_file) return;
  check_size(bytes, kFileHeaderBytes + kInfoHeaderBytes + 12, name);
  std::array<std::uint32_t, 3> masks{};
  for (std::size_t c = 0; c < 3; ++c) masks[c] = read_u32(bytes, kFileHeaderBytes + kInfoHeaderBytes + 4 * c);
  if (masks == std::array<std::uint32_t, 3>{}) return;  // written by some programs for the usual order
  for (const std::uint32_t mask : masks) {
    const std::uint32_t ones = mask == 0 ? 0 : mask >> std::countr_zero(mask);
    if (ones == 0 || (ones & (ones + 1)) != 0) fail("{}: BMP with the colour mask {:#x} is not supported", name, mask);
  }
  header.masks = masks;
}

void read_palette_place(std::uint32_t info_bytes, std::uint32_t num_colors, Header& header, const std::string& name) {
  const std::uint32_t largest = 1u << header.bits;
  header.palette_at = kFileHeaderBytes + info_bytes;
  header.palette_entry_bytes = info_bytes == kCoreHeaderBytes ? 3 : 4;
  header.palette_size = num_colors == 0 ? largest : std::min(num_colors, largest);
  if (num_colors > 65536) fail("{}: BMP with {} colours", name, num_colors);
  // As Pillow does: a file that says its pixels begin where the palette does means behind the palette.
  if (header.pixels_at == header.palette_at) header.pixels_at = 0;
  if (header.pixels_at == 0) header.pixels_at = header.palette_at + 4ull * (num_colors == 0 ? largest : num_colors);
}

void read_core_header(Bytes bytes, Header& header) {
  header.width = read_u16(bytes, 18);
  header.height = read_u16(bytes, 20);
  header.bits = read_u16(bytes, 24);
}

/// Returns the compression.
std::uint32_t read_info_header(Bytes bytes, Header& header) {
  header.width = static_cast<std::int32_t>(read_u32(bytes, 18));
  const std::int64_t height = static_cast<std::int32_t>(read_u32(bytes, 22));
  header.top_down = height < 0;
  header.height = std::abs(height);
  header.bits = read_u16(bytes, 28);
  return read_u32(bytes, 30);
}

Header read_header(Bytes bytes, const std::string& name) {
  check_size(bytes, kFileHeaderBytes + kCoreHeaderBytes, name);
  Header header;
  header.pixels_at = read_u32(bytes, 10);
  const std::uint32_t info_bytes = read_u32(bytes, kFileHeaderBytes);
  const bool core = info_bytes == kCoreHeaderBytes;
  if (!core && (info_bytes < kInfoHeaderBytes || info_bytes > 124)) {
    fail("{}: BMP header of {} bytes is not supported", name, info_bytes);
  }
  check_size(bytes, std::uint64_t{kFileHeaderBytes} + info_bytes, name);
  std::uint32_t compression = kUncompressed, num_colors = 0;
  if (core) {
    read_core_header(bytes, header);
  } else {
    compression = read_info_header(bytes, header);
    num_colors = read_u32(bytes, 46);
  }
  if (compression != kUncompressed && compression != kBitFields) {
    fail("{}: BMP compression {} is not supported, only uncompressed pixels", name, compression);
  }
  if (header.width <= 0 || header.height <= 0 || header.height > 0x7fffffff) {
    fail("{}: BMP of {}x{} pixels", name, header.width, header.height);
  }
  switch (header.bits) {
    case 1:
    case 4:
    case 8:
      read_palette_place(info_bytes, num_colors, header, name);
      break;
    case 16:
    case 24:
    case 32:
      read_masks(bytes, compression == kBitFields, header, name);
      break;
    default:
      fail("{}: BMP of {} bits a pixel is not supported (1, 4, 8, 16, 24, 32)", name, header.bits);
  }
  if (header.pixels_at == 0) header.pixels_at = kFileHeaderBytes + info_bytes;
  return header;
}

void read_palette_row(const Header& header, const std::uint8_t* data, const std::uint8_t* in, int y,
                      const std::string& name, std::uint8_t* rgb) {
  const std::uint32_t per_byte = 8 / header.bits;
  for (std::uint32_t x = 0; x < header.width; ++x, rgb += 3) {
    const std::uint32_t shift = (per_byte - 1 - x % per_byte) * header.bits;
    const std::uint32_t index = in[x / per_byte] >> shift & ((1u << header.bits) - 1);
    if (index >= header.palette_size) {
      fail("{}: BMP pixel ({}, {}) names colour {} of {}", name, x, y, index, header.palette_size);
    }
    const std::uint8_t* bgr = data + header.palette_at + std::uint64_t{index} * header.palette_entry_bytes;
    rgb[0] = bgr[2];
    rgb[1] = bgr[1];
    rgb[2] = bgr[0];
  }
}

void read_masked_row(const Header& header, const std::uint8_t* in, std::uint8_t* rgb) {
  const std::uint32_t step = header.bits / 8;
  std::array<int, 3> shifts{};
  std::array<std::uint64_t, 3> largest{};
  for (std::size_t c = 0; c < 3; ++c) {
    shifts[c] = std::countr_zero(header.masks[c]);
    largest[c] = header.masks[c] >> shifts[c];
  }
  for (std::int64_t x = 0; x < header.width; ++x, in += step, rgb += 3) {
    std::uint32_t pixel = 0;
    for (std::uint32_t i = 0; i < step; ++i) pixel |= static_cast<std::uint32_t>(in[i]) << 8 * i;
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint64_t value = (pixel & header.masks[c]) >> shifts[c];
      rgb[c] = static_cast<std::uint8_t>(value * 255 / largest[c]);  // rounded down, as Pillow
    }
  }
}

bool matches(Bytes bytes) { return starts_with(bytes, "BM"); }

ImageInfo probe(Bytes bytes, const std::string& name) {
  const Header header = read_header(bytes, name);
  return {static_cast<int>(header.height), static_cast<int>(header.width), {}};
}

Image decode(Bytes bytes, const std::string& name, const DecodeLimits&) {
  const Header header = read_header(bytes, name);
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  check_size(bytes, header.pixels_at + header.row_bytes() * static_cast<std::uint64_t>(header.height), name);
  check_size(bytes, header.palette_at + std::uint64_t{header.palette_entry_bytes} * header.palette_size, name);
  Image image = make_image(static_cast<int>(header.height), static_cast<int>(header.width));
  for (int y = 0; y < image.height; ++y) {
    const auto stored_row = static_cast<std::uint64_t>(header.top_down ? y : image.height - 1 - y);
    const std::uint8_t* in = data + header.pixels_at + header.row_bytes() * stored_row;
    if (header.bits <= 8) {
      read_palette_row(header, data, in, y, name, image.row(y));
    } else {
      read_masked_row(header, in, image.row(y));
    }
  }
  return image;
}

}  // namespace

const Format kBmp{"BMP", matches, probe, decode, nullptr};

}  // namespace soco::formats
