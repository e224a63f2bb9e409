// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace soco {

/// One finished training of a study of label efficiency.
struct StudyRun {
  std::string init;      // name of the weights it began with
  double percent = 100;  // of the labelled images
  std::int64_t seed = 0;
  std::int64_t num_images = 0;            // labelled images it was trained on
  std::map<std::string, double> figures;  // of the validation images, as shares: val_box_AP, val_mask_AP, ...
};

/// One figure of all runs that differ in their seed alone.
struct StudyPoint {
  std::string init;
  double percent = 100;
  double num_images = 0;  // mean
  std::int64_t num_runs = 0;
  double mean = 0;
  double deviation = 0;  // the sample's standard deviation (n - 1 below the line); NaN for a single run
};

/// The points of one figure, starts and percentages in the order in which the runs first name them. Runs without the
/// figure, or with the -1 that stands for "nothing to find", do not count.
std::vector<StudyPoint> study_points(const std::vector<StudyRun>& runs, const std::string& figure);

/// Box AP, box AP50 and (where there are masks) mask AP in percent, mean and deviation, as Markdown tables: a row for
/// each start, a column for each number of labels.
std::string study_table(const std::vector<StudyRun>& runs);

/// {"runs": [{init, percent, seed, num_images, figures}], "points": {figure: [StudyPoint]}}.
std::string study_json(const std::vector<StudyRun>& runs);

/// Box AP against the number of labelled images, one line for each start, with bars of the deviation.
std::string study_svg(const std::vector<StudyRun>& runs, const std::string& title);

}  // namespace soco
