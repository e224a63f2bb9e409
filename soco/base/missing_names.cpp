// SPDX-License-Identifier: MIT
#include "soco/base/missing_names.h"

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr std::size_t kNumShown = 10;

}  // namespace

void MissingNames::add(std::string_view name) {
  ++count_;
  if (first_.size() < kNumShown) first_.emplace_back(name);
}

std::string MissingNames::text() const {
  if (count_ == 0) return "0";
  std::string names;
  for (const std::string& name : first_) names += (names.empty() ? "" : ", ") + name;
  const std::int64_t more = count_ - static_cast<std::int64_t>(first_.size());
  if (more > 0) names += fmt::format(" and {} more", more);
  return fmt::format("{} ({})", count_, names);
}

void MissingNames::check_minority(std::int64_t total, std::string_view file, std::string_view what) const {
  if (2 * count_ <= total) return;
  fail("{}: of {} {} {}: the two do not belong together", file, total, what, text());
}

}  // namespace soco
