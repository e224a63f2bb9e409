// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <string>
#include <vector>

#include "soco/structures/host_tensor.h"

namespace soco {

torch::ScalarType torch_dtype(DType dtype);
/// Errors: a libtorch dtype that files do not carry (complex, quantised).
DType host_dtype(torch::ScalarType dtype);

/// A copy in plain memory, row-major, of a tensor of any device and layout.
HostTensor to_host(const torch::Tensor& tensor);

/// A CPU tensor of its own memory. Errors: data whose size is not the shape's.
torch::Tensor from_host(const HostTensor& tensor);

/// Copies `source` into the existing `target` (any device), which keeps its dtype.
/// Errors: another shape or dtype; `name` says which tensor of the file it is.
void copy_from_host(torch::Tensor target, const HostTensor& source, const std::string& name);

}  // namespace soco
