// SPDX-License-Identifier: MIT
#include "soco/export/weights_source.h"

#include <algorithm>
#include <memory>
#include <set>

#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/export/formats/detector_rows.h"
#include "soco/export/formats/detectron2.h"
#include "soco/export/formats/mmdetection.h"
#include "soco/export/formats/safetensors.h"
#include "soco/export/formats/soco_release.h"
#include "soco/export/formats/torchvision.h"
#include "soco/export/formats/torchvision_detector.h"
#include "soco/export/pickle_reader.h"

namespace soco {
namespace {

/// Names of the Caffe2 ResNets that Detectron and Detectron2 start from (ImageNetPretrained/MSRA).
KeyMap caffe2_map(const WeightsFile&) {
  const std::string trunk = "backbone.bottom_up.";
  KeyMap map;
  const auto conv_norm = [&](const std::string& ours, const std::string& conv, const std::string& norm) {
    map.rules.push_back({trunk + ours + ".weight", conv + "_w"});
    map.rules.push_back({trunk + ours + ".norm.weight", norm + "_bn_s"});
    map.rules.push_back({trunk + ours + ".norm.bias", norm + "_bn_b"});
    map.rules.push_back({trunk + ours + ".norm.running_mean", norm + "_bn_rm"});
    map.rules.push_back({trunk + ours + ".norm.running_var", norm + "_bn_riv"});
  };
  conv_norm("stem.conv1", "conv1", "res_conv1");
  const std::vector<std::pair<std::string, std::string>> branches{
      {"shortcut", "1"}, {"conv1", "2a"}, {"conv2", "2b"}, {"conv3", "2c"}};
  for (const auto& [ours, branch] : branches) {
    const std::string theirs = "res{s}_{b}_branch" + branch;
    conv_norm("res{s}.{b}." + ours, theirs, theirs);
  }
  return map;
}

KeyMap our_map(const WeightsFile&) { return safetensors_format().key_map({}); }

KeyMap release_map(const WeightsFile&) { return soco_release::key_map(); }

KeyMap detectron2_map(const WeightsFile&) { return detectron2_pkl_format().key_map({}); }

/// With the names of detectors, which a backbone's file does not have.
KeyMap mmdetection_map(const WeightsFile&) { return mmdetection_format().key_map({.detector = true}); }

KeyMap torchvision_map(const WeightsFile&) { return torchvision_format().key_map({}); }

KeyMap detector_map(const WeightsFile& file) {
  std::vector<std::string> theirs;
  for (const auto& [name, tensor] : file.tensors) theirs.push_back(name);
  return torchvision_detector_map(torchvision_head_convs(theirs));
}

const std::vector<WeightsFormat>& weights_formats() {
  // Older Detectron2 files hold what is no weight; our checkpoints of fine-tuning hold the optimiser's state, and
  // beside a moving average the weights that it follows.
  const std::vector<std::string_view> not_weights{
      "pixel_mean", "pixel_std", "proposal_generator.anchor_generator.cell_anchors.",
      "optimizer.", "model.",    "selection"};
  static const std::vector<WeightsFormat> formats{
      {.title = "checkpoint of the SoCo release",
       .marker = "encoder.conv1.weight",
       .key_map = &release_map,
       .is_training = true,
       .is_release = true},
      {.title = "both networks of a pretraining, our names",
       .marker = "online.backbone.bottom_up.stem.conv1.weight",
       .key_map = &our_map,
       .is_training = true},
      {.title = "both networks of a pretraining, our names",
       .marker = "online.backbone.stem.conv1.weight",
       .key_map = &our_map,
       .is_training = true},
      {.title = "one network, our names (Detectron2's)",
       .marker = "backbone.bottom_up.stem.conv1.weight",
       .key_map = &our_map,
       .unused = not_weights},
      {.title = "one network, our names (Detectron2's)",
       .marker = "backbone.stem.conv1.weight",
       .key_map = &our_map,
       .unused = not_weights},
      {.title = "Detectron2 backbone or conversion",
       .marker = "stem.conv1.weight",
       .key_map = &detectron2_map,
       .unused = {"stem.fc."}},
      {.title = "MMDetection on C4",
       .marker = "roi_head.shared_head.layer4.0.conv1.weight",
       .key_map = &mmdetection_map,
       .arrange = &with_sizes_outside,
       .unused = {"head.fc."}},
      {.title = "MMDetection", .marker = "backbone.conv1.weight", .key_map = &mmdetection_map, .unused = {"head.fc."}},
      {.title = "torchvision detector",
       .marker = "backbone.body.conv1.weight",
       .key_map = &detector_map,
       .arrange = &with_background_last},
      {.title = "torchvision ResNet", .marker = "conv1.weight", .key_map = &torchvision_map, .unused = {"fc."}},
      {.title = "Caffe2 ResNet (MSRA)",
       .marker = "conv1_w",
       .key_map = &caffe2_map,
       .unused = {"fc1000_", "conv1_b"},
       .warning = "Caffe2's ResNets of MSRA saw BGR images of 0..255 less their mean, not divided by a deviation, and "
                  "have their strides on the 1x1 convolutions. Here images are RGB, divided, and strides are on the "
                  "3x3: the weights fit, the network is another"}};
  return formats;
}

/// DistributedDataParallel puts "module." before every name; our checkpoints "model." before those of the networks, or
/// "ema." before those of a detector's moving average, which is then the detector.
void take_prefixes_off(WeightsFile& file) {
  const auto begins = [](std::string_view prefix) {
    return [prefix](const auto& entry) { return entry.first.starts_with(prefix); };
  };
  const bool parallel = std::all_of(file.tensors.begin(), file.tensors.end(), begins("module."));
  const bool averaged = std::any_of(file.tensors.begin(), file.tensors.end(), begins("ema.backbone."));
  const std::string own = averaged ? "ema." : "model.";
  for (auto& [name, tensor] : file.tensors) {
    if (parallel) name.erase(0, std::string_view("module.").size());
    for (const char* part : {"online.", "target.", "backbone.", "proposal_generator.", "roi_heads."})
      if (name.starts_with(own + part)) name.erase(0, own.size());
  }
}

/// The state dict within the object of a file.
const PickleValue& state_dict_in(const PickleValue& value) {
  for (const char* key : {"model", "state_dict", "blobs"}) {
    const PickleValue* inner = value.find(key);
    if (inner != nullptr && inner->get_if<PickleValue::Dict>() != nullptr) return *inner;
  }
  return value;
}

void add_beside(WeightsFile& file, const PickleValue::Dict& dict, const PickleValue* state) {
  for (const auto& [key, value] : dict.entries) {
    const auto* name = key.get_if<std::string>();
    if (name == nullptr || &value == state || value.get_if<PickleValue::Tensor>() != nullptr) continue;
    file.beside.push_back(fmt::format("{} ({})", printable(*name), value.type_name()));
    if (*name == "optimizer") file.optimizer = value;
    if (const auto* epoch = value.get_if<std::int64_t>(); epoch != nullptr && *name == "epoch")
      file.metadata["epoch"] = std::to_string(*epoch);
  }
}

WeightsFile from_pickle(const PickleValue& value, const std::string& name) {
  const auto* outer = value.get_if<PickleValue::Dict>();
  if (outer == nullptr) fail("{}: holds {} where a dict of tensors is expected", name, value.type_name());
  const PickleValue& state = state_dict_in(value);
  WeightsFile file;
  add_beside(file, *outer, &state);
  std::set<std::string_view> names;
  for (const auto& [key, item] : state.get_if<PickleValue::Dict>()->entries) {
    const auto* text = key.get_if<std::string>();
    const auto* tensor = item.get_if<PickleValue::Tensor>();
    if (text == nullptr || tensor == nullptr) continue;
    if (!names.insert(*text).second) fail("{}: the name '{}' occurs twice", name, printable(*text));
    file.tensors.emplace_back(*text, *tensor);
  }
  take_prefixes_off(file);
  return file;
}

}  // namespace

WeightsFile weights_file_from_tensors(const StateDict& tensors, const std::map<std::string, std::string>& metadata) {
  WeightsFile file;
  file.metadata = metadata;
  for (const auto& [name, tensor] : tensors.entries())
    file.tensors.emplace_back(name, std::make_shared<const HostTensor>(tensor));
  take_prefixes_off(file);
  return file;
}

WeightsFile read_weights_file(const std::filesystem::path& path) {
  if (path.extension() == ".safetensors") {
    const SafetensorsFile found = read_safetensors(path);
    return weights_file_from_tensors(found.tensors, found.metadata);
  }
  return from_pickle(read_pickle_file(path), path.string());
}

const WeightsFormat& format_from_names(const WeightsFile& file, const std::string& name) {
  for (const WeightsFormat& format : weights_formats())
    for (const auto& [theirs, tensor] : file.tensors)
      if (theirs == format.marker) return format;
  std::string known;
  for (const WeightsFormat& format : weights_formats())
    known += fmt::format("{}{} ({})", known.empty() ? "" : ", ", format.marker, format.title);
  fail("{}: none of its {} tensors is a first convolution that we know{}; known are: {}", name, file.tensors.size(),
       file.tensors.empty() ? "" : fmt::format(" (the first is '{}')", printable(file.tensors[0].first)), known);
}

}  // namespace soco
