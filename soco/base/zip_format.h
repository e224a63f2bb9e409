// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

/// Numbers of the zip format. Source: PKWARE APPNOTE 6.3.10, sections 4.3 (records), 4.4 (fields), 4.5 (extra fields).
namespace soco::zip_format {

inline constexpr std::uint32_t kLocalSignature = 0x04034b50;
inline constexpr std::uint32_t kDirectorySignature = 0x02014b50;
inline constexpr std::uint32_t kEndSignature = 0x06054b50;
inline constexpr std::uint32_t kZip64EndSignature = 0x06064b50;
inline constexpr std::uint32_t kZip64LocatorSignature = 0x07064b50;

inline constexpr std::uint64_t kLocalHeaderSize = 30;
inline constexpr std::uint64_t kDirectoryEntrySize = 46;
inline constexpr std::uint64_t kEndSize = 22;  // without the comment
inline constexpr std::uint64_t kMaxCommentSize = 0xFFFF;
inline constexpr std::uint64_t kZip64EndSize = 56;
inline constexpr std::uint64_t kZip64LocatorSize = 20;

inline constexpr std::uint64_t kMax16 = 0xFFFF;      // in a 16-bit field: see the zip64 record
inline constexpr std::uint64_t kMax32 = 0xFFFFFFFF;  // in a 32-bit field: see the zip64 field

inline constexpr std::uint16_t kVersionPlain = 20;
inline constexpr std::uint16_t kVersionZip64 = 45;
inline constexpr std::uint16_t kFlagEncrypted = 0x0001;
inline constexpr std::uint16_t kFlagUtf8 = 0x0800;
inline constexpr std::uint16_t kMethodStored = 0;
inline constexpr std::uint16_t kMethodDeflated = 8;
inline constexpr std::uint16_t kNoDate = 0x0021;  // 1980-01-01, the earliest that the format can say
inline constexpr std::uint16_t kExtraZip64 = 0x0001;
inline constexpr std::uint16_t kExtraPadding = 0x4246;  // "FB", as PyTorch's writer has it
inline constexpr std::uint64_t kDataAlignment = 64;     // PyTorch maps records into memory at this boundary

}  // namespace soco::zip_format
