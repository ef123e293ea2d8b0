// The panel What if: what is moved changes what is predicted, what is not is the run's; measured marks; another run.
#include <QtTest>

#include <QClipboard>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QPushButton>
#include <QSlider>

#include "tests/ui/sample_run.h"
#include "ui/model/format.h"
#include "ui/views/whatif/whatif_table.h"
#include "ui/views/whatif/whatif_view.h"

using namespace spanscope;

class TestWhatIfView : public QObject {
    Q_OBJECT
    const RunData m_run = sample::sheet(20), m_dense = sample::sheet(20, MaskPolicySpec::dense());

    template <class Widget>
    static Widget* named(WhatIfView& view, const QString& name) {
        for (Widget* w : view.findChildren<Widget*>())
            if (w->accessibleName() == name) return w;
        return nullptr;
    }
    static QString said(WhatIfView& view, const char* label) { return view.findChild<QLabel*>(label)->text(); }

    struct Shown {
        RunStore store, beside;
        WhatIfView view{&store, &beside, nullptr};
        Shown() {
            view.resize(700, 700);
            view.show();
        }
    };

  private slots:
    /// Made up with 300 ns for a KV token of 1,024 bytes, 440 us beside, over 1,024,000 bytes of weights.
    void theRunAsItWas() {
        Shown s;
        QVERIFY(said(s.view, "whatIfEmpty").contains("Open a model"));
        s.store.load(m_run);
        s.beside.load(m_dense);
        QVERIFY(s.view.cost().known());
        const WhatIf& how = s.view.conditions();
        QCOMPARE(how.pageTokens, kPageTokens);
        QCOMPARE(how.batch, 1);
        QCOMPARE(how.valueBytes, 4);
        QCOMPARE(how.context, std::max(m_run.steps.back().causal, m_dense.steps.back().causal));
        QVERIFY(s.view.cost().rate.fitted);
        QVERIFY2(std::abs(how.gbPerS / (1024 / 300.0) - 1) < 0.1, qPrintable(QString::number(how.gbPerS)));
        // What is predicted for the run's own lists is what the run took.
        const CostComparison c = s.view.compared();
        const MeasuredStep& last = s.view.cost().dense.back();
        QVERIFY2(std::abs(c.dense.ns() / last.ns - 1) < 0.1, qPrintable(s.view.summary()));
        QCOMPARE(said(s.view, "whatIfSentence"), QString::fromStdString(c.sentence()));
        QVERIFY(said(s.view, "whatIfTimes").contains(formatFactor(c.speedUp())));
        QVERIFY(said(s.view, "whatIfTimes").contains("Measured in this run: dense "));
        QCOMPARE(s.view.nMarks(), int(s.view.cost().dense.size() + s.view.cost().spans.size()));
        QVERIFY(s.view.nMarks() >= 20);
    }

    /// Each control changes what is predicted, and nothing else what was measured.
    void movingAControl() {
        Shown s;
        s.store.load(m_run);
        s.beside.load(m_dense);
        const int nMarks = s.view.nMarks();
        const CostComparison before = s.view.compared();
        const auto moved = [&](const char* name, double to) {
            s.view.asTheRunWas();
            auto* spin = named<QDoubleSpinBox>(s.view, name);
            const QString text = said(s.view, "whatIfTimes");
            spin->setValue(to);
            QString why;
            if (said(s.view, "whatIfTimes") == text) why = QString("%1 changes nothing").arg(name);
            return std::pair{s.view.compared(), why};
        };
        auto [c, why] = moved("Context", 100'000);
        QVERIFY2(why.isEmpty(), qPrintable(why));
        QCOMPARE(c.dense.loadedTokens, 100'000.0);
        QVERIFY(c.ceiling() > before.ceiling());
        std::tie(c, why) = moved("Batch", 8);
        QVERIFY2(why.isEmpty(), qPrintable(why));
        QCOMPARE(c.dense.kvBytes, 8 * before.dense.kvBytes);
        QCOMPARE(c.dense.weightBytes, before.dense.weightBytes);
        std::tie(c, why) = moved("Page", 128);
        QVERIFY2(why.isEmpty(), qPrintable(why));
        QVERIFY(c.spans.loadedTokens > before.spans.loadedTokens);
        QCOMPARE(c.dense.loadedTokens, before.dense.loadedTokens);
        std::tie(c, why) = moved("Memory, GB/s", 100);
        QVERIFY2(why.isEmpty(), qPrintable(why));
        QCOMPARE(c.dense.kvNs, before.dense.kvBytes / 100);
        QCOMPARE(c.dense.fixedNs, before.dense.fixedNs);  // it is not what was moved
        std::tie(c, why) = moved("Fixed part", 5000);
        QVERIFY2(why.isEmpty(), qPrintable(why));
        QCOMPARE(c.dense.fixedNs, 5e6);
        QCOMPARE(s.view.nMarks(), nMarks);

        s.view.asTheRunWas();
        auto* type = named<QComboBox>(s.view, "KV cache");
        type->setFocus();
        QTest::keyClick(type, Qt::Key_Up);  // 16 bits
        QCOMPARE(s.view.compared().dense.kvBytes, before.dense.kvBytes / 2);
        s.view.asTheRunWas();
        QCOMPARE(s.view.compared().dense.ns(), before.dense.ns());

        // By keyboard on the slider: a page twice as large a step.
        auto* slider = named<QSlider>(s.view, "Page");
        QTest::keyClick(slider, Qt::Key_Right);
        QCOMPARE(s.view.conditions().pageTokens, 2 * kPageTokens);
        QCOMPARE(named<QDoubleSpinBox>(s.view, "Page")->value(), 2.0 * kPageTokens);

        // Exports are given what was moved, and nothing else.
        const WhatIf asked = s.view.asked();
        QCOMPARE(asked.pageTokens, 2 * kPageTokens);
        QCOMPARE(asked.context, 0);
        QVERIFY(asked.gbPerS <= 0 && asked.fixedUs < 0);
    }

    void otherMemory() {
        Shown s;
        s.store.load(m_run);
        auto* memory = named<QComboBox>(s.view, "Rate of");
        QCOMPARE(memory->currentIndex(), 0);
        memory->setFocus();
        QTest::keyClick(memory, Qt::Key_End);
        QCOMPARE(s.view.conditions().gbPerS, memoryRates().back().gbPerS);
        QCOMPARE(s.view.conditions().fixedUs, 0.0);  // of another machine
        QVERIFY(said(s.view, "whatIfNote").contains(memoryRates().back().source));
        QSignalSpy wanted(&s.view, &WhatIfView::measureRequested);
        QPushButton* measure = nullptr;
        for (QPushButton* b : s.view.findChildren<QPushButton*>())
            if (b->text() == "Measure") measure = b;
        QTest::keyClick(measure, Qt::Key_Space);
        QCOMPARE(wanted.size(), 1);
        QVERIFY(!measure->isEnabled());
        s.view.onReadRate(37.26);
        QVERIFY(measure->isEnabled());
        QCOMPARE(s.view.conditions().gbPerS, 37.3);
        QVERIFY(memory->currentText().contains("37.3"));
        s.view.onReadRate(0);  // no memory to measure with: what was shown stays
        QCOMPARE(s.view.conditions().gbPerS, 37.3);
        named<QDoubleSpinBox>(s.view, "Memory, GB/s")->setValue(12);
        QVERIFY(memory->currentText().contains("own"));
    }

    /// A recording from before weights were told speaks through its model, and through no other.
    void anOldRecording() {
        RunData old = m_run;
        old.header.weightBytesPerStep = 0;
        old.header.modelHash = "abc";
        Shown s;
        s.store.load(old);
        QVERIFY(!s.view.cost().known());
        QVERIFY(said(s.view, "whatIfEmpty").contains("Open the model"));
        ModelInfo model;
        model.path = "/m";
        model.hash = "other";
        model.kvType = "F32";
        model.stepBytes = {1'024'000, 256, {}};
        s.view.setModel(model);
        QVERIFY(!s.view.cost().known());
        model.hash = "abc";
        s.view.setModel(model);
        QVERIFY(s.view.cost().known());
        QCOMPARE(s.view.compared().dense.weightBytes, 1'024'000.0);
        QCOMPARE(s.view.asked().bytes.weightBytes, int64_t{1'024'000});
        s.store.clear();  // the model alone: dense, nothing measured
        QVERIFY(s.view.cost().known() && !s.view.compared().hasSpans);
        QCOMPARE(s.view.nMarks(), 0);
    }

    void anotherRun() {
        Shown s;
        s.store.load(m_run);
        named<QDoubleSpinBox>(s.view, "Batch")->setValue(4);
        const RunData longer = sample::sheet(60);
        s.store.load(longer);
        QCOMPARE(s.view.conditions().batch, 4);  // moved: it stays
        QCOMPARE(s.view.conditions().context, longer.steps.back().causal);
        s.view.hide();
        s.store.load(m_run);
        QCOMPARE(s.view.conditions().context, longer.steps.back().causal);  // out of sight nothing is computed
        s.view.show();
        QCOMPARE(s.view.conditions().context, m_run.steps.back().causal);
    }

    void tableAndCsv() {
        Shown s;
        s.store.load(m_run);
        s.beside.load(m_dense);
        const auto rows = costRows(s.view.cost(), spanLoad(m_run, kPageTokens), s.view.conditions());
        WhatIfTable table(rows);
        QCOMPARE(table.rowCount(), int(rows.size()));
        int nMeasured = 0;
        for (int r = 0; r < table.rowCount(); ++r)
            nMeasured += table.index(r, WhatIfTable::Kind).data().toString() == "measured";
        QCOMPARE(nMeasured, s.view.nMarks());
        s.view.copyCsv();
        QCOMPARE(QGuiApplication::clipboard()->text().count('\n'), qsizetype(rows.size()) + 1);
    }
};

QTEST_MAIN(TestWhatIfView)
#include "tst_whatif_view.moc"
