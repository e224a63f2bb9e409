// SPDX-License-Identifier: MIT
#include "soco/export/formats/safetensors.h"

#include "soco/checkpoint/safetensors.h"

namespace soco {
namespace {

KeyMap key_map() {
  return {.rules = {{"backbone.*", "backbone.*"},
                    {"roi_heads.*", "roi_heads.*"},
                    {"projector.*", "projector.*"},
                    {"predictor.*", "predictor.*"}},
          .skipped_prefixes = {}};
}

StateDict read(const std::filesystem::path& path) { return read_safetensors(path).tensors; }

}  // namespace

const FormatPart& safetensors_format() {
  static const FormatPart part{
      &key_map, &write_safetensors, &read,
      "Images: RGB, scaled to 0..1, then (x - mean) / std with mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225.\n"
      "Names are Detectron2's (backbone.bottom_up.*, backbone.fpn_*, roi_heads.box_head.*), beside projector.* and "
      "predictor.* of the pretraining."};
  return part;
}

}  // namespace soco
