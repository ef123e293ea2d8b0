// The panels around the transcript: their docks, the arrangements that a person can choose from, and what they made of
// them, remembered for each arrangement and height of the window. GUI thread.
#pragma once

#include <QMap>
#include <QObject>

class QAction;
class QDockWidget;
class QMainWindow;

namespace spanscope {

class DockLayout : public QObject {
    Q_OBJECT
  public:
    explicit DockLayout(QMainWindow* window);

    /// A dock with a title bar of its own; the action shows, raises or hides it and has the next of Ctrl+1 to Ctrl+9.
    QAction* add(const QString& id, const QString& title, QWidget* view);
    QDockWidget* dock(const QString& id) const { return m_docks.value(id); }
    void raise(const QString& id);  ///< shows it and brings its tab to the front
    void setPreset(const QString& name);  ///< "demo", "analysis", "inspect", "presentation"

    void readSettings();
    void writeSettings() const;

  signals:
    void choosing(const QString& preset);  ///< the arrangement follows

  private:
    void arrange();
    int stacksThatFit() const;
    QString settingsKey() const;
    void saveState() const;
    void restoreState();

    QMainWindow* m_window;
    QMap<QString, QDockWidget*> m_docks;
    QString m_preset = "demo";
    int m_stacks = 3;  ///< panels above each other
};

}  // namespace spanscope
