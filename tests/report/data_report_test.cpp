// SPDX-License-Identifier: MIT
#include "soco/report/data_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "data/tiny_dataset.h"
#include "soco/base/error.h"
#include "soco/base/signals.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using testing::TempDir;
using testing::test_image;
using testing::TinyDataset;

DataReport report_of(const fs::path& folder, DataReportOptions options = {}) {
  NullLogger logger;
  return inspect_images(list_images(folder), options, logger);
}

/// Three photographs of two formats, one of them twice, one cut off and one that is text.
void make_set(const fs::path& folder) {
  write_image(folder / "a.png", test_image(20, 30, 1));
  write_image(folder / "b.jpg", test_image(40, 50, 2));
  write_image(folder / "c.png", test_image(10, 90, 3));
  fs::copy_file(folder / "a.png", folder / "d.png");
  const std::vector<std::byte> whole = read_file(folder / "b.jpg");
  write_file_atomic(folder / "e.jpg", std::span(whole).first(whole.size() / 2));
  write_file_atomic(folder / "f.jpg", "<html>404</html>");
}

TEST(SpreadOf, GivesTheMiddleAndTheEnds) {
  const Spread spread = spread_of({5, 1, 2, 8, 4});
  EXPECT_EQ(spread.min, 1);
  EXPECT_EQ(spread.median, 4);
  EXPECT_EQ(spread.max, 8);
  EXPECT_EQ(spread.mean, 4);
  EXPECT_EQ(spread_of({}).max, 0);
}

TEST(InspectImages, CountsFormatsSizesBrokenAndRepeated) {
  const TempDir temp;
  make_set(temp.path());
  for (const int workers : {1, 3}) {
    const DataReport report = report_of(temp.path(), {.workers = workers});
    EXPECT_EQ(report.num_images, 6);
    EXPECT_EQ(report.num_bad, 2);
    EXPECT_THAT(report.formats, ElementsAre(Pair("JPEG", 1), Pair("PNG", 3)));
    EXPECT_EQ(report.width.min, 30);
    EXPECT_EQ(report.width.max, 90);
    EXPECT_EQ(report.height.min, 10);
    EXPECT_DOUBLE_EQ(report.megapixels.max, 40 * 50 / 1e6);
    ASSERT_EQ(report.bad.size(), 2u);
    EXPECT_EQ(report.bad[0].first, "e.jpg");
    EXPECT_THAT(report.bad[1].second, HasSubstr("f.jpg"));
    EXPECT_EQ(report.num_repeats, 1);
    EXPECT_THAT(report.repeats, ElementsAre(Pair("d.png", "a.png")));
    std::uint64_t bytes = 0;
    for (const auto& file : fs::directory_iterator(temp.path())) bytes += file.file_size();
    EXPECT_EQ(report.num_bytes, bytes);
  }
}

TEST(InspectImages, HeadersAloneDoNotShowACutOffFile) {
  const TempDir temp;
  make_set(temp.path());
  EXPECT_EQ(report_of(temp.path(), {.check = DataReportOptions::Check::kHeader}).num_bad, 1);
}

TEST(InspectImages, NamesAllBrokenOnesAndShowsAFew) {
  const TempDir temp;
  for (int i = 0; i < 50; ++i) write_file_atomic(temp / fmt::format("{:02}.jpg", i), "broken");
  const DataReport report = report_of(temp.path(), {.workers = 4});
  EXPECT_EQ(report.num_bad, 50);
  ASSERT_EQ(report.bad.size(), 50u);
  EXPECT_EQ(report.bad.back().first, "49.jpg");
  EXPECT_THAT(data_report_text(report), HasSubstr("  19.jpg: "));
  EXPECT_THAT(data_report_text(report), ::testing::Not(HasSubstr("  20.jpg: ")));
  EXPECT_EQ(report.num_repeats, 49);  // broken files are repeated like others
  EXPECT_THAT(data_report_text(report), HasSubstr("and 30 more"));
}

TEST(InspectImages, StopsAtASignal) {
  const TempDir temp;
  make_set(temp.path());
  request_stop(15);
  EXPECT_THROW(report_of(temp.path()), Error);
  request_stop(0);
}

TEST(InspectImageProposals, CountsBoxesBeforeAndAfterTheFilterAndWhatIsMissing) {
  const TinyDataset tiny(4);
  {
    ProposalStore store = ProposalStore::create_or_open(tiny.store_path(), "tiny");
    const ProposalRecord bad{.key = "1001.png", .proposals = {}, .fingerprint = {}, .error = "broken"};
    const ProposalRecord one{
        .key = "1002.png", .proposals = {50, 52, {{0, 0, 40, 40}}}, .fingerprint = {}, .error = {}};
    store.put(std::vector{bad, one});
  }
  write_image(tiny.image_path(0).parent_path() / "new.png", test_image(40, 40, 9));
  NullLogger logger;
  const auto found = inspect_image_proposals(tiny.entries(), ProposalStore::open_read(tiny.store_path()),
                                             parse_filter("min=1000"), logger);
  EXPECT_EQ(found.num_missing, 1);
  EXPECT_EQ(found.num_bad, 1);
  EXPECT_EQ(found.stored.min, 1);
  EXPECT_EQ(found.stored.max, 6);
  EXPECT_EQ(found.kept.max, 1);  // nothing is that large: the whole image
}

TEST(TimeSamples, MeasuresThePathOfTraining) {
  const TinyDataset tiny(6);
  tiny.break_image(2);
  const ProposalStore store = ProposalStore::open_read(tiny.store_path());
  for (const ProposalStore* boxes : {&store, static_cast<const ProposalStore*>(nullptr)}) {
    const auto speed = time_samples(tiny.entries(), soco_fpn_view_plan(true), boxes, {.workers = 2}, 100);
    ASSERT_TRUE(speed);
    EXPECT_EQ(speed->num_timed, 5);
    EXPECT_GT(speed->decode_share, 0);
    EXPECT_LT(speed->decode_share, 1);
    EXPECT_NEAR(speed->epoch_seconds * speed->images_per_s, 6, 1e-9);
  }
}

TEST(DataReportText, HasATableAndJsonTheSameFigures) {
  DataReport report{.num_images = 1'234, .num_bytes = 3 << 20};
  report.formats["JPEG"] = 1'000;
  report.width = {.min = 10, .median = 500, .max = 900, .mean = 480.5};
  report.bad = {{"x\x1b.jpg", "is broken"}};
  report.num_bad = 1;
  report.proposals = DataReport::Proposals{.num_missing = 7, .stored = {.median = 152}};
  report.speed = DataReport::Speed{
      .workers = 4, .num_timed = 256, .images_per_s = 100, .decode_share = 0.25, .epoch_seconds = 12.34};
  const std::string text = data_report_text(report);
  for (const char* part : {"1,234", "3.0 MiB", "500", "without proposals: 7", "an epoch takes at least 12.3s",
                           "100.0 images/s with 4 workers, 25 % decoding", "x\\x1b.jpg: is broken"})
    EXPECT_THAT(text, HasSubstr(part));
  const Json json = data_report_json(report);
  EXPECT_EQ(json["num_images"], 1234);
  EXPECT_EQ(json["width"]["median"], 500);
  EXPECT_EQ(json["proposals"]["stored"]["median"], 152);
  EXPECT_EQ(json["speed"]["epoch_seconds"], 12.34);
}

}  // namespace
}  // namespace soco
