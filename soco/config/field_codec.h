// SPDX-License-Identifier: MIT
// The parts of field.h that do the work for each type; included by it alone.
#pragma once
#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <filesystem>

#include "soco/config/field.h"

namespace soco {
namespace detail {

/// What an optional field takes for "no value".
constexpr std::string_view kAuto = "auto";
bool is_auto(const ConfigValue& value);

// What is wrong with a value, as the end of a sentence that begins with the key; "" when nothing is.
std::string type_problem(const ConfigValue& value, std::string_view expected);
std::string integer_problem(std::int64_t value, std::int64_t min, std::int64_t max);
std::string number_problem(double value, const Range<double>& range);
std::string choice_problem(const std::string& value, const std::vector<std::string>& choices);

// "in [0, 1)", "at least 3", "" for no bound. The bounds of 64-bit integers and of doubles count as none.
std::string range_text(std::int64_t min, std::int64_t max);
std::string range_text(const Range<double>& range);
double shortest_double(float value);  // the double of the fewest digits that rounds to this float: 0.1f -> 0.1
std::string join_choices(const std::vector<std::string>& choices);

template <>
struct FieldCodec<bool> {
  static constexpr FieldType kType = FieldType::kBool;
  std::string allowed() const { return ""; }
  std::vector<std::string> choices() const { return {"true", "false"}; }
  std::string read(const ConfigValue& value, bool& out) const {
    const bool* found = std::get_if<bool>(&value.data);
    if (found == nullptr) return type_problem(value, "true or false");
    out = *found;
    return {};
  }
  ConfigValue write(bool value) const { return {value}; }
};

template <std::integral T>
requires(!std::same_as<T, bool>) struct FieldCodec<T> {
  static constexpr FieldType kType = FieldType::kInteger;
  // What T holds and a TOML integer (64 bits with sign) can say.
  static constexpr std::int64_t kLowest = std::in_range<std::int64_t>(std::numeric_limits<T>::lowest())
                                              ? static_cast<std::int64_t>(std::numeric_limits<T>::lowest())
                                              : std::numeric_limits<std::int64_t>::lowest();
  static constexpr std::int64_t kHighest = std::in_range<std::int64_t>(std::numeric_limits<T>::max())
                                               ? static_cast<std::int64_t>(std::numeric_limits<T>::max())
                                               : std::numeric_limits<std::int64_t>::max();
  std::int64_t min = kLowest;
  std::int64_t max = kHighest;

  template <std::integral U>
  static FieldCodec with(const Range<U>& range) {
    FieldCodec codec;
    if (std::in_range<std::int64_t>(range.min)) codec.min = std::max<std::int64_t>(range.min, kLowest);
    if (std::in_range<std::int64_t>(range.max)) codec.max = std::min<std::int64_t>(range.max, kHighest);
    if (range.min_open) ++codec.min;
    if (range.max_open) --codec.max;
    return codec;
  }

  std::string allowed() const {
    const bool any_min = min == kLowest, any_max = max == kHighest;
    if (any_min && any_max) return "";
    return range_text(any_min ? std::numeric_limits<std::int64_t>::lowest() : min,
                      any_max ? std::numeric_limits<std::int64_t>::max() : max);
  }
  std::vector<std::string> choices() const { return {}; }
  std::string read(const ConfigValue& value, T& out) const {
    const std::int64_t* found = std::get_if<std::int64_t>(&value.data);
    if (found == nullptr) return type_problem(value, "an integer");
    std::string problem = integer_problem(*found, min, max);
    if (problem.empty()) out = static_cast<T>(*found);
    return problem;
  }
  ConfigValue write(T value) const {
    SOCO_ASSERT(std::in_range<std::int64_t>(value));
    return {static_cast<std::int64_t>(value)};
  }
};

template <std::floating_point T>
struct FieldCodec<T> {
  static constexpr FieldType kType = FieldType::kNumber;
  // The lowest and the highest number stand for "no bound"; infinity is allowed only where a bound says it.
  Range<double> range;

  template <class U>
  static FieldCodec with(const Range<U>& range) {
    using From = std::numeric_limits<U>;
    using To = std::numeric_limits<double>;
    return {{range.min == From::lowest() ? To::lowest() : static_cast<double>(range.min),
             range.max == From::max() ? To::max() : static_cast<double>(range.max), range.min_open, range.max_open}};
  }

  std::string allowed() const { return range_text(range); }
  std::vector<std::string> choices() const { return {}; }
  std::string read(const ConfigValue& value, T& out) const {
    double number = 0;
    if (const double* found = std::get_if<double>(&value.data)) {
      number = *found;
    } else if (const std::int64_t* integer = std::get_if<std::int64_t>(&value.data)) {
      number = static_cast<double>(*integer);
    } else {
      return type_problem(value, "a number");
    }
    std::string problem = number_problem(number, range);
    if (problem.empty() && std::isfinite(number) && std::abs(number) > std::numeric_limits<T>::max()) {
      problem = "is too large for a number of single precision";
    }
    if (problem.empty()) out = static_cast<T>(number);
    return problem;
  }
  ConfigValue write(T value) const {
    if constexpr (std::is_same_v<T, float>)
      return {shortest_double(value)};
    else
      return {static_cast<double>(value)};
  }
};

template <>
struct FieldCodec<std::string> {
  static constexpr FieldType kType = FieldType::kString;
  std::vector<std::string> names;  // the allowed ones; empty: any

  std::string allowed() const { return join_choices(names); }
  std::vector<std::string> choices() const { return names; }
  std::string read(const ConfigValue& value, std::string& out) const {
    const std::string* found = std::get_if<std::string>(&value.data);
    if (found == nullptr) return type_problem(value, "a string");
    std::string problem = names.empty() ? "" : choice_problem(*found, names);
    if (problem.empty()) out = *found;
    return problem;
  }
  ConfigValue write(const std::string& value) const { return {value}; }
};

template <>
struct FieldCodec<std::filesystem::path> {
  static constexpr FieldType kType = FieldType::kPath;
  std::string allowed() const { return ""; }
  std::vector<std::string> choices() const { return {}; }
  std::string read(const ConfigValue& value, std::filesystem::path& out) const {
    const std::string* found = std::get_if<std::string>(&value.data);
    if (found == nullptr) return type_problem(value, "a path as string");
    if (found->find('\0') != std::string::npos) return "must not hold a NUL character";
    out = *found;
    return {};
  }
  ConfigValue write(const std::filesystem::path& value) const { return {value.string()}; }
};

template <class E>
requires std::is_enum_v<E>
struct FieldCodec<E> {
  static constexpr FieldType kType = FieldType::kEnum;
  std::vector<EnumName<E>> names;

  std::string allowed() const { return join_choices(choices()); }
  std::vector<std::string> choices() const {
    std::vector<std::string> all;
    for (const auto& entry : names) all.emplace_back(entry.name);
    return all;
  }
  std::string read(const ConfigValue& value, E& out) const {
    const std::string* found = std::get_if<std::string>(&value.data);
    if (found == nullptr) return type_problem(value, "one of " + allowed());
    for (const auto& entry : names) {
      if (entry.name == *found) return out = entry.value, std::string();
    }
    return choice_problem(*found, choices());
  }
  ConfigValue write(E value) const {
    for (const auto& entry : names) {
      if (entry.value == value) return {std::string(entry.name)};
    }
    SOCO_ASSERT(!"the table of names lacks this value");
    return {};
  }
};

/// Reads a list value by value; the list is changed only when all are good.
template <class T, class C>
std::string read_list(const C& codec, const ConfigValue& value, std::vector<T>& out) {
  const ConfigList* found = std::get_if<ConfigList>(&value.data);
  if (found == nullptr) return type_problem(value, "a list");
  std::vector<T> items;
  for (const ConfigValue& entry : *found) {
    T item{};
    std::string problem = codec.read(entry, item);
    if (!problem.empty()) return "item " + std::to_string(items.size()) + " " + problem;
    items.push_back(std::move(item));
  }
  out = std::move(items);
  return {};
}

template <class T, class C>
ConfigValue write_list(const C& codec, const std::vector<T>& values) {
  ConfigList list;
  for (const auto& value : values) list.push_back(codec.write(value));
  return {std::move(list)};
}

template <class T, class C>
std::string read_optional(const C& codec, const ConfigValue& value, std::optional<T>& out) {
  if (is_auto(value)) {
    out.reset();
    return {};
  }
  T item{};
  std::string problem = codec.read(value, item);
  if (problem.empty()) out = std::move(item);
  return problem;
}

}  // namespace detail

template <class T, class C>
void FieldCollector::add(std::string key, T& value, std::string doc, C codec) {
  constexpr bool is_vector = std::is_same_v<T, std::vector<detail::Element<T>>>;
  constexpr bool is_optional = std::is_same_v<T, std::optional<detail::Element<T>>>;
  Field field;
  field.key = std::move(key);
  field.doc = std::move(doc);
  field.type = C::kType;
  field.optional = is_optional;
  field.list = is_vector;
  field.allowed = codec.allowed();
  field.choices = codec.choices();
  if constexpr (is_vector) {
    field.set = [&value, codec](const ConfigValue& from) { return detail::read_list(codec, from, value); };
    field.get = [&value, codec] { return detail::write_list(codec, value); };
  } else if constexpr (is_optional) {
    field.set = [&value, codec](const ConfigValue& from) { return detail::read_optional(codec, from, value); };
    field.get = [&value, codec] { return value ? codec.write(*value) : ConfigValue{std::string(detail::kAuto)}; };
  } else {
    field.set = [&value, codec](const ConfigValue& from) { return codec.read(from, value); };
    field.get = [&value, codec] { return codec.write(value); };
  }
  fields_.push_back(std::move(field));
}

template <class O>
void FieldCollector::section(std::string key, O& options, std::string doc) {
  Field field;
  field.key = std::move(key);
  field.doc = std::move(doc);
  field.type = FieldType::kSection;
  field.children = [&options] { return collect_fields(options); };
  field.validate = [&options] { detail::validate_one(options); };
  fields_.push_back(std::move(field));
}

template <class O>
void FieldCollector::list(std::string key, std::vector<O>& items, std::string doc) {
  Field field;
  field.key = std::move(key);
  field.doc = std::move(doc);
  field.type = FieldType::kSectionList;
  field.count = [&items] { return items.size(); };
  field.reset = [&items](std::size_t count) { items.assign(count, O{}); };
  field.item = [&items](std::size_t index) { return collect_fields(items.at(index)); };
  field.validate_item = [&items](std::size_t index) { detail::validate_one(items.at(index)); };
  field.example = [] {
    auto defaults = std::make_shared<O>();
    FieldList fields = collect_fields(*defaults);
    return FieldExample{std::move(defaults), std::move(fields)};
  };
  fields_.push_back(std::move(field));
}

}  // namespace soco
