// SPDX-License-Identifier: MIT
#include "soco/cli/command_line.h"

#include <cstdio>
#include <new>

#include "soco/base/error.h"
#include "soco/base/suggest.h"

namespace soco {
namespace {

std::string option_line(const OptionDoc& doc) {
  std::string line = fmt::format("  {:<34} {:<8} {}", doc.key + "=" + doc.default_value, doc.type, doc.doc);
  if (!doc.allowed.empty()) line += " [" + doc.allowed + "]";
  return line + "\n";
}

}  // namespace

CommandLine::CommandLine(std::string name, const std::string& summary, std::string examples)
    : app(summary, "soco " + name), examples_(std::move(examples)) {
  app.set_help_flag();  // --help is ours: it adds keys and examples
  app.allow_extras();   // words that are no flags: sorted into key=value and mistakes by parse()
}

std::string CommandLine::help_text() const {
  std::string text = app.help();
  if (takes_overrides_) {
    text += "Keys (key=value, after the flags):\n";
    for (const OptionDoc& doc : docs_) text += option_line(doc);
  }
  return text + "\nExamples:\n" + examples_;
}

bool CommandLine::parse(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i >= 1; --i) {  // CLI11 reads from the back
    const std::string word = argv[i];
    if (word == "--help" || word == "-h") {
      std::fputs(help_text().c_str(), stdout);
      return false;
    }
    words.push_back(word);
  }
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    fail_usage("{}: {} ('{} --help' lists what it takes)", app.get_name(), error.what(), app.get_name());
  }
  for (const std::string& word : app.remaining()) {
    const bool is_flag = word.starts_with("-");
    if (!is_flag && takes_overrides_ && word.find('=') != std::string::npos) {
      overrides_.push_back(word);
      continue;
    }
    std::vector<std::string> known;
    for (const CLI::Option* option : app.get_options()) known.push_back(option->get_name());
    const std::string near = is_flag ? closest_match(word, known) : "";
    fail_usage("{}: unexpected '{}'{} ('{} --help' lists what it takes)", app.get_name(), word,
               near.empty() ? "" : "; did you mean '" + near + "'?", app.get_name());
  }
  return true;
}

int run_guarded(const std::function<int()>& body) {
  try {
    return body();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", error.kind() == ErrorKind::kInterrupted ? "soco" : "soco: error", error.what());
    return exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    std::fputs("soco: error: out of memory; lower train.batch_size, the view sizes or the number of workers\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "soco: internal error: %s\n", error.what());
  }
  return 1;
}

}  // namespace soco
