#include "ui/export/figure_presets.h"

#include <QSettings>
#include <algorithm>
#include <cmath>

namespace spanscope {

namespace {

constexpr const char* kKept = "export/presets";

void write(QSettings& s, const FigurePreset& preset) {
    const FigureOptions& o = preset.options;
    s.setValue("name", preset.name);
    s.setValue("format", QString(kPictures[size_t(preset.format)].ending));
    s.setValue("scale", o.scale);
    s.setValue("width", o.width);
    s.setValue("widthMm", o.widthMm);
    s.setValue("fontPoints", o.fontPoints);
    s.setValue("fontFamily", QString::fromStdString(o.fontFamily));
    s.setValue("dark", o.dark);
    s.setValue("legend", o.legend);
    s.setValue("byPhase", o.byPhase);
    s.setValue("showLoaded", o.showLoaded);
    s.setValue("withoutFirst", o.withoutFirst);
    s.setValue("overTime", o.overTime);
}

/// A file that anybody may have edited: every value is kept inside its range.
FigurePreset read(const QSettings& s) {
    FigurePreset preset;
    FigureOptions& o = preset.options;
    preset.name = s.value("name").toString().left(80);
    preset.format = pictureNamed(s.value("format").toString().toStdString()).value_or(PictureFormat::Png);
    const auto number = [&s](const char* key, double usual, double least, double most) {
        const double value = s.value(key, usual).toDouble();
        return std::isfinite(value) ? std::clamp(value, least, most) : usual;
    };
    o.scale = int(number("scale", o.scale, 1, 4));
    o.width = int(number("width", o.width, 320, 4000));
    o.widthMm = number("widthMm", 0, 0, kMostMm);
    if (o.widthMm > 0) o.widthMm = std::max(o.widthMm, kLeastMm);
    o.fontPoints = number("fontPoints", 0, 0, 24);
    o.fontFamily = s.value("fontFamily").toString().left(200).toStdString();
    o.dark = s.value("dark", o.dark).toBool();
    o.legend = s.value("legend", o.legend).toBool();
    o.byPhase = s.value("byPhase", o.byPhase).toBool();
    o.showLoaded = s.value("showLoaded", o.showLoaded).toBool();
    o.withoutFirst = s.value("withoutFirst", o.withoutFirst).toBool();
    o.overTime = s.value("overTime", o.overTime).toBool();
    return preset;
}

void writeAll(const QVector<FigurePreset>& presets) {
    QSettings s;
    s.remove(kKept);
    s.beginWriteArray(kKept, int(presets.size()));
    for (int i = 0; i < presets.size(); ++i) {
        s.setArrayIndex(i);
        write(s, presets[i]);
    }
    s.endArray();
}

FigurePreset made(const QString& name, PictureFormat format, double widthMm, double fontPoints, bool dark) {
    FigurePreset preset{name, format, {}};
    preset.options.widthMm = widthMm;
    preset.options.fontPoints = fontPoints;
    preset.options.dark = dark;
    return preset;
}

}  // namespace

QVector<FigurePreset> builtInPresets() {
    return {made(QStringLiteral("Screen"), PictureFormat::Png, 0, 0, false),
            made(QStringLiteral("Single column, 88 mm"), PictureFormat::Pdf, kColumnMm, 7, false),
            made(QStringLiteral("Double column, 180 mm"), PictureFormat::Pdf, kTwoColumnsMm, 7, false),
            made(QStringLiteral("Slide, dark"), PictureFormat::Png, 254, 12, true)};
}

QVector<FigurePreset> keptPresets() {
    QSettings s;
    QVector<FigurePreset> presets;
    const int n = std::min(s.beginReadArray(kKept), kMostPresets);
    for (int i = 0; i < n; ++i) {
        s.setArrayIndex(i);
        if (FigurePreset preset = read(s); !preset.name.isEmpty()) presets << preset;
    }
    s.endArray();
    return presets;
}

bool keepPreset(const FigurePreset& preset) {
    const auto named = [&preset](const FigurePreset& p) { return p.name == preset.name; };
    const QVector<FigurePreset> builtIn = builtInPresets();
    if (preset.name.trimmed().isEmpty() || std::any_of(builtIn.begin(), builtIn.end(), named)) return false;
    QVector<FigurePreset> presets = keptPresets();
    const auto at = std::find_if(presets.begin(), presets.end(), named);
    if (at != presets.end()) *at = preset;
    else if (presets.size() >= kMostPresets) return false;
    else presets << preset;
    writeAll(presets);
    return true;
}

void forgetPreset(const QString& name) {
    QVector<FigurePreset> presets = keptPresets();
    presets.removeIf([&name](const FigurePreset& p) { return p.name == name; });
    writeAll(presets);
}

std::optional<FigurePreset> lastSettings() {
    QSettings s;
    s.beginGroup("export/last");
    if (!s.contains("format")) return std::nullopt;
    return read(s);
}

void keepLastSettings(const FigurePreset& preset) {
    QSettings s;
    s.beginGroup("export/last");
    write(s, preset);
}

}  // namespace spanscope
