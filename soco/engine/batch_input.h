// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include "soco/modeling/meta_arch/object_contrast.h"
#include "soco/structures/host_tensor.h"
#include "soco/structures/pretrain_batch.h"

namespace soco {

/// Memory that a GPU reads without a copy on the way; see HostAllocator.
HostMemory allocate_pinned(std::size_t bytes);

/// A loader's batch on `device`, views as [N,3,H,W] in their type, channels-last where the batch is; what is pending is
/// done there (finish_views). On the CPU finished views share the batch's memory, which must outlive them.
ObjectContrastInput to_input(PretrainBatch& batch, const torch::Device& device);

/// The batch as named tensors, the form that `soco replay` reads: views.V [N,3,H,W] float32; pairs.P.views [2] int64
/// (the two view indices); pairs.P.a.boxes [N,K,4] float32 in [0,1] of the view, .ids and .levels [N,K] int64 (level
/// 0..3 = P2..P5, -1 none); the same for pairs.P.b.
StateDict batch_tensors(PretrainBatch& batch);

/// The way back, with floats in `dtype`. Errors: missing or misshapen tensors, by name.
ObjectContrastInput input_from_tensors(const StateDict& tensors, torch::ScalarType dtype);

/// The batch with all its tensors on `device`.
ObjectContrastInput on_device(ObjectContrastInput input, const torch::Device& device);

}  // namespace soco
