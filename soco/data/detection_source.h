// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/image/codec.h"
#include "soco/image/image_list.h"
#include "soco/structures/annotation.h"
#include "soco/structures/coco_json.h"

namespace soco {

/// A labelled set as it was read: what there is to be found, and where the images lie.
struct DetectionSource {
  AnnotationSet annotations;
  ImageList images;
  std::string name;  ///< for messages
};

struct DetectionSourceOptions {
  bool masks = true;                        ///< whether shapes are read
  DecodeLimits limits = {};                 ///< of images whose size is looked up
  Repairs* repairs = nullptr;               ///< see CocoReadOptions
  std::filesystem::path index_folder = {};  ///< see ListOptions
};

/// Reads labels, told by what `annotations` is:
/// - a .json file: COCO or LVIS. Images: `images`, or when that is empty looked for as list_images does;
/// - a folder of .xml files, or one with a folder Annotations: Pascal VOC. Images: `images` (an image set, say), or
///   JPEGImages beside Annotations; those that `images` does not have are left out silently;
/// - a .yaml file or a list of class names (.names, classes.txt): YOLO. Images: `images`, or the folder `images` beside
///   it; labels are looked for beside it too.
/// Errors: those of the readers and of list_images; usage error for anything else.
DetectionSource read_detection_source(const std::filesystem::path& annotations, const std::filesystem::path& images,
                                      const DetectionSourceOptions& options, Logger& logger);

/// Images without labels, for prediction: ids from 1 in the list's order. Those that cannot be read are named in the
/// log and left out. Error when none is left, kInterrupted when stop_requested().
DetectionSource unlabelled_source(ImageList images, const DecodeLimits& limits, Logger& logger);

/// Several sets as one (VOC 2007 and 2012): categories of one name are one, with the id it had first; images and
/// objects are numbered anew from 1, in order; an image's key begins with its set's number ("2/2008_000008.jpg"). At
/// least one (asserted); one alone stays as it is.
DetectionSource merge_sources(std::vector<DetectionSource> sources);

}  // namespace soco
