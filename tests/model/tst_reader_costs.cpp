// Files that are small to write and were dear to read: each costs what it is long, in time and in memory.
#include <QtTest>

#include "engine/model/card.h"
#include "engine/model/hf/safetensors.h"
#include "engine/model/model.h"
#include "engine/model/model_config.h"
#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/trace/trace.h"
#include "engine/types/run_diff.h"
#include "tests/costs.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;

namespace {

std::string wire(char tag, const std::string& content) {
    std::string out(1, tag);
    for (size_t n = content.size();; n >>= 7) {
        out += static_cast<char>(n >= 0x80 ? (n & 0x7F) | 0x80 : n);
        if (n < 0x80) break;
    }
    return out + content;
}

VocabularySpec smallVocabulary() {
    VocabularySpec spec;
    spec.kind = VocabularyKind::Bpe;
    for (const auto& [text, type] : {std::pair{"<unk>", PieceType::Unknown},
                                     {"<s>", PieceType::Control},
                                     {"</s>", PieceType::Control},
                                     {"\xE2\x96\x81", PieceType::Normal},
                                     {"a", PieceType::Normal}})
        spec.pieces.push_back({text, -static_cast<float>(spec.pieces.size()), type});
    return spec;
}

std::string objects(size_t n, const std::string& each) {
    std::string s;
    for (size_t i = 0; i < n; ++i) s += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":" + each;
    return s;
}

/// A trace of one run, one mask of n intervals that n / 8 steps name.
std::string traceOfLongMask(size_t n) {
    std::string s =
        "{\"spantrace\":1,\"min_reader\":1}\n{\"t\":\"run\",\"run\":0}\n{\"t\":\"mask\",\"run\":0,\"mask\":0,"
        "\"intervals\":[";
    for (size_t i = 0; i < n; ++i)
        s += (i > 0 ? ",[" : "[") + std::to_string(2 * i) + "," + std::to_string(2 * i + 1) + "]";
    s += "]}\n";
    for (size_t i = 0; i < n / 8; ++i) {
        const std::string number = std::to_string(i);
        s += "{\"t\":\"step\",\"run\":0,\"i\":" + number + ",\"position\":" + number +
             ",\"id\":1,\"text\":\"x\",\"phase\":\"free\",\"attended\":" + std::to_string(i / 2 + 1) +
             ",\"read\":" + std::to_string(i + 1) + ",\"mask\":0}\n";
    }
    return s;
}

}  // namespace

class TestReaderCosts : public QObject {
    Q_OBJECT
  private slots:
    void json_data() {
        QTest::addColumn<int>("reader");
        QTest::newRow("config.json") << 0;
        QTest::newRow("spanscope.json") << 1;
        QTest::newRow("safetensors header") << 2;
        QTest::newRow("tokenizer_config.json") << 3;
        QTest::newRow("added_tokens.json") << 4;
    }
    void json() {
        QFETCH(int, reader);
        test::ScratchFolder folder;
        QVERIFY(test::writeFile(folder.file("tokenizer.model"), writeModelProto(smallVocabulary())));
        const auto text = [reader](size_t n) {
            if (reader == 2) {
                const std::string header =
                    "{" + objects(n, "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}") + "}";
                std::string file(8, '\0');
                for (size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);
                return file + header;
            }
            if (reader == 3) return "{\"added_tokens_decoder\":{}," + objects(n, "{\"x\":{}}") + "}";
            std::string s = "{";
            for (size_t i = 0; reader == 4 && i < n; ++i)
                s += (i > 0 ? ",\"t" : "\"t") + std::to_string(i) + "\":" + std::to_string(5 + i);
            return s + (reader == 4 ? "" : "\"x\":{" + objects(n, "{}") + "}") + "}";
        };
        const auto read = [&](const std::string& s) {
            std::string card;
            if (reader == 0) static_cast<void>(parseHfConfig(s, "config.json"));
            if (reader == 1) static_cast<void>(parseCard(s, "spanscope.json", card));
            if (reader == 2 &&
                !parseSafetensors({reinterpret_cast<const uint8_t*>(s.data()), s.size()}, "x.safetensors"))
                qFatal("refused");
            if (reader < 3) return;
            if (!test::writeFile(folder.file(reader == 3 ? "tokenizer_config.json" : "added_tokens.json"), s))
                qFatal("cannot write");
            const auto tokenizer = loadSentencePiece(folder.file("tokenizer.model"));
            if (!tokenizer) qFatal("%s", tokenizer.error().toString().c_str());
        };
        const double ratio = test::growth<std::string>(4000, text, read);
        QVERIFY2(ratio < test::kLinear, qPrintable(QString::number(ratio)));
        const std::string large = text(40000);
        QVERIFY(test::fitsIn(40 * large.size() + (32 << 20), [&] { read(large); }));
    }

    /// The library encodes every sample of the file's own tests when it loads one, and joins what differs.
    void selfTestsOfAVocabularyAreNotRun() {
        const std::string model = writeModelProto(smallVocabulary());
        const std::string sample = wire(0x0A, wire(0x0A, "a") + wire(0x12, "b"));
        test::ScratchFolder folder;
        const auto withTests = [&](size_t n) {
            std::string samples;
            for (size_t i = 0; i < n; ++i) samples += sample;
            return model + wire(0x22, samples);
        };
        const auto load = [&](const std::string& file) {
            if (!test::writeFile(folder.file("tokenizer.model"), file)) qFatal("cannot write");
            const auto tokenizer = loadSentencePiece(folder.file("tokenizer.model"));
            if (!tokenizer) qFatal("%s", tokenizer.error().toString().c_str());
        };
        const double ratio = test::growth<std::string>(20000, withTests, load);
        QVERIFY2(ratio < test::kLinear, qPrintable(QString::number(ratio)));
    }

    /// Refused at the first piece too many, not when millions have been built.
    void vocabularyLongerThanTheModel() {
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path()));
        std::string pieces;
        for (int i = 0; i < 1'000'000; ++i) pieces += wire(0x0A, wire(0x0A, std::to_string(i)));
        QVERIFY(test::writeFile(folder.file("tokenizer.model"), writeModelProto(smallVocabulary()) + pieces));
        QVERIFY(test::fitsIn(48 << 20, [&] {
            const auto model = openModel(folder.path());
            if (model || model.error().message.find("more pieces than the model") == std::string::npos) throw 1;
        }));
    }

    void traceOfLongMasks() {
        test::ScratchFolder folder;
        const auto read = [&](const std::string& s) {
            if (!test::writeFile(folder.file("x.spantrace"), s)) qFatal("cannot write");
            const auto trace = readTrace(folder.file("x.spantrace"));
            if (!trace) qFatal("%s", trace.error().toString().c_str());
            if (trace->damage.find("no end") == std::string::npos) qFatal("%s", trace->damage.c_str());
        };
        const double ratio = test::growth<std::string>(8000, traceOfLongMask, read);
        QVERIFY2(ratio < test::kLinear, qPrintable(QString::number(ratio)));
    }

    void comparingRunsOfLongMasks() {
        test::ScratchFolder folder;
        const auto open = [&](size_t n) {
            if (!test::writeFile(folder.file("x.spantrace"), traceOfLongMask(n))) qFatal("cannot write");
            return readTrace(folder.file("x.spantrace"))->runs.front();
        };
        const auto compare = [](const std::shared_ptr<RunData>& run) {
            if (!diffRuns(*run, *run).why.empty()) qFatal("not compared");
        };
        const double ratio = test::growth<std::shared_ptr<RunData>>(8000, open, compare);
        QVERIFY2(ratio < test::kLinear, qPrintable(QString::number(ratio)));
    }

    void traceOfManyRuns() {
        test::ScratchFolder folder;
        std::string s = "{\"spantrace\":1,\"min_reader\":1}\n";
        for (int i = 0; i < 100'000; ++i) s += "{\"t\":\"run\",\"run\":" + std::to_string(i) + "}\n";
        QVERIFY(test::writeFile(folder.file("x.spantrace"), s));
        QVERIFY(test::fitsIn(64 << 20, [&] {
            const auto trace = readTrace(folder.file("x.spantrace"));
            if (!trace || trace->damage.find("4096 runs") == std::string::npos) throw 1;
        }));
    }
};

QTEST_GUILESS_MAIN(TestReaderCosts)
#include "tst_reader_costs.moc"
