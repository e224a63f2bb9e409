// SPDX-License-Identifier: MIT
#include "soco/base/json.h"

#include <unordered_set>
#include <vector>

#include "soco/base/error.h"

namespace soco {
namespace {

// Counts brackets outside strings, so that a hostile text is refused before anything recurses over it.
void check_depth(std::string_view text, const std::string& name, int max_depth) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) fail("{}: JSON nests deeper than {} levels at byte {}", name, max_depth, i);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

// The library keeps the last of repeated keys without a word; two readers of such a file may see different things.
class RepeatedKeyCheck {
 public:
  explicit RepeatedKeyCheck(const std::string& name) : name_(name) {}

  bool operator()(int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys_.emplace_back();
    if (event == Json::parse_event_t::object_end) keys_.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys_.back().insert(key).second) fail("{}: the key '{}' is there twice in one JSON object", name_, key);
    }
    return true;
  }

 private:
  const std::string& name_;
  std::vector<std::unordered_set<std::string>> keys_;  // of the objects that are open
};

}  // namespace

Json parse_json(std::string_view text, const std::string& name, int max_depth) {
  check_depth(text, name, max_depth);
  RepeatedKeyCheck check(name);
  try {
    return Json::parse(text.begin(), text.end(), [&check](int depth, Json::parse_event_t event, Json& parsed) {
      return check(depth, event, parsed);
    });
  } catch (const Json::exception& error) {
    fail("{}: not valid JSON: {}", name, error.what());
  }
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace soco
