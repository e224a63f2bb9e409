// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "soco/base/log.h"
#include "soco/data/bad_images.h"
#include "soco/data/detection_source.h"
#include "soco/image/codec.h"
#include "soco/image/image_list.h"
#include "soco/structures/annotation.h"

namespace soco {

/// What a set of images is for: training leaves out images without objects and may draw a share of the images;
/// evaluation and prediction take all.
enum class DetectionUse { kTrain, kTest };

struct DetectionDatasetOptions {
  DetectionUse use = DetectionUse::kTrain;
  bool masks = true;        ///< whether objects need a shape, when the set has any
  bool keep_empty = false;  ///< kTrain: images without objects, or with crowds alone, stay
  double label_fraction = 1;
  std::int64_t fraction_seed = 0;
  DecodeLimits limits = {};
  double max_bad_ratio = 0.01;  ///< more unreadable images than this share stop the run (a few are always allowed)
};

/// One image's file before it is decoded.
struct EncodedSample {
  std::string name;              ///< for errors
  std::vector<std::byte> bytes;  ///< of its file
  std::int64_t index = 0;        ///< the entry that was read: the index asked for, or its substitute
};

/// Labelled images. Categories have labels 0..K-1 by ascending id, as Detectron2 numbers them. Reading is thread-safe.
/// A bad image (missing, broken, of another size than its annotations') is counted, named once in the log and replaced
/// by the next usable one; see BadImages.
class DetectionDataset {
 public:
  /// `logger` must outlive the dataset. Annotated images without a file are named in the log and left out, as are,
  /// where shapes are wanted, objects without one. Error when more than half of the files are missing; usage error when
  /// no category, no image, or for training no object is left.
  DetectionDataset(DetectionSource source, const DetectionDatasetOptions& options, Logger& logger);

  std::int64_t size() const { return static_cast<std::int64_t>(records_.size()); }
  const AnnotatedImage& image(std::int64_t index) const { return record(index).image; }
  std::string_view key(std::int64_t index) const { return images_.key(static_cast<std::size_t>(index)); }
  /// Its objects, crowds too.
  std::span<const ObjectAnnotation> objects(std::int64_t index) const;

  int num_labels() const { return static_cast<int>(categories_.size()); }
  /// By label.
  const std::vector<ObjectCategory>& categories() const { return categories_; }
  std::int32_t label_of(std::int64_t category_id) const { return label_of_id_.at(category_id); }

  /// Whether every object that is no crowd has a shape.
  bool has_masks() const { return has_masks_; }

  /// Reads the image of `index`, or its substitute's, and gives it to `use`: an image on which that throws an Error is
  /// bad. What is in `sample` from before is overwritten.
  void visit(std::int64_t index, EncodedSample& sample, const std::function<void(const EncodedSample&)>& use) const;

  const DecodeLimits& limits() const { return limits_; }
  void announce(std::int64_t index) const { announce_image(images_[static_cast<std::size_t>(index)]); }
  std::int64_t num_bad() const { return bad_.count(); }

 private:
  struct Record {
    AnnotatedImage image;
    std::size_t first = 0, count = 0;  // in objects_
  };
  const Record& record(std::int64_t index) const { return records_.at(static_cast<std::size_t>(index)); }
  void find_files(const DetectionSource& source, std::vector<AnnotatedImage> images, Logger& logger);
  void take_objects(std::vector<ObjectAnnotation> objects, bool masks, Logger& logger);
  void keep(const std::vector<std::size_t>& indices);
  bool has_objects(const Record& record) const;
  std::string read(std::int64_t index, EncodedSample& sample) const;

  std::vector<Record> records_;
  ImageList images_;  // of the records
  std::vector<ObjectAnnotation> objects_;
  std::vector<ObjectCategory> categories_;
  std::unordered_map<std::int64_t, std::int32_t> label_of_id_;
  bool has_masks_ = false;
  DecodeLimits limits_;
  BadImages bad_;
};

/// How often each image is to come in an epoch: the most that one of its categories asks for, sqrt(threshold / share of
/// images that hold it), at least 1. All 1 for a threshold of 0.
/// Source: LVIS (Gupta et al., 2019), section 4.1; Detectron2, repeat_factors_from_category_frequency.
std::vector<double> repeat_factors(const DetectionDataset& dataset, double threshold);

}  // namespace soco
