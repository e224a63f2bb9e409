// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "soco/base/error.h"

namespace soco {

/// Appends numbers, texts and arrays of plain values; ByteReader takes them in the same order. For files that stay on
/// the machine that wrote them: byte order and layout are its own.
class ByteWriter {
 public:
  void number(std::uint64_t value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
  }
  template <class T>
  void array(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    text({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Errors of every method: the bytes end before the value does.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view text() { return take(number()); }
  template <class T>
  std::vector<T> array() {
    const std::string_view part = text();
    if (part.size() % sizeof(T) != 0) fail("image index: a part of {} bytes: damaged", part.size());
    std::vector<T> values(part.size() / sizeof(T));
    if (!values.empty()) std::memcpy(static_cast<void*>(values.data()), part.data(), part.size());
    return values;
  }
  std::string_view rest() { return take(bytes_.size()); }
  void finish() const {
    if (!bytes_.empty()) fail("image index: {} bytes too many: damaged", bytes_.size());
  }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) fail("image index: ends early: damaged");
    const std::string_view part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }
  std::string_view bytes_;
};

}  // namespace soco
