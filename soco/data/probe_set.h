// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/image/image_list.h"
#include "soco/structures/annotation.h"
#include "soco/structures/box.h"

namespace soco {

struct ProbeObject {
  Box box;        ///< px of the image, inside it, sides above 0
  int label = 0;  ///< index into ProbeSet::classes
};

/// One labelled image that has objects.
struct ProbeImage {
  ImageEntry entry;
  int height = 0, width = 0;  ///< px, as the annotations say
  std::vector<ProbeObject> objects;
  bool is_val = false;  ///< predicted, not learned from
};

/// Labelled boxes for judging features, split into images to learn from and images to predict.
struct ProbeSet {
  std::vector<ProbeImage> images;                   ///< in the order of the annotations
  std::vector<std::string> classes;                 ///< names of the categories that have boxes, by category id
  std::int64_t num_crowds = 0, num_degenerate = 0;  ///< boxes left out
  std::vector<std::string> empty_categories;        ///< without a box

  std::int64_t num_boxes(bool val) const;
};

/// Where the labels come from and how they are split.
struct ProbeSetOptions {
  /// Share of the images to predict, at least one image on each side; 0: none, the set is for join_probe_sets.
  double val_ratio = 0.3;
  std::int64_t seed = 0;  ///< of the split, which depends on nothing but it and the annotations' images
  int max_images = 0;     ///< this many images, chosen by the seed; 0: all
};

/// Objects of the annotated images of `images`; crowds, and boxes without area inside their image, are left out and
/// counted, and so are images without objects. `annotations_name` stands for them in errors. A file name of the
/// annotations finds its image as `soco evaluate` does (KeyIndex). Errors: no boxes; more than half of the images
/// missing (fewer: a warning); with a split, boxes of one category alone or of one image alone.
ProbeSet make_probe_set(const ImageList& images, const AnnotationSet& annotations, const std::string& annotations_name,
                        const ProbeSetOptions& options, Logger& log);

/// All of `train` to learn from and all of `val` to predict; categories are the same when their names are.
/// Errors: boxes of one category alone to learn from; a category to predict that `train` has no box of.
ProbeSet join_probe_sets(ProbeSet train, const std::string& train_name, ProbeSet val, const std::string& val_name);

}  // namespace soco
