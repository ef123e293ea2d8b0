// Every figure of a run, one row each, and every picture format. The export dialog, the options and the help of the
// command line, the table in app/cli/README.md and the tests are made from these lists. No Qt here: a program that
// draws nothing knows what there is to draw.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/types/export_source.h"

namespace spanscope {

// X(kind, name, title, about, needs, whyEmpty, page)
//   name: on the command line and in file names. about: one sentence. whyEmpty: said where there is nothing to draw.
//   page: the function of figure_page.h that lays the figure out (ui/export/pages/).
#define SPANSCOPE_FIGURES(X)                                                                                          \
    X(Mask, "mask", "Mask heatmap", "What each step attended to: rows are steps, columns are context positions.",     \
      Nothing, "the run has no steps to draw", maskPage)                                                              \
    X(Throughput, "throughput", "Throughput",                                                                         \
      "Tokens per second, declared and dense, and KV tokens loaded in each step.", Nothing,                           \
      "the run has no steps to draw", throughputPage)                                                                 \
    X(Timeline, "timeline", "Timeline", "The phases of the run along its own clock, dense beside declared.", Nothing, \
      "the run has no steps to draw", timelinePage)                                                                   \
    X(Graph, "graph", "Dependency graph", "Which segment named which: for arithmetic the evaluation tree.", Nothing,  \
      "the run has no segments to draw", graphPage)                                                                   \
    X(Reach, "reach", "Reach of a step",                                                                              \
      "What could have acted on the step: read directly, through tokens in between, or never.", Nothing,              \
      "the run has no such step", reachPage)                                                                          \
    X(Difference, "difference", "Difference of two masks",                                                            \
      "What both runs attended to, and what only one of them did.", Other,                                            \
      "the two runs have no steps of one prompt in common", differencePage)                                           \
    X(Attention, "attention", "Attention of a step",                                                                  \
      "Dense and declared attention of the inspected step, layer and head over the whole context.", Probe,            \
      "needs a step probed in inspect mode", attentionPage)                                                           \
    X(Heads, "heads", "Mass kept by layer and head",                                                                  \
      "Share of the dense attention mass inside the span of the inspected step.", Probe,                              \
      "needs a step probed in inspect mode", headsPage)                                                               \
    X(Divergence, "divergence", "Divergence along the run",                                                           \
      "KL(dense \u2016 declared) of the next token at every step.", Curve, "needs the run replayed in inspect mode",  \
      divergencePage)                                                                                                 \
    X(WhatIf, "whatif", "What if",                                                                                    \
      "Predicted time of a step over context length, dense and with the run's spans, beside what was measured.",      \
      Nothing, "the recording does not tell how many bytes a step read", whatIfPage)

#define SPANSCOPE_FIGURE_KIND(kind, ...) kind,
enum class FigureKind : uint8_t { SPANSCOPE_FIGURES(SPANSCOPE_FIGURE_KIND) };
#undef SPANSCOPE_FIGURE_KIND

struct FigureInfo {
    FigureKind kind;
    const char* name;
    const char* title;
    const char* about;
    ExportNeeds needs;
    const char* whyEmpty;
};

#define SPANSCOPE_FIGURE_INFO(kind, name, title, about, needs, whyEmpty, page) \
    FigureInfo{FigureKind::kind, name, title, about, ExportNeeds::needs, whyEmpty},
inline constexpr auto kFigures = std::to_array({SPANSCOPE_FIGURES(SPANSCOPE_FIGURE_INFO)});
#undef SPANSCOPE_FIGURE_INFO

constexpr const FigureInfo& figureInfo(FigureKind kind) { return kFigures[static_cast<size_t>(kind)]; }
inline std::optional<FigureKind> figureNamed(std::string_view name) {
    for (const FigureInfo& figure : kFigures)
        if (name == figure.name) return figure.kind;
    return std::nullopt;
}

enum class PictureFormat : uint8_t { Png, Svg, Pdf };
struct PictureInfo {
    PictureFormat format;
    const char* ending;  ///< of the file, and the option of the command line: --png
    const char* about;
};
inline constexpr std::array kPictures{
    PictureInfo{PictureFormat::Png, "png", "the figure as a bitmap"},
    PictureInfo{PictureFormat::Svg, "svg", "the figure with text and axes as vectors"},
    PictureInfo{PictureFormat::Pdf, "pdf", "the figure on a page of its size"},
};
inline std::optional<PictureFormat> pictureNamed(std::string_view ending) {
    for (const PictureInfo& picture : kPictures)
        if (ending == picture.ending) return picture.format;
    return std::nullopt;
}

inline constexpr double kFontPoints = 8.25;  ///< 11 units of the page
inline constexpr double kLeastMm = 50, kMostMm = 1000;
inline constexpr double kColumnMm = 88, kTwoColumnsMm = 180;  ///< of most journals, a little less than most allow

/// How a figure is drawn.
struct FigureOptions {
    int scale = 2;    ///< device pixels to a unit of the page, 1 .. 4 (PNG; cells of a mask in SVG and PDF)
    int width = 900;  ///< of the page at most, units of 1/96 inch, 320 .. 4000; a mask closes up around its cells
    int height = 0;   ///< 0: what fits
    bool dark = false;
    bool legend = true;
    bool byPhase = true;       ///< mask: attended cells in the colour of their phase
    bool showLoaded = true;    ///< mask: tokens loaded with their page told from those not read
    bool withoutFirst = true;  ///< attention, heads: the first token left out, which often takes most of the mass
    bool overTime = false;     ///< throughput: time along the axis instead of context length
    int firstStep = 0;         ///< mask, difference: steps [firstStep, lastStep]
    int lastStep = -1;         ///< -1: to the end
    int firstPosition = 0;     ///< mask, difference: context positions [firstPosition, lastPosition]
    int lastPosition = -1;     ///< -1: to the last one of these steps
    double widthMm = 0;        ///< the page is exactly so wide, kLeastMm .. kMostMm, instead of `width`; 0: not given
    double fontPoints = 0;     ///< of the caption, 4 .. 24; rulers, labels and legend go with it; 0: kFontPoints
    std::string fontFamily;    ///< empty: the program's own for figures
    std::string title;         ///< empty: made from the run; "-": none
    std::string caption;       ///< empty: made from the run; "-": none
};

}  // namespace spanscope
