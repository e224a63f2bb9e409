// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Protobuf's wire format (protobuf.dev/programming-guides/encoding), as much as TensorBoard's events and ONNX need. A
/// message is its fields one after the other, appended to a string.
namespace soco::protobuf {

template <class T>
void append_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

void append_integer(std::string& out, std::uint32_t field, std::int64_t value);
void append_float(std::string& out, std::uint32_t field, float value);
void append_double(std::string& out, std::uint32_t field, double value);
/// A string, bytes, or a message.
void append_bytes(std::string& out, std::uint32_t field, std::string_view bytes);
/// The key and length of append_bytes without the bytes, which the caller puts behind them.
void append_bytes_head(std::string& out, std::uint32_t field, std::uint64_t num_bytes);

/// One field of a message.
struct Field {
  std::uint32_t number = 0;
  std::uint64_t integer = 0;  // varints, and the bits of 32- and 64-bit fields
  std::string_view bytes;     // strings and messages
};

/// Takes a message apart. The bytes must outlive the reader and its fields.
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}

  /// The next field, or nothing at the end. Errors: a field that does not end within the message, a varint of more than
  /// 64 bits, a wire type that is none of the four in use.
  std::optional<Field> next();

 private:
  std::uint64_t varint();
  std::string_view take(std::uint64_t num_bytes);
  std::string_view rest_;
};

}  // namespace soco::protobuf
