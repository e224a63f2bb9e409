// SPDX-License-Identifier: MIT
#include "soco/export/weights.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/export/formats/detector_rows.h"
#include "soco/export/formats/soco_release.h"
#include "soco/export/weights_source.h"

namespace soco {
namespace {

constexpr std::string_view kMomentumPrefix = "optimizer.momentum_buffer.online.";

struct Placed {
  std::string theirs;  // empty: made here
  PickleValue::Tensor tensor;
};
using Placement = std::map<std::string, Placed>;  // by our name, layout of kFpn

bool is_buffer(std::string_view name) {
  return name.ends_with(".running_mean") || name.ends_with(".running_var") || name.ends_with(".num_batches_tracked");
}

template <class T>
PickleValue::Tensor filled(std::vector<std::int64_t> shape, T value) {
  const std::vector<T> values(static_cast<std::size_t>(num_elements(shape)), value);
  return std::make_shared<const HostTensor>(HostTensor::from<T>(std::move(shape), values));
}

/// Puts a file's tensors under our names, and finds what is missing and what has no place.
class Importer {
 public:
  Importer(const WeightsFile& file, const std::string& name, const ReadWeightsOptions& options)
      : file_(file),
        name_(name),
        options_(options),
        format_(format_from_names(file, name)),
        rules_(format_.key_map(file)) {}

  ReadWeights run() {
    result_.report.format = format_.title;
    result_.report.skipped = file_.beside;
    if (!format_.warning.empty()) result_.report.warnings.emplace_back(format_.warning);
    for (const auto& [theirs, tensor] : file_.tensors) place(theirs, tensor);
    if (options_.momentum == Momentum::kTake) take_momentum();
    result_.report.layout = choose_layout();
    NetworkWeights& weights = result_.weights;
    weights.metadata = file_.metadata;
    weights.online = complete(online_, "online.", /*has_predictor=*/true);
    if (!target_.empty()) weights.target = complete(target_, "target.", /*has_predictor=*/false);
    if (!momentum_.empty()) weights.momentum = complete(momentum_, "momentum.", /*has_predictor=*/true);
    check_shapes();
    if (options_.mismatch == Mismatch::kRefuse) check_report();
    return std::move(result_);
  }

 private:
  bool is_unused(std::string_view theirs) const {
    return std::any_of(format_.unused.begin(), format_.unused.end(),
                       [&](std::string_view prefix) { return theirs.starts_with(prefix); });
  }

  void place(const std::string& theirs, const PickleValue::Tensor& tensor) {
    if (is_unused(theirs) || (format_.is_release && soco_release::is_queue(theirs))) {
      result_.report.skipped.push_back(theirs);
      if (theirs == "pixel_mean") note_channel_order(*tensor);
      return;
    }
    if (format_.is_release) {
      const auto [rest, is_target] = soco_release::side_from_name(theirs);
      return place_on(is_target ? target_ : online_, rest, theirs, tensor);
    }
    if (!format_.is_training) return place_on(online_, theirs, theirs, tensor);
    const std::string_view view = theirs;
    if (view.starts_with("online."))
      place_on(online_, view.substr(7), theirs, tensor);
    else if (view.starts_with("target."))
      place_on(target_, view.substr(7), theirs, tensor);
    else if (!view.starts_with(kMomentumPrefix))
      result_.report.unexpected.push_back(theirs);
    else if (options_.momentum == Momentum::kTake)
      place_on(momentum_, view.substr(kMomentumPrefix.size()), theirs, tensor);
    else
      result_.report.skipped.push_back(theirs);
  }

  /// Detectron2's mean colour: blue, the darkest of ImageNet's, comes first or last.
  void note_channel_order(const HostTensor& mean) {
    if (mean.dtype != DType::kFloat32 || mean.numel() != 3) return;
    const auto values = mean.as<float>();
    if (values[0] < values[2])
      result_.report.warnings.emplace_back(
          "pixel_mean says that this network saw BGR images; here images are RGB, less their mean and divided by their "
          "deviation: the weights fit, the network is another");
  }

  void place_on(Placement& side, std::string_view rest, const std::string& theirs, const PickleValue::Tensor& tensor) {
    const auto ours = ours_from_theirs(rules_.rules, rest);
    if (!ours) {
      result_.report.unexpected.push_back(theirs);
      return;
    }
    const auto arranged =
        format_.arrange == nullptr ? tensor : std::make_shared<const HostTensor>(format_.arrange(*ours, *tensor));
    const auto [known, added] = side.try_emplace(name_in_layout(*ours, TrunkLayout::kFpn), Placed{theirs, arranged});
    if (!added)
      fail("{}: '{}' and '{}' are the same tensor of the network", name_, printable(known->second.theirs),
           printable(theirs));
  }

  void take_momentum() {
    if (format_.is_release)
      for (const auto& [theirs, tensor] : soco_release::momentum_buffers(file_.optimizer, file_.tensors, name_))
        place_on(momentum_, theirs, "momentum of " + theirs, tensor);
    if (momentum_.empty()) fail("{}: has no momentum buffers", name_);
  }

  TrunkLayout choose_layout() const {
    if (options_.layout) return *options_.layout;
    const bool c4_names = format_.marker.find("backbone.stem.") != std::string_view::npos ||
                          format_.marker.starts_with("roi_head.shared_head.");
    const bool has_neck = online_.contains("backbone.fpn_lateral2.weight");
    return c4_names || (format_.is_release && !has_neck) ? TrunkLayout::kC4 : TrunkLayout::kFpn;
  }

  /// The parts that a side must have whole: all of a training's, else those of which the file has anything.
  std::vector<NetworkPart> required_parts(const std::set<std::string>& found, bool has_predictor) const {
    std::vector<NetworkPart> parts;
    const bool c4 = result_.report.layout == TrunkLayout::kC4;
    if (format_.is_training) {
      parts = {NetworkPart::kTrunk, NetworkPart::kFpn, NetworkPart::kBoxHead, NetworkPart::kProjector};
      if (has_predictor) parts.push_back(NetworkPart::kPredictor);
    } else {
      parts = parts_among(found);
    }
    // C4 has neither pyramid nor box head; nor have our image-level trainings.
    const std::vector<NetworkPart> there = parts_among(found);
    const auto is_there = [&](NetworkPart part) { return std::count(there.begin(), there.end(), part) > 0; };
    const bool image_level =
        format_.is_training && !format_.is_release && !is_there(NetworkPart::kFpn) && !is_there(NetworkPart::kBoxHead);
    if (c4 || image_level)
      std::erase_if(parts, [](NetworkPart part) { return part == NetworkPart::kFpn || part == NetworkPart::kBoxHead; });
    return parts;
  }

  /// What PyTorch makes of norms without counters (version 1 of the module) and Detectron2 of frozen ones.
  void fill_norms(Placement& side) {
    bool frozen = true;
    std::vector<std::pair<std::string, std::vector<std::int64_t>>> norms;
    for (const auto& [ours, placed] : side) {
      if (ours.ends_with(".running_mean")) frozen = false;
      if (ours.ends_with(".norm.weight")) norms.emplace_back(ours.substr(0, ours.size() - 7), placed.tensor->shape);
    }
    for (const auto& [norm, shape] : norms) {
      side.try_emplace(norm + ".num_batches_tracked", Placed{"", filled<std::int64_t>({}, 0)});
      if (!frozen) continue;
      side.try_emplace(norm + ".running_mean", Placed{"", filled<float>(shape, 0)});
      side.try_emplace(norm + ".running_var", Placed{"", filled<float>(shape, 1)});
    }
    if (frozen && !norms.empty())
      result_.report.warnings.emplace_back(
          "BatchNorm has no statistics: they are folded into its scale and bias, which a frozen norm needs; mean 0 and "
          "variance 1 are written. A norm that is trained computes something else from the first step on");
  }

  StateDict complete(Placement& side, const std::string& prefix, bool has_predictor) {
    const bool parameters_only = &side == &momentum_;
    if (!parameters_only) fill_norms(side);
    std::set<std::string> found;
    for (const auto& [ours, placed] : side) found.insert(ours);
    LoadReport& report = result_.report;
    StateDict state;
    for (const std::string& wanted : network_names(found, required_parts(found, has_predictor), name_)) {
      if (parameters_only && is_buffer(wanted)) continue;
      const std::string ours = name_in_layout(wanted, report.layout);
      auto node = side.extract(wanted);
      if (node.empty()) {
        report.missing.push_back(prefix + ours);
        continue;
      }
      check_type(ours, *node.mapped().tensor);
      state.add(ours, *node.mapped().tensor);
      if (!node.mapped().theirs.empty()) report.matched.emplace_back(node.mapped().theirs, prefix + ours);
    }
    for (const auto& [ours, placed] : side)
      if (!placed.theirs.empty()) report.unexpected.push_back(placed.theirs);
    return state;
  }

  void check_type(const std::string& ours, const HostTensor& tensor) const {
    const bool counter = ours.ends_with(".num_batches_tracked");
    const bool real = tensor.dtype == DType::kFloat64 || tensor.dtype == DType::kFloat32 ||
                      tensor.dtype == DType::kFloat16 || tensor.dtype == DType::kBFloat16;
    if (counter ? tensor.dtype != DType::kInt64 : !real)
      fail("{}: '{}' is {}, expected {}", name_, ours, dtype_name(tensor.dtype), counter ? "int64" : "a real type");
  }

  void expect_shape(const std::string& ours, const HostTensor& tensor, const std::vector<std::int64_t>& shape) const {
    if (tensor.shape != shape)
      fail("{}: '{}' has shape {}, expected {} beside the tensors it goes with", name_, ours, shape_text(tensor.shape),
           shape_text(shape));
  }

  /// Norms are as wide as what they norm; target and momentum are as the online network; last layers go together.
  void check_shapes() const {
    const NetworkWeights& weights = result_.weights;
    check_rows(weights.online, name_);
    for (const auto& [ours, tensor] : weights.online.entries()) {
      const std::size_t at = ours.find(".norm.");
      if (at == std::string::npos || ours.ends_with(".num_batches_tracked")) continue;
      const HostTensor* before = weights.online.find(ours.substr(0, at) + ".weight");
      if (before == nullptr) before = weights.online.find(ours.substr(0, at) + ".fc1.weight");
      if (before != nullptr && !before->shape.empty()) expect_shape(ours, tensor, {before->shape[0]});
    }
    for (const StateDict* side : {&weights.target, &weights.momentum})
      for (const auto& [ours, tensor] : side->entries())
        if (const HostTensor* online = weights.online.find(ours)) expect_shape(ours, tensor, online->shape);
  }

  void check_report() const {
    const LoadReport& report = result_.report;
    if (report.missing.empty() && report.unexpected.empty()) return;
    fail("{}: does not match the network ({}); --partial takes what does. {}", name_, report.format,
         report_text(report, 5));
  }

  const WeightsFile& file_;
  const std::string& name_;
  const ReadWeightsOptions& options_;
  const WeightsFormat& format_;
  KeyMap rules_;
  Placement online_, target_, momentum_;
  ReadWeights result_;
};

void add_names(std::string& text, std::string_view heading, const std::vector<std::string>& names, std::size_t most) {
  if (names.empty()) return;
  text += fmt::format("\n  {}:", heading);
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += "\n    " + printable(names[i]);
  if (names.size() > most) text += fmt::format("\n    and {} more", names.size() - most);
}

}  // namespace

ReadWeights read_weights(const std::filesystem::path& path, const ReadWeightsOptions& options) {
  const std::string name = path.string();
  const WeightsFile file = read_weights_file(path);
  return Importer(file, name, options).run();
}

ReadWeights weights_from_tensors(const StateDict& tensors, const std::map<std::string, std::string>& metadata,
                                 const std::string& name, const ReadWeightsOptions& options) {
  const WeightsFile file = weights_file_from_tensors(tensors, metadata);
  return Importer(file, name, options).run();
}

std::string report_text(const LoadReport& report, std::size_t max_names) {
  std::string text = fmt::format("{} matched, {} missing, {} unexpected, {} skipped", report.matched.size(),
                                 report.missing.size(), report.unexpected.size(), report.skipped.size());
  add_names(text, "missing (ours)", report.missing, max_names);
  add_names(text, "unexpected (theirs)", report.unexpected, max_names);
  add_names(text, "skipped (theirs, not part of the networks)", report.skipped, max_names);
  return text;
}

}  // namespace soco
