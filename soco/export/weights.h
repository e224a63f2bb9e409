// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "soco/export/network_names.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// The networks of a pretraining, or as much of them as a file holds, under our names.
struct NetworkWeights {
  StateDict online;    // backbone.*, roi_heads.*, projector.*, predictor.*
  StateDict target;    // the same without predictor.*; empty: the file has none
  StateDict momentum;  // SGD's buffers of the online parameters, by their names; empty unless asked for
  std::map<std::string, std::string> metadata;
};

/// What became of each tensor of a file. Ours begin with "online.", "target." or "momentum.".
struct LoadReport {
  std::string format;  // "checkpoint of the SoCo release", ...
  TrunkLayout layout = TrunkLayout::kFpn;
  std::vector<std::pair<std::string, std::string>> matched;  // theirs -> ours
  std::vector<std::string> missing;     // ours: of parts that the file has or that its format should have
  std::vector<std::string> unexpected;  // theirs: names without a place
  std::vector<std::string> skipped;     // theirs: known, and not for this network
  std::vector<std::string> warnings;    // whole sentences
};

enum class Mismatch { kRefuse, kAccept };
enum class Momentum { kLeave, kTake };

struct ReadWeightsOptions {
  std::optional<TrunkLayout> layout;  // nothing: as the file has it; kFpn for a trunk alone
  Mismatch mismatch = Mismatch::kRefuse;
  Momentum momentum = Momentum::kLeave;
};

struct ReadWeights {
  NetworkWeights weights;
  LoadReport report;
};

/// Reads weights of any program that we know, told apart by the name of the first convolution: the SoCo release's
/// checkpoints, our checkpoints and exports, Detectron2's, MMDetection's and torchvision's backbones and Faster and
/// Mask R-CNNs, Caffe2's ResNets. .safetensors by safetensors.h, all others by pickle_reader.h: nothing in a file is
/// executed. A missing num_batches_tracked becomes 0; frozen BatchNorm without statistics gets mean 0 and variance 1,
/// with a warning. Errors: whatever these readers refuse; a network that is none of ours; integers where weights should
/// be; shapes that do not fit each other; with kRefuse any missing or unexpected name; with kTake no momentum in the
/// file.
ReadWeights read_weights(const std::filesystem::path& path, const ReadWeightsOptions& options = {});

/// The same for tensors at hand, e.g. of a run's checkpoint. `name` stands for them in errors.
ReadWeights weights_from_tensors(const StateDict& tensors, const std::map<std::string, std::string>& metadata,
                                 const std::string& name, const ReadWeightsOptions& options = {});

/// One line of counts, then the names under each heading, at most `max_names` of each.
std::string report_text(const LoadReport& report, std::size_t max_names);

/// Formats that hold the target beside the online network; those of one network are in export.h.
enum class TrainingFormat { kSocoWeights, kSocoRelease };

/// Writes both networks and reads the file back, comparing every bit. kSocoWeights: safetensors with online.*, target.*
/// and optimizer.momentum_buffer.online.*, which replay and pretrain read. kSocoRelease: the authors' checkpoint. Where
/// there is no target, it is a copy of the online network without the predictor, as at the start of a training.
/// Gives the keys, ours -> theirs. Errors: a detector; momentum with kSocoRelease; read-back differs (the file is then
/// removed); disk full or not writable.
std::vector<std::pair<std::string, std::string>> write_weights(NetworkWeights weights, TrainingFormat format,
                                                               const std::filesystem::path& out);

}  // namespace soco
