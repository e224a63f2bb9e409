// SPDX-License-Identifier: MIT
#pragma once
#include "soco/modeling/meta_arch/box_sets.h"

namespace soco {

/// Embeddings of every box set: [num sets, N*K, D] float32, of each box on its assigned level, not normalised. Rows of
/// boxes without a level, and in the online network of boxes that no loss term reaches, may be zero: nothing reads
/// them. `views` are [N,3,H,W]; BatchNorm buffers move as ObjectContrast documents.
enum class NetworkRole { kOnline, kTarget };

torch::Tensor embed_boxes_reference(ContrastNetworkImpl& network, NetworkRole role,
                                    const std::vector<torch::Tensor>& views, const BoxSets& boxes,
                                    const ModelOptions& options);

torch::Tensor embed_boxes_assigned(ContrastNetworkImpl& network, const std::vector<torch::Tensor>& views,
                                   const BoxSets& boxes, const ModelOptions& options);

}  // namespace soco
