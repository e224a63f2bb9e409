// SPDX-License-Identifier: MIT
#include "soco/run/verify.h"

#include <cstdio>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/base/log.h"
#include "soco/cli/commands.h"

namespace soco {

int run_verify(int argc, char** argv) {
  std::vector<std::filesystem::path> paths;
  CommandLine line("verify",
                   "Reads runs, checkpoints and proposal stores to the last byte and says what is damaged. Exit code 1 "
                   "when anything is.",
                   "  soco verify runs/first\n  soco verify proposals.db step_00001000.safetensors\n");
  line.app.add_option("PATH", paths, "run folders and files (.safetensors, .db, .jsonl, .toml, .json, event files)")
      ->required();
  if (!line.parse(argc, argv)) return 0;
  std::vector<VerifiedFile> files;
  for (const auto& path : paths) {
    if (std::filesystem::is_directory(path)) {
      for (VerifiedFile& file : verify_run(path)) files.push_back(std::move(file));
    } else {
      files.push_back(verify_file(path));
    }
  }
  std::uint64_t num_bytes = 0;
  std::size_t num_damaged = 0;
  for (const VerifiedFile& file : files) {
    num_bytes += file.num_bytes;
    num_damaged += !file.problem.empty();
    std::string text = file.problem.empty() ? "ok" : "DAMAGED: " + file.problem;
    if (!file.note.empty()) text += "; " + file.note;
    std::fputs((printable(fmt::format("{}: {}", file.path.string(), text)) + "\n").c_str(), stdout);
  }
  if (num_damaged > 0) fail("{} of {} files are damaged", num_damaged, files.size());
  std::fputs(fmt::format("{} files, {}: all whole\n", files.size(), format_bytes(num_bytes)).c_str(), stdout);
  return 0;
}

}  // namespace soco
