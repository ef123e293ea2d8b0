// A declared run beside one under another policy, as a person chooses it: both masks, shares of heads, the distance
// from dense measured afterwards, what is exported, and stopping any of it.
#include <QAction>
#include <QComboBox>
#include <QDockWidget>
#include <QSpinBox>
#include <QTableWidget>

#include "engine/trace/trace.h"
#include "tests/app/window_test.h"
#include "ui/export/export_dialog.h"
#include "ui/views/mask/distance_view.h"
#include "ui/views/mask/mask_compare.h"
#include "ui/views/mask/mask_view.h"
#include "ui/window/run_files.h"
#include "ui/window/run_session.h"

using namespace spanscope;
using namespace spanscope::test;

class TestWindowPolicies : public WindowTest {
    Q_OBJECT
    using Compare = RunController::Compare;
    const QString m_arith = SPANSCOPE_SOURCE_DIR "/resources/models/arith";

    QComboBox* policy() const { return m_window->findChild<QComboBox*>("otherPolicy"); }
    QSpinBox* share() const { return m_window->findChild<QSpinBox*>("otherShare"); }
    MaskCompareView* view() const { return m_window->findChild<MaskCompareView*>("maskCompare"); }
    void choose(const QString& name, int percent) {
        m_window->action("attentionPolicy")->trigger();
        QTRY_VERIFY(policy()->isVisible());
        policy()->setCurrentIndex(policy()->findData(name));
        QTRY_COMPARE(share()->isVisible(), name != "dense");
        share()->setValue(percent);
    }
    void waitUntilMeasured() {
        QTRY_VERIFY_WITH_TIMEOUT(
            !m_window->distances()->isMeasuring() && view()->distance()->first() && view()->distance()->second(),
            patience(60000));
    }
    QString figure(const QString& name, int column) const {
        const auto* table = view()->findChild<QTableWidget*>("compareTable");
        for (int row = 0; row < table->rowCount(); ++row)
            if (table->item(row, 0)->text() == name) return table->item(row, column)->text();
        return "no such figure";
    }

  private slots:
    void initTestCase() { prepare("tst_window_policies"); }
    void init() { open(); }
    void cleanup() { close(); }

    /// The names are those of the command line; what a newcomer sees is as it was.
    void choicesAreThoseOfTheCommandLine() {
        load(m_arith);
        QCOMPARE(m_window->runs()->compare(), Compare::Declared);
        QVERIFY(!policy()->isVisible() && !share()->isVisible());
        m_window->action("attentionPolicy")->trigger();
        QCOMPARE(m_window->runs()->compare(), Compare::Policy);
        QStringList names;
        for (int i = 0; i < policy()->count(); ++i) names << policy()->itemText(i);
        QCOMPARE(names, QStringList({"dense", "streaming", "streaming-reassigned", "quest", "triforce", "snapkv",
                                     "vegas", "oracle", "random"}));
        choose("quest", 0);
        QCOMPARE(m_window->runs()->other(), (MaskPolicySpec{"quest", 0, false}));
        QCOMPARE(share()->text(), QString("as declared"));
        share()->setValue(40);
        QCOMPARE(m_window->runs()->other(), (MaskPolicySpec{"quest", 40, true}));
        choose("snapkv", 40);
        QCOMPARE(share()->minimum(), 1);  // of the prompt, once: there is no declared span to follow
        choose("quest", 0);
        policy()->setCurrentIndex(policy()->findData("snapkv"));
        QCOMPARE(m_window->runs()->other(), (MaskPolicySpec{"snapkv", RunController::kUsualShare, true}));
        choose("dense", 0);
        QCOMPARE(m_window->runs()->other(), MaskPolicySpec::dense());
        m_window->action("attentionDeclared")->trigger();
        QTRY_VERIFY(!policy()->isVisible());
    }

    void bothMasksAndHowFarTheyAreFromDense() {
        load(m_arith);
        choose("quest", 25);
        type("(12+7)*(3-8)");
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->besideStore()->nSteps() > 0, patience(30000));  // both live
        QVERIFY(view()->isVisible());  // the panel came to the front
        QVERIFY(!view()->distance()->first());
        waitUntilIdle();
        waitUntilMeasured();
        const RunData &declared = m_window->store()->data(), &quest = m_window->besideStore()->data();
        QCOMPARE(declared.header.settings.attention, MaskPolicySpec::declared());
        QCOMPARE(quest.header.settings.attention, (MaskPolicySpec{"quest", 25, true}));
        QCOMPARE(declared.header.formattedPrompt, quest.header.formattedPrompt);
        QCOMPARE(QString::fromStdString(declared.answer), QString("-95"));
        QCOMPARE(figure("answer", 1), QString("-95 ✓"));
        QVERIFY(!declared.steps[3].heads && quest.steps[3].heads);
        const DivergenceCurve a = *view()->distance()->first(), b = *view()->distance()->second();
        QCOMPARE(a.massKept.size(), declared.steps.size());
        QCOMPARE(b.massKept.size(), quest.steps.size());
        for (const float mass : b.massKept) QVERIFY(mass > 0 && mass <= 1);
        double least = 1;
        for (const float mass : a.massKept) least = std::min(least, double(mass));
        QVERIFY2(least < 0.9, qPrintable(QString::number(least)));  // a local phase leaves most of it out
        QVERIFY(figure("dense mass kept", 1).endsWith('%') && figure("dense mass kept", 2).endsWith('%'));
        QVERIFY(figure("KL to dense, nats", 2) != QString("–"));
        QVERIFY(figure("decode", 2).startsWith('('));  // no measure of a policy whose heads choose
        QVERIFY(!figure("decode", 1).startsWith('('));
        // One mask at a time, by its key, under its name.
        QCOMPARE(view()->findChild<QLabel*>("compareNameFirst")->text(), QString("declared"));
        const QLabel* second = view()->findChild<QLabel*>("compareNameSecond");
        QVERIFY(second->text().startsWith("quest=25%"));
        view()->firstView()->setFocus();
        QTest::keyClick(view()->firstView(), Qt::Key_X);
        QVERIFY(view()->firstView()->isVisible() && !view()->secondView()->isVisible());
        QTest::keyClick(view()->firstView(), Qt::Key_X);
        QVERIFY(!view()->firstView()->isVisible() && view()->secondView()->isVisible() && second->isVisible());
        view()->showNext();
        QVERIFY(view()->firstView()->isVisible() && view()->secondView()->isVisible());
        // Kept as a pair, and one when it is saved and opened.
        QCOMPARE(m_window->history()->at(0).dense->header.settings.attention.text(), std::string("quest=25%"));
        const std::string path = m_tiny.file("pair.spantrace");
        QVERIFY(writeTrace(path, {&declared, &quest}).ok());
        const int rows = m_window->history()->rowCount();
        m_window->openPath(QString::fromStdString(path));
        QTRY_COMPARE_WITH_TIMEOUT(m_window->history()->rowCount(), rows + 1, patience(20000));
        QTRY_VERIFY(m_window->besideStore()->isFinished());
        QVERIFY(m_window->besideStore()->data().steps[3].heads);
        QVERIFY(!view()->distance()->second());  // of this recording nothing was measured yet
        emit view()->distance()->measureRequested();
        waitUntilMeasured();
        QCOMPARE(view()->distance()->second()->topRestricted, b.topRestricted);
    }

    void exportsOfTheRunBeside() {
        load(m_arith);
        choose("oracle", 30);
        type("12+7-5");
        clickRun();
        waitUntilIdle();
        waitUntilMeasured();
        ExportDialog* dialog = nullptr;
        m_window->action("exportData")->trigger();
        dialog = m_window->findChild<ExportDialog*>("exportDialog");
        QVERIFY(dialog);
        const auto write = [&](const QString& ending, bool beside) {
            dialog->chooseBeside(beside);
            dialog->chooseData(ending);
            const QString path = QString::fromStdString(m_tiny.file("export." + ending.toStdString()));
            return dialog->exportTo(path) ? QString::fromStdString(readFile(path.toStdString())) : QString();
        };
        const QString own = write("csv", false), beside = write("csv", true);
        const RunData& oracle = m_window->besideStore()->data();
        // It goes astray, and is ended for it.
        QCOMPARE(oracle.stats.stop, StopReason::TokenLimit);
        QCOMPARE(oracle.steps.size(), 2 * m_window->store()->data().steps.size() + 64);
        size_t nParts = 0;
        for (const StepRecord& step : oracle.steps) nParts += step.heads->parts.size();
        QCOMPARE(size_t(beside.count('\n')), nParts + 1);
        const QStringList lines = own.split("\r\n");
        QVERIFY(lines[0].endsWith(",heads_share"));
        QVERIFY(lines[1].endsWith(",1"));
        bool some = false;
        for (const QString& line : beside.split("\r\n"))
            if (const double s = line.section(',', -1).toDouble(); s > 0 && s < 1) some = true;
        QVERIFY(some);
        const QStringList far = write("divergence.csv", true).split("\r\n");
        QVERIFY(far[0].endsWith(",mass_kept"));
        QCOMPARE(far.size(), qsizetype(oracle.steps.size()) + 2);
        QCOMPARE(far[1].section(',', -1).toFloat(), view()->distance()->second()->massKept[0]);
        // The picture of its mask has the shares' legend, so it is not that of the first.
        const auto picture = [&](bool second) {
            dialog->chooseBeside(second);
            dialog->choose(FigureKind::Mask);
            const QString path = QString::fromStdString(m_tiny.file("mask.png"));
            return dialog->exportTo(path) ? QImage(path) : QImage();
        };
        const QImage first = picture(false), second = picture(true);
        QVERIFY(!first.isNull() && !second.isNull() && first != second);
        QVERIFY(dialog->suggestedName().contains("oracle-30"));
        dialog->close();
    }

    void stoppingTheRunsMeasuresNothing() {
        load(tiny());
        choose("oracle", 50);
        type("1+2-3+4-5+6-7+8-9");
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->besideStore()->nSteps() > 3, patience(30000));
        m_window->action("stop")->trigger();
        waitUntilIdle();
        QCOMPARE(m_window->besideStore()->data().stats.stop, StopReason::Cancelled);
        QVERIFY(!m_window->distances()->isMeasuring());
        QVERIFY(!view()->distance()->first());
    }

    /// Cancel, or another run, ends a measurement; the window never waits for it.
    void measuringGivesWay() {
        load(tiny());
        choose("oracle", 0);
        m_window->runs()->setMaxTokens(400);
        type("1+2-3+4-5+6-7+8-9");
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->distances()->isMeasuring(), patience(60000));
        QCOMPARE(m_window->state(), MainWindow::State::Ready);  // anything may be done
        auto* button = view()->findChild<QToolButton*>("distanceButton");
        QCOMPARE(button->text(), QString("Cancel"));
        view()->findChild<QTabWidget*>("compareBelow")->setCurrentIndex(1);
        QTest::mouseClick(button, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->distances()->isMeasuring(), patience(20000));
        QVERIFY(!view()->distance()->second());
        QCOMPARE(m_window->distances()->problem(), QString());
        QVERIFY(button->isVisible());
        QTest::mouseClick(button, Qt::LeftButton);  // Measure
        QVERIFY(m_window->distances()->isMeasuring());
        m_window->action("attentionDeclared")->trigger();
        m_window->runs()->setMaxTokens(5);
        clickRun();
        waitUntilIdle();
        QCOMPARE(m_window->store()->nSteps(), 5);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->distances()->isMeasuring(), patience(20000));
        QVERIFY(!m_window->banner()->isVisible());
    }
};

QTEST_MAIN(TestWindowPolicies)
#include "tst_window_policies.moc"
