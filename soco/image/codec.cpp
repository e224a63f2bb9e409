// SPDX-License-Identifier: MIT
#include "soco/image/codec.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/image/formats/format.h"

namespace soco {
namespace {

using formats::Format;

constexpr const Format* kFormats[] = {&formats::kJpeg, &formats::kPng, &formats::kWebp,
                                      &formats::kTiff, &formats::kBmp, &formats::kPpm};

constexpr const char* kExtensions[] = {".jpg", ".jpeg", ".png", ".webp", ".bmp",
                                       ".tif", ".tiff", ".ppm", ".pgm",  ".pbm"};

const Format& format_of(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.empty()) fail("{}: the file is empty", name);
  for (const Format* format : kFormats)
    if (format->matches(bytes)) return *format;
  fail("{}: is no image of a known format (JPEG, PNG, WebP, TIFF, BMP, PPM)", name);
}

std::string lower_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension;
}

int orientation_of(const Format& format, std::span<const std::byte> bytes, const DecodeLimits& limits) {
  return limits.apply_exif && format.orientation != nullptr ? format.orientation(bytes) : 1;
}

void check_file_size(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits) {
  if (bytes.size() > limits.max_file_bytes)
    fail("{}: {} bytes are over the limit of {} (data.max_file_mib raises it)", name, bytes.size(),
         limits.max_file_bytes);
}

ImageInfo checked_probe(const Format& format, std::span<const std::byte> bytes, const std::string& name,
                        const DecodeLimits& limits) {
  ImageInfo info = format.probe(bytes, name);
  info.format = format.name;
  if (info.height <= 0 || info.width <= 0)
    fail("{}: {} image of {}x{} pixels", name, format.name, info.width, info.height);
  const std::int64_t pixels = static_cast<std::int64_t>(info.height) * info.width;
  if (pixels > limits.max_pixels)
    fail("{}: {}x{} pixels are over the limit of {} (data.max_pixels raises it)", name, info.width, info.height,
         limits.max_pixels);
  return info;
}

}  // namespace

ImageInfo probe_image(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits) {
  const Format& format = format_of(bytes, name);
  ImageInfo info = checked_probe(format, bytes, name, limits);
  if (formats::swaps_sides(orientation_of(format, bytes, limits))) std::swap(info.height, info.width);
  return info;
}

Image decode_image(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits) {
  check_file_size(bytes, name, limits);
  const Format& format = format_of(bytes, name);
  checked_probe(format, bytes, name, limits);
  Image image = format.decode(bytes, name, limits);
  const int orientation = orientation_of(format, bytes, limits);
  return orientation == 1 ? image : formats::apply_orientation(std::move(image), orientation);
}

void decode_image_part(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits,
                       const DecodeRequest& request, DecodedPart& out) {
  const Format* format = bytes.empty() ? nullptr : &format_of(bytes, name);
  const bool in_parts =
      format != nullptr && format->decode_part != nullptr && orientation_of(*format, bytes, limits) == 1;
  if (!in_parts) {
    out = {decode_image(bytes, name, limits)};
    return;
  }
  check_file_size(bytes, name, limits);
  const ImageInfo info = checked_probe(*format, bytes, name, limits);
  const CropRect& region = request.region;
  SOCO_ASSERT(region.x >= 0 && region.y >= 0 && region.width >= 0 && region.height >= 0);
  SOCO_ASSERT(region.x <= info.width - region.width && region.y <= info.height - region.height);
  format->decode_part(bytes, name, limits, request, out);
}

Image read_image(const std::filesystem::path& path, const DecodeLimits& limits) {
  return decode_image(read_file(path, limits.max_file_bytes), path.string(), limits);
}

void write_image(const std::filesystem::path& path, const Image& image) {
  const std::string extension = lower_extension(path);
  std::vector<std::byte> bytes;
  if (extension == ".png")
    bytes = encode_png(image);
  else if (extension == ".jpg" || extension == ".jpeg")
    bytes = encode_jpeg(image, 95);
  else
    fail_usage("{}: pictures are written as .png, .jpg or .jpeg", path.string());
  write_file_atomic(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool has_image_extension(const std::filesystem::path& path) {
  return std::find(std::begin(kExtensions), std::end(kExtensions), lower_extension(path)) != std::end(kExtensions);
}

std::string image_patterns() {
  std::string patterns;
  for (const char* extension : kExtensions) patterns += fmt::format("{}*{}", patterns.empty() ? "" : " ", extension);
  return patterns;
}

namespace formats {

bool starts_with(Bytes bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin(),
                                                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

void spread_grey(const std::uint8_t* grey, int width, std::uint8_t* rgb) {
  for (int x = 0; x < width; ++x) rgb[3 * x] = rgb[3 * x + 1] = rgb[3 * x + 2] = grey[x];
}

void rgb_from_cmyk(int c, int m, int y, int k, std::uint8_t* rgb) {
  const int white = 255 - k;
  const auto channel = [&](int ink) {
    const int product = ink * white + 128;  // ink * white / 255, rounded, without a division
    return static_cast<std::uint8_t>(std::clamp(white - (((product >> 8) + product) >> 8), 0, 255));
  };
  rgb[0] = channel(c);
  rgb[1] = channel(m);
  rgb[2] = channel(y);
}

}  // namespace formats
}  // namespace soco
