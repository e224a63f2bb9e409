// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "soco/base/error.h"
#include "soco/export/element_types.h"
#include "soco/export/unpickler.h"

// The allow-list. A global is a row of a table here or it is refused; none of them is looked up anywhere else.
namespace soco::pickle {
namespace {

enum class Callable {
  kOrderedDict,
  kNamespace,
  kRebuildTensor,
  kRebuildTensorV2,
  kRebuildParameter,
  kSize,
  kDevice,
  kEncode,
  kReconstruct,
  kArrayType,
  kDTypeType,
  kScalar,
  kFromBuffer,
  kStorageType,
  kTorchDType,
};

struct Row {
  std::string_view module, name;
  Callable callable;
};

constexpr std::array kRows{
    Row{"collections", "OrderedDict", Callable::kOrderedDict},
    Row{"argparse", "Namespace", Callable::kNamespace},
    Row{"torch._utils", "_rebuild_tensor", Callable::kRebuildTensor},
    Row{"torch._utils", "_rebuild_tensor_v2", Callable::kRebuildTensorV2},
    Row{"torch._utils", "_rebuild_parameter", Callable::kRebuildParameter},
    Row{"torch", "Size", Callable::kSize},
    Row{"torch", "device", Callable::kDevice},
    Row{"_codecs", "encode", Callable::kEncode},
    Row{"numpy", "ndarray", Callable::kArrayType},
    Row{"numpy", "dtype", Callable::kDTypeType},
    Row{"numpy.core.multiarray", "_reconstruct", Callable::kReconstruct},
    Row{"numpy._core.multiarray", "_reconstruct", Callable::kReconstruct},
    Row{"numpy.core.multiarray", "scalar", Callable::kScalar},
    Row{"numpy._core.multiarray", "scalar", Callable::kScalar},
    Row{"numpy.core.numeric", "_frombuffer", Callable::kFromBuffer},
    Row{"numpy._core.numeric", "_frombuffer", Callable::kFromBuffer},
};

/// Element types as values, e.g. {"dtype": torch.float32}; they are kept by name.
constexpr std::array<std::string_view, 10> kTorchDTypes{
    "torch.float64", "torch.float32", "torch.float16", "torch.bfloat16", "torch.int64",
    "torch.int32",   "torch.int16",   "torch.int8",    "torch.uint8",    "torch.bool"};

std::int64_t checked_int(const Object* object) { return object->kind == Kind::kInt ? object->integer : -1; }

/// Strides of a dense array, whose number of elements is known to fit; where it is zero, no stride is ever used.
std::vector<std::int64_t> strides_of(const std::vector<std::int64_t>& sizes, bool column_major) {
  std::vector<std::int64_t> strides(sizes.size(), 1);
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return strides;
  std::int64_t step = 1;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::size_t axis = column_major ? i : sizes.size() - 1 - i;
    strides[axis] = step;
    step *= sizes[axis];
  }
  return strides;
}

template <class T>
T value_from(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

}  // namespace

void Unpickler::push_global(std::string_view module, std::string_view global_name) {
  Object* object = push(Kind::kGlobal);
  for (const Row& row : kRows) {
    if (row.module != module || row.name != global_name) continue;
    object->integer = static_cast<std::int64_t>(row.callable);
    object->text = row.name;
    return;
  }
  for (const ElementType& type : kElementTypes) {
    if ((module != "torch" && module != "torch.cuda") || type.torch_storage != global_name) continue;
    object->integer = static_cast<std::int64_t>(Callable::kStorageType);
    object->text = type.torch_storage;
    object->tensor = std::make_unique<TensorSpec>();
    object->tensor->dtype = type.dtype;
    return;
  }
  const std::string full = fmt::format("{}.{}", module, global_name);
  for (const std::string_view name : kTorchDTypes) {
    if (name != full) continue;
    object->kind = Kind::kString;
    object->text = name;
    return;
  }
  refuse(fmt::format("global {}, which is not on the list of those that build weights", full));
}

void Unpickler::reduce(Object* callable, Object* arguments) {
  expect(callable->kind == Kind::kGlobal && arguments->kind == Kind::kTuple, "call of something that cannot be called");
  const std::vector<Object*>& items = arguments->items;
  switch (static_cast<Callable>(callable->integer)) {
    case Callable::kOrderedDict:
      return make_ordered_dict(items);
    case Callable::kRebuildTensor:
      return rebuild_tensor(items, false);
    case Callable::kRebuildTensorV2:
      return rebuild_tensor(items, true);
    case Callable::kRebuildParameter:
      expect(items.size() == 3 && items[0]->kind == Kind::kTensor, "parameter that is not made from a tensor");
      return push_existing(items[0]);
    case Callable::kSize:
      expect(items.size() == 1 && items[0]->kind == Kind::kTuple, "torch.Size that is not made from a tuple");
      return push_existing(items[0]);
    case Callable::kDevice:
      expect(!items.empty() && items[0]->kind == Kind::kString, "torch.device without a name");
      return push_existing(items[0]);
    case Callable::kEncode:
      return encode_latin1(items);
    case Callable::kReconstruct: {
      const bool array = !items.empty() && items[0]->kind == Kind::kGlobal &&
                         static_cast<Callable>(items[0]->integer) == Callable::kArrayType;
      expect(array, "numpy object that is not a plain array");
      push(Kind::kArray);
      return;
    }
    case Callable::kDTypeType:
      return make_dtype(items);
    case Callable::kScalar:
      return make_numpy_scalar(items);
    case Callable::kFromBuffer:
      return from_buffer(items);
    default:
      refuse(fmt::format("call of {}", callable->text));
  }
}

void Unpickler::new_object(Object* type, Object* arguments) {
  const bool empty = arguments->kind == Kind::kTuple && arguments->items.empty();
  const bool known = type->kind == Kind::kGlobal && (static_cast<Callable>(type->integer) == Callable::kNamespace ||
                                                     static_cast<Callable>(type->integer) == Callable::kOrderedDict);
  expect(empty && known, "object of a class that files of weights do not need");
  const bool ordered = static_cast<Callable>(type->integer) == Callable::kOrderedDict;
  push(Kind::kDict)->text = ordered ? "OrderedDict" : "argparse.Namespace";
}

void Unpickler::build(Object* object, Object* state) {
  if (object->kind == Kind::kArray) return set_array_state(object, state);
  if (object->kind == Kind::kDType) return set_dtype_state(object, state);
  expect(object->kind == Kind::kDict && object->text != "dict", "state for an object that has none");
  expect(state->kind == Kind::kDict, "state of an object that is not a dict");
  // The attributes of an OrderedDict (`_metadata` of state_dict()) say nothing about weights; a Namespace is its
  // fields.
  if (object->text == "argparse.Namespace") {
    charge(state->items.size());
    object->items.insert(object->items.end(), state->items.begin(), state->items.end());
  }
}

/// ('storage', type, key, device, number of elements), and None behind it in files before 1.6.
void Unpickler::load_storage(Object* id) {
  const std::vector<Object*>& items = id->items;
  const bool shape =
      id->kind == Kind::kTuple && (items.size() == 5 || (items.size() == 6 && items[5]->kind == Kind::kNone));
  expect(shape && items[0]->text == "storage" && items[1]->kind == Kind::kGlobal && items[1]->tensor != nullptr &&
             items[2]->kind == Kind::kString && items[3]->kind == Kind::kString,
         "persistent id that does not name a storage");
  const std::int64_t numel = checked_int(items[4]);
  expect(numel >= 0, "storage with a negative size");
  const std::string key(items[2]->text);
  const auto [known, added] = storages_.emplace(key, nullptr);
  if (!added) {
    const TensorSpec& other = *known->second->tensor;
    expect(other.dtype == items[1]->tensor->dtype && other.storage_numel == static_cast<std::uint64_t>(numel),
           "storage with two sizes or two types");
    return push_existing(known->second);
  }
  Object* storage = push(Kind::kStorage);
  storage->tensor = std::make_unique<TensorSpec>();
  storage->tensor->dtype = items[1]->tensor->dtype;
  storage->tensor->storage_key = key;
  storage->tensor->storage_numel = static_cast<std::uint64_t>(numel);
  known->second = storage;
}

std::vector<std::int64_t> Unpickler::sizes_from(Object* tuple) {
  expect(tuple->kind == Kind::kTuple && tuple->items.size() <= 16, "shape that is not a tuple of at most 16 numbers");
  std::vector<std::int64_t> sizes;
  for (const Object* item : tuple->items) {
    expect(checked_int(item) >= 0, "shape with something else than whole numbers");
    sizes.push_back(item->integer);
  }
  return sizes;
}

/// (storage, offset, size, stride), in version 2 followed by requires_grad and hooks, and maybe metadata.
void Unpickler::rebuild_tensor(const std::vector<Object*>& arguments, bool has_hooks) {
  const std::size_t least = has_hooks ? 6 : 4;
  expect(arguments.size() >= least && arguments.size() <= least + 1 && arguments[0]->kind == Kind::kStorage,
         "tensor that is not made from a storage");
  auto spec = std::make_unique<TensorSpec>(*arguments[0]->tensor);
  const std::int64_t offset = checked_int(arguments[1]);
  expect(offset >= 0, "tensor with a negative offset");
  spec->offset = static_cast<std::uint64_t>(offset);
  spec->sizes = sizes_from(arguments[2]);
  spec->strides = sizes_from(arguments[3]);
  expect(spec->sizes.size() == spec->strides.size(), "tensor with more sizes than strides");
  push(Kind::kTensor)->tensor = std::move(spec);
}

void Unpickler::make_ordered_dict(const std::vector<Object*>& arguments) {
  Object* dict = push(Kind::kDict);
  dict->text = "OrderedDict";
  if (arguments.empty()) return;
  expect(arguments.size() == 1 && arguments[0]->kind == Kind::kList,
         "OrderedDict that is not made from a list of pairs");
  charge(2 * arguments[0]->items.size());
  for (const Object* pair : arguments[0]->items) {
    expect((pair->kind == Kind::kList || pair->kind == Kind::kTuple) && pair->items.size() == 2,
           "pair of another length");
    dict->items.insert(dict->items.end(), pair->items.begin(), pair->items.end());
  }
}

void Unpickler::make_dtype(const std::vector<Object*>& arguments) {
  expect(!arguments.empty() && arguments[0]->kind == Kind::kString, "numpy.dtype without a name");
  std::string_view code = arguments[0]->text;
  if (!code.empty() && (code[0] == '<' || code[0] == '|' || code[0] == '=')) code.remove_prefix(1);
  for (const ElementType& type : kElementTypes) {
    if (type.numpy_code.empty() || type.numpy_code != code) continue;
    Object* object = push(Kind::kDType);
    object->tensor = std::make_unique<TensorSpec>();
    object->tensor->dtype = type.dtype;
    return;
  }
  refuse(fmt::format("numpy element type '{}'", code));
}

/// (version, byte order, ...): only the byte order matters for the plain types that make_dtype knows.
void Unpickler::set_dtype_state(Object* object, Object* state) {
  expect(state->kind == Kind::kTuple && state->items.size() >= 2 && state->items[1]->kind == Kind::kString,
         "numpy.dtype with an unknown state");
  const std::string_view order = state->items[1]->text;
  expect(order == "<" || order == "|" || order == "=", "numpy array with the other byte order");
}

void Unpickler::make_numpy_scalar(const std::vector<Object*>& arguments) {
  const bool known = arguments.size() == 2 && arguments[0]->kind == Kind::kDType &&
                     (arguments[1]->kind == Kind::kBytes || arguments[1]->integer == 1);
  expect(known, "numpy scalar of an unknown form");
  const DType dtype = arguments[0]->tensor->dtype;
  const std::string_view bytes = arguments[1]->text;
  expect(bytes.size() == dtype_size(dtype), "numpy scalar of another size than its type");
  switch (dtype) {
    case DType::kFloat64:
      push(Kind::kReal)->real = value_from<double>(bytes);
      return;
    case DType::kFloat32:
      push(Kind::kReal)->real = value_from<float>(bytes);
      return;
    case DType::kInt64:
      push(Kind::kInt)->integer = value_from<std::int64_t>(bytes);
      return;
    case DType::kInt32:
      push(Kind::kInt)->integer = value_from<std::int32_t>(bytes);
      return;
    case DType::kBool:
      push(Kind::kBool)->integer = bytes[0] != 0;
      return;
    default:
      refuse(fmt::format("numpy scalar of type {}", dtype_name(dtype)));
  }
}

/// Protocol 2 writes bytes as _codecs.encode(text, 'latin1'): each character below 256 is one byte.
void Unpickler::encode_latin1(const std::vector<Object*>& arguments) {
  const bool known = arguments.size() == 2 && arguments[0]->kind == Kind::kString &&
                     arguments[1]->kind == Kind::kString &&
                     (arguments[1]->text == "latin1" || arguments[1]->text == "latin-1");
  expect(known, "_codecs.encode for something else than latin1");
  const std::string_view text = arguments[0]->text;
  owned_bytes_ += text.size();
  expect(owned_bytes_ <= program_.size(), "one text encoded over and over");
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x80) {
      bytes.push_back(text[i]);
      continue;
    }
    expect((first == 0xC2 || first == 0xC3) && i + 1 < text.size(), "character that latin1 does not have");
    bytes.push_back(static_cast<char>(((first & 0x03) << 6) | (static_cast<unsigned char>(text[++i]) & 0x3F)));
  }
  push(Kind::kBytes)->text = owned_texts_.emplace_back(std::move(bytes));
}

/// (buffer, dtype, shape, 'C' or 'F'): how protocol 5 writes arrays.
void Unpickler::from_buffer(const std::vector<Object*>& arguments) {
  expect(arguments.size() == 4 && arguments[3]->kind == Kind::kString, "numpy array of an unknown form");
  const std::string_view order = arguments[3]->text;
  expect(order == "C" || order == "F", "numpy array of an unknown order");
  fill_array(push(Kind::kArray), arguments[2], arguments[1], arguments[0], order == "F");
}

/// (version, shape, dtype, column-major, data).
void Unpickler::set_array_state(Object* object, Object* state) {
  expect(state->kind == Kind::kTuple && state->items.size() == 5 &&
             (state->items[3]->kind == Kind::kBool || state->items[3]->kind == Kind::kInt),
         "numpy array with an unknown state");
  fill_array(object, state->items[1], state->items[2], state->items[4], state->items[3]->integer != 0);
}

void Unpickler::fill_array(Object* object, Object* shape, Object* dtype, Object* data, bool column_major) {
  expect(dtype->kind == Kind::kDType, "numpy array without a plain element type");
  expect(data->kind == Kind::kBytes || (data->kind == Kind::kString && data->integer == 1),
         "numpy array whose contents are not bytes");
  auto spec = std::make_unique<TensorSpec>();
  spec->dtype = dtype->tensor->dtype;
  spec->is_inline = true;
  spec->inline_data = data->text;
  spec->sizes = sizes_from(shape);
  spec->storage_numel = data->text.size() / dtype_size(spec->dtype);
  std::uint64_t bytes = dtype_size(spec->dtype);
  for (const std::int64_t size : spec->sizes)
    expect(!__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes), "numpy array with a huge shape");
  expect(bytes == data->text.size(),
         fmt::format("numpy array whose shape needs {} bytes and has {}", bytes, data->text.size()));
  spec->strides = strides_of(spec->sizes, column_major);
  object->tensor = std::move(spec);
  object->kind = Kind::kTensor;
}

}  // namespace soco::pickle
