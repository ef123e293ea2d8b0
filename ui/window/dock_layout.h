// The panels around the transcript: their docks, the arrangements that a person can choose from, and what they made of
// them, remembered for each arrangement and height of the window. GUI thread.
#pragma once

#include <QMap>
#include <QObject>
#include <QTimer>
#include <QVariant>

#include "ui/window/dock_arrangement.h"

class QAction;
class QDockWidget;
class QMainWindow;
class QTabBar;

namespace spanscope {

class DockLayout : public QObject {
    Q_OBJECT
  public:
    explicit DockLayout(QMainWindow* window);

    /// A dock; the action shows, raises or hides it and has the next of Ctrl+1 to Ctrl+9.
    QAction* add(const QString& id, const QString& title, QWidget* view);
    QDockWidget* dock(const QString& id) const { return m_docks.value(id); }
    void raise(const QString& id);        ///< shows it and brings its tab to the front
    void setPreset(const QString& name);  ///< "demo", "analysis", "inspect", "presentation"
    QString preset() const { return m_preset; }
    void reset();  ///< the arrangement on show, as it is before anybody changes it

    void setZoom(double zoom);                      ///< of the text: its column is as much wider
    void setSideBySide(bool on);                    ///< two transcripts take more room
    void nameTabs(QTabBar* tabs);                   ///< a new tab bar of docks
    bool isBehindTab(const QWidget* widget) const;  ///< in a panel that another one covers, or put away
    void windowShown();                             ///< floating panels come in front of it, and onto a screen

    void readSettings();
    void writeSettings();

  signals:
    void choosing(const QString& preset);  ///< the arrangement follows

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    void arrange();
    void fitColumn();  ///< as wide as the text needs, all of it where nothing stands beside it
    int columnWidth() const;
    int footHeight() const;
    void applyShares();  ///< of the window's size, for column and foot
    void takeShares();   ///< what a person made of them by dragging
    void fitTitles();
    void keepFloatingOnScreens();
    QDockWidget* ofTab(const QTabBar* tabs, const QPoint& at) const;
    bool stands(QDockWidget* dock, Qt::DockWidgetArea area) const;  ///< in the window, shown or behind a tab
    QList<QDockWidget*> standing(Qt::DockWidgetArea area) const;
    QString settingsKey() const;
    QVariantMap state() const;
    void saveState();
    bool restoreState();

    QMainWindow* m_window;
    QMap<QString, QDockWidget*> m_docks;
    QString m_preset = "demo";
    DockRoom m_room = DockRoom::Tall;
    double m_zoom = 1, m_column = 0.45, m_foot = 0.36;  ///< shares of the window's width and height
    bool m_sideBySide = false;
    QSize m_size;                          ///< of the window, as it was when the shares were applied
    QMap<QString, QVariant> m_remembered;  ///< of the settings, as this window read or wrote them
    QTimer m_settle;
};

}  // namespace spanscope
