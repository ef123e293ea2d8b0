#include "ui/window/appearance.h"

#include <QApplication>
#include <QSettings>
#include <algorithm>

namespace spanscope {

namespace {
constexpr double kLeastZoom = 0.6, kMostZoom = 3.0;
}

Appearance::Appearance(bool systemDark, bool systemHighContrast, QObject* parent)
    : QObject(parent),
      m_systemDark(systemDark),
      m_systemHigh(systemHighContrast),
      m_pointSize(QApplication::font().pointSizeF()) {}

void Appearance::apply() {
    applyTheme(*qApp, m_theme == ThemeChoice::Dark || (m_theme == ThemeChoice::System && m_systemDark),
               m_contrast == ContrastChoice::High || (m_contrast == ContrastChoice::System && m_systemHigh),
               m_pointSize * zoom());
}

void Appearance::setTheme(ThemeChoice theme) {
    m_theme = theme;
    QSettings().setValue("window/theme", int(m_theme));
    apply();
}

void Appearance::setSystemDark(bool dark) {
    m_systemDark = dark;
    if (m_theme == ThemeChoice::System) apply();
}

void Appearance::setContrast(ContrastChoice contrast) {
    m_contrast = contrast;
    QSettings().setValue("window/contrast", int(m_contrast));
    apply();
}

void Appearance::setSystemHighContrast(bool high) {
    m_systemHigh = high;
    if (m_contrast == ContrastChoice::System) apply();
}

void Appearance::setZoom(double factor) {
    double& now = m_presenting ? m_audienceZoom : m_zoom;
    now = std::clamp(factor, kLeastZoom, kMostZoom);
    QSettings().setValue(m_presenting ? "window/audienceZoom" : "window/zoom", now);
    apply();
    emit zoomed(now);
}

void Appearance::setPresenting(bool on) {
    if (m_presenting == on) return;
    m_presenting = on;
    apply();
}

void Appearance::readSettings() {
    const QSettings settings;
    const auto zoom = [&](const char* key, double usual) {
        return std::clamp(settings.value(key, usual).toDouble(), kLeastZoom, kMostZoom);
    };
    m_theme = ThemeChoice(std::clamp(settings.value("window/theme", 0).toInt(), 0, 2));
    m_contrast = ContrastChoice(std::clamp(settings.value("window/contrast", 0).toInt(), 0, 2));
    m_zoom = zoom("window/zoom", m_zoom);
    m_audienceZoom = zoom("window/audienceZoom", m_audienceZoom);
    apply();
}

}  // namespace spanscope
