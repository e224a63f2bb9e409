// SPDX-License-Identifier: MIT
#include "soco/export/pickle_value.h"

#include <array>

#include "soco/base/error.h"

namespace soco {

const PickleValue* PickleValue::find(std::string_view key) const {
  const auto* dict = get_if<Dict>();
  if (dict == nullptr) return nullptr;
  for (const auto& [name, value] : dict->entries) {
    const auto* text = name.get_if<std::string>();
    if (text != nullptr && *text == key) return &value;
  }
  return nullptr;
}

std::string PickleValue::type_name() const {
  static constexpr std::array<const char*, 10> kNames{"None",  "bool", "int",   "float", "str",
                                                      "bytes", "list", "tuple", "dict",  "tensor"};
  if (const auto* dict = get_if<Dict>()) return dict->type_name;
  return kNames.at(data_.index());
}

void set_item(PickleValue::Dict& dict, std::string key, PickleValue value) {
  dict.entries.emplace_back(PickleValue(std::move(key)), std::move(value));
}

PickleValue::Dict dict_from_state_dict(const StateDict& tensors) {
  PickleValue::Dict dict;
  for (const auto& [name, tensor] : tensors.entries())
    set_item(dict, name, PickleValue(std::make_shared<const HostTensor>(tensor)));
  return dict;
}

ExtractedStateDict extract_state_dict(const PickleValue& value, const std::string& name) {
  const auto* dict = value.get_if<PickleValue::Dict>();
  if (dict == nullptr) fail("{}: expected a dict of tensors, found {}", name, value.type_name());
  ExtractedStateDict result;
  for (const auto& [key, item] : dict->entries) {
    const auto* text = key.get_if<std::string>();
    if (text == nullptr) fail("{}: a key of the state dict is {}, expected a string", name, key.type_name());
    if (const auto* tensor = item.get_if<PickleValue::Tensor>())
      result.tensors.add(*text, **tensor);
    else
      result.skipped.push_back(fmt::format("{} ({})", *text, item.type_name()));
  }
  return result;
}

}  // namespace soco
