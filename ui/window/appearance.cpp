#include "ui/window/appearance.h"

#include <QApplication>
#include <QSettings>
#include <algorithm>

namespace spanscope {

namespace {
constexpr double kLeastZoom = 0.6, kMostZoom = 3.0;
}

Appearance::Appearance(bool systemDark, QObject* parent)
    : QObject(parent), m_systemDark(systemDark), m_pointSize(QApplication::font().pointSizeF()) {}

void Appearance::apply() {
    applyTheme(*qApp, m_theme == ThemeChoice::Dark || (m_theme == ThemeChoice::System && m_systemDark),
               m_pointSize * m_zoom);
}

void Appearance::setTheme(ThemeChoice theme) {
    m_theme = theme;
    apply();
}

void Appearance::setSystemDark(bool dark) {
    m_systemDark = dark;
    if (m_theme == ThemeChoice::System) apply();
}

void Appearance::setZoom(double factor) {
    m_zoom = std::clamp(factor, kLeastZoom, kMostZoom);
    apply();
    emit zoomed(m_zoom);
}

void Appearance::readSettings() {
    const QSettings settings;
    m_theme = ThemeChoice(std::clamp(settings.value("window/theme", 0).toInt(), 0, 2));
    m_zoom = std::clamp(settings.value("window/zoom", 1.0).toDouble(), kLeastZoom, kMostZoom);
    apply();
}

void Appearance::writeSettings() const {
    QSettings settings;
    settings.setValue("window/theme", int(m_theme));
    settings.setValue("window/zoom", m_zoom);
}

}  // namespace spanscope
