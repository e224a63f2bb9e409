// SPDX-License-Identifier: MIT
#include <sys/utsname.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/format.h"
#include "soco/cli/commands.h"
#include "soco/cli/training_library.h"
#include "soco/image/codec.h"
#include "soco/run/auto_settings.h"
#include "soco/run/recipes.h"

namespace soco {
namespace {

void line(const char* what, const std::string& text) { std::printf("%-12s %s\n", what, text.c_str()); }

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string text; std::getline(info, text);)
    if (text.starts_with("model name")) return text.substr(text.find(':') + 2);
  return "unknown";
}

std::string simd_level() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "AVX-512";
  if (__builtin_cpu_supports("avx2")) return "AVX2";
  return "SSE2";
#else
  return "the baseline of this architecture";
#endif
}

/// Writes a picture and reads it back, so that the codecs are known to work and not only to be linked.
std::string codec_check(const std::vector<std::byte>& encoded, const char* name) {
  const Image image = decode_image(encoded, name);
  return image.height == 8 && image.width == 8 ? "ok" : "BROKEN: wrong size read back";
}

}  // namespace

int run_doctor(int argc, char** argv) {
  std::string folder = ".";
  CommandLine command("doctor", "Says what this machine, libtorch and the disk allow.",
                      "  soco doctor\n  soco doctor --out runs\n");
  command.app.add_option("--out", folder, "folder whose disk runs would be written to")->capture_default_str();
  if (!command.parse(argc, argv)) return 0;
  utsname system{};
  uname(&system);
  const MachineInfo machine = host_machine_info();
  line("soco", SOCO_VERSION);
  line("system", fmt::format("{} {} {}", system.sysname, system.release, system.machine));
  line("processor", fmt::format("{}, {} cores, {}", cpu_model(), machine.num_cores, simd_level()));
  line("memory", fmt::format("{} free", format_bytes(machine.memory_bytes)));
  line("disk",
       fmt::format("{} free in {}", format_bytes(free_bytes(folder)), std::filesystem::absolute(folder).string()));
  Image picture{8, 8, std::vector<std::uint8_t>(8 * 8 * 3, 128)};
  line("JPEG", codec_check(encode_jpeg(picture, 90), "doctor.jpg"));
  line("PNG", codec_check(encode_png(picture), "doctor.png"));
  std::string recipes;
  for (const Recipe& recipe : pretrain_recipes()) recipes += (recipes.empty() ? "" : ", ") + std::string(recipe.name);
  line("recipes", recipes);
  std::fflush(stdout);
  try {
    return run_in_training_library("doctor", argc, argv);
  } catch (const Error& error) {
    line("libtorch", fmt::format("NOT USABLE: {}", error.what()));
    return 1;
  }
}

}  // namespace soco
