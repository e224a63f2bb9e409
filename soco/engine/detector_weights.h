// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/modeling/meta_arch/mask_rcnn.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// What became of each tensor when a detector took the weights of a file.
struct DetectorLoadReport {
  std::string source;                      // what it was read from, and as what
  std::vector<std::string> matched;        // taken
  std::vector<std::string> fresh;          // of parts that the file has nothing of: they start at random
  std::vector<std::string> other_classes;  // of another number of classes: they start at random
  std::vector<std::string> missing;        // of parts that the file has only some of
  std::vector<std::string> unexpected;     // of the file, and without a place in the detector
  std::vector<std::string> misshapen;      // in the file with another shape
  std::vector<std::string> left;           // of the file, and of pretraining alone: projector and predictor
};

enum class PartialWeights { kRefuse, kAccept };

/// Weights to start a detector from, under our names: a pretraining or fine-tuning run's newest checkpoint, a file of
/// either, torchvision's Faster or Mask R-CNN, or whatever read_weights knows.
struct DetectorSource {
  std::string description;
  StateDict tensors;
};
DetectorSource read_detector_source(const std::filesystem::path& path, const DetectorOptions& options, Logger& log);

/// Copies what fits into the model. Errors: nothing fits; with kRefuse, a tensor that is missing, unexpected or
/// misshapen (the model is then as before), naming the settings that may be meant.
DetectorLoadReport load_detector_weights(MaskRcnnImpl& model, const DetectorSource& source, PartialWeights partial);

/// Counts, then the names under each heading, at most `max_names` of each.
std::string report_text(const DetectorLoadReport& report, std::size_t max_names);

}  // namespace soco
