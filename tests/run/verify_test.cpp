// SPDX-License-Identifier: MIT
#include "soco/run/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/checkpoint/checkpointer.h"
#include "soco/proposals/store.h"
#include "soco/report/event_writer.h"
#include "soco/report/metrics_log.h"
#include "soco/run/finetune_options.h"
#include "soco/run/pretrain_options.h"
#include "soco/run/run_folder.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

void write_checkpoints(const fs::path& folder, const std::string& config) {
  NullLogger log;
  Checkpointer checkpointer(folder, {.keep_last = 2}, log);
  for (std::int64_t step = 1; step <= 2; ++step) {
    StateDict state;
    state.add("w", HostTensor::from<float>({20, 30}, std::vector<float>(600, 0.5f * static_cast<float>(step))));
    state.add("n", HostTensor::from<std::int64_t>({}, {step}));
    checkpointer.save(step, state, {{"config", config}, {"kind", "soco-pretrain"}});
  }
}

/// A store that has been through what leaves unused bytes in pages: rows replaced by shorter ones, in several openings.
void write_store(const fs::path& path) {
  for (int round = 0; round < 2; ++round) {
    ProposalStore store = ProposalStore::create_or_open(path, "options of the search");
    std::vector<ProposalRecord> records;
    for (int i = round; i < 30; i += round + 1) {
      ProposalRecord record{.key = fmt::format("images/{:04}.jpg", i),
                            .proposals = {.height = 300, .width = 400, .boxes = {}},
                            .fingerprint = {static_cast<std::uint64_t>(i), 9},
                            .error = ""};
      for (int box = 0; box < 40 - 15 * round; ++box)
        record.proposals.boxes.push_back({static_cast<float>(box), 0, 300, static_cast<float>(100 + i)});
      records.push_back(std::move(record));
    }
    store.put(records);
  }
}

/// A run folder with all that a run writes.
void write_run(const fs::path& path) {
  const RunFolder run = RunFolder::create(path, ExistingRun::kRefuse);
  const std::string config = dump_toml(PretrainOptions{});
  write_file_atomic(run.config(), config);
  write_file_atomic(run.sources(), std::string_view("{\"images\": \"/images\"}\n"));
  write_checkpoints(run.checkpoints(), config);
  write_store(run.proposals());
  MetricsLog metrics = MetricsLog::create(run.metrics());
  EventWriter events(path);
  for (int step = 0; step < 3; ++step) {
    metrics.append(Json{{"step", step}, {"loss", -0.5 * step}});
    events.add_scalar(step, "loss", -0.5 * step);
  }
}

std::vector<VerifiedFile> damaged(const std::vector<VerifiedFile>& files) {
  std::vector<VerifiedFile> result;
  for (const VerifiedFile& file : files)
    if (!file.problem.empty()) result.push_back(file);
  return result;
}

/// Puts `byte` in the place of another, and that one back at the end.
class Flip {
 public:
  Flip(const fs::path& path, std::uint64_t offset, unsigned char mask)
      : file_(path, std::ios::in | std::ios::out | std::ios::binary), offset_(static_cast<std::streamoff>(offset)) {
    file_.seekg(offset_);
    before_ = static_cast<char>(file_.get());
    put(static_cast<char>(before_ ^ static_cast<char>(mask)));
  }
  ~Flip() { put(before_); }
  Flip(const Flip&) = delete;
  Flip& operator=(const Flip&) = delete;

 private:
  void put(char byte) {
    file_.seekp(offset_);
    file_.put(byte);
    file_.flush();
  }
  std::fstream file_;
  std::streamoff offset_;
  char before_ = 0;
};

class VerifyTest : public ::testing::Test {
 protected:
  testing::TempDir temp_;
};

TEST_F(VerifyTest, FindsNothingInAWholeRun) {
  write_run(temp_ / "run");
  const auto files = verify_run(temp_ / "run");
  EXPECT_EQ(files.size(), 8u);  // config, sources, two checkpoints, last, store, metrics, events
  for (const VerifiedFile& file : files) {
    EXPECT_EQ(file.problem, "") << file.path;
    EXPECT_EQ(file.note, "") << file.path;
    EXPECT_EQ(file.num_bytes, fs::file_size(file.path));
  }
}

TEST_F(VerifyTest, KnowsTheConfigurationOfADetectorsTraining) {
  const fs::path config = temp_ / "detector" / "config.toml";
  const RunFolder run = RunFolder::create(config.parent_path(), ExistingRun::kRefuse);
  write_file_atomic(config, dump_toml(FinetuneOptions{}));
  write_checkpoints(run.checkpoints(), dump_toml(FinetuneOptions{}));
  for (const VerifiedFile& file : verify_run(config.parent_path())) EXPECT_EQ(file.problem, "") << file.path;
  write_file_atomic(config, dump_toml(FinetuneOptions{}) + "unknown = 1\n");
  EXPECT_THAT(verify_file(config).problem, HasSubstr("unknown"));
}

/// 10,000 single bytes of checkpoints, stores and event files changed at random, in any way, one at a time: none may
/// pass. Every byte of the header of the store and of the checkpoint is among them once more.
TEST_F(VerifyTest, FindsEveryFlippedByteOfCheckpointsAndStores) {
  write_run(temp_ / "run");
  std::vector<fs::path> paths{temp_ / "run" / "proposals.db", temp_ / "run" / "checkpoints/step_00000001.safetensors",
                              temp_ / "run" / "checkpoints/step_00000002.safetensors"};
  for (const auto& entry : fs::directory_iterator(temp_ / "run"))
    if (entry.path().filename().string().starts_with("events")) paths.push_back(entry.path());
  ASSERT_EQ(paths.size(), 4u);
  std::mt19937_64 random(7);
  const auto check = [&](const fs::path& path, std::uint64_t offset) {
    const auto mask = static_cast<unsigned char>(1 + random() % 255);
    const Flip flip(path, offset, mask);
    EXPECT_NE(verify_file(path).problem, "") << path << " byte " << offset << " xor " << int{mask};
  };
  for (int i = 0; i < 10'000; ++i) {
    const fs::path& path = paths[random() % paths.size()];
    check(path, random() % fs::file_size(path));
  }
  for (std::uint64_t offset = 0; offset < 128; ++offset)
    for (const fs::path& path : paths) check(path, offset);
  EXPECT_TRUE(damaged(verify_run(temp_ / "run")).empty()) << "the test did not put every byte back";
}

TEST_F(VerifyTest, FindsFlippedBytesOfConfigurationAndLast) {
  write_run(temp_ / "run");
  std::mt19937_64 random(8);
  for (const char* name : {"config.toml", "checkpoints/last"}) {
    const fs::path path = temp_ / "run" / name;
    for (int i = 0; i < 200; ++i) {
      const Flip flip(path, random() % fs::file_size(path), static_cast<unsigned char>(1 + random() % 255));
      const auto found = damaged(verify_run(temp_ / "run"));
      ASSERT_EQ(found.size(), 1u) << name;
      EXPECT_EQ(found[0].path, path);
    }
  }
}

TEST_F(VerifyTest, FindsTruncationOfEveryKind) {
  write_run(temp_ / "run");
  for (const VerifiedFile& file : verify_run(temp_ / "run")) {
    const std::string name = file.path.filename().string();
    const std::string bytes = read_text_file(file.path);
    std::ofstream(file.path, std::ios::binary) << bytes.substr(0, bytes.size() - 1);
    const auto files = verify_run(temp_ / "run");
    // A record or line without its end is what a power cut leaves of a file that grows: said, but no damage. The last
    // brace's line end carries nothing.
    const bool grows = name.starts_with("events") || name == "metrics.jsonl" || name == "sources.json";
    EXPECT_EQ(damaged(files).size(), grows ? 0u : 1u) << name;
    std::ofstream(file.path, std::ios::binary) << bytes;
  }
}

TEST_F(VerifyTest, MetricsMustBeRecordsInOrder) {
  std::ofstream(temp_ / "a.jsonl") << "{\"step\":1}\nnonsense\n{\"step\":2}\n";
  std::ofstream(temp_ / "b.jsonl") << "{\"step\":2}\n{\"step\":1}\n";
  EXPECT_THAT(verify_file(temp_ / "a.jsonl").problem, HasSubstr("line 2"));
  EXPECT_THAT(verify_file(temp_ / "b.jsonl").problem, HasSubstr("line 2 has step 1"));
}

TEST_F(VerifyTest, SaysWhatItCannotVouchFor) {
  const std::string header = R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  const std::uint64_t length = header.size();
  std::ofstream file(temp_ / "foreign.safetensors", std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), 8) << header << 'x';
  file.close();
  const VerifiedFile foreign = verify_file(temp_ / "foreign.safetensors");
  EXPECT_EQ(foreign.problem, "");
  EXPECT_THAT(foreign.note, HasSubstr("no checksum"));

  const ProposalStore open = ProposalStore::create_or_open(temp_ / "open.db", "o");
  const VerifiedFile store = verify_file(temp_ / "open.db");
  EXPECT_EQ(store.problem, "");
  EXPECT_THAT(store.note, HasSubstr("not sealed"));
}

TEST_F(VerifyTest, ACopyOfAStoreAndOneOpenedAgainAreWhole) {
  write_store(temp_ / "p.db");
  const std::string before = read_text_file(temp_ / "p.db");
  { const ProposalStore again = ProposalStore::create_or_open(temp_ / "p.db", "options of the search"); }
  EXPECT_EQ(verify_file(temp_ / "p.db").note, "");
  std::ofstream(temp_ / "p.db", std::ios::binary) << before;
  EXPECT_EQ(verify_file(temp_ / "p.db").problem, "");
}

TEST_F(VerifyTest, OtherFilesAndFoldersAreRefused) {
  std::ofstream(temp_ / "notes.txt") << "x";
  EXPECT_THROW(verify_file(temp_ / "notes.txt"), Error);
  EXPECT_THROW(verify_file(temp_ / "missing.db"), Error);
  EXPECT_THROW(verify_run(temp_.path()), Error);
}

}  // namespace
}  // namespace soco
