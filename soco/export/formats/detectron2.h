// SPDX-License-Identifier: MIT
#pragma once
#include "soco/export/formats/format.h"

namespace soco {

/// Detectron2's model-zoo pickle with numpy arrays: {"model": {name: array}, "__author__": "soco",
/// "matching_heuristics": True}. Names are those of the release's converter, without the prefixes of the detector's
/// modules (stem.conv1.weight, res2.0.conv1.norm.bias, fpn_lateral2.weight, box_head.fc1.weight): Detectron2 matches a
/// name with the model's longer one that ends in it. num_batches_tracked stays, since SyncBN and BN have it.
/// A detector has its full names, and no "matching_heuristics".
const FormatPart& detectron2_pkl_format();

/// The same content as a PyTorch file, which Detectron2 loads without running pickled code.
const FormatPart& detectron2_pth_format();

}  // namespace soco
