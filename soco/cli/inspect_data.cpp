// SPDX-License-Identifier: MIT
#include "soco/cli/inspect_data.h"

#include <cstdio>
#include <optional>

#include "soco/base/atomic_file.h"
#include "soco/base/log.h"
#include "soco/base/signals.h"
#include "soco/image/image_index.h"
#include "soco/image/image_source.h"
#include "soco/proposals/store.h"
#include "soco/report/data_report.h"

namespace soco {
namespace {

constexpr std::int64_t kTimedImages = 256;  // a second or two; enough that one odd image does not count

}  // namespace

int inspect_data(const InspectDataArguments& arguments) {
  install_stop_signals();
  ConsoleLogger log;
  const ImageList images = list_images(arguments.images, {.logger = &log, .index_folder = default_index_folder()});
  const DataReportOptions options{
      .check = arguments.headers_only ? DataReportOptions::Check::kHeader : DataReportOptions::Check::kDecode,
      .workers = arguments.workers,
      .limits = arguments.options.data.decode_limits()};
  std::optional<ProposalStore> store;
  if (!arguments.proposals.empty()) store = ProposalStore::open_read(arguments.proposals);
  DataReport report = inspect_images(images, options, log);
  if (store) report.proposals = inspect_image_proposals(images, *store, arguments.options.filter, log);
  report.speed = time_samples(images, arguments.options.plan, store ? &*store : nullptr, options, kTimedImages);
  std::fputs(data_report_text(report).c_str(), stdout);
  if (!arguments.json.empty()) write_file_atomic(arguments.json, dump_json(data_report_json(report), 2) + "\n");
  return 0;
}

}  // namespace soco
