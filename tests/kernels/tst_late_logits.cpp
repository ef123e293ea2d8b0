// Backend::lateLogits(): logits that were not asked for with the step and are needed after all.
#include <QtTest>
#include <algorithm>

#include "played_backend.h"

using namespace spanscope;
using namespace spanscope::test;

class TestLateLogits : public QObject {
    Q_OBJECT

  private slots:
    void rowsOfTheLastStep_data() {
        QTest::addColumn<bool>("reference");
        QTest::newRow("cpu") << false;
        QTest::newRow("reference") << true;
    }
    /// Rows of the last step have the bits of rows that were asked for with it, and are gone after anything else.
    void rowsOfTheLastStep() {
        QFETCH(bool, reference);
        RandomModel m({.headDim = 16, .hidden = 64, .ffn = 96, .vocab = 101});
        auto backend = make(m, {.nThreads = 2, .maxBatch = 3, .kvTokens = 512}, reference);
        const Interval all{0, kOpenEnd};
        std::vector<DecodeItem> items;
        Prompt p;
        for (int32_t i = 0; i < 3; ++i) {
            p = {};
            p.add(4 + i, kEverything);
            p.finish(m);
            const SequenceId id = *backend->createSequence(40);
            QVERIFY(backend->prefill(id, p.tokens, p.runs, {}).ok());
            items.push_back({id, m.tokens(1)[0], 4 + i, {&all, 1}, 0});
        }
        const auto vocab = size_t(m.weights.shape.vocab);
        std::vector<float> with(3 * vocab), row(vocab);
        std::vector<int32_t> best(3);
        QVERIFY(!backend->lateLogits(0, row).ok());  // no step yet
        QVERIFY(backend->decode(items, {best, {}, with}).ok());
        QVERIFY(!backend->lateLogits(0, row).ok());  // they were asked for
        for (const DecodeItem& item : items) backend->truncate(item.sequence, item.position);
        QVERIFY(backend->decode(items, {best, {}, {}}).ok());
        for (const size_t i : {2, 0, 1}) {
            QVERIFY(backend->lateLogits(i, row).ok());
            QVERIFY(std::equal(row.begin(), row.end(), with.begin() + std::ptrdiff_t(i * vocab)));
        }
        const Status beyond = backend->lateLogits(3, row);
        QVERIFY(!beyond.ok());
        QCOMPARE(beyond.error().expected, std::string("less than 3"));
        QVERIFY(!backend->lateLogits(0, std::span(row).first(vocab - 1)).ok());
        const SequenceId other = *backend->createSequence(40);
        QVERIFY(backend->prefill(other, p.tokens, p.runs, {}).ok());
        QVERIFY(!backend->lateLogits(0, row).ok());
    }
};

QTEST_GUILESS_MAIN(TestLateLogits)
#include "tst_late_logits.moc"
