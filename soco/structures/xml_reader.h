// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace soco {

/// What read_xml tells of an element: its path from the root ("annotation/object/name") and its own text without the
/// white space around it.
struct XmlElement {
  std::string_view path;
  std::string_view text;
};

/// Reads the elements of an XML text, each when it ends: children before their parents. Attributes, comments and
/// processing instructions are passed over. No document types, and so no entities but the five of XML and numbers,
/// since these can make gigabytes out of a line. Errors name file and byte: not well-formed, a document type, deeper
/// than kMaxXmlDepth, an element's own text longer than kMaxXmlText.
void read_xml(std::string_view text, const std::string& name, const std::function<void(const XmlElement&)>& on_end);

inline constexpr std::size_t kMaxXmlDepth = 32;
inline constexpr std::size_t kMaxXmlText = 1 << 16;  // bytes

}  // namespace soco
