#include "engine/trace/exports/step_time_svg.h"

#include <algorithm>
#include <cmath>

#include "engine/files/decimal.h"

namespace spanscope {

namespace {

constexpr size_t kWindow = 16;
constexpr double kWidth = 1000, kHeight = 260, kLeft = 64, kRight = 16, kTop = 12, kBottom = 40;

struct Point {
    double position, ms;
};

std::vector<Point> smoothed(const RunData& run) {
    std::vector<Point> points;
    for (size_t i = 0; i + kWindow <= run.steps.size(); i += kWindow) {
        double sum = 0;
        for (size_t k = 0; k < kWindow; ++k) sum += static_cast<double>(run.steps[i + k].wallNs) * 1e-6;
        points.push_back({static_cast<double>(run.steps[i + kWindow / 2].position), sum / kWindow});
    }
    return points;
}

/// A step of 1, 2 or 5 times a power of ten that cuts `range` into about five.
double niceStep(double range) {
    const double power = std::pow(10.0, std::floor(std::log10(range / 5)));
    const double x = range / 5 / power;
    return power * (x < 1.5 ? 1 : x < 3.5 ? 2 : x < 7.5 ? 5 : 10);
}

std::string text(double x, double y, const char* anchor, const std::string& content) {
    return "<text x=\"" + decimal(x, 1) + "\" y=\"" + decimal(y, 1) + "\" text-anchor=\"" + anchor +
           "\" fill=\"currentColor\" font-size=\"13\">" + content + "</text>";
}

}  // namespace

std::string stepTimeSvg(const RunData& run, const RunData* maybeDense) {
    const std::vector<Point> mine = smoothed(run);
    const std::vector<Point> dense = maybeDense ? smoothed(*maybeDense) : std::vector<Point>();
    if (mine.size() < 2) return {};
    double maxMs = 0, minX = mine.front().position, maxX = mine.back().position;
    for (const auto* points : {&mine, &dense}) {
        for (const Point& p : *points) {
            maxMs = std::max(maxMs, p.ms);
            minX = std::min(minX, p.position);
            maxX = std::max(maxX, p.position);
        }
    }
    if (!(maxMs > 0) || !(maxX > minX)) return {};
    maxMs *= 1.08;
    auto px = [&](double position) { return kLeft + (position - minX) / (maxX - minX) * (kWidth - kLeft - kRight); };
    auto py = [&](double ms) { return kHeight - kBottom - ms / maxMs * (kHeight - kTop - kBottom); };

    std::string svg =
        "<svg viewBox=\"0 0 1000 260\" role=\"img\" aria-label=\"Step time in milliseconds against context "
        "length\" font-family=\"inherit\">";
    const double stepY = niceStep(maxMs), stepX = niceStep(maxX - minX);
    for (double y = 0; y <= maxMs; y += stepY) {
        svg += "<line x1=\"64\" x2=\"984\" y1=\"" + decimal(py(y), 1) + "\" y2=\"" + decimal(py(y), 1) +
               "\" stroke=\"var(--line)\"/>" + text(kLeft - 8, py(y) + 4, "end", shortDecimal(y, 3));
    }
    for (double x = std::ceil(minX / stepX) * stepX; x <= maxX; x += stepX)
        svg += text(px(x), kHeight - kBottom + 18, "middle", decimal(x, 0));
    svg +=
        text(kLeft, kHeight - 4, "start", "context length, tokens") + text(kLeft + 6, kTop + 8, "start", "ms a step");
    double keyX = kWidth - kRight;
    auto line = [&](const std::vector<Point>& points, const char* colour, const std::string& name, const char* dash) {
        if (points.empty()) return;
        const std::string stroke = std::string("fill=\"none\" stroke=\"") + colour + "\" stroke-width=\"2\"" + dash;
        svg += "<polyline " + stroke + " points=\"";
        for (const Point& p : points) svg += decimal(px(p.position), 1) + "," + decimal(py(p.ms), 1) + " ";
        svg += "\"/>" + text(keyX, kHeight - 4, "end", name);
        keyX -= 66;  // wide enough for either name
        svg += "<path " + stroke + " d=\"M" + decimal(keyX - 30, 1) + "," + decimal(kHeight - 8, 1) + "h24\"/>";
        keyX -= 50;
    };
    line(dense, "var(--soft)", "dense", " stroke-dasharray=\"6 4\"");
    line(mine, "var(--attended)", run.header.settings.attention.text(), "");
    return svg + "</svg>";
}

}  // namespace spanscope
