// SPDX-License-Identifier: MIT
#include "soco/base/protobuf.h"

#include <bit>

#include "soco/base/error.h"

namespace soco::protobuf {
namespace {

constexpr std::uint32_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_key(std::string& out, std::uint32_t field, std::uint32_t wire_type) {
  append_varint(out, field << 3 | wire_type);
}

std::uint64_t from_little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

}  // namespace

void append_integer(std::string& out, std::uint32_t field, std::int64_t value) {
  append_key(out, field, kVarint);
  append_varint(out, static_cast<std::uint64_t>(value));
}

void append_float(std::string& out, std::uint32_t field, float value) {
  append_key(out, field, kFixed32);
  append_little_endian(out, std::bit_cast<std::uint32_t>(value));
}

void append_double(std::string& out, std::uint32_t field, double value) {
  append_key(out, field, kFixed64);
  append_little_endian(out, std::bit_cast<std::uint64_t>(value));
}

void append_bytes_head(std::string& out, std::uint32_t field, std::uint64_t num_bytes) {
  append_key(out, field, kBytes);
  append_varint(out, num_bytes);
}

void append_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  append_bytes_head(out, field, bytes.size());
  out += bytes;
}

std::string_view Reader::take(std::uint64_t num_bytes) {
  if (num_bytes > rest_.size()) fail("a field of {} bytes where the message has {} left", num_bytes, rest_.size());
  const std::string_view taken = rest_.substr(0, num_bytes);
  rest_.remove_prefix(num_bytes);
  return taken;
}

std::uint64_t Reader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(take(1)[0]);
    if (shift == 63 && byte > 1) break;
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  fail("a number of more than 64 bits");
}

std::optional<Field> Reader::next() {
  if (rest_.empty()) return std::nullopt;
  const std::uint64_t key = varint();
  if (key >> 32 != 0) fail("a field number of more than 29 bits");
  Field field;
  field.number = static_cast<std::uint32_t>(key >> 3);
  switch (key & 7) {
    case kVarint:
      field.integer = varint();
      break;
    case kFixed64:
      field.integer = from_little_endian(take(8));
      break;
    case kBytes:
      field.bytes = take(varint());
      break;
    case kFixed32:
      field.integer = from_little_endian(take(4));
      break;
    default:
      fail("wire type {} is not in use", key & 7);
  }
  return field;
}

}  // namespace soco::protobuf
