// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "soco/run/pretrain_options.h"

namespace soco {

/// What `soco inspect data` was asked for.
struct InspectDataArguments {
  PretrainOptions options;  // recipe: limits of images, views, filter
  std::filesystem::path images, proposals;
  std::string json;           // file for the figures; empty: none
  bool headers_only = false;  // do not decode
  int workers = 0;            // 0: one per processor
};

/// Reads all images and prints what they are. Errors: see list_images, inspect_images.
int inspect_data(const InspectDataArguments& arguments);

}  // namespace soco
