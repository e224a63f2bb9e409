// SPDX-License-Identifier: MIT
#include "soco/checkpoint/safetensors.h"

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  const std::filesystem::path path = fuzz::input_file(data, size, "w.safetensors");
  return fuzz::expect_error_or_success([&] { read_safetensors(path); });
}
