// SPDX-License-Identifier: MIT
#include "soco/export/pickle_reader.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/log.h"
#include "soco/base/utf8.h"
#include "soco/base/zip_archive.h"
#include "soco/export/legacy_torch.h"
#include "soco/export/tensor_gather.h"
#include "soco/export/unpickler.h"

namespace soco {
namespace {

using pickle::Kind;
using pickle::Object;
using pickle::StorageSource;
using pickle::TensorSpec;

/// Storages as the records data/<key> of a PyTorch archive.
class ArchiveSource : public StorageSource {
 public:
  ArchiveSource(ZipReader& zip, std::string root) : zip_(zip), root_(std::move(root)) {}

  std::uint64_t size(const std::string& key) override { return entry(key).size; }
  void read(const std::string& key, std::span<std::byte> to) override { zip_.read(entry(key), to); }

 private:
  const ZipReader::Entry& entry(const std::string& key) {
    const auto* found = zip_.find(root_ + "data/" + key);
    if (found == nullptr) fail("{}: record of storage '{}' is missing", zip_.file_name(), printable(key));
    return *found;
  }

  ZipReader& zip_;
  std::string root_;
};

/// Walks the machine's objects before anything is made of them, so that no refusal comes after memory was taken.
/// Aliases count as often as they are used, since the result has them written out.
class Check {
 public:
  Check(pickle::TensorReader& reader, const std::string& name, const PickleLimits& limits)
      : reader_(reader), name_(name), limits_(limits) {}

  void run(const Object* root) {
    if (measure(root, 0).height > limits_.max_depth) refuse_depth();
  }

 private:
  struct Size {
    std::uint64_t values = 1, text_bytes = 0;
    int height = 0;
  };

  [[noreturn]] void refuse_depth() const { fail("{}: refused: nested deeper than {}", name_, limits_.max_depth); }

  /// Each object once; one that holds itself runs into the limit of the depth.
  Size measure(const Object* object, int depth) {
    if (depth > limits_.max_depth) refuse_depth();
    switch (object->kind) {
      case Kind::kNone:
      case Kind::kBool:
      case Kind::kInt:
      case Kind::kReal:
        return {};
      case Kind::kString:
      case Kind::kBytes:
        return checked({.values = 1, .text_bytes = object->text.size()});
      case Kind::kTensor:
        if (checked_tensors_.insert(object).second) reader_.check(*object->tensor);
        return {};
      case Kind::kList:
      case Kind::kTuple:
      case Kind::kDict:
        return measure_items(object, depth);
      default:
        fail("{}: refused: a class or a storage by itself among the values", name_);
    }
  }

  Size measure_items(const Object* object, int depth) {
    if (const auto known = sizes_.find(object); known != sizes_.end()) return known->second;
    Size sum;
    for (const Object* item : object->items) {
      const Size size = measure(item, depth + 1);
      sum.values += size.values;
      sum.text_bytes += size.text_bytes;
      sum.height = std::max(sum.height, size.height + 1);
      checked(sum);
    }
    return sizes_[object] = sum;
  }

  Size checked(const Size& size) const {
    if (size.values > limits_.max_values) fail("{}: refused: more than {} values", name_, limits_.max_values);
    if (size.text_bytes > limits_.max_text_bytes)
      fail("{}: refused: more than {} bytes of text", name_, limits_.max_text_bytes);
    return size;
  }

  pickle::TensorReader& reader_;
  const std::string& name_;
  const PickleLimits& limits_;
  std::unordered_map<const Object*, Size> sizes_;
  std::unordered_set<const Object*> checked_tensors_;
};

/// Turns the machine's objects, which Check has passed, into the result's values.
class Converter {
 public:
  explicit Converter(pickle::TensorReader& reader) : reader_(reader) {}

  PickleValue convert(const Object* object) {
    switch (object->kind) {
      case Kind::kNone:
        return {};
      case Kind::kBool:
        return PickleValue(object->integer != 0);
      case Kind::kInt:
        return PickleValue(object->integer);
      case Kind::kReal:
        return PickleValue(object->real);
      case Kind::kString:
        if (is_utf8(object->text)) return PickleValue(std::string(object->text));
        return PickleValue(PickleValue::Bytes{std::string(object->text)});  // of Python 2
      case Kind::kBytes:
        return PickleValue(PickleValue::Bytes{std::string(object->text)});
      case Kind::kList:
        return PickleValue(PickleValue::List{items(object)});
      case Kind::kTuple:
        return PickleValue(PickleValue::Tuple{items(object)});
      case Kind::kDict:
        return PickleValue(dict(object));
      default:
        return PickleValue(tensor(object));
    }
  }

 private:
  std::vector<PickleValue> items(const Object* object) {
    std::vector<PickleValue> values;
    values.reserve(object->items.size());
    for (const Object* item : object->items) values.push_back(convert(item));
    return values;
  }

  PickleValue::Dict dict(const Object* object) {
    PickleValue::Dict dict;
    dict.type_name = object->text;
    for (std::size_t i = 0; i < object->items.size(); i += 2) {
      PickleValue key = convert(object->items[i]);
      dict.entries.emplace_back(std::move(key), convert(object->items[i + 1]));
    }
    return dict;
  }

  PickleValue::Tensor tensor(const Object* object) {
    auto& known = tensors_[object];
    if (known == nullptr) known = std::make_shared<const HostTensor>(reader_.read(*object->tensor));
    return known;
  }

  pickle::TensorReader& reader_;
  std::unordered_map<const Object*, PickleValue::Tensor> tensors_;
};

PickleValue checked_value(const Object* root, StorageSource& source, const std::string& name,
                          const PickleLimits& limits, std::uint64_t file_bytes) {
  pickle::TensorReader reader(source, name, file_bytes);
  Check(reader, name, limits).run(root);
  return Converter(reader).convert(root);
}

PickleValue read_archive(const std::filesystem::path& path, const PickleLimits& limits) {
  ZipReader zip(path);
  const std::string& name = zip.file_name();
  if (zip.entries().empty()) fail("{}: empty archive", name);
  const std::string& first = zip.entries().front().name;
  const std::string root = first.substr(0, first.find('/') + 1);
  const auto* record = zip.find(root + "data.pkl");
  if (record == nullptr) fail("{}: no data.pkl in it: a zip archive, but not one of torch.save", name);
  if (zip.find(root + "constants.pkl") != nullptr)
    fail("{}: a TorchScript program, which holds code; save the model's state_dict() instead", name);
  if (record->size > limits.max_pickle_bytes)
    fail("{}: refused: data.pkl of {} bytes, limit {}", name, record->size, limits.max_pickle_bytes);
  if (const auto* order = zip.find(root + "byteorder"); order != nullptr && order->size <= 16) {
    std::string text(order->size, '\0');
    zip.read(*order, std::as_writable_bytes(std::span(text)));
    if (text != "little") fail("{}: refused: byte order '{}'", name, printable(text));
  }
  std::string program(record->size, '\0');
  zip.read(*record, std::as_writable_bytes(std::span(program)));
  pickle::Unpickler unpickler(program, name, limits);
  const Object* object = unpickler.run();
  if (unpickler.position() != program.size()) fail("{}: bytes behind the end of its pickle", name);
  ArchiveSource source(zip, root);
  for (const auto& [key, storage] : unpickler.storages()) {
    const std::uint64_t item = dtype_size(storage->tensor->dtype);
    const std::uint64_t bytes = source.size(key);
    if (bytes % item != 0 || bytes / item != storage->tensor->storage_numel)
      fail("{}: storage '{}' says {} elements of {} bytes, its record has {} bytes", name, printable(key),
           storage->tensor->storage_numel, item, bytes);
  }
  return checked_value(object, source, name, limits, std::filesystem::file_size(path));
}

/// A pickle that has no storages: numpy arrays carry their own bytes.
class NoSource : public StorageSource {
 public:
  explicit NoSource(const std::string& name) : name_(name) {}
  std::uint64_t size(const std::string&) override { fail("{}: refused: torch storages in a plain pickle", name_); }
  void read(const std::string& key, std::span<std::byte>) override { size(key); }

 private:
  const std::string& name_;
};

PickleValue read_plain(const std::filesystem::path& path, const PickleLimits& limits) {
  const std::string name = path.string();
  const std::vector<std::byte> bytes = read_file(path, limits.max_file_bytes);
  const std::string_view program = text_of(bytes);
  if (pickle::is_legacy_torch(program)) {
    pickle::LegacyTorchFile file(program, name, limits);
    return checked_value(file.object(), file, name, limits, bytes.size());
  }
  pickle::Unpickler unpickler(program, name, limits);
  const Object* object = unpickler.run();
  if (unpickler.position() != program.size()) fail("{}: bytes behind the end of the pickle", name);
  NoSource source(name);
  return checked_value(object, source, name, limits, bytes.size());
}

}  // namespace

bool is_zip_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  char magic[4] = {};
  return static_cast<bool>(stream.read(magic, sizeof(magic))) && std::memcmp(magic, "PK\x03\x04", sizeof(magic)) == 0;
}

PickleValue read_pickle_file(const std::filesystem::path& path, const PickleLimits& limits) {
  return is_zip_file(path) ? read_archive(path, limits) : read_plain(path, limits);
}

}  // namespace soco
