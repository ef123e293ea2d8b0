// A second kind of reader: tags as text, one character a token, in two spellings. The tracker must come to the same
// segments and masks as with one special piece for each tag.
#include <QtTest>

#include "streams.h"
#include "symbols.h"
#include "text_tag_reader.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

/// A stream of symbols written out; `begin` has the first character of each symbol, and the end.
struct Spelled {
    std::string text;
    std::vector<int32_t> begin;
};

Mark markOf(char symbol) {
    switch (symbol) {
        case 'I': return Mark::In;
        case 'O': return Mark::Out;
        case ':': return Mark::Colon;
        case 'A': return Mark::Attend;
        case 'E': return Mark::AttendEnd;
        case 'L': return Mark::Local;
        case 'G': return Mark::Global;
        default: return Mark::Text;
    }
}

/// x, which is text, becomes the beginning of a tag that is none.
Spelled spell(const std::string& symbols, std::span<const TagSpelling> tags) {
    Spelled s;
    for (char symbol : symbols) {
        s.begin.push_back(static_cast<int32_t>(s.text.size()));
        const auto tag = std::find_if(tags.begin(), tags.end(), [&](auto& t) { return t.mark == markOf(symbol); });
        if (tag != tags.end()) s.text += tag->text;
        else if (symbol == 'x') s.text += tags[0].text.substr(0, tags[0].text.size() - 1);
        else s.text += symbol;
    }
    s.begin.push_back(static_cast<int32_t>(s.text.size()));
    return s;
}

}  // namespace

class TestTextTags : public QObject {
    Q_OBJECT
  private slots:
    void equalToSpecialPieces_data() {
        QTest::addColumn<bool>("braces");
        QTest::newRow("<in> <out> <:>") << false;
        QTest::newRow("{line} {step} |") << true;
    }
    void equalToSpecialPieces() {
        QFETCH(bool, braces);
        const std::span<const TagSpelling> tags =
            braces ? std::span<const TagSpelling>(kBraceTags) : std::span<const TagSpelling>(kPlainTags);
        Streams streams(3);
        int nOut = 0, nRefs = 0, nWidened = 0;
        for (int round = 0; round < 20'000; ++round) {
            SpanPolicy policy;
            policy.heads = round % 2 == 0;
            policy.prefill = round % 3 == 0 ? PrefillPolicy::Segmented : PrefillPolicy::Causal;
            policy.maxRefs = round % 5 == 0 ? 1 : 64;
            const std::string prompt = streams.prompt(), response = streams.response() + "\n";
            const std::string symbols = prompt + response;
            const Spelled s = spell(symbols, tags);
            const auto nPrompt = static_cast<size_t>(s.begin[prompt.size()]);

            SpanTracker pieces(symbolPieces(), policy);
            std::vector<TokenView> expected = pieces.consumePrompt(ids(prompt));
            for (char c : response) expected.push_back(pieces.consume(c));
            SpanTracker text(std::make_unique<TextTagReader>(tags, '$'), policy);
            std::vector<TokenView> found = text.consumePrompt(ids(s.text.substr(0, nPrompt)));
            for (char c : s.text.substr(nPrompt)) found.push_back(text.consume(c));
            QCOMPARE(found.size(), s.text.size());

            for (size_t i = 0; i < symbols.size(); ++i) {
                if (symbols[i] == 'x') continue;  // not known to be text before the next token
                const TokenView& want = expected[i];
                const TokenView& have = found[static_cast<size_t>(s.begin[i + 1]) - 1];
                QCOMPARE(have.segment, want.segment);
                QCOMPARE(have.phase, want.phase);
                for (size_t k = 0; k <= i; ++k)
                    for (int32_t key = s.begin[k]; key < s.begin[k + 1]; ++key)
                        if (mayRead(*have.visible, have.position, key) !=
                            mayRead(*want.visible, want.position, static_cast<int32_t>(k)))
                            QFAIL(qPrintable(QString::fromStdString(s.text)));
            }
            const auto at = [&](int32_t symbol) {
                return symbol < 0 || symbol == kOpenEnd ? symbol : s.begin[static_cast<size_t>(symbol)];
            };
            QCOMPARE(text.segments().size(), pieces.segments().size());
            for (size_t i = 0; i < text.segments().size(); ++i) {
                const Segment &have = text.segments()[i], &want = pieces.segments()[i];
                QCOMPARE(have.kind, want.kind);
                QCOMPARE(have.label, want.label);
                QCOMPARE(have.begin, at(want.begin));
                QCOMPARE(have.end, at(want.end));
                QCOMPARE(have.bodyBegin, at(want.bodyBegin));
                QCOMPARE(have.fallback, want.fallback);
                QCOMPARE(have.refs.size(), want.refs.size());
                for (size_t r = 0; r < have.refs.size(); ++r) {
                    QCOMPARE(have.refs[r].label, want.refs[r].label);
                    QCOMPARE(have.refs[r].segment, want.refs[r].segment);
                }
                nOut += want.kind == SegmentKind::Out;
                nRefs += static_cast<int>(want.refs.size());
                nWidened += want.fallback;
            }
            QCOMPARE(text.violations().size(), pieces.violations().size());
            for (size_t i = 0; i < text.violations().size(); ++i) {
                QCOMPARE(text.violations()[i].kind, pieces.violations()[i].kind);
                QCOMPARE(text.violations()[i].segment, pieces.violations()[i].segment);
            }
        }
        QVERIFY(nOut > 20'000 && nRefs > 10'000 && nWidened > 5'000);
    }

    /// A token may say two things: digits of a label, the end of a segment and free text after it.
    void severalEventsInOneToken() {
        class Words : public EventReader {
          public:
            std::span<const ProtocolEvent> read(int32_t token) override {
                m_events.clear();
                static const std::vector<std::vector<Mark>> kWords{{Mark::Out},
                                                                   {Mark::Digit, Mark::Digit, Mark::Colon},
                                                                   {Mark::Attend, Mark::AttendEnd},
                                                                   {Mark::Text},
                                                                   {Mark::Text, Mark::Newline}};
                for (Mark mark : kWords[static_cast<size_t>(token)])
                    m_events.push_back({mark, 1 + static_cast<int32_t>(m_events.size()), m_events.empty() ? 1 : 0});
                return m_events;
            }
            std::unique_ptr<EventReader> clone() const override { return std::make_unique<Words>(*this); }

          private:
            std::vector<ProtocolEvent> m_events;
        };
        SpanTracker tracker(std::make_unique<Words>(), SpanPolicy{});
        tracker.consumePrompt(std::vector<int32_t>{3, 3});
        for (int32_t token : {0, 1, 2, 3, 4, 0}) tracker.consume(token);
        QVERIFY(tracker.violations().empty());
        QCOMPARE(tracker.segments().size(), size_t{3});
        const Segment& s = tracker.segments()[1];
        QCOMPARE(s.label, int64_t{12});
        QCOMPARE(s.begin, 2);
        QCOMPARE(s.bodyBegin, 5);
        QCOMPARE(s.end, 7);
        QCOMPARE(tracker.segments()[2].begin, 7);
        QCOMPARE(tracker.markupTokens(), 4);
    }
};

QTEST_GUILESS_MAIN(TestTextTags)
#include "tst_text_tags.moc"
