// SPDX-License-Identifier: MIT
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <new>
#include <utility>

#include "soco/base/error.h"
#include "soco/image/formats/format.h"

namespace soco::formats {
namespace {

constexpr png_alloc_size_t kMaxChunkBytes = 8u << 20;

struct Messages {
  char text[256] = "unknown error";
};

void on_error(png_structp png, png_const_charp text) {
  auto* messages = static_cast<Messages*>(png_get_error_ptr(png));
  std::strncpy(messages->text, text, sizeof messages->text - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

struct Source {
  Bytes bytes;
  std::size_t at = 0;
};

void read_bytes(png_structp png, png_bytep out, png_size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (source->bytes.size() - source->at < count) png_error(png, "the file ends too early");
  std::memcpy(out, source->bytes.data() + source->at, count);
  source->at += count;
}

struct Reader {
  Messages messages;
  Source source;
  png_structp png;
  png_infop info;
  explicit Reader(Bytes bytes) : source{bytes} {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &messages, on_error, on_warning);
    info = png != nullptr ? png_create_info_struct(png) : nullptr;
    if (info == nullptr) {
      png_destroy_read_struct(&png, nullptr, nullptr);
      throw std::bad_alloc();
    }
    png_set_read_fn(png, &source, read_bytes);
    png_set_chunk_malloc_max(png, kMaxChunkBytes);
    // Of the chunks that a decoder may ignore only the orientation is read: compressed texts can be bombs.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, reinterpret_cast<png_const_bytep>("eXIf"), 1);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);  // the caller checks the product
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

bool read_header(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_read_info(reader.png, reader.info);
  return true;
}

/// Every kind of PNG to 8-bit RGB: palettes looked up, grey repeated, alpha dropped, 16 bits cut to the high byte.
bool read_pixels(Reader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_palette_to_rgb(reader.png);
  png_set_expand_gray_1_2_4_to_8(reader.png);
  png_set_strip_16(reader.png);
  png_set_gray_to_rgb(reader.png);
  png_set_strip_alpha(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

bool matches(Bytes bytes) { return starts_with(bytes, "\x89PNG\r\n\x1a\n"); }

ImageInfo probe(Bytes bytes, const std::string& name) {
  // The signature, then the length, name and content of the first chunk, which holds the size.
  constexpr std::size_t kNameAt = 12, kSizeAt = 16, kSizeEnd = 24;
  if (bytes.size() < kSizeEnd || !starts_with(bytes.subspan(kNameAt), "IHDR")) fail("{}: damaged PNG header", name);
  const auto* size = reinterpret_cast<png_const_bytep>(bytes.data()) + kSizeAt;
  const png_uint_32 width = png_get_uint_32(size), height = png_get_uint_32(size + 4);
  if (width > PNG_UINT_31_MAX || height > PNG_UINT_31_MAX) fail("{}: PNG of {}x{} pixels", name, width, height);
  return {static_cast<int>(height), static_cast<int>(width), {}};
}

Image decode(Bytes bytes, const std::string& name, const DecodeLimits&) {
  Reader reader(bytes);
  if (!read_header(reader)) fail("{}: damaged PNG: {}", name, reader.messages.text);
  Image image = make_image(static_cast<int>(png_get_image_height(reader.png, reader.info)),
                           static_cast<int>(png_get_image_width(reader.png, reader.info)));
  std::vector<png_bytep> rows(static_cast<std::size_t>(image.height));
  for (int y = 0; y < image.height; ++y) rows[static_cast<std::size_t>(y)] = image.row(y);
  if (!read_pixels(reader, rows.data())) fail("{}: damaged or truncated PNG: {}", name, reader.messages.text);
  return image;
}

int orientation(Bytes bytes) {
  Reader reader(bytes);
  png_uint_32 size = 0;
  png_bytep exif = nullptr;
  if (!read_header(reader) || png_get_eXIf_1(reader.png, reader.info, &size, &exif) == 0) return 1;
  return exif_orientation({reinterpret_cast<const std::byte*>(exif), size});
}

// No exception may pass through libpng: out of memory becomes its error.
void append_bytes(png_structp png, png_bytep data, png_size_t count) {
  auto* bytes = static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  bool done = true;
  try {
    bytes->insert(bytes->end(), reinterpret_cast<std::byte*>(data), reinterpret_cast<std::byte*>(data) + count);
  } catch (const std::bad_alloc&) {
    done = false;
  }
  if (!done) png_error(png, "out of memory");
}

struct Writer {
  Messages messages;
  std::vector<std::byte> bytes;
  png_structp png;
  png_infop info;
  Writer() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &messages, on_error, on_warning);
    info = png != nullptr ? png_create_info_struct(png) : nullptr;
    if (info == nullptr) {
      png_destroy_write_struct(&png, nullptr);
      throw std::bad_alloc();
    }
    png_set_write_fn(png, &bytes, append_bytes, nullptr);
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

bool write(Writer& writer, const Image& image) {
  if (setjmp(png_jmpbuf(writer.png)) != 0) return false;
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height),
               8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(writer.png, writer.info);
  for (int y = 0; y < image.height; ++y) png_write_row(writer.png, image.row(y));
  png_write_end(writer.png, nullptr);
  return true;
}

}  // namespace

const Format kPng{"PNG", matches, probe, decode, orientation};

}  // namespace soco::formats

namespace soco {

std::vector<std::byte> encode_png(const Image& image) {
  formats::Writer writer;
  if (!formats::write(writer, image))
    fail("PNG of {}x{} pixels cannot be written: {}", image.width, image.height, writer.messages.text);
  return std::move(writer.bytes);
}

}  // namespace soco
