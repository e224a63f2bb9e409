// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "soco/structures/annotation.h"

namespace soco {

/// One image of a Pascal VOC set with its objects.
struct VocImage {
  struct Object {
    std::string category;
    CocoBox box;
    bool is_difficult = false;
  };
  int height = 0, width = 0;  ///< px
  std::string file_name;      ///< of <filename>; may be empty
  std::vector<Object> objects;
};

/// VOC's corners are whole pixels counted from 1, both inside the box: 1, 1, w, h is a whole image.
CocoBox coco_box_from_voc(double xmin, double ymin, double xmax, double ymax);

/// Reads an annotation: size (width, height) and the objects' name, bndbox and difficult; parts of objects (heads,
/// hands) and the rest are passed over. Errors name `name`: those of read_xml, an element missing, a corner twice, a
/// number that is none, a box of negative size.
VocImage read_voc_image(std::string_view text, const std::string& name);

/// All .xml files of an `Annotations` folder, by name: images with ids from 1, categories by name with ids from 1. An
/// image without <filename> has the annotation's name and .jpg. Errors: as above; no such file in the folder, or one
/// above kMaxVocBytes.
AnnotationSet read_voc_annotations(const std::filesystem::path& folder);

inline constexpr std::uint64_t kMaxVocBytes = 16 << 20;

}  // namespace soco
