// Whatever was on show before: after a tab of another run is chosen every view shows that run, all of it and nothing
// else. Each state is held against a window that has never seen another run.
#include <QAbstractScrollArea>
#include <QDir>
#include <QDockWidget>
#include <QLabel>
#include <QLineEdit>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QStandardPaths>
#include <QTabBar>
#include <QtTest>
#include <random>

#include "tests/ui/window_states.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/figures_bar.h"
#include "ui/window/transcript_panel.h"

using namespace spanscope;

namespace {

const QStringList kPanels{"mask",  "throughput", "timeline", "graph",   "spans", "inspector",
                          "probe", "history",    "reach",    "compare", "whatif"};
constexpr QSize kSize(1440, 900);

/// Runs that differ in everything: length, prompt, attention, with and without a dense twin, violations.
QVector<HistoryEntry> runs() {
    QVector<HistoryEntry> list;
    const auto add = [&](RunData run, const char* prompt, const char* answer) {
        run.header.runId = list.size() + 1;
        run.header.settings.promptText = prompt;
        run.answer = answer;
        HistoryEntry entry;
        entry.run = std::make_shared<const RunData>(std::move(run));
        list << entry;
    };
    const auto twin = [&](RunData run) {
        run.header.runId = 100 + list.size();
        list.back().dense = std::make_shared<const RunData>(std::move(run));
    };
    add(sample::sheet(6), "1+2", "3");
    add(sample::sheet(40), "64-71", "-7");
    twin(sample::sheet(40, MaskPolicySpec::dense()));
    add(sample::sheet(12, MaskPolicySpec::dense()), "7*8", "56");
    add(sample::large(300, 50), "a text", "");
    add(sample::sheet(25), "9-4", "5");
    twin(sample::sheet(20, MaskPolicySpec::dense()));
    return list;
}

std::unique_ptr<MainWindow> makeWindow(const QVector<HistoryEntry>& kept) {
    QSettings().clear();
    MainWindow::Setup setup;
    setup.tasks = {{"sheet", "Sheet of calculations", {"64-71\n$1*3"}}};
    auto window = std::make_unique<MainWindow>(setup);
    window->resize(kSize);
    window->show();
    window->docks()->setPreset("demo");
    for (auto entry = kept.rbegin(); entry != kept.rend(); ++entry) window->history()->add(*entry);
    return window;
}

/// What each view shows, as a picture; what is said of the run around them, as text.
struct Shown {
    QMap<QString, QImage> views;
    QStringList words;
};

Shown shown(MainWindow& window, const QStringList& panels) {
    Shown all;
    for (const QString& id : panels) {
        window.docks()->raise(id);
        sample::settle(320);  // tables, plots and graphs follow by timers of at most a quarter of a second
        for (MaskView* mask : window.findChildren<MaskView*>()) mask->finishTiles();
        // Where somebody scrolled to is not the run's.
        for (auto* area : window.docks()->dock(id)->findChildren<QAbstractScrollArea*>())
            for (QScrollBar* bar : {area->verticalScrollBar(), area->horizontalScrollBar()}) bar->setValue(0);
        sample::settle(30);
        all.views[id] = window.docks()->dock(id)->widget()->grab().toImage();
    }
    for (int i = 0; i < FiguresBar::FigureCount; ++i) all.words << window.figures()->value(FiguresBar::Figure(i));
    all.words << window.transcriptPanel()->transcript()->plainText();
    for (const char* name : {"timelineText", "findCount"}) all.words << window.findChild<QLabel*>(name)->text();
    return all;
}

}  // namespace

class TestWindowRuns : public QObject {
    Q_OBJECT
  private slots:
    void initTestCase() {
        QStandardPaths::setTestModeEnabled(true);
        QApplication::setApplicationName("spanscope-runs");
        QApplication::setOrganizationName("spanscope-runs");
        QApplication::setCursorFlashTime(0);  // pictures are compared
    }

    void everyViewShowsTheChosenRun() {
        const QVector<HistoryEntry> all = runs();
        std::mt19937 random(3);
        const auto window = makeWindow(all);
        window->transcriptPanel()->openFind();
        window->findChild<QLineEdit*>("findEdit")->setText("1");
        window->transcriptPanel()->addTabs(all);
        auto* tabs = window->transcriptPanel()->tabs();
        const auto tabOf = [&](int run) { return int(all.size()) - 1 - run; };  // the newest, listed first, stands last
        for (int visit = 0; visit < 12; ++visit) {
            const int at = visit < all.size() ? visit : int(random() % unsigned(all.size()));
            // Some panels are in sight while the run changes, some behind others; things are selected and looked at.
            window->docks()->raise(kPanels[int(random() % 3)]);
            window->docks()->raise(kPanels[3 + int(random() % 3)]);
            if (window->store()->nSteps() > 3)
                window->selection()->lockRange(1, int(random() % unsigned(window->store()->nSteps() - 1)) + 1);
            sample::settle(int(random() % 120));
            tabs->setCurrentIndex(tabOf((at + 1) % int(all.size())));
            if (visit % 2) sample::settle(int(random() % 300));
            tabs->setCurrentIndex(tabOf(at));
            QStringList panels = kPanels;
            std::shuffle(panels.begin(), panels.end(), random);
            const Shown found = shown(*window, panels);

            const auto fresh = makeWindow(all);
            fresh->transcriptPanel()->openFind();
            fresh->findChild<QLineEdit*>("findEdit")->setText("1");
            fresh->transcriptPanel()->addTabs(all);
            {
                const QSignalBlocker quiet(fresh->transcriptPanel()->tabs());
                fresh->transcriptPanel()->tabs()->setCurrentIndex(tabOf(at));
            }
            fresh->runs()->show(all[at]);
            const Shown wanted = shown(*fresh, panels);
            QCOMPARE(found.words, wanted.words);
            for (auto it = wanted.views.begin(); it != wanted.views.end(); ++it) {
                const QImage &a = found.views[it.key()], &b = it.value();
                if (a == b) continue;
                const QString base = QDir::temp().filePath("spanscope-runs-" + it.key());
                a.save(base + "-found.png");
                b.save(base + "-wanted.png");
                QFAIL(qPrintable(
                    QString("%1 of run %2 at visit %3: see %4-found.png").arg(it.key()).arg(at).arg(visit).arg(base)));
            }
        }
    }
};

QTEST_MAIN(TestWindowRuns)
#include "tst_window_runs.moc"
