// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "soco/export/formats/key_rules.h"
#include "soco/export/pickle_value.h"
#include "soco/export/weights.h"

namespace soco {

/// Checkpoints of the SoCo authors' program (ckpt_epoch_N.pth): {"opt": Namespace, "model": OrderedDict, "optimizer",
/// "scheduler", "epoch", "amp"}. Names in "model" begin with "module." and the part: encoder, neck, head, projector,
/// predictor, and encoder_k, neck_k, head_k, projector_k for the target. SoCo-C4 has no neck and head, but a queue that
/// nothing reads.
namespace soco_release {

/// Names of the online network, without "module.".
KeyMap key_map();

/// A name without "module." taken apart: the name that the online network would have, and whether it is the target's.
struct SideName {
  std::string online_name;
  bool is_target = false;
};
SideName side_from_name(std::string_view name);

/// True for the queue of negatives, left over from MoCo.
bool is_queue(std::string_view name);

using Tensors = std::vector<std::pair<std::string, PickleValue::Tensor>>;  // names without "module.", in file order

/// The momentum buffers of the online parameters, by their names in `model`. PyTorch numbers parameters instead of
/// naming them: with LARS those of one dimension come first, then the others, each in the order of the model; with SGD
/// it is the model's order, target included. `name`: the file, for errors.
/// Errors: groups or sizes that do not fit the model, no momentum in it.
Tensors momentum_buffers(const PickleValue& optimizer, const Tensors& model, const std::string& name);

/// Writes {"model", "epoch"}: what the authors' load_pretrained takes, and load_state_dict with strict=True. `weights`
/// with both networks. A queue of zeros of the published size is added for C4. Gives the keys, ours -> theirs.
/// Errors: a name that the release has no place for.
std::vector<std::pair<std::string, std::string>> write(const std::filesystem::path& path,
                                                       const NetworkWeights& weights);

}  // namespace soco_release
}  // namespace soco
