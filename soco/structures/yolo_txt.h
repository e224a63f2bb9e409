// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "soco/structures/annotation.h"

namespace soco {

/// Reads the label file of one image: an object a line, "class x y width height" with the centre and the sides as
/// fractions of the image, or "class x1 y1 x2 y2 x3 y3 ..." for a polygon, whose box counts. Ids of annotations and
/// image are left 0; categories are the classes, from 0. Errors name `name` and line: not such numbers, a class that is
/// not below `num_categories`, a coordinate outside [0, 1].
std::vector<ObjectAnnotation> read_yolo_labels(std::string_view text, const std::string& name, int height, int width,
                                               std::int64_t num_categories);

/// The names of the classes: a line each (classes.txt, obj.names), or the entry `names` of a .yaml file, as a list in
/// brackets, a list of "- name" lines or a map of "0: name" lines. Errors: none found, or numbers with gaps.
std::vector<std::string> read_yolo_names(const std::filesystem::path& path);

/// The labels of `images`, whose file names are relative to `root`: those of "images/train/a.jpg" are in
/// "labels/train/a.txt" (the last "images" of the path counts). An image without that file has no objects.
AnnotationSet read_yolo_annotations(const std::filesystem::path& root, const std::vector<std::string>& names,
                                    std::vector<AnnotatedImage> images);

/// "images/train/a.jpg" -> "labels/train/a.txt"; without "images", beside the image.
std::filesystem::path yolo_label_path(const std::filesystem::path& image);

inline constexpr std::uint64_t kMaxYoloBytes = 16 << 20;

}  // namespace soco
