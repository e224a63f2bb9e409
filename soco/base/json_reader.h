// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "soco/base/error.h"

namespace soco {

/// Reads a JSON text of any length from its beginning to its end, one value after the other, in memory that does not
/// grow with it. Strict (RFC 8259): errors name the file, the place ("annotations[3].bbox") and the byte. Refused too:
/// nesting beyond kMaxDepth, texts beyond kMaxText bytes or not UTF-8, a key twice among the first 64 of an object,
/// NaN and Infinity, which some programs write and JSON does not have.
class JsonReader {
 public:
  enum class Kind { kObject, kArray, kText, kNumber, kBool, kNull };
  static constexpr int kMaxDepth = 64;
  static constexpr std::size_t kMaxText = 1u << 20;

  /// Opens a file. `form`: what a file of this sort looks like, said in errors about values out of place; may be "".
  JsonReader(const std::filesystem::path& path, std::string form);
  /// Reads a text that outlives the reader; `name` stands for it in errors.
  JsonReader(std::string_view text, std::string name, std::string form);
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  /// What comes next. Error when that is no value.
  Kind peek();

  /// Reads an object: `on_member(key)` is called for each member and must read (or skip) its value.
  template <class F>
  void read_object(const F& on_member) {
    open(Kind::kObject);
    while (next_member()) on_member(levels_.back().key);
    close();
  }
  /// Reads an array: `on_item()` is called for each item and must read (or skip) it.
  template <class F>
  void read_array(const F& on_item) {
    open(Kind::kArray);
    while (next_item()) on_item();
    close();
  }

  std::string read_text();
  double read_number();         ///< finite
  std::int64_t read_integer();  ///< written without fraction and exponent
  bool read_bool();
  void skip();  ///< the next value, whatever it is: checked, not kept

  /// Checks that nothing but white space is left.
  void finish();

  /// The place of what is being read: "'annotations'[3].'bbox' (byte N)".
  std::string where() const;
  /// Throws an Error "<file>: <place> (byte N): <what>".
  [[noreturn]] void fail_here(std::string_view what) const;
  const std::string& name() const { return name_; }

 private:
  struct Level {
    Kind kind;
    std::string key;            // of the member being read
    std::int64_t count = 0;     // members or items begun
    std::size_t first_key = 0;  // in key_hashes_
  };

  int look();  // the next byte without taking it; -1 at the end
  int take();
  void skip_space();
  void begin_value(Kind expected);
  void open(Kind kind);
  void close();
  bool next_member();
  bool next_item();
  bool next_of(char closing);
  void note_key(const std::string& key);
  void read_string_into(std::string& out);
  void append_escape(std::string& out);
  std::uint32_t read_hex4();
  std::string_view read_number_text();
  void read_word(std::string_view word);
  bool refill();
  std::uint64_t position() const { return consumed_ + static_cast<std::uint64_t>(at_ - begin_); }
  std::string place() const;
  [[noreturn]] void fail_syntax(std::string_view what) const;
  [[noreturn]] void fail_too_long() const;

  std::string name_, form_;
  std::ifstream file_;
  std::vector<char> buffer_;
  const char *begin_ = nullptr, *at_ = nullptr, *end_ = nullptr;
  std::uint64_t consumed_ = 0;  // bytes before begin_
  std::vector<Level> levels_;   // reserved for kMaxDepth: keys given out stay where they are
  std::vector<std::size_t> key_hashes_;
  std::string number_;
};

}  // namespace soco
