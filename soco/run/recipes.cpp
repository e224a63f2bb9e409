// SPDX-License-Identifier: MIT
#include "soco/run/recipes.h"

#include "soco/base/error.h"
#include "soco/base/suggest.h"

namespace soco {

namespace {

constexpr std::string_view kDetectionFolder = "detection/";

template <class Options>
void load_from(Options& options, const std::string& config, const std::vector<Recipe>& recipes) {
  if (std::filesystem::is_regular_file(config)) return load_toml_file(options, config);
  std::vector<std::string> names;
  std::string listed;
  for (const Recipe& recipe : recipes) {
    if (recipe.name == config) return load_toml(options, recipe.text, "recipe " + config);
    names.emplace_back(recipe.name);
    listed += (listed.empty() ? "" : ", ") + names.back();
  }
  const std::string near = closest_match(config, names);
  fail_usage("--config {}: neither a file nor a shipped recipe{}; shipped are: {}", config,
             near.empty() ? "" : " (did you mean " + near + "?)", listed);
}

}  // namespace

std::vector<Recipe> pretrain_recipes() {
  std::vector<Recipe> recipes;
  for (const Recipe& recipe : shipped_recipes())
    if (!recipe.name.starts_with(kDetectionFolder)) recipes.push_back(recipe);
  return recipes;
}

std::vector<Recipe> detection_recipes() {
  std::vector<Recipe> recipes;
  for (const Recipe& recipe : shipped_recipes())
    if (recipe.name.starts_with(kDetectionFolder))
      recipes.push_back({recipe.name.substr(kDetectionFolder.size()), recipe.text});
  return recipes;
}

void load_recipe_or_file(PretrainOptions& options, const std::string& config) {
  load_from(options, config, pretrain_recipes());
}

void load_recipe_or_file(FinetuneOptions& options, const std::string& config) {
  load_from(options, config, detection_recipes());
}

}  // namespace soco
