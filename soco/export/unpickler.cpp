// SPDX-License-Identifier: MIT
#include "soco/export/unpickler.h"

#include <bit>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/base/utf8.h"

namespace soco::pickle {
namespace {

constexpr std::size_t kMaxMarks = 4096;  // nesting of what is being built
constexpr int kMaxProtocol = 5;

}  // namespace

Unpickler::Unpickler(std::string_view program, std::string name, const PickleLimits& limits)
    : program_(program), name_(std::move(name)), limits_(limits) {}

void Unpickler::refuse(std::string_view what) const {
  fail("{}: refused: {} (byte {} of its pickle)", name_, printable(what.substr(0, 200)), position_);
}

void Unpickler::expect(bool condition, std::string_view what) const {
  if (!condition) refuse(what);
}

void Unpickler::charge(std::uint64_t count) {
  charged_ += count;
  if (charged_ > limits_.max_values) refuse(fmt::format("more than {} values", limits_.max_values));
}

std::string_view Unpickler::take(std::uint64_t num_bytes) {
  if (num_bytes > program_.size() - position_) fail("{}: pickle is cut short at byte {}", name_, position_);
  const auto bytes = program_.substr(position_, num_bytes);
  position_ += num_bytes;
  return bytes;
}

std::uint64_t Unpickler::number(int num_bytes) {
  std::uint64_t value = 0;
  const auto bytes = take(static_cast<std::uint64_t>(num_bytes));
  for (int i = 0; i < num_bytes; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)])} << (8 * i);
  return value;
}

std::string_view Unpickler::line() {
  const std::size_t end = program_.find('\n', position_);
  if (end == std::string_view::npos || end - position_ > 256) refuse("name of a global without end");
  const auto text = take(end - position_);
  take(1);
  return text;
}

Object* Unpickler::push(Kind kind) {
  Object& object = objects_.emplace_back();
  object.kind = kind;
  push_existing(&object);
  return &object;
}

void Unpickler::push_existing(Object* object) {
  charge(1);
  stack_.push_back(object);
}

Object* Unpickler::pop() {
  Object* object = top();
  stack_.pop_back();
  return object;
}

Object* Unpickler::top() {
  expect(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "program takes more values than it made");
  return stack_.back();
}

std::vector<Object*> Unpickler::pop_to_mark() {
  expect(!marks_.empty(), "program uses a mark that is not there");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<Object*> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

void Unpickler::push_text(Kind kind, int length_bytes) {
  const auto text = take(number(length_bytes));
  if (kind == Kind::kString) expect(is_utf8(text), "string that is not UTF-8");
  push(kind)->text = text;
}

/// A Python 2 string: bytes that may be text.
void Unpickler::push_raw_text(int length_bytes) {
  const auto text = take(number(length_bytes));
  Object* object = push(Kind::kString);
  object->text = text;
  object->integer = 1;
}

void Unpickler::push_long() {
  const std::uint64_t num_bytes = number(1);
  expect(num_bytes <= 8, "integer of more than 64 bits");
  std::uint64_t value = number(static_cast<int>(num_bytes));
  const int bits = static_cast<int>(8 * num_bytes);
  if (bits > 0 && bits < 64 && ((value >> (bits - 1)) & 1) != 0) value |= ~std::uint64_t{0} << bits;
  push(Kind::kInt)->integer = static_cast<std::int64_t>(value);
}

void Unpickler::make_tuple(std::vector<Object*> items) { push(Kind::kTuple)->items = std::move(items); }

void Unpickler::append(std::vector<Object*> items) {
  Object* list = top();
  expect(list->kind == Kind::kList, "appending to something that is not a list");
  list->items.insert(list->items.end(), items.begin(), items.end());
}

void Unpickler::set_items(std::vector<Object*> items) {
  Object* dict = top();
  expect(dict->kind == Kind::kDict, "setting items of something that is not a dict");
  expect(items.size() % 2 == 0, "dict with a key that has no value");
  dict->items.insert(dict->items.end(), items.begin(), items.end());
}

void Unpickler::memoize(std::uint64_t index) {
  charge(1);
  // Picklers count from 0 without gaps, so the numbers are bounded as the values are.
  expect(index <= limits_.max_values, "reference number without need");
  Object* object = top();
  if (index >= memo_.size()) memo_.resize(index + 1);
  num_memos_ += memo_[index] == nullptr;
  memo_[index] = object;
}

void Unpickler::recall(std::uint64_t index) {
  expect(index < memo_.size() && memo_[index] != nullptr, "reference to a value that was not made");
  push_existing(memo_[index]);
}

bool Unpickler::step_scalar(unsigned char code) {
  switch (code) {
    case 'N':
      push(Kind::kNone);
      return true;
    case 0x88:
      push(Kind::kBool)->integer = 1;
      return true;
    case 0x89:
      push(Kind::kBool);
      return true;
    case 'J':
      push(Kind::kInt)->integer = static_cast<std::int32_t>(number(4));
      return true;
    case 'K':
      push(Kind::kInt)->integer = static_cast<std::int64_t>(number(1));
      return true;
    case 'M':
      push(Kind::kInt)->integer = static_cast<std::int64_t>(number(2));
      return true;
    case 0x8a:
      push_long();
      return true;
    case 'G': {  // big-endian
      std::uint64_t bits = number(8);
      bits = __builtin_bswap64(bits);
      push(Kind::kReal)->real = std::bit_cast<double>(bits);
      return true;
    }
    default:
      return false;
  }
}

bool Unpickler::step_text(unsigned char code) {
  switch (code) {
    case 'X':
      push_text(Kind::kString, 4);
      return true;
    case 0x8c:
      push_text(Kind::kString, 1);
      return true;
    case 0x8d:
      push_text(Kind::kString, 8);
      return true;
    case 'C':
      push_text(Kind::kBytes, 1);
      return true;
    case 'B':
      push_text(Kind::kBytes, 4);
      return true;
    case 0x8e:
      push_text(Kind::kBytes, 8);
      return true;
    case 0x96:
      push_text(Kind::kBytes, 8);
      return true;
    case 'U':
      push_raw_text(1);
      return true;
    case 'T':
      push_raw_text(4);
      return true;
    default:
      return false;
  }
}

bool Unpickler::step_collection(unsigned char code) {
  switch (code) {
    case '(':
      expect(marks_.size() < kMaxMarks, "nesting deeper than weights have");
      marks_.push_back(stack_.size());
      return true;
    case ')':
      push(Kind::kTuple);
      return true;
    case 0x85:
    case 0x86:
    case 0x87: {
      std::vector<Object*> items(code - 0x84u);
      for (std::size_t i = items.size(); i > 0; --i) items[i - 1] = pop();
      make_tuple(std::move(items));
      return true;
    }
    case 't':
      make_tuple(pop_to_mark());
      return true;
    case ']':
      push(Kind::kList);
      return true;
    case 'a':
      append({pop()});
      return true;
    case 'e':
      append(pop_to_mark());
      return true;
    case '}':
      push(Kind::kDict)->text = "dict";
      return true;
    case 's': {
      Object* value = pop();
      Object* key = pop();
      set_items({key, value});
      return true;
    }
    case 'u':
      set_items(pop_to_mark());
      return true;
    default:
      return false;
  }
}

bool Unpickler::step_memo(unsigned char code) {
  switch (code) {
    case 'q':
      memoize(number(1));
      return true;
    case 'r':
      memoize(number(4));
      return true;
    case 0x94:
      memoize(num_memos_);
      return true;
    case 'h':
      recall(number(1));
      return true;
    case 'j':
      recall(number(4));
      return true;
    default:
      return false;
  }
}

bool Unpickler::step_object(unsigned char code) {
  switch (code) {
    case 'c': {
      const auto module = line();
      push_global(module, line());
      return true;
    }
    case 0x93: {
      Object* global_name = pop();
      Object* module = pop();
      expect(module->kind == Kind::kString && global_name->kind == Kind::kString, "global without a name");
      push_global(module->text, global_name->text);
      return true;
    }
    case 'R': {
      Object* arguments = pop();
      reduce(pop(), arguments);
      return true;
    }
    case 0x81: {
      Object* arguments = pop();
      new_object(pop(), arguments);
      return true;
    }
    case 'b': {
      Object* state = pop();
      build(top(), state);
      return true;
    }
    case 'Q':
      load_storage(pop());
      return true;
    default:
      return false;
  }
}

void Unpickler::step(unsigned char code) {
  if (step_scalar(code) || step_text(code) || step_collection(code) || step_memo(code) || step_object(code)) return;
  switch (code) {
    case 0x80: {
      const std::uint64_t protocol = number(1);
      expect(protocol >= 2 && protocol <= kMaxProtocol, fmt::format("pickle protocol {}", protocol));
      return;
    }
    case 0x95:
      number(8);
      return;  // FRAME: a hint for buffered reading
    case '.':
      done_ = true;
      return;
    default:
      refuse(fmt::format("opcode 0x{:02x}, which files of weights do not need", code));
  }
}

Object* Unpickler::run() {
  expect(!program_.empty() && static_cast<unsigned char>(program_[0]) == 0x80, "not a pickle of protocol 2 or later");
  while (!done_) step(static_cast<unsigned char>(take(1)[0]));
  expect(stack_.size() == 1 && marks_.empty(), "program ends with values left over");
  return stack_.back();
}

}  // namespace soco::pickle
