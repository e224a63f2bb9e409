// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "soco/base/json.h"
#include "soco/base/log.h"
#include "soco/data/view_plan.h"
#include "soco/image/image_list.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/store.h"

namespace soco {

struct DataReportOptions {
  enum class Check { kDecode, kHeader };
  Check check =
      Check::kDecode;  ///< kHeader: damage behind the header is not seen, but a set is read at the disk's speed
  int workers = 0;     ///< threads; 0: one per processor
  DecodeLimits limits = {};
};

/// The smallest, the middle and the largest value, and the mean.
struct Spread {
  double min = 0, median = 0, max = 0, mean = 0;
};
/// All 0 of no values.
Spread spread_of(std::vector<double> values);

/// What a set of images holds.
struct DataReport {
  static constexpr std::size_t kMaxNamed = 100'000;  // of broken and of repeated images

  std::int64_t num_images = 0, num_bad = 0;
  std::uint64_t num_bytes = 0;                                ///< of the files or members that could be read
  std::map<std::string, std::int64_t> formats = {};           ///< of the good ones
  Spread width = {}, height = {}, megapixels = {};            ///< px
  std::vector<std::pair<std::string, std::string>> bad = {};  ///< key and reason of the first kMaxNamed by key
  std::int64_t num_repeats = 0;                               ///< images whose content another one before them has
  std::vector<std::pair<std::string, std::string>> repeats =
      {};  ///< the first kMaxNamed: key, key of the first of them

  /// With proposals.
  struct Proposals {
    std::int64_t num_missing = 0, num_bad = 0;  ///< images without a row; rows with an error
    Spread stored = {}, kept = {};              ///< boxes an image; kept: those a filter leaves
  };
  std::optional<Proposals> proposals = {};

  /// How fast samples are made of it.
  struct Speed {
    int workers = 0;
    std::int64_t num_timed = 0;
    double images_per_s = 0, decode_share = 0, epoch_seconds = 0;  ///< decode_share: of the workers' time
  };
  std::optional<Speed> speed = {};
};

/// Reads every image. Progress goes to `logger`. Errors: kInterrupted when stop_requested().
DataReport inspect_images(const ImageList& images, const DataReportOptions& options, Logger& logger);

/// Looks up every image's boxes. Errors: a damaged row.
DataReport::Proposals inspect_image_proposals(const ImageList& images, const ProposalStore& store,
                                              const FilterOptions& filter, Logger& logger);

/// Makes training's samples of up to `count` images drawn as an epoch would, with the boxes of `store` or, without one,
/// of a grid, and counts the time. Bad images are left out; nothing when all of them are.
std::optional<DataReport::Speed> time_samples(const ImageList& images, const ViewPlan& plan, const ProposalStore* store,
                                              const DataReportOptions& options, std::int64_t count);

/// As a table that names the first few of each list, and as JSON with the names of the members above.
std::string data_report_text(const DataReport& report);
Json data_report_json(const DataReport& report);

}  // namespace soco
