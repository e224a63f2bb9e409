// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "soco/structures/host_tensor.h"

namespace soco {

/// One value of a Python file of weights, as plain data: what `torch.save` and `pickle.dump` write for state dicts, and
/// what we write for their readers. Nothing in it can run.
class PickleValue {
 public:
  struct None {
    bool operator==(const None&) const = default;
  };
  struct Bytes {
    std::string data;
    bool operator==(const Bytes&) const = default;
  };
  struct List {
    std::vector<PickleValue> items;
  };
  struct Tuple {
    std::vector<PickleValue> items;
  };
  /// dict, OrderedDict, and objects of plain fields such as argparse.Namespace; `type_name` tells which ("dict" first).
  struct Dict {
    std::vector<std::pair<PickleValue, PickleValue>> entries;  // in the order of the file
    std::string type_name = "dict";
  };
  using Tensor = std::shared_ptr<const HostTensor>;  // torch tensor or numpy array; shared, since files alias them
  using Data = std::variant<None, bool, std::int64_t, double, std::string, Bytes, List, Tuple, Dict, Tensor>;

  PickleValue() = default;
  PickleValue(bool value) : data_(value) {}                      // NOLINT(google-explicit-constructor)
  PickleValue(int value) : data_(std::int64_t{value}) {}         // NOLINT(google-explicit-constructor)
  PickleValue(std::int64_t value) : data_(value) {}              // NOLINT(google-explicit-constructor)
  PickleValue(double value) : data_(value) {}                    // NOLINT(google-explicit-constructor)
  PickleValue(const char* value) : data_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  PickleValue(std::string value) : data_(std::move(value)) {}    // NOLINT(google-explicit-constructor)
  PickleValue(Bytes value) : data_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  PickleValue(List value) : data_(std::move(value)) {}           // NOLINT(google-explicit-constructor)
  PickleValue(Tuple value) : data_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  PickleValue(Dict value) : data_(std::move(value)) {}           // NOLINT(google-explicit-constructor)
  PickleValue(Tensor value) : data_(std::move(value)) {}         // NOLINT(google-explicit-constructor)

  const Data& data() const { return data_; }
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&data_);
  }

  /// The entry of a dict under a string key; nullptr when there is none or this is no dict.
  const PickleValue* find(std::string_view key) const;

  /// "None", "bool", "int", "float", "str", "bytes", "list", "tuple", "tensor" or the dict's type name: for messages.
  std::string type_name() const;

 private:
  Data data_;
};

/// Adds an entry under a string key.
void set_item(PickleValue::Dict& dict, std::string key, PickleValue value);

/// A dict of tensors, in the order of `tensors`; the tensors are copied once.
PickleValue::Dict dict_from_state_dict(const StateDict& tensors);

/// What extract_state_dict found in a dict.
struct ExtractedStateDict {
  StateDict tensors;
  std::vector<std::string> skipped;  // keys whose value is not a tensor, with the type: "epoch (int)"
};

/// The tensors of a flat dict with string keys (a state dict), in its order.
/// `name`: the file, for errors. Errors: not a dict, a key that is not a string, a key that occurs twice.
ExtractedStateDict extract_state_dict(const PickleValue& value, const std::string& name);

}  // namespace soco
