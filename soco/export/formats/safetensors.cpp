// SPDX-License-Identifier: MIT
#include "soco/export/formats/safetensors.h"

#include "soco/checkpoint/safetensors.h"

namespace soco {
namespace {

KeyMap key_map(const NetworkShape&) {
  return {.rules = {{"backbone.*", "backbone.*"},
                    {"proposal_generator.*", "proposal_generator.*"},
                    {"roi_heads.*", "roi_heads.*"},
                    {"projector.*", "projector.*"},
                    {"predictor.*", "predictor.*"}},
          .skipped_prefixes = {}};
}

StateDict read(const std::filesystem::path& path) { return read_safetensors(path).tensors; }

std::string convention(const NetworkShape& shape) {
  return "Images: RGB, scaled to 0..1, then (x - mean) / std with mean 0.485, 0.456, 0.406 and std 0.229, 0.224, "
         "0.225.\nNames are Detectron2's (backbone.*, proposal_generator.*, roi_heads.*)" +
         std::string(shape.detector ? "." : ", beside projector.* and predictor.* of the pretraining.");
}

}  // namespace

const FormatPart& safetensors_format() {
  static const FormatPart part{&key_map, nullptr, &write_safetensors, &read, &convention};
  return part;
}

}  // namespace soco
