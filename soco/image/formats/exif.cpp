// SPDX-License-Identifier: MIT
#include <cstring>

#include "soco/image/formats/format.h"

namespace soco::formats {
namespace {

constexpr std::uint16_t kOrientationTag = 0x0112;

/// Reads integers of either byte order; 0 beyond the end.
struct TiffReader {
  Bytes bytes;
  bool little;
  std::uint32_t read(std::size_t at, int size) const {
    if (at > bytes.size() || bytes.size() - at < static_cast<std::size_t>(size)) return 0;
    std::uint32_t value = 0;
    for (int i = 0; i < size; ++i)
      value |= std::to_integer<std::uint32_t>(bytes[at + static_cast<std::size_t>(i)])
               << 8 * (little ? i : size - 1 - i);
    return value;
  }
};

}  // namespace

int exif_orientation(Bytes exif) {
  constexpr std::string_view kPrefix{"Exif\0\0", 6};
  const Bytes tiff = starts_with(exif, kPrefix) ? exif.subspan(kPrefix.size()) : exif;
  if (!starts_with(tiff, "II") && !starts_with(tiff, "MM")) return 1;
  const TiffReader reader{tiff, starts_with(tiff, "II")};
  const std::size_t directory = reader.read(4, 4);
  const std::uint32_t count = reader.read(directory, 2);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{12} * i;
    if (entry + 12 > tiff.size()) break;
    if (reader.read(entry, 2) == kOrientationTag) return static_cast<int>(reader.read(entry + 8, 2));
  }
  return 1;
}

Image apply_orientation(Image image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  // The source's x and y run backwards along the sides that these name.
  const bool flips_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flips_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool swaps = swaps_sides(orientation);
  Image out = make_image(swaps ? image.width : image.height, swaps ? image.height : image.width);
  for (int y = 0; y < out.height; ++y) {
    std::uint8_t* to = out.row(y);
    for (int x = 0; x < out.width; ++x, to += 3) {
      int from_x = swaps ? y : x, from_y = swaps ? x : y;
      if (flips_x) from_x = image.width - 1 - from_x;
      if (flips_y) from_y = image.height - 1 - from_y;
      std::memcpy(to, image.row(from_y) + static_cast<std::ptrdiff_t>(from_x) * 3, 3);
    }
  }
  return out;
}

}  // namespace soco::formats
