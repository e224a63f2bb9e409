// SPDX-License-Identifier: MIT
#include "soco/run/recipes.h"

#include "soco/base/error.h"
#include "soco/base/suggest.h"

namespace soco {

void load_recipe_or_file(PretrainOptions& options, const std::string& config) {
  if (std::filesystem::is_regular_file(config)) return load_toml_file(options, config);
  std::vector<std::string> names;
  std::string listed;
  for (const Recipe& recipe : shipped_recipes()) {
    if (recipe.name == config) return load_toml(options, recipe.text, "recipe " + config);
    names.emplace_back(recipe.name);
    listed += (listed.empty() ? "" : ", ") + names.back();
  }
  const std::string near = closest_match(config, names);
  fail_usage("--config {}: neither a file nor a shipped recipe{}; shipped are: {}", config,
             near.empty() ? "" : " (did you mean " + near + "?)", listed);
}

}  // namespace soco
