// SPDX-License-Identifier: MIT
// The boxes of a row: 2 bytes each of height and width times 16, then the blob. What decodes encodes to the same bytes.
#include <algorithm>

#include "fuzz/fuzz.h"
#include "soco/proposals/record_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  if (size < 4) return 0;
  const int height = (data[0] << 8 | data[1]) * 16, width = (data[2] << 8 | data[3]) * 16;
  const auto blob = fuzz::bytes_of_input(data + 4, size - 4);
  fuzz::expect_error_or_success([&] {
    const std::vector<Box> boxes = decode_boxes(blob, height, width);
    const std::vector<std::byte> again = encode_boxes({height, width, boxes}, "fuzz");
    SOCO_ASSERT(std::ranges::equal(again, blob));
  });
  fuzz::expect_error_or_success([&] { decode_fingerprint(blob); });
  return 0;
}
