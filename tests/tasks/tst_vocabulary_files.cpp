// A vocabulary of tags as a file, its prompt, and the segmenter: what is refused and how it is said, that chunks are
// the text again, and that they are found among the tokens of a prompt.
#include <QtTest>
#include <random>

#include "engine/tasks/vocabulary/segmenter.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"
#include "engine/tasks/vocabulary/vocabulary_prompt.h"

using namespace spanscope;

namespace {

std::string joinedChunks(const std::vector<std::string_view>& chunks) {
    std::string text;
    for (const std::string_view chunk : chunks) text += chunk;
    return text;
}

/// A token for every n bytes.
TokenEnds every(size_t n, size_t size) {
    std::vector<size_t> ends;
    for (size_t end = n; end < size; end += n) ends.push_back(end);
    ends.push_back(size);
    return TokenEnds(ends);
}

std::vector<std::string> cut(const std::string& text, int64_t target, int64_t most) {
    std::vector<std::string> list;
    for (const std::string_view chunk : cutIntoChunks(text, every(1, text.size()), target, most))
        list.emplace_back(chunk);
    return list;
}

std::shared_ptr<const Tokenizer> tokenizer() {
    return openTokenizer(SPANSCOPE_SOURCE_DIR "/resources/models/arith").value();
}

}  // namespace

class TestVocabularyFiles : public QObject {
    Q_OBJECT
  private slots:
    void bundledOnesAreTheFiles() {
        for (const BundledVocabulary& bundled : bundledVocabularies()) {
            QFile file(SPANSCOPE_SOURCE_DIR "/resources/vocabularies/" + QString::fromUtf8(bundled.name.data()) +
                       ".json");
            QVERIFY(file.open(QIODevice::ReadOnly));
            QCOMPARE(QByteArray(bundled.text.data(), qsizetype(bundled.text.size())), file.readAll());
            const auto vocabulary = parseVocabulary(bundled.text, "file");
            QVERIFY2(vocabulary.ok(), vocabulary ? "" : vocabulary.error().toString().c_str());
            QCOMPARE(vocabulary->tags->name, std::string(bundled.name));
            QVERIFY(!vocabulary->examples.empty());
        }
        QCOMPARE(vocabularyText("da").value(), std::string(bundledVocabularies()[0].text));
        const auto none = vocabularyText("/no/such/file");
        QVERIFY(!none);
        QCOMPARE(none.error().code, ErrorCode::NotFound);
        QCOMPARE(none.error().expected, std::string("da, memento, lightthinker, or a file"));
    }

    void refused_data() {
        QTest::addColumn<QString>("from");
        QTest::addColumn<QString>("to");
        QTest::addColumn<QString>("error");
        const auto row = [](const char* name, const char* from, const char* to, const char* error) {
            QTest::newRow(name) << from << to << error;
        };
        row("version", "\"vocabulary\": 1", "\"vocabulary\": 2",
            "f: vocabulary: another version of the format (found 2, expected 1)");
        row("no version", "\"vocabulary\": 1,", "",
            "f: vocabulary: field missing (found nothing, expected an integer)");
        row("name", "\"name\": \"da\"", "\"name\": \"d a\"", "f: name: not a name (found d a,");
        row("unknown key", "\"source\"", "\"sauce\"", "f: sauce: unknown key (found sauce,");
        row("unknown key in a tag", "\"arguments\"", "\"argument\"", "f: tags[2].argument: unknown key");
        row("reads", "\"reads\": \"named\"", "\"reads\": \"some\"",
            "f: sections[1].reads: unknown word (found some, expected everything");
        row("twice", "\"name\": \"local\"", "\"name\": \"focus\"", "f: sections[2].name: section named twice");
        row("no section", "\"opens\": \"local\"", "\"opens\": \"lokal\"",
            "f: tags[4].opens: no such section (found lokal,");
        row("two acts", "\"opens\": \"local\"", "\"opens\": \"local\", \"closes\": \"local\"",
            "f: tags[4].opens: a tag does one thing (found 2 of them,");
        row("no act", "\"opens\": \"local\"", "\"stops\": false",
            "f: tags[4].opens: a tag does one thing (found 0 of them,");
        row("prefix", "\"<local>\"", "\"<global>x\"",
            "f: tags[4].text: one tag begins with another (found <global>x, expected not <global>)");
        row("space", "\"<local>\"", "\"<lo cal>\"", "f: tags[4].text: not a tag (found <lo cal>,");
        row("empty tag", "\"<local>\"", "\"\"", "f: tags[4].text: not a tag");
        row("end alone", ", \"arguments\": [\"chunks\", \"magic_chunks\"]", "",
            "f: tags[2].arguments: arguments and end belong together (found end alone");
        row("numbers for none", "\"<local>\"", "\"<local\", \"end\": \">\", \"arguments\": [\"a\"]",
            "f: tags[4].arguments: the tag takes no numbers");
        row("no closing tag", "{\"text\": \"</local>\", \"closes\": \"local\"},", "",
            "f: tags: a section needs an opening and a closing tag (found local");
        row("stops", "\"opens\": \"answer\"", "\"opens\": \"answer\", \"stops\": true",
            "f: tags[6].stops: only a closing tag does that");
        row("hides itself", "\"closes\": \"local\"", "\"closes\": \"local\", \"hides\": \"local\"",
            "f: tags[5].hides: a section does not hide itself");
        row("chunk size", "\"most_tokens\": 2560", "\"most_tokens\": 7", "f: chunks.most_tokens: value out of range");
        row("no place for chunks", "{document}Question", "Question",
            "f: prompt.question: chunks and their place belong together");
        row("no place for the question", "{question}", "?", "f: prompt.question: the question has no place");
        row("lines", "\"system\": [", "\"system\": [1, ", "f: prompt.system: not lines of text");
        row("example", "\"question\": [\"When", "\"frage\": [\"When", "f: prompt.examples[1].frage: unknown key");
        row("cut off", "\"prompt\": {", "\"prompt\": {{", "f: byte");
    }
    void refused() {
        QFETCH(QString, from);
        QFETCH(QString, to);
        QFETCH(QString, error);
        QString text = QString::fromUtf8(bundledVocabularies()[0].text.data());
        QVERIFY(text.contains(from));
        text.replace(text.indexOf(from), from.size(), to);
        const auto result = parseVocabulary(text.toStdString(), "f");
        QVERIFY(!result);
        const QString said = QString::fromStdString(result.error().toString());
        QVERIFY2(said.startsWith(error), qPrintable(said));
    }

    void refusedElsewhere() {
        QVERIFY(!parseVocabulary(std::string(kMostVocabularyBytes + 1, ' '), "f"));
        QVERIFY(!parseVocabulary("[]", "f"));
        QString text = QString::fromUtf8(bundledVocabularies()[2].text.data());
        const QString opened = QString(text).replace("\"opens\": \"commit\"", "\"opens\": \"thought\"");
        QCOMPARE(parseVocabulary(opened.toStdString(), "f").error().message,
                 std::string("text between the tags has none of its own"));
        const QString never = QString(text).replace(", \"hides\": \"thought\"", "");
        QCOMPARE(parseVocabulary(never.toStdString(), "f").error().message,
                 std::string("nothing hides this section in the first place"));
    }

    void cutsAtTheCoarsestDelimiter() {
        QCOMPARE(cut("short text", 4, 10), (std::vector<std::string>{"short text"}));
        QCOMPARE(cut("", 4, 10), std::vector<std::string>{});
        QCOMPARE(cut("one two\n\nthree four\n\nfive", 10, 12),
                 (std::vector<std::string>{"one two\n\n", "three four\n\n", "five"}));
        QCOMPARE(cut("a\n\nb\n\nc\n\nd", 6, 7), (std::vector<std::string>{"a\n\nb\n\n", "c\n\nd"}));  // packed
        QCOMPARE(cut("Ab cd. Ef gh? Ij", 7, 8), (std::vector<std::string>{"Ab cd. ", "Ef gh? ", "Ij"}));
        QCOMPARE(cut("aa bb, cc dd; ee", 7, 8), (std::vector<std::string>{"aa bb, ", "cc dd; ", "ee"}));
        QCOMPARE(cut("aa bb cc", 5, 6), (std::vector<std::string>{"aa ", "bb cc"}));
        QCOMPARE(cut("aa wwwwwwwwwwww bb", 5, 6), (std::vector<std::string>{"aa ", "wwwwwwwwwwww ", "bb"}));
        QCOMPARE(cut("a\r\n \r\nb\nc", 5, 7), (std::vector<std::string>{"a\r\n \r\n", "b\nc"}));
    }

    void chunksAreTheTextAgain() {
        std::mt19937 random(3);
        const std::vector<std::string> parts{"word", "é",  "\n",   "\n\n",       " ",  "  ", ". ",  ", ",
                                             "; ",   "\t", "\r\n", "longerword", "。", "?",  "!\n", "x.y"};
        size_t nChunks = 0;
        for (int round = 0; round < 3'000; ++round) {
            std::string text;
            for (unsigned n = static_cast<unsigned>(random()) % 200; n > 0; --n) text += parts[random() % parts.size()];
            const TokenEnds ends = every(1 + random() % 5, text.size());
            const int64_t target = 1 + static_cast<int64_t>(random() % 30),
                          most = target + static_cast<int64_t>(random() % 10);
            const auto chunks = cutIntoChunks(text, ends, target, most);
            QCOMPARE(joinedChunks(chunks), text);
            size_t begin = 0;
            for (const std::string_view chunk : chunks) {
                QVERIFY(!chunk.empty());
                const size_t end = begin + chunk.size();
                // Over the limit only what has no white space inside.
                const std::string_view inner = chunk.substr(0, chunk.find_last_not_of(" \n\t\r") + 1);
                if (ends.count(begin, end) > most)
                    QVERIFY(inner.find_first_of(" \n\t\r", inner.find_first_not_of(" \n\t\r")) ==
                            std::string_view::npos);
                begin = end;
            }
            nChunks += chunks.size();
        }
        QVERIFY(nChunks > 20'000);
    }

    void chunksAreFoundAmongTokens() {
        const auto vocabulary = parseVocabulary(vocabularyText("da").value(), "da").value();
        const auto t = tokenizer();
        TaughtVocabulary small = vocabulary;
        small.chunks.targetTokens = 12;
        small.chunks.mostTokens = 16;
        const std::string document =
            "The first one. It is short.\nThe second one, é.\n\nA third, which is a bit longer.";
        const auto taught = teach(small, document + "\n\nWhich is short?", "", *t);
        QVERIFY(taught.ok());
        QVERIFY(taught->chunks.size() > 2);
        const std::string& text = taught->messages.back().text;
        QVERIFY(text.ends_with("Question: Which is short?"));
        const std::string before = "some text before: ";
        const auto ids = t->encode(before + text).value();
        std::vector<ChunkText> places = taught->chunks;
        for (ChunkText& place : places) place.begin += before.size(), place.end += before.size();
        const auto chunks = chunksAmong(ids, before + text, places, *t);
        QVERIFY2(chunks.ok(), chunks ? "" : chunks.error().toString().c_str());
        QCOMPARE(chunks->size(), places.size());
        for (size_t i = 0; i < chunks->size(); ++i) {
            const PromptChunk& chunk = (*chunks)[i];
            std::string spelled;
            for (int32_t k = chunk.begin; k < chunk.end; ++k) spelled += t->pieceBytes(ids[static_cast<size_t>(k)]);
            const std::string whole = (before + text).substr(places[i].begin, places[i].end - places[i].begin);
            QVERIFY2(whole.find(spelled) != std::string::npos && spelled.size() + 16 > whole.size(), spelled.c_str());
            QVERIFY(whole.starts_with("Chunk " + std::to_string(i + 1)));
        }
        std::string again;
        for (size_t i = 0; i < taught->chunks.size(); ++i) {
            std::string one = text.substr(taught->chunks[i].begin, taught->chunks[i].end - taught->chunks[i].begin);
            one.erase(0, ("Chunk " + std::to_string(i + 1) + ":\n").size());
            again += one.substr(0, one.size() - 2);
        }
        QCOMPARE(again, document + "\n\n");
        QVERIFY(!chunksAmong(ids, "another text", places, *t));
    }

    void prompts() {
        const auto t = tokenizer();
        const auto da = parseVocabulary(vocabularyText("da").value(), "da").value();
        const auto plain = teach(da, "Who is it?", "", *t);
        QVERIFY(plain->chunks.empty());
        QCOMPARE(plain->messages.back().text, std::string("Question: Who is it?"));
        QCOMPARE(plain->messages.front().role, ChatRole::System);
        QCOMPARE(plain->messages.size(), 2 + 2 * da.examples.size());
        QCOMPARE(teach(da, "Who?", "Be brief.", *t)->messages.front().text, std::string("Be brief."));
        QVERIFY(!teach(da, "  \n", "", *t));
        const auto memento = parseVocabulary(vocabularyText("memento").value(), "memento").value();
        QCOMPARE(teach(memento, "a\n\nb", "", *t)->messages.back().text, std::string("a\n\nb"));
        TaughtVocabulary untaught = memento;
        untaught.question.clear();
        QVERIFY(!teach(untaught, "a", "", *t));
    }

    void answers() {
        const auto tags = parseVocabulary(vocabularyText("da").value(), "da").value().tags;
        QCOMPARE(answerIn(*tags, "<local>x</local><answer> 12 </answer>"), std::string("12"));
        QCOMPARE(answerIn(*tags, "<answer>1</answer><answer>2</answer>"), std::string("2"));
        QCOMPARE(answerIn(*tags, "<answer>not ended"), std::string("not ended"));
        QCOMPARE(answerIn(*tags, "12"), std::string());
    }
};

QTEST_GUILESS_MAIN(TestVocabularyFiles)
#include "tst_vocabulary_files.moc"
