// SPDX-License-Identifier: MIT
// PyTorch's zip archives, its older files and plain pickles, which the first bytes tell apart.
#include "fuzz/fuzz.h"
#include "soco/export/pickle_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  const std::filesystem::path path = fuzz::input_file(data, size, "w.pth");
  return fuzz::expect_error_or_success([&] { read_pickle_file(path); });
}
