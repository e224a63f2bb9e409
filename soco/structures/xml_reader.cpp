// SPDX-License-Identifier: MIT
#include "soco/structures/xml_reader.h"

#include <expat.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/log.h"

namespace soco {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kBytesAtATime = 1 << 20;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

class XmlReader {
 public:
  XmlReader(const std::string& name, const std::function<void(const XmlElement&)>& on_end)
      : name_(name), on_end_(on_end), parser_(XML_ParserCreate(nullptr), &XML_ParserFree) {
    if (!parser_) throw std::bad_alloc();
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), &on_start_tag, &on_end_tag);
    XML_SetCharacterDataHandler(parser_.get(), &on_text);
    XML_SetStartDoctypeDeclHandler(parser_.get(), &on_document_type);
  }

  void read(std::string_view text) {
    do {
      const std::string_view part = text.substr(0, kBytesAtATime);
      text.remove_prefix(part.size());
      const auto status = XML_Parse(parser_.get(), part.data(), static_cast<int>(part.size()), text.empty());
      if (error_) std::rethrow_exception(error_);
      if (status != XML_STATUS_OK) fail_here(XML_ErrorString(XML_GetErrorCode(parser_.get())));
    } while (!text.empty());
  }

 private:
  struct Level {
    std::size_t path_size = 0;  // of the parent's path
    std::string text;
  };

  /// No exception may pass through the library: it stops the parser, and read() throws it again.
  template <class Action>
  static void guarded(void* self, const Action& action) {
    auto& reader = *static_cast<XmlReader*>(self);
    if (reader.error_) return;
    try {
      action(reader);
    } catch (...) {
      reader.error_ = std::current_exception();
      XML_StopParser(reader.parser_.get(), XML_FALSE);
    }
  }

  static void on_start_tag(void* self, const char* element, const char**) {
    guarded(self, [&](XmlReader& reader) { reader.open(element); });
  }
  static void on_end_tag(void* self, const char*) {
    guarded(self, [](XmlReader& reader) { reader.close(); });
  }
  static void on_text(void* self, const char* text, int size) {
    guarded(self, [&](XmlReader& reader) { reader.add_text({text, static_cast<std::size_t>(size)}); });
  }
  static void on_document_type(void* self, const char*, const char*, const char*, int) {
    guarded(self, [](XmlReader& reader) { reader.fail_here("a document type, which is not read"); });
  }

  void open(std::string_view element) {
    if (levels_.size() == kMaxXmlDepth) fail_here(fmt::format("nested deeper than {} elements", kMaxXmlDepth));
    levels_.push_back({path_.size(), {}});
    if (!path_.empty()) path_ += '/';
    path_ += element;
  }

  void close() {
    on_end_({path_, trimmed(levels_.back().text)});
    path_.resize(levels_.back().path_size);
    levels_.pop_back();
  }

  void add_text(std::string_view part) {
    std::string& text = levels_.back().text;
    if (text.size() + part.size() > kMaxXmlText) fail_here(fmt::format("a text of more than {} bytes", kMaxXmlText));
    text += part;
  }

  [[noreturn]] void fail_here(std::string_view what) const {
    fail("{} (byte {}): {}", name_, XML_GetCurrentByteIndex(parser_.get()), what);
  }

  const std::string& name_;
  const std::function<void(const XmlElement&)>& on_end_;
  std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser_;
  std::exception_ptr error_;
  std::string path_;
  std::vector<Level> levels_;
};

}  // namespace

void read_xml(std::string_view text, const std::string& name, const std::function<void(const XmlElement&)>& on_end) {
  XmlReader(name, on_end).read(text);
}

}  // namespace soco
