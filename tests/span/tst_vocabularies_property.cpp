// Tags that are text, on random streams: the tracker against the rules written again (vocabularies_written_again.h), a
// byte a token exactly, cut into tokens in any way never less; and the same events however they are cut.
#include <QtTest>

#include "engine/types/interval_algebra.h"
#include "tag_streams.h"
#include "vocabularies_written_again.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

const std::map<std::string, std::vector<std::string>> kFragments{
    {"da",
     {"<global>",
      "</global>",
      "<focus chunks=\"2\">",
      "<focus chunks=\"1,3\">",
      "<focus chunks = '2 , 3' >",
      "<focus magic_chunks=3>",
      "<focus chunks=\"9\">",
      "<focus chunks=\"\">",
      "<focus>",
      "<focus chunks=\"2>",
      "<focus chunks=\"1;2\">",
      "<focus chunk=\"1\">",
      "<focus chunks=\"1\" x>",
      "<focus chunks=\"2\"/>",
      "<focus chu",
      "</focus>",
      "</focus>",
      "<local>",
      "</local>",
      "</local>",
      "<answer>",
      "</answer>",
      "<focused>"}},
    {"memento",
     {"<|block_start|>", "<|block_start|>", "<|block_end|>", "<|block_end|>", "<|summary_start|>", "<|summary_start|>",
      "<|summary_end|>", "<|summary_end|>", "<answer>", "</answer>", "<|block_", "<|", "<|block_start|>ab<|block_end|>",
      "<|block_start|>c<|block_end|>", "<|summary_start|>d<|summary_end|>", "<|summary_start|>ef<|summary_end|>",
      "<|block_start|>g<|block_end|><|summary_start|>h<|summary_end|>"}},
    {"lightthinker",
     {"<commit>",
      "</commit>",
      "<commit>",
      "</commit>",
      "<commit>",
      "</commit>",
      "<expand step=\"1\">",
      "<expand step=\"2\">",
      "<expand step=\"1,2\"/>",
      "<expand step=\"7\">",
      "<expand step=\"1,x\">",
      "<expand ",
      "<fold step=\"1\">",
      "<fold step='2' />",
      "<fold step=\"1,9\">",
      "<fold>",
      "ab<commit>S</commit>",
      "cd<commit>T</commit>e",
      "<final_answer>",
      "</final_answer>"}}};

std::string randomText(const std::string& vocabulary, std::mt19937& random) {
    const std::vector<std::string>& fragments = kFragments.at(vocabulary);
    static const std::string kBytes = "ab 1<>/\"=,\nf|";
    std::string text;
    for (unsigned n = 1 + static_cast<unsigned>(random()) % 14; n > 0; --n) {
        const unsigned kind = static_cast<unsigned>(random()) % 16;
        if (kind < 9) text += fragments[random() % fragments.size()];
        else if (kind < 15) text += std::string(1 + random() % 4, static_cast<char>('a' + random() % 26));
        else text += kBytes[random() % kBytes.size()];
    }
    if (random() % 200 == 0) text += "<focus " + std::string(250 + random() % 20, 'z') + ">";
    if (random() % 4 == 0 && !text.empty()) text.erase(random() % text.size(), 1);
    return text;
}

bool readsChunk(const TokenView& view, const PromptChunk& chunk) {
    for (int32_t key = chunk.begin; key < chunk.end; ++key)
        if (!mayRead(*view.visible, view.position, key)) return false;
    return true;
}

struct Told {
    Mark mark;
    int32_t rule, digit;
    bool operator==(const Told&) const = default;
};

std::vector<Told> eventsOf(const std::shared_ptr<const TagVocabulary>& tags, const std::vector<std::string>& pieces) {
    TagReader reader(tags, [&](int32_t id) { return pieces[static_cast<size_t>(id)]; });
    std::vector<Told> told;
    int32_t nCovered = 0;
    const auto take = [&](std::span<const ProtocolEvent> events) {
        for (const ProtocolEvent& event : events) {
            nCovered += event.nTokens;
            if (event.mark != Mark::Text) told.push_back({event.mark, event.rule, event.digit});
        }
    };
    for (size_t i = 0; i < pieces.size(); ++i) take(reader.read(static_cast<int32_t>(i)));
    take(reader.finish());
    if (nCovered > static_cast<int32_t>(pieces.size())) qFatal("events cover more tokens than there are");
    return told;
}

}  // namespace

class TestVocabulariesProperty : public QObject {
    Q_OBJECT
    void vocabularies_data() {
        QTest::addColumn<QString>("name");
        for (const BundledVocabulary& v : bundledVocabularies())
            QTest::newRow(v.name.data()) << QString::fromUtf8(v.name.data(), qsizetype(v.name.size()));
    }
  private slots:
    void equalToTheRulesWrittenAgain_data() { vocabularies_data(); }
    void equalToTheRulesWrittenAgain() {
        QFETCH(QString, name);
        const std::string vocabulary = name.toStdString();
        const auto tags = bundledTags(vocabulary);
        std::mt19937 random(7);
        int64_t nQueries = 0, nNarrow = 0;
        for (int round = 0; round < 2'500; ++round) {
            const std::string text = randomText(vocabulary, random);
            const TagRun run = trackTags(tags, bytesOf(text));
            for (size_t i = 0; i < text.size(); ++i) {
                const NotRead expected = notRead(vocabulary, text.substr(0, i));
                const TokenView& view = run.views[i];
                QVERIFY(isNormalised(*view.visible));
                QVERIFY(mayRead(*view.visible, view.position, 0));
                QVERIFY(mayRead(*view.visible, view.position, kPromptTokens - 1));
                for (const PromptChunk& chunk : kChunks)
                    if (readsChunk(view, chunk) == expected.chunks.contains(static_cast<int>(chunk.label)))
                        QFAIL(
                            qPrintable(QString("chunk %1 at byte %2 of %3").arg(chunk.label).arg(i).arg(text.c_str())));
                for (size_t key = 0; key <= i; ++key)
                    if (mayRead(*view.visible, view.position, kPromptTokens + static_cast<int32_t>(key)) ==
                        expected.bytes.contains(key))
                        QFAIL(qPrintable(QString("byte %1 at byte %2 of %3").arg(key).arg(i).arg(text.c_str())));
                ++nQueries;
                nNarrow += !expected.chunks.empty() || !expected.bytes.empty();
            }
        }
        QVERIFY2(nQueries > 100'000 && nNarrow > nQueries / 20,
                 qPrintable(QString("%1 of %2").arg(nNarrow).arg(nQueries)));
    }

    /// Whatever tokens the tags are cut into, a token reads all that its first byte may read by the rules.
    void neverLessThanTheRules_data() { vocabularies_data(); }
    void neverLessThanTheRules() {
        QFETCH(QString, name);
        const std::string vocabulary = name.toStdString();
        const auto tags = bundledTags(vocabulary);
        std::mt19937 random(11);
        int64_t nNarrow = 0;
        for (int round = 0; round < 6'000; ++round) {
            const std::string text = randomText(vocabulary, random);
            const TagRun run = trackTags(tags, cutAtRandom(text, random, 1 + round % 12));
            std::vector<size_t> begins;
            size_t at = 0;
            for (const std::string& piece : run.pieces) {
                begins.push_back(at);
                at += piece.size();
            }
            for (size_t t = 0; t < run.pieces.size(); ++t) {
                const TokenView& view = run.views[t];
                const NotRead allowed = notRead(vocabulary, text.substr(0, begins[t]));
                QVERIFY(isNormalised(*view.visible));
                QVERIFY(mayRead(*view.visible, view.position, view.position));
                for (const PromptChunk& chunk : kChunks)
                    if (!readsChunk(view, chunk) && !allowed.chunks.contains(static_cast<int>(chunk.label)))
                        QFAIL(qPrintable(
                            QString("chunk %1 at token %2 of %3").arg(chunk.label).arg(t).arg(text.c_str())));
                for (size_t key = 0; key < t; ++key) {
                    if (mayRead(*view.visible, view.position, kPromptTokens + static_cast<int32_t>(key))) continue;
                    ++nNarrow;
                    for (size_t byte = begins[key]; byte < begins[key] + run.pieces[key].size(); ++byte)
                        if (!allowed.bytes.contains(byte))
                            QFAIL(qPrintable(QString("token %1 at token %2 of %3").arg(key).arg(t).arg(text.c_str())));
                }
                nNarrow += !readsChunk(view, kChunks[0]);
            }
        }
        QVERIFY(nNarrow > 3'000);
    }

    void sameEventsHoweverTheyAreCut_data() { vocabularies_data(); }
    void sameEventsHoweverTheyAreCut() {
        QFETCH(QString, name);
        const std::string vocabulary = name.toStdString();
        const auto tags = bundledTags(vocabulary);
        std::mt19937 random(13);
        size_t nEvents = 0;
        for (int round = 0; round < 6'000; ++round) {
            const std::string text = randomText(vocabulary, random);
            const std::vector<Told> expected = eventsOf(tags, bytesOf(text));
            const std::vector<std::string> pieces = cutAtRandom(text, random, 1 + round % 20);
            QCOMPARE(eventsOf(tags, pieces), expected);
            nEvents += expected.size();
            const TagRun whole = trackTags(tags, bytesOf(text)), cut = trackTags(tags, pieces);
            QCOMPARE(cut.violations.size(), whole.violations.size());
            for (size_t i = 0; i < cut.violations.size(); ++i)
                QCOMPARE(cut.violations[i].kind, whole.violations[i].kind);
            QCOMPARE(cut.answered, whole.answered);
        }
        QVERIFY(nEvents > 20'000);
    }

    /// A stream made to cost: nothing is held but the beginning of one tag, and what is hidden has a limit.
    void hostileStreamsStayBounded() {
        const auto tags = bundledTags("lightthinker");
        std::vector<std::string> pieces;
        for (int i = 0; i < 20'000; ++i) {
            pieces.emplace_back("x");
            pieces.emplace_back("<commit></commit>");
        }
        const TagRun run = trackTags(tags, pieces);
        QCOMPARE(run.changes.size(), Sections::kMostHidden);
        QCOMPARE(run.violations.front().kind, ViolationKind::TooManyHidden);
        QVERIFY(run.views.back().visible->size() <= Sections::kMostHidden + 2);

        std::vector<std::string> open(100'000, "<expand ");
        open.insert(open.end(), 100'000, "");
        const TagRun broken = trackTags(tags, open);
        QCOMPARE(broken.violations.size(), size_t{100'000});
        QCOMPARE(broken.violations.back().kind, ViolationKind::BrokenTag);
    }
};

QTEST_GUILESS_MAIN(TestVocabulariesProperty)
#include "tst_vocabularies_property.moc"
