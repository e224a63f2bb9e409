// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>

namespace soco::testing {

using std::string_literals::operator""s;

inline const std::string kProtocol = "\x80\x02";

/// So many bytes of a number, lowest first.
inline std::string little_endian(std::uint64_t value, int num_bytes) {
  std::string bytes;
  for (int i = 0; i < num_bytes; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

/// BINUNICODE.
inline std::string text(const std::string& value) { return "X" + little_endian(value.size(), 4) + value; }

/// BININT, and LONG1 of eight bytes.
inline std::string int4(std::uint32_t value) { return "J" + little_endian(value, 4); }
inline std::string int8(std::uint64_t value) { return "\x8a\x08" + little_endian(value, 8); }

/// What stands for a storage: ('storage', torch.<type>, key, 'cpu', number of elements).
inline std::string storage(const std::string& numel, const std::string& type = "FloatStorage",
                           const std::string& key = "0") {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + numel + "tQ";
}

/// The program of one tensor in storage "0": what torch.save writes, with every number free to lie.
inline std::string float_tensor(const std::string& numel, const std::string& offset, const std::string& sizes,
                                const std::string& strides, const std::string& type = "FloatStorage") {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage(numel, type) + offset + "(" + sizes + "t(" + strides +
         "t\x89" + "ccollections\nOrderedDict\n)RtR";
}

}  // namespace soco::testing
