// SPDX-License-Identifier: MIT
#include "soco/report/line_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "soco/base/error.h"

namespace soco {
namespace {

// px of the drawing: the plot's frame, with the legend at its right.
constexpr double kWidth = 860, kHeight = 480;
constexpr double kLeft = 70, kRight = 600, kTop = 50, kBottom = 420;
// Okabe and Ito's colours, told apart by the colour-blind too; further lines begin the list again, dashed or not.
constexpr std::array<const char*, 7> kColors{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                             "#E69F00", "#56B4E9", "#000000"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text, const char* more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more,
                     escaped(text));
}

std::string line(double x1, double y1, double x2, double y2, const char* color) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1, x2, y2,
                     color);
}

class Drawing {
 public:
  explicit Drawing(const LinePlot& plot) : plot_(plot) {
    double least = std::numeric_limits<double>::infinity();
    for (const PlotSeries& s : plot.series) {
      if (s.x.size() != s.y.size()) fail("plot: '{}' has {} x and {} y", s.name, s.x.size(), s.y.size());
      if (!s.spread.empty() && s.spread.size() != s.y.size())
        fail("plot: '{}' has {} y and {} spreads", s.name, s.y.size(), s.spread.size());
      for (const double x : s.x) {
        if (is_share()) {
          if (!(x >= 0 && x <= 1)) fail("plot: '{}' has x = {}; a share goes from 0 to 1", s.name, x);
          continue;
        }
        if (!(x >= 1)) fail("plot: '{}' has x = {}; a logarithmic axis begins at 1", s.name, x);
        max_x_ = std::max(max_x_, x);
        least = std::min(least, x);
      }
    }
    if (std::isfinite(least)) min_x_ = std::pow(10, std::floor(std::log10(least)));
    max_x_ = std::max(max_x_, 10 * min_x_);
  }

  std::string svg() const {
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
        "{1:.0f}\" "
        "font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n<rect width=\"100%\" height=\"100%\" "
        "fill=\"white\"/>\n",
        kWidth, kHeight);
    out += text_at((kLeft + kRight) / 2, 28, "middle", plot_.title, " font-size=\"16\"");
    out += x_axis() + y_axis();
    for (std::size_t i = 0; i < plot_.series.size(); ++i) out += path(i) + spreads(i) + legend(i);
    return out + "</svg>\n";
  }

 private:
  bool is_share() const { return plot_.x_axis == PlotAxis::kShare; }
  double place_x(double x) const {
    return kLeft + (kRight - kLeft) * (is_share() ? x : std::log10(x / min_x_) / std::log10(max_x_ / min_x_));
  }
  double place_y(double y) const { return kBottom - (kBottom - kTop) * std::clamp(y / plot_.max_y, 0.0, 1.0); }

  std::string share_ticks() const {
    std::string out;
    for (int i = 0; i <= 10; i += 2) {
      out += line(place_x(i / 10.0), kTop, place_x(i / 10.0), kBottom, "#ddd");
      out += text_at(place_x(i / 10.0), kBottom + 20, "middle", fmt::format("{:.1f}", i / 10.0));
    }
    return out;
  }

  std::string x_axis() const {
    return (is_share() ? share_ticks() : logarithmic_ticks()) +
           text_at((kLeft + kRight) / 2, kBottom + 44, "middle", plot_.x_label);
  }

  std::string logarithmic_ticks() const {
    std::string out;
    for (double power = min_x_; power <= max_x_; power *= 10) {
      for (int digit = 1; digit < 10; ++digit) {
        const double x = power * digit;
        if (x > max_x_) break;
        out += line(place_x(x), kTop, place_x(x), kBottom, digit == 1 ? "#bbb" : "#eee");
        if (digit == 1) out += text_at(place_x(x), kBottom + 20, "middle", fmt::format("{:.0f}", x));
      }
    }
    return out;
  }

  std::string y_axis() const {
    std::string out;
    for (int i = 0; i <= 10; i += 2) {
      const double y = i / 10.0 * plot_.max_y;
      out += line(kLeft, place_y(y), kRight, place_y(y), i == 0 ? "#222" : "#ddd");
      out += text_at(kLeft - 8, place_y(y) + 4, "end", fmt::format("{:.{}f}", y, plot_.max_y < 0.5 ? 2 : 1));
    }
    out += line(kLeft, kTop, kLeft, kBottom, "#222");
    return out + text_at(20, (kTop + kBottom) / 2, "middle", plot_.y_label,
                         fmt::format(" transform=\"rotate(-90 20 {:.0f})\"", (kTop + kBottom) / 2).c_str());
  }

  std::string style(std::size_t i) const {
    return fmt::format("fill=\"none\" stroke-width=\"2\" stroke=\"{}\"{}", kColors[i % kColors.size()],
                       plot_.series[i].dashed ? " stroke-dasharray=\"6 4\"" : "");
  }

  std::string path(std::size_t i) const {
    const PlotSeries& s = plot_.series[i];
    std::string points;
    for (std::size_t k = 0; k < s.x.size(); ++k) {
      if (std::isfinite(s.y[k])) points += fmt::format(" {:.1f},{:.1f}", place_x(s.x[k]), place_y(s.y[k]));
    }
    return points.empty() ? "" : fmt::format("<polyline {} points=\"{}\"/>\n", style(i), points.substr(1));
  }

  std::string spreads(std::size_t i) const {
    const PlotSeries& s = plot_.series[i];
    std::string out;
    for (std::size_t k = 0; k < s.spread.size(); ++k) {
      if (!std::isfinite(s.y[k])) continue;
      out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", place_x(s.x[k]),
                         place_y(s.y[k]), kColors[i % kColors.size()]);
      if (std::isfinite(s.spread[k]))
        out += line(place_x(s.x[k]), place_y(s.y[k] - s.spread[k]), place_x(s.x[k]), place_y(s.y[k] + s.spread[k]),
                    kColors[i % kColors.size()]);
    }
    return out;
  }

  std::string legend(std::size_t i) const {
    const PlotSeries& s = plot_.series[i];
    const double y = kTop + 10 + 22 * static_cast<double>(i);
    const bool has_value = !is_share() && !s.y.empty() && std::isfinite(s.y.back());
    return fmt::format("<path {} d=\"M{:.0f} {:.0f}h28\"/>\n", style(i), kRight + 20, y) +
           text_at(kRight + 56, y + 4, "start", has_value ? fmt::format("{}: {:.3f}", s.name, s.y.back()) : s.name);
  }

  const LinePlot& plot_;
  double min_x_ = 1, max_x_ = 10;
};

}  // namespace

std::string line_plot_svg(const LinePlot& plot) {
  if (plot.series.empty()) fail("plot: there is nothing to draw");
  return Drawing(plot).svg();
}

}  // namespace soco
