// SPDX-License-Identifier: MIT
#include "soco/structures/coco_results.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <utility>

#include "soco/base/error.h"
#include "soco/structures/mask_rle.h"

namespace soco {
namespace {

/// A mask's text as JSON: of its characters, '0' to 'o', the backslash alone needs an escape.
std::string quoted(const std::string& counts) {
  std::string text = "\"";
  for (const char c : counts) {
    if (c == '\\') text.push_back('\\');
    text.push_back(c);
  }
  return text + "\"";
}

void check_finite(const ImageDetections& detections, std::size_t i) {
  const CocoBox box = coco_box_from_box(detections.boxes[i]);
  if (std::isfinite(box.x) && std::isfinite(box.y) && std::isfinite(box.width) && std::isfinite(box.height) &&
      std::isfinite(detections.scores[i]))
    return;
  fail("image {}: detection {} has the box {}, {}, {}, {} and the score {}; expected finite numbers",
       detections.image_id, i, box.x, box.y, box.width, box.height, detections.scores[i]);
}

}  // namespace

CocoResultsWriter::CocoResultsWriter(const std::filesystem::path& path, std::vector<std::int64_t> category_ids)
    : file_(path), category_ids_(std::move(category_ids)) {
  file_.write("[");
}

void CocoResultsWriter::add(const ImageDetections& detections) {
  const std::size_t count = detections.boxes.size();
  const bool masks = !detections.masks.empty();
  SOCO_ASSERT(detections.scores.size() == count && detections.labels.size() == count);
  SOCO_ASSERT(!masks || detections.masks.size() == count);
  for (std::size_t i = 0; i < count; ++i) {
    check_finite(detections, i);
    const CocoBox box = coco_box_from_box(detections.boxes[i]);
    text_.clear();
    const auto out = std::back_inserter(text_);
    fmt::format_to(out, "{}{{\"image_id\":{},\"category_id\":{},\"bbox\":[{},{},{},{}],\"score\":{}",
                   num_detections_ == 0 ? "\n" : ",\n", detections.image_id,
                   category_ids_.at(static_cast<std::size_t>(detections.labels[i])), box.x, box.y, box.width,
                   box.height, static_cast<double>(detections.scores[i]));
    if (masks) {
      const MaskRle& mask = detections.masks[i];
      fmt::format_to(out, ",\"segmentation\":{{\"size\":[{},{}],\"counts\":{}}}", mask.height, mask.width,
                     quoted(mask_text(mask)));
    }
    text_ += "}";
    file_.write(text_);
    ++num_detections_;
  }
}

void CocoResultsWriter::commit() {
  file_.write("\n]\n");
  file_.commit();
}

}  // namespace soco
