// What a step reads and how long that takes, against counts made another way: pages as sets, bytes written out by hand.
#include <QtTest>

#include <random>
#include <set>

#include "engine/types/step_cost.h"

using namespace spanscope;

namespace {

/// Tokens on pages with a token of the list that the query reads in such a layer.
double byHand(const IntervalList& list, int32_t query, int32_t window, int32_t page) {
    std::set<int32_t> pages;
    for (int32_t k = 0; k <= query; ++k)
        if (mayRead(list, query, k) && inWindow(window, query, k)) pages.insert(k / page);
    int32_t tokens = 0;
    for (const int32_t p : pages) tokens += std::min((p + 1) * page, query + 1) - p * page;
    return tokens;
}

void addStep(RunData& run, const IntervalList& list, int32_t position, int64_t wallNs = 1000) {
    StepRecord s;
    s.index = int32_t(run.steps.size());
    s.position = position;
    s.causal = position + 1;
    s.visible = std::make_shared<const IntervalList>(list);
    s.attended = attendedTokens(list, position);
    s.loaded = loadedTokens(list, position);
    s.wallNs = wallNs;
    run.steps.push_back(std::move(s));
}

RunData emptyRun(const MaskPolicySpec& attention = MaskPolicySpec::declared()) {
    RunData run;
    run.header.settings.attention = attention;
    run.header.kvType = "BF16";
    run.header.weightBytesPerStep = 1'000'000;
    run.stats.kvBytesPerToken = 2000;  // 1,000 values of two bytes
    return run;
}

IntervalList randomList(std::mt19937& random, int32_t below) {
    IntervalList list;
    auto at = static_cast<int32_t>(random() % 9);
    while (at < below) {
        const auto length = static_cast<int32_t>(1 + random() % 40);
        list.push_back({at, at + length});
        at += length + 1 + static_cast<int32_t>(random() % 90);
    }
    return list;
}

const WhatIf kHow{16, 100, 3, 2, 5, 4, SpanScaling::Share, {}, {}};

}  // namespace

class TestStepCost : public QObject {
    Q_OBJECT
  private slots:
    void bytesAndTimesOfAStep() {
        const StepBytes bytes{1000, 8, {}};
        const StepTime t = stepTime(bytes, 100, kHow);
        QCOMPARE(t.weightBytes, 1000.0);  // once for three sequences
        QCOMPARE(t.kvBytes, 9600.0);      // 3 sequences * 100 tokens * 8 values * 4 bytes
        QCOMPARE(t.weightNs, 500.0);      // at 2 bytes a nanosecond
        QCOMPARE(t.kvNs, 4800.0);
        QCOMPARE(t.fixedNs, 5000.0);
        QCOMPARE(t.ns(), 10300.0);
        QCOMPARE(t.tokensPerS(), 3 / 10300e-9);
    }

    /// Llama 2 7B: 32 layers, 32 heads of 128, as BF16 half a MiB a token; the H200's 4.8e12 bytes a second.
    void aKnownModel() {
        StepBytes bytes;
        bytes.weightBytes = 13'214'720'000;
        bytes.kvValuesPerToken = 262'144;
        const WhatIf how{16, 16'384, 8, 4800, 0, 2, SpanScaling::Share, {}, {}};
        const CostComparison c = compareCost(bytes, {}, how, how.context);
        QCOMPARE(c.dense.kvBytes, 68'719'476'736.0);  // 8 * 16,384 * 524,288
        QVERIFY(std::abs(c.dense.ns() - (13'214'720'000 + 68'719'476'736) / 4800.0) < 1);
        QVERIFY(std::abs(c.ceiling() - 6.2002) < 1e-4);  // 81,934,196,736 / 13,214,720,000
        QVERIFY(!c.hasSpans);
        QCOMPARE(c.speedUp(), 1.0);
        QCOMPARE(denseLoad({}, 16'384, 16), 16'384.0);
    }

    void typesOfACache() {
        QCOMPARE(kvValueBytes("F32"), 4);
        QCOMPARE(kvValueBytes("F16"), 2);
        QCOMPARE(kvValueBytes("BF16"), 2);
        QCOMPARE(kvValueBytes("Q8_0"), 0);
        QCOMPARE(kvValueBytes({}), 0);
        RunData run = emptyRun();
        QVERIFY(stepBytesOf(run).known());
        QCOMPARE(stepBytesOf(run).kvValuesPerToken, int64_t{1000});
        run.header.kvType = "F32";
        QCOMPARE(stepBytesOf(run).kvValuesPerToken, int64_t{500});
        run.header.kvType.clear();  // a recording from before it was told
        QVERIFY(!stepBytesOf(run).known());
        run = emptyRun();
        run.header.weightBytesPerStep = 0;
        QVERIFY(!stepBytesOf(run).known());
    }

    /// Pages of any size, layers of any window, against sets of pages.
    void spansInPages() {
        std::mt19937 random(5);
        for (const int32_t page : {1, 3, 16, 64, 500, 4096})
            for (const LayerWindows& windows : {LayerWindows{}, LayerWindows{{0, 1}, {40, 3}, {200, 2}}}) {
                RunData run = emptyRun();
                run.header.layerWindows = windows;
                double causal = 0, whole = 0, in40 = 0, in200 = 0;
                for (int i = 0; i < 30; ++i) {
                    const auto position = static_cast<int32_t>(20 + random() % 700);
                    const IntervalList list = randomList(random, position);
                    addStep(run, list, position);
                    causal += position + 1;
                    whole += byHand(list, position, 0, page);
                    in40 += byHand(list, position, 40, page);
                    in200 += byHand(list, position, 200, page);
                }
                const SpanLoad load = spanLoad(run, page);
                QCOMPARE(load.nSteps, 30);
                QCOMPARE(load.causal, causal / 30);
                QCOMPARE(load.kinds[0].loaded, whole / 30);
                if (windows.empty()) continue;
                QCOMPARE(load.kinds[1].loaded, in40 / 30);
                QCOMPARE(load.kinds[2].loaded, in200 / 30);
            }
        QCOMPARE(spanLoad(emptyRun(), 16).nSteps, 0);
    }

    /// A long run is sampled evenly, whatever it has in a step.
    void aLongRunIsSampled() {
        RunData run = emptyRun();
        const auto list = std::make_shared<const IntervalList>(IntervalList{{0, 32}});
        for (int32_t i = 0; i < 20'000; ++i) {
            StepRecord s;
            s.position = 1000 + i;
            s.visible = list;
            run.steps.push_back(s);
        }
        const SpanLoad load = spanLoad(run, 16);
        QVERIFY(load.nSteps > 2000 && load.nSteps <= 4096);
        QCOMPARE(load.kinds[0].loaded, 32.0);
        QVERIFY(std::abs(load.causal - 11'000.5) < 5);
    }

    void otherContexts() {
        RunData run = emptyRun();
        for (int i = 0; i < 10; ++i) addStep(run, {{0, 40}}, 399);  // 48 of 400 tokens in pages of 16
        const SpanLoad load = spanLoad(run, 16);
        QCOMPARE(scaledLoad(load, 400, SpanScaling::Share), 48.0);
        QCOMPARE(scaledLoad(load, 400, SpanScaling::Tokens), 48.0);
        QCOMPARE(scaledLoad(load, 4000, SpanScaling::Share), 480.0);
        QCOMPARE(scaledLoad(load, 4000, SpanScaling::Tokens), 48.0);
        QCOMPARE(scaledLoad(load, 30, SpanScaling::Tokens), 30.0);  // there is no more
        QCOMPARE(scaledLoad(spanLoad(run, 1), 400, SpanScaling::Share), 40.0);
        QCOMPARE(scaledLoad(spanLoad(run, 64), 400, SpanScaling::Share), 64.0);
        QCOMPARE(scaledLoad(spanLoad(run, 4096), 400, SpanScaling::Share), 400.0);
        // A layer that reads the newest 64 tokens never reads more than that, by share or not: (48 + 0) / 2, as the
        // list ends before the window.
        run.header.layerWindows = {{0, 1}, {64, 1}};
        QCOMPARE(scaledLoad(spanLoad(run, 16), 400, SpanScaling::Share), 24.0);
        RunData all = emptyRun();
        all.header.layerWindows = {{0, 1}, {64, 1}};
        for (int i = 0; i < 4; ++i) addStep(all, {{0, kOpenEnd}}, 399);
        QCOMPARE(scaledLoad(spanLoad(all, 16), 4000, SpanScaling::Share), (4000 + 64) / 2.0);
        QCOMPARE(denseLoad(all.header.layerWindows, 4000, 16), (4000 + 64) / 2.0);
        QCOMPARE(denseLoad(all.header.layerWindows, 4001, 16), (4001 + 65) / 2.0);  // 3,937 .. 4,000 from page 246 on
    }

    /// More to read takes longer, a faster memory less; spans are between dense and nothing; no gain beats the ceiling.
    void orderOfThings() {
        std::mt19937 random(9);
        for (int round = 0; round < 300; ++round) {
            RunData run = emptyRun();
            if (round % 3 == 0) run.header.layerWindows = {{0, 2}, {50, 3}};
            for (int i = 0; i < 12; ++i) {
                const auto position = static_cast<int32_t>(20 + random() % 600);
                addStep(run, randomList(random, position), position);
            }
            const StepBytes bytes = stepBytesOf(run);
            WhatIf how{16,
                       int32_t(1 + random() % 5000),
                       int32_t(1 + random() % 20),
                       1.0 + random() % 100,
                       double(random() % 50),
                       random() % 2 ? 2 : 4,
                       random() % 2 ? SpanScaling::Share : SpanScaling::Tokens,
                       {},
                       {}};
            const auto at = [&](const WhatIf& h) {
                return compareCost(bytes, spanLoad(run, h.pageTokens), h, h.context);
            };
            const CostComparison c = at(how);
            QVERIFY(c.nothing.ns() <= c.spans.ns() && c.spans.ns() <= c.dense.ns() * (1 + 1e-12));
            QVERIFY(c.speedUp() <= c.ceiling() * (1 + 1e-12));
            WhatIf more = how;
            more.context += 1000;
            QVERIFY(at(more).dense.ns() > c.dense.ns() && at(more).spans.ns() >= c.spans.ns());
            QVERIFY(at(more).ceiling() > c.ceiling());
            more = how;
            more.batch *= 2;
            QCOMPARE(at(more).dense.kvBytes, 2 * c.dense.kvBytes);
            QCOMPARE(at(more).dense.weightBytes, c.dense.weightBytes);
            QVERIFY(at(more).ceiling() > c.ceiling());
            more = how;
            more.gbPerS *= 2;
            QVERIFY(at(more).dense.ns() < c.dense.ns());
            more = how;
            more.fixedUs += 100;
            QVERIFY(at(more).ceiling() < c.ceiling());
            double before = 0;
            for (const int32_t page : {1, 2, 4, 8, 16, 32, 64, 128}) {  // each holds whole ones of the page before
                const double loaded = spanLoad(run, page).kinds[0].loaded;
                QVERIFY(loaded >= before);
                before = loaded;
            }
        }
    }

    void measuredStretches() {
        RunData run = emptyRun();
        for (int32_t i = 0; i < 80; ++i) addStep(run, {{0, kOpenEnd}}, 99 + i, i == 3 ? 900'000 : 1000 + i);
        const auto steps = measuredSteps(run, 48);
        QCOMPARE(steps.size(), size_t{10});
        int32_t n = 0;
        for (const MeasuredStep& s : steps) n += s.nSteps;
        QCOMPARE(n, 80);
        QCOMPARE(steps[1].context, 111.5);  // steps 8 .. 15 have 108 .. 115 tokens
        QCOMPARE(steps[1].loaded, 111.5);
        QCOMPARE(steps[1].ns, 1012.0);
        QVERIFY(steps[0].ns < 1010);  // one slow step moves no median
        QCOMPARE(measuredSteps(run, 3).size(), size_t{3});
        run.stats.draft.passes = 1;
        QVERIFY(measuredSteps(run, 48).empty());
        QVERIFY(measuredSteps(emptyRun(), 48).empty());
    }

    /// Step times made from a rate and a fixed part give both back; noise gives one rate.
    void rateOfARun() {
        RunData dense = emptyRun(MaskPolicySpec::dense());
        std::mt19937 random(4);
        for (int32_t i = 0; i < 200; ++i) {  // 20 bytes a ns, 30,000 ns beside
            const int32_t position = 200 + 4 * i;
            const double ns = 30'000 + (1'000'000 + 2000.0 * (position + 1)) / 20 + double(random() % 100);
            addStep(dense, {{0, kOpenEnd}}, position, int64_t(ns));
        }
        RunRate rate = runCost(&dense, nullptr).rate;
        QVERIFY(rate.fitted);
        QCOMPARE(rate.nSteps, 200);
        QVERIFY2(std::abs(rate.gbPerS - 20) < 0.05, rate.text().c_str());
        QVERIFY2(std::abs(rate.fixedUs - 30.05) < 0.3, rate.text().c_str());
        QVERIFY(rate.text().find("200 steps") != std::string::npos);

        // A busy neighbour takes every tenth step three times as long: the medians hardly move.
        RunData disturbed = dense;
        for (size_t i = 0; i < disturbed.steps.size(); i += 10) disturbed.steps[i].wallNs *= 3;
        rate = runCost(&disturbed, nullptr).rate;
        QVERIFY(rate.fitted);
        QVERIFY2(std::abs(rate.gbPerS - 20) < 1, rate.text().c_str());

        RunData declared = emptyRun();
        for (int32_t i = 0; i < 50; ++i) addStep(declared, {{0, 16}}, 300 + i, 90'000);
        rate = runCost(&declared, nullptr).rate;  // loads that do not differ: no line
        QVERIFY(!rate.fitted);
        QCOMPARE(rate.gbPerS, (1'000'000 + 16 * 2000) / 90'000.0);
        QCOMPARE(rate.fixedUs, 0.0);

        // A run with spans and its dense twin speak together.
        for (StepRecord& s : declared.steps) s.wallNs = 30'000 + (1'000'000 + 16 * 2000) / 20;
        rate = runCost(&declared, &dense).rate;
        QCOMPARE(rate.nSteps, 250);
        QVERIFY(rate.fitted && std::abs(rate.gbPerS - 20) < 0.1);

        // Keys and values slower by the byte than weights could be: no fixed part below zero.
        RunData slow = emptyRun(MaskPolicySpec::dense());
        for (int32_t i = 0; i < 100; ++i) addStep(slow, {{0, kOpenEnd}}, 1000 + i, 20'000 + 1000 * (1001 + i));
        rate = runCost(&slow, nullptr).rate;
        QVERIFY(!rate.fitted && rate.gbPerS > 0 && rate.fixedUs == 0);

        RunData noisy = emptyRun(MaskPolicySpec::dense());
        for (int32_t i = 0; i < 100; ++i)
            addStep(noisy, {{0, kOpenEnd}}, 1000 + i, 100'000 + int64_t(random() % 100'000));
        QVERIFY(!runCost(&noisy, nullptr).rate.fitted);
        noisy.stats.draft.passes = 3;  // lossless: steps share passes
        QCOMPARE(runCost(&noisy, nullptr).rate.nSteps, 0);
        noisy = emptyRun();
        noisy.header.weightBytesPerStep = 0;
        QCOMPARE(runCost(&noisy, nullptr).rate.nSteps, 0);
    }

    void whatIsNotGivenIsTheRuns() {
        RunData run = emptyRun();
        for (int32_t i = 0; i < 50; ++i) addStep(run, {{0, 16}}, 300 + i, 90'000);
        const RunCost cost = runCost(&run, nullptr);
        QVERIFY(cost.known() && !cost.isDense);
        WhatIf how = cost.resolved({});
        QCOMPARE(how.pageTokens, kPageTokens);
        QCOMPARE(how.context, 350);
        QCOMPARE(how.batch, 1);
        QCOMPARE(how.gbPerS, cost.rate.gbPerS);
        QCOMPARE(how.valueBytes, 2);
        WhatIf asked;
        asked.gbPerS = 4800;
        asked.pageTokens = 1 << 30;
        asked.context = 99;
        how = cost.resolved(asked);
        QCOMPARE(how.gbPerS, 4800.0);
        QCOMPARE(how.fixedUs, 0.0);
        QCOMPARE(how.pageTokens, kMostPageTokens);
        QCOMPARE(how.context, 99);
        asked.gbPerS = std::numeric_limits<double>::quiet_NaN();
        QCOMPARE(cost.resolved(asked).gbPerS, cost.rate.gbPerS);

        // Of a model alone, and of a run that does not tell beside its model.
        const StepBytes model{77, 5, {}};
        QVERIFY(!runCost(nullptr, nullptr).known());
        QCOMPARE(runCost(nullptr, nullptr, model, "F32").resolved({}).valueBytes, 4);
        run.header.weightBytesPerStep = 0;
        QVERIFY(!runCost(&run, nullptr).known());
        QCOMPARE(runCost(&run, nullptr, model, "F32").bytes.weightBytes, int64_t{77});
        for (const MemoryRate& rate : memoryRates())
            QVERIFY(rate.gbPerS >= kLeastGBPerS && rate.gbPerS <= kMostGBPerS && *rate.source);
    }

    void theSentence() {
        RunData run = emptyRun();
        for (int i = 0; i < 10; ++i) addStep(run, {{0, 16}}, 63);  // a quarter of 64 tokens
        const SpanLoad spans = spanLoad(run, 16);
        // 870 of weights, 64 tokens of 130 / 64 bytes: 130 of keys and values.
        WhatIf how{16, 64, 1, 1, 0, 2, SpanScaling::Share, {}, {}};
        const StepBytes bytes{55'680, 65, {}};  // keys and values: 64 * 65 * 2 = 8,320 of 64,000
        QCOMPARE(
            compareCost(bytes, spans, how, 64).sentence(),
            std::string("Weights are 87.0% of what a dense step reads here, so even reading nothing of the context "
                        "gives at most 1.15×; these spans load 25.0% of it and give 1.11×."));
        QCOMPARE(
            compareCost(bytes, {}, how, 64).sentence(),
            std::string("Weights are 87.0% of what a dense step reads here, so even reading nothing of the context "
                        "gives at most 1.15×."));
        how.fixedUs = 64;  // as long as all that is read
        QCOMPARE(
            compareCost(bytes, spans, how, 64).sentence(),
            std::string("Weights and the fixed part are 93.5% of a dense step's time here, so even reading nothing "
                        "of the context gives at most 1.07×; these spans load 25.0% of it and give 1.05×."));
        how.fixedUs = 0;
        how.batch = 100;  // 832,000 of 887,680
        QCOMPARE(
            compareCost(bytes, spans, how, 64).sentence(),
            std::string("Keys and values are 93.7% of what a dense step reads here, so there is something to save: "
                        "reading nothing of the context would give 15.9×; these spans load 25.0% of it and give "
                        "3.37×."));
    }

    void theTable() {
        RunData run = emptyRun(), dense = emptyRun(MaskPolicySpec::dense());
        for (int32_t i = 0; i < 80; ++i) {
            addStep(run, {{0, 16}}, 300 + i, 90'000);
            addStep(dense, {{0, kOpenEnd}}, 300 + i, 150'000);
        }
        const RunCost cost = runCost(&run, &dense);
        const WhatIf how = cost.resolved({});
        const QStringList lines =
            QString::fromStdString(costCsv(cost, spanLoad(run, how.pageTokens), how)).split('\n', Qt::SkipEmptyParts);
        const qsizetype columns = lines[0].count(',');
        int nMeasured = 0;
        bool asked = false;
        for (const QString& line : lines) {
            QCOMPARE(line.count(','), columns);
            nMeasured += line.startsWith("measured,");
            asked = asked || line.startsWith(QString("predicted,spans,%1,").arg(how.context));
        }
        QCOMPARE(nMeasured, int(cost.spans.size() + cost.dense.size()));
        QCOMPARE(nMeasured, 20);
        QVERIFY(asked);
        QVERIFY(lines.contains("measured,spans,304.5,16.00,,,,,,0.090000,11111.111"));
        const std::vector<int32_t> contexts = curveContexts(5);
        QCOMPARE(contexts, (std::vector<int32_t>{1, 2, 3, 4, 5}));
        QCOMPARE(curveContexts(100'000).size(), size_t{64});
        QCOMPARE(curveContexts(100'000).back(), 100'000);
    }
};

QTEST_APPLESS_MAIN(TestStepCost)
#include "tst_step_cost.moc"
