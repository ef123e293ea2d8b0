// Where the panels stand: the mask has most of the window, arrangements come back exactly, nothing comes back where it
// cannot be reached.
#include <QAction>
#include <QDockWidget>
#include <QFileDialog>
#include <QRegularExpression>
#include <QScreen>
#include <QSplitter>
#include <QStandardPaths>
#include <QStatusBar>
#include <QTabBar>
#include <QToolBar>
#include <QToolButton>
#include <QtTest>
#include <random>

#include "tests/ui/window_states.h"
#include "ui/window/dock_arrangement.h"
#include "ui/window/dock_title.h"
#include "ui/window/glyph_icon.h"
#include "ui/window/transcript_panel.h"

using namespace spanscope;

namespace {

const QStringList kPresets{"demo", "analysis", "inspect", "presentation"};
const QStringList kPanels{"mask",  "throughput", "timeline", "graph",   "spans", "inspector",
                          "probe", "history",    "reach",    "compare", "whatif"};

std::unique_ptr<MainWindow> makeWindow(QSize size) {
    MainWindow::Setup setup;
    setup.tasks = {{"expression", "Arithmetic expression", {"(12+7)*(3-8)"}},
                   {"sheet", "Sheet of calculations", {"64-71\n$1*3"}}};
    setup.version = "test";
    auto window = std::make_unique<MainWindow>(setup);
    window->resize(size);
    window->show();
    window->docks()->setPreset("demo");  // for this size
    HistoryEntry entry;
    entry.run = std::make_shared<const RunData>(sample::sheet(24));
    entry.dense = std::make_shared<const RunData>(sample::sheet(24, MaskPolicySpec::dense()));
    window->runs()->show(entry);
    sample::settle(50);
    return window;
}

/// Panels behind another's tab stand far outside.
bool isInSight(const QDockWidget* dock) { return dock->isVisible() && dock->geometry().right() > 0; }

/// Everything that a person sees of an arrangement.
QStringList described(MainWindow& window) {
    sample::settle(90);
    QStringList lines;
    const auto rect = [](const QRect& r) {
        return QStringLiteral("%1,%2 %3x%4").arg(r.x()).arg(r.y()).arg(r.width()).arg(r.height());
    };
    for (const QString& id : kPanels) {
        QDockWidget* dock = window.docks()->dock(id);
        QStringList tabs;
        for (const QDockWidget* other : window.tabifiedDockWidgets(dock))
            if (!other->isHidden()) tabs << other->objectName();
        tabs.sort();
        lines << QStringLiteral("%1: %2 %3 area %4, %5, beside %6")
                     .arg(id, dock->isHidden() ? "hidden" : "shown", dock->isFloating() ? "floats" : "docked")
                     .arg(int(window.dockWidgetArea(dock)))
                     .arg(isInSight(dock) ? rect(dock->geometry()) : "behind", dock->isHidden() ? "-" : tabs.join(' '));
    }
    return lines << "text: " + rect(window.centralWidget()->geometry()) + " size " +
                        QString::number(window.promptEditor()->edit()->font().pointSizeF());
}

/// The same but for a few pixels: where panels stand at their least size, shares of the window are rounded.
bool alike(const QString& a, const QString& b) {
    static const QRegularExpression number("\\d+");
    if (QString(a).remove(number) != QString(b).remove(number)) return false;
    auto i = number.globalMatch(a), j = number.globalMatch(b);
    while (i.hasNext() && j.hasNext())
        if (std::abs(i.next().captured().toInt() - j.next().captured().toInt()) > 8) return false;
    return true;
}

}  // namespace

class TestWindowLayouts : public QObject {
    Q_OBJECT
  private slots:
    void initTestCase() {
        QStandardPaths::setTestModeEnabled(true);
        QApplication::setApplicationName("spanscope-layouts");
        QApplication::setOrganizationName("spanscope-layouts");
    }
    void init() { QSettings().clear(); }

    /// Of every arrangement: each panel in one place, what is in front is there and shown.
    void arrangementsHoldEveryPanelOnce() {
        for (const QString& preset : kPresets)
            for (const DockRoom room : {DockRoom::Low, DockRoom::Usual, DockRoom::Tall}) {
                const DockArrangement all = dockArrangement(preset, room);
                QStringList ids;
                double shares = 0;
                for (const DockGroup& group : all.groups) {
                    ids += group.ids;
                    if (group.area == Qt::RightDockWidgetArea) shares += group.share;
                    for (const QString& id : group.away) QVERIFY(group.ids.contains(id));
                    QVERIFY(group.front.isEmpty() ||
                            (group.ids.contains(group.front) && !group.away.contains(group.front)));
                }
                ids.sort();
                QStringList panels = kPanels;
                panels.sort();
                QCOMPARE(ids, panels);
                QVERIFY(std::abs(shares - 1) < 1e-9);
                QCOMPARE(all.groupOf("mask")->area, Qt::RightDockWidgetArea);
                QVERIFY(all.column <= 0.5);
            }
        QCOMPARE(dockRoom(540, 17), DockRoom::Low);
        QCOMPARE(dockRoom(720, 17), DockRoom::Usual);
        QCOMPARE(dockRoom(1080, 17), DockRoom::Tall);
    }

    void theMaskHasMostOfTheWindow_data() {
        QTest::addColumn<QSize>("size");
        for (const QSize size : {QSize(1280, 720), QSize(1440, 900), QSize(1920, 1080)})
            QTest::addRow("%dx%d", size.width(), size.height()) << size;
    }
    void theMaskHasMostOfTheWindow() {
        QFETCH(const QSize, size);
        const auto window = makeWindow(size);
        QCOMPARE(window->size(), size);
        const QDockWidget* mask = window->docks()->dock("mask");
        QVERIFY(isInSight(mask));
        QVERIFY2(mask->width() * 2 >= size.width(), qPrintable(QString::number(mask->width())));
        const auto* bar = window->findChild<QToolBar*>("mainToolBar");
        QVERIFY2(bar->height() <= 40, qPrintable(QString::number(bar->height())));
        const int body = window->statusBar()->y() - bar->geometry().bottom() - 1;
        QVERIFY2(mask->height() >= body - 40, qPrintable(QString("%1 of %2").arg(mask->height()).arg(body)));
        QVERIFY(window->centralWidget()->width() <= 640);
        QVERIFY(isInSight(window->docks()->dock("throughput")));
        QVERIFY(window->transcriptPanel()->height() > 120);
        // The rest of a window that grows is for the mask; one that shrinks keeps the proportions.
        const int before = mask->width();
        window->resize(size + QSize(400, 100));
        sample::settle(30);
        QVERIFY(window->centralWidget()->width() <= 640);
        QTRY_VERIFY(mask->width() > before);
        window->resize(size);
        sample::settle(30);
        QTRY_COMPARE(mask->width(), before);
        // With nothing beside it the text has the whole width.
        for (const QString& id : kPanels)
            if (window->dockWidgetArea(window->docks()->dock(id)) == Qt::RightDockWidgetArea)
                window->docks()->dock(id)->close();
        QTRY_COMPARE(window->centralWidget()->width(), size.width());
    }

    /// Switching ten times in any order ends where it began, whatever a person made of it.
    void arrangementsComeBackExactly_data() {
        QTest::addColumn<QSize>("size");
        QTest::addColumn<QString>("change");
        for (const QSize size : {QSize(1440, 900), QSize(1280, 720), QSize(960, 540)})
            for (const char* change : {"nothing", "closed", "raised", "floated", "dragged", "zoomed"})
                QTest::addRow("%dx%d %s", size.width(), size.height(), change) << size << QString(change);
    }
    void arrangementsComeBackExactly() {
        QFETCH(const QSize, size);
        QFETCH(const QString, change);
        const auto window = makeWindow(size);
        std::mt19937 random(7);
        for (const QString& home : kPresets) {
            window->docks()->setPreset(home);
            if (change == "closed") window->docks()->dock("probe")->close();
            if (change == "raised") window->docks()->raise("inspector");
            if (change == "floated") {
                QDockWidget* graph = window->docks()->dock("graph");
                graph->show();
                graph->setFloating(true);
                graph->setGeometry(40, 60, 320, 240);
            }
            if (change == "dragged")
                window->resizeDocks({window->docks()->dock("mask")}, {size.width() * 13 / 20}, Qt::Horizontal);
            if (change == "zoomed") {
                window->action("zoomIn")->trigger();
                sample::settle(60);                // fonts of a zoom are laid out by events
                window->docks()->setPreset(home);  // larger text may want the arrangement of a lower window
            }
            const QStringList before = described(*window);
            for (int i = 0; i < 10; ++i) {
                window->docks()->setPreset(kPresets[int(random() % 4)]);
                if (i % 3 == 0) sample::settle(20);
            }
            window->docks()->setPreset(home);
            sample::settle(60);
            const QStringList after = described(*window);
            for (qsizetype i = 0; i < before.size(); ++i)
                QVERIFY2(alike(before[i], after[i]), qPrintable(home + ": " + before[i] + " became " + after[i]));
        }
    }

    /// A second visit is like the first, and so is the next start.
    void presentationShowsTheMaskAloneEachTime() {
        QStringList first;
        {
            const auto window = makeWindow({1440, 900});
            for (int i = 0; i < 3; ++i) {
                window->action("layoutPresentation")->trigger();
                sample::settle(30);
                for (const QString& id : kPanels)
                    QVERIFY2(window->docks()->dock(id)->isVisible() == (id == "mask"), qPrintable(id));
                if (i == 0) first = described(*window);
                QCOMPARE(described(*window), first);
                if (i < 2) window->action("layoutDemo")->trigger();
            }
            window->close();
        }
        MainWindow::Setup setup;
        setup.tasks = {{"expression", "Arithmetic expression", {"1+2"}}};
        MainWindow again(setup);
        again.resize(1440, 900);
        again.show();
        QCOMPARE(again.docks()->preset(), QString("presentation"));
        for (const QString& id : kPanels) QCOMPARE(again.docks()->dock(id)->isVisible(), id == "mask");
    }

    void resetLayoutPutsEverythingBack() {
        const auto window = makeWindow({1440, 900});
        for (const QString& preset : kPresets) {
            window->docks()->setPreset(preset);
            window->action("layoutReset")->trigger();
            const QStringList asMade = described(*window);
            window->docks()->dock("mask")->close();
            window->docks()->dock("spans")->show();
            window->docks()->dock("spans")->setFloating(true);
            window->addDockWidget(Qt::LeftDockWidgetArea, window->docks()->dock("graph"));
            QVERIFY(described(*window) != asMade);
            window->action("layoutReset")->trigger();
            QCOMPARE(described(*window), asMade);
            window->docks()->setPreset(preset == "demo" ? "analysis" : "demo");
            window->docks()->setPreset(preset);
            QCOMPARE(described(*window), asMade);
        }
    }

    /// A tab says what a panel is called; only what stands alone says so itself.
    void titlesAreSaidOnce() {
        const auto window = makeWindow({1440, 900});
        const auto slim = [&](const char* id) {
            sample::settle(30);
            return static_cast<DockTitle*>(window->docks()->dock(id)->titleBarWidget())->isSlim();
        };
        QVERIFY(slim("mask") && slim("throughput"));
        window->docks()->dock("probe")->close();
        QVERIFY(!slim("mask"));
        window->docks()->raise("probe");
        QVERIFY(slim("mask") && slim("probe"));
        window->docks()->dock("probe")->setFloating(true);
        QVERIFY(!slim("mask") && !slim("probe"));
    }

    void messagesMoveNothing() {
        const auto window = makeWindow({1280, 720});
        const QStringList before = described(*window);
        window->banner()->showError({"The model could not be opened",
                                     "A long sentence. " + QString("word ").repeated(80), "File: model.safetensors"});
        sample::settle(30);
        QVERIFY(window->banner()->isVisible());
        QCOMPARE(described(*window), before);
        QVERIFY(window->rect().contains(window->banner()->geometry()));
        QVERIFY(!window->banner()->geometry().intersects(window->statusBar()->geometry()));
        QVERIFY(window->banner()->height() >= window->banner()->heightFor(window->banner()->width()));
    }

    /// The problem has as much room as its text needs, up to half of the column, until a person draws the line.
    void theProblemGrowsWithItsText() {
        const auto window = makeWindow({1440, 900});
        PromptEditor* prompt = window->promptEditor();
        const auto height = [&](int nLines) {
            prompt->setText(QStringList(nLines, "12+7").join('\n'));
            sample::settle(200);
            return prompt->edit()->height();
        };
        const int one = height(1), six = height(6), many = height(200);
        QVERIFY(six > one && many > six);
        QVERIFY(many < window->height() / 3);
        QCOMPARE(height(1), one);
        QVERIFY(prompt->edit()->document()->size().height() == 1);
        const int line = prompt->edit()->fontMetrics().lineSpacing();
        QVERIFY2(std::abs(six - one - 4 * line) <= 2, qPrintable(QString("%1 %2").arg(one).arg(six)));
        auto* split = window->findChild<QSplitter*>("centralSplitter");
        QTest::mousePress(split->handle(1), Qt::LeftButton, {}, {20, 0});
        QTest::mouseMove(split->handle(1), {20, 60});
        QTest::mouseRelease(split->handle(1), Qt::LeftButton, {}, {20, 60});
        const int drawn = prompt->edit()->height();
        QVERIFY(drawn > one);
        QCOMPARE(height(6), drawn);
    }

    void rectanglesAreFittedToScreens() {
        const QList<QRect> one{QRect(0, 0, 1280, 720)}, two{QRect(0, 0, 1280, 720), QRect(1280, 0, 1920, 1080)};
        QCOMPARE(fittedToScreens({10, 20, 800, 600}, one), QRect(10, 20, 800, 600));
        QCOMPARE(fittedToScreens({0, 0, 1580, 980}, one), QRect(0, 0, 1280, 720));
        QCOMPARE(fittedToScreens({900, 500, 800, 600}, one), QRect(480, 120, 800, 600));
        QCOMPARE(fittedToScreens({-500, -40, 800, 600}, one), QRect(0, 0, 800, 600));
        QCOMPARE(fittedToScreens({5000, 5000, 800, 600}, one), QRect(480, 120, 800, 600));
        QCOMPARE(fittedToScreens({1400, 40, 1500, 900}, two), QRect(1400, 40, 1500, 900));
        QCOMPARE(fittedToScreens({1200, 0, 1580, 980}, two), QRect(1280, 0, 1580, 980));
    }

    /// Saved on a large screen, or at a smaller scale: all of it is on the screen that there is.
    void aWindowComesBackOnTheScreen() {
        const QRect free = QGuiApplication::primaryScreen()->availableGeometry();
        {
            const auto window = makeWindow({free.width() + 700, free.height() + 60});
            window->move(60, 90);
            sample::settle(30);
            window->close();
        }
        MainWindow::Setup setup;
        setup.tasks = {{"expression", "Arithmetic expression", {"1+2"}}};
        MainWindow again(setup);
        QVERIFY2(free.contains(again.geometry()), qPrintable(QString("%1x%2").arg(again.width()).arg(again.height())));
    }

    /// A panel that floats is where it was, in front of the window, at the next start.
    void floatingPanelsComeBack() {
        const QRect free = QGuiApplication::primaryScreen()->availableGeometry();
        const QRect place(free.left() + 40, free.top() + 60, 420, 300);
        const QSize size = free.size().boundedTo({1440, 900});
        {
            const auto window = makeWindow(size);
            QDockWidget* graph = window->docks()->dock("graph");
            window->docks()->raise("graph");
            graph->setFloating(true);
            graph->setGeometry(place);
            sample::settle(30);
            window->close();
        }
        MainWindow again({});
        again.show();
        sample::settle(30);
        QDockWidget* graph = again.docks()->dock("graph");
        QVERIFY(graph->isFloating() && graph->isVisible());
        QCOMPARE(graph->geometry(), place);
        again.docks()->reset();
        QVERIFY(!graph->isFloating());
    }

    /// The buttons that Qt makes itself are as small as it wants them: padding of our own would leave no room for what
    /// is on them.
    void buttonsOfQtShowTheirPictures() {
        const auto window = makeWindow({1440, 900});
        const auto inked = [](QWidget* button) {
            const QImage image = button->grab().toImage();
            const QRgb ground = image.pixel(image.width() / 2, 1);
            int n = 0;
            for (int y = 2; y < image.height() - 2; ++y)
                for (int x = 2; x < image.width() - 2; ++x)
                    n += std::abs(qGray(image.pixel(x, y)) - qGray(ground)) > 40;
            return n;
        };
        for (const char* theme : {"themeLight", "themeDark"}) {
            window->action(theme)->trigger();
            QFileDialog dialog(window.get());
            dialog.setOption(QFileDialog::DontUseNativeDialog);
            dialog.show();
            sample::settle(50);
            int nButtons = 0;
            for (QToolButton* button : dialog.findChildren<QToolButton*>()) {
                if (!button->isVisible() || button->icon().isNull()) continue;
                ++nButtons;
                QVERIFY2(inked(button) > 12, qPrintable(QString("%1 %2").arg(theme, button->objectName())));
            }
            QVERIFY(nButtons >= 5);
            QTabBar tabs;
            tabs.setUsesScrollButtons(true);
            for (int i = 0; i < 20; ++i) tabs.addTab("a long name of a tab");
            tabs.resize(200, 30);
            tabs.show();
            tabs.setCurrentIndex(10);
            sample::settle(30);
            for (QToolButton* button : tabs.findChildren<QToolButton*>()) QVERIFY(inked(button) > 4);
        }
        window->action("themeLight")->trigger();
    }

    /// At every scale a picture on a button is drawn, not stretched: its edges are as sharp as its size allows.
    void iconsAreSharpAtEveryScale() {
        const QIcon icon = glyphIcon(Glyph::Stop, QGuiApplication::palette());
        for (const int side : {16, 20, 24, 32, 40, 48, 64}) {
            const QImage image = icon.pixmap(QSize(side, side), 1.0).toImage();
            QCOMPARE(image.size(), QSize(side, side));
            int nHalf = 0;  // of the row through the middle: only the two edges of the square may be in between
            for (int x = 0; x < side; ++x) {
                const int alpha = qAlpha(image.pixel(x, side / 2));
                nHalf += alpha > 8 && alpha < 247;
            }
            QVERIFY2(nHalf <= 4, qPrintable(QString("%1: %2").arg(side).arg(nHalf)));
        }
    }

    /// Two windows at once: what is chosen in one is not taken back when the other closes.
    void windowsDoNotTakeBackWhatOthersChose() {
        {
            const auto one = makeWindow({1280, 720}), other = makeWindow({1280, 720});
            one->action("zoomIn")->trigger();
            one->action("themeDark")->trigger();
            one->docks()->setPreset("analysis");
            one->docks()->dock("timeline")->close();
            one->close();
            other->close();
        }
        MainWindow::Setup setup;
        setup.tasks = {{"expression", "Arithmetic expression", {"1+2"}}};
        MainWindow again(setup);
        QVERIFY(again.action("themeDark")->isChecked());
        QCOMPARE(QSettings().value("window/zoom").toDouble(), 1.1);
        QCOMPARE(again.docks()->preset(), QString("analysis"));
        again.action("zoomReset")->trigger();
        again.action("themeLight")->trigger();
    }
};

QTEST_MAIN(TestWindowLayouts)
#include "tst_window_layouts.moc"
