// Each rule of the three vocabularies and each way to break one: what a step reads then, and what is counted.
#include <QtTest>
#include <numeric>

#include "tag_streams.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

/// The chunks that a token reads, "13"; the prompt outside them must always be read.
QString chunksRead(const TokenView& view) {
    QString text;
    for (const PromptChunk& chunk : kChunks)
        if (mayRead(*view.visible, view.position, chunk.begin)) text += QString::number(chunk.label);
    return text;
}

/// The response's bytes that the token at `at` reads, others as '.'.
QString bytesRead(const TagRun& run, size_t at) {
    QString text;
    for (size_t i = 0; i <= at; ++i)
        text += mayRead(*run.views[at].visible, run.views[at].position, kPromptTokens + static_cast<int32_t>(i))
                    ? QString::fromStdString(run.pieces[i])
                    : QString(".");
    return text;
}

QString kinds(const TagRun& run) {
    QStringList list;
    for (const ProtocolViolation& v : run.violations) list << violationName(v.kind);
    return list.join(", ");
}

/// The index behind the last `marker`, a byte a token.
size_t behind(const QString& text, const char* marker) {
    return static_cast<size_t>(text.lastIndexOf(marker) + qsizetype(qstrlen(marker)));
}

}  // namespace

class TestVocabularies : public QObject {
    Q_OBJECT
  private slots:
    void daSections() {
        const QString text = "a<focus chunks=\"2\">b</focus>c<local>d</local>e<global>f</global><answer>g</answer>";
        const TagRun run = trackTags(bundledTags("da"), bytesOf(text.toStdString()));
        const auto read = [&](const char* before) { return chunksRead(run.views[behind(text, before)]); };
        QCOMPARE(chunksRead(run.views[0]), "123");
        QCOMPARE(chunksRead(run.views[behind(text, "<focus") - 1]), "123");
        QCOMPARE(chunksRead(run.views[behind(text, "\">") - 1]), "123");  // the tag's last byte reads as before
        QCOMPARE(read("\">"), "2");
        QCOMPARE(read("</focus"), "2");  // so does the closing one's
        QCOMPARE(read("</focus>"), "123");
        QCOMPARE(read("<local>"), "");
        QCOMPARE(read("</local>"), "123");
        QCOMPARE(read("<global>"), "123");
        QCOMPARE(read("<answer>"), "123");
        QVERIFY(run.violations.empty());
        QVERIFY(run.answered);
        QCOMPARE(bytesRead(run, behind(text, "<local>")), text.left(qsizetype(behind(text, "<local>")) + 1));
        QStringList names;
        for (const Segment& s : run.segments) names << QString::fromStdString(s.name) + QString::number(s.label);
        QCOMPARE(names.join(' '), "-1 chunk1 chunk2 chunk3 -1 focus1 local1 global1 answer1");
        const Segment& focus = run.segments[5];
        QCOMPARE(focus.refs.size(), size_t{1});
        QCOMPARE(focus.refs[0].tokens, (Interval{6, 10}));
        QCOMPARE(focus.begin, kPromptTokens + 1);
        QCOMPARE(focus.bodyBegin, kPromptTokens + static_cast<int32_t>(behind(text, "\">")));
        QCOMPARE(run.markupTokens, static_cast<int32_t>(text.size()) - 7);
        QCOMPARE(run.views[behind(text, "\">")].phase, Phase::Focus);
        QCOMPARE(run.views[behind(text, "<local>")].phase, Phase::Local);
    }

    void daMalformed_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("inside");  // chunks that the last byte reads
        QTest::addColumn<QString>("expected");
        QTest::newRow("two numbers") << "<focus chunks=\"1, 3\">x"
                                     << "13"
                                     << "segment not closed";
        QTest::newRow("the other name") << "<focus magic_chunks='3'>x"
                                        << "3"
                                        << "segment not closed";
        QTest::newRow("unknown number") << "<focus chunks=\"9\">x"
                                        << "123"
                                        << "unknown label, segment not closed";
        QTest::newRow("one of two unknown") << "<focus chunks=\"1,9\">x"
                                            << "123"
                                            << "unknown label, segment not closed";
        QTest::newRow("no number") << "<focus chunks=\"\">x"
                                   << "123"
                                   << "empty label, segment not closed";
        QTest::newRow("no list") << "<focus>x"
                                 << "123"
                                 << "empty label, segment not closed";
        QTest::newRow("a gap in the list") << "<focus chunks=\"1,,2\">x"
                                           << "123"
                                           << "empty label, segment not closed";
        QTest::newRow("no digit") << "<focus chunks=\"one\">x"
                                  << "123"
                                  << "non-digit in label, segment not closed";
        QTest::newRow("too long a number") << "<focus chunks=\"1234567890\">x"
                                           << "123"
                                           << "label too long, segment not closed";
        QTest::newRow("another name") << "<focus chunk=\"1\">x"
                                      << "123"
                                      << "non-digit in label, segment not closed";
        QTest::newRow("quote left open") << "<focus chunks=\"1>x"
                                         << "123"
                                         << "non-digit in label, segment not closed";
        QTest::newRow("closed by itself") << "<focus chunks=\"1\"/>x"
                                          << "123"
                                          << "non-digit in label, segment not closed";
        QTest::newRow("not finished") << "<focus chunks=\"1\n>x"
                                      << "123"
                                      << "tag not finished";
        QTest::newRow("not finished, another begins") << "<focus <local>x"
                                                      << ""
                                                      << "tag not finished, segment not closed";
        QTest::newRow("not finished at the end") << "x<focus chunks=\"1"
                                                 << "123"
                                                 << "tag not finished";
        QTest::newRow("not finished inside") << "<local>x<focus \ny"
                                             << "123"
                                             << "tag not finished, segment not closed";
        QTest::newRow("nested") << "<local>x<focus chunks=\"1\">y"
                                << "123"
                                << "tag inside another section, segment not closed";
        QTest::newRow("nested, of its own kind") << "<local>x<local>y"
                                                 << "123"
                                                 << "tag inside another section, segment not closed";
        QTest::newRow("closed by another") << "<local>x</focus>y"
                                           << "123"
                                           << "closed by another tag";
        QTest::newRow("closed without being open") << "x</focus>y"
                                                   << "123"
                                                   << "closing tag without an opening one";
        QTest::newRow("limit") << "<local>x"
                               << ""
                               << "segment not closed";
        QTest::newRow("another word") << "<focused chunks=\"1\">x"
                                      << "123"
                                      << "";
        QTest::newRow("capitals are text") << "<LOCAL>x"
                                           << "123"
                                           << "";
        QTest::newRow("recovers") << "<local>x<local>y</local><focus chunks=\"2\">z"
                                  << "2"
                                  << "tag inside another section, segment not closed";
    }
    void daMalformed() {
        QFETCH(QString, text);
        QFETCH(QString, inside);
        QFETCH(QString, expected);
        const TagRun run = trackTags(bundledTags("da"), bytesOf(text.toStdString()));
        QCOMPARE(chunksRead(run.views.back()), inside);
        QCOMPARE(kinds(run), expected);
        for (const ProtocolViolation& v : run.violations) QVERIFY(!v.effect.empty());
    }

    void tooManyNumbers() {
        std::string list = "1";
        for (int i = 0; i < 64; ++i) list += ",1";
        const TagRun run = trackTags(bundledTags("da"), bytesOf("<focus chunks=\"" + list + "\">x"));
        QCOMPARE(kinds(run), "too many references, segment not closed");
        QCOMPARE(chunksRead(run.views.back()), "123");
    }

    void mementoHidesAfterTheSummary() {
        const QString text = "a<|block_start|>bcd<|block_end|>e<|summary_start|>f<|summary_end|>g";
        const TagRun run = trackTags(bundledTags("memento"), bytesOf(text.toStdString()));
        QVERIFY(run.violations.empty());
        const size_t end = behind(text, "<|summary_end|>");
        QCOMPARE(bytesRead(run, end - 1), text.left(qsizetype(end)));  // the tag itself reads the block
        QString hidden = text;
        hidden.replace("bcd", "...");
        QCOMPARE(bytesRead(run, end), hidden);
        QCOMPARE(run.changes.size(), size_t{1});
        QCOMPARE(run.changes[0].position, kPromptTokens + static_cast<int32_t>(end) - 1);
        QVERIFY(run.changes[0].hidden);
        QCOMPARE(run.segments[static_cast<size_t>(run.changes[0].segment)].name, std::string("block"));
        QCOMPARE(chunksRead(run.views.back()), "123");
    }

    void mementoMalformed_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("read");  // by the last byte
        QTest::addColumn<QString>("expected");
        QTest::newRow("no summary") << "B:x:b~"
                                    << "B:x:b~"
                                    << "";
        QTest::newRow("nested block")
            << "B:xB:y:b:bS:z:s~"
            << "B:xB:y:b:bS:z:s~"
            << "tag inside another section, closing tag without an opening one, nothing to hide";
        QTest::newRow("summary without a block") << "S:z:s~"
                                                 << "S:z:s~"
                                                 << "nothing to hide";
        QTest::newRow("second summary") << "B:x:bS:y:sS:z:s~"
                                        << "B:.:bS:y:sS:z:s~"
                                        << "nothing to hide";
        QTest::newRow("block not ended") << "B:xS:y:s~"
                                         << "B:xS:y:s~"
                                         << "tag inside another section, closed by another tag";
        QTest::newRow("summary closed by the block's tag") << "B:x:bS:y:b~"
                                                           << "B:x:bS:y:b~"
                                                           << "closed by another tag";
        QTest::newRow("end of nothing") << ":b~"
                                        << ":b~"
                                        << "closing tag without an opening one";
        QTest::newRow("the newest block") << "B:x:bB:y:bS:z:s~"
                                          << "B:x:bB:.:bS:z:s~"
                                          << "";
        QTest::newRow("then the one before") << "B:x:bB:y:bS:z:sS:w:s~"
                                             << "B:.:bB:.:bS:z:sS:w:s~"
                                             << "";
        QTest::newRow("summary not ended") << "B:x:bS:y"
                                           << "B:x:bS:y"
                                           << "segment not closed";
        QTest::newRow("half a tag is text") << "B:x<|block_~:bS:z:s~"
                                            << "B:..........:bS:z:s~"
                                            << "";
    }
    void mementoMalformed() {
        QFETCH(QString, text);
        QFETCH(QString, read);
        QFETCH(QString, expected);
        // B: :b S: :s stand for the tags, a token each.
        std::vector<std::string> pieces;
        for (qsizetype i = 0; i < text.size(); ++i) {
            const QString two = text.mid(i, 2);
            const char* const tag = two == "B:"   ? "<|block_start|>"
                                    : two == ":b" ? "<|block_end|>"
                                    : two == "S:" ? "<|summary_start|>"
                                    : two == ":s" ? "<|summary_end|>"
                                                  : nullptr;
            pieces.push_back(tag ? tag : text.mid(i, 1).toStdString());
            if (tag) ++i;
        }
        const TagRun run = trackTags(bundledTags("memento"), pieces);
        QString found = bytesRead(run, pieces.size() - 1);
        found.replace("<|block_start|>", "B:").replace("<|block_end|>", ":b");
        found.replace("<|summary_start|>", "S:").replace("<|summary_end|>", ":s");
        QCOMPARE(found, read);
        QCOMPARE(kinds(run), expected);
    }

    /// Phi's way: the block's tags go with it; a token that also holds other text stays.
    void tagsHiddenToo() {
        TagVocabulary tags = *bundledTags("memento");
        tags.hidesTags = true;
        const auto shared = std::make_shared<const TagVocabulary>(tags);
        const QString after = "<|summary_start|>s<|summary_end|>~";
        const TagRun pure = trackTags(
            shared, {"a", "<|block_start|>", "x", "<|block_end|>", "b", "<|summary_start|>s", "<|summary_end|>", "~"});
        QCOMPARE(bytesRead(pure, 7), "a...b" + after);
        const TagRun mixed = trackTags(shared, {"a<|block", "_start|>x", "y", "z<|block", "_end|>b",
                                                "<|summary_start|>s", "<|summary_end|>", "~"});
        QCOMPARE(bytesRead(mixed, 7), "a<|block..._end|>b" + after);
    }

    void lightThinkerCommitExpandFold() {
        const QString text = "abc<commit>S</commit>de<expand step=\"1\">f<fold step=\"1\">g";
        const TagRun run = trackTags(bundledTags("lightthinker"), bytesOf(text.toStdString()));
        QVERIFY(run.violations.empty());
        const auto read = [&](const char* before) { return bytesRead(run, behind(text, before)); };
        QCOMPARE(read("</commit>"), "...<commit>S</commit>d");
        QCOMPARE(read("<expand step=\"1\">"), "abc<commit>.</commit>de<expand step=\"1\">f");
        QCOMPARE(read("<fold step=\"1\">"), "...<commit>S</commit>de<expand step=\"1\">f<fold step=\"1\">g");
        QCOMPARE(run.changes.size(), size_t{5});
        QStringList names;
        for (size_t i = 2; i < run.segments.size(); ++i)
            if (run.segments[i].kind == SegmentKind::Out)
                names << QString::fromStdString(run.segments[i].name) + QString::number(run.segments[i].label);
        QCOMPARE(names.join(' '), "thought1 commit1 thought2");
    }

    void lightThinkerMalformed_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("read");  // by the last byte, tags left out
        QTest::addColumn<QString>("expected");
        const char* const start = "ab<commit>S</commit>cd<commit>T</commit>";
        const auto row = [&](const char* name, const char* text, const char* read, const char* expected) {
            QTest::newRow(name) << QString(start) + text << QString(read) << QString(expected);
        };
        row("both hidden", "~", "..S..T~", "");
        row("expand of one", "<expand step=\"2\">~", "..Scd.~", "");
        row("expand of two", "<expand step=\"1,2\"/>~", "ab.cd.~", "");
        row("expand of an unknown one shows all", "<expand step=\"3\">~", "abScdT~", "unknown label");
        row("expand without a number shows all", "<expand>~", "abScdT~", "empty label");
        row("expand of nonsense shows all", "<expand step=\"x\">~", "abScdT~", "non-digit in label");
        row("expand in half shows all", "<expand step=\"1\n~", "abScdT\n~", "tag not finished");
        row("expand with one unknown shows all", "<expand step=\"1,9\">~", "abScdT~", "unknown label");
        row("expand twice", "<expand step=\"1\"><expand step=\"1\">~", "ab...T~", "changes nothing");
        row("fold of what is folded", "<fold step=\"1\">~", "..S..T~", "changes nothing");
        row("fold of an unknown one", "<expand step=\"1\"><fold step=\"9\">~", "ab...T~", "unknown label");
        row("fold with one unknown hides none", "<expand step=\"1\"><fold step=\"1,9\">~", "ab...T~", "unknown label");
        row("fold in half", "<expand step=\"1\"><fold step=\"1\n~", "ab...T\n~", "tag not finished");
        row("fold after all were shown", "<expand><fold step=\"2\">~", "abS..T~", "empty label");
        row("commit of nothing", "<commit>U</commit>~", "..S..TU~", "nothing to hide");
        row("commit not ended", "ef<commit>U~", "..S..TefU~", "segment not closed");
        row("commit in a commit", "ef<commit>U<commit>V</commit>~", "..S..TefUV~", "tag inside another section");
        row("step 3 was not committed", "ef<commit>U<commit>V</commit><expand step=\"3\">~", "abScdTefUV~",
            "tag inside another section, unknown label");
        row("stray end", "ef</commit>~", "..S..Tef~", "closing tag without an opening one");
        row("answer", "ef<final_answer>9</final_answer>~", "..S..Tef9~", "");
    }
    void lightThinkerMalformed() {
        QFETCH(QString, text);
        QFETCH(QString, read);
        QFETCH(QString, expected);
        const TagRun run = trackTags(bundledTags("lightthinker"), bytesOf(text.toStdString()));
        QString found = bytesRead(run, run.views.size() - 1);
        found.remove(QRegularExpression("</?(commit|final_answer)>|<(expand|fold)[^>\n]*>?"));
        QCOMPARE(found, read);
        QCOMPARE(kinds(run), expected);
    }

    /// The prompt shows tags as examples; they mean nothing there, and chunks are where the caller says.
    void promptTagsMeanNothing() {
        const auto tags = bundledTags("da");
        const std::string prompt = "<local>x<focus chunks=\"1\">";
        std::vector<std::string> pieces = bytesOf(prompt + "y<local>z");
        TagReader reader(tags, [&](int32_t id) { return pieces[static_cast<size_t>(id)]; });
        SpanTracker tracker(std::make_unique<TagReader>(reader), tagPolicy(tags));
        std::vector<int32_t> ids(prompt.size());
        std::iota(ids.begin(), ids.end(), 0);
        const std::vector<PromptChunk> chunks{{1, 7, 8}};
        const auto views = tracker.consumePrompt(ids, chunks);
        QCOMPARE(views.size(), prompt.size());
        for (const TokenView& view : views) QCOMPARE(*view.visible, (IntervalList{{0, kOpenEnd}}));
        const auto n = static_cast<int32_t>(prompt.size());
        QVERIFY(mayRead(*tracker.consume(n).visible, n, 7));
        for (int32_t i = 1; i < 8; ++i) tracker.consume(n + i);
        const TokenView last = tracker.consume(n + 8);
        QVERIFY(!mayRead(*last.visible, last.position, 7));
        QVERIFY(mayRead(*last.visible, last.position, 6));
        QVERIFY(mayRead(*last.visible, last.position, 8));
    }

    /// A copy reads on by itself, in the middle of a tag too: a draft that is rejected leaves no trace.
    void copiesReadOnByThemselves() {
        const auto tags = bundledTags("da");
        const std::vector<std::string> pieces = bytesOf("<local>x");
        SpanTracker tracker(
            std::make_unique<TagReader>(tags, [&](int32_t id) { return pieces[static_cast<size_t>(id)]; }),
            tagPolicy(tags));
        tracker.consumePrompt(std::vector<int32_t>(kPromptTokens), kChunks);
        for (int32_t i = 0; i < 4; ++i) tracker.consume(i);
        SpanTracker copy = tracker;
        for (int32_t i = 0; i < 4; ++i) copy.consume(7);
        QCOMPARE(chunksRead(copy.consume(7)), "123");
        for (int32_t i = 4; i < 7; ++i) tracker.consume(i);
        QCOMPARE(chunksRead(tracker.consume(7)), "");
    }
};

QTEST_GUILESS_MAIN(TestVocabularies)
#include "tst_vocabularies.moc"
