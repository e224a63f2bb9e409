// SPDX-License-Identifier: MIT
// The names of a state dict, one a line, each of a tensor of twelve numbers: from any program's names to ours and to
// others' again.
#include "soco/export/weights.h"

#include "fuzz/fuzz.h"
#include "soco/export/formats/mmdetection.h"
#include "soco/export/formats/soco_release.h"
#include "soco/export/formats/torchvision_detector.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  std::string_view rest = fuzz::text_of_input(data, size);
  return fuzz::expect_error_or_success([&] {
    StateDict tensors;
    while (!rest.empty()) {
      const std::string name(rest.substr(0, rest.find('\n')));
      rest.remove_prefix(std::min(rest.size(), name.size() + 1));
      const bool counter = name.ends_with("num_batches_tracked");
      if (tensors.find(name) != nullptr) continue;
      tensors.add(name, counter ? HostTensor::from<std::int64_t>({}, {1})
                                : HostTensor::from<float>({12}, std::vector<float>(12)));
    }
    for (const TrunkLayout layout : {TrunkLayout::kFpn, TrunkLayout::kC4}) {
      const ReadWeights read =
          weights_from_tensors(tensors, {}, "fuzz", {.layout = layout, .mismatch = Mismatch::kAccept});
      const StateDict& ours = read.weights.online;
      const NetworkShape shape = network_shape(ours);
      fuzz::expect_error_or_success([&] {
        const FormatPart& part = mmdetection_format();
        map_state_dict(part.arrange(ours, shape), part.key_map(shape), "mmdetection");
      });
      fuzz::expect_error_or_success([&] { torchvision_detector_from_ours(ours); });
      map_state_dict(ours, soco_release::key_map(), "soco-release");
    }
  });
}
