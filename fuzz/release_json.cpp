// SPDX-License-Identifier: MIT
// Import of the release's JSON for two images, "a" and "b" of 64 x 48 pixels.
#include "soco/proposals/release_json.h"
#include "fuzz/fuzz.h"
#include "soco/image/codec.h"

namespace {

std::vector<soco::ImageEntry> make_entries() {
  std::vector<soco::ImageEntry> entries;
  for (const char* name : {"a.png", "b.png"}) {
    entries.push_back({name, soco::fuzz::scratch_folder() / name});
    soco::write_image(entries.back().path, soco::make_image(48, 64));
  }
  return entries;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  static const std::vector<ImageEntry> entries = make_entries();
  const std::filesystem::path out = fuzz::scratch_folder() / "out.db";
  fuzz::expect_error_or_success([&] {
    import_release_json(fuzz::input_file(data, size, "in.json"), entries, out);
    ProposalStore::open_read(out).verify();
  });
  std::filesystem::remove(out);
  return 0;
}
