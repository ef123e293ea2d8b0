// 500 strings against the ids of the sentencepiece package (tests/fixtures/tokenizer has the recipe).
#include <sentencepiece_processor.h>

#include <QtTest>

#include <nlohmann/json.hpp>
#include <random>

#include "engine/model/gguf/gguf.h"
#include "engine/model/tokenizer/load_tokenizer.h"
#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;

namespace {

const std::string kFolder = SPANSCOPE_SOURCE_DIR "/tests/fixtures/tokenizer/";

template <class T>
T need(Result<T> result) {
    if (!result) qFatal("%s", result.error().toString().c_str());
    return std::move(*result);
}

}  // namespace

class TestTokenizerFixtures : public QObject {
    Q_OBJECT
  private slots:
    void initTestCase() {
        m_rows = nlohmann::json::parse(test::readFile(kFolder + "strings.json"));
        QCOMPARE(m_rows.size(), size_t{500});
        m_llama = need(loadSentencePiece(kFolder + "llama_like.model"));
        m_arith = need(loadSentencePiece(test::tinyTokenizerPath()));
        const std::string file = test::readFile(kFolder + "llama_like.gguf");
        const auto gguf = std::make_shared<const GgufFile>(
            need(parseGguf({reinterpret_cast<const uint8_t*>(file.data()), file.size()}, "llama_like.gguf")));
        m_gguf = need(loadTokenizer({"llama_like.gguf", gguf}, 1 << 20)).tokenizer;
    }

    void llamaLike() { compare(*m_llama, "llama_like"); }
    void arithmetic() { compare(*m_arith, "arith"); }
    void ggufVocabulary() { compare(*m_gguf, "llama_like"); }

    /// Words are encoded one by one, and those that came before not at all: the library itself is given the whole text.
    void longTexts_data() {
        QTest::addColumn<QString>("joined");  ///< a piece more, that reaches over a space
        QTest::newRow("words end at spaces") << QString();
        QTest::newRow("some do not") << "e\u2581t";
    }
    void longTexts() {
        QFETCH(QString, joined);
        auto spec = need(readModelProto(test::readFile(kFolder + "llama_like.model"), "llama_like.model"));
        if (!joined.isEmpty()) spec.pieces.push_back({joined.toStdString(), 100, PieceType::Normal});
        test::ScratchFolder folder;
        QVERIFY(test::writeFile(folder.file("tokenizer.model"), writeModelProto(spec)));
        const auto tokenizer = need(loadSentencePiece(folder.file("tokenizer.model")));
        sentencepiece::SentencePieceProcessor whole;
        QVERIFY(whole.LoadFromSerializedProto(writeModelProto(spec)).ok());
        std::mt19937 random(3);
        bool reached = false;
        for (int round = 0; round < 20; ++round) {  // the last one is worth tables of its own
            const size_t nBytes = round < 19 ? size_t(1000) << (round % 5) : 300'000;
            std::string text = round % 2 ? " " : "";
            while (text.size() < nBytes) {
                text += m_rows[random() % m_rows.size()]["text"].get<std::string>();
                text += std::array{" ", "  ", "\n", "", " the term ", "\u2581", " \u2581 ", "\xC3\xA9"}[random() % 8];
            }
            std::vector<int> expected;
            QVERIFY(whole.Encode(text, &expected).ok());
            QVERIFY(need(tokenizer->encode(text)) == expected);
            reached |= std::count(expected.begin(), expected.end(), 1000) > 0;
        }
        QCOMPARE(reached, !joined.isEmpty());
    }

    void textAfterASpecialPieceGetsNoPrefix() {
        test::ScratchFolder folder;
        QVERIFY(test::writeFile(folder.file("tokenizer.model"), test::readFile(kFolder + "llama_like.model")));
        QVERIFY(test::writeFile(folder.file("added_tokens.json"), R"({"<in>": 1000, "<out>": 1001})"));
        const auto tokenizer = need(loadSentencePiece(folder.file("tokenizer.model")));
        const auto ids = need(tokenizer->encodeTrusted("the<in>the <out>"));
        const auto the = need(m_llama->encode("the"));
        QVERIFY(std::equal(the.begin(), the.end(), ids.begin()));
        QCOMPARE(ids[the.size()], 1000);
        QCOMPARE(ids.back(), 1001);
        QCOMPARE(tokenizer->decode(ids), std::string(" the<in>the <out>"));
        for (const int32_t id : need(tokenizer->encode("the<in>the <out>"))) QVERIFY(id < 1000);
    }

    void ggufPiecesAreTheSame() {
        QCOMPARE(m_gguf->vocabSize(), m_llama->vocabSize());
        QCOMPARE(m_gguf->bosId(), m_llama->bosId());
        QCOMPARE(m_gguf->eosId(), m_llama->eosId());
        for (int32_t id = 0; id < m_llama->vocabSize(); ++id) {
            QCOMPARE(m_gguf->pieceName(id), m_llama->pieceName(id));
            QCOMPARE(m_gguf->pieceBytes(id), m_llama->pieceBytes(id));
            QCOMPARE(m_gguf->isControl(id), m_llama->isControl(id));
        }
    }

    void decodingGivesTheTextBack() {
        for (const auto& row : m_rows) {
            const std::string text = row["text"];
            if (text.find("\xE2\x96\x81") != std::string::npos) continue;  // the space mark itself is a space
            QCOMPARE(m_arith->decode(need(m_arith->encode(text))), text);
            // the dummy prefix is one space before any text
            QCOMPARE(m_llama->decode(need(m_llama->encode(text))), text.empty() ? text : " " + text);
        }
    }

    void streamingGivesTheSameText() {
        for (const auto& row : m_rows) {
            const auto ids = row["llama_like"].get<std::vector<int32_t>>();
            StreamDecoder stream(*m_llama);
            std::string text;
            for (const int32_t id : ids) text += stream.feed(id);
            QCOMPARE(text + stream.flush(), m_llama->decode(ids));
        }
    }

  private:
    void compare(const Tokenizer& tokenizer, const char* column) {
        for (size_t i = 0; i < m_rows.size(); ++i) {
            const auto expected = m_rows[i][column].get<std::vector<int32_t>>();
            const auto found = need(tokenizer.encode(m_rows[i]["text"].get<std::string>()));
            QVERIFY2(found == expected, m_rows[i]["text"].dump().c_str());
        }
    }

    nlohmann::json m_rows;
    std::shared_ptr<const Tokenizer> m_llama, m_arith, m_gguf;
};

QTEST_GUILESS_MAIN(TestTokenizerFixtures)
#include "tst_tokenizer_fixtures.moc"
