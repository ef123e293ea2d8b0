// Scores of news responses: small cases that can be counted by eye.
#include <QtTest>
#include <random>

#include "engine/tasks/news/news_text.h"
#include "engine/training/news/synthetic.h"
#include "engine/training/news_dataset.h"
#include "engine/training/news_score.h"
#include "engine/training/span_score.h"

using namespace spanscope;

namespace {

TaskExample reference() {
    TaskExample e;
    e.task = "news";
    e.prompt =
        "news 4 3\n<in>1<:>Harlow Corp said it bought Denby for 48 mln dlrs.\n<in>2<:>The weather was fine.\n"
        "<in>3<:>Denby employs 640 people in Ashwick, a spokesman said.\n<in>4<:>Nobody spoke.\n";
    e.response =
        "<out>1<:><global><attend><in>1<:></attend>Harlow buys Denby\n"
        "<out>2<:><global><attend><in>1<:></attend>Harlow Corp bought Denby for 48 mln dlrs.\n"
        "<out>3<:><global><attend><in>3<:></attend>Denby employs 640 people in Ashwick.\n";
    return e;
}

}  // namespace

class TestNewsScore : public QObject {
    Q_OBJECT
  private slots:
    void perfect() {
        const TaskExample e = reference();
        const auto s = scoreNews(e, e.response);
        QVERIFY(s.ok());
        QVERIFY(s->sameAsReference);
        QCOMPARE(s->headline.rougeL.f1, 1.0);
        QCOMPARE(s->points.rouge2.f1, 1.0);
        QCOMPARE(s->lines, 3);
        QCOMPARE(s->validLines, 3);
        QCOMPARE(s->spanPrecision(), 1.0);
        QCOMPARE(s->spanRecall(), 1.0);
        // points: Harlow Corp Denby 48, Denby 640 Ashwick
        QCOMPARE(s->items, 7);
        QCOMPARE(s->itemsSupported, 7);
        QCOMPARE(s->headlineItems, 2);
        // words: 10 + 4 + 9 + 2 = 25; declared 10 and 9
        QCOMPARE(s->nPoints, 2);
        QVERIFY(std::abs(s->keptSum - (10.0 / 25 + 9.0 / 25)) < 1e-12);
        QVERIFY(s->lead.rouge1.f1 < 1);
    }

    void wrongSpansAndNames() {
        const TaskExample e = reference();
        const auto s = scoreNews(
            e,
            "<out>1<:><global><attend><in>1<:><in>2<:></attend>Harlow buys Denby\n"  // one span too many
            "<out>2<:><global><attend><in>3<:></attend>Harlow Corp bought Denby for 49 mln dlrs.\n"  // wrong span
            "<out>3<:><global><attend><in>9<:></attend>Denby employs 640 people.\n");                // no such sentence
        QVERIFY(s.ok());
        QVERIFY(!s->sameAsReference);
        QCOMPARE(s->lines, 3);
        QCOMPARE(s->validLines, 2);
        QCOMPARE(s->spansDeclared, 4);
        QCOMPARE(s->spansExpected, 3);
        QCOMPARE(s->spansRight, 1);
        QCOMPARE(s->sourcesDeclared, 3);  // 1 2 3
        QCOMPARE(s->sourcesExpected, 2);
        QCOMPARE(s->sourcesRight, 2);
        // From sentence 3 only "Denby" is supported; from nothing, nothing is.
        QCOMPARE(s->perPoint[1].faith.items, 4);
        QCOMPARE(s->perPoint[1].faith.supported, 1);
        QCOMPARE(s->perPoint[1].faith.missing, (std::vector<std::string>{"Harlow", "Corp", "49"}));
        QCOMPARE(s->perPoint[2].faith.supported, 0);
    }

    void broken_data() {
        QTest::addColumn<QString>("line");
        for (const char* text : {"", "free text", "<out>", "<out>x<:><attend></attend>b", "<out>1<:>no declaration",
                                 "<out>1<:></attend>b<attend>", "<out>1<:><attend><in></attend>b",
                                 "<out>1<:><attend><in>1</attend>b", "<out>1<:><attend>text</attend>b",
                                 "<out>1<:><attend><out>7<:></attend>b", "<out>1<:><attend><in>1<:></attend>",
                                 "<out>1234567890<:><attend></attend>b", "<out>1<:><attend><in>0<:></attend>b",
                                 "<out>1<:><attend><in>5<:></attend>b", "<out>1<:><attend></attend>a<out>b"})
            QTest::newRow(*text ? text : "empty") << QString(text);
    }
    void broken() {
        QFETCH(QString, line);
        for (const NewsLine& l : parseNewsResponse(line.toStdString(), 4)) QVERIFY(!l.valid);
        const auto s = scoreNews(reference(), line.toStdString());
        QVERIFY(s.ok());
        QCOMPARE(s->validLines, 0);
        QCOMPARE(s->spansRight, line.contains("<in>0") ? 0 : s->spansRight);
    }

    void wellFormed() {
        const auto l = parseNewsResponse(
            "<out>1<:><attend><in>2<:></attend>a\n<out>2<:><global>t<attend><in>1<:><out>1<:></attend>b c\n", 4);
        QCOMPARE(l.size(), size_t{2});
        QVERIFY(l[0].valid && l[1].valid);
        QCOMPARE(l[1].body, std::string("b c"));
        QVERIFY((l[1].refs == std::vector<NewsRef>{{true, 1}, {false, 1}}));
    }

    void randomResponsesNeverCrash() {
        const std::vector<std::string> pieces{"<in>", "<out>", "<:>", "<attend>", "</attend>", "<local>", "<global>",
                                              "1",    "2",     "99",  "\n",       "Denby",     " "};
        std::mt19937 random(4);
        for (int round = 0; round < 5000; ++round) {
            std::string r;
            for (int i = static_cast<int>(random() % 40); i > 0; --i) r += pieces[random() % pieces.size()];
            const auto s = scoreNews(reference(), r);
            QVERIFY(s.ok());
            QVERIFY(s->spansRight <= s->spansExpected && s->validLines <= s->lines && s->itemsSupported <= s->items);
        }
    }

    void names() {
        const std::vector<std::string> source{
            "The sales of the U.S.-Japan group rose to 1,200.5 in Port Ellery, McArdle's firm said."};
        QCOMPARE(faithfulness("Sales rose to 1,200.5.", source).items, 1);  // "Sales" opens; the source has it small
        QCOMPARE(faithfulness("The group of McArdle is in Port Ellery.", source).supported, 3);
        QCOMPARE(faithfulness("Japan rose.", source).missing.size(), size_t{0});
        QCOMPARE(faithfulness("The Bonn group rose to 1,200.", source).missing,
                 (std::vector<std::string>{"Bonn", "1,200"}));
    }

    void leadIsCut() {
        QCOMPARE(leadBaseline({"One two three.", "Four five.", "Six.", "Seven."}, 4),
                 std::string("One two three. Four"));
        QCOMPARE(leadBaseline({"One two three.", "Four five.", "Six.", "Seven."}, 99),
                 std::string("One two three. Four five. Six."));
    }

    void spansOfAnyTask() {
        const char* sheet =
            "<out>1<:><attend><in>1<:></attend>64-71=-7\n<out>2<:><attend><in>2<:><out>1<:></attend>-7*3=-21\n";
        SpanScores s = scoreSpans(sheet, sheet);
        QCOMPARE(s.expected, int64_t{3});
        QCOMPARE(s.precision(), 1.0);
        QCOMPARE(s.recall(), 1.0);
        // <out>1 instead of <in>1 in the first, one missing and one doubled in the second
        s = scoreSpans(sheet,
                       "<out>1<:><attend><out>1<:></attend>x\n<out>2<:><attend><in>2<:><in>2<:></"
                       "attend>y\n<out>3<:><attend><in>1<:></attend>z\n");
        QCOMPARE(s.lines, int64_t{3});
        QCOMPARE(s.expectedLines, int64_t{2});
        QCOMPARE(s.declared, int64_t{3});
        QCOMPARE(s.right, int64_t{1});
        s = scoreSpans(sheet, "no tags at all");
        QCOMPARE(s.declared + s.right + s.lines, int64_t{0});
        QCOMPARE(s.precision(), 0.0);
        QCOMPARE(scoreSpans("", "").recall(), 0.0);
    }

    void noNewsPrompt() {
        TaskExample e = reference();
        e.prompt = "(1@1+2)";
        QVERIFY(!scoreNews(e, e.response).ok());
        e.prompt = "news 1 2\n<in>2<:>x\n";
        QVERIFY(!scoreNews(e, e.response).ok());
    }

    void syntheticReferencesArePerfect() {
        NewsDatasetOptions o;
        o.count = 300;
        auto source = NewsDataset::open(o);
        QVERIFY(source.ok());
        for (int i = 0; i < 300; ++i) {
            auto e = (*source)->next();
            QVERIFY(e.ok() && e->has_value());
            const auto s = scoreNews(**e, (*e)->response);
            QVERIFY(s.ok());
            QCOMPARE(s->validLines, s->lines);
            QCOMPARE(s->spansRight, s->spansExpected);
            QCOMPARE(s->itemsSupported, s->items);
            QCOMPARE(s->headlineItemsSupported, s->headlineItems);
        }
    }
};

QTEST_GUILESS_MAIN(TestNewsScore)
#include "tst_news_score.moc"
