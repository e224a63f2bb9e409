// SPDX-License-Identifier: MIT
// YOLO labels of an image of 300 x 200 px and 80 classes, and the names of classes in both forms.
#include "soco/structures/yolo_txt.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  const std::string_view text = fuzz::text_of_input(data, size);
  fuzz::expect_error_or_success([&] {
    for (const ObjectAnnotation& object : read_yolo_labels(text, "fuzz", 200, 300, 80)) {
      SOCO_ASSERT(object.category_id >= 0 && object.category_id < 80);
      SOCO_ASSERT(object.box.width >= 0 && object.box.height >= 0 && object.box.width <= 300);
    }
  });
  for (const char* name : {"names.yaml", "names.txt"})
    fuzz::expect_error_or_success([&] { SOCO_ASSERT(!read_yolo_names(fuzz::input_file(data, size, name)).empty()); });
  return 0;
}
