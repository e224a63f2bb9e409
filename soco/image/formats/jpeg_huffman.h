// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <cstdio>
// jpeglib.h needs FILE from cstdio before it.
#include <jpeglib.h>

#include <array>
#include <vector>

namespace soco::formats {

/// Decodes the Huffman codes of a baseline JPEG (ITU T.81) in libjpeg's place, in half of its time: codes and the
/// numbers behind them are looked up together, two coefficients at once where they are short. The rest (cosine
/// transform, chroma, colours) stays libjpeg's. Where the data are not those of a whole file it stops, for only libjpeg
/// says what such a file is worth: decode it again without.
///
/// Of libjpeg-turbo's insides this needs `jpeg_entropy_decoder`, as the library's own jpegint.h declares it.
class JpegHuffman {
 public:
  /// `scratch` is memory that the next picture's can use again.
  explicit JpegHuffman(std::vector<std::uint8_t>& scratch) : scratch_(scratch) {}

  /// Takes over a decompressor that jpeg_start_decompress() has returned from, reading from memory, and must outlive
  /// the decompressing. Returns false, and changes nothing, for what is not one interleaved baseline scan.
  bool take_over(jpeg_decompress_struct& info);

  /// Whether the data were not those of a whole file. libjpeg's error handler was called when they were met.
  bool gave_up() const { return gave_up_; }

 private:
  static constexpr int kLongest = 16;  // bits of a code

  // Where in an interval's data reading is.
  struct Bits {
    const std::uint8_t* next = nullptr;  // bytes not yet in `ahead`
    std::uint64_t ahead = 0;             // from the highest bit down
    int count = 0;                       // of them

    /// To 56 bits or more; reads eight bytes.
    void refill();
    std::uint32_t peek(int width) const { return static_cast<std::uint32_t>(ahead >> (64 - width)); }
    void consume(int width) {
      ahead <<= width;
      count -= width;
    }
    /// Takes back what was consumed last.
    void give_back(int width);
    /// Consumes a number of `width` bits (0 .. 15) and gives its value (ITU T.81, F.2.2.1, EXTEND).
    int receive(int width);
  };

  // The codes longer than a table's index: those of a length are below `end` (shifted to 16 bits) and count on from one
  // another.
  struct LongCodes {
    std::array<std::uint32_t, kLongest + 1> end;
    std::array<std::int32_t, kLongest + 1> offset;  // symbol's index - code
    std::array<std::uint8_t, 256> symbols;
    /// `short_code(code, length, symbol)` is told those of at most `known` bits.
    template <class ShortCode>
    void build(const JHUFF_TBL& table, int known, ShortCode short_code);
    /// Consumes a code longer than `known` bits and gives its symbol; -1 for none.
    int read(Bits& bits, int known) const;
  };

  // The tables are small: what they take of the first cache is missing elsewhere, and they are looked up at random.
  struct DcTable {
    static constexpr int kBits = 8;
    // The code that the next kBits bits begin with; 0 bits: it is longer.
    struct Entry {
      std::uint8_t bits = 0;   // of it and its number
      std::uint8_t width = 0;  // of the number
    };
    std::array<Entry, 1 << kBits> entries;
    LongCodes long_codes;
    void build(const JHUFF_TBL& table);
  };

  struct AcTable {
    static constexpr int kBits = 10;
    // What the next kBits bits begin with: one coefficient or, where they fit, two. Places are from the coefficient
    // whose turn it is, in zigzag order.
    struct Entry {
      std::int16_t first = 0;   // without the bits of its number that lie behind these kBits
      std::int8_t second = 0;   // of one alone it is 0 and lies behind the first, where nothing is yet
      std::uint8_t unseen = 0;  // 63 - those bits
      std::uint8_t zeros = 0;   // before the first, which are its place
      std::uint8_t second_at = 0;
      std::uint8_t advance = 0;  // to the coefficient whose turn is next; from kEndOfBlock up where the block ends
      std::uint8_t bits = 0;     // to be consumed, kMostBits at the most
    };
    static constexpr int kMostBits = 14;  // four times that are there after a refill
    // Instead of `advance` where the number behind the code (of `bits`; 0: of a longer one, which is not known) is
    // longer than that: `first` is its width.
    static constexpr std::uint8_t kNotWhole = 0;
    static constexpr std::uint8_t kEndOfBlock = 128;
    std::array<Entry, 1 << kBits> entries;
    std::array<std::uint8_t, 1 << kBits> first_bits;  // of the first coefficient alone
    LongCodes long_codes;
    void build(const JHUFF_TBL& table);
  };

  struct Block {
    const DcTable* dc;
    const AcTable* ac;
    int component;
  };

  static boolean decode_mcu(j_decompress_ptr info, JBLOCKROW* blocks);
  bool decode(jpeg_decompress_struct& info, JBLOCKROW* blocks);
  bool decode_block(const Block& block, Bits& bits, JCOEF* coefficients);
  static int read_difference(const DcTable& table, Bits& bits);
  static const std::uint8_t* read_long(const AcTable& table, const AcTable::Entry& entry, Bits& bits,
                                       const std::uint8_t* at, JCOEF* coefficients);
  void begin_interval(const std::uint8_t* at);
  bool interval_ends_with(unsigned marker) const;

  std::array<DcTable, NUM_HUFF_TBLS> dc_;
  std::array<AcTable, NUM_HUFF_TBLS> ac_;
  std::array<Block, D_MAX_BLOCKS_IN_MCU> blocks_{};
  int num_blocks_ = 0;
  std::array<int, MAX_COMPS_IN_SCAN> last_dc_{};
  const std::uint8_t* end_ = nullptr;     // of the file
  const std::uint8_t* marker_ = nullptr;  // behind the interval's data, or end_
  std::vector<std::uint8_t>& scratch_;
  std::uint8_t* data_ = nullptr;  // of the interval, without the zeros that follow each 0xff; then kPadding zeros
  std::int64_t num_bits_ = 0;     // of them
  Bits bits_;
  std::int64_t mcus_left_ = 0;
  unsigned interval_ = 0, left_in_interval_ = 0, next_restart_ = 0;
  bool gave_up_ = false;
};

}  // namespace soco::formats
