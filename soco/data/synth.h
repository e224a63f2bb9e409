// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/config/options.h"

namespace soco {

/// What `synthesize` makes. Every field but `workers` changes the pictures or the labels; two runs with equal values
/// write equal bytes.
struct SynthOptions {
  int images = 200;  // training and validation images together
  std::int64_t seed = 0;
  int width = 320;  // mean width in px; each image's sides vary around it by size_variation
  int height = 240;
  double size_variation = 0.2;  // sides are uniform in (1 +- this) times the mean; one image in five is upright
  int categories = 8;           // the first so many of `synth_category_names()`
  int max_objects = 8;          // annotated objects per image: 1 .. this, before crowds
  double min_size = 0.07;       // diameter of an object's circle (larger than its box) over the image's shorter side:
  double max_size = 0.72;       // uniform between these
  double crowd_prob = 0.08;     // images that also hold one crowd region
  double val_ratio = 0.2;       // share of the images that go to val/
  double label_fraction = 1.0;  // below 1, a file with the labels of this share of train/ is written as well
  int jpeg_quality = 90;
  int workers = 2;  // threads; has no influence on the result

  template <class V>
  void visit(V& v) {
    v.field("images", images, "images to make, training and validation together", Range<int>{1, 10'000'000});
    v.field("seed", seed, "seed of all random choices", Range<std::int64_t>{0, INT64_MAX});
    v.field("width", width, "mean image width in px", Range<int>{64, 4096});
    v.field("height", height, "mean image height in px", Range<int>{64, 4096});
    v.field("size_variation", size_variation, "sides vary by up to this share of the mean", Range<double>{0, 0.5});
    v.field("categories", categories, "number of object categories", Range<int>{1, 12});
    v.field("max_objects", max_objects, "most objects of an image, crowds not counted", Range<int>{1, 64});
    v.field("min_size", min_size, "smallest object, as a share of the image's shorter side", Range<double>{0.02, 1});
    v.field("max_size", max_size, "largest object, as a share of the image's shorter side", Range<double>{0.02, 1});
    v.field("crowd_prob", crowd_prob, "share of images with a crowd region", Range<double>{0, 1});
    v.field("val_ratio", val_ratio, "share of images that go to val/", Range<double>{0, 1});
    v.field("label_fraction", label_fraction, "also write the labels of this share of train/ (1: only the full file)",
            Range<double>{0.0001, 1});
    v.field("jpeg_quality", jpeg_quality, "JPEG quality", Range<int>{1, 100});
    v.field("workers", workers, "threads; does not change the result", Range<int>{1, 1024});
  }
  /// Throws a usage Error when the values do not go together.
  void validate() const;
};

/// The twelve category names in id order (category id = index + 1).
const std::vector<std::string>& synth_category_names();

/// Makes a data set of synthetic scenes with COCO labels below `out`:
///   train/*.jpg, val/*.jpg, annotations/instances_train.json, annotations/instances_val.json,
///   annotations/instances_train_<p>pct.json (label_fraction < 1; the images of a smaller fraction are a subset of
///   those of a larger one), dataset.json (the finished marker: options and counts).
/// Boxes, areas and masks are those of the visible part of an object, [x, y, width, height] in px, x+width exclusive.
/// Segmentations: one polygon along the pixel edges when the visible part has one simple outline, else RLE
/// (compressed string; crowd regions: counts list), column-major.
/// An existing `out` is left as it is when it holds the same data set, completed when it was interrupted, and is a
/// usage Error when it holds anything else. Throws Error(kInterrupted) after a stop signal.
void synthesize(const SynthOptions& options, const std::filesystem::path& out, Logger& log);

}  // namespace soco
