// Byte pair vocabularies against the tokenizers package, from tokenizer.json and from GGUF; what is refused; that typed
// text stays text (tests/fixtures/tokenizer has the recipe).
#include <QtTest>
#include <random>

#include "engine/model/tokenizer/bpe_merges.h"
#include "tests/model/bpe_fixtures.h"

using namespace spanscope;
using nlohmann::json;

namespace {

const std::string kFolder = SPANSCOPE_SOURCE_DIR "/tests/fixtures/tokenizer/";

template <class T>
T need(Result<T> result) {
    if (!result) qFatal("%s", result.error().toString().c_str());
    return std::move(*result);
}

/// UTF-8 of random characters, many of them from few ranges so that they combine.
std::string randomText(std::mt19937& random, size_t n) {
    std::u32string text;
    while (text.size() < n) {
        constexpr std::array<std::pair<uint32_t, uint32_t>, 8> kRanges{{{0x20, 0x7E},
                                                                        {0x61, 0x7A},
                                                                        {0, 0x1F},
                                                                        {0x80, 0x24F},
                                                                        {0x300, 0x36F},
                                                                        {0x4E00, 0x9FFF},
                                                                        {0x1F300, 0x1FAFF},
                                                                        {0xE000, 0xFFFF}}};
        const auto [low, high] = kRanges[random() % kRanges.size()];
        text += static_cast<char32_t>(low + random() % (high - low + 1));
    }
    return QString::fromUcs4(text.data(), static_cast<qsizetype>(text.size())).toStdString();
}

}  // namespace

class TestBpe : public QObject {
    Q_OBJECT
  private slots:
    void initTestCase() {
        m_fixture = test::readGzJson(kFolder + "bpe.json.gz");
        QCOMPARE(m_fixture["strings"].size(), size_t{1000});
        for (const json& one : m_fixture["vocabularies"]) m_byName[one["name"]] = one;
        QCOMPARE(m_byName.size(), size_t{17});
    }

    void sameIdsAsTheOriginal_data() {
        QTest::addColumn<QString>("name");
        for (const auto& [name, one] : m_byName) QTest::newRow(name.c_str()) << QString::fromStdString(name);
    }
    void sameIdsAsTheOriginal() {
        QFETCH(QString, name);
        const json& one = m_byName[name.toStdString()];
        compare(*need(test::openJson(one["tokenizer"], one["config"])), one);
    }

    void sameIdsFromGguf_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"llama-bpe", "qwen2", "qwen35", "smollm", "tekken", "gpt-4o", "bailingmoe",
                                 "seed-coder", "deepseek-llm", "deepseek-coder", "deepseek-v3"})
            QTest::newRow(name) << QString(name);
    }
    void sameIdsFromGguf() {
        QFETCH(QString, name);
        const json& one = m_byName[name.toStdString()];
        compare(*need(test::openGguf(one["tokenizer"], name.toStdString(), [](auto&&...) {})), one);
    }

    /// models/ggml-vocab-* of llama.cpp; fetch_vocabularies.sh gets them.
    void realVocabularies_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"llama-bpe", "qwen2", "qwen35", "gpt-2", "starcoder", "refact", "command-r", "mpt",
                                 "deepseek-llm", "deepseek-coder", "llama-spm", "phi-3"})
            QTest::newRow(name) << QString(name);
    }
    void realVocabularies() {
        QFETCH(QString, name);
        const std::string path = kFolder + "real_vocabularies/ggml-vocab-" + name.toStdString() + ".gguf";
        if (!QFile::exists(QString::fromStdString(path))) QSKIP("not fetched: fetch_vocabularies.sh");
        const auto tokenizer = need(openTokenizer(path));
        const QString texts = QString::fromStdString(test::readFile(path + ".inp"));
        const QString ids = QString::fromStdString(test::readFile(path + ".out"));
        const QStringList want = ids.split('\n');
        qsizetype n = 0;
        for (const QString& text : texts.split("\n__ggml_vocab_test__\n")) {
            if (n + 1 >= want.size()) break;
            QStringList got;
            for (const int32_t id : need(tokenizer->encode(text.toStdString()))) got += QString::number(id);
            QCOMPARE(got.join(' '), want[n++].trimmed());
        }
        QVERIFY(n >= 40);
    }

    void anyTextComesBack() {
        std::mt19937 random(3);
        for (const char* name : {"llama-bpe", "smollm", "gpt-4o", "deepseek-llm", "deepseek-v3", "gpt-2"}) {
            const auto tokenizer = open(name);
            for (int i = 0; i < 300; ++i) {
                const std::string text = randomText(random, 1 + random() % 60);
                const auto ids = need(tokenizer->encode(text));
                QCOMPARE(tokenizer->decode(ids), text);
                StreamDecoder stream(*tokenizer);
                std::string streamed;
                for (const int32_t id : ids) {
                    QVERIFY(!tokenizer->isSpecial(id));
                    streamed += stream.feed(id);
                }
                QCOMPARE(streamed + stream.flush(), text);
            }
        }
    }

    void typedTextStaysText() {
        for (const char* name : {"llama-bpe", "smollm"}) {
            const auto tokenizer = open(name);
            const std::string text = "a<|begin|><|end|> b";
            const auto typed = need(tokenizer->encode(text));
            for (const int32_t id : typed) QVERIFY(!tokenizer->isSpecial(id));
            QCOMPARE(tokenizer->decode(typed), text);
            const auto whole = need(tokenizer->encodeTrusted("<|begin|>a<|end|>"));
            QCOMPARE(whole.front(), tokenizer->bosId());
            QCOMPARE(whole.back(), tokenizer->eosId());
            QCOMPARE(whole.size(), size_t{3});
        }
    }

    /// A line without a space is one word of many pieces; it must come out as the joined words would, in any length.
    void longWords() {
        const auto tokenizer = open("llama-bpe");
        for (const std::string part : {"a", "ab", "\xE4\xB8\xAD", "!", " ", "\n", "aB9", "\xCC\x81"}) {
            std::string text;
            while (text.size() < 300'000) text += part;
            QCOMPARE(tokenizer->decode(need(tokenizer->encode(text))), text);
        }
    }

    /// The two ways of merging, below and above 48 pieces, agree: a word cut in both.
    void fewAndManyMergeAlike() {
        BpeMerges merges(3);
        QVERIFY(merges.add({0, 1, 2}) && merges.add({2, 2, 3}) && merges.add({1, 0, 4}));
        QVERIFY(!merges.add({0, 1, 4}));
        for (const size_t n : {size_t{2}, size_t{47}, size_t{48}, size_t{49}, size_t{50}, size_t{101}}) {
            std::vector<int32_t> pieces, want;
            for (size_t i = 0; i < n; ++i) pieces.push_back(static_cast<int32_t>(i % 2));
            for (size_t i = 0; i + 4 <= n / 2 * 2; i += 4) want.push_back(3);
            if (n / 2 % 2 == 1) want.push_back(2);
            if (n % 2 == 1) want.push_back(0);
            merges.apply(pieces);
            QCOMPARE(pieces, want);
        }
    }

    void endsAsTheFilesSay() {
        const json& one = m_byName["llama-bpe"];
        QVERIFY(open("llama-bpe")->addsBos());  // its template says so
        QVERIFY(!open("llama-bpe")->addsEos());
        QVERIFY(!open("qwen2")->addsBos());
        json config = one["config"];
        config["add_bos_token"] = false;
        config["add_eos_token"] = true;
        const auto tokenizer = need(test::openJson(one["tokenizer"], config));
        QVERIFY(!tokenizer->addsBos() && tokenizer->addsEos());
        const auto missing = test::openJson(m_byName["qwen2"]["tokenizer"], {{"add_bos_token", true}});
        QVERIFY(!missing);
        QCOMPARE(missing.error().field, std::string("add_bos_token"));

        for (const int says : {-1, 0, 1}) {
            const auto gguf = need(test::openGguf(one["tokenizer"], "llama-bpe", [says](auto& file, auto&, auto&) {
                file.number("tokenizer.ggml.bos_token_id", 1);
                file.number("tokenizer.ggml.eos_token_id", 0);
                if (says >= 0) file.boolean("tokenizer.ggml.add_bos_token", says == 1);
            }));
            QCOMPARE(gguf->addsBos(), says != 0);  // the habit of this kind
            QCOMPARE(gguf->bosId(), 1);
        }
        const auto none = need(test::openGguf(one["tokenizer"], "llama-bpe", [](auto&&...) {}));
        QCOMPARE(none->bosId(), -1);  // no id is made up
        QVERIFY(!none->addsBos());
    }

    void idsWithoutAPiece() {
        const auto tokenizer =
            need(test::openGguf(m_byName["smollm"]["tokenizer"], "smollm", [](auto&, auto& tokens, auto& types) {
                tokens.push_back("[PAD" + std::to_string(tokens.size()) + "]");
                types.push_back(1);
            }));
        const int32_t hole = tokenizer->vocabSize() - 1;
        QCOMPARE(std::vector<int32_t>(tokenizer->holes().begin(), tokenizer->holes().end()),
                 std::vector<int32_t>{hole});
        const std::string shown = "<id " + std::to_string(hole) + ">";
        QCOMPARE(tokenizer->decode(std::vector<int32_t>{hole}), shown);
        StreamDecoder stream(*tokenizer);
        QCOMPARE(stream.feed(hole), shown);
    }

    void protocolOnReservedTokens() {
        json tokenizer = m_byName["llama-bpe"]["tokenizer"], pieces;
        const size_t first = tokenizer["model"]["vocab"].size();
        for (size_t i = 0; i < kSpecialPieces.size(); ++i) {
            const std::string token = "<|reserved_" + std::to_string(i) + "|>";
            json added = tokenizer["added_tokens"][0];
            added["id"] = first + i;
            added["content"] = token;
            tokenizer["added_tokens"].push_back(added);
            pieces[std::string(kSpecialPieces[i])] = token;
        }
        const json& config = m_byName["llama-bpe"]["config"];
        const json card{{"protocol_version", 1}, {"pieces", pieces}};
        const auto spoken = need(test::openJson(tokenizer, config, card));
        const PieceIds ids = spoken->pieceIds();
        QVERIFY(ids.complete());
        QCOMPARE(ids.in, static_cast<int32_t>(first));
        QCOMPARE(spoken->pieceName(ids.attend), std::string("<attend>"));
        QCOMPARE(spoken->idOf("<|reserved_3|>"), -1);
        for (const int32_t id : need(spoken->encode("<attend> <|reserved_3|>"))) QVERIFY(!spoken->isSpecial(id));

        // no piece reaches over a line end, and labels are digits
        QVERIFY(!spoken->lineEndPieces().empty());
        const std::string text = "<in>127<:>x = 127;\n\n    y}\n<out>40<:><attend><in>127<:></attend>8\n";
        const auto trusted = need(spoken->encodeTrusted(text));
        QCOMPARE(spoken->decode(trusted), text);
        for (size_t i = 0; i < trusted.size(); ++i) {
            const std::string bytes = spoken->pieceBytes(trusted[i]);
            if (bytes.find('\n') != std::string::npos) QCOMPARE(trusted[i], ids.newline);
            if (trusted[i] != ids.in && trusted[i] != ids.out) continue;
            for (++i; trusted[i] != ids.colon; ++i) QVERIFY(ids.digitOf(trusted[i]) >= 0);
        }
        const auto plain = need(need(test::openJson(tokenizer, config))->encodeTrusted("x;\n\n    y}\n"));
        QVERIFY(plain.size() < need(spoken->encodeTrusted("x;\n\n    y}\n")).size());  // else nothing was cut

        // what cannot carry a piece
        for (const auto& [token, message] : {std::pair{"e", "this token cannot carry a piece of the protocol"},
                                             {"<|begin|>", "this token cannot carry a piece of the protocol"},
                                             {"<|nobody|>", "no such token to carry a piece of the protocol"}}) {
            json wrong = card;
            wrong["pieces"]["<in>"] = token;
            const auto refused = test::openJson(tokenizer, config, wrong);
            QVERIFY(!refused);
            QCOMPARE(refused.error().message, std::string(message));
            QCOMPARE(refused.error().field, std::string("<in>"));
        }
        json twice = card;
        twice["pieces"]["<in>"] = twice["pieces"]["<out>"];
        QCOMPARE(test::openJson(tokenizer, config, twice).error().message, std::string("one token for two pieces"));
    }

    void whatIsNotUnderstoodIsNamed_data() {
        QTest::addColumn<QString>("pointer");
        QTest::addColumn<QString>("value");
        QTest::addColumn<QString>("field");
        const auto row = [](const char* name, const char* pointer, const char* value, const char* field) {
            QTest::newRow(name) << QString(pointer) << QString(value) << QString(field);
        };
        row("lower case", "/normalizer", R"({"type": "Lowercase"})", "normalizer");
        row("one of several", "/normalizer",
            R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "NFD"}]})", "normalizer.normalizers[1]");
        row("expression", "/pre_tokenizer/pretokenizers/0/pattern/Regex", R"("\\w+|\\W+")",
            "pre_tokenizer.pretokenizers[0].pattern");
        row("behaviour", "/pre_tokenizer/pretokenizers/0/behavior", R"("MergedWithNext")",
            "pre_tokenizer.pretokenizers[0].behavior");
        row("prefix", "/pre_tokenizer/pretokenizers/1/add_prefix_space", "true",
            "pre_tokenizer.pretokenizers[1].add_prefix_space");
        row("pre-tokenizer", "/pre_tokenizer", R"({"type": "BertPreTokenizer"})", "pre_tokenizer");
        row("none", "/pre_tokenizer", "null", "decoder");
        row("post-processor", "/post_processor", R"({"type": "RobertaProcessing", "sep": ["a", 1], "cls": ["b", 2]})",
            "post_processor");
        row("decoder", "/decoder", R"({"type": "WordPiece"})", "decoder");
        row("model", "/model/type", R"("WordPiece")", "model.type");
        row("dropout", "/model/dropout", "0.1", "model.dropout");
        row("affix", "/model/end_of_word_suffix", R"("</w>")", "model.end_of_word_suffix");
        row("new field", "/model/new_idea", "1", "model.new_idea");
        row("new part", "/new_part", "{}", "tokenizer.new_part");
        row("single word", "/added_tokens/0/single_word", "true", "added_tokens[0].single_word");
        row("vocabulary", "/model/vocab", "[1]", "model.vocab[0]");
        row("no id", "/model/vocab/e", "-1", "model.vocab[");
        row("same id", "/model/vocab/e", "5", "model.vocab[");
        row("far id", "/model/vocab/e", "4000000", "model.vocab[");
        row("merge", "/model/merges/3", R"(["e", "nowhere"])", "model.merges[3]");
        row("merge of three", "/model/merges/3", R"(["e", "n", "t"])", "model.merges[3]");
        row("merge twice", "/model/merges/1", R"(["e", "n"])", "merges[");
        row("no model", "/model", "[]", "model");
    }
    void whatIsNotUnderstoodIsNamed() {
        QFETCH(QString, pointer);
        QFETCH(QString, value);
        QFETCH(QString, field);
        json tokenizer = m_byName["llama-bpe"]["tokenizer"];
        tokenizer["model"]["merges"][0] = {"e", "n"};
        tokenizer["model"]["vocab"]["en"] = tokenizer["model"]["vocab"].size();
        tokenizer[json::json_pointer(pointer.toStdString())] = json::parse(value.toStdString());
        const auto refused = test::openJson(tokenizer, m_byName["llama-bpe"]["config"]);
        QVERIFY(!refused);
        QVERIFY2(refused.error().field.starts_with(field.toStdString()), refused.error().toString().c_str());
        QVERIFY(refused.error().file.ends_with("tokenizer.json"));
        QVERIFY(refused.error().code == ErrorCode::Unsupported || refused.error().code == ErrorCode::Format);
    }

    void ggufRefusals() {
        const json& tokenizer = m_byName["smollm"]["tokenizer"];
        const auto refused = [&](const char* pre, const auto& change) {
            const auto opened = test::openGguf(tokenizer, pre, change);
            return opened ? Error{ErrorCode::Io, "opened"} : opened.error();
        };
        const Error unknown = refused("brand-new", [](auto&&...) {});
        QCOMPARE(unknown.code, ErrorCode::Unsupported);
        QCOMPARE(unknown.field, std::string("tokenizer.ggml.pre"));
        QCOMPARE(unknown.found, std::string("brand-new"));
        const Error twice = refused("smollm", [](auto&, auto& tokens, auto&) { tokens[300] = tokens[290]; });
        QCOMPARE(twice.message, std::string("the same piece twice"));
        QCOMPARE(twice.field, std::string("tokenizer.ggml.tokens[300]"));
        const Error merge = refused("smollm", [](auto&, auto& tokens, auto&) { tokens[300] = "elsewhere"; });
        QVERIFY(merge.field.starts_with("tokenizer.ggml.merges["));
        const Error type = refused("smollm", [](auto&, auto&, auto& types) { types[7] = 9; });
        QCOMPARE(type.field, std::string("tokenizer.ggml.token_type[7]"));
    }

    /// GGUF files of Gemma hold runs of spaces as spaces, where sentencepiece has its mark.
    void runsOfSpaces() {
        test::GgufWriter gguf;
        gguf.text("tokenizer.ggml.model", "llama");
        gguf.texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>", "\xE2\x96\x81", "a", "  ", "    "});
        gguf.numbers("tokenizer.ggml.token_type", {2, 3, 3, 1, 1, 4, 4});
        gguf.numbers("tokenizer.ggml.scores", {0, 0, 0, -1, -2, -3, -4});
        const std::string file = gguf.file();
        auto parsed = parseGguf({reinterpret_cast<const uint8_t*>(file.data()), file.size()}, "spaces.gguf");
        QVERIFY(parsed);
        const auto loaded =
            loadTokenizer({"spaces.gguf", std::make_shared<const GgufFile>(std::move(*parsed))}, 1 << 10);
        QVERIFY2(loaded, loaded ? "" : loaded.error().toString().c_str());
        const auto ids = loaded->tokenizer->encode("a    a  a");
        QVERIFY(ids);
        QCOMPARE(*ids, (std::vector<int32_t>{3, 4, 6, 4, 5, 4}));
        QCOMPARE(loaded->tokenizer->pieceBytes(6), std::string("    "));
    }

    /// Merges as older files write them.
    void mergesAsText() {
        json one = m_byName["qwen2"];
        for (json& merge : one["tokenizer"]["model"]["merges"])
            merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
        one["tokenizer"]["model"].erase("type");
        compare(*need(test::openJson(one["tokenizer"], one["config"])), one);
    }

    void brokenLinksAreNamed() {
        const test::ScratchFolder folder;
        QVERIFY(test::writeFile(folder.file("tokenizer.json"), m_byName["qwen2"]["tokenizer"].dump()));
        QVERIFY(QFile::link("/nowhere/blob", QString::fromStdString(folder.file("tokenizer_config.json"))));
        const auto opened = openTokenizer(folder.path());
        QVERIFY(!opened);
        QCOMPARE(opened.error().field, std::string("link"));
        QVERIFY(opened.error().found.find("/nowhere/blob") != std::string::npos);
    }

  private:
    std::shared_ptr<const Tokenizer> open(const std::string& name) {
        return need(test::openJson(m_byName[name]["tokenizer"], m_byName[name]["config"]));
    }

    void compare(const Tokenizer& tokenizer, const json& one) {
        const json& strings = m_fixture["strings"];
        const auto ties =
            std::count_if(one["hashes"].begin(), one["hashes"].end(), [](const json& hash) { return hash.is_null(); });
        QVERIFY(ties <= (one["name"] == "unigram" ? 80 : 0));
        for (size_t i = 0; i < strings.size(); ++i) {
            if (one["hashes"][i].is_null()) continue;
            const auto ids = need(tokenizer.encode(strings[i].get<std::string>()));
            if (i < one["shown"].size()) QCOMPARE(ids, one["shown"][i].get<std::vector<int32_t>>());
            QVERIFY2(test::hashOfIds(ids) == one["hashes"][i].get<uint32_t>(),
                     (std::to_string(i) + ": " + strings[i].dump()).c_str());
        }
    }

    json m_fixture;
    std::map<std::string, json> m_byName;
};

QTEST_GUILESS_MAIN(TestBpe)
#include "tst_bpe.moc"
