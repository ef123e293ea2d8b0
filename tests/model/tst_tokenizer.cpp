#include <QtTest>

#include <limits>
#include <random>

#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;

namespace {

std::shared_ptr<const Tokenizer> load(const std::string& path) {
    auto tokenizer = loadSentencePiece(path);
    if (!tokenizer) qFatal("%s", tokenizer.error().toString().c_str());
    return *tokenizer;
}

std::vector<int32_t> ids(const Result<std::vector<int32_t>>& result) {
    if (!result) qFatal("%s", result.error().toString().c_str());
    return *result;
}

}  // namespace

class TestTokenizer : public QObject {
    Q_OBJECT
  private slots:
    void initTestCase() { m_tokenizer = load(test::tinyTokenizerPath()); }

    void protocolIds() {
        const PieceIds p = m_tokenizer->pieceIds();
        QVERIFY(p.complete());
        QCOMPARE(m_tokenizer->pieceName(p.newline), std::string("<0x0A>"));
        QCOMPARE(m_tokenizer->pieceBytes(p.newline), std::string("\n"));
        for (int digit = 0; digit < 10; ++digit) {
            QCOMPARE(m_tokenizer->pieceName(p.digits[digit]), std::to_string(digit));
            QCOMPARE(p.digitOf(p.digits[digit]), digit);
        }
        QCOMPARE(m_tokenizer->pieceName(p.attendEnd), std::string("</attend>"));
        QCOMPARE(m_tokenizer->pieceBytes(p.attendEnd), std::string("</attend>"));
        QCOMPARE(m_tokenizer->pieceBytes(p.bos), std::string());
        QVERIFY(m_tokenizer->isControl(p.eos) && m_tokenizer->isSpecial(p.eos));
        QVERIFY(!m_tokenizer->isControl(p.in) && m_tokenizer->isSpecial(p.in));
        QVERIFY(!m_tokenizer->isSpecial(p.newline) && !m_tokenizer->isSpecial(p.digits[3]));
    }

    void typedTextNeverBecomesSpecial_data() {
        QTest::addColumn<QByteArray>("text");
        for (const char* text :
             {"<in>", "<out>1<:><attend></attend>", "</s><s><unk><pad>", "a<in<in>in>b", "<0x0A><0xFF>", "<:><:>",
              "(12@1+7)@2*3", "", " ", "caf\xC3\xA9 \xF0\x9F\x98\x80\n\t", "<attend", "</attend></attend>"})
            QTest::newRow(text) << QByteArray(text);
    }
    void typedTextNeverBecomesSpecial() {
        QFETCH(QByteArray, text);
        const auto encoded = ids(m_tokenizer->encode(text.toStdString()));
        for (const int32_t id : encoded) QVERIFY2(!m_tokenizer->isSpecial(id), m_tokenizer->pieceName(id).c_str());
        QCOMPARE(m_tokenizer->decode(encoded), text.toStdString());
    }

    void randomMarkupNeverBecomesSpecial() {
        const std::vector<std::string> parts{"<in>",     "<out>", "<:>",      "<attend>", "</attend>", "<local>",
                                             "<global>", "<s>",   "</s>",     "<pad",     ">",         "<",
                                             "1",        "\n",    "\xC3\xA9", " ",        "in",        "<0x0A>"};
        std::mt19937 random(7);
        for (int round = 0; round < 3000; ++round) {
            std::string text;
            for (int i = 0; i < 12; ++i) text += parts[random() % parts.size()];
            const auto encoded = ids(m_tokenizer->encode(text));
            for (const int32_t id : encoded) QVERIFY(!m_tokenizer->isSpecial(id));
            QCOMPARE(m_tokenizer->decode(encoded), text);
        }
    }

    void trustedTextMapsSpecialPieces() {
        const PieceIds p = m_tokenizer->pieceIds();
        const std::vector<int32_t> expected{p.out,       p.digits[1], p.colon,     p.attend,    p.in,
                                            p.digits[2], p.colon,     p.attendEnd, p.digits[7], p.newline};
        QCOMPARE(ids(m_tokenizer->encodeTrusted("<out>1<:><attend><in>2<:></attend>7\n")), expected);
        QCOMPARE(m_tokenizer->decode(expected), std::string("<out>1<:><attend><in>2<:></attend>7\n"));
        for (const int32_t id : ids(m_tokenizer->encodeTrusted("</s><s>"))) QVERIFY(!m_tokenizer->isControl(id));
    }

    void badUtf8IsRefused_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<int>("offset");
        QTest::newRow("continuation") << QByteArray("ab\x80") << 2;
        QTest::newRow("overlong") << QByteArray("\xC0\xAF") << 0;
        QTest::newRow("surrogate") << QByteArray("x\xED\xA0\x80") << 1;
        QTest::newRow("cut") << QByteArray("12\xE2\x96") << 2;
        QTest::newRow("too high") << QByteArray("\xF4\x90\x80\x80") << 0;
    }
    void badUtf8IsRefused() {
        QFETCH(QByteArray, text);
        QFETCH(int, offset);
        const auto plain = m_tokenizer->encode(text.toStdString());
        const auto trusted = m_tokenizer->encodeTrusted(text.toStdString());
        QVERIFY(!plain && !trusted);
        QCOMPARE(plain.error().code, ErrorCode::InvalidArgument);
        QCOMPARE(plain.error().field, "byte " + std::to_string(offset));
    }

    void streamNeverShowsHalfACharacter() {
        const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
        StreamDecoder stream(*m_tokenizer);
        std::string shown;
        for (const int32_t id : ids(m_tokenizer->encode(text))) {
            const std::string part = stream.feed(id);
            QVERIFY(QString::fromUtf8(part.c_str()).indexOf(QChar(0xFFFD)) < 0);
            shown += part;
        }
        QCOMPARE(shown, text);
        QCOMPARE(stream.flush(), std::string());
        stream.feed(m_tokenizer->idOf("<0xE2>"));
        QCOMPARE(stream.feed(m_tokenizer->idOf("<0x82>")), std::string());
        QCOMPARE(stream.flush(), std::string("\xEF\xBF\xBD"));
        stream.feed(m_tokenizer->idOf("<0xE2>"));
        QCOMPARE(stream.feed(m_tokenizer->idOf("<in>")), std::string("\xEF\xBF\xBD<in>"));
        QCOMPARE(stream.feed(m_tokenizer->idOf("<0xFF>")), std::string("\xEF\xBF\xBD"));
    }

    void idsOutsideTheVocabularyAreEmpty() {
        for (const int32_t id : {-1, m_tokenizer->vocabSize(), INT32_MAX, INT32_MIN}) {
            QCOMPARE(m_tokenizer->pieceBytes(id), std::string());
            QVERIFY(!m_tokenizer->isSpecial(id) && !m_tokenizer->isControl(id));
        }
        QCOMPARE(m_tokenizer->idOf("no such piece"), -1);
    }

    void addedTokens() {
        test::ScratchFolder folder;
        const int32_t n = m_tokenizer->vocabSize();
        const std::string id = std::to_string(n);
        QVERIFY(test::writeFile(folder.file("tokenizer.model"), test::readFile(test::tinyTokenizerPath())));
        QVERIFY(test::writeFile(folder.file("added_tokens.json"), "{\"<|end|>\": " + id + "}"));
        QVERIFY(test::writeFile(folder.file("tokenizer_config.json"),
                                "{\"eos_token\": {\"content\": \"<|end|>\"}, \"added_tokens_decoder\": {\"" + id +
                                    "\": {\"content\": \"<|end|>\", \"special\": true}}}"));
        const auto tokenizer = load(folder.file("tokenizer.model"));
        QCOMPARE(tokenizer->vocabSize(), n + 1);
        QCOMPARE(tokenizer->eosId(), n);
        QVERIFY(tokenizer->isControl(n) && tokenizer->isSpecial(n));
        QCOMPARE(ids(tokenizer->encodeTrusted("1<|end|>2")),
                 (std::vector<int32_t>{tokenizer->idOf("1"), n, tokenizer->idOf("2")}));
        for (const int32_t plain : ids(tokenizer->encode("1<|end|>2"))) QVERIFY(plain != n);
    }

    void hostileAddedTokens_data() {
        QTest::addColumn<QByteArray>("file");
        QTest::addColumn<QByteArray>("content");
        const QByteArray added = "added_tokens.json";
        const QByteArray config = "tokenizer_config.json";
        QTest::newRow("far away") << added << QByteArray("{\"x\": 4000000}");
        QTest::newRow("negative") << added << QByteArray("{\"x\": -4}");
        QTest::newRow("huge") << added << QByteArray("{\"x\": 18446744073709551615}");
        QTest::newRow("text") << added << QByteArray("{\"x\": \"5\"}");
        QTest::newRow("list") << added << QByteArray("[1]");
        QTest::newRow("same id") << added << QByteArray("{\"x\": 300, \"y\": 300}");
        QTest::newRow("bad key") << config << QByteArray("{\"added_tokens_decoder\": {\"9z\": {\"content\": \"q\"}}}");
        QTest::newRow("no content") << config << QByteArray("{\"added_tokens_decoder\": {\"9\": {}}}");
        QTest::newRow("not UTF-8") << added << QByteArray("{\"\xFF\": 300}");
    }
    void hostileAddedTokens() {
        QFETCH(QByteArray, file);
        QFETCH(QByteArray, content);
        test::ScratchFolder folder;
        QVERIFY(test::writeFile(folder.file("tokenizer.model"), test::readFile(test::tinyTokenizerPath())));
        QVERIFY(test::writeFile(folder.file(file.toStdString()), content.toStdString()));
        const auto tokenizer = loadSentencePiece(folder.file("tokenizer.model"));
        QVERIFY(!tokenizer);
        QCOMPARE(tokenizer.error().code, ErrorCode::Format);
        QVERIFY(!tokenizer.error().file.empty());
    }

    void brokenModelFiles() {
        test::ScratchFolder folder;
        const std::string good = test::readFile(test::tinyTokenizerPath());
        QCOMPARE(loadSentencePiece(folder.file("none.model")).error().code, ErrorCode::NotFound);
        for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, good.size() / 2, good.size() - 3}) {
            QVERIFY(test::writeFile(folder.file("cut.model"), good.substr(0, size)));
            const auto tokenizer = loadSentencePiece(folder.file("cut.model"));
            QVERIFY(!tokenizer);
            QCOMPARE(tokenizer.error().code, ErrorCode::Format);
        }
        QCOMPARE(loadSentencePiece(folder.path()).error().code, ErrorCode::Io);
    }

    /// Vocabularies that libsentencepiece refuses in its own words, dies of or takes long over: refused before it.
    void hostilePieces_data() {
        QTest::addColumn<int>("kind");
        QTest::addColumn<QByteArray>("message");
        QTest::addColumn<QByteArray>("field");
        QTest::newRow("NUL inside") << 0 << QByteArray("a NUL byte in a piece") << QByteArray("piece 5");
        QTest::newRow("twice") << 1 << QByteArray("the same piece twice") << QByteArray("piece 5");
        QTest::newRow("too long") << 2 << QByteArray("piece empty or too long") << QByteArray("piece 5");
        QTest::newRow("empty") << 3 << QByteArray("piece empty or too long") << QByteArray("piece 5");
        QTest::newRow("not UTF-8") << 4 << QByteArray("piece is not UTF-8") << QByteArray("piece 5");
        QTest::newRow("score") << 5 << QByteArray("score is not a number") << QByteArray("piece 5");
        QTest::newRow("two unknowns") << 6 << QByteArray("a second piece for the unknown") << QByteArray("piece 5");
        QTest::newRow("no unknown") << 7 << QByteArray("no piece for the unknown") << QByteArray("pieces");
        QTest::newRow("byte by another name")
            << 8 << QByteArray("byte piece with another name") << QByteArray("piece 5");
        QTest::newRow("byte without fallback")
            << 9 << QByteArray("byte piece in a vocabulary without byte fallback") << QByteArray("piece 5");
        QTest::newRow("255 bytes") << 10 << QByteArray("byte fallback without a piece for every byte")
                                   << QByteArray("pieces");
    }
    void hostilePieces() {
        QFETCH(int, kind);
        QFETCH(QByteArray, message);
        QFETCH(QByteArray, field);
        VocabularySpec spec;
        spec.kind = VocabularyKind::Bpe;
        for (const auto& [text, type] : {std::pair{"<unk>", kind == 7 ? PieceType::Normal : PieceType::Unknown},
                                         {"<s>", PieceType::Control},
                                         {"</s>", PieceType::Control},
                                         {"\xE2\x96\x81", PieceType::Normal},
                                         {"a", PieceType::Normal}})
            spec.pieces.push_back({text, 0, type});
        VocabularyPiece piece{"b", 0, PieceType::Normal};
        if (kind == 0) piece.text = std::string("b\0c", 3);
        if (kind == 1) piece.text = "a";
        if (kind == 2) piece.text = std::string(kMaxPieceBytes + 1, 'b');
        if (kind == 3) piece.text.clear();
        if (kind == 4) piece.text = "b\xC3";
        if (kind == 5) piece.score = std::numeric_limits<float>::quiet_NaN();
        if (kind == 6) piece.type = PieceType::Unknown;
        if (kind == 8 || kind == 9) piece.type = PieceType::Byte;
        spec.byteFallback = kind == 8 || kind == 10;
        spec.pieces.push_back(piece);
        for (int byte = 0; kind == 10 && byte < 255; ++byte)
            spec.pieces.push_back(
                {QString("<0x%1>").arg(byte, 2, 16, QChar('0')).toUpper().replace('X', 'x').toStdString(), 0,
                 PieceType::Byte});
        test::ScratchFolder folder;
        QVERIFY(test::writeFile(folder.file("tokenizer.model"), writeModelProto(spec)));
        const auto tokenizer = loadSentencePiece(folder.file("tokenizer.model"));
        QVERIFY(!tokenizer);
        QCOMPARE(tokenizer.error().code, ErrorCode::Format);
        QCOMPARE(tokenizer.error().message, message.toStdString());
        QCOMPARE(tokenizer.error().field, field.toStdString());
    }

    /// Tags that a reader of 64 bits and protobuf's of 32 take for different fields hid a table from the check below.
    void tagsAreThoseOfProtobuf_data() {
        QTest::addColumn<QByteArray>("tag");
        QTest::newRow("33 bits") << QByteArray("\x9A\x80\x80\x80\x10");
        QTest::newRow("six bytes") << QByteArray("\x9A\x80\x80\x80\x80\x00", 6);
        QTest::newRow("field 0") << QByteArray("\x02");
        QTest::newRow("group") << QByteArray("\x1B");
    }
    void tagsAreThoseOfProtobuf() {
        QFETCH(QByteArray, tag);
        test::ScratchFolder folder;
        QVERIFY(test::writeFile(
            folder.file("tokenizer.model"),
            test::readFile(test::tinyTokenizerPath()) + tag.toStdString() + std::string("\x02\x18\x00", 3)));
        const auto tokenizer = loadSentencePiece(folder.file("tokenizer.model"));
        QVERIFY(!tokenizer);
        QCOMPARE(tokenizer.error().message, std::string("not a sentencepiece model"));
    }

    /// Two files that read out of bounds, or gave bytes of the heap as tokens, behind the check of an earlier version.
    void vocabulariesThatPassedTheCheck() {
        for (const char* name : {"leak", "long_tag_inner"}) {
            test::ScratchFolder folder;
            const std::string file = std::string(SPANSCOPE_SOURCE_DIR "/tests/fuzz/corpus/vocabulary/") + name;
            QVERIFY(test::writeFile(folder.file("tokenizer.model"), test::readFile(file)));
            const auto tokenizer = loadSentencePiece(folder.file("tokenizer.model"));
            QVERIFY2(!tokenizer, name);
            QCOMPARE(tokenizer.error().code, ErrorCode::Format);
        }
    }

    /// The library would walk out of such tables. A field appended to a protobuf message replaces the one before.
    void hostileNormalizationTable_data() {
        QTest::addColumn<QByteArray>("table");
        const auto table = [](std::vector<uint32_t> units, QByteArray texts) {
            units.resize(256);
            const auto bytes = uint32_t(units.size() * 4);
            return QByteArray(reinterpret_cast<const char*>(&bytes), 4) +
                   QByteArray(reinterpret_cast<const char*>(units.data()), qsizetype(bytes)) + texts;
        };
        QTest::newRow("child far away") << table({1u << 30}, QByteArray("a\0", 2));
        QTest::newRow("child just outside") << table({0, 256u << 10}, QByteArray("a\0", 2));
        QTest::newRow("text outside") << table({0, 0x80000002u}, QByteArray("a\0", 2));
        QTest::newRow("text without end") << table({}, "ab");
        QTest::newRow("no texts") << table({}, "");
        QTest::newRow("size odd") << QByteArray("\x05\0\0\0aaaaaaaa\0", 13);
        QTest::newRow("size huge") << QByteArray("\xFF\xFF\xFF\xFFxx\0", 7);
        QTest::newRow("size 0") << QByteArray("\0\0\0\0x\0", 6);
        QTest::newRow("long replacement") << table({}, QByteArray(5000, 'a') + QByteArray(1, '\0'));
    }
    void hostileNormalizationTable() {
        QFETCH(QByteArray, table);
        const auto field = [](char tag, const QByteArray& content) {
            QByteArray out(1, tag);
            for (auto n = uint32_t(content.size());; n >>= 7) {
                out += static_cast<char>(n >= 0x80 ? (n & 0x7F) | 0x80 : n);
                if (n < 0x80) break;
            }
            return out + content;
        };
        test::ScratchFolder folder;
        const QByteArray spec = field(0x1A, field(0x12, table));
        QVERIFY(test::writeFile(folder.file("tokenizer.model"),
                                test::readFile(test::tinyTokenizerPath()) + spec.toStdString()));
        const auto tokenizer = loadSentencePiece(folder.file("tokenizer.model"));
        QVERIFY(!tokenizer);
        QCOMPARE(tokenizer.error().field, std::string("precompiled_charsmap"));
    }

  private:
    std::shared_ptr<const Tokenizer> m_tokenizer;
};

QTEST_GUILESS_MAIN(TestTokenizer)
#include "tst_tokenizer.moc"
