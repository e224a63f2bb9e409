// SPDX-License-Identifier: MIT
// Pascal VOC annotations, and the XML reader below them.
#include "soco/structures/voc_xml.h"
#include "fuzz/fuzz.h"
#include "soco/structures/xml_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  const std::string_view text = fuzz::text_of_input(data, size);
  fuzz::expect_error_or_success([&] {
    std::size_t num_elements = 0;
    read_xml(text, "fuzz", [&](const XmlElement& element) {
      SOCO_ASSERT(!element.path.empty());
      ++num_elements;
    });
    SOCO_ASSERT(num_elements > 0 && num_elements <= size);
  });
  fuzz::expect_error_or_success([&] {
    const VocImage image = read_voc_image(text, "fuzz");
    SOCO_ASSERT(image.height > 0 && image.width > 0);
    for (const VocImage::Object& object : image.objects) SOCO_ASSERT(object.box.width >= 0 && object.box.height >= 0);
  });
  return 0;
}
