// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "soco/base/log.h"
#include "soco/data/detection_dataset.h"
#include "soco/evaluation/detection_metrics.h"
#include "soco/modeling/meta_arch/mask_rcnn.h"
#include "soco/run/finetune_options.h"

namespace soco {

/// COCO's figures of boxes, and of masks when the detector has them and every object of the truth has one.
struct DetectorMetrics {
  DetectionMetrics boxes;
  std::optional<DetectionMetrics> masks;

  double box_ap() const { return boxes.figures.front().value; }
  /// val_box_AP, val_box_AP50, ..., val_mask_AP, ...
  std::vector<std::pair<std::string, double>> named() const;
  /// "box AP 61.2, mask AP 55.0".
  std::string summary() const;
};

/// Labelled images on which a detector is judged.
class DetectorJudge {
 public:
  /// `log` must outlive the judge. Errors: see DetectionDataset.
  DetectorJudge(DetectionSource source, const FinetuneOptions& options, Logger& log);

  /// Detects on all images, in eval mode (the model's mode returns afterwards), and counts as `soco evaluate` does.
  /// Error kInterrupted when stop_requested().
  DetectorMetrics judge(MaskRcnn& model, const torch::Device& device) const;

  const DetectionDataset& dataset() const { return dataset_; }

 private:
  AnnotationSet truth_;
  DetectionDataset dataset_;
  FinetuneOptions options_;
  Logger& log_;
};

/// All images of a training or validation set that `options` let through.
DetectionDataset make_detection_dataset(DetectionSource source, const FinetuneOptions& options, DetectionUse use,
                                        Logger& log);

}  // namespace soco
