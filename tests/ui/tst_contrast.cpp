// Contrast of the four themes, by the numbers of WCAG 2: text at 4.5:1, at 7:1 in high contrast; what carries meaning
// without being text at 3:1. And nothing is told by colour alone.
#include <QAction>
#include <QPainter>
#include <QScrollBar>
#include <QStandardPaths>
#include <QtTest>

#include "tests/ui/window_states.h"
#include "ui/model/check_words.h"
#include "ui/model/tint.h"
#include "ui/views/palette.h"
#include "ui/window/theme.h"

using namespace spanscope;

namespace {

struct Pair {
    const char* what;
    QColor ink, ground;
};

void addThemes() {
    QTest::addColumn<bool>("dark");
    QTest::addColumn<bool>("high");
    for (const bool dark : {false, true})
        for (const bool high : {false, true})
            QTest::addRow("%s%s", dark ? "dark" : "light", high ? ", high contrast" : "") << dark << high;
}

void check(const std::vector<Pair>& pairs, double least) {
    for (const Pair& p : pairs)
        QVERIFY2(contrastRatio(p.ink, p.ground) >= least, qPrintable(QString("%1: %2 on %3 is %4, wanted %5")
                                                                         .arg(p.what, p.ink.name(), p.ground.name())
                                                                         .arg(contrastRatio(p.ink, p.ground), 0, 'f', 2)
                                                                         .arg(least)));
}

QImage phaseImage(Phase phase, const Palette& palette) {
    QImage image(40, 30, QImage::Format_RGB32);
    image.fill(palette.ground);
    QPainter painter(&image);
    fillPhase(painter, QRectF(0, 0, 40, 30), phase, palette);
    return image;
}

}  // namespace

class TestContrast : public QObject {
    Q_OBJECT
  private slots:
    void initTestCase() {
        QStandardPaths::setTestModeEnabled(true);
        QApplication::setApplicationName("spanscope-contrast");
        QApplication::setOrganizationName("spanscope-contrast");
    }

    void ratios() {
        QCOMPARE(contrastRatio(Qt::black, Qt::white), 21.0);
        QCOMPARE(contrastRatio(Qt::white, Qt::white), 1.0);
        QVERIFY(std::abs(contrastRatio(QColor(0x777777), Qt::white) - 4.48) <
                0.01);  // the well-known grey that just fails
    }

    void figures_data() { addThemes(); }
    void figures() {
        QFETCH(const bool, dark);
        QFETCH(const bool, high);
        const Palette& p = Palette::of(dark, high);
        QCOMPARE(p.dark, dark);
        QCOMPARE(p.highContrast, high);
        check({{"ink on ground", p.ink, p.ground},
               {"ink on panel", p.ink, p.panel},
               {"soft ink on ground", p.inkSoft, p.ground},
               {"soft ink on panel", p.inkSoft, p.panel},
               {"ink on scaffold", p.ink, p.scaffold},
               {"ink on in", p.ink, p.in},
               {"ink on out", p.ink, p.out},
               {"accent", p.accent, p.ground},
               {"declared", p.declared, p.ground}},
              high ? 7 : 4.5);
        std::vector<Pair> marks{{"accent on panel", p.accent, p.panel},
                                {"declared on panel", p.declared, p.panel},
                                {"dense", p.dense, p.ground},
                                {"dense on panel", p.dense, p.panel},
                                {"attended beside not read", p.attended, p.notRead},
                                {"attended beside loaded", p.attended, p.loaded},
                                {"dots of loaded", p.loadedDot, p.loaded}};
        for (int k = 0; k < kPhases; ++k) {
            marks.push_back({phaseName(Phase(k)), p.phase(Phase(k)), p.ground});
            marks.push_back({phaseName(Phase(k)), p.phase(Phase(k)), p.panel});
            if (high) marks.push_back({"pattern of a phase", p.ground, p.phase(Phase(k))});
        }
        if (high) {
            marks.push_back({"hatching of not read", p.notReadLine, p.notRead});
            marks.push_back({"grid", p.grid, p.ground});
        }
        check(marks, 3);
    }

    void widgets_data() { addThemes(); }
    void widgets() {
        QFETCH(const bool, dark);
        QFETCH(const bool, high);
        const QPalette p = themePalette(dark, high);
        QCOMPARE(isDark(p), dark);
        QCOMPARE(isHighContrast(p), high);
        QCOMPARE(&Palette::of(p), &Palette::of(dark, high));
        const auto c = [&](QPalette::ColorRole role) { return p.color(role); };
        check({{"window", c(QPalette::WindowText), c(QPalette::Window)},
               {"base", c(QPalette::Text), c(QPalette::Base)},
               {"every other row", c(QPalette::Text), c(QPalette::AlternateBase)},
               {"button", c(QPalette::ButtonText), c(QPalette::Button)},
               {"selected text", c(QPalette::HighlightedText), c(QPalette::Highlight)},
               {"tooltip", c(QPalette::ToolTipText), c(QPalette::ToolTipBase)},
               {"placeholder", c(QPalette::PlaceholderText), c(QPalette::Base)},
               {"link", c(QPalette::Link), c(QPalette::Base)},
               {"quiet text on base", quietText(p), c(QPalette::Base)},
               {"quiet text on window", quietText(p), c(QPalette::Window)},
               {"right", verdictColour(Verdict::Right, p), c(QPalette::Base)},
               {"doubtful", verdictColour(Verdict::Doubtful, p), c(QPalette::Base)},
               {"wrong", verdictColour(Verdict::Wrong, p), c(QPalette::Base)},
               {"wrong on window", verdictColour(Verdict::Wrong, p), c(QPalette::Window)}},
              high ? 7 : 4.5);
        check({{"focus on window", c(QPalette::Highlight), c(QPalette::Window)},
               {"focus on base", c(QPalette::Highlight), c(QPalette::Base)},
               {"handle of a scroll bar", scrollHandle(p), scrollGroove(p)}},
              3);
        if (high)
            check({{"hairlines", hairline(p), c(QPalette::Window)},
                   {"disabled text", p.color(QPalette::Disabled, QPalette::Text), c(QPalette::Base)}},
                  3);
        if (high) check({{"dimmed text", dimmedText(p), c(QPalette::Base)}}, 7);
    }

    /// The handle is what stands out, as it is painted.
    void scrollBars_data() { addThemes(); }
    void scrollBars() {
        QFETCH(const bool, dark);
        QFETCH(const bool, high);
        applyTheme(*qApp, dark, high, 10);
        for (const auto way : {Qt::Vertical, Qt::Horizontal}) {
            QScrollBar bar(way);
            bar.setRange(0, 100);
            bar.setPageStep(50);
            bar.setValue(0);
            bar.resize(way == Qt::Vertical ? QSize(16, 300) : QSize(300, 16));
            const QImage image = bar.grab().toImage();
            const auto at = [&](int along) {
                return QColor(way == Qt::Vertical ? image.pixel(8, along) : image.pixel(along, 8));
            };
            const QColor handle = at(70), groove = at(250);
            QVERIFY2(contrastRatio(handle, groove) >= 3,
                     qPrintable(QString("%1 in %2").arg(handle.name(), groove.name())));
            QVERIFY(contrastRatio(handle, bar.palette().color(QPalette::Base)) >
                    contrastRatio(groove, bar.palette().color(QPalette::Base)));
            bar.setRange(0, 0);  // nothing to scroll: no handle
            QCOMPARE(QColor(bar.grab().toImage().pixel(8, 8)), groove);
        }
    }

    /// All phases in one colour are seven pictures still.
    void phasesDifferByPattern_data() { addThemes(); }
    void phasesDifferByPattern() {
        QFETCH(const bool, dark);
        QFETCH(const bool, high);
        Palette p = Palette::of(dark, high);
        p.phases.fill(p.phase(Phase::Focus));
        for (int a = 0; a < kPhases; ++a)
            for (int b = 0; b < a; ++b) {
                const QImage x = phaseImage(Phase(a), p), y = phaseImage(Phase(b), p);
                int nDifferent = 0;
                for (int i = 0; i < x.width() * x.height(); ++i)
                    nDifferent += x.pixel(i % 40, i / 40) != y.pixel(i % 40, i / 40);
                QVERIFY2(
                    nDifferent >= 20,
                    qPrintable(
                        QString("%1 and %2: %3 pixels").arg(phaseName(Phase(a)), phaseName(Phase(b))).arg(nDifferent)));
            }
    }

    void theDesktopAsksAndAPersonDecides() {
        QSettings().clear();
        MainWindow::Setup setup;
        setup.tasks = {{"expression", "Arithmetic expression", {"1+2"}}};
        {
            MainWindow window(setup);
            QVERIFY(window.action("contrastSystem")->isChecked());
            QVERIFY(!isHighContrast(window.palette()));
            window.setSystemHighContrast(true);
            QVERIFY(isHighContrast(window.palette()));
            QVERIFY(!isDark(window.palette()));
            window.action("themeDark")->trigger();
            QVERIFY(isHighContrast(window.palette()) && isDark(window.palette()));
            window.action("contrastUsual")->trigger();
            QVERIFY(!isHighContrast(window.palette()) && isDark(window.palette()));
            window.setSystemHighContrast(false);
            window.action("contrastHigh")->trigger();
            QVERIFY(isHighContrast(window.palette()));
        }
        MainWindow again(setup);  // remembered
        QVERIFY(again.action("contrastHigh")->isChecked());
        QVERIFY(isHighContrast(again.palette()) && isDark(again.palette()));
        again.action("contrastSystem")->trigger();
        QVERIFY(!isHighContrast(again.palette()));
        setup.systemHighContrast = true;
        MainWindow asked(setup);
        QVERIFY(isHighContrast(asked.palette()));
        QSettings().clear();
    }
};

QTEST_MAIN(TestContrast)
#include "tst_contrast.moc"
