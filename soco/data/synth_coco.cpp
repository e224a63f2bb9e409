// SPDX-License-Identifier: MIT
#include "soco/data/synth_coco.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "soco/base/json.h"

namespace soco {
namespace {

// COCO's own choice of forms: polygons for objects, counts lists for crowds; the compressed string stands for objects
// in several pieces or with holes, which polygons cannot give back exactly.
std::string segmentation(const SceneObject& object) {
  const BinaryMask& mask = object.visible;
  const auto rle = [&](const std::string& counts) {
    return fmt::format(R"({{"size":[{},{}],"counts":{}}})", mask.height, mask.width, counts);
  };
  if (object.crowd) return rle(fmt::format("[{}]", fmt::join(rle_counts(mask), ",")));
  const auto outlines = mask_outlines(mask);
  if (outlines.size() == 1) return fmt::format("[[{}]]", fmt::join(outlines.front(), ","));
  // The string's alphabet (48 .. 111) holds the backslash, so it must be escaped as JSON.
  return rle(dump_json(Json(compress_rle(rle_counts(mask)))));
}

}  // namespace

std::string coco_annotation(std::int64_t image_id, const SceneObject& object) {
  const PixelBounds box = mask_bounds(object.visible);
  return fmt::format(
      R"("image_id":{},"category_id":{},"iscrowd":{},"area":{},"bbox":[{},{},{},{}],"segmentation":{}}})", image_id,
      object.category + 1, object.crowd ? 1 : 0, mask_area(object.visible), box.x, box.y, box.width, box.height,
      segmentation(object));
}

CocoWriter::CocoWriter(const std::filesystem::path& path, const std::string& description,
                       const std::vector<std::string>& category_names)
    : file_(path) {
  Json categories = Json::array();
  for (const std::string& name : category_names) {
    categories.push_back({{"id", categories.size() + 1}, {"name", name}, {"supercategory", "shape"}});
  }
  file_.write(fmt::format("{{\"info\":{{\"description\":{}}},\n\"licenses\":[],\n\"categories\":{},\n\"annotations\":[",
                          dump_json(Json(description)), dump_json(categories)));
}

void CocoWriter::add(const CocoImage& image, const std::vector<std::string>& annotations,
                     std::int64_t first_annotation_id) {
  images_.push_back(image);
  for (const std::string& text : annotations) {
    file_.write(fmt::format("{}\n{{\"id\":{},{}", num_annotations_++ == 0 ? "" : ",", first_annotation_id++, text));
  }
}

void CocoWriter::finish() {
  file_.write(std::string_view("],\n\"images\":["));
  const char* separator = "";
  for (const CocoImage& image : images_) {
    file_.write(fmt::format(R"({}{}{{"id":{},"file_name":{},"height":{},"width":{}}})", separator, "\n", image.id,
                            dump_json(Json(image.file_name)), image.height, image.width));
    separator = ",";
  }
  file_.write(std::string_view("]}\n"));
  file_.commit();
}

}  // namespace soco
