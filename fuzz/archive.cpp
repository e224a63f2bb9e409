// SPDX-License-Identifier: MIT
// Listings of tar and zip archives, and the members they name: whatever is listed lies inside the file.
#include "soco/image/archive.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  for (const char* name : {"a.tar", "a.zip"}) {
    const std::filesystem::path path = fuzz::input_file(data, size, name);
    fuzz::expect_error_or_success([&] {
      ArchiveListing listing = list_archive(path);
      for (const NamedMember& found : listing.members) {
        SOCO_ASSERT(found.member.offset <= size && found.member.packed_size <= size - found.member.offset);
        fuzz::expect_error_or_success([&] {
          const auto bytes = read_member(path, found.member, found.name, 1 << 20);
          SOCO_ASSERT(bytes.size() == found.member.size);
        });
      }
      const std::size_t num_members = listing.members.size();
      SOCO_ASSERT(image_members(path, std::move(listing)).size() <= num_members);
    });
  }
  return 0;
}
