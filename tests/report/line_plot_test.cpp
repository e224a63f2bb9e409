// SPDX-License-Identifier: MIT
#include "soco/report/line_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "soco/base/error.h"

namespace soco {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(LinePlotSvg, PlacesPointsByLogarithmAndHeight) {
  // The frame spans x 70 .. 600 and y 420 .. 50: with x up to 100, x = 10 is half way, (600 + 70) / 2 = 335.
  const std::string svg = line_plot_svg(
      {.title = "T", .x_label = "X", .y_label = "Y", .series = {{.name = "a", .x = {1, 10, 100}, .y = {0, 0.5, 1}}}});
  EXPECT_THAT(svg, HasSubstr("points=\"70.0,420.0 335.0,235.0 600.0,50.0\""));
  EXPECT_THAT(svg, HasSubstr(">a: 1.000</text>"));
  for (const char* text : {">T<", ">X<", ">Y<", ">1<", ">10<", ">100<", ">0.0<", ">0.8<", ">1.0<"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  EXPECT_THAT(svg, ::testing::StartsWith("<svg xmlns="));
}

TEST(LinePlotSvg, DrawsSpreadsAsBars) {
  const LinePlot plot{.title = "",
                      .x_label = "",
                      .y_label = "",
                      .series = {{.name = "a", .x = {1, 10, 100}, .y = {0.2, 0.5, kNaN}, .spread = {0.2, 0.25, 0.1}}}};
  const std::string svg = line_plot_svg(plot);
  EXPECT_THAT(svg, HasSubstr("<line x1=\"70.0\" y1=\"420.0\" x2=\"70.0\" y2=\"272.0\" stroke=\"#0072B2\"/>"));
  EXPECT_THAT(svg, HasSubstr("<line x1=\"335.0\" y1=\"327.5\" x2=\"335.0\" y2=\"142.5\" stroke=\"#0072B2\"/>"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  LinePlot uneven = plot;
  uneven.series[0].spread.pop_back();
  EXPECT_THROW(line_plot_svg(uneven), Error);
}

TEST(LinePlotSvg, BeginsAtThePowerOfTenBelowAndEndsAtTheHighest) {
  // From 10 to 1000: x = 100 is half way; y = 0.25 of 0.5 too.
  const std::string svg =
      line_plot_svg({.title = "",
                     .x_label = "",
                     .y_label = "",
                     .series = {{.name = "a", .x = {20, 100, 1000}, .y = {0, 0.25, 0.5}, .spread = {0, 0, 0}}},
                     .max_y = 0.5});
  EXPECT_THAT(svg, HasSubstr(" 335.0,235.0 600.0,50.0\""));
  EXPECT_THAT(svg, HasSubstr("<circle cx=\"335.0\" cy=\"235.0\""));
  for (const char* text : {">10<", ">1000<", ">0.5<"}) EXPECT_THAT(svg, HasSubstr(text));
  EXPECT_THAT(svg, Not(HasSubstr(">1<")));
  EXPECT_THAT(svg, Not(HasSubstr(">1.0<")));
}

TEST(LinePlotSvg, LeavesOutWhatIsNotFinite) {
  const std::string svg =
      line_plot_svg({.title = "",
                     .x_label = "",
                     .y_label = "",
                     .series = {{.name = "a", .x = {1, 2, 10}, .y = {kNaN, kNaN, kNaN}},
                                {.name = "b", .x = {1, 2, 10}, .y = {1, kNaN, 1}, .dashed = true}}});
  EXPECT_THAT(svg, HasSubstr("points=\"70.0,50.0 600.0,50.0\""));
  EXPECT_THAT(svg, HasSubstr(">a</text>"));
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(LinePlotSvg, EscapesTexts) {
  const std::string svg = line_plot_svg(
      {.title = "<script>&\"\n", .x_label = "", .y_label = "", .series = {{.name = "<b>", .x = {1}, .y = {0}}}});
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;&amp;&quot;?"));
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt;: 0.000"));
}

TEST(LinePlotSvg, RefusesWhatCannotBeDrawn) {
  EXPECT_THROW(line_plot_svg({}), Error);
  EXPECT_THROW(line_plot_svg({.title = "", .x_label = "", .y_label = "", .series = {{.name = "", .x = {0}, .y = {0}}}}),
               Error);
  EXPECT_THROW(line_plot_svg({.title = "", .x_label = "", .y_label = "", .series = {{.name = "", .x = {1}, .y = {}}}}),
               Error);
}

}  // namespace
}  // namespace soco
