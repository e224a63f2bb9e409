// SPDX-License-Identifier: MIT
#include "soco/distributed/communicator.h"

#include <torch/torch.h>

namespace soco {

bool all_ranks_agree(Communicator& communicator, bool here) {
  if (communicator.is_alone()) return here;
  torch::Tensor num_against = torch::full({1}, here ? 0.0 : 1.0, torch::kFloat64);
  communicator.all_reduce_sum(num_against);
  return num_against.item<double>() == 0;
}

}  // namespace soco
