// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "soco/image/codec.h"

namespace soco::formats {

using Bytes = std::span<const std::byte>;

/// One image format: a row of the table in codec.cpp. Functions get bytes that `matches` accepted, and fail with an
/// Error that names `name`.
struct Format {
  std::string_view name;
  bool (*matches)(Bytes bytes);
  ImageInfo (*probe)(Bytes bytes, const std::string& name);  // header alone; `format` is left empty
  Image (*decode)(Bytes bytes, const std::string& name, const DecodeLimits& limits);  // size checked already
  int (*orientation)(Bytes bytes);  // EXIF's, 1..8; nullptr when the format has none or decode() has applied it
  // See decode_image_part; nullptr when the format is decoded as a whole.
  void (*decode_part)(Bytes bytes, const std::string& name, const DecodeLimits& limits, const DecodeRequest& request,
                      DecodedPart& out) = nullptr;
};

extern const Format kJpeg, kPng, kWebp, kTiff, kBmp, kPpm;

/// The bytes' first characters are `magic`.
bool starts_with(Bytes bytes, std::string_view magic);

/// Copies rows of grey samples into RGB: each repeated.
void spread_grey(const std::uint8_t* grey, int width, std::uint8_t* rgb);

/// Pillow's CMYK to RGB of one pixel, from ink amounts 0..255.
void rgb_from_cmyk(int c, int m, int y, int k, std::uint8_t* rgb);

/// Whether this EXIF orientation exchanges height and width.
constexpr bool swaps_sides(int orientation) { return orientation >= 5 && orientation <= 8; }

/// Turns `image` as EXIF orientation 1..8 says; other values leave it.
Image apply_orientation(Image image, int orientation);
/// Orientation of an EXIF block, with or without "Exif\0\0" before it; 1 when it has none or is damaged.
int exif_orientation(Bytes exif);

}  // namespace soco::formats
