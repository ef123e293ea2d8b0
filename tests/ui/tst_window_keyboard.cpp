// The window without a mouse: Tab walks through every control of every arrangement and dialog in reading order, goes
// round, comes back the other way, and shows where it is. And what screen readers are told: words, never markup.
#include <QAccessible>
#include <QDialog>
#include <QMenu>
#include <QMenuBar>
#include <QStandardPaths>
#include <QTabWidget>
#include <QToolBar>
#include <QToolButton>
#include <QtTest>

#include "tests/ui/clipping.h"
#include "tests/ui/window_states.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/table_twin.h"
#include "ui/window/banner.h"
#include "ui/window/dock_title.h"
#include "ui/window/tour.h"
#include "ui/window/window_actions.h"

using namespace spanscope;

namespace {

QString called(const QWidget* w) {
    QString panel;
    for (const QWidget* p = w->parentWidget(); p && panel.isEmpty(); p = p->parentWidget())
        if (p->inherits("QDockWidget") || p->inherits("QToolBar") || p->inherits("QDialog")) panel = p->objectName();
    return QString("%1 \"%2\" %3 in %4")
        .arg(w->metaObject()->className(), w->objectName(), w->accessibleName().left(40), panel);
}

/// The panel that a widget stands in: within one the order is that of reading.
const QWidget* panelOf(const QWidget* w) {
    if (w->accessibleName() == "Panels") return w;
    for (const QWidget* p = w; p; p = p->parentWidget())
        if (p->inherits("QDockWidget") || p->inherits("QToolBar") || p->isWindow() || p->inherits("QTabWidget") ||
            p->inherits("QSplitter") || p->inherits("QGroupBox") || p->inherits("spanscope::Banner") ||
            p->inherits("spanscope::PromptEditor"))
            return p;
    return nullptr;
}

class Walker {
  public:
    Walker(QWidget* window, QString name) : m_window(window), m_name(std::move(name)) {}
    QStringList faults;
    int nReached = 0;

    void everything() {
        const QList<QWidget*> forth = walk(true), back = walk(false);
        nReached = int(forth.size());
        for (QWidget* w : forth)
            if (!back.contains(w)) fault(called(w) + " is not reached by Shift+Tab");
        for (QWidget* w : back)
            if (!forth.contains(w)) fault(called(w) + " is reached by Shift+Tab alone");
        for (qsizetype i = 1; i < forth.size(); ++i)
            if (!isFirstOf(forth[i], forth)) inOrder(forth[i - 1], forth[i]);
        for (QWidget* w : m_window->findChildren<QWidget*>())
            if (isControl(w) && !forth.contains(w) && !isReachedOtherwise(w))
                fault(called(w) + " cannot be reached by keyboard");
    }

  private:
    void fault(const QString& text) { faults << m_name + ": " + text; }

    QList<QWidget*> walk(bool forward) {
        QList<QWidget*> seen;
        QWidget* start = m_window->focusWidget();
        if (!start) {
            fault("nothing has the focus");
            return {};
        }
        QWidget* w = start;
        QImage before;
        for (int i = 0; i < 300; ++i) {
            const QImage focused = m_window->grab().toImage();
            if (forward) QTest::keyClick(w, Qt::Key_Tab);
            else QTest::keyClick(w, Qt::Key_Backtab, Qt::ShiftModifier);
            QWidget* next = m_window->focusWidget();
            if (next == w) {
                fault(called(w) + (forward ? " holds the focus: Tab stays" : " holds the focus: Shift+Tab stays"));
                return seen;
            }
            if (!next || !m_window->isAncestorOf(next)) {
                fault(called(w) + " leads nowhere");
                return seen;
            }
            if (!next->isVisible() || !next->isEnabled() || sample::behindTab(next))
                fault(called(next) + " has the focus and is not there");
            if (forward && i > 0) looksFocused(w, focused, m_window->grab().toImage());
            seen << next;
            if (next == start) return seen;
            if (seen.count(next) > 1) {
                fault(called(next) + " closes a circle that leaves out " + called(start));
                return seen;
            }
            w = next;
        }
        fault("Tab does not come round");
        return seen;
    }

    /// With the focus and without it a widget looks different.
    void looksFocused(const QWidget* w, const QImage& with, const QImage& without) {
        const QRect rect = QRect(w->mapTo(m_window, QPoint(0, 0)), w->size()).adjusted(-4, -4, 4, 4) & with.rect();
        int nDifferent = 0;
        for (int y = rect.top(); y <= rect.bottom(); ++y)
            for (int x = rect.left(); x <= rect.right(); ++x) nDifferent += with.pixel(x, y) != without.pixel(x, y);
        if (nDifferent < 12) fault(called(w) + QString(" does not show the focus (%1 pixels)").arg(nDifferent));
    }

    /// Where the walk comes round it may go up: to the first control of the panel.
    bool isFirstOf(const QWidget* w, const QList<QWidget*>& all) const {
        const auto place = [this](const QWidget* of) { return of->mapTo(m_window, QPoint(0, 0)); };
        return std::none_of(all.begin(), all.end(), [&](const QWidget* other) {
            const QPoint a = place(other), b = place(w);
            return panelOf(other) == panelOf(w) && (a.y() < b.y() || (a.y() == b.y() && a.x() < b.x()));
        });
    }

    /// Downward or to the right, within a panel.
    void inOrder(const QWidget* a, const QWidget* b) {
        if (panelOf(a) != panelOf(b)) return;
        const QRect p(a->mapTo(m_window, QPoint(0, 0)), a->size()), q(b->mapTo(m_window, QPoint(0, 0)), b->size());
        if (q.bottom() <= p.top()) fault(called(b) + " comes after " + called(a) + " and stands above it");
        const bool row = q.top() < p.bottom() && p.top() < q.bottom();
        if (row && q.right() <= p.left()) fault(called(b) + " comes after " + called(a) + " and stands left of it");
    }

    static bool isControl(const QWidget* w) {
        if (!w->isVisible() || !w->isEnabled() || w->size().isEmpty() || sample::behindTab(w)) return false;
        for (const char* name : {"QAbstractButton", "QLineEdit", "QComboBox", "QAbstractSpinBox", "QAbstractItemView",
                                 "QTextEdit", "QPlainTextEdit", "QTabBar", "QSlider"})
            if (w->inherits(name)) return !w->inherits("QHeaderView");
        return w->property("spanscopeFigure").toBool();
    }

    /// Parts of what is reached, and what an action with a key or in a menu does as well.
    bool isReachedOtherwise(const QWidget* w) const {
        const QWidget* parent = w->parentWidget();
        if (w->focusProxy()) return true;
        for (const char* whole : {"QComboBox", "QAbstractSpinBox", "QTabBar", "QToolBar", "QAbstractItemView"})
            if (parent->inherits(whole) && (parent->focusPolicy() & Qt::TabFocus || w->objectName().startsWith("qt_") ||
                                            parent->inherits("QTabBar")))
                return true;
        if (w->objectName() == "timelineLanes") return true;  // its view has the focus and the keys
        if (const auto* tabs = qobject_cast<const QTabBar*>(w))
            return tabs->accessibleName() == "Panels";  // Ctrl+1 ...
        if (qobject_cast<const DockTitle*>(parent)) {
            const auto* window = qobject_cast<const MainWindow*>(m_window);
            QString id = parent->parentWidget()->objectName();
            return window && !window->action(id)->shortcut().isEmpty();
        }
        const auto* button = qobject_cast<const QToolButton*>(w);
        const QAction* action = button ? button->defaultAction() : nullptr;
        return action && (!action->shortcut().isEmpty() || !menusOf(action).isEmpty());
    }

    static QList<QMenu*> menusOf(const QAction* action) {
        QList<QMenu*> menus;
        for (QObject* object : action->associatedObjects())
            if (auto* menu = qobject_cast<QMenu*>(object)) menus << menu;
        return menus;
    }

    QWidget* m_window;
    QString m_name;
};

/// Everything that a screen reader is told of a window.
class Listener {
  public:
    QStringList faults;
    int nTexts = 0, nCharts = 0;

    void hear(QAccessibleInterface* node, int depth = 0) {
        if (!node || !node->isValid() || depth > 60) return;
        if (QObject* object = node->object(); object && object->inherits("QTipLabel")) return;
        nCharts += node->role() == QAccessible::Chart;
        for (const auto what : {QAccessible::Name, QAccessible::Description, QAccessible::Help, QAccessible::Value}) {
            const bool edited = node->role() == QAccessible::EditableText || node->role() == QAccessible::StaticText;
            if (what == QAccessible::Value && edited) continue;  // what stands in it, which may be anything
            const QString text = node->text(what);
            nTexts += !text.isEmpty();
            static const QRegularExpression tag(
                "</?(?:b|i|u|br|p|qt|span|tt|h[1-6]|table|tr|td|font|html|body)\\b[^>]*>|&(?:nbsp|lt|gt|amp);");
            if (tag.match(text).hasMatch())
                faults << QString("%1 \"%2\" says markup: %3")
                              .arg(node->object() ? node->object()->metaObject()->className() : "part",
                                   node->object() ? node->object()->objectName() : QString(), text.left(120));
        }
        if (node->tableInterface()) return;  // cells: tst_foreign_text walks the models
        for (int i = 0; i < node->childCount(); ++i) hear(node->child(i), depth + 1);
    }
};

}  // namespace

class TestWindowKeyboard : public QObject {
    Q_OBJECT
  private slots:
    void initTestCase() {
        qputenv("QT_ACCESSIBILITY", "1");
        QStandardPaths::setTestModeEnabled(true);
        QApplication::setApplicationName("spanscope-keyboard");
        QApplication::setOrganizationName("spanscope-keyboard");
        QApplication::setCursorFlashTime(0);
    }

    void tabReachesEverything() {
        QStringList faults;
        int nStates = 0, nReached = 0;
        const auto walk = [&](const QString& name, QWidget* window) {
            QApplication::setActiveWindow(window);
            if (!window->isActiveWindow()) faults << name + " is not the active window";
            if (!window->focusWidget()) QTest::keyClick(window, Qt::Key_Tab);
            Walker walker(window, name);
            walker.everything();
            faults += walker.faults;
            nReached += walker.nReached;
            ++nStates;
        };
        sample::eachWindowState([&](const QString& name, MainWindow& window) {
            if (name == "empty" || name == "chat" || name == "error" || name == "contrast" || name == "analysis" ||
                name == "presentation")
                walk(name, &window);
            if (name != "finished") return;
            for (const char* preset : {"demo", "analysis", "inspect", "presentation"}) {
                window.docks()->setPreset(preset);
                sample::settle(100);
                walk(preset, &window);
            }
            window.docks()->setPreset("demo");
            for (const char* panel : {"graph", "spans", "inspector", "history", "probe", "reach", "compare", "whatif",
                                      "timeline", "throughput", "mask"}) {
                window.docks()->raise(panel);
                sample::settle(60);
                walk(panel, &window);
                if (QString(panel) != "probe") continue;
                ProbeView* probe = window.probe();  // with what it finds
                emit probe->inspectRequested();
                probe->onCurve(sample::curveOf(window.store()->data()));
                window.selection()->lockRange(60, 60);
                probe->onProbe(sample::probeOf(window.store()->data(), 60));
                for (int tab = 0; tab < probe->findChild<QTabWidget*>()->count(); ++tab) {
                    probe->findChild<QTabWidget*>()->setCurrentIndex(tab);
                    sample::settle(60);
                    walk(QString("inspecting, %1").arg(tab), &window);
                }
                probe->leave();
                window.selection()->clear();
            }
            window.docks()->reset();
            window.setSideBySide(true);
            window.action("find")->trigger();
            sample::settle(60);
            walk("side by side, find", &window);
            window.action("closeFind")->trigger();
            window.setSideBySide(false);
            for (const char* id : {"exportImage", "exportData", "sampling", "shortcuts", "protocolHelp", "about"}) {
                bool seen = false;
                QTimer::singleShot(50, &window, [&] {
                    QWidget* dialog = QApplication::activeModalWidget();
                    if (!dialog) return;
                    seen = true;
                    sample::settle(100);
                    walk(id, dialog);
                    dialog->close();
                });
                window.action(id)->trigger();
                sample::settle(200);
                if (!seen) faults << QString("%1 opened no dialog").arg(id);
            }
            window.docks()->raise("mask");
            sample::settle(60);
            auto* mask = window.findChild<MaskView*>("maskView");
            window.activateWindow();
            QVERIFY(QTest::qWaitForWindowActive(&window));
            mask->setFocus();
            QTest::keyClick(mask, Qt::Key_T);
            auto* twin = mask->findChild<TableTwin*>();
            QVERIFY(twin);
            walk("table", twin);
            twin->close();
        });
        faults.removeDuplicates();
        for (const QString& fault : faults) qWarning("%s", qPrintable(fault));
        qInfo("%d controls reached in %d states", nReached, nStates);
        QVERIFY(nStates > 25 && nReached > 25 * 15);
        QVERIFY2(faults.isEmpty(), qPrintable(QString("%1 faults").arg(faults.size())));
    }

    void everyPanelHasAKeyAndEveryMenuItsLetter() {
        sample::eachWindowState([&](const QString& name, MainWindow& window) {
            if (name != "empty") return;
            QMap<QKeySequence, QString> keys;
            for (const QString& id : window.windowActions()->ids())
                if (id.startsWith("dock.")) {
                    const QKeySequence key = window.action(id)->shortcut();
                    QVERIFY2(!key.isEmpty(), qPrintable(id));
                    QVERIFY2(!keys.contains(key), qPrintable(id));
                    keys[key] = id;
                }
            QCOMPARE(keys.size(), 11);
            QSet<QChar> letters;
            for (const QAction* menu : window.menuBar()->actions()) {
                const qsizetype at = menu->text().indexOf('&');
                QVERIFY2(at >= 0, qPrintable(menu->text()));
                QVERIFY(!letters.contains(menu->text()[at + 1].toLower()));
                letters.insert(menu->text()[at + 1].toLower());
            }
        });
    }

    void nothingIsSpelledOutToScreenReaders() {
        QStringList faults;
        int nTexts = 0, nCharts = 0;
        const auto listen = [&](QWidget* window) {
            Listener listener;
            listener.hear(QAccessible::queryAccessibleInterface(window));
            faults += listener.faults;
            nTexts += listener.nTexts;
            nCharts = std::max(nCharts, listener.nCharts);
        };
        sample::eachWindowState([&](const QString& name, MainWindow& window) {
            listen(&window);
            if (name != "selected") return;
            for (const char* panel :
                 {"graph", "probe", "reach", "compare", "whatif", "timeline", "throughput", "inspector"}) {
                window.docks()->raise(panel);
                sample::settle(60);
                listen(&window);
            }
            window.docks()->reset();
            window.startTour();
            listen(&window);
            window.findChild<Tour*>("tour")->end();
            QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        });
        faults.removeDuplicates();
        for (const QString& fault : faults) qWarning("%s", qPrintable(fault));
        qInfo("%d texts heard, %d charts at once", nTexts, nCharts);
        QVERIFY(nTexts > 1000);
        QVERIFY(nCharts >= 8);
        QVERIFY2(faults.isEmpty(), qPrintable(QString("%1 faults").arg(faults.size())));
    }
};

QTEST_MAIN(TestWindowKeyboard)
#include "tst_window_keyboard.moc"
