// SPDX-License-Identifier: MIT
#include "soco/export/formats/torchvision.h"

#include "soco/base/error.h"
#include "soco/export/pickle_reader.h"
#include "soco/export/pickle_writer.h"

namespace soco {
namespace {

KeyMap key_map(const NetworkShape&) {
  KeyMap map;
  add_torchvision_trunk(map.rules, "backbone.bottom_up.", "");
  add_torchvision_trunk(map.rules, "backbone.", "");
  add_torchvision_trunk(map.rules, "roi_heads.", "");  // res5 of C4
  map.skipped_prefixes = {"projector.",           "predictor.",          "backbone.fpn_",
                          "proposal_generator.",  "roi_heads.box_head.", "roi_heads.box_predictor.",
                          "roi_heads.mask_head.", "roi_heads.res5.norm"};
  return map;
}

std::string convention(const NetworkShape& shape) {
  return fmt::format(
             "Images: RGB. transforms.ToTensor(), then\n"
             "  transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])\n"
             "  model = torchvision.models.resnet{}(); model.fc = torch.nn.Identity()\n"
             "  model.load_state_dict(torch.load(this file, weights_only=True))",
             shape.depth) +
         width_warning(shape, "torchvision");
}

}  // namespace

void write_torchvision_file(const std::filesystem::path& path, const StateDict& theirs,
                            const std::map<std::string, std::string>&) {
  PickleValue::Dict dict = dict_from_state_dict(theirs);
  dict.type_name = "OrderedDict";  // as state_dict() gives
  write_torch_file(path, PickleValue(std::move(dict)));
}

StateDict read_torchvision_file(const std::filesystem::path& path) {
  return extract_state_dict(read_pickle_file(path), path.string()).tensors;
}

const FormatPart& torchvision_format() {
  static const FormatPart part{&key_map, nullptr, &write_torchvision_file, &read_torchvision_file, &convention};
  return part;
}

}  // namespace soco
