// SPDX-License-Identifier: MIT
#include "soco/export/pickle_writer.h"

#include <array>
#include <bit>
#include <limits>
#include <map>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "soco/base/atomic_file.h"
#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/zip_archive.h"
#include "soco/export/element_types.h"

namespace soco {

// Opcodes by their letters, as CPython's pickletools documents them.
PickleEmitter::PickleEmitter(int protocol) {
  SOCO_ASSERT(protocol == 2 || protocol == 3);
  op('\x80');
  op(static_cast<char>(protocol));
}

void PickleEmitter::little_endian(std::uint64_t value, int num_bytes) {
  for (int i = 0; i < num_bytes; ++i) out_.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
}

void PickleEmitter::none() { op('N'); }
void PickleEmitter::boolean(bool value) { op(value ? '\x88' : '\x89'); }

void PickleEmitter::integer(std::int64_t value) {
  if (value >= 0 && value <= 0xFF) {
    op('K');  // BININT1
    little_endian(static_cast<std::uint64_t>(value), 1);
  } else if (value >= 0 && value <= 0xFFFF) {
    op('M');  // BININT2
    little_endian(static_cast<std::uint64_t>(value), 2);
  } else if (value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max()) {
    op('J');  // BININT
    little_endian(static_cast<std::uint64_t>(value), 4);
  } else {
    op('\x8a');  // LONG1: two's complement, little-endian
    op(8);
    little_endian(static_cast<std::uint64_t>(value), 8);
  }
}

void PickleEmitter::real(double value) {
  op('G');  // BINFLOAT: big-endian
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int i = 7; i >= 0; --i) out_.push_back(static_cast<char>((bits >> (8 * i)) & 0xFF));
}

void PickleEmitter::string(std::string_view utf8) {
  if (utf8.size() > std::numeric_limits<std::uint32_t>::max()) fail("string of {} bytes is too long", utf8.size());
  op('X');  // BINUNICODE
  little_endian(utf8.size(), 4);
  out_ += utf8;
}

void PickleEmitter::bytes(std::string_view data) {
  if (data.size() > std::numeric_limits<std::uint32_t>::max())
    fail("a tensor of {} bytes is too large for a pickle; use .pth or .safetensors", data.size());
  op('B');  // BINBYTES
  little_endian(data.size(), 4);
  out_ += data;
}

void PickleEmitter::global(std::string_view module, std::string_view name) {
  op('c');
  out_.append(module).append("\n").append(name).append("\n");
}

void PickleEmitter::begin_tuple() { op('('); }
void PickleEmitter::end_tuple() { op('t'); }
void PickleEmitter::begin_list() { out_ += "]("; }
void PickleEmitter::end_list() { op('e'); }
void PickleEmitter::begin_dict() { out_ += "}("; }
void PickleEmitter::end_dict() { op('u'); }
void PickleEmitter::empty_dict() { op('}'); }
void PickleEmitter::reduce() { op('R'); }
void PickleEmitter::build() { op('b'); }
void PickleEmitter::persistent_id() { op('Q'); }

std::string PickleEmitter::finish() {
  op('.');
  return std::exchange(out_, {});
}

namespace {

/// Walks a value and emits it; how tensors and byte strings are said is the format's part.
class ValueWriter {
 public:
  explicit ValueWriter(int protocol) : emitter(protocol) {}
  virtual ~ValueWriter() = default;

  void write(const PickleValue& value) {
    std::visit([this](const auto& data) { write_data(data); }, value.data());
  }

  PickleEmitter emitter;

 private:
  virtual void write_tensor(const PickleValue::Tensor& tensor) = 0;
  virtual void write_bytes(const std::string& data) = 0;

  void write_data(const PickleValue::None&) { emitter.none(); }
  void write_data(bool value) { emitter.boolean(value); }
  void write_data(std::int64_t value) { emitter.integer(value); }
  void write_data(double value) { emitter.real(value); }
  void write_data(const std::string& value) { emitter.string(value); }
  void write_data(const PickleValue::Bytes& value) { write_bytes(value.data); }
  void write_data(const PickleValue::Tensor& tensor) { write_tensor(tensor); }
  void write_data(const PickleValue::List& list) {
    emitter.begin_list();
    for (const PickleValue& item : list.items) write(item);
    emitter.end_list();
  }
  void write_data(const PickleValue::Tuple& tuple) {
    emitter.begin_tuple();
    for (const PickleValue& item : tuple.items) write(item);
    emitter.end_tuple();
  }
  void write_data(const PickleValue::Dict& dict) {
    const bool ordered = dict.type_name == "OrderedDict";
    if (ordered) {  // an OrderedDict is made empty and then filled
      emitter.global("collections", "OrderedDict");
      emitter.begin_tuple();
      emitter.end_tuple();
      emitter.reduce();
      emitter.begin_tuple();  // the mark that end_dict looks for
    } else {
      emitter.begin_dict();
    }
    for (const auto& [key, item] : dict.entries) {
      write(key);
      write(item);
    }
    emitter.end_dict();
  }
};

void write_shape(PickleEmitter& emitter, const std::vector<std::int64_t>& shape) {
  emitter.begin_tuple();
  for (const std::int64_t length : shape) emitter.integer(length);
  emitter.end_tuple();
}

std::vector<std::int64_t> row_major_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i > 1; --i)
    strides[i - 2] = strides[i - 1] * std::max<std::int64_t>(shape[i - 1], 1);
  return strides;
}

/// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks); the storage is named by a
/// persistent id ('storage', type, key, device, number of elements) and lies in its own record.
class TorchWriter : public ValueWriter {
 public:
  TorchWriter() : ValueWriter(2) {}
  std::vector<PickleValue::Tensor> storages;  // record data/<i> each

 private:
  void write_bytes(const std::string&) override {
    fail("byte strings have no place in a PyTorch file that loads with weights_only");
  }

  void write_tensor(const PickleValue::Tensor& tensor) override {
    emitter.global("torch._utils", "_rebuild_tensor_v2");
    emitter.begin_tuple();
    write_storage(tensor);
    emitter.integer(0);
    write_shape(emitter, tensor->shape);
    write_shape(emitter, row_major_strides(tensor->shape));
    emitter.boolean(false);
    emitter.global("collections", "OrderedDict");
    emitter.begin_tuple();
    emitter.end_tuple();
    emitter.reduce();
    emitter.end_tuple();
    emitter.reduce();
  }

  void write_storage(const PickleValue::Tensor& tensor) {
    const auto [known, added] = keys_.emplace(tensor.get(), storages.size());
    if (added) storages.push_back(tensor);
    emitter.begin_tuple();
    emitter.string("storage");
    emitter.global("torch", element_type_from_dtype(tensor->dtype).torch_storage);
    emitter.string(std::to_string(known->second));
    emitter.string("cpu");
    emitter.integer(tensor->numel());
    emitter.end_tuple();
    emitter.persistent_id();
  }

  std::map<const HostTensor*, std::size_t> keys_;  // one tensor under two names shares its storage, as in PyTorch
};

/// numpy.core.multiarray._reconstruct(ndarray, (0,), b'b') with the state (1, shape, dtype, fortran, data). numpy 2
/// moved the function to numpy._core and still answers to the old name, which numpy 1 needs.
class NumpyWriter : public ValueWriter {
 public:
  NumpyWriter() : ValueWriter(3) {}

 private:
  void write_bytes(const std::string& data) override { emitter.bytes(data); }

  void write_tensor(const PickleValue::Tensor& tensor) override {
    emitter.global("numpy.core.multiarray", "_reconstruct");
    emitter.begin_tuple();
    emitter.global("numpy", "ndarray");
    write_shape(emitter, {0});
    emitter.bytes("b");
    emitter.end_tuple();
    emitter.reduce();
    emitter.begin_tuple();
    emitter.integer(1);  // version of the state
    write_shape(emitter, tensor->shape);
    write_dtype(tensor->dtype);
    emitter.boolean(false);  // row-major
    emitter.bytes(text_of(tensor->data));
    emitter.end_tuple();
    emitter.build();
  }

  /// numpy.dtype(code, False, True) with the state (3, order, None, None, None, -1, -1, 0).
  void write_dtype(DType dtype) {
    const std::string_view code = element_type_from_dtype(dtype).numpy_code;
    if (code.empty()) fail("numpy has no {}: convert the tensor, or use .pth or .safetensors", dtype_name(dtype));
    emitter.global("numpy", "dtype");
    emitter.begin_tuple();
    emitter.string(code);
    emitter.boolean(false);
    emitter.boolean(true);
    emitter.end_tuple();
    emitter.reduce();
    emitter.begin_tuple();
    emitter.integer(3);
    emitter.string(dtype_size(dtype) == 1 ? "|" : "<");
    for (int i = 0; i < 3; ++i) emitter.none();
    emitter.integer(-1);
    emitter.integer(-1);
    emitter.integer(0);
    emitter.end_tuple();
    emitter.build();
  }
};

}  // namespace

void write_torch_file(const std::filesystem::path& path, const PickleValue& value) {
  TorchWriter writer;
  writer.write(value);
  ZipWriter zip(path);
  zip.add("archive/data.pkl", bytes_of(writer.emitter.finish()));
  zip.add("archive/byteorder", bytes_of("little"));
  for (std::size_t i = 0; i < writer.storages.size(); ++i)
    zip.add("archive/data/" + std::to_string(i), writer.storages[i]->data);
  zip.add("archive/version", bytes_of("3\n"));
  zip.finish();
}

void write_numpy_pickle(const std::filesystem::path& path, const PickleValue& value) {
  NumpyWriter writer;
  writer.write(value);
  write_file_atomic(path, std::string_view(writer.emitter.finish()));
}

}  // namespace soco
