// SPDX-License-Identifier: MIT
// The streaming JSON reader, beside an independent parser, and COCO annotations and results.
#include "soco/base/json.h"
#include "fuzz/fuzz.h"
#include "soco/structures/coco_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  const std::string_view text = fuzz::text_of_input(data, size);
  fuzz::expect_error_or_success([&] {
    JsonReader json(text, "fuzz", "");
    json.skip();
    json.finish();
    SOCO_ASSERT(Json::accept(text));  // what this reader takes is JSON
  });
  fuzz::expect_error_or_success([&] {
    JsonReader json(text, "fuzz", kCocoAnnotationsForm);
    read_coco_annotations(json);
  });
  fuzz::expect_error_or_success([&] {
    JsonReader json(text, "fuzz", kCocoResultsForm);
    read_coco_results(json, [](const DetectionResult& result) { SOCO_ASSERT(result.box.width >= 0); });
  });
  return 0;
}
