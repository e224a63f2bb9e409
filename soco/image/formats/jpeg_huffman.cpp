// SPDX-License-Identifier: MIT
#include "soco/image/formats/jpeg_huffman.h"

#include <jerror.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#if !defined(LIBJPEG_TURBO_VERSION)
#error "soco reads JPEG with libjpeg-turbo: install its headers (Debian: libjpeg62-turbo-dev)"
#endif
#include <jpegint.h>

namespace soco::formats {
namespace {

// Where the n-th coefficient of a block in zigzag order lies (ITU T.81, figure 5); behind the last at that of the DC
// value, which is written last.
constexpr std::array<std::uint8_t, DCTSIZE2 + 32> kZigzag = [] {
  std::array<std::uint8_t, DCTSIZE2 + 32> order{};
  int x = 0, y = 0;
  for (int n = 0; n < DCTSIZE2; ++n) {
    order[static_cast<std::size_t>(n)] = static_cast<std::uint8_t>(y * DCTSIZE + x);
    const bool up = (x + y) % 2 == 0;
    if (up ? x == DCTSIZE - 1 : y == DCTSIZE - 1) {
      (up ? y : x) += 1;
    } else if (up ? y == 0 : x == 0) {
      (up ? x : y) += 1;
    } else {
      x += up ? 1 : -1;
      y += up ? -1 : 1;
    }
  }
  return order;
}();

template <class To>
constexpr To narrow(auto value) {
  return static_cast<To>(value);
}

constexpr std::uint8_t kMarker = 0xff, kFirstRestart = 0xd0, kEndOfImage = 0xd9;

constexpr int kNoDifference = 1 << 16;

int extended(int bits, int width) { return width > 0 && bits < 1 << (width - 1) ? bits - (1 << width) + 1 : bits; }

// A block that is not one, of zeros behind the data, has at most 64 codes and numbers of 31 bits, and refill() looks
// ahead.
constexpr std::size_t kPadding = DCTSIZE2 * 4 + 16;

std::uint64_t big_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap64(value);
  return value;
}

}  // namespace

template <class ShortCode>
void JpegHuffman::LongCodes::build(const JHUFF_TBL& table, int known, ShortCode short_code) {
  std::copy(std::begin(table.huffval), std::end(table.huffval), symbols.begin());
  std::uint32_t code = 0;
  int at = 0;
  for (int length = 1; length <= kLongest; ++length, code <<= 1) {
    offset[static_cast<std::size_t>(length)] = at - static_cast<int>(code);
    for (int i = 0; i < table.bits[length]; ++i, ++code, ++at) {
      if (length <= known) short_code(code, length, symbols[static_cast<std::size_t>(at)]);
    }
    end[static_cast<std::size_t>(length)] = code << (kLongest - length);
  }
}

void JpegHuffman::DcTable::build(const JHUFF_TBL& table) {
  entries.fill({});
  long_codes.build(table, kBits, [&](std::uint32_t code, int length, int symbol) {
    const int width = symbol & 15, spare = kBits - length;
    std::fill_n(&entries[code << spare], 1 << spare,
                Entry{narrow<std::uint8_t>(length + width), narrow<std::uint8_t>(width)});
  });
}

void JpegHuffman::AcTable::build(const JHUFF_TBL& table) {
  entries.fill({});
  first_bits.fill(0);
  long_codes.build(table, kBits, [&](std::uint32_t code, int length, int symbol) {
    const int run = symbol >> 4, width = symbol & 15;
    const bool last = width == 0 && run < 15;
    const int spare = kBits - length;  // bits of an entry's index behind the code
    const int unseen = std::max(0, width - spare);
    const bool signed_here = spare > 0 || width == 0;
    for (std::uint32_t behind = 0; behind < 1U << spare; ++behind) {
      Entry& entry = entries[(code << spare) + behind];
      entry.zeros = narrow<std::uint8_t>(last ? 0 : run);
      if (!signed_here || length + width > kMostBits) {
        entry.first = narrow<std::int16_t>(width);
        entry.bits = narrow<std::uint8_t>(length);
        continue;
      }
      const auto number = narrow<int>(unseen > 0 ? behind << unseen : behind >> (spare - width));
      entry.first = narrow<std::int16_t>(extended(number, width));
      entry.unseen = narrow<std::uint8_t>(63 - unseen);
      entry.second_at = narrow<std::uint8_t>(last ? 0 : run + 1);
      entry.advance = last ? kEndOfBlock : entry.second_at;
      entry.bits = first_bits[(code << spare) + behind] = narrow<std::uint8_t>(length + width);
    }
  });
  // Two at once, where the second is whole too.
  const auto single = entries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry& entry = entries[i];
    if (entry.advance == kNotWhole || entry.advance == kEndOfBlock || entry.bits >= kBits) continue;
    const Entry& second = single[(i << entry.bits) % entries.size()];
    if (second.advance == kNotWhole || entry.bits + second.bits > kBits) continue;
    if (second.first != narrow<std::int8_t>(second.first)) continue;
    entry.second = narrow<std::int8_t>(second.first);
    entry.second_at = narrow<std::uint8_t>(entry.advance + second.zeros);
    entry.advance = narrow<std::uint8_t>(entry.advance + second.advance);
    entry.bits = narrow<std::uint8_t>(entry.bits + second.bits);
  }
}

bool JpegHuffman::take_over(jpeg_decompress_struct& info) {
  if (info.progressive_mode || info.arith_code || info.comps_in_scan != info.num_components) return false;
  if (info.Ss != 0 || info.Se != DCTSIZE2 - 1 || info.Ah != 0 || info.Al != 0) return false;  // lossless, or damaged
  std::array<bool, NUM_HUFF_TBLS> dc_built{}, ac_built{};
  for (int c = 0; c < info.comps_in_scan; ++c) {
    const jpeg_component_info& component = *info.cur_comp_info[c];
    const auto dc = static_cast<std::size_t>(component.dc_tbl_no), ac = static_cast<std::size_t>(component.ac_tbl_no);
    if (!std::exchange(dc_built[dc], true)) dc_[dc].build(*info.dc_huff_tbl_ptrs[dc]);
    if (!std::exchange(ac_built[ac], true)) ac_[ac].build(*info.ac_huff_tbl_ptrs[ac]);
  }
  num_blocks_ = info.blocks_in_MCU;
  for (int b = 0; b < num_blocks_; ++b) {
    const int c = info.MCU_membership[b];
    const jpeg_component_info& component = *info.cur_comp_info[c];
    blocks_[static_cast<std::size_t>(b)] = {&dc_[static_cast<std::size_t>(component.dc_tbl_no)],
                                            &ac_[static_cast<std::size_t>(component.ac_tbl_no)], c};
  }
  end_ = info.src->next_input_byte + info.src->bytes_in_buffer;
  if (scratch_.size() < info.src->bytes_in_buffer + kPadding) scratch_.resize(info.src->bytes_in_buffer + kPadding);
  data_ = scratch_.data();
  begin_interval(info.src->next_input_byte);
  mcus_left_ = std::int64_t{info.MCUs_per_row} * info.MCU_rows_in_scan;
  interval_ = left_in_interval_ = info.restart_interval;
  info.client_data = this;
  info.entropy->decode_mcu = decode_mcu;
  return true;
}

// Takes the data up to the next marker.
void JpegHuffman::begin_interval(const std::uint8_t* at) {
  std::uint8_t* out = data_;
  for (marker_ = end_; at < end_;) {
    const auto* found = static_cast<const std::uint8_t*>(std::memchr(at, kMarker, static_cast<std::size_t>(end_ - at)));
    const bool stuffed = found != nullptr && end_ - found >= 2 && found[1] == 0;
    const std::uint8_t* until = found == nullptr ? end_ : stuffed ? found + 1 : found;
    out = std::copy(at, until, out);
    at = until + 1;
    if (stuffed) continue;
    marker_ = until;
    break;
  }
  num_bits_ = (out - data_) * 8;
  std::fill_n(out, kPadding, std::uint8_t{0});
  bits_ = {.next = data_};
  last_dc_.fill(0);
}

// Whether its data are used up but for less than a byte, and that marker follows.
bool JpegHuffman::interval_ends_with(unsigned marker) const {
  const std::int64_t left = num_bits_ - ((bits_.next - data_) * 8 - bits_.count);
  return left >= 0 && left < 8 && end_ - marker_ >= 2 && marker_[1] == marker;
}

inline void JpegHuffman::Bits::refill() {
  ahead |= big_endian(next) >> count;
  next += (63 - count) >> 3;
  count |= 56;
}

inline void JpegHuffman::Bits::give_back(int width) {
  const int whole = (count + width + 7) >> 3;  // bytes
  const int behind = whole * 8 - (count + width);
  *this = {.next = next - whole};
  refill();
  consume(behind);
}

inline int JpegHuffman::Bits::receive(int width) {
  const auto number = static_cast<std::uint32_t>(ahead >> 1 >> (63 - width));
  const auto negative = static_cast<std::uint32_t>(~(static_cast<std::int64_t>(ahead) >> 63));  // all ones, or zero
  consume(width);
  return static_cast<int>(number - (negative & ((1U << width) - 1)));  // no branch: its sign cannot be foreseen
}

inline int JpegHuffman::LongCodes::read(Bits& bits, int known) const {
  const std::uint32_t ahead = bits.peek(kLongest);
  for (int length = known + 1; length <= kLongest; ++length) {
    if (ahead >= end[static_cast<std::size_t>(length)]) continue;
    bits.consume(length);
    const int at = static_cast<int>(ahead >> (kLongest - length)) + offset[static_cast<std::size_t>(length)];
    return symbols[static_cast<std::size_t>(at & 255)];
  }
  return -1;
}

// Of a block's first value from that of the component's block before; kNoDifference for no code.
inline int JpegHuffman::read_difference(const DcTable& table, Bits& bits) {
  const DcTable::Entry entry = table.entries[bits.peek(DcTable::kBits)];
  if (entry.bits == 0) {
    const int width = table.long_codes.read(bits, DcTable::kBits);
    return width < 0 ? kNoDifference : bits.receive(width & 15);
  }
  Bits number = bits;
  number.consume(entry.bits - entry.width);
  bits.consume(entry.bits);
  return number.receive(entry.width);
}

// A coefficient whose code or number is too long for an entry. Gives the place behind it, or behind the block where it
// ends; null for what is not a block's.
inline const std::uint8_t* JpegHuffman::read_long(const AcTable& table, const AcTable::Entry& entry, Bits& bits,
                                                  const std::uint8_t* at, JCOEF* coefficients) {
  const std::uint8_t* const end = &kZigzag[DCTSIZE2];
  bits.consume(entry.bits);
  int width = entry.first, zeros = entry.zeros;
  if (entry.bits == 0) {
    const int symbol = table.long_codes.read(bits, AcTable::kBits);
    if (symbol < 0) return nullptr;
    width = symbol & 15;
    zeros = symbol >> 4;
    if (width == 0 && zeros < 15) return end;
  }
  at += zeros;
  coefficients[*at] = narrow<JCOEF>(bits.receive(width));
  return at < end ? at + 1 : nullptr;
}

// One block of 64 coefficients, zero before. False when no whole file has such a one. Inlined, so that a unit's blocks
// share the registers that hold the bits.
[[gnu::always_inline]] inline bool JpegHuffman::decode_block(const Block& block, Bits& bits, JCOEF* coefficients) {
  bits.refill();  // a code and its number take at most 31 bits
  const int difference = read_difference(*block.dc, bits);
  if (difference == kNoDifference) return false;
  const auto& entries = block.ac->entries;
  const AcTable::Entry* entry = nullptr;
  const std::uint8_t* at = &kZigzag[1];  // the place of the coefficient whose turn it is
  const std::uint8_t* const end = &kZigzag[DCTSIZE2];
  while (at < end) {
    // The bits of four entries at once: what is read for each only waits for where the one before has ended.
    bits.refill();
    for (int i = 0; i < 4 && at < end; ++i) {
      entry = &entries[bits.peek(AcTable::kBits)];
      if (entry->advance == AcTable::kNotWhole) {
        bits.refill();
        at = read_long(*block.ac, *entry, bits, at, coefficients);
        if (at == nullptr) return false;
        break;
      }
      const std::uint64_t unseen = (bits.ahead << AcTable::kBits >> 1) >> entry->unseen;
      coefficients[at[entry->zeros]] = narrow<JCOEF>(entry->first + narrow<int>(unseen));
      coefficients[at[entry->second_at]] = entry->second;
      bits.consume(entry->bits);
      at += entry->advance;
    }
  }
  if (at > end) {
    const std::uint8_t* const first = at - entry->advance + entry->zeros;
    if (first >= end) return false;
    if (first == end - 1) {  // the block's last: a second is the next block's
      bits.give_back(entry->bits - block.ac->first_bits[static_cast<std::size_t>(entry - entries.data())]);
    } else if (entry->advance < AcTable::kEndOfBlock) {
      return false;
    }
  }
  int& dc = last_dc_[static_cast<std::size_t>(block.component)];
  dc += difference;
  if (dc != static_cast<JCOEF>(dc)) return false;
  coefficients[0] = static_cast<JCOEF>(dc);
  return (bits.next - data_) * 8 - bits.count <= num_bits_;
}

bool JpegHuffman::decode(jpeg_decompress_struct& info, JBLOCKROW* blocks) {
  if (mcus_left_ == 0) return false;
  if (interval_ > 0 && left_in_interval_-- == 0) {
    if (!interval_ends_with(kFirstRestart + next_restart_)) return false;
    begin_interval(marker_ + 2);
    next_restart_ = (next_restart_ + 1) % 8;
    left_in_interval_ = interval_ - 1;
  }
  JBLOCK passed_over;
  Bits bits = bits_;  // here the compiler keeps them in registers
  for (int b = 0; b < num_blocks_; ++b) {
    JCOEF* const coefficients = blocks == nullptr ? passed_over : *blocks[b];
    if (!decode_block(blocks_[static_cast<std::size_t>(b)], bits, coefficients)) return false;
  }
  bits_ = bits;
  if (--mcus_left_ > 0) return true;
  if (!interval_ends_with(kEndOfImage)) return false;
  info.src->next_input_byte = marker_;
  info.src->bytes_in_buffer = static_cast<std::size_t>(end_ - marker_);
  return true;
}

boolean JpegHuffman::decode_mcu(j_decompress_ptr info, JBLOCKROW* blocks) {
  auto* self = static_cast<JpegHuffman*>(info->client_data);
  if (self->decode(*info, blocks)) return TRUE;
  self->gave_up_ = true;
  ERREXIT(info, JERR_INPUT_EOF);  // leaves by the error handler's longjmp
  return FALSE;
}

}  // namespace soco::formats
