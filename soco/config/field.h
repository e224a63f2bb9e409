// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/suggest.h"
#include "soco/config/value.h"

namespace soco {

/// Allowed values of a number, or of each number in a list. Bounds are allowed values unless they are open.
template <class T>
struct Range {
  T min = std::numeric_limits<T>::lowest();
  T max = std::numeric_limits<T>::max();
  bool min_open = false;  ///< min itself is not allowed
  bool max_open = false;  ///< max itself is not allowed
};

/// One name of an enum's value in files and on the command line.
template <class E>
struct EnumName {
  E value;
  std::string_view name;
};

/// Allowed values of a string field.
struct Choices {
  std::vector<std::string> names;
};

/// The name of an enum's value; std::logic_error when the table lacks it.
template <class E, std::size_t N>
std::string enum_name(E value, const std::array<EnumName<E>, N>& names) {
  for (const auto& entry : names) {
    if (entry.value == value) return std::string(entry.name);
  }
  SOCO_ASSERT(!"the table of names lacks this value");
  return {};
}

/// The value of a name, nothing when the table lacks it.
template <class E, std::size_t N>
std::optional<E> find_enum(std::string_view name, const std::array<EnumName<E>, N>& names) {
  for (const auto& entry : names) {
    if (entry.name == name) return entry.value;
  }
  return std::nullopt;
}

/// "a|b|c".
template <class E, std::size_t N>
std::string enum_choices(const std::array<EnumName<E>, N>& names) {
  std::string text;
  for (const auto& entry : names) text += (text.empty() ? "" : "|") + std::string(entry.name);
  return text;
}

/// The value of a name given by the user for option `what`; usage error naming the allowed ones.
template <class E, std::size_t N>
E parse_enum(std::string_view name, const std::array<EnumName<E>, N>& names, std::string_view what) {
  if (const auto value = find_enum(name, names)) return *value;
  std::vector<std::string> candidates;
  for (const auto& entry : names) candidates.emplace_back(entry.name);
  fail_usage("{} is '{}', but must be one of {}{}", what, name, enum_choices(names), did_you_mean(name, candidates));
}

enum class FieldType { kBool, kInteger, kNumber, kString, kPath, kEnum, kSection, kSectionList };

struct FieldExample;

/// A handle to one field of an options struct, whatever its C++ type. Valid as long as the struct is, and for the items
/// of a list until the list is resized.
struct Field {
  std::string key;
  std::string doc;
  FieldType type = FieldType::kBool;
  bool optional = false;  ///< may be "auto"
  bool list = false;      ///< of values of `type` (never for sections)
  std::string allowed;    ///< range or choices as text, "" when any
  std::vector<std::string> choices;

  /// Values: gives it to the field and returns "", or changes nothing and returns what is wrong with it.
  std::function<std::string(const ConfigValue&)> set;
  std::function<ConfigValue()> get;

  /// Sections and lists of sections.
  std::function<std::vector<Field>()> children;         ///< section: its fields
  std::function<void()> validate;                       ///< section: its own rules
  std::function<FieldExample()> example;                ///< list: the fields of an item with defaults
  std::function<std::size_t()> count;                   ///< list
  std::function<void(std::size_t)> reset;               ///< list: so many items with defaults
  std::function<std::vector<Field>(std::size_t)> item;  ///< list
  std::function<void(std::size_t)> validate_item;       ///< list
};

using FieldList = std::vector<Field>;

/// Handles together with the struct they point into.
struct FieldExample {
  std::shared_ptr<void> owner;
  FieldList fields;
};

namespace detail {

/// How one value of type T is read and written: kType, allowed(), choices(), read() -> problem or "", write(); for
/// numbers with(Range).
template <class T>
struct FieldCodec;

// The type of one value: that of T, or of what the optional or vector T holds.
template <class T>
struct ElementOf {
  using Type = T;
};
template <class T>
struct ElementOf<std::optional<T>> {
  using Type = T;
};
template <class T>
struct ElementOf<std::vector<T>> {
  using Type = T;
};
template <class T>
using Element = typename ElementOf<T>::Type;

template <class O>
void validate_one(const O& options) {
  if constexpr (requires { options.validate(); }) options.validate();
}

}  // namespace detail

/// The visitor of an options struct's `visit`: makes a handle for each field.
class FieldCollector {
 public:
  /// A value of any supported type.
  template <class T>
  void field(std::string key, T& value, std::string doc) {
    add(std::move(key), value, std::move(doc), detail::FieldCodec<detail::Element<T>>{});
  }

  /// A number, or list of numbers, in a range. Bounds of another number type are converted.
  template <class T, class U>
  void field(std::string key, T& value, std::string doc, Range<U> range) {
    static_assert(std::is_arithmetic_v<detail::Element<T>>, "a range is for numbers");
    add(std::move(key), value, std::move(doc), detail::FieldCodec<detail::Element<T>>::with(range));
  }

  /// A string of a set.
  template <class T>
  void field(std::string key, T& value, std::string doc, Choices choices) {
    static_assert(std::is_same_v<detail::Element<T>, std::string>, "choices are for strings");
    add(std::move(key), value, std::move(doc), detail::FieldCodec<detail::Element<T>>{std::move(choices.names)});
  }

  /// An enum by its names.
  template <class T, class E, std::size_t N>
  void field(std::string key, T& value, std::string doc, const std::array<EnumName<E>, N>& names) {
    static_assert(std::is_same_v<detail::Element<T>, E>, "the names are of another enum");
    detail::FieldCodec<E> codec;
    codec.names.assign(names.begin(), names.end());
    add(std::move(key), value, std::move(doc), std::move(codec));
  }

  /// A nested options struct.
  template <class O>
  void section(std::string key, O& options, std::string doc);

  /// A list of options structs.
  template <class O>
  void list(std::string key, std::vector<O>& items, std::string doc);

  FieldList take() { return std::move(fields_); }

 private:
  template <class T, class C>
  void add(std::string key, T& value, std::string doc, C codec);

  FieldList fields_;
};

/// The handles of all fields of an options struct.
template <class O>
FieldList collect_fields(O& options) {
  FieldCollector collector;
  options.visit(collector);
  return collector.take();
}

}  // namespace soco

#include "soco/config/field_codec.h"  // IWYU pragma: export
