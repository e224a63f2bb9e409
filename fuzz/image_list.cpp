// SPDX-License-Identifier: MIT
// What names images: list files, COCO files with a root, patterns, and kept listings.
#include "fuzz/fuzz.h"
#include "soco/image/image_index.h"
#include "soco/image/image_source.h"
#include "soco/image/name_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  const std::filesystem::path& folder = fuzz::scratch_folder();
  for (const char* name : {"list.txt", "list.json"}) {
    const std::string list = fuzz::input_file(data, size, name).string() + "@" + folder.string();
    fuzz::expect_error_or_success([&] {
      const ImageList images = list_images(list);
      for (std::size_t i = 1; i < images.size(); ++i) SOCO_ASSERT(images.key(i - 1) < images.key(i));
      SOCO_ASSERT(ImageList::from_bytes(images.to_bytes()).to_bytes() == images.to_bytes());
    });
  }
  const std::string_view text = fuzz::text_of_input(data, size);
  fuzz::expect_error_or_success([&] {
    const ImageList images = ImageList::from_bytes(text);
    for (const ImageEntry& entry : images) SOCO_ASSERT(!entry.key.empty());
  });
  fuzz::expect_error_or_success([&] { kept_listing(fuzz::input_file(data, size, "x.index"), "x"); });
  if (text.find_first_of("*?[") == std::string_view::npos)  // the file system's own matching is not ours to test
    fuzz::expect_error_or_success([&] { expand_pattern(std::string(text)); });
  return 0;
}
