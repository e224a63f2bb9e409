// SPDX-License-Identifier: MIT
#include "soco/engine/detector_weights.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "soco/base/error.h"
#include "soco/checkpoint/checkpointer.h"
#include "soco/engine/training_state.h"
#include "soco/export/formats/torchvision_detector.h"
#include "soco/export/weights.h"
#include "soco/export/weights_source.h"
#include "soco/layers/tensor_bridge.h"
#include "soco/run/detector_file.h"
#include "soco/run/run_folder.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kRpnPrefix = "proposal_generator.", kTorchvisionMarker = "rpn.head.cls_logits.weight";

/// Parts whose tensors stand or fall together; the first that fits.
constexpr std::array<std::string_view, 8> kParts{
    "backbone.fpn_",   "backbone.",           "proposal_generator.",      "roi_heads.res5.norm.",
    "roi_heads.res5.", "roi_heads.box_head.", "roi_heads.box_predictor.", "roi_heads.mask_head."};

std::string_view part_of(std::string_view name) {
  for (const std::string_view part : kParts)
    if (name.starts_with(part)) return part;
  return {};
}

bool is_of_classes(std::string_view name) {
  return name.starts_with("roi_heads.box_predictor.") || name.starts_with("roi_heads.mask_head.predictor.");
}

bool is_of_pretraining(std::string_view name) {
  return name.starts_with("projector.") || name.starts_with("predictor.");
}

bool is_detector(const StateDict& tensors) {
  return std::any_of(tensors.entries().begin(), tensors.entries().end(),
                     [](const auto& entry) { return entry.first.starts_with(kRpnPrefix); });
}

/// The detector in a file, under the model's names; else nothing.
StateDict whole_detector(const StateDict& tensors) {
  if (tensors.find(kTorchvisionMarker) != nullptr) return ours_from_torchvision_detector(tensors);
  StateDict bare = detector_tensors(tensors);
  return is_detector(bare) ? bare : StateDict{};
}

StateDict plain_tensors(const fs::path& path) {
  StateDict tensors;
  for (const auto& [name, tensor] : read_weights_file(path).tensors) tensors.add(name, *tensor);
  return tensors;
}

ReadWeightsOptions layout_of(const DetectorOptions& options) {
  return {.layout = options.trunk == DetectorTrunk::kC4 ? TrunkLayout::kC4 : TrunkLayout::kFpn};
}

DetectorSource read_run(const fs::path& run, const DetectorOptions& options, Logger& log) {
  if (is_finetune_run(run)) {
    DetectorFile file = read_detector_file(run, log);
    return {file.name + " (a detector)", std::move(file.weights)};
  }
  const auto loaded = load_latest_checkpoint(run / "checkpoints", log);
  if (!loaded) fail("{}: the run has no checkpoint yet", run.string());
  ReadWeights read =
      weights_from_tensors(loaded->file.tensors, loaded->file.metadata, loaded->path.string(), layout_of(options));
  return {loaded->path.string() + " (" + read.report.format + ")", std::move(read.weights.online)};
}

void list(std::string& text, const std::string& heading, const std::vector<std::string>& names, std::size_t max_names) {
  if (names.empty()) return;
  text += fmt::format("\n  {} ({}):", heading, names.size());
  for (std::size_t i = 0; i < std::min(max_names, names.size()); ++i) text += "\n    " + names[i];
  if (names.size() > max_names) text += fmt::format("\n    and {} more", names.size() - max_names);
}

/// Sorts every tensor of both sides under one heading.
DetectorLoadReport compare(const NamedTensors& model, const StateDict& source) {
  DetectorLoadReport report;
  std::set<std::string_view> parts, own;
  for (const auto& [name, tensor] : source.entries()) parts.insert(part_of(name));
  for (const auto& [name, tensor] : model) {
    own.insert(name);
    const HostTensor* found = source.find(name);
    if (found == nullptr)
      (parts.contains(part_of(name)) ? report.missing : report.fresh).push_back(name);
    else if (tensor.sizes() == torch::IntArrayRef(found->shape))
      report.matched.push_back(name);
    else if (is_of_classes(name))
      report.other_classes.push_back(name);
    else
      report.misshapen.push_back(fmt::format("{}: {} in the file, {} in the detector", name, shape_text(found->shape),
                                             shape_text(tensor.sizes().vec())));
  }
  for (const auto& [name, tensor] : source.entries())
    if (!own.contains(name)) (is_of_pretraining(name) ? report.left : report.unexpected).push_back(name);
  return report;
}

}  // namespace

DetectorSource read_detector_source(const fs::path& path, const DetectorOptions& options, Logger& log) {
  if (is_run_folder(path)) return read_run(path, options, log);
  StateDict detector = whole_detector(plain_tensors(path));
  if (!detector.empty()) return {path.string() + " (a detector)", std::move(detector)};
  ReadWeights read = read_weights(path, layout_of(options));
  return {path.string() + " (" + read.report.format + ")", std::move(read.weights.online)};
}

DetectorLoadReport load_detector_weights(MaskRcnnImpl& model, const DetectorSource& source, PartialWeights partial) {
  const NamedTensors tensors = named_state(model);
  DetectorLoadReport report = compare(tensors, source.tensors);
  report.source = source.description;
  const bool fits = report.missing.empty() && report.unexpected.empty() && report.misshapen.empty();
  if (report.matched.empty() || (!fits && partial == PartialWeights::kRefuse))
    fail(
        "{}\nThe file's network is another than the configured one. Look at model.backbone, backbone_width, trunk, "
        "fpn_norm, model.roi_heads.num_convs, num_fcs, norm and extra_norm, or take what fits with --partial",
        report_text(report, 10));
  const std::set<std::string> taken(report.matched.begin(), report.matched.end());
  for (const auto& [name, tensor] : tensors)
    if (taken.contains(name)) copy_from_host(tensor, source.tensors.at(name), name);
  return report;
}

std::string report_text(const DetectorLoadReport& report, std::size_t max_names) {
  std::string text =
      fmt::format("weights of {}: {} tensors taken, {} start at random, {} of pretraining left", report.source,
                  report.matched.size(), report.fresh.size() + report.other_classes.size(), report.left.size());
  std::map<std::string, std::size_t> fresh_parts;
  for (const std::string& name : report.fresh) ++fresh_parts[std::string(part_of(name))];
  for (const auto& [part, count] : fresh_parts) text += fmt::format("\n  at random: {}* ({})", part, count);
  list(text, "at random, since the file is of other classes", report.other_classes, max_names);
  list(text, "missing in the file", report.missing, max_names);
  list(text, "in the file, without a place in the detector", report.unexpected, max_names);
  list(text, "of another shape", report.misshapen, max_names);
  return text;
}

}  // namespace soco
