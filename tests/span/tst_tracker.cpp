// The protocol document's tables, row by row, on streams that can be checked by eye (symbols.h).
#include <QtTest>

#include "symbols.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {
QString kinds(const Tracked& t) {
    QStringList names;
    for (const ProtocolViolation& v : t.violations) names << violationName(v.kind);
    return names.join(", ");
}
}  // namespace

class TestTracker : public QObject {
    Q_OBJECT
  private slots:
    void phasesOfOneSegment() {
        // Two segments after the prompt; the second refers to the first.
        const Tracked t = track("^ab\n", "O1:AExLy\nO2:AO1:EzLw\n", SpanPolicy{});
        QVERIFY2(t.violations.empty(), qPrintable(kinds(t)));
        auto at = [&](size_t position) { return reach(t.views[position]); };
        using S = std::string;
        QCOMPARE(at(4), S("1111"
                          "1"));  // <out>: scaffold and itself
        QCOMPARE(at(8), S("1111"
                          "11111"));  // </attend> still declares
        QCOMPARE(at(9), S("1111"
                          "111111"));  // focus: scaffold and own
        QCOMPARE(at(10), S("1111"
                           "1111111"));  // <local> still focus
        QCOMPARE(at(11), S("1000"
                           "11111111"));  // local: sink and own
        QCOMPARE(at(12), S("1111"
                           "111111111"));  // the newline: scaffold and own
        QCOMPARE(at(13), S("1111"
                           "111111111"
                           "1"));  // declare: the previous out-segment too
        QCOMPARE(at(20), S("1111"
                           "111111111"
                           "11111111"));
        QCOMPARE(at(21), S("1111"
                           "111111111"
                           "111111111"));  // focus on segment 1
        QCOMPARE(at(23), S("1000"
                           "000000000"
                           "11111111111"));
        QCOMPARE(at(24), S("1111"
                           "000000000"
                           "111111111111"));
        QCOMPARE(t.views[11].phase, Phase::Local);
        QCOMPARE(t.views[12].phase, Phase::Close);
        QCOMPARE(t.segments.back().refs.size(), size_t(1));
        QCOMPARE(t.segments.back().refs[0].tokens, (Interval{4, 13}));
    }

    void refVisibleAtItsColon() {
        const Tracked t = track("^I1:ab\nI2:c\n", "O1:AI2:I1:Ex\n", SpanPolicy{});
        QVERIFY(t.violations.empty());
        using S = std::string;
        QCOMPARE(reach(t.views[17]), S("1"
                                       "000000"
                                       "00000"
                                       "111111"));  // digit of <in>2: not yet
        QCOMPARE(reach(t.views[18]), S("1"
                                       "000000"
                                       "11111"
                                       "1111111"));  // its <:>: line 2
        QCOMPARE(reach(t.views[21]), S("1"
                                       "111111"
                                       "11111"
                                       "1111111111"));
    }

    void headsPolicy() {
        SpanPolicy heads;
        heads.heads = true;
        const std::string response = "O1:AEx\nO2:AEy\nO3:AEz\n";
        const Tracked with = track("^a\n", response, heads);
        const Tracked without = track("^a\n", response, SpanPolicy{});
        using S = std::string;  // <out> of segment 3 stands at position 17
        QCOMPARE(reach(with.views[17]), S("111"
                                          "1110000"
                                          "1111111"
                                          "1"));
        QCOMPARE(reach(without.views[17]), S("111"
                                             "0000000"
                                             "1111111"
                                             "1"));
    }

    void globalInsideDeclare() {
        const Tracked t = track("^I1:ab\nI2:c\n", "O1:GqAI2:Ex\n", SpanPolicy{});
        QVERIFY(t.violations.empty());
        QCOMPARE(t.views[15].phase, Phase::Declare);  // <global> itself
        QCOMPARE(t.views[16].phase, Phase::Global);
        QCOMPARE(reach(t.views[16]), std::string(17, '1'));
        QCOMPARE(t.views[21].phase, Phase::Global);  // </attend> still reads everything
        QCOMPARE(t.views[22].phase, Phase::Focus);
        QCOMPARE(reach(t.views[22]), std::string("1"
                                                 "000000"
                                                 "11111"
                                                 "11111111111"));
    }

    void segmentedPrompt() {
        SpanPolicy p;
        p.prefill = PrefillPolicy::Segmented;
        const Tracked t = track("^h\nI1:a\nI2:b\n", "", p);
        QCOMPARE(reach(t.views[2]), std::string("111"));
        QCOMPARE(reach(t.views[6]), std::string("111"
                                                "1111"));
        QCOMPARE(reach(t.views[12]), std::string("111"
                                                 "00000"
                                                 "11111"));
        const Tracked causal = track("^h\nI1:a\nI2:b\n", "", SpanPolicy{});
        QCOMPARE(reach(causal.views[12]), std::string(13, '1'));
        QCOMPARE(t.segments.size(), size_t(3));
        QCOMPARE(t.segments[2].label, int64_t(2));
    }

    void maskIdChangesExactlyWithTheList() {
        const Tracked t = track("^ab\n", "O1:AExLy\nO2:AO1:EzLw\n$", SpanPolicy{});
        for (size_t i = 1; i < t.views.size(); ++i)
            QCOMPARE(t.views[i].maskId == t.views[i - 1].maskId, *t.views[i].visible == *t.views[i - 1].visible);
    }

    void nonsense_data() {
        QTest::addColumn<QString>("response");
        QTest::addColumn<QString>("violations");
        QTest::addColumn<int>("allVisibleAt");     // response index at which everything is visible; -1: none
        QTest::addColumn<int>("notAllVisibleAt");  // and one at which it is not
        QTest::newRow("unknown label") << "O1:AI7:Ex\n"
                                       << "unknown label" << 8 << 6;
        QTest::newRow("empty label") << "O1:AI:Ex\n"
                                     << "empty label" << 7 << 5;
        QTest::newRow("non-digit in label") << "O1:AI1x:Ey\n"
                                            << "non-digit in label" << 9 << 7;
        QTest::newRow("label of 10 digits") << "O1:AI1234567890:Ey\n"
                                            << "label too long" << 17 << 15;
        QTest::newRow("9 digits are read, but unknown") << "O1:AI123456789:Ey\n"
                                                        << "unknown label" << 16 << 14;
        QTest::newRow("piece inside a label") << "O1:AI1AI1:Ey\n"
                                              << "non-digit in label, <attend> twice" << 11 << 5;
        QTest::newRow("local after a bad ref stays local") << "O1:AI7:ExLyz\n"
                                                           << "unknown label" << 9 << 10;
        QTest::newRow("</attend> missing") << "O1:xy\n"
                                           << "</attend> missing" << 5 << 4;
        QTest::newRow("</attend> missing inside attend") << "O1:AI1:\n"
                                                         << "</attend> missing" << 7 << 6;
        QTest::newRow("<attend> twice") << "O1:AAI1:Ex\n"
                                        << "<attend> twice" << 5 << 4;
        QTest::newRow("<attend> twice, local does not narrow") << "O1:AAExLy\n"
                                                               << "<attend> twice" << 8 << 4;
        QTest::newRow("<attend> again in the body") << "O1:AExAy\n"
                                                    << "<attend> twice" << 7 << 6;
        QTest::newRow("</attend> without <attend>") << "O1:Exy\n"
                                                    << "</attend> without <attend>" << 4 << 3;
        QTest::newRow("</attend> in the head") << "O1Exy\n"
                                               << "non-digit in label, </attend> without <attend>" << 3 << 2;
        QTest::newRow("free text") << "xy\n"
                                   << "text outside a segment" << 0 << -1;
        QTest::newRow("free text between segments") << "O1:AEx\nfree\nO2:AEy\n"
                                                    << "text outside a segment" << 8 << 13;
        QTest::newRow("duplicate label") << "O1:AEx\nO1:AEy\n"
                                         << "duplicate label" << -1 << 12;
        QTest::newRow("newline missing") << "O1:AExO2:AEy\n"
                                         << "segment not closed" << -1 << 6;
        QTest::newRow("two locals") << "O1:AExLyLz\n"
                                    << "unexpected piece" << 9 << 7;
        QTest::newRow("self reference") << "O1:AO1:Ex\n"
                                        << "unknown label" << 8 << 6;
        QTest::newRow("eos inside a segment") << "O1:AI1:$"
                                              << "</attend> missing, segment not closed" << -1 << 5;
        QTest::newRow("text inside attend") << "O1:AqEx\n"
                                            << "unexpected piece" << 6 << 4;
    }
    void nonsense() {
        QFETCH(QString, response);
        QFETCH(QString, violations);
        QFETCH(int, allVisibleAt);
        QFETCH(int, notAllVisibleAt);
        // A prompt long enough that "everything" differs from every narrower phase.
        const std::string prompt = "^h\nI1:a\nI2:b\nI3:c\n";
        const Tracked t = track(prompt, response.toStdString(), SpanPolicy{});
        QCOMPARE(kinds(t), violations);
        auto all = [&](int i) {
            const TokenView& v = t.views[prompt.size() + static_cast<size_t>(i)];
            return reach(v) == std::string(static_cast<size_t>(v.position) + 1, '1');
        };
        if (allVisibleAt >= 0) QVERIFY(all(allVisibleAt));
        if (notAllVisibleAt >= 0) QVERIFY(!all(notAllVisibleAt));
    }

    void tooManyRefs() {
        SpanPolicy p;
        p.maxRefs = 2;
        const Tracked t = track("^I1:a\nI2:b\nI3:c\n", "O1:AI1:I2:I3:Ex\n", p);
        QCOMPARE(kinds(t), QString("too many references"));
        QCOMPARE(t.views.back().phase, Phase::Close);
        QCOMPARE(t.views[t.views.size() - 2].phase, Phase::Global);
    }

    void duplicateLabelNewerWins() {
        const Tracked t = track("^a\n", "O1:AEx\nO1:AEy\nO2:AO1:Ez\n", SpanPolicy{});
        QCOMPARE(t.segments.back().refs[0].tokens, (Interval{10, 17}));
    }

    void segmentTooLong() {
        SpanPolicy p;
        p.maxSegmentTokens = 8;
        SpanTracker tracker(symbolPieces(), p);
        tracker.consumePrompt(ids("^a\n"));
        for (char c : std::string("O1:AExxx")) tracker.consume(c);
        QVERIFY(!tracker.segmentTooLong());
        tracker.consume('x');
        QVERIFY(tracker.segmentTooLong());
        QCOMPARE(tracker.violations().back().kind, ViolationKind::SegmentTooLong);
    }

    void modelsWithoutProtocolAreNotBlamed() {
        SpanPolicy p;
        p.hasProtocol = false;
        const Tracked t = track("^hello", "any text\n", p);
        QVERIFY(t.violations.empty());
        QCOMPARE(reach(t.views.back()), std::string(t.views.size(), '1'));
    }

    void markupIsCounted() {
        SpanTracker tracker(symbolPieces(), SpanPolicy{});
        tracker.consumePrompt(ids("^I1:a\n"));
        for (char c : std::string("O1:AI1:Ex+yLz\n")) tracker.consume(c);
        QCOMPARE(tracker.markupTokens(), 9);  // O 1 : A I 1 : E L
    }
};

QTEST_GUILESS_MAIN(TestTracker)
#include "tst_tracker.moc"
