// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "soco/image/image.h"
#include "soco/image/resize.h"

namespace soco {

/// What is accepted; everything is checked before memory for pixels is taken.
struct DecodeLimits {
  std::int64_t max_pixels = 178'956'970;  ///< Pillow's bound against decompression bombs
  std::uint64_t max_file_bytes = 64ull << 20;
  int max_scans = 500;                           ///< of a progressive JPEG: each scan costs a pass over the image
  std::int64_t max_scan_pixels = 8'000'000'000;  ///< pixels of all those passes together: a second or two
  bool apply_exif = false;  ///< turn as the EXIF orientation of a JPEG, PNG or WebP says; the release does not
};

/// What a file's header says.
struct ImageInfo {
  int height = 0;
  int width = 0;
  std::string format;  ///< "JPEG", "PNG", "WebP", "TIFF", "BMP", "PPM"
};

/// Reads an image file, told by its first bytes and not by its name, bit for bit as Pillow's
/// `open(...).convert("RGB")`: grey is repeated, palettes are looked up, alpha is dropped, CMYK (Adobe's inverted) is
/// converted, TIFF orientation is always applied. Of animations the first frame counts. Differs from Pillow: 16-bit
/// samples keep their high byte (PPM: are scaled) in grey files too, where Pillow clips to white; CMYK in a TIFF may be
/// off by one; files with warnings of the decoder (truncated, extraneous bytes) are errors; compressed BMP is not read.
/// Errors, all naming the file: missing, over a limit, of no known format, damaged or truncated.
Image read_image(const std::filesystem::path& path, const DecodeLimits& limits = {});

/// The same of bytes in memory; `name` stands for them in errors.
Image decode_image(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits = {});

/// How much of a picture is wanted.
struct DecodeRequest {
  CropRect region = {};  ///< px of the whole picture; width 0: all of it
  int scale = 1;         ///< 1, 2, 4 or 8: the sides may be divided by it (rounded up), where the format makes it cheap
  bool fast = false;     ///< JPEG: chroma is repeated, not interpolated, and the cosine transform is the fast one
};

/// What was decoded: pixel (i, j) of `image` is the square of `scale` px at ((x + i) * scale, (y + j) * scale) of the
/// whole picture.
struct DecodedPart {
  Image image;
  int x = 0;
  int y = 0;
  int scale = 1;
  std::vector<std::uint8_t> scratch{};  // of the decoder, kept for the next picture
};

/// The region asked for, or more, into the memory that `out` has. With scale 1 and without `fast`, pixels are those of
/// decode_image. Damage outside the region is an error as it is there. Errors as above.
void decode_image_part(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits,
                       const DecodeRequest& request, DecodedPart& out);

/// Reads the header alone; the size is the one decode_image would give. Errors as above, as far as the header shows
/// them.
ImageInfo probe_image(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits = {});

/// `quality` 1..100, 4:2:0 chroma. Error when a side is 0 or above 65500 px.
std::vector<std::byte> encode_jpeg(const Image& image, int quality);
/// Error when a side is 0 or above 1,000,000 px.
std::vector<std::byte> encode_png(const Image& image);

/// Writes .jpg, .jpeg (quality 95) or .png, whole or not at all. Usage error for another extension.
void write_image(const std::filesystem::path& path, const Image& image);

/// Whether the name ends like an image's that read_image reads.
bool has_image_extension(const std::filesystem::path& path);

/// Those extensions for messages: "*.jpg *.jpeg ...".
std::string image_patterns();

}  // namespace soco
