// SPDX-License-Identifier: MIT
#include "soco/checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "soco/base/atomic_file.h"
#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/hash.h"
#include "soco/base/json.h"

// Format: https://github.com/huggingface/safetensors#format
// 8 bytes little-endian header length, the header (a JSON object, padded with spaces), the data section.
namespace soco {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are written as they lie in memory");

constexpr std::uint64_t kAlignment = 64;  // a cache line; upstream promises 8
constexpr int kMaxHeaderDepth = 3;        // header, a tensor's entry, its lists
constexpr std::size_t kChunk = 4u << 20;
constexpr const char* kMetadataKey = "__metadata__";

struct DTypeName {
  DType dtype;
  std::string_view name;
};
constexpr std::array<DTypeName, 10> kDTypeNames{{{DType::kFloat64, "F64"},
                                                 {DType::kFloat32, "F32"},
                                                 {DType::kFloat16, "F16"},
                                                 {DType::kBFloat16, "BF16"},
                                                 {DType::kInt64, "I64"},
                                                 {DType::kInt32, "I32"},
                                                 {DType::kInt16, "I16"},
                                                 {DType::kInt8, "I8"},
                                                 {DType::kUInt8, "U8"},
                                                 {DType::kBool, "BOOL"}}};

std::string_view name_from_dtype(DType dtype) {
  for (const DTypeName& row : kDTypeNames)
    if (row.dtype == dtype) return row.name;
  fail("element type {} has no name in safetensors", static_cast<int>(dtype));
}

std::string header_checksum(const Json& header) { return hash128(bytes_of(header.dump())).hex(); }

// ---- writing ----

/// Order of the tensors in the data section: widest elements first, so that each begins at a multiple of its width.
std::vector<std::size_t> data_order(const StateDict& tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto& entries = tensors.entries();
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return dtype_size(entries[a].second.dtype) > dtype_size(entries[b].second.dtype);
  });
  return order;
}

std::string make_header(const StateDict& tensors, const std::vector<std::size_t>& order,
                        const std::map<std::string, std::string>& metadata) {
  const auto& entries = tensors.entries();
  std::vector<std::uint64_t> begin(entries.size());
  std::uint64_t offset = 0;
  for (const std::size_t index : order) {
    begin[index] = offset;
    offset += entries[index].second.data.size();
  }
  Json header = Json::object();
  header[kMetadataKey] = metadata;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& [name, tensor] = entries[i];
    if (name == kMetadataKey) fail("a tensor must not be named '{}': the format keeps that key for metadata", name);
    header[name] = {{"dtype", name_from_dtype(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {begin[i], begin[i] + tensor.data.size()}}};
  }
  header[kMetadataKey][kHeaderChecksumKey] = header_checksum(header);
  return header.dump();  // throws on text that is not UTF-8
}

std::string padded_header(const std::filesystem::path& path, const StateDict& tensors,
                          const std::vector<std::size_t>& order, const std::map<std::string, std::string>& metadata) {
  std::string text;
  try {
    text = make_header(tensors, order, metadata);
  } catch (const Json::exception& error) {
    fail("{}: names and metadata must be UTF-8 text: {}", path.string(), error.what());
  }
  const std::uint64_t end = sizeof(std::uint64_t) + text.size();
  text.append((kAlignment - end % kAlignment) % kAlignment, ' ');
  if (text.size() > kMaxSafetensorsHeader)
    fail("{}: header of {} bytes, the format allows {}", path.string(), text.size(), kMaxSafetensorsHeader);
  return text;
}

// ---- reading ----

struct TensorRange {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // in the data section
};

struct ParsedHeader {
  std::vector<TensorRange> tensors;  // in the order of the keys
  std::map<std::string, std::string> metadata;
  std::uint64_t data_offset = 0;  // in the file
  std::uint64_t data_size = 0;
};

/// One open file, its name for messages, and its size.
class Source {
 public:
  explicit Source(const std::filesystem::path& path) : name_(path.string()) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) fail("{}: no such file", name_);
    if (!std::filesystem::is_regular_file(path, error)) fail("{}: not a regular file", name_);
    size_ = std::filesystem::file_size(path, error);
    if (error) fail("{}: {}", name_, error.message());
    stream_.open(path, std::ios::binary);
    if (!stream_) fail("{}: cannot be opened for reading", name_);
  }

  void read(void* to, std::uint64_t num_bytes) {
    stream_.read(static_cast<char*>(to), static_cast<std::streamsize>(num_bytes));
    if (static_cast<std::uint64_t>(stream_.gcount()) != num_bytes)
      fail("{}: reading stopped after {} of {} bytes", name_, stream_.gcount(), num_bytes);
  }

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }

 private:
  std::string name_;
  std::uint64_t size_ = 0;
  std::ifstream stream_;
};

std::uint64_t unsigned_from_json(const Json& value, const std::string& name, const std::string& key) {
  if (!value.is_number_unsigned()) fail("{}: tensor '{}': shape and data_offsets must be whole numbers", name, key);
  return value.get<std::uint64_t>();
}

DType dtype_from_json(const Json& value, const std::string& name, const std::string& key) {
  if (!value.is_string()) fail("{}: tensor '{}': dtype must be a string", name, key);
  const auto& text = value.get_ref<const std::string&>();
  for (const DTypeName& row : kDTypeNames)
    if (row.name == text) return row.dtype;
  fail("{}: tensor '{}': element type '{}' is not supported", name, key, text);
}

/// Number of bytes that dtype and shape ask for; an error when that leaves 64 bits.
std::uint64_t checked_bytes(const TensorRange& range, const std::string& name) {
  std::uint64_t bytes = dtype_size(range.dtype);
  for (const std::int64_t length : range.shape)
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(length), &bytes))
      fail("{}: tensor '{}': shape too large", name, range.name);
  return bytes;
}

TensorRange range_from_json(const std::string& key, const Json& entry, const std::string& name) {
  const bool complete = entry.is_object() && entry.size() == 3 && entry.contains("dtype") && entry.contains("shape") &&
                        entry.contains("data_offsets") && entry["shape"].is_array() &&
                        entry["data_offsets"].is_array() && entry["data_offsets"].size() == 2;
  if (!complete) fail("{}: tensor '{}': expected exactly dtype, shape and two data_offsets", name, key);
  TensorRange range;
  range.name = key;
  range.dtype = dtype_from_json(entry["dtype"], name, key);
  for (const Json& length : entry["shape"]) {
    const std::uint64_t value = unsigned_from_json(length, name, key);
    if (value > static_cast<std::uint64_t>(INT64_MAX)) fail("{}: tensor '{}': shape too large", name, key);
    range.shape.push_back(static_cast<std::int64_t>(value));
  }
  range.begin = unsigned_from_json(entry["data_offsets"][0], name, key);
  range.end = unsigned_from_json(entry["data_offsets"][1], name, key);
  if (range.begin > range.end) fail("{}: tensor '{}': data_offsets run backwards", name, key);
  const std::uint64_t bytes = checked_bytes(range, name);
  if (range.end - range.begin != bytes)
    fail("{}: tensor '{}': dtype and shape need {} bytes, data_offsets give {}", name, key, bytes,
         range.end - range.begin);
  return range;
}

std::map<std::string, std::string> metadata_from_json(const Json& entry, const std::string& name) {
  std::map<std::string, std::string> metadata;
  if (!entry.is_object()) fail("{}: {} must be an object of strings", name, kMetadataKey);
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) fail("{}: {} must hold strings only, '{}' is not one", name, kMetadataKey, key);
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

/// A file with our data checksum has our header checksum too, so that damage to its very name is seen; and its header's
/// text is what we write, so that damage is seen which leaves the meaning as it was, such as a blank turned into a tab.
void check_header_checksum(Json json, std::string_view text, const std::string& name) {
  Json& metadata = json[kMetadataKey];
  if (!metadata.contains(kChecksumKey) && !metadata.contains(kHeaderChecksumKey)) return;
  if (!metadata.contains(kChecksumKey) || !metadata.contains(kHeaderChecksumKey))
    fail("{}: the header is damaged: one of its two checksums is missing", name);
  if (text.substr(0, text.find_last_not_of(' ') + 1) != json.dump())
    fail("{}: the header is damaged: it has its checksums, but not the form they are written in", name);
  const std::string expected = metadata[kHeaderChecksumKey].get<std::string>();
  metadata.erase(kHeaderChecksumKey);
  const std::string actual = header_checksum(json);
  if (expected != actual) fail("{}: the header is damaged: its checksum is {}, it says {}", name, actual, expected);
}

std::vector<const TensorRange*> by_offset(const ParsedHeader& header) {
  std::vector<const TensorRange*> order;
  for (const TensorRange& range : header.tensors) order.push_back(&range);
  std::stable_sort(order.begin(), order.end(), [](const TensorRange* a, const TensorRange* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  return order;
}

void check_coverage(const ParsedHeader& header, const std::string& name) {
  std::uint64_t position = 0;
  for (const TensorRange* range : by_offset(header)) {
    if (range->begin > position)
      fail("{}: {} bytes before tensor '{}' belong to none", name, range->begin - position, range->name);
    if (range->begin < position) fail("{}: tensor '{}' overlaps the one before it", name, range->name);
    position = range->end;
  }
  if (position > header.data_size)
    fail("{}: the tensors need {} bytes of data, the file has {}: it is truncated or damaged", name, position,
         header.data_size);
  if (position < header.data_size) fail("{}: {} bytes behind the last tensor", name, header.data_size - position);
}

ParsedHeader read_header(Source& source) {
  const std::string& name = source.name();
  std::uint64_t length = 0;
  if (source.size() < sizeof(length) + 2) fail("{}: {} bytes are too few for a safetensors file", name, source.size());
  source.read(&length, sizeof(length));
  if (length > kMaxSafetensorsHeader || length > source.size() - sizeof(length))
    fail("{}: header of {} bytes in a file of {}: not safetensors, truncated or damaged", name, length, source.size());
  std::string text(length, '\0');
  source.read(text.data(), length);
  if (text.empty() || text.front() != '{')
    fail("{}: the header does not start with '{{': not safetensors or damaged", name);
  // JSON has no NUL, but the parser takes one for the end of the text and would not see what is behind it.
  if (text.find('\0') != std::string::npos) fail("{}: the header holds a zero byte: damaged", name);

  ParsedHeader header;
  header.data_offset = sizeof(length) + length;
  header.data_size = source.size() - header.data_offset;
  const Json json = parse_json(text, name, kMaxHeaderDepth);  // refuses duplicate keys
  for (const auto& [key, entry] : json.items()) {
    if (key == kMetadataKey)
      header.metadata = metadata_from_json(entry, name);
    else
      header.tensors.push_back(range_from_json(key, entry, name));
  }
  if (json.contains(kMetadataKey)) check_header_checksum(json, text, name);
  check_coverage(header, name);
  return header;
}

void check_checksum(const ParsedHeader& header, const Hasher128& hasher, const std::string& name) {
  const auto found = header.metadata.find(kChecksumKey);
  if (found == header.metadata.end()) return;
  const std::string actual = hasher.digest().hex();
  if (found->second != actual)
    fail("{}: data is damaged: its checksum is {}, the header says {}", name, actual, found->second);
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<std::size_t> order = data_order(tensors);
  const auto& entries = tensors.entries();
  Hasher128 hasher;
  for (const std::size_t index : order) hasher.update(entries[index].second.data);
  std::map<std::string, std::string> all = metadata;
  all.erase(kHeaderChecksumKey);  // of the file that the metadata may come from
  all["format"] = "pt";
  all[kChecksumKey] = hasher.digest().hex();
  const std::string header = padded_header(path, tensors, order, all);

  AtomicFile file(path);
  const std::uint64_t length = header.size();
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const std::size_t index : order) file.write(std::span<const std::byte>(entries[index].second.data));
  file.commit();
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  Source source(path);
  const ParsedHeader header = read_header(source);
  // Coverage was checked, so the sum of these sizes is the size of the file's data section.
  std::map<std::string_view, HostTensor> loaded;
  Hasher128 hasher;
  for (const TensorRange* range : by_offset(header)) {
    HostTensor tensor{range->dtype, range->shape, std::vector<std::byte>(range->end - range->begin)};
    source.read(tensor.data.data(), tensor.data.size());
    hasher.update(tensor.data);
    loaded.emplace(range->name, std::move(tensor));
  }
  check_checksum(header, hasher, source.name());
  SafetensorsFile file;
  for (const TensorRange& range : header.tensors) file.tensors.add(range.name, std::move(loaded.at(range.name)));
  file.metadata = header.metadata;
  return file;
}

std::map<std::string, std::string> verify_safetensors(const std::filesystem::path& path) {
  Source source(path);
  ParsedHeader header = read_header(source);
  Hasher128 hasher;
  std::vector<std::byte> chunk(std::min<std::uint64_t>(kChunk, header.data_size));
  for (std::uint64_t done = 0; done < header.data_size;) {
    const std::uint64_t count = std::min<std::uint64_t>(chunk.size(), header.data_size - done);
    source.read(chunk.data(), count);
    hasher.update(std::span(chunk).first(count));
    done += count;
  }
  check_checksum(header, hasher, source.name());
  return std::move(header.metadata);
}

}  // namespace soco
