// The dataset: synthetic reports are right by construction (checked here without the writer's code), files are
// untrusted.
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QtTest>
#include <algorithm>
#include <set>

#include "engine/tasks/news/article.h"
#include "engine/tasks/news_task.h"
#include "engine/training/news/reader.h"
#include "engine/training/news/synthetic.h"
#include "engine/training/news_dataset.h"
#include "engine/training/news_score.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;

namespace {

std::vector<TaskExample> all(const NewsDatasetOptions& options, NewsStats* stats = nullptr) {
    auto source = NewsDataset::open(options);
    if (!source) qFatal("%s", source.error().toString().c_str());
    std::vector<TaskExample> out;
    while (true) {
        auto e = (*source)->next();
        if (!e) qFatal("%s", e.error().toString().c_str());
        if (!*e) break;
        out.push_back(std::move(**e));
    }
    if (stats) *stats = (*source)->stats();
    return out;
}

std::set<std::string> wordSet(const std::string& text) {
    std::set<std::string> out;
    std::string word;
    for (const char c : text + " ") {
        if (std::isalnum(static_cast<unsigned char>(c)))
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        else if (!word.empty()) {
            out.insert(word);
            word.clear();
        }
    }
    return out;
}

/// "<out>k<:><global><attend>refs</attend>body" taken apart with plain string search.
struct Out {
    std::vector<int> refs;
    std::string body;
};
std::vector<Out> takeApart(const std::string& response) {
    std::vector<Out> out;
    for (const QString& line : QString::fromStdString(response).split('\n', Qt::SkipEmptyParts)) {
        Out o;
        const QString refs = line.section("<attend>", 1).section("</attend>", 0, 0);
        for (const QString& r : refs.split("<in>", Qt::SkipEmptyParts))
            o.refs.push_back(r.section("<:>", 0, 0).toInt());
        o.body = line.section("</attend>", 1).toStdString();
        out.push_back(o);
    }
    return out;
}

}  // namespace

class TestNewsDataset : public QObject {
    Q_OBJECT
    QTemporaryDir m_dir;
    std::string write(const char* name, const QByteArray& content) {
        QFile f(m_dir.filePath(name));
        if (!f.open(QIODevice::WriteOnly)) qFatal("cannot write");
        f.write(content);
        return f.fileName().toStdString();
    }
    QByteArray line(const std::string& title, const std::string& body, const QJsonValue& id = QJsonValue()) {
        QJsonObject o{{"title", QString::fromStdString(title)}, {"body", QString::fromStdString(body)}};
        if (!id.isNull()) o["id"] = id;
        return QJsonDocument(o).toJson(QJsonDocument::Compact) + '\n';
    }

  private slots:
    void syntheticIsRightByConstruction() {
        NewsDatasetOptions o;
        o.count = 1500;
        o.seed = 5;
        std::set<std::string> prompts, domains;
        int nMulti = 0, nPoints = 0;
        std::set<size_t> lengths;
        for (const TaskExample& e : all(o)) {
            QVERIFY(prompts.insert(e.prompt).second);
            // A person who pastes the article gets exactly this prompt.
            const auto formatted = newsTask().format(e.typed, nullptr);
            QVERIFY(formatted.ok());
            QCOMPARE(QString::fromStdString(formatted->text), QString::fromStdString(e.prompt));
            const QStringList lines = QString::fromStdString(e.prompt).split('\n', Qt::SkipEmptyParts);
            const QStringList header = lines[0].split(' ');
            QCOMPARE(header[0], QString("news"));
            QCOMPARE(header[1].toInt(), lines.size() - 1);
            const auto outs = takeApart(e.response);
            QCOMPARE(header[2].toInt(), static_cast<int>(outs.size()));
            lengths.insert(static_cast<size_t>(lines.size()));
            for (size_t k = 0; k < outs.size(); ++k) {
                QVERIFY(!outs[k].refs.empty() && outs[k].refs.size() <= 3 && !outs[k].body.empty());
                QVERIFY(std::is_sorted(outs[k].refs.begin(), outs[k].refs.end()));
                std::string sources;
                for (const int r : outs[k].refs) {
                    QVERIFY(r >= 1 && r < lines.size());
                    sources += lines[r].section("<:>", 1).toStdString() + ' ';
                }
                const auto have = wordSet(sources);
                for (const std::string& w : wordSet(outs[k].body)) {
                    const bool number = std::any_of(w.begin(), w.end(),
                                                    [](char c) { return std::isdigit(static_cast<unsigned char>(c)); });
                    if (k > 0 || number)
                        QVERIFY2(have.contains(w) || w == "and" || w == "will",
                                 (w + " of: " + outs[k].body + " <- " + sources).c_str());
                }
                if (k == 0) continue;
                ++nPoints;
                nMulti += outs[k].refs.size() > 1 ? 1 : 0;
                QVERIFY(outs[k].body.size() < sources.size());
            }
        }
        QVERIFY(lengths.size() > 30);  // 4 to 40 sentences
        QVERIFY(nMulti > nPoints / 50 && nMulti < nPoints / 3);
    }

    void everyDomainAppears() {
        std::set<std::string> domains;
        for (uint64_t i = 0; i < 200; ++i) domains.insert(news::syntheticReport(1, i, {}).domain);
        QCOMPARE(domains, (std::set<std::string>{"accidents", "companies", "councils", "elections", "markets",
                                                 "research", "sport", "weather"}));
    }

    void deterministic() {
        NewsDatasetOptions o;
        o.count = 60;
        o.seed = 9;
        const auto a = all(o), b = all(o);
        o.count = 30;
        const auto c = all(o);
        o.seed = 10;
        const auto d = all(o);
        for (size_t i = 0; i < 60; ++i) QCOMPARE(a[i].prompt + a[i].response, b[i].prompt + b[i].response);
        for (size_t i = 0; i < 30; ++i) {
            QCOMPARE(a[i].prompt, c[i].prompt);
            QVERIFY(a[i].prompt != d[i].prompt);
        }
        // The same on every machine: names come from the generator's bits alone.
        QCOMPARE(news::hashOf(a[0].prompt + a[0].response), news::hashOf(b[0].prompt + b[0].response));
    }

    void masksFollowTheProtocol() {
        auto tokenizer = loadSentencePiece(test::tinyTokenizerPath());
        QVERIFY(tokenizer.ok());
        NewsDatasetOptions o;
        o.count = 40;
        o.tokenizer = tokenizer->get();
        NewsStats stats;
        const auto examples = all(o, &stats);
        QVERIFY(stats.promptTokens > 0 && stats.responseTokens > 0);
        for (const TaskExample& e : examples) {
            const auto json = exampleToJson(e, newsTask().defaultPolicy(), tokenizer->get());
            QVERIFY2(json.ok(), json.ok() ? "" : json.error().toString().c_str());
            // What is trained is what is run: the typed article encodes to the prompt's ids.
            const auto formatted = newsTask().format(e.typed, nullptr);
            const auto ids = encodePrompt(*formatted, **tokenizer);
            QVERIFY(ids.ok());
            const QJsonObject row = QJsonDocument::fromJson(QByteArray::fromStdString(*json)).object();
            const QVariantList stored = row["ids"].toVariant().toList();
            QCOMPARE(row["n_prompt"].toInt(), static_cast<int>(ids->size()));
            for (size_t i = 0; i < ids->size(); ++i) QCOMPARE(stored[static_cast<qsizetype>(i)].toInt(), (*ids)[i]);
        }
        o.maxTokens = 900;
        const auto shorter = all(o, &stats);
        QVERIFY(stats.tooLong > 0);
        for (const TaskExample& e : shorter) {
            const auto p = (*tokenizer)->encodeTrusted(e.prompt), r = (*tokenizer)->encodeTrusted(e.response);
            QVERIFY(p->size() + r->size() + 2 <= 900);
        }
    }

    void fromAFile() {
        const auto samples = newsTask().samples();
        QByteArray file =
            line("HARLOW STEEL TO BUY DENBY FOUNDRIES", samples[0] + "\n REUTER\n\x03", 17) +
            line("Ferry runs aground off Marstead", samples[1], QString("b-2")) +
            line("HARLOW STEEL TO BUY DENBY FOUNDRIES", samples[0], 18) +  // again
            line("Something else entirely different", samples[2]) +        // headline not in the text
            line("Too short", "One rose. Two fell.") + line("", samples[3]) +
            line("Westbrook council votes <attend> tram line", samples[2]) + "\n   \n" +
            line("ACME",
                 "Shr 12 cts vs 8 cts\nNet 1,200 vs 800\nRevs 12.0 mln vs 9.1 mln\nAvg shrs 4.1 mln vs 4.0 mln");
        NewsDatasetOptions o;
        o.input = write("news.jsonl", file);
        NewsStats s;
        const auto examples = all(o, &s);
        QCOMPARE(examples.size(), size_t{2});
        QCOMPARE(examples[0].id, std::string("17"));
        QCOMPARE(examples[1].id, std::string("b-2"));
        QCOMPARE(s.articlesRead, int64_t{8});
        QCOMPARE(s.duplicates, int64_t{1});
        QCOMPARE(s.headlineUngrounded, int64_t{1});
        QCOMPARE(s.tooShort, int64_t{1});
        QCOMPARE(s.noText, int64_t{1});
        QCOMPARE(s.namesSpecialPiece, int64_t{1});
        QCOMPARE(s.tabular, int64_t{1});
        for (const TaskExample& e : examples) {
            QCOMPARE(newsTask().format(e.typed, nullptr)->text, e.prompt);
            QVERIFY(e.typed.find("REUTER") == std::string::npos);
        }
        // Counted again, by hand.
        int64_t points = 0, spans = 0;
        for (const TaskExample& e : examples) {
            const auto outs = takeApart(e.response);
            points += static_cast<int64_t>(outs.size()) - 1;
            for (size_t k = 1; k < outs.size(); ++k) spans += static_cast<int64_t>(outs[k].refs.size());
        }
        QCOMPARE(s.points, points);
        QCOMPARE(s.pointSources, spans);
        QCOMPARE(s.items, s.itemsSupported);
        QVERIFY(s.toText().find("kept fraction") != std::string::npos);
        QVERIFY(!QJsonDocument::fromJson(QByteArray::fromStdString(s.toJson())).isNull());
    }

    void hostileLines_data() {
        QTest::addColumn<QByteArray>("content");
        QTest::addColumn<QString>("says");
        const QByteArray good = "{\"title\":\"a\",\"body\":\"One rose.\"}\n";
        QTest::newRow("not json") << good + "{\"title\": \"x\"\n"
                                  << "line 2: not valid JSON";
        QTest::newRow("array") << QByteArray("[1,2]\n") << "line 1: wrong kind of value";
        QTest::newRow("no body") << good + good + "{\"title\":\"x\"}\n"
                                 << "line 3: body: missing";
        QTest::newRow("no title") << QByteArray("{\"body\":\"x\"}\n") << "line 1: title: missing";
        QTest::newRow("body number") << QByteArray("{\"title\":\"x\",\"body\":7}\n")
                                     << "body: wrong type (found number, expected string)";
        QTest::newRow("id object") << QByteArray("{\"title\":\"x\",\"body\":\"y\",\"id\":{}}\n") << "id: wrong type";
        QTest::newRow("not utf8") << QByteArray("{\"title\":\"x\",\"body\":\"\xff\xfe\"}\n") << "line 1: not UTF-8";
        QTest::newRow("zero byte") << QByteArray("{\"title\":\"x\"\0,\"body\":\"y\"}\n", 26) << "line 1: a NUL byte";
        QTest::newRow("lone surrogate") << QByteArray("{\"title\":\"x\",\"body\":\"\\ud800\"}\n")
                                        << "line 1: not valid JSON";
        QTest::newRow("deep") << QByteArray(1000000, '[') + '\n' << "line 1: nested deeper";
        QTest::newRow("long") << good + "{\"title\":\"" + QByteArray(17 << 20, 'x') + "\",\"body\":\"y\"}\n"
                              << "line 2: the line is too long";
        QTest::newRow("gzip") << QByteArray("\x1f\x8b\x08\0\0\0", 6) << "zcat";
    }
    void hostileLines() {
        QFETCH(QByteArray, content);
        QFETCH(QString, says);
        const std::string path = write("bad.jsonl", content);
        NewsDatasetOptions o;
        o.input = path;
        auto source = NewsDataset::open(o);
        std::string message;
        if (!source) {
            message = source.error().toString();
        } else {
            auto e = (*source)->next();
            QVERIFY(!e.ok());
            message = e.error().toString();
            // The rest of the file can still be read.
            o.skipBadLines = true;
            NewsStats s;
            QVERIFY(all(o, &s).empty());
            QCOMPARE(s.badLines, int64_t{1});
        }
        QVERIFY2(message.find(path) == 0 && message.find(says.toStdString()) != std::string::npos, message.c_str());
    }

    void badOptions() {
        auto fails = [](NewsDatasetOptions o) { return !NewsDataset::open(o).ok(); };
        NewsDatasetOptions o;
        QVERIFY(!fails(o));
        QVERIFY(fails([] {
            NewsDatasetOptions x;
            x.input = "/no/such/file.jsonl";
            return x;
        }()));
        QVERIFY(fails([] {
            NewsDatasetOptions x;
            x.minSentences = 9;
            x.maxSentences = 8;
            return x;
        }()));
        QVERIFY(fails([] {
            NewsDatasetOptions x;
            x.maxPoints = 0;
            return x;
        }()));
        QVERIFY(fails([] {
            NewsDatasetOptions x;
            x.maxTokens = 900;
            return x;
        }()));
        QVERIFY(fails([] {
            NewsDatasetOptions x;
            x.bucketFirst = 7;
            x.bucketLast = 7;
            return x;
        }()));
    }

    void bucketsPartTheIds() {
        QByteArray file;
        for (int i = 0; i < 7; ++i)
            for (size_t k = 0; k < 2; ++k) {
                std::string body = newsTask().samples()[k];
                body += "\nThe report has the number " + std::to_string(i) + ", a clerk said.";
                file += line(k == 0 ? "Harlow Steel to buy Denby" : "Ferry runs aground off Marstead", body,
                             i * 2 + static_cast<int>(k));
            }
        NewsDatasetOptions o;
        o.input = write("parts.jsonl", file);
        const size_t whole = all(o).size();
        QCOMPARE(whole, size_t{14});
        o.bucketFirst = 0;
        o.bucketLast = 50;
        const auto low = all(o);
        o.bucketFirst = 50;
        o.bucketLast = 100;
        const auto high = all(o);
        QCOMPARE(low.size() + high.size(), whole);
        QVERIFY(!low.empty() && !high.empty());
        std::set<std::string> ids;
        for (const auto& e : low) ids.insert(e.id);
        for (const auto& e : high) QVERIFY(ids.insert(e.id).second);
    }

    void leaks() {
        const auto samples = newsTask().samples();
        const std::string train =
            write("train.jsonl", line("a", samples[0], 1) + line("b", samples[1], 2) + line("c", samples[2], 3));
        const std::string clean = write("clean.jsonl", line("d", samples[5], 4) + line("e", samples[6], 5));
        const auto none = checkNewsLeak(train, clean);
        QVERIFY(none.ok());
        QCOMPARE(none->trainArticles, int64_t{3});
        QCOMPARE(none->testArticles, int64_t{2});
        QCOMPARE(none->sameId + none->testWithOverlap, int64_t{0});
        QVERIFY(none->maxShare < 0.05);
        const std::string leaky =
            write("leaky.jsonl",
                  line("d", samples[5], 4) + line("e", "New words first. " + samples[1], 9) + line("f", samples[6], 3));
        const auto some = checkNewsLeak(train, leaky);
        QVERIFY(some.ok());
        QCOMPARE(some->sameId, int64_t{1});
        QCOMPARE(some->testWithOverlap, int64_t{1});
        QCOMPARE(some->flagged, std::vector<std::string>{"9"});
        QVERIFY(some->maxShare > 0.9 && some->maxShare < 1);
        QVERIFY(!checkNewsLeak(train, "/no/such").ok());
        NewsDatasetOptions o;
        o.input = write("mixed.jsonl", line("Ferry runs aground off Marstead", samples[1], 7) +
                                           line("Kestrel Rovers beat Dunmouth", samples[5], 8));
        QCOMPARE(all(o).size(), size_t{2});
        o.notLike = train;
        NewsStats s;
        const auto kept = all(o, &s);
        QCOMPARE(kept.size(), size_t{1});
        QCOMPARE(kept[0].id, std::string("8"));
        QCOMPARE(s.overlapping, int64_t{1});
        o.notLike = "/no/such";
        QVERIFY(!NewsDataset::open(o).ok());
    }
};

QTEST_GUILESS_MAIN(TestNewsDataset)
#include "tst_news_dataset.moc"
