// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

namespace soco {

/// One line of a plot. `x`: ascending; of equal length with `y`. Points that are not finite are left out.
struct PlotSeries {
  std::string name;
  std::vector<double> x, y;
  bool dashed = false;
  std::vector<double> spread;  // empty, or of equal length: a dot at each point, a bar from y - spread to y + spread
};

/// What x is: counts on a logarithmic axis, from the power of ten (at least 1) below the least; or shares from 0 to 1.
enum class PlotAxis { kLogarithmic, kShare };

/// A plot of lines, y from 0 to `max_y`.
struct LinePlot {
  std::string title, x_label, y_label;
  std::vector<PlotSeries> series;
  PlotAxis x_axis = PlotAxis::kLogarithmic;
  double max_y = 1;
};

/// The plot as one self-contained SVG file: grid, axes with numbers, legend with each line's last value (of counts).
/// Texts are escaped. Error without a series, for x that the axis does not hold, or lengths that differ.
std::string line_plot_svg(const LinePlot& plot);

}  // namespace soco
