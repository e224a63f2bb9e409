// SPDX-License-Identifier: MIT
#include "soco/run/finetune_options.h"

#include <algorithm>

#include "soco/base/error.h"

namespace soco {

void FinetuneOptions::validate() const {
  if (!std::is_sorted(solver.drop_at.begin(), solver.drop_at.end()))
    fail_usage("solver.drop_at falls; its shares must ascend");
  if (input.size_divisor % 32 != 0 && model.trunk == DetectorTrunk::kFpn)
    fail_usage("input.size_divisor = {} does not go with model.trunk = fpn; use a multiple of 32, the stride of P5",
               input.size_divisor);
  if (eval.patience > 0 && eval.every_epochs == 0 && eval.every_steps == 0)
    fail_usage("eval.patience = {} needs eval.every_epochs or eval.every_steps", eval.patience);
}

}  // namespace soco
