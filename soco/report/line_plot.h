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
};

/// A plot of lines over a logarithmic x axis, y from 0 to 1.
struct LinePlot {
  std::string title, x_label, y_label;
  std::vector<PlotSeries> series;
};

/// The plot as one self-contained SVG file: grid, axes with numbers, legend with each line's last value. Texts are
/// escaped. Error without a series, for x below 1, or lengths that differ.
std::string line_plot_svg(const LinePlot& plot);

}  // namespace soco
