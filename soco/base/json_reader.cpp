// SPDX-License-Identifier: MIT
#include "soco/base/json_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <utility>

#include "soco/base/utf8.h"

namespace soco {
namespace {

constexpr std::size_t kBufferBytes = 1u << 16;
constexpr std::size_t kMaxNumber = 400;  // the longest exact float64 in plain digits has about 340
constexpr std::size_t kCheckedKeys = 64;
constexpr std::array<const char*, 6> kKindNames{"an object", "an array", "a text", "a number", "a boolean", "null"};

const char* name_of(JsonReader::Kind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

bool is_digit(int c) { return c >= '0' && c <= '9'; }

bool in_number(int c) { return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'; }

/// ASCII that stands for itself in a text.
bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

/// Whether the text is -? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)?
bool is_number(std::string_view s) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t begin = i;
    while (i < s.size() && is_digit(s[i])) ++i;
    return i > begin;
  };
  if (i < s.size() && s[i] == '-') ++i;
  const bool leading_zero = i < s.size() && s[i] == '0';
  const std::size_t first = i;
  if (!digits() || (leading_zero && i > first + 1)) return false;
  if (i < s.size() && s[i] == '.' && (++i, !digits())) return false;
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    ++i;
    if (i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == s.size();
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto add = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xE0 | code >> 12);
    } else {
      add(0xF0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3F));
    }
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

}  // namespace

JsonReader::JsonReader(const std::filesystem::path& path, std::string form)
    : name_(path.string()), form_(std::move(form)), file_(path, std::ios::binary), buffer_(kBufferBytes) {
  if (!file_ || !std::filesystem::is_regular_file(path)) fail("{}: there is no such file, or it cannot be read", name_);
  begin_ = at_ = end_ = buffer_.data();
  levels_.reserve(kMaxDepth);
}

JsonReader::JsonReader(std::string_view text, std::string name, std::string form)
    : name_(std::move(name)), form_(std::move(form)), begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {
  levels_.reserve(kMaxDepth);
}

bool JsonReader::refill() {
  if (buffer_.empty()) return false;
  consumed_ += static_cast<std::uint64_t>(end_ - begin_);
  file_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  begin_ = at_ = buffer_.data();
  end_ = begin_ + file_.gcount();
  if (file_.bad()) fail("{}: cannot be read beyond byte {}", name_, position());
  return at_ != end_;
}

int JsonReader::look() { return at_ != end_ || refill() ? static_cast<unsigned char>(*at_) : -1; }

int JsonReader::take() {
  const int c = look();
  if (c >= 0) ++at_;
  return c;
}

void JsonReader::skip_space() {
  for (int c = look(); c == ' ' || c == '\n' || c == '\r' || c == '\t'; c = look()) ++at_;
}

std::string JsonReader::place() const {
  std::string text;
  for (const Level& level : levels_) {
    if (level.kind == Kind::kArray) {
      text += fmt::format("[{}]", std::max<std::int64_t>(level.count - 1, 0));
    } else if (level.count > 0) {
      text += (text.empty() ? "'" : ".'") + level.key + "'";
    }
  }
  return text.empty() ? "the top" : text;
}

std::string JsonReader::where() const { return fmt::format("{} (byte {})", place(), position()); }

void JsonReader::fail_here(std::string_view what) const { fail("{}: {}: {}", name_, where(), what); }

void JsonReader::fail_syntax(std::string_view what) const {
  fail("{}: not JSON, at byte {} ({}): {}", name_, position(), place(), what);
}

JsonReader::Kind JsonReader::peek() {
  skip_space();
  const int c = look();
  switch (c) {
    case '{':
      return Kind::kObject;
    case '[':
      return Kind::kArray;
    case '"':
      return Kind::kText;
    case 't':
    case 'f':
      return Kind::kBool;
    case 'n':
      return Kind::kNull;
    case 'N':
    case 'I':
      fail_here("NaN and Infinity are no numbers of JSON, and no box or score can be made of them");
    case -1:
      fail_syntax("the file ends where a value is expected");
    default:
      if (c == '-' || is_digit(c)) return Kind::kNumber;
      fail_syntax("this begins no value");
  }
}

void JsonReader::begin_value(Kind expected) {
  const Kind found = peek();
  if (found == expected) return;
  fail_here(fmt::format("{} is out of place, expected {}{}{}", name_of(found), name_of(expected),
                        form_.empty() ? "" : "; the file's form is ", form_));
}

void JsonReader::open(Kind kind) {
  begin_value(kind);
  if (levels_.size() >= kMaxDepth) fail_here(fmt::format("nests deeper than {} levels", kMaxDepth));
  ++at_;  // the bracket
  levels_.push_back({.kind = kind, .key = {}, .count = 0, .first_key = key_hashes_.size()});
}

void JsonReader::close() {
  key_hashes_.resize(levels_.back().first_key);
  levels_.pop_back();
}

bool JsonReader::next_of(char closing) {
  skip_space();
  Level& level = levels_.back();
  if (look() == closing) {
    ++at_;
    return false;
  }
  if (level.count > 0) {
    if (look() != ',') fail_syntax(fmt::format("expected ',' or '{}'", closing));
    ++at_;
    skip_space();
  }
  return true;
}

bool JsonReader::next_member() {
  if (!next_of('}')) return false;
  Level& level = levels_.back();
  if (look() != '"') fail_syntax("expected a key in quotes");
  read_string_into(level.key);
  ++level.count;
  note_key(level.key);
  skip_space();
  if (take() != ':') fail_syntax("expected ':' after a key");
  return true;
}

bool JsonReader::next_item() {
  if (!next_of(']')) return false;
  ++levels_.back().count;
  return true;
}

void JsonReader::note_key(const std::string& key) {
  const auto first = key_hashes_.begin() + static_cast<std::ptrdiff_t>(levels_.back().first_key);
  const std::size_t hash = std::hash<std::string>()(key);
  if (std::find(first, key_hashes_.end(), hash) != key_hashes_.end()) fail_here("this key is there twice");
  if (key_hashes_.size() - levels_.back().first_key < kCheckedKeys) key_hashes_.push_back(hash);
}

std::uint32_t JsonReader::read_hex4() {
  std::uint32_t code = 0;
  for (int i = 0; i < 4; ++i) {
    const int c = take();
    const int lower = c | 0x20;
    if (is_digit(c)) {
      code = code << 4 | static_cast<std::uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      code = code << 4 | static_cast<std::uint32_t>(lower - 'a' + 10);
    } else {
      fail_syntax("expected four hexadecimal digits after \\u");
    }
  }
  return code;
}

void JsonReader::append_escape(std::string& out) {
  constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  const int c = take();
  const std::size_t simple = c < 0 ? std::string_view::npos : kLetters.find(static_cast<char>(c));
  if (simple != std::string_view::npos) {
    out.push_back(kMeanings[simple]);
    return;
  }
  if (c != 'u') fail_syntax("unknown escape in a text");
  std::uint32_t code = read_hex4();
  if (code >= 0xD800 && code < 0xDC00) {  // the first of a pair (RFC 8259, section 7)
    if (take() != '\\' || take() != 'u') fail_syntax("half a surrogate pair in a text");
    const std::uint32_t low = read_hex4();
    if (low < 0xDC00 || low > 0xDFFF) fail_syntax("half a surrogate pair in a text");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  } else if (code >= 0xDC00 && code < 0xE000) {
    fail_syntax("half a surrogate pair in a text");
  }
  append_utf8(code, out);
}

void JsonReader::fail_too_long() const { fail_here(fmt::format("a text of more than {} bytes", kMaxText)); }

void JsonReader::read_string_into(std::string& out) {
  out.clear();
  ++at_;  // the quote
  while (true) {
    const char* plain = at_;  // what stands in the buffer and needs no care is taken at once
    while (plain != end_ && is_plain(*plain)) ++plain;
    if (static_cast<std::size_t>(plain - at_) > kMaxText - out.size()) fail_too_long();
    out.append(at_, plain);
    at_ = plain;
    const int c = take();
    if (c == '"') break;
    if (c < 0) fail_syntax("the file ends inside a text");
    if (c < 0x20) fail_syntax("a control character inside a text");
    if (c == '\\') {
      append_escape(out);
    } else {
      out.push_back(static_cast<char>(c));
    }
    if (out.size() > kMaxText) fail_too_long();
  }
  if (!is_utf8(out)) fail_syntax("a text that is not UTF-8");
}

std::string JsonReader::read_text() {
  begin_value(Kind::kText);
  std::string text;
  read_string_into(text);
  return text;
}

std::string_view JsonReader::read_number_text() {
  begin_value(Kind::kNumber);
  const char* end = at_;  // a number that ends within the buffer is read where it stands
  while (end != end_ && in_number(*end)) ++end;
  if (end != end_ && end - at_ <= static_cast<std::ptrdiff_t>(kMaxNumber)) {
    const std::string_view text(at_, static_cast<std::size_t>(end - at_));
    if (is_number(text)) {
      at_ = end;
      return text;
    }
  }
  number_.clear();
  for (int c = look(); in_number(c); c = look()) {
    number_.push_back(static_cast<char>(c));
    ++at_;
    if (number_.size() > kMaxNumber) fail_here(fmt::format("a number of more than {} characters", kMaxNumber));
  }
  if (number_ == "-" && look() == 'I') fail_here("-Infinity is no number of JSON");
  if (!is_number(number_)) fail_syntax(fmt::format("'{}' is no number", number_));
  return number_;
}

double JsonReader::read_number() {
  const std::string_view text = read_number_text();
  double value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc()) return value;
  // Out of range means too large or too near to zero; the latter is zero.
  const std::size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos && text.substr(exponent + 1).starts_with('-')) return 0;
  fail_here(fmt::format("{} is beyond what a float64 holds", text));
}

std::int64_t JsonReader::read_integer() {
  const std::string_view text = read_number_text();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  fail_here(fmt::format("{} is not a whole number of 64 bits{}{}", text, form_.empty() ? "" : "; the file's form is ",
                        form_));
}

void JsonReader::read_word(std::string_view word) {
  for (const char expected : word) {
    if (take() != expected) fail_syntax(fmt::format("expected '{}'", word));
  }
}

bool JsonReader::read_bool() {
  begin_value(Kind::kBool);
  const bool value = look() == 't';
  read_word(value ? "true" : "false");
  return value;
}

void JsonReader::skip() {
  switch (peek()) {
    case Kind::kObject:
      return read_object([this](const std::string&) { skip(); });
    case Kind::kArray:
      return read_array([this] { skip(); });
    case Kind::kText:
      read_text();
      return;
    case Kind::kNumber:
      read_number();
      return;
    case Kind::kBool:
      read_bool();
      return;
    case Kind::kNull:
      read_word("null");
      return;
  }
}

void JsonReader::finish() {
  skip_space();
  if (look() >= 0) fail_syntax("something follows the end");
}

}  // namespace soco
