// Sequences matched against the textbook table of longest common subsequences, and runs aligned line by line.
#include <QtTest>
#include <random>

#include "engine/types/run_alignment.h"
#include "engine/types/sequence_match.h"

using namespace spanscope;

namespace {

using Sequence = std::vector<uint64_t>;

Sequence randomSequence(std::mt19937& random, size_t n, unsigned nSymbols) {
    Sequence s(n);
    for (uint64_t& v : s) v = random() % nSymbols;
    return s;
}

/// Length of the longest common subsequence, by the table.
int longest(const Sequence& a, const Sequence& b) {
    std::vector<int> row(b.size() + 1), next(b.size() + 1);
    for (const uint64_t x : a) {
        for (size_t j = 0; j < b.size(); ++j) next[j + 1] = x == b[j] ? row[j] + 1 : std::max(row[j + 1], next[j]);
        row.swap(next);
    }
    return row.back();
}

/// Matched elements; -1 where a match is not one of equal elements in ascending order.
int countOf(const Sequence& a, const Sequence& b, const std::vector<int32_t>& match) {
    if (match.size() != a.size()) return -1;
    int n = 0;
    int32_t last = -1;
    for (size_t i = 0; i < a.size(); ++i) {
        if (match[i] < 0) continue;
        if (match[i] <= last || static_cast<size_t>(match[i]) >= b.size() || a[i] != b[static_cast<size_t>(match[i])])
            return -1;
        last = match[i];
        ++n;
    }
    return n;
}

/// A run whose lines are segments 1, 2, ... A line is "head|body", one token a character; without a bar it is outside
/// segments. Ids are characters.
RunData runOf(const std::vector<QByteArray>& lines) {
    RunData run;
    run.header.prompt.resize(5);
    for (const QByteArray& text : lines) {
        int32_t segment = -1;
        const auto position = [&] { return static_cast<int32_t>(run.header.prompt.size() + run.steps.size()); };
        if (text.contains('|')) {
            segment = static_cast<int32_t>(run.segments.size());
            Segment s;
            s.kind = SegmentKind::Out;
            s.label = segment + 1;
            s.begin = position();
            s.bodyBegin = position() + static_cast<int32_t>(text.indexOf('|'));
            run.segments.push_back(s);
        }
        for (const char c : QByteArray(text).replace("|", "") + '\n') {
            StepRecord step;
            step.index = static_cast<int32_t>(run.steps.size());
            step.position = position();
            step.token = {c, std::string(1, c), false};
            step.segment = segment;
            run.steps.push_back(step);
        }
    }
    return run;
}

/// The steps of the first that have no partner, as text.
QByteArray leftOf(const RunData& run, const std::vector<int32_t>& partners) {
    QByteArray text;
    for (size_t i = 0; i < partners.size(); ++i)
        if (partners[i] < 0) text += run.steps[i].token.text.c_str();
    return text;
}

}  // namespace

class TestRunAlignment : public QObject {
    Q_OBJECT

  private slots:
    void asManyAsTheTableFinds() {
        std::mt19937 random(11);
        for (int round = 0; round < 4000; ++round) {
            const Sequence a = randomSequence(random, random() % 40, 1 + random() % 5);
            const Sequence b = randomSequence(random, random() % 40, 1 + random() % 5);
            QCOMPARE(countOf(a, b, matchSequences(a, b)), longest(a, b));
        }
        QVERIFY(matchSequences({}, {}).empty());
    }

    /// Far more edits than the search looks through: still pairs of equal elements, and a good part of what there is.
    void longAndUnlike() {
        std::mt19937 random(12);
        const Sequence a = randomSequence(random, 6000, 50), b = randomSequence(random, 5000, 50);
        const int n = countOf(a, b, matchSequences(a, b));
        QVERIFY(n > longest(a, b) / 2);
        Sequence none(200'000, 1), other(150'000, 2);
        QCOMPARE(countOf(none, other, matchSequences(none, other)), 0);
    }

    void identicalRuns() {
        const RunData a = runOf({"<1>|one", "<2>|two", "free"});
        const RunAlignment d = alignRuns(a, a);
        QVERIFY(d.identical());
        QCOMPARE(d.words(), std::string("identical"));
        QCOMPARE(d.lines.size(), size_t{3});
        for (size_t i = 0; i < d.ofFirst.size(); ++i) QCOMPARE(d.ofFirst[i], static_cast<int32_t>(i));
        QCOMPARE(d.ofSecond, d.ofFirst);
        QCOMPARE(alignRuns({}, {}).words(), std::string("identical"));
    }

    /// The line that grew differs, in the new tokens alone; all after it is equal, though every index is another.
    void aLineThatGrew() {
        const RunData a = runOf({"<1>|sales rose", "<2>|two", "<3>|three"});
        const RunData b = runOf({"<1>|sales rose 2 pct", "<2>|two", "<3>|three"});
        const RunAlignment d = alignRuns(a, b);
        QCOMPARE(d.words(), std::string("1 of 3 lines differs"));
        QCOMPARE(leftOf(a, d.ofFirst), QByteArray());
        QCOMPARE(leftOf(b, d.ofSecond), QByteArray(" 2 pct"));
        QCOMPARE(d.ofFirst.back(), static_cast<int32_t>(b.steps.size()) - 1);
    }

    void aLineMoreMovesTheLabels() {
        const RunData a = runOf({"<1>|alpha", "<2>|omega"});
        const RunData b = runOf({"<1>|alpha", "<2>|inserted", "<3>|omega"});
        const RunAlignment d = alignRuns(a, b);
        QCOMPARE(d.lines.size(), size_t{3});
        QVERIFY(d.lines[0].equal && d.lines[1].first.empty() && !d.lines[2].equal);
        QCOMPARE(leftOf(a, d.ofFirst), QByteArray("2"));  // omega stands under another label
        QCOMPARE(leftOf(b, d.ofSecond), QByteArray("<2>inserted\n3"));
        QCOMPARE(d.words(), std::string("2 of 3 lines differ"));
        const RunAlignment back = alignRuns(b, a);
        QCOMPARE(back.lines[1].second.empty(), true);
        QCOMPARE(back.ofFirst, d.ofSecond);
    }

    void labelsPairWhatElseDiffers() {
        const RunData a = runOf({"<1>|abc", "<2>|defgh"});
        const RunData b = runOf({"<1>|xyz", "<2>|uvwgh"});
        const RunAlignment d = alignRuns(a, b);
        QCOMPARE(d.words(), std::string("2 of 2 lines differ"));
        QCOMPARE(leftOf(a, d.ofFirst), QByteArray("abcdef"));
    }

    void textOutsideSegmentsByItsLines() {
        const RunData a = runOf({"one", "two", "three"}), b = runOf({"one", "three"});
        const RunAlignment d = alignRuns(a, b);
        QCOMPARE(leftOf(a, d.ofFirst), QByteArray("two\n"));
        QCOMPARE(d.words(), std::string("1 of 3 lines differs"));
        QCOMPARE(d.lines[1].first, (StepRange{4, 8}));
        QCOMPARE(d.lines[1].second, (StepRange{4, 4}));
    }

    /// Ids of another vocabulary mean nothing.
    void runsOfTwoModelsByTheirText() {
        const RunData a = runOf({"<1>|one"});
        RunData b = a;
        b.header.modelHash = "another";
        for (StepRecord& step : b.steps) step.token.id += 1000;
        QVERIFY(alignRuns(a, b).identical());
        b.header.modelHash.clear();
        QVERIFY(!alignRuns(a, b).identical());
    }
};

QTEST_GUILESS_MAIN(TestRunAlignment)
#include "tst_run_alignment.moc"
