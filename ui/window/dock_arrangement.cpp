#include "ui/window/dock_arrangement.h"

#include <algorithm>

namespace spanscope {

namespace {
constexpr int kUsualLines = 40, kTallLines = 60;
constexpr int kWidestText = 640;  // px at zoom 1
}  // namespace

const DockGroup* DockArrangement::groupOf(const QString& id) const {
    const auto it =
        std::find_if(groups.begin(), groups.end(), [&](const DockGroup& group) { return group.ids.contains(id); });
    return it == groups.end() ? nullptr : &*it;
}

DockRoom dockRoom(int height, int lineHeight) {
    const int lines = height / std::max(1, lineHeight);
    return lines < kUsualLines ? DockRoom::Low : lines < kTallLines ? DockRoom::Usual : DockRoom::Tall;
}

DockArrangement dockArrangement(const QString& preset, DockRoom room) {
    const QStringList figures{"throughput", "graph"}, tables{"spans", "inspector", "history"};
    const bool inspect = preset == "inspect", presentation = preset == "presentation", analysis = preset == "analysis";
    DockArrangement all;
    DockGroup mask{Qt::RightDockWidgetArea,
                   {"mask", "probe", "reach", "compare", "whatif"},
                   "mask",
                   {"reach", "compare", "whatif"},
                   1};
    DockGroup foot{Qt::BottomDockWidgetArea, figures + tables + QStringList{"timeline"}, "throughput", {"timeline"}, 1};
    if (inspect) {
        all.column = 0.42;
        all.foot = 0.3;
        mask.front = "probe";
        mask.away = {"compare", "whatif"};
        foot.front = "spans";
    }
    if (presentation) {
        all.foot = 0.4;
        mask.away = {"probe", "reach", "compare", "whatif"};
        foot.away = foot.ids;
        foot.front.clear();
    }
    if (room == DockRoom::Low && !presentation) {  // nothing above anything else but the text
        mask.ids += foot.ids;
        mask.away += foot.away;
        if (analysis) mask.away.removeAll("timeline");
        all.groups = {mask};
        return all;
    }
    if (!analysis) {
        all.groups = {mask, foot};
        return all;
    }
    DockGroup timeline{Qt::RightDockWidgetArea, {"timeline"}, "timeline", {}, 0.24};
    all.foot = 0.4;
    foot.away.clear();
    foot.front = "spans";
    if (room == DockRoom::Tall) {
        DockGroup speed{Qt::RightDockWidgetArea, figures, "throughput", {}, 0.3};
        mask.share = 0.5;
        timeline.share = 0.2;
        foot.ids = tables;
        all.groups = {mask, speed, timeline, foot};
    } else {
        mask.share = 0.76;
        foot.ids = tables + figures;
        all.groups = {mask, timeline, foot};
    }
    return all;
}

int widestColumn(double zoom, bool sideBySide) {
    return qRound(kWidestText * std::max(1.0, zoom) * (sideBySide ? 2 : 1));
}

QRect fittedToScreens(const QRect& window, const QList<QRect>& screens) {
    QRect best = screens.front();
    qint64 most = 0;
    for (const QRect& screen : screens) {
        const QSize common = screen.intersected(window).size();
        const qint64 area = common.isValid() ? qint64{common.width()} * common.height() : 0;
        if (area > most) {
            most = area;
            best = screen;
        }
    }
    QRect fitted(window.topLeft(), window.size().boundedTo(best.size()));
    fitted.moveLeft(std::clamp(fitted.left(), best.left(), best.right() - fitted.width() + 1));
    fitted.moveTop(std::clamp(fitted.top(), best.top(), best.bottom() - fitted.height() + 1));
    return fitted;
}

}  // namespace spanscope
