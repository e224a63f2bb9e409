// SPDX-License-Identifier: MIT
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "soco/config/options.h"

namespace soco {

/// A command of the program: `run` gets the words after the program's name (argv[0] is the command's name) and returns
/// the exit code; errors are thrown.
struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(int argc, char** argv);
};

/// The arguments of one command: flags, declared on `app`, then key=value overrides of its options struct.
class CommandLine {
 public:
  /// `examples`: worked calls, one a line, shown by --help.
  CommandLine(std::string name, const std::string& summary, std::string examples);

  CLI::App app;

  /// Lets the command take key=value words; --help lists the keys of `options` with type, default and meaning.
  template <class Options>
  void take_overrides(const Options& options) {
    takes_overrides_ = true;
    docs_ = describe(options);
  }

  /// Reads the words. Returns false when help was asked for and printed. Errors: usage error with the nearest flag.
  bool parse(int argc, char** argv);

  /// Applies the key=value words to `options`.
  template <class Options>
  void apply_overrides(Options& options) const {
    for (const std::string& word : overrides_) apply_override(options, word);
  }
  const std::vector<std::string>& overrides() const { return overrides_; }

 private:
  std::string help_text() const;

  std::string examples_;
  bool takes_overrides_ = false;
  std::vector<OptionDoc> docs_;
  std::vector<std::string> overrides_;
};

/// Runs `body` and turns errors into a line on stderr and the exit codes of the command line: 0, or exit_code() of the
/// error's kind.
int run_guarded(const std::function<int()>& body);

}  // namespace soco
