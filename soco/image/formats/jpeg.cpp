// SPDX-License-Identifier: MIT
#include <csetjmp>
#include <cstdio>
// jpeglib.h needs FILE from cstdio before it.
#include <jpeglib.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "soco/base/error.h"
#include "soco/image/formats/format.h"
#include "soco/image/formats/jpeg_huffman.h"

namespace soco::formats {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;

/// Scans by their markers, at most `limit` + 1. A marker is 0xff, repeated or not, and a code; the codes below 0xc0 and
/// the restart markers have no length behind them (ISO/IEC 10918-1, B.1.1).
int count_scans(Bytes bytes, int limit) {
  constexpr unsigned kFill = 0xff, kFirstWithLength = 0xc0, kFirstRestart = 0xd0, kStart = 0xd8, kEnd = 0xd9,
                     kScan = 0xda;
  const auto value = [&](std::size_t at) { return std::to_integer<unsigned>(bytes[at]); };
  int count = 0;
  for (std::size_t at = 0; count <= limit;) {
    at = static_cast<std::size_t>(
        std::find(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), std::byte{kFill}) - bytes.begin());
    while (at < bytes.size() && value(at) == kFill) ++at;
    if (at + 2 >= bytes.size() || value(at) == kEnd) break;
    const unsigned code = value(at++);
    if (code < kFirstWithLength || (code >= kFirstRestart && code <= kStart)) continue;
    if (code == kScan) ++count;
    at = std::min(bytes.size(), at + std::max(2U, value(at) << 8 | value(at + 1)));
  }
  return count;
}

/// libjpeg reports errors through callbacks and leaves by longjmp; nothing with a destructor may live between.
struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf leave;
  char message[JMSG_LENGTH_MAX];
};

void on_error(j_common_ptr info) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  manager->base.format_message(info, manager->message);
  std::longjmp(manager->leave, 1);
}

void on_message(j_common_ptr info, int level) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  if (level >= 0) return;  // a trace, not a warning
  if (manager->base.num_warnings++ == 0) manager->base.format_message(info, manager->message);
}

struct Progress {
  jpeg_progress_mgr base;
  int max_scans;
};

// count_scans sees the scans before memory is taken; this one also those that a damaged file's restart hides from it.
void on_progress(j_common_ptr info) {
  auto* decoder = reinterpret_cast<j_decompress_ptr>(info);
  auto* progress = reinterpret_cast<Progress*>(info->progress);
  if (decoder->input_scan_number <= progress->max_scans) return;
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  std::snprintf(manager->message, sizeof manager->message, "more than %d scans", progress->max_scans);
  std::longjmp(manager->leave, 1);
}

/// A progressive picture is held as coefficients: two bytes for each sample, at most four samples a pixel.
long max_memory(const DecodeLimits& limits) {
  constexpr std::int64_t kFixed = std::int64_t{64} << 20;
  const std::int64_t pixels = std::min<std::int64_t>(limits.max_pixels, std::numeric_limits<long>::max() / 16);
  return static_cast<long>(pixels * 8 + kFixed);
}

/// Decompressor with its callbacks; destroyed whatever happened.
struct Decoder {
  jpeg_decompress_struct info{};
  ErrorManager errors{};
  Progress progress{};
  Decoder(Bytes bytes, const DecodeLimits& limits) {
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = on_error;
    errors.base.emit_message = on_message;
    jpeg_create_decompress(&info);
    progress.base.progress_monitor = on_progress;
    progress.max_scans = limits.max_scans;  // until the size is known
    info.progress = &progress.base;
    info.mem->max_memory_to_use = max_memory(limits);
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
  ~Decoder() { jpeg_destroy_decompress(&info); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
};

int most_scans(const jpeg_decompress_struct& info, const DecodeLimits& limits) {
  const auto pixels = std::int64_t{info.image_width} * info.image_height;
  return static_cast<int>(
      std::min<std::int64_t>(limits.max_scans, limits.max_scan_pixels / std::max<std::int64_t>(1, pixels)));
}

bool read_header(Decoder& decoder) {
  if (setjmp(decoder.errors.leave) != 0) return false;
  jpeg_save_markers(&decoder.info, kExifMarker, 0xffff);
  jpeg_read_header(&decoder.info, TRUE);
  return true;
}

/// The columns and rows of the output that are read.
struct Part {
  JDIMENSION x, y, width, height;
};

bool start(Decoder& decoder, const DecodeRequest& request, JpegHuffman* huffman) {
  if (setjmp(decoder.errors.leave) != 0) return false;
  const J_COLOR_SPACE space = decoder.info.jpeg_color_space;
  const bool four = space == JCS_CMYK || space == JCS_YCCK;
  decoder.info.out_color_space = four ? JCS_CMYK : space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  decoder.info.scale_denom = static_cast<unsigned>(request.scale);
  if (request.fast) {
    decoder.info.do_fancy_upsampling = FALSE;  // also lets libjpeg upsample and convert colours in one go
    decoder.info.dct_method = JDCT_IFAST;
  }
  jpeg_start_decompress(&decoder.info);
  if (huffman != nullptr) huffman->take_over(decoder.info);
  return true;
}

/// Whether a progressive picture ends before all its coefficients are known: libjpeg then smooths blocks over, with
/// their neighbours' help.
bool smooths(const jpeg_decompress_struct& info) {
  if (!info.progressive_mode || !info.do_block_smoothing || info.coef_bits == nullptr) return false;
  const int* bits = info.coef_bits[0];
  return std::any_of(bits, bits + info.num_components * DCTSIZE2, [](int open) { return open != 0; });
}

/// Sets the output to the region and what makes it exact: libjpeg interpolates chroma across 8 px at the most.
bool set_part(Decoder& decoder, const CropRect& region, Part& part) {
  if (setjmp(decoder.errors.leave) != 0) return false;
  constexpr JDIMENSION kMargin = 8;
  const jpeg_decompress_struct& info = decoder.info;
  const auto low = [](int at) { return static_cast<JDIMENSION>(std::max(0, at - static_cast<int>(kMargin))); };
  part.x = low(region.x);
  part.y = low(region.y);
  part.width = std::min(info.output_width, static_cast<JDIMENSION>(region.x + region.width) + kMargin) - part.x;
  part.height = std::min(info.output_height, static_cast<JDIMENSION>(region.y + region.height) + kMargin) - part.y;
  if (part.width < info.output_width) jpeg_crop_scanline(&decoder.info, &part.x, &part.width);
  return true;
}

/// Passes `count` rows over.
bool skip_rows(Decoder& decoder, JDIMENSION count) {
  if (setjmp(decoder.errors.leave) != 0) return false;
  if (count > 0) jpeg_skip_scanlines(&decoder.info, count);
  return true;
}

/// Reads one row into `row` [width * components].
bool read_row(Decoder& decoder, std::uint8_t* row) {
  if (setjmp(decoder.errors.leave) != 0) return false;
  jpeg_read_scanlines(&decoder.info, &row, 1);
  return true;
}

bool finish(Decoder& decoder) {
  if (setjmp(decoder.errors.leave) != 0) return false;
  jpeg_finish_decompress(&decoder.info);
  return true;
}

bool matches(Bytes bytes) { return starts_with(bytes, "\xff\xd8\xff"); }

ImageInfo probe(Bytes bytes, const std::string& name) {
  Decoder decoder(bytes, {});
  if (!read_header(decoder)) fail("{}: damaged JPEG header: {}", name, decoder.errors.message);
  return {static_cast<int>(decoder.info.image_height), static_cast<int>(decoder.info.image_width), {}};
}

int orientation(Bytes bytes) {
  Decoder decoder(bytes, {});
  if (!read_header(decoder)) return 1;
  for (const jpeg_marker_struct* marker = decoder.info.marker_list; marker != nullptr; marker = marker->next) {
    const Bytes data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
    if (marker->marker == kExifMarker && starts_with(data, {"Exif\0\0", 6})) return exif_orientation(data);
  }
  return 1;
}

/// A row as libjpeg gives it into RGB. Four components are Adobe's inverted CMYK, as Pillow assumes.
void convert_row(const std::uint8_t* in, int components, int width, std::uint8_t* rgb) {
  if (components == 1) return spread_grey(in, width, rgb);
  for (int x = 0; x < width; ++x)
    rgb_from_cmyk(255 - in[4 * x], 255 - in[4 * x + 1], 255 - in[4 * x + 2], 255 - in[4 * x + 3], rgb + 3 * x);
}

/// Reads the part's rows into `image`, which has its size; the whole rest is passed over, so that damage is seen.
/// False: `huffman` gave up.
bool read_part(Decoder& decoder, const Part& part, const JpegHuffman& huffman, const std::string& name, Image& image) {
  const int components = decoder.info.output_components;
  std::vector<std::uint8_t> raw(components == 3 ? 0 : std::size_t{part.width} * static_cast<std::size_t>(components));
  bool good = skip_rows(decoder, part.y);
  for (int y = 0; good && y < image.height; ++y) {
    good = read_row(decoder, components == 3 ? image.row(y) : raw.data());
    if (components != 3) convert_row(raw.data(), components, image.width, image.row(y));
  }
  // A skip to the very end would leave the rest unread: the last row is decoded, so that damage behind the region is
  // found.
  const JDIMENSION num_behind = decoder.info.output_height - decoder.info.output_scanline;
  if (good && num_behind > 0) {
    raw.resize(std::size_t{decoder.info.output_width} * static_cast<std::size_t>(components));
    good = skip_rows(decoder, num_behind - 1) && read_row(decoder, raw.data());
  }
  good = good && finish(decoder);
  if (huffman.gave_up()) return false;
  if (!good) fail("{}: damaged JPEG, row {}: {}", name, decoder.info.output_scanline, decoder.errors.message);
  // libjpeg fills what is missing with grey and only warns; such a picture is not what was stored.
  if (decoder.errors.base.num_warnings > 0) fail("{}: damaged or truncated JPEG: {}", name, decoder.errors.message);
  return true;
}

enum class CodesBy { kUs, kLibjpeg };

/// False when the Huffman codes read by us are not those of a whole file.
bool try_to_decode(Bytes bytes, const std::string& name, const DecodeLimits& limits, const DecodeRequest& request,
                   CodesBy codes_by, DecodedPart& out) {
  JpegHuffman huffman(out.scratch);
  Decoder decoder(bytes, limits);
  if (!read_header(decoder)) fail("{}: damaged JPEG: {}", name, decoder.errors.message);
  const int max_scans = decoder.progress.max_scans = most_scans(decoder.info, limits);
  if (jpeg_has_multiple_scans(&decoder.info) && count_scans(bytes, max_scans) > max_scans) {
    fail("{}: JPEG of {}x{} px with more than {} scans", name, decoder.info.image_width, decoder.info.image_height,
         max_scans);
  }
  if (!start(decoder, request, codes_by == CodesBy::kUs ? &huffman : nullptr))
    fail("{}: damaged JPEG: {}", name, decoder.errors.message);
  Part part{0, 0, decoder.info.output_width, decoder.info.output_height};
  // Regions of scaled, fast or smoothed pictures would need rules of their own to be independent of the region.
  const bool region = request.region.width > 0 && request.scale == 1 && !request.fast && !smooths(decoder.info);
  if (region && !set_part(decoder, request.region, part)) fail("{}: damaged JPEG: {}", name, decoder.errors.message);
  reshape(out.image, static_cast<int>(part.height), static_cast<int>(part.width));
  out.x = static_cast<int>(part.x);
  out.y = static_cast<int>(part.y);
  out.scale = request.scale;
  return read_part(decoder, part, huffman, name, out.image);
}

void decode_part(Bytes bytes, const std::string& name, const DecodeLimits& limits, const DecodeRequest& request,
                 DecodedPart& out) {
  if (!try_to_decode(bytes, name, limits, request, CodesBy::kUs, out))
    try_to_decode(bytes, name, limits, request, CodesBy::kLibjpeg, out);
}

Image decode(Bytes bytes, const std::string& name, const DecodeLimits& limits) {
  DecodedPart whole;
  decode_part(bytes, name, limits, {}, whole);
  return std::move(whole.image);
}

struct Encoder {
  jpeg_compress_struct info{};
  ErrorManager errors{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  Encoder() {
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = on_error;
    jpeg_create_compress(&info);
  }
  ~Encoder() {
    jpeg_destroy_compress(&info);
    std::free(buffer);
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
};

bool encode(Encoder& encoder, const Image& image, int quality) {
  if (setjmp(encoder.errors.leave) != 0) return false;
  jpeg_mem_dest(&encoder.info, &encoder.buffer, &encoder.size);
  encoder.info.image_width = static_cast<JDIMENSION>(image.width);
  encoder.info.image_height = static_cast<JDIMENSION>(image.height);
  encoder.info.input_components = 3;
  encoder.info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&encoder.info);
  jpeg_set_quality(&encoder.info, quality, TRUE);
  jpeg_start_compress(&encoder.info, TRUE);
  for (int y = 0; y < image.height; ++y) {
    auto* row = const_cast<JSAMPROW>(image.row(y));  // libjpeg's interface lacks the const
    jpeg_write_scanlines(&encoder.info, &row, 1);
  }
  jpeg_finish_compress(&encoder.info);
  return true;
}

}  // namespace

const Format kJpeg{"JPEG", matches, probe, decode, orientation, decode_part};

}  // namespace soco::formats

namespace soco {

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
  SOCO_ASSERT(quality >= 1 && quality <= 100);
  formats::Encoder encoder;
  if (!formats::encode(encoder, image, quality))
    fail("JPEG of {}x{} pixels cannot be written: {}", image.width, image.height, encoder.errors.message);
  const auto* begin = reinterpret_cast<const std::byte*>(encoder.buffer);
  return {begin, begin + encoder.size};
}

}  // namespace soco
