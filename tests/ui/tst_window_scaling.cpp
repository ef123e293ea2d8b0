// The main states at the screen's scale (QT_SCALE_FACTOR: 1, 1.25, 1.5, 2) and in small windows: everything fits, no
// text and no control is cut off. Sizes are in units of the scale: 1280 x 720 at 1.5 is a full-HD laptop.
#include <QDialog>
#include <QStandardPaths>
#include <QStatusBar>
#include <QToolBar>
#include <QtTest>

#include "tests/ui/clipping.h"
#include "tests/ui/window_states.h"
#include "ui/export/export_dialog.h"
#include "ui/window/dock_layout.h"

using namespace spanscope;

namespace {
/// Lines that say what happens at the moment; all of them give way to figures and buttons.
const QStringList kMayCut{"status", "timelineText", "compareText", "laneTitle"};

/// What a window that is larger than it should be needs its room for.
QStringList grown(const QString& name, MainWindow& window, QSize size) {
    if (window.size() == size) return {};
    const auto line = [](const QString& what, QSize s) {
        return QStringLiteral("%1 %2x%3").arg(what).arg(s.width()).arg(s.height());
    };
    QStringList lines{line(name + ": the window wants", window.size()),
                      line("   centre", window.centralWidget()->minimumSizeHint()),
                      line("   foot", window.statusBar()->minimumSizeHint())};
    for (const QToolBar* bar : window.findChildren<QToolBar*>()) lines << line("   tools", bar->minimumSizeHint());
    for (const QDockWidget* dock : window.findChildren<QDockWidget*>())
        if (!dock->isHidden()) lines << line("   " + dock->objectName(), dock->minimumSizeHint());
    return lines;
}
}  // namespace

class TestWindowScaling : public QObject {
    Q_OBJECT
  private slots:
    void initTestCase() {
        QStandardPaths::setTestModeEnabled(true);
        QApplication::setApplicationName("spanscope-scaling");
        QApplication::setOrganizationName("spanscope-scaling");
        const double wanted = qEnvironmentVariable("QT_SCALE_FACTOR", "1").toDouble();
        QCOMPARE(qApp->devicePixelRatio(), wanted);
    }

    void nothingIsCutOff_data() {
        QTest::addColumn<QSize>("size");
        for (const QSize size : {QSize(1440, 900), QSize(1280, 720), QSize(1024, 640), QSize(960, 540)})
            QTest::addRow("%dx%d", size.width(), size.height()) << size;
    }
    void nothingIsCutOff() {
        QFETCH(const QSize, size);
        QStringList wrong;
        int nChecked = 0;
        const auto check = [&](const QString& name, MainWindow& window) {
            if (!name.startsWith("presentation")) wrong += grown(name, window, size);
            for (const QString& part : sample::clippedParts(&window, kMayCut)) wrong << name + ": " + part;
            ++nChecked;
        };
        sample::eachWindowState(
            [&](const QString& name, MainWindow& window) {
                check(name, window);
                if (name != "finished") return;
                for (const char* panel : {"graph", "spans", "inspector", "history", "probe", "reach", "compare",
                                          "whatif", "timeline", "throughput", "mask"}) {
                    window.docks()->raise(panel);
                    sample::settle(60);
                    check(name + '/' + panel, window);
                }
                for (const char* away : {"compare", "reach", "timeline", "whatif"})
                    window.findChild<QDockWidget*>(QStringLiteral("dock.") + away)->close();
                window.setSideBySide(true);
                sample::settle(60);
                check("side by side", window);
                window.setSideBySide(false);
                window.docks()->setPreset("inspect");
                sample::settle(100);
                check("inspect layout", window);
                window.docks()->setPreset("demo");
            },
            size);
        QVERIFY(nChecked >= 18);
        wrong.removeDuplicates();
        for (const QString& part : wrong) qWarning("%s", qPrintable(part));
        QVERIFY2(wrong.isEmpty(), qPrintable(QStringLiteral("%1 parts in %2 states").arg(wrong.size()).arg(nChecked)));
    }

    /// Text up to twice its size, in every arrangement: what gives way ends in an ellipsis or scrolls.
    void largeTextIsWhole_data() {
        QTest::addColumn<QSize>("size");
        QTest::addColumn<int>("percent");
        for (const auto& [size, percent] :
             {std::pair{QSize(1280, 720), 150}, {QSize(1280, 720), 200}, {QSize(1440, 900), 200}})
            QTest::addRow("%dx%d, %d %%", size.width(), size.height(), percent) << size << percent;
    }
    void largeTextIsWhole() {
        QFETCH(const QSize, size);
        QFETCH(const int, percent);
        if (qApp->devicePixelRatio() != 1) QSKIP("once, not at every scale of the screen");
        QStringList wrong;
        int nChecked = 0;
        const auto check = [&](const QString& name, MainWindow& window) {
            sample::settle(250);
            wrong += grown(name, window, size);
            for (const QString& part : sample::clippedParts(&window, kMayCut)) wrong << name + ": " + part;
            ++nChecked;
        };
        sample::eachWindowState(
            [&](const QString& name, MainWindow& window) {
                if (name != "selected" && name != "error" && name != "chat" && name != "empty") return;
                const auto enlarge = [&](int from) {
                    for (int at = from; at < percent; at += 10) window.action("zoomIn")->trigger();
                };
                enlarge(100);
                check(name, window);
                if (name == "selected") {
                    for (const char* panel : {"graph", "spans", "inspector", "history", "probe", "reach", "compare",
                                              "whatif", "timeline", "throughput", "mask"}) {
                        window.docks()->raise(panel);
                        check(name + '/' + panel, window);
                    }
                    window.docks()->reset();
                    for (const char* preset : {"analysis", "inspect", "demo"}) {
                        window.docks()->setPreset(preset);
                        check(preset, window);
                    }
                    window.docks()->setPreset("presentation");
                    enlarge(150);
                    check("presentation", window);
                    window.action("zoomReset")->trigger();
                    for (int i = 0; i < 5; ++i) window.action("zoomIn")->trigger();
                    window.docks()->setPreset("demo");
                }
                window.action("zoomReset")->trigger();
                window.resize(size);
                sample::settle(60);
            },
            size);
        QVERIFY(nChecked >= 18);
        wrong.removeDuplicates();
        for (const QString& part : wrong) qWarning("%s", qPrintable(part));
        QVERIFY2(wrong.isEmpty(), qPrintable(QStringLiteral("%1 parts in %2 states").arg(wrong.size()).arg(nChecked)));
    }

    /// Every dialog that an action opens: whole, and no larger than a small screen.
    void dialogsFit() {
        QStringList wrong;
        int nDialogs = 0;
        sample::eachWindowState([&](const QString& name, MainWindow& window) {
            if (name != "finished") return;
            for (const char* id :
                 {"exportImage", "exportData", "sampling", "shortcuts", "protocolHelp", "about", "modelCard"}) {
                bool seen = false;
                const auto look = [&] {
                    QWidget* dialog = QApplication::activeModalWidget();
                    if (!dialog) return;
                    sample::settle(150);
                    seen = true;
                    if (dialog->width() > 1240 || dialog->height() > 690)
                        wrong << QStringLiteral("%1 wants %2x%3").arg(id).arg(dialog->width()).arg(dialog->height());
                    for (const QString& part : sample::clippedParts(dialog, kMayCut))
                        wrong << QString(id) + ": " + part;
                    dialog->close();
                };
                QTimer::singleShot(50, &window, look);
                window.action(id)->trigger();
                sample::settle(400);
                if (!seen) look();
                nDialogs += seen;
                if (!seen) wrong << QStringLiteral("%1 opened no dialog").arg(id);
            }
        });
        QCOMPARE(nDialogs, 7);
        for (const QString& part : wrong) qWarning("%s", qPrintable(part));
        QVERIFY2(wrong.isEmpty(), qPrintable(QStringLiteral("%1 parts").arg(wrong.size())));
    }
};

QTEST_MAIN(TestWindowScaling)
#include "tst_window_scaling.moc"
