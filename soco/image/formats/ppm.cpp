// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cctype>
#include <cmath>

#include "soco/base/error.h"
#include "soco/image/formats/format.h"

namespace soco::formats {
namespace {

/// What the text at the beginning says. Kinds P1..P3 hold numbers as text, P4..P6 binary ones; of black and white (P1,
/// P4: 1 is black), grey and RGB samples.
struct Header {
  char kind = '6';
  std::int64_t width = 0, height = 0, max_value = 1;
  std::size_t samples_at = 0;

  bool text() const { return kind <= '3'; }
  bool bitmap() const { return kind == '1' || kind == '4'; }
  std::uint64_t channels() const { return kind == '3' || kind == '6' ? 3 : 1; }
};

/// Reads the numbers of a text, between which white space and comments stand.
class NumberReader {
 public:
  NumberReader(Bytes bytes, std::size_t at, const std::string& name) : bytes_(bytes), at_(at), name_(name) {}

  std::size_t at() const { return at_; }

  std::int64_t number() {
    skip_space();
    const std::size_t first = at_;
    std::int64_t value = 0;
    for (; std::isdigit(letter()) != 0; ++at_) {
      value = value * 10 + (letter() - '0');
      if (value > 0x7fffffff) fail("{}: PPM number out of range at byte {}", name_, first);
    }
    if (at_ == first) fail_here();
    return value;
  }

  /// One digit 0 or 1: in P1 they need no space between them.
  int bit() {
    skip_space();
    if (letter() != '0' && letter() != '1') fail_here();
    return letter() == '1' ? (++at_, 1) : (++at_, 0);
  }

 private:
  int letter() const { return at_ < bytes_.size() ? std::to_integer<unsigned char>(bytes_[at_]) : -1; }

  void skip_space() {
    for (; letter() == '#' || (letter() >= 0 && std::isspace(letter()) != 0); ++at_) {
      if (letter() != '#') continue;
      while (letter() >= 0 && letter() != '\n' && letter() != '\r') ++at_;
    }
  }

  [[noreturn]] void fail_here() const {
    if (letter() < 0) fail("{}: truncated PPM", name_);
    fail("{}: damaged PPM: no number at byte {}", name_, at_);
  }

  Bytes bytes_;
  std::size_t at_;
  const std::string& name_;
};

Header read_header(Bytes bytes, const std::string& name) {
  Header header;
  header.kind = static_cast<char>(bytes[1]);
  NumberReader reader(bytes, 2, name);
  header.width = reader.number();
  header.height = reader.number();
  if (!header.bitmap()) header.max_value = reader.number();
  if (header.max_value < 1 || header.max_value > 65535) {
    fail("{}: PPM with a largest value of {} (1 to 65535)", name, header.max_value);
  }
  header.samples_at = reader.at() + (header.text() ? 0 : 1);  // one white-space character ends a binary file's header
  return header;
}

/// Bytes of binary samples; of text at least, since each sample takes a digit.
std::uint64_t min_sample_bytes(const Header& header) {
  const auto width = static_cast<std::uint64_t>(header.width), height = static_cast<std::uint64_t>(header.height);
  if (header.kind == '4') return (width + 7) / 8 * height;
  return width * height * header.channels() * (!header.text() && header.max_value > 255 ? 2 : 1);
}

/// The sample scaled to 0..255 and rounded, halves to even, as Pillow does.
std::uint8_t scaled(std::int64_t value, const Header& header, const std::string& name) {
  if (value > header.max_value && header.text()) {
    fail("{}: PPM sample {} above the largest value {}", name, value, header.max_value);
  }
  if (header.max_value == 255) return static_cast<std::uint8_t>(value);
  const double unit = static_cast<double>(value) / static_cast<double>(header.max_value);
  return static_cast<std::uint8_t>(std::min(std::nearbyint(unit * 255), 255.0));
}

void read_text(const Header& header, Bytes bytes, const std::string& name, Image& image) {
  NumberReader reader(bytes, header.samples_at, name);
  const std::size_t repeat = header.channels() == 3 ? 1 : 3;
  for (std::size_t i = 0; i < image.pixels.size(); i += repeat) {
    const std::uint8_t value = header.bitmap() ? (reader.bit() != 0 ? 0 : 255) : scaled(reader.number(), header, name);
    for (std::size_t c = 0; c < repeat; ++c) image.pixels[i + c] = value;
  }
}

void read_bits(const Header& header, const std::uint8_t* in, Image& image) {
  const std::size_t row_bytes = (static_cast<std::size_t>(header.width) + 7) / 8;
  for (int y = 0; y < image.height; ++y, in += row_bytes) {
    std::uint8_t* rgb = image.row(y);
    for (int x = 0; x < image.width; ++x, rgb += 3) {
      rgb[0] = rgb[1] = rgb[2] = (in[x / 8] >> (7 - x % 8) & 1) != 0 ? 0 : 255;
    }
  }
}

void read_binary(const Header& header, const std::uint8_t* in, const std::string& name, Image& image) {
  const std::size_t repeat = header.channels() == 3 ? 1 : 3;
  const bool two_bytes = header.max_value > 255;
  for (std::size_t i = 0; i < image.pixels.size(); i += repeat) {
    const std::int64_t sample = two_bytes ? in[0] << 8 | in[1] : in[0];
    in += two_bytes ? 2 : 1;
    const std::uint8_t value = scaled(sample, header, name);
    for (std::size_t c = 0; c < repeat; ++c) image.pixels[i + c] = value;
  }
}

bool matches(Bytes bytes) {
  return bytes.size() >= 3 && starts_with(bytes, "P") && bytes[1] >= std::byte{'1'} && bytes[1] <= std::byte{'6'} &&
         (std::isspace(std::to_integer<unsigned char>(bytes[2])) != 0 || bytes[2] == std::byte{'#'});
}

ImageInfo probe(Bytes bytes, const std::string& name) {
  const Header header = read_header(bytes, name);
  return {static_cast<int>(header.height), static_cast<int>(header.width), {}};
}

Image decode(Bytes bytes, const std::string& name, const DecodeLimits&) {
  const Header header = read_header(bytes, name);
  if (header.samples_at > bytes.size() || min_sample_bytes(header) > bytes.size() - header.samples_at) {
    fail("{}: truncated PPM: {} bytes, at least {} needed", name, bytes.size(),
         header.samples_at + min_sample_bytes(header));
  }
  Image image = make_image(static_cast<int>(header.height), static_cast<int>(header.width));
  const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data()) + header.samples_at;
  if (header.text()) {
    read_text(header, bytes, name, image);
  } else if (header.bitmap()) {
    read_bits(header, in, image);
  } else {
    read_binary(header, in, name, image);
  }
  return image;
}

}  // namespace

const Format kPpm{"PPM", matches, probe, decode, nullptr};

}  // namespace soco::formats
