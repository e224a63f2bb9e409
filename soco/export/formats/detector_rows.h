// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "soco/structures/host_tensor.h"

/// Detectors' last layers have rows for classes and for anchors, which programs put in different orders. Names are
/// ours.
namespace soco {

/// Classes as torchvision has them: background first, and with a box and a mask of its own, which are zero. Other
/// tensors stay as they are. Errors: tensors for different numbers of classes; one box or mask for all of several
/// classes, which torchvision does not have.
StateDict with_background_first(const StateDict& ours);

/// The way back, for one tensor. Errors: rows that are not background's and one class' at least.
HostTensor with_background_last(const std::string& name, const HostTensor& tensor);

/// Whether with_background_last changes a tensor of this name.
bool has_rows_of_classes(const std::string& name);

/// Ratios of height to width of a cell's anchors: Detectron2's and MMDetection's default. Weights do not say it.
inline constexpr std::int64_t kAnchorRatios = 3;

/// Anchors of several sizes on one map (C4), as MMDetection orders them: size after size within a ratio, where we (and
/// Detectron2) have ratio after ratio within a size. With one size both are the same. Tensors other than those of the
/// proposal network's last layers stay. Errors: a number of anchors that kAnchorRatios does not divide.
HostTensor with_ratios_outside(const std::string& name, const HostTensor& tensor);

/// The way back.
HostTensor with_sizes_outside(const std::string& name, const HostTensor& tensor);

/// Tensors of classes and anchors against each other: K + 1 scores, K or 1 boxes and masks; an objectness and a box for
/// each anchor. Those that are not there are not looked at. `source`: the file, for errors. Errors: others.
void check_rows(const StateDict& ours, const std::string& source);

}  // namespace soco
