// SPDX-License-Identifier: MIT
// The names of a state dict, one a line, each of a tensor of one float: from any program's names to ours and back to
// the release's.
#include "soco/export/weights.h"

#include "fuzz/fuzz.h"
#include "soco/export/formats/soco_release.h"

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
      tensors.add(name, counter ? HostTensor::from<std::int64_t>({}, {1}) : HostTensor::from<float>({1}, {1}));
    }
    for (const TrunkLayout layout : {TrunkLayout::kFpn, TrunkLayout::kC4}) {
      const ReadWeights read =
          weights_from_tensors(tensors, {}, "fuzz", {.layout = layout, .mismatch = Mismatch::kAccept});
      map_state_dict(read.weights.online, soco_release::key_map(), "soco-release");
    }
  });
}
