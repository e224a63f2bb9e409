// SPDX-License-Identifier: MIT
#pragma once
#include "soco/modeling/meta_arch/box_sets.h"

namespace soco {

/// Embeddings of the box sets that the network of `role` embeds: [num sets, N*K, D] float32, of each box on its
/// assigned level, not normalised. Rows of other sets, of boxes without a level, and in the online network of boxes
/// that no loss term reaches, may be zero: nothing reads them. `views` are [N,3,H,W]; one without such a set is not
/// run. BatchNorm buffers move as ObjectContrast documents.
torch::Tensor embed_boxes_reference(ContrastNetworkImpl& network, NetworkRole role,
                                    const std::vector<torch::Tensor>& views, const BoxSets& boxes);

torch::Tensor embed_boxes_assigned(ContrastNetworkImpl& network, NetworkRole role,
                                   const std::vector<torch::Tensor>& views, const BoxSets& boxes);

}  // namespace soco
