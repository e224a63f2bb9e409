// SPDX-License-Identifier: MIT
#include "soco/export/formats/soco_release.h"

#include <charconv>
#include <memory>
#include <unordered_map>

#include "soco/base/error.h"
#include "soco/export/pickle_writer.h"

namespace soco::soco_release {
namespace {

constexpr std::string_view kPrefix = "module.";
// The release's defaults of feature_dim and contrast_num_negative, with which its C4 models were published.
constexpr std::int64_t kQueueRows = 128, kQueueColumns = 65536;

bool is_buffer(std::string_view name) {
  return is_queue(name) || name.ends_with(".running_mean") || name.ends_with(".running_var") ||
         name.ends_with(".num_batches_tracked");
}

/// The name of the target's copy: encoder.conv1.weight -> encoder_k.conv1.weight.
std::string target_name(const std::string& online_name) {
  const std::size_t dot = online_name.find('.');
  return online_name.substr(0, dot) + "_k" + online_name.substr(dot);
}

/// The parameter numbers of one group of the optimiser.
std::vector<std::int64_t> group_numbers(const PickleValue& group, const std::string& name) {
  const PickleValue* params = group.find("params");
  const auto* list = params != nullptr ? params->get_if<PickleValue::List>() : nullptr;
  if (list == nullptr) fail("{}: a group of the optimiser without a list \"params\"", name);
  std::vector<std::int64_t> numbers;
  for (const PickleValue& item : list->items) {
    const auto* number = item.get_if<std::int64_t>();
    if (number == nullptr) fail("{}: a parameter number of the optimiser is {}", name, item.type_name());
    numbers.push_back(*number);
  }
  return numbers;
}

using Parameters = std::vector<const std::pair<std::string, PickleValue::Tensor>*>;

/// The parameters in the order of one optimiser group's numbers.
std::vector<Parameters> parameters_by_group(const Tensors& model, std::size_t num_groups, const std::string& name) {
  Parameters all, one_dimension, others;
  for (const auto& entry : model) {
    if (is_buffer(entry.first)) continue;
    all.push_back(&entry);
    if (side_from_name(entry.first).is_target) continue;
    (entry.second->shape.size() == 1 ? one_dimension : others).push_back(&entry);
  }
  if (num_groups == 1) return {all};
  if (num_groups == 2) return {one_dimension, others};
  fail("{}: the optimiser has {} groups of parameters; the release makes one (SGD) or two (LARS)", name, num_groups);
}

/// The momentum buffers by parameter number; a parameter that never had a gradient has none.
std::unordered_map<std::int64_t, PickleValue::Tensor> buffers_by_number(const PickleValue::Dict& state) {
  std::unordered_map<std::int64_t, PickleValue::Tensor> buffers;
  for (const auto& [key, value] : state.entries) {
    const auto* number = key.get_if<std::int64_t>();
    const PickleValue* buffer = value.find("momentum_buffer");
    const auto* tensor = buffer != nullptr ? buffer->get_if<PickleValue::Tensor>() : nullptr;
    if (number != nullptr && tensor != nullptr) buffers.emplace(*number, *tensor);
  }
  return buffers;
}

/// Parameters without a buffer get zeros, from which SGD goes on as from none.
PickleValue::Tensor zeros_like(const HostTensor& tensor) {
  return std::make_shared<const HostTensor>(
      HostTensor{tensor.dtype, tensor.shape, std::vector<std::byte>(tensor.data.size())});
}

HostTensor zeros(DType dtype, std::vector<std::int64_t> shape) {
  std::vector<std::byte> data(static_cast<std::size_t>(num_elements(shape)) * dtype_size(dtype));
  return HostTensor::make(dtype, std::move(shape), std::move(data));
}

std::int64_t epoch_of(const NetworkWeights& weights) {
  std::int64_t epoch = 0;
  const auto found = weights.metadata.find("epoch");
  if (found == weights.metadata.end()) return epoch;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), epoch);
  return epoch;
}

}  // namespace

KeyMap key_map() {
  KeyMap map;
  add_torchvision_trunk(map.rules, "backbone.bottom_up.", "encoder.");
  add_torchvision_trunk(map.rules, "backbone.", "encoder.");
  add_torchvision_trunk(map.rules, "roi_heads.", "encoder.");  // res5 of C4
  const std::vector<KeyRule> others{{"backbone.fpn_lateral{s}.norm.*", "neck.lateral_convs.{s-2}.bn.*"},
                                    {"backbone.fpn_lateral{s}.*", "neck.lateral_convs.{s-2}.conv.*"},
                                    {"backbone.fpn_output{s}.norm.*", "neck.fpn_convs.{s-2}.bn.*"},
                                    {"backbone.fpn_output{s}.*", "neck.fpn_convs.{s-2}.conv.*"},
                                    {"roi_heads.box_head.conv{c}.norm.*", "head.bn{c}.*"},
                                    {"roi_heads.box_head.conv{c}.*", "head.conv{c}.*"},
                                    {"roi_heads.box_head.fc{c}.*", "head.fc{c}.*"},
                                    {"projector.fc{c}.*", "projector.linear{c}.*"},
                                    {"projector.norm.*", "projector.bn1.*"},
                                    {"predictor.fc{c}.*", "predictor.linear{c}.*"},
                                    {"predictor.norm.*", "predictor.bn1.*"}};
  map.rules.insert(map.rules.end(), others.begin(), others.end());
  return map;
}

SideName side_from_name(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || !name.substr(0, dot).ends_with("_k")) return {std::string(name), false};
  return {std::string(name.substr(0, dot - 2)) + std::string(name.substr(dot)), true};
}

bool is_queue(std::string_view name) { return name == "queue" || name == "queue_ptr"; }

Tensors momentum_buffers(const PickleValue& optimizer, const Tensors& model, const std::string& name) {
  const PickleValue* groups = optimizer.find("param_groups");
  const PickleValue* state = optimizer.find("state");
  const auto* list = groups != nullptr ? groups->get_if<PickleValue::List>() : nullptr;
  const auto* dict = state != nullptr ? state->get_if<PickleValue::Dict>() : nullptr;
  if (list == nullptr || dict == nullptr) fail("{}: \"optimizer\" is not what an optimiser's state_dict() gives", name);
  const std::vector<Parameters> parameters = parameters_by_group(model, list->items.size(), name);
  const auto by_number = buffers_by_number(*dict);
  if (by_number.empty()) fail("{}: the optimiser has no momentum buffers", name);
  Tensors buffers;
  for (std::size_t g = 0; g < parameters.size(); ++g) {
    const std::vector<std::int64_t> numbers = group_numbers(list->items[g], name);
    if (numbers.size() != parameters[g].size())
      fail("{}: the optimiser counts {} parameters in a group where the model has {}", name, numbers.size(),
           parameters[g].size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto& [parameter, tensor] = *parameters[g][i];
      if (side_from_name(parameter).is_target) continue;
      const auto found = by_number.find(numbers[i]);
      buffers.emplace_back(parameter, found != by_number.end() ? found->second : zeros_like(*tensor));
    }
  }
  return buffers;
}

std::vector<std::pair<std::string, std::string>> write(const std::filesystem::path& path,
                                                       const NetworkWeights& weights) {
  PickleValue::Dict model;
  model.type_name = "OrderedDict";  // as state_dict() gives
  std::vector<std::pair<std::string, std::string>> keys;
  const auto add = [&](const std::string& name, const HostTensor& tensor) {
    set_item(model, std::string(kPrefix) + name, PickleValue(std::make_shared<const HostTensor>(tensor)));
  };
  for (const bool is_target : {false, true}) {
    const StateDict& side = is_target ? weights.target : weights.online;
    for (const auto& [ours, theirs] : map_state_dict(side, key_map(), "soco-release").keys) {
      const std::string name = is_target ? target_name(theirs) : theirs;
      add(name, side.at(ours));
      keys.emplace_back((is_target ? "target." : "online.") + ours, std::string(kPrefix) + name);
    }
  }
  if (weights.online.find("roi_heads.res5.0.conv1.weight") != nullptr) {
    add("queue", zeros(DType::kFloat32, {kQueueRows, kQueueColumns}));
    add("queue_ptr", zeros(DType::kInt64, {1}));
  }
  PickleValue::Dict file;
  set_item(file, "model", PickleValue(std::move(model)));
  set_item(file, "epoch", PickleValue(epoch_of(weights)));
  write_torch_file(path, PickleValue(std::move(file)));
  return keys;
}

}  // namespace soco::soco_release
