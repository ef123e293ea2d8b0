// Settings of figures under a name: those that are built in and those that a person keeps. Titles, captions and regions
// belong to a figure and are not among them. GUI thread.
#pragma once

#include <QString>
#include <QVector>
#include <optional>

#include "ui/export/figure_list.h"

namespace spanscope {

struct FigurePreset {
    QString name;
    PictureFormat format = PictureFormat::Png;
    FigureOptions options;
};

/// For the screen, for one and two columns of a journal, for a slide.
QVector<FigurePreset> builtInPresets();

inline constexpr int kMostPresets = 30;
QVector<FigurePreset> keptPresets();
/// One of the same name is replaced; an empty name, one that is built in, and a thirty-first are not kept: false.
bool keepPreset(const FigurePreset& preset);
void forgetPreset(const QString& name);

/// What was used last, to begin with the next time; nothing the first time.
std::optional<FigurePreset> lastSettings();
void keepLastSettings(const FigurePreset& preset);

}  // namespace spanscope
