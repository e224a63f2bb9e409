// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "soco/run/finetune_options.h"
#include "soco/run/pretrain_options.h"

namespace soco {

/// A recipe shipped with the program: the text of recipes/NAME.toml.
struct Recipe {
  std::string_view name;
  std::string_view text;
};

/// All shipped recipes, by name. The table is made from recipes/*.toml when the program is built.
const std::vector<Recipe>& shipped_recipes();

/// Those of pretraining, and those of detectors: recipes/detection/NAME.toml, here without the folder.
std::vector<Recipe> pretrain_recipes();
std::vector<Recipe> detection_recipes();

/// Loads `config` into `options`: a file when a file of that name is there, else a shipped recipe of its kind.
/// Errors: usage error with the nearest recipe name when it is neither.
void load_recipe_or_file(PretrainOptions& options, const std::string& config);
void load_recipe_or_file(FinetuneOptions& options, const std::string& config);

}  // namespace soco
