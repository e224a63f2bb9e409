// SPDX-License-Identifier: MIT
#pragma once
#include <cstdio>
// jpeglib.h needs FILE from cstdio before it.
#include <jpeglib.h>

#include <csetjmp>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "soco/image/image.h"

namespace soco::testing {

/// What jpeg_file() makes of a picture, by libjpeg itself.
struct JpegKind {
  J_COLOR_SPACE space = JCS_YCbCr;  ///< JCS_GRAYSCALE: of the red channel; JCS_CMYK, JCS_YCCK: R, G, B and 255
  int across = 2, down = 2;         ///< how much coarser chroma is
  bool progressive = false;
  int first_scans = 0;   ///< of a progressive picture's, these alone; 0: all
  int restart_rows = 0;  ///< block rows between restart markers
  int quality = 90;
  bool own_codes = false;  ///< Huffman codes made for this picture, not the standard's
};

inline std::vector<std::byte> jpeg_file(const Image& image, const JpegKind& kind) {
  const bool grey = kind.space == JCS_GRAYSCALE, four = kind.space == JCS_CMYK || kind.space == JCS_YCCK;
  const std::size_t channels = grey ? 1 : four ? 4 : 3;
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  info.err = jpeg_std_error(&errors);  // a mistake of a test ends the program
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = static_cast<int>(channels);
  info.in_color_space = grey ? JCS_GRAYSCALE : four ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, kind.space);
  jpeg_set_quality(&info, kind.quality, TRUE);
  if (kind.space == JCS_YCbCr) {
    info.comp_info[0].h_samp_factor = kind.across;
    info.comp_info[0].v_samp_factor = kind.down;
  }
  if (kind.progressive) jpeg_simple_progression(&info);
  if (kind.first_scans > 0) info.num_scans = kind.first_scans;
  info.restart_in_rows = kind.restart_rows;
  info.optimize_coding = kind.own_codes ? TRUE : FALSE;
  jpeg_start_compress(&info, TRUE);
  std::vector<JSAMPLE> row(static_cast<std::size_t>(image.width) * channels);
  for (int y = 0; y < image.height; ++y) {
    for (std::size_t x = 0; x < static_cast<std::size_t>(image.width); ++x) {
      for (std::size_t c = 0; c < channels; ++c) row[x * channels + c] = c < 3 ? image.row(y)[3 * x + c] : 255;
    }
    JSAMPROW line = row.data();
    jpeg_write_scanlines(&info, &line, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const auto* begin = reinterpret_cast<const std::byte*>(buffer);
  std::vector<std::byte> bytes(begin, begin + size);
  std::free(buffer);
  return bytes;
}

struct JpegErrors {
  jpeg_error_mgr base;
  std::jmp_buf leave;
};

/// What libjpeg alone makes of a JPEG with one or three components; nothing where it fails, warns, or has others.
inline std::optional<Image> decoded_by_libjpeg(std::span<const std::byte> bytes) {
  jpeg_decompress_struct info{};
  JpegErrors errors{};
  Image image;
  std::vector<JSAMPLE> row;
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = [](j_common_ptr common) {
    std::longjmp(reinterpret_cast<JpegErrors*>(common->err)->leave, 1);
  };
  errors.base.output_message = [](j_common_ptr) {};
  jpeg_create_decompress(&info);
  const volatile bool good = setjmp(errors.leave) == 0;
  if (good) {
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&info, TRUE);
    info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&info);
    image = make_image(static_cast<int>(info.output_height), static_cast<int>(info.output_width));
    row.resize(std::size_t{info.output_width} * static_cast<std::size_t>(info.output_components));
    while (info.output_scanline < info.output_height) {
      JSAMPROW line = row.data();
      std::uint8_t* out = image.row(static_cast<int>(info.output_scanline));
      jpeg_read_scanlines(&info, &line, 1);
      for (std::size_t i = 0; i < std::size_t{3} * info.output_width; ++i)
        out[i] = row[info.output_components == 1 ? i / 3 : i];
    }
    jpeg_finish_decompress(&info);
  }
  jpeg_destroy_decompress(&info);
  if (!good || errors.base.num_warnings > 0) return std::nullopt;
  return image;
}

}  // namespace soco::testing
