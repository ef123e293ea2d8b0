// Light or dark, in which contrast, and how large: what a person chose, what the desktop asks for, and the application
// styled by both. GUI thread.
#pragma once

#include <QObject>

#include "ui/window/theme.h"

namespace spanscope {

class Appearance : public QObject {
    Q_OBJECT
  public:
    Appearance(bool systemDark, bool systemHighContrast, QObject* parent);  ///< nothing is styled until readSettings()

    ThemeChoice theme() const { return m_theme; }
    void setTheme(ThemeChoice theme);
    void setSystemDark(bool dark);
    ContrastChoice contrast() const { return m_contrast; }
    void setContrast(ContrastChoice contrast);
    void setSystemHighContrast(bool high);
    double zoom() const { return m_presenting ? m_audienceZoom : m_zoom; }
    void setZoom(double factor);  ///< within 0.6 and 3
    /// Before an audience the text has a size of its own.
    void setPresenting(bool on);

    /// What is chosen is written at once: of two windows the one closed last takes nothing back.
    void readSettings();

  signals:
    void zoomed(double factor);

  private:
    void apply();

    bool m_systemDark, m_systemHigh;
    double m_pointSize;  ///< of the application's font, unzoomed
    ThemeChoice m_theme = ThemeChoice::System;
    ContrastChoice m_contrast = ContrastChoice::System;
    double m_zoom = 1, m_audienceZoom = 1.5;
    bool m_presenting = false;
};

}  // namespace spanscope
