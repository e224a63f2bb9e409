// SPDX-License-Identifier: MIT
#include "soco/export/formats/torchvision.h"

#include "soco/export/pickle_reader.h"
#include "soco/export/pickle_writer.h"

namespace soco {
namespace {

KeyMap key_map() {
  KeyMap map;
  add_torchvision_trunk(map.rules, "backbone.bottom_up.", "");
  add_torchvision_trunk(map.rules, "backbone.", "");
  add_torchvision_trunk(map.rules, "roi_heads.", "");  // res5 of C4
  map.skipped_prefixes = {"projector.", "predictor.", "backbone.fpn_", "roi_heads.box_head."};
  return map;
}

void write(const std::filesystem::path& path, const StateDict& theirs, const std::map<std::string, std::string>&) {
  PickleValue::Dict dict = dict_from_state_dict(theirs);
  dict.type_name = "OrderedDict";  // as state_dict() gives
  write_torch_file(path, PickleValue(std::move(dict)));
}

StateDict read(const std::filesystem::path& path) {
  return extract_state_dict(read_pickle_file(path), path.string()).tensors;
}

}  // namespace

const FormatPart& torchvision_format() {
  static const FormatPart part{&key_map, &write, &read,
                               "Images: RGB. transforms.ToTensor(), then\n"
                               "  transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])\n"
                               "  model = torchvision.models.resnet{depth}(); model.fc = torch.nn.Identity()\n"
                               "  model.load_state_dict(torch.load(this file, weights_only=True))"};
  return part;
}

}  // namespace soco
