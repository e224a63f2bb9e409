// SPDX-License-Identifier: MIT
#include "soco/layers/parallel.h"

#include <ATen/TensorIterator.h>
#include <torch/torch.h>

namespace soco {

void torch_parallel_for(std::int64_t n, std::int64_t grain,
                        const std::function<void(std::int64_t, std::int64_t)>& body) {
  if (n <= 0) return;
  if (n <= grain || torch::get_num_threads() == 1) return body(0, n);
  // TensorIterator::for_each is compiled inside libtorch with its threads. One byte per index is its "tensor": where a
  // piece begins is the distance of its pointer from the first. The bytes are never touched.
  torch::Tensor indices = torch::empty({n}, torch::kUInt8);
  const char* first = static_cast<const char*>(indices.data_ptr());
  at::TensorIterator pieces = at::TensorIterator::nullary_op(indices);
  pieces.for_each(
      [&](char** data, const std::int64_t*, std::int64_t size, std::int64_t repeats) {
        const std::int64_t begin = data[0] - first;
        body(begin, begin + size * repeats);
      },
      grain);
}

}  // namespace soco
