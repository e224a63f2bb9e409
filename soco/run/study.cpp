// SPDX-License-Identifier: MIT
#include "soco/run/study.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <list>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <utility>

#include "soco/base/atomic_file.h"
#include "soco/base/child_process.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/format.h"
#include "soco/base/hash.h"
#include "soco/base/json.h"
#include "soco/base/progress.h"
#include "soco/base/signals.h"
#include "soco/base/thread_pool.h"
#include "soco/run/detector_file.h"
#include "soco/run/run_folder.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

constexpr auto kPoll = std::chrono::milliseconds(50);
constexpr const char* kRandom = "random";

struct Init {
  std::string name;
  fs::path file;     // empty: random
  std::string hash;  // of its bytes
};

std::string hash_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("{}: cannot be read", path.string());
  std::vector<char> block(std::size_t{1} << 20);
  Hasher128 hasher;
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0)
    hasher.update(std::as_bytes(std::span(block).first(static_cast<std::size_t>(file.gcount()))));
  return hasher.digest().hex();
}

/// The one file that is meant: of a detector's training the best weights, of another run the newest checkpoint.
fs::path file_of(const fs::path& path) {
  if (!fs::exists(path)) fail_usage("--inits {}: there is no such file or folder", path.string());
  if (!fs::is_directory(path)) return fs::absolute(path);
  const RunFolder run = RunFolder::of_job(fs::absolute(path));
  if (is_finetune_run(path) && fs::exists(run.best())) return run.best();
  if (!fs::exists(run.checkpoints() / "last"))
    fail_usage("--inits {}: is a folder, but not that of a run with a checkpoint", path.string());
  std::string newest = read_text_file(run.checkpoints() / "last");
  newest.erase(newest.find_last_not_of(" \n") + 1);
  return run.checkpoints() / newest;
}

std::vector<Init> resolve(const std::vector<std::string>& words) {
  std::vector<Init> inits;
  std::set<std::string> names;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string path = equals == std::string::npos ? word : word.substr(equals + 1);
    Init init;
    init.name =
        equals == std::string::npos ? fs::path(path).lexically_normal().filename().string() : word.substr(0, equals);
    if (init.name.empty() || init.name.front() == '.' || init.name.find('/') != std::string::npos)
      fail_usage("--inits {}: '{}' cannot be its name; write NAME=PATH", word, init.name);
    if (!names.insert(init.name).second)
      fail_usage("--inits: two starts have the name '{}'; write NAME=PATH to tell them apart", init.name);
    if (word != kRandom) {
      init.file = file_of(path);
      init.hash = hash_of(init.file);
    }
    inits.push_back(std::move(init));
  }
  return inits;
}

/// One training of the grid.
struct Cell {
  StudyRun run;
  std::vector<std::string> command;  // of `soco`, from the start
  std::string init_hash;
  fs::path folder;

  std::string name() const { return folder.filename().string(); }
  fs::path result_file() const { return folder / "result.json"; }
  fs::path run_folder() const { return folder / "run"; }
  fs::path output() const { return folder / "output.log"; }
};

bool has_key(const std::vector<std::string>& keys, std::string_view name) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const std::string& key) { return key.starts_with(fmt::format("{}=", name)); });
}

std::vector<Cell> make_cells(const StudyOptions& o) {
  if (!o.steps.empty() && o.steps.size() != o.percents.size())
    fail_usage("--steps has {} numbers and --fractions {}; give one for each, or none", o.steps.size(),
               o.percents.size());
  for (const char* key : {"train.seed", "labels.label_fraction", "labels.fraction_seed"})
    if (has_key(o.keys, key)) fail_usage("{} is what a study varies; leave it to --fractions and --seeds", key);
  if (!o.steps.empty() && (has_key(o.keys, "train.steps") || has_key(o.keys, "train.epochs")))
    fail_usage("--steps does not go with train.steps or train.epochs");
  std::vector<Cell> cells;
  for (const Init& init : resolve(o.inits))
    for (std::size_t f = 0; f < o.percents.size(); ++f)
      for (int seed = 0; seed < o.num_seeds; ++seed) {
        Cell cell;
        cell.run = {.init = init.name, .percent = o.percents[f], .seed = seed};
        cell.folder = fs::absolute(o.out) / fmt::format("{}-{}pct-seed{}", init.name, o.percents[f], seed);
        cell.init_hash = init.hash;
        std::vector<std::string>& words = cell.command;
        words = {"finetune", "--annotations", fs::absolute(o.train_annotations).string(), "--val-annotations",
                 fs::absolute(o.val_annotations).string()};
        const auto add = [&](const char* flag, const std::string& value) {
          if (!value.empty()) words.insert(words.end(), {flag, value});
        };
        add("--images", o.train_images.empty() ? "" : fs::absolute(o.train_images).string());
        add("--val-images", o.val_images.empty() ? "" : fs::absolute(o.val_images).string());
        add("--init", init.file.string());
        add("--config", o.config);
        if (o.partial) words.emplace_back("--partial");
        if (!o.steps.empty()) words.push_back(fmt::format("train.steps={}", o.steps[f]));
        words.push_back(fmt::format("labels.label_fraction={}", o.percents[f] / 100));
        words.push_back(fmt::format("labels.fraction_seed={}", seed));
        words.push_back(fmt::format("train.seed={}", seed));
        words.insert(words.end(), o.keys.begin(), o.keys.end());
        cells.push_back(std::move(cell));
      }
  return cells;
}

/// Notes what the training is made of, or finds it to be what was noted.
void note_command(const Cell& cell) {
  const fs::path file = cell.folder / "command.json";
  const Json now{{"command", cell.command}, {"init_hash", cell.init_hash}};
  if (!fs::exists(file)) {
    fs::create_directories(cell.folder);
    write_file_atomic(file, now.dump(2) + "\n");
    return;
  }
  const Json before = parse_json(read_text_file(file), file.string());
  if (before == now) return;
  const auto words = before.at("command").get<std::vector<std::string>>();
  if (words == cell.command)
    fail_usage("{}: its first weights ({}) are no longer those the study began with; use another --out",
               cell.folder.string(), cell.run.init);
  const auto [a, b] = std::mismatch(words.begin(), words.end(), cell.command.begin(), cell.command.end());
  fail_usage("{}: was begun with {}, not {}; use another --out, or remove this folder", cell.folder.string(),
             a == words.end() ? "fewer settings" : "'" + *a + "'",
             b == cell.command.end() ? "with fewer settings" : "'" + *b + "'");
}

void read_result(Cell& cell) {
  const Json json = parse_json(read_text_file(cell.result_file()), cell.result_file().string());
  cell.run.num_images = json.at("num_images").get<std::int64_t>();
  cell.run.figures = json.at("figures").get<std::map<std::string, double>>();
}

void write_result(const Cell& cell) {
  const RunFolder run = RunFolder::of_job(cell.run_folder());
  const Json sources = parse_json(read_text_file(run.sources()), run.sources().string());
  const Json validation = parse_json(read_text_file(run.validation()), run.validation().string());
  Json figures = Json::object();
  for (const auto& [name, value] : validation.items())
    if (name.starts_with("val_")) figures[name] = value;
  const Json result{{"num_images", sources.at("num_images")}, {"steps", validation.at("step")}, {"figures", figures}};
  write_file_atomic(cell.result_file(), result.dump(2) + "\n");
}

std::string last_line(const fs::path& file) {
  std::string text = read_text_file(file);
  text.erase(text.find_last_not_of("\n") + 1);
  return text.substr(text.rfind('\n') + 1);
}

/// A training that goes on now.
struct Job {
  Cell* cell;
  ChildProcess process;
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
};

Job start(Cell& cell, const StudyOptions& options) {
  std::vector<std::string> words{"resume", cell.run_folder().string()};
  if (!is_run_folder(cell.run_folder())) {
    words = cell.command;
    words.insert(words.end(), {"--out", cell.run_folder().string(), "--overwrite"});
    if (!has_key(options.keys, "train.num_threads"))
      words.push_back(fmt::format("train.num_threads={}", std::max(1, num_available_cpus() / options.num_jobs)));
  }
  return {&cell,
          ChildProcess({.program = options.program, .arguments = words, .variables = {}, .output = cell.output()})};
}

[[noreturn]] void fail_stopped() {
  throw Error(ErrorKind::kInterrupted, "stopped: the trainings are saved; the same command continues the study");
}

/// Ends the study when a training did not end well.
void check_end(const Cell& cell, const ChildEnd& end) {
  if (end.status == 0) return;
  if (end.code() == exit_code(ErrorKind::kInterrupted)) fail_stopped();
  fail("study: {} {}: {} (more in {})", cell.name(), end.text(), last_line(cell.output()), cell.output().string());
}

/// Waits until the trainings have saved and ended.
void stop_all(std::list<Job>& jobs) {
  for (Job& job : jobs) job.process.signal(SIGUSR1);
  while (!jobs.empty()) {
    std::erase_if(jobs, [](Job& job) { return job.process.poll().has_value(); });
    std::this_thread::sleep_for(kPoll);
  }
}

void finish(Cell& cell, double seconds, Logger& log) {
  write_result(cell);
  read_result(cell);
  const auto ap = cell.run.figures.find("val_box_AP");
  log.info("{}: box AP {:.1f} ({})", cell.name(), ap == cell.run.figures.end() ? -1 : 100 * ap->second,
           format_duration(seconds));
}

/// Runs the cells, `num_jobs` at a time, in their order.
void run_cells(const std::vector<Cell*>& cells, std::int64_t num_finished, const StudyOptions& options, Logger& log) {
  Progress progress(log, "study", num_finished + static_cast<std::int64_t>(cells.size()), "trainings");
  progress.start_at(num_finished);
  std::list<Job> jobs;
  std::size_t next = 0;
  try {
    while (next < cells.size() || !jobs.empty()) {
      if (stop_requested()) fail_stopped();
      while (next < cells.size() && static_cast<int>(jobs.size()) < options.num_jobs)
        jobs.push_back(start(*cells[next++], options));
      for (auto job = jobs.begin(); job != jobs.end();) {
        const auto end = job->process.poll();
        if (!end) {
          ++job;
          continue;
        }
        Cell& cell = *job->cell;
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - job->begin).count();
        job = jobs.erase(job);
        check_end(cell, *end);
        finish(cell, seconds, log);
        ++num_finished;
      }
      progress.update(num_finished);
      std::this_thread::sleep_for(kPoll);
    }
  } catch (...) {
    stop_all(jobs);
    throw;
  }
  progress.finish();
}

}  // namespace

std::vector<StudyRun> study(const StudyOptions& options, Logger& log) {
  std::vector<Cell> cells = make_cells(options);
  for (const Cell& cell : cells) note_command(cell);
  std::vector<Cell*> missing;
  for (Cell& cell : cells) {
    if (fs::exists(cell.result_file()))
      read_result(cell);
    else
      missing.push_back(&cell);
  }
  const auto num_finished = static_cast<std::int64_t>(cells.size() - missing.size());
  // Seed by seed: a study that is stopped early has compared all starts.
  std::stable_sort(missing.begin(), missing.end(),
                   [](const Cell* a, const Cell* b) { return a->run.seed < b->run.seed; });
  log.info("study: {} trainings, {} of them finished before", cells.size(), num_finished);
  run_cells(missing, num_finished, options, log);
  std::vector<StudyRun> runs;
  for (const Cell& cell : cells) runs.push_back(cell.run);
  return runs;
}

}  // namespace soco
