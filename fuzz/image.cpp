// SPDX-License-Identifier: MIT
// Image files of every format, with and without the EXIF orientation.
#include "fuzz/fuzz.h"
#include "soco/image/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  const auto bytes = fuzz::bytes_of_input(data, size);
  for (const bool apply_exif : {false, true}) {
    const DecodeLimits limits{.max_pixels = 1 << 18, .apply_exif = apply_exif};
    fuzz::expect_error_or_success([&] {
      const Image image = decode_image(bytes, "fuzz", limits);
      const ImageInfo info = probe_image(bytes, "fuzz", limits);  // what decodes has a header that says the same
      SOCO_ASSERT(info.height == image.height && info.width == image.width);
    });
    fuzz::expect_error_or_success([&] { probe_image(bytes, "fuzz", limits); });
  }
  return 0;
}
