// SPDX-License-Identifier: MIT
#include <tiffio.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "soco/base/error.h"
#include "soco/image/formats/format.h"

namespace soco::formats {
namespace {

// A strip or tile is decoded whole; one that takes more than this for each byte of the image lies about its size.
constexpr std::uint64_t kMaxBlockShare = 4, kMinBlockBytes = 1u << 20;
constexpr tmsize_t kMaxAllocation = tmsize_t{1} << 30;

struct Source {
  Bytes bytes;
  std::uint64_t at = 0;
};

tmsize_t read_bytes(thandle_t handle, void* out, tmsize_t count) {
  auto* source = static_cast<Source*>(handle);
  const std::uint64_t left = source->at < source->bytes.size() ? source->bytes.size() - source->at : 0;
  const auto taken = std::min<std::uint64_t>(left, static_cast<std::uint64_t>(std::max<tmsize_t>(count, 0)));
  if (taken > 0) std::memcpy(out, source->bytes.data() + source->at, taken);
  source->at += taken;
  return static_cast<tmsize_t>(taken);
}

tmsize_t write_nothing(thandle_t, void*, tmsize_t) { return -1; }

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  auto* source = static_cast<Source*>(handle);
  if (whence == SEEK_CUR) offset += source->at;
  if (whence == SEEK_END) offset += source->bytes.size();
  source->at = offset;
  return offset;
}

int close_nothing(thandle_t) { return 0; }
toff_t size_of(thandle_t handle) { return static_cast<Source*>(handle)->bytes.size(); }

// libtiff prints by default; its handlers are the process's, so they are set once, to silence.
void silence() {
  static const bool done = [] {
    TIFFSetErrorHandler(nullptr);
    TIFFSetWarningHandler(nullptr);
    return true;
  }();
  static_cast<void>(done);
}

TIFF* open_client(Source& source, const char* name) {
  constexpr const char* kMode = "rm";  // read, and do not map: there is no file behind
#if TIFFLIB_VERSION >= 20221213        // 4.5.0
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 &TIFFOpenOptionsFree);
  if (!options) return nullptr;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxAllocation);
  return TIFFClientOpenExt(name, kMode, &source, read_bytes, write_nothing, seek, close_nothing, size_of, nullptr,
                           nullptr, options.get());
#else
  return TIFFClientOpen(name, kMode, &source, read_bytes, write_nothing, seek, close_nothing, size_of, nullptr,
                        nullptr);
#endif
}

using File = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

File open(Source& source, const std::string& name) {
  silence();
  File file(open_client(source, name.c_str()), &TIFFClose);
  if (!file) fail("{}: damaged TIFF header", name);
  return file;
}

bool matches(Bytes bytes) { return starts_with(bytes, {"II*\0", 4}) || starts_with(bytes, {"MM\0*", 4}); }

/// As stored, before the orientation is applied.
ImageInfo stored_size(TIFF* file, const std::string& name) {
  std::uint32_t width = 0, height = 0;
  const bool found =
      TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width) != 0 && TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height) != 0;
  if (!found || width > 0x7fffffff || height > 0x7fffffff) fail("{}: TIFF without a valid size", name);
  return {static_cast<int>(height), static_cast<int>(width), {}};
}

int orientation_tag(TIFF* file) {
  std::uint16_t tag = ORIENTATION_TOPLEFT;
  TIFFGetFieldDefaulted(file, TIFFTAG_ORIENTATION, &tag);
  return tag >= 1 && tag <= 8 ? tag : ORIENTATION_TOPLEFT;
}

ImageInfo probe(Bytes bytes, const std::string& name) {
  Source source{bytes};
  const File file = open(source, name);
  ImageInfo info = stored_size(file.get(), name);
  if (swaps_sides(orientation_tag(file.get()))) std::swap(info.height, info.width);
  return info;
}

/// libtiff multiplies colours by alpha unless that is said to be done: we drop alpha, as Pillow does.
void keep_colors_under_alpha(TIFF* file) {
  std::uint16_t count = 0;
  const std::uint16_t* found = nullptr;
  if (TIFFGetField(file, TIFFTAG_EXTRASAMPLES, &count, &found) == 0 || count == 0) return;
  std::vector<std::uint16_t> kinds(found, found + count);
  std::replace(kinds.begin(), kinds.end(), std::uint16_t{EXTRASAMPLE_UNASSALPHA},
               std::uint16_t{EXTRASAMPLE_ASSOCALPHA});
  TIFFSetField(file, TIFFTAG_EXTRASAMPLES, count, kinds.data());
}

void check_block_size(TIFF* file, const ImageInfo& info, const std::string& name) {
  const tmsize_t block = TIFFIsTiled(file) != 0 ? TIFFTileSize(file) : TIFFStripSize(file);
  const auto image_bytes = static_cast<std::uint64_t>(info.height) * static_cast<std::uint64_t>(info.width) * 4;
  if (block <= 0 || static_cast<std::uint64_t>(block) > image_bytes * kMaxBlockShare + kMinBlockBytes) {
    fail("{}: TIFF with blocks of {} bytes for {}x{} pixels", name, block, info.width, info.height);
  }
}

Image decode(Bytes bytes, const std::string& name, const DecodeLimits&) {
  Source source{bytes};
  const File file = open(source, name);
  const ImageInfo info = stored_size(file.get(), name);
  check_block_size(file.get(), info, name);
  keep_colors_under_alpha(file.get());
  const int orientation = orientation_tag(file.get());
  const auto width = static_cast<std::uint32_t>(info.width), height = static_cast<std::uint32_t>(info.height);
  std::vector<std::uint32_t> raster(static_cast<std::size_t>(width) * height);
  // The file's own orientation leaves the pixels where they are stored.
  if (TIFFReadRGBAImageOriented(file.get(), width, height, raster.data(), orientation, 1) == 0) {
    fail("{}: damaged or truncated TIFF, or of a kind that is not supported", name);
  }
  Image image = make_image(info.height, info.width);
  for (std::size_t i = 0; i < raster.size(); ++i) {
    image.pixels[3 * i] = static_cast<std::uint8_t>(TIFFGetR(raster[i]));
    image.pixels[3 * i + 1] = static_cast<std::uint8_t>(TIFFGetG(raster[i]));
    image.pixels[3 * i + 2] = static_cast<std::uint8_t>(TIFFGetB(raster[i]));
  }
  return apply_orientation(std::move(image), orientation);  // whatever `apply_exif` says, as Pillow
}

}  // namespace

const Format kTiff{"TIFF", matches, probe, decode, nullptr};

}  // namespace soco::formats
