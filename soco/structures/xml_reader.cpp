// SPDX-License-Identifier: MIT
#include "soco/structures/xml_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/log.h"

namespace soco {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

void append_utf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
            static_cast<char>(0x80 | (code & 0x3F))};
  } else {
    out += {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3F)),
            static_cast<char>(0x80 | (code >> 6 & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
  }
}

class XmlReader {
 public:
  XmlReader(std::string_view text, const std::string& name, const std::function<void(const XmlElement&)>& on_end)
      : text_(text), name_(name), on_end_(on_end) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // a byte order mark
  }

  void read() {
    while (at_ < text_.size()) {
      if (text_[at_] == '<') {
        read_markup();
      } else {
        read_text();
      }
    }
    if (!levels_.empty()) fail_here(fmt::format("the end, and <{}> is not closed", printable(path_)));
    if (!has_root_) fail_here("no element; an XML text is expected");
  }

 private:
  struct Level {
    std::size_t path_size = 0;  // of the parent's path
    std::string text;
  };

  void read_markup() {
    if (skip("<!--", "-->") || skip("<?", "?>")) return;
    if (text_.substr(at_).starts_with("<!")) fail_here("a document type or CDATA, which is not read");
    const std::size_t end = text_.find('>', at_);
    if (end == std::string_view::npos || end - at_ > kMaxXmlText) fail_here("a tag that does not end");
    std::string_view tag = text_.substr(at_ + 1, end - at_ - 1);
    if (tag.starts_with('/')) {
      close(trimmed(tag.substr(1)));
    } else {
      const bool empty = tag.ends_with('/');
      if (empty) tag.remove_suffix(1);
      const std::string_view element = tag.substr(0, tag.find_first_of(kSpace));
      open(element);
      if (empty) close(element);
    }
    at_ = end + 1;
  }

  bool skip(std::string_view begin, std::string_view end) {
    if (!text_.substr(at_).starts_with(begin)) return false;
    const std::size_t found = text_.find(end, at_ + begin.size());
    if (found == std::string_view::npos) fail_here(fmt::format("'{}' without '{}'", begin, end));
    at_ = found + end.size();
    return true;
  }

  void open(std::string_view element) {
    if (element.empty() || element.find_first_of("/<&\"'=") != std::string_view::npos)
      fail_here("a tag without a name");
    if (levels_.empty() && std::exchange(has_root_, true)) fail_here("a second root element");
    if (levels_.size() == kMaxXmlDepth) fail_here(fmt::format("nested deeper than {} elements", kMaxXmlDepth));
    levels_.push_back({path_.size(), {}});
    if (!path_.empty()) path_ += '/';
    path_ += element;
  }

  void close(std::string_view element) {
    if (levels_.empty()) fail_here(fmt::format("</{}> closes nothing", printable(element)));
    const Level& level = levels_.back();
    const std::size_t begin = level.path_size == 0 ? 0 : level.path_size + 1;
    if (std::string_view(path_).substr(begin) != element)
      fail_here(fmt::format("</{}> where </{}> is expected", printable(element), printable(path_.substr(begin))));
    on_end_({path_, trimmed(level.text)});
    path_.resize(level.path_size);
    levels_.pop_back();
  }

  void read_text() {
    const std::size_t end = std::min(text_.find('<', at_), text_.size());
    const std::string_view part = text_.substr(at_, end - at_);
    if (levels_.empty()) {
      if (!trimmed(part).empty()) fail_here("text outside the root element; an XML text is expected");
    } else {
      std::string& text = levels_.back().text;
      if (text.size() + part.size() > kMaxXmlText) fail_here(fmt::format("a text of more than {} bytes", kMaxXmlText));
      append_unescaped(part, text);
    }
    at_ = end;
  }

  void append_unescaped(std::string_view part, std::string& out) {
    while (!part.empty()) {
      const std::size_t amp = std::min(part.find('&'), part.size());
      out += part.substr(0, amp);
      part.remove_prefix(amp);
      if (part.empty()) return;
      const std::size_t end = part.find(';');
      if (end == std::string_view::npos || end > 10) fail_here("'&' without ';'");
      append_entity(part.substr(1, end - 1), out);
      part.remove_prefix(end + 1);
    }
  }

  void append_entity(std::string_view entity, std::string& out) {
    constexpr std::array<std::pair<std::string_view, char>, 5> kEntities{
        {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}}};
    for (const auto& [known, character] : kEntities) {
      if (entity == known) {
        out += character;
        return;
      }
    }
    const bool hex = entity.starts_with("#x");
    const std::string_view digits = entity.substr(std::min<std::size_t>(hex ? 2 : 1, entity.size()));
    std::uint32_t code = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
    const bool whole = entity.starts_with('#') && error == std::errc{} && end == digits.data() + digits.size();
    if (!whole || code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
      fail_here(fmt::format("the entity '&{};', which is not read", printable(entity)));
    append_utf8(code, out);
  }

  [[noreturn]] void fail_here(std::string_view what) const { fail("{} (byte {}): {}", name_, at_, what); }

  std::string_view text_;
  const std::string& name_;
  const std::function<void(const XmlElement&)>& on_end_;
  std::size_t at_ = 0;
  std::string path_;
  std::vector<Level> levels_;
  bool has_root_ = false;
};

}  // namespace

void read_xml(std::string_view text, const std::string& name, const std::function<void(const XmlElement&)>& on_end) {
  XmlReader(text, name, on_end).read();
}

}  // namespace soco
