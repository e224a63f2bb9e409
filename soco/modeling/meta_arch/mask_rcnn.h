// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <vector>

#include "soco/distributed/communicator.h"
#include "soco/modeling/backbone/resnet.h"
#include "soco/modeling/detector_options.h"
#include "soco/modeling/detector_types.h"
#include "soco/modeling/matcher.h"
#include "soco/modeling/roi_heads.h"
#include "soco/modeling/rpn.h"

namespace soco {

/// Mask R-CNN (He et al. 2017), or Faster R-CNN (Ren et al. 2015) without a mask branch, as Detectron2 defines them, on
/// a pyramid or on C4. Keys are Detectron2's, so that what was pretrained comes in under its own names: backbone.*,
/// proposal_generator.*, roi_heads.*.
/// Start: as Detectron2's; the backbone as ResNet's. All values come from libtorch's default generator.
struct MaskRcnnImpl : torch::nn::Module {
  /// Errors: usage error for options that do not go together; num_classes below 1.
  MaskRcnnImpl(const DetectorOptions& options, std::int64_t num_classes);

  struct Training {
    NamedLosses losses;  // loss_rpn_cls, loss_rpn_loc, loss_cls, loss_box_reg, loss_mask
    NamedFigures figures;
  };
  /// From now on the ranks train as one: BatchNorm's statistics and the losses' normalisers are those of the whole
  /// batch, and the mean over the ranks of each loss is that of the whole batch. `communicator` must outlive this.
  void synchronize(Communicator& communicator);

  /// Losses of a batch. Errors: other numbers of targets or sizes than images.
  Training forward(const DetectorImages& images, const std::vector<DetectorTarget>& targets,
                   const CandidateSampler& sampler);

  /// Detections of each image. No gradient; call eval() before, unless BatchNorm is to go by the batch.
  std::vector<DetectorDetections> infer(const DetectorImages& images);

  /// The maps of a batch: P2..P6, or C4.
  std::vector<torch::Tensor> features(const DetectorImages& images);

  DetectorOptions options;
  std::shared_ptr<DetectorBackboneImpl> backbone;
  Rpn proposal_generator{nullptr};
  RoiHeads roi_heads{nullptr};

 private:
  /// The maps that boxes are pooled from: P2..P5, or C4.
  std::vector<torch::Tensor> pooled_maps(const std::vector<torch::Tensor>& maps) const;
};
TORCH_MODULE(MaskRcnn);

}  // namespace soco
