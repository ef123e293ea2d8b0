// 500 strings against the ids of the sentencepiece package (tests/fixtures/tokenizer has the recipe).
#include <QtTest>

#include <nlohmann/json.hpp>

#include "engine/model/gguf/gguf.h"
#include "engine/model/tokenizer/load_tokenizer.h"
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
