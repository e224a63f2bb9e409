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

void JpegHuffman::Table::build(const JHUFF_TBL& table, bool dc) {
  entries.fill({});
  std::copy(std::begin(table.huffval), std::end(table.huffval), symbols.begin());
  std::uint32_t code = 0;
  int symbol = 0;
  for (int length = 1; length <= kLongest; ++length, code <<= 1) {
    offset[static_cast<std::size_t>(length)] = symbol - static_cast<int>(code);
    for (int i = 0; i < table.bits[length]; ++i, ++code, ++symbol) {
      if (length > kBits) continue;
      const int run = dc ? 0 : symbols[static_cast<std::size_t>(symbol)] >> 4;
      const int width = symbols[static_cast<std::size_t>(symbol)] & 15;
      const bool last = !dc && width == 0 && run < 15;
      const int spare = kBits - length;  // bits of an entry's index behind the code
      for (std::uint32_t behind = 0; behind < 1U << spare; ++behind) {
        Entry& entry = entries[(code << spare) + behind];
        const bool whole = width <= spare;
        entry.first = narrow<std::int16_t>(whole ? extended(narrow<int>(behind >> (spare - width)), width) : width);
        entry.zeros = narrow<std::uint8_t>(last ? 0 : run) & 15;
        entry.second_at = narrow<std::uint8_t>(last ? 0 : run + 1);
        entry.advance = !whole ? kNotWhole : last ? kEndOfBlock : narrow<std::uint8_t>(run + 1);
        entry.bits = narrow<std::uint8_t>(whole ? length + width : length);
        entry.first_bits = entry.bits & 15;
      }
    }
    end[static_cast<std::size_t>(length)] = code << (kLongest - length);
  }
  if (dc) return;
  // Two at once, where the second is whole too.
  const auto single = entries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry& entry = entries[i];
    if (entry.advance == kNotWhole || entry.advance == kEndOfBlock) continue;
    const Entry& second = single[(i << entry.bits) % entries.size()];
    if (second.advance == kNotWhole || entry.bits + second.bits > kBits) continue;
    entry.second = second.first;
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
    if (!std::exchange(dc_built[dc], true)) dc_[dc].build(*info.dc_huff_tbl_ptrs[dc], /*dc=*/true);
    if (!std::exchange(ac_built[ac], true)) ac_[ac].build(*info.ac_huff_tbl_ptrs[ac], /*dc=*/false);
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
  if (width == 0) return 0;
  const int bits = static_cast<int>(peek(width));
  consume(width);
  return extended(bits, width);
}

inline int JpegHuffman::Table::long_code(Bits& bits) const {
  const std::uint32_t ahead = bits.peek(kLongest);
  for (int length = kBits + 1; length <= kLongest; ++length) {
    if (ahead >= end[static_cast<std::size_t>(length)]) continue;
    bits.consume(length);
    const int at = static_cast<int>(ahead >> (kLongest - length)) + offset[static_cast<std::size_t>(length)];
    return symbols[static_cast<std::size_t>(at & 255)];
  }
  return -1;
}

// A coefficient whose code or number is longer than an entry's bits; moves k behind it. False for no code.
inline bool JpegHuffman::decode_long(const Table& table, const Entry& entry, Bits& bits, JCOEF* coefficients, int& k) {
  bits.consume(entry.bits);
  int width = entry.first, zeros = entry.zeros;
  if (entry.bits == 0) {
    const int symbol = table.long_code(bits);
    if (symbol < 0) return false;
    width = symbol & 15;
    zeros = width == 0 && symbol >> 4 < 15 ? kEndOfBlock : symbol >> 4;
  }
  const int value = bits.receive(width);
  if (zeros < kEndOfBlock) coefficients[kZigzag[static_cast<std::size_t>(k + zeros)]] = narrow<JCOEF>(value);
  k += zeros + 1;
  return true;
}

// One block of 64 coefficients, zero before. False when no whole file has such a one.
bool JpegHuffman::decode_block(const Block& block, JCOEF* coefficients) {
  Bits bits = bits_;  // here the compiler keeps them in registers
  bits.refill();      // a code and its number take at most 31 bits
  const Entry& first = block.dc->entries[bits.peek(kBits)];
  bits.consume(first.bits);
  int difference = first.first;
  if (first.advance == kNotWhole) {
    const int width = first.bits > 0 ? difference : block.dc->long_code(bits);
    if (width < 0) return false;
    difference = bits.receive(width & 15);
  }
  int k = 1;
  while (k < DCTSIZE2) {
    // The bits of four entries at once: what is read for each only waits for where the one before has ended.
    bits.refill();
    for (int i = 0; i < 4 && k < DCTSIZE2; ++i) {
      const Entry& entry = block.ac->entries[bits.peek(kBits)];
      if (entry.advance == kNotWhole) {
        bits.refill();
        if (!decode_long(*block.ac, entry, bits, coefficients, k)) return false;
        break;
      }
      const int first_at = k + entry.zeros;
      coefficients[kZigzag[static_cast<std::size_t>(first_at)]] = entry.first;
      coefficients[kZigzag[static_cast<std::size_t>(k + entry.second_at)]] = entry.second;
      bits.consume(entry.bits);
      k += entry.advance;
      if (first_at < DCTSIZE2 - 1 || k <= DCTSIZE2 || entry.advance == kEndOfBlock) continue;
      if (first_at >= DCTSIZE2) return false;
      bits.give_back(entry.bits - entry.first_bits);  // the first was the block's last, the second is the next block's
      k = DCTSIZE2;
    }
  }
  if (k > DCTSIZE2 && k < kEndOfBlock) return false;
  int& dc = last_dc_[static_cast<std::size_t>(block.component)];
  dc += difference;
  if (dc != static_cast<JCOEF>(dc)) return false;
  coefficients[0] = static_cast<JCOEF>(dc);
  bits_ = bits;
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
  for (int b = 0; b < num_blocks_; ++b) {
    if (!decode_block(blocks_[static_cast<std::size_t>(b)], blocks == nullptr ? passed_over : *blocks[b])) return false;
  }
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
