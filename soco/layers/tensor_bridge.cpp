// SPDX-License-Identifier: MIT
#include "soco/layers/tensor_bridge.h"

#include <torch/torch.h>

#include <array>
#include <cstring>
#include <utility>

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr std::array<std::pair<DType, torch::ScalarType>, 10> kDtypes{{{DType::kFloat64, torch::kFloat64},
                                                                       {DType::kFloat32, torch::kFloat32},
                                                                       {DType::kFloat16, torch::kFloat16},
                                                                       {DType::kBFloat16, torch::kBFloat16},
                                                                       {DType::kInt64, torch::kInt64},
                                                                       {DType::kInt32, torch::kInt32},
                                                                       {DType::kInt16, torch::kInt16},
                                                                       {DType::kInt8, torch::kInt8},
                                                                       {DType::kUInt8, torch::kUInt8},
                                                                       {DType::kBool, torch::kBool}}};

}  // namespace

torch::ScalarType torch_dtype(DType dtype) {
  for (const auto& [host, torch_type] : kDtypes)
    if (host == dtype) return torch_type;
  fail("dtype number {} is unknown", static_cast<int>(dtype));
}

DType host_dtype(torch::ScalarType dtype) {
  for (const auto& [host, torch_type] : kDtypes)
    if (torch_type == dtype) return host;
  fail("a tensor of type {} cannot be stored; convert it to a real or integer type first", torch::toString(dtype));
}

HostTensor to_host(const torch::Tensor& tensor) {
  const DType dtype = host_dtype(tensor.scalar_type());
  const torch::Tensor plain = tensor.detach().to(torch::kCPU).contiguous();
  std::vector<std::byte> data(plain.nbytes());
  if (!data.empty()) std::memcpy(data.data(), plain.data_ptr(), data.size());
  return HostTensor::make(dtype, plain.sizes().vec(), std::move(data));
}

torch::Tensor from_host(const HostTensor& tensor) {
  const std::uint64_t num_bytes = static_cast<std::uint64_t>(tensor.numel()) * dtype_size(tensor.dtype);
  if (num_bytes != tensor.data.size())
    fail("a tensor of shape {} needs {} bytes, but has {}", shape_text(tensor.shape), num_bytes, tensor.data.size());
  torch::Tensor result = torch::empty(tensor.shape, torch_dtype(tensor.dtype));
  if (num_bytes > 0) std::memcpy(result.data_ptr(), tensor.data.data(), num_bytes);
  return result;
}

void copy_from_host(torch::Tensor target, const HostTensor& source, const std::string& name) {
  if (target.sizes() != torch::IntArrayRef(source.shape))
    fail("tensor '{}' has shape {}, but the model expects {}", name, shape_text(source.shape),
         shape_text(target.sizes().vec()));
  if (host_dtype(target.scalar_type()) != source.dtype)
    fail("tensor '{}' is {}, but the model expects {}", name, dtype_name(source.dtype),
         dtype_name(host_dtype(target.scalar_type())));
  const torch::NoGradGuard no_grad;
  target.copy_(from_host(source));
}

}  // namespace soco
