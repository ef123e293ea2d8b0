// Key points: the shortening rules one by one, deletion only, sources, headlines, the typed form.
#include <QtTest>
#include <set>

#include "engine/tasks/news/article.h"
#include "engine/tasks/news_task.h"
#include "engine/training/news/compress.h"
#include "engine/training/news/furniture.h"
#include "engine/training/news/headline.h"
#include "engine/training/news/reader.h"
#include "engine/training/news/shorten.h"
#include "engine/training/news/synthetic.h"
#include "engine/training/news/target.h"

using namespace spanscope;
using namespace spanscope::news;

namespace {

/// Words as this test sees them: runs of letters, digits and bytes above 127, in lower case.
std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> out;
    std::string word;
    for (const char c : text + " ") {
        if (std::isalnum(static_cast<unsigned char>(c)) || (c & 0x80))
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        else if (!word.empty()) {
            out.push_back(word);
            word.clear();
        }
    }
    return out;
}
bool isSubsequence(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
    size_t k = 0;
    for (const std::string& w : whole)
        if (k < part.size() && part[k] == w) ++k;
    return k == part.size();
}

}  // namespace

class TestNewsTarget : public QObject {
    Q_OBJECT
  private slots:
    void rules_data() {
        QTest::addColumn<QString>("sentence");
        QTest::addColumn<QString>("point");
        auto row = [](const char* name, const char* sentence, const char* point) {
            QTest::newRow(name) << QString(sentence) << QString(point);
        };
        row("said at the end", "Sales rose 4 pct to 12 mln dlrs in May, the company said.",
            "Sales rose 4 pct to 12 mln dlrs in May.");
        for (const char* claim :
             {"The works will close in June, said Ann Bell, chairman of the group.",
              "The bank will not lend more this year, its governor, Ian Holt, said.",
              "The talks failed after two days, Peter Holm, a delegate, told reporters.",
              "Senator Bell said the plan would hurt small farms in Ohio.",
              "The bill is a giveaway, the lawmakers said in a letter.",
              "\u201CThis is great news for Marstead,\u201D said Rep. Larsen.",
              "\"We will not go,\" the miners wrote to the board.",
              "Holt called it \u201Cthe worst deal that this county was ever offered\u201D and left."})
            row(claim, claim, claim);
        row("a survey", "Prices fell by a third, according to a survey of the city\u2019s central bank.",
            "Prices fell by a third.");
        row("not only",
            "Prices rose not only in Ashwick and in the whole of Marstead county this year, but across the "
            "border in the villages of Denby too.",
            "Prices rose not only in Ashwick and in the whole of Marstead county this year, but across the border in "
            "the villages of Denby too.");
        row("a list of verbs",
            "The bridge was closed, repaired by two firms from the north of the county, and opened "
            "again in May by the mayor of Marstead.",
            "The bridge was closed, repaired by two firms from the north of the county, and opened again in May by the "
            "mayor of Marstead.");
        row("opening phrase", "With the fund set to run out in June, ministers must decide.",
            "With the fund set to run out in June, ministers must decide.");
        row("signs", "Sales rose 7.5% to \u00A34.2m \u2013 \u20AC4.9m \u2013 in Z\u00FCrich, the company said.",
            "Sales rose 7.5% to \u00A34.2m \u2013 \u20AC4.9m \u2013 in Z\u00FCrich.");
        row("according to", "Prices fell by a third in one week, according to a survey by Denby Ltd.",
            "Prices fell by a third in one week.");
        row("said it", "Harlow Steel Corp said it has sold its works in Ashwick.",
            "Harlow Steel Corp has sold its works in Ashwick.");
        row("said they", "The ministers said they would meet again in Bonn on Friday.",
            "The ministers would meet again in Bonn on Friday.");
        row("said the", "The ministry said the harvest was 4.2 mln tonnes this year.",
            "The harvest was 4.2 mln tonnes this year.");
        row("said that", "Officials said in a statement that exports rose to 84,000 tonnes.",
            "Exports rose to 84,000 tonnes.");
        row("said in the middle", "Record losses, the company said, were offset by gains of 28 mln dlrs.",
            "Record losses were offset by gains of 28 mln dlrs.");
        row("another's words stay", "He said it would be difficult to find a buyer.",
            "He said it would be difficult to find a buyer.");
        row("connective", "However, the plan was rejected by 21 votes to 8.",
            "The plan was rejected by 21 votes to 8.");
        row("brackets", "The European Community (EC) agreed on tough rules for trucks.",
            "The European Community agreed on tough rules for trucks.");
        row("ticker", "Denby Foundries Ltd <DFL.L> raised its dividend to 12 cents.",
            "Denby Foundries Ltd raised its dividend to 12 cents.");
        row("angle brackets", "<Harlow Mines Ltd> bought 200,000 shares of Denby in March.",
            "Harlow Mines Ltd bought 200,000 shares of Denby in March.");
        row("dateline", "MARSTEAD, March 3 - A ferry ran aground in thick fog today.",
            "A ferry ran aground in thick fog.");
        row("dateline of a release",
            "Washington, D.C.\u2014Today, U.S. Rep. John Bell (TN-06) spoke on the House floor.",
            "U.S. Rep. John Bell spoke on the House floor.");
        row("dateline in brackets", "(Rochester, NY) \u2013 Rep. Bell opened the new bridge in Marstead.",
            "Rep. Bell opened the new bridge in Marstead.");
        row("a dash is no dateline", "NASA \u2014 the agency \u2014 opened the new bridge in Marstead.",
            "NASA \u2014 the agency \u2014 opened the new bridge in Marstead.");
        row("which in the middle", "The tax, which opponents call unfair, will rise to 8 pct.",
            "The tax will rise to 8 pct.");
        row("which at the end", "The firm will build a plant in Oakhaven, which has no railway.",
            "The firm will build a plant in Oakhaven.");
        row("aside", "Denby Ltd, a maker of pumps, was sold to Harlow Steel Corp.",
            "Denby Ltd was sold to Harlow Steel Corp.");
        row("who is no speaker", "Denby Ltd, a maker of pumps, said it sold its works in Ashwick.",
            "Denby Ltd sold its works in Ashwick.");
        row("last clause", "Maha paddy output was put at 70 mln bushels, 20 mln less than expected.",
            "Maha paddy output was put at 70 mln bushels.");
        row("a list stays whole", "The bank has branches in Ashwick, Marstead and Port Ellery.",
            "The bank has branches in Ashwick, Marstead and Port Ellery.");
        row("also", "The bank also raised its prime rate to 9 pct.", "The bank raised its prime rate to 9 pct.");
        row("the paper's name stays", "A poll in the Today newspaper also gave them 36 pct.",
            "A poll in the Today newspaper gave them 36 pct.");
        row("nothing to delete", "Turnover was 148 mln shares.", "Turnover was 148 mln shares.");
    }
    void rules() {
        QFETCH(QString, sentence);
        QFETCH(QString, point);
        const Shortened s = shorten(sentence.toStdString());
        QCOMPARE(QString::fromStdString(s.text), point);
        QCOMPARE(s.changed, words(s.text).size() < words(sentence.toStdString()).size());
    }

    void notUsable() {
        for (const char* text :
             {"\"We never gave up,\" he said.", "Wheat 2.55 2.40 IV 4.65", "Yes.", "", "According to him.",
              "He responded, \"If they pay we will sell.", "He responded, \"If they pay we will sell.\"",
              "\u201CWe never gave up,\u201D he said.", "\u201CThe state has spent billions of dollars.",
              "A commitment to make sure that funds be provided in good time."})
            QVERIFY2(!shorten(text).usable, text);
        QVERIFY(shorten("It raised its dividend to 12 cents a share today.").pronoun);
        QVERIFY(shorten("As Senator, he supports the Richard Star Act.").pronoun);
        QVERIFY(!shorten("After Bell lost the vote, he left the city of Ashwick.").pronoun);
        QVERIFY(shorten("The company also raised its dividend to 12 cents.").anaphoric);
    }

    /// Whatever comes in, a point is the sentence with words left out.
    void onlyDeletes() {
        int n = 0;
        for (uint64_t i = 0; i < 400; ++i)
            for (const std::string& s : syntheticReport(3, i, {}).article.sentences) {
                QVERIFY2(isSubsequence(words(shorten(s).text), words(s)), s.c_str());
                ++n;
            }
        for (const std::string& sample : newsTask().samples()) {
            const auto article = readTyped(sample);
            QVERIFY(article.ok());
            for (const std::string& s : article->sentences) {
                QVERIFY2(isSubsequence(words(shorten(s).text), words(s)), s.c_str());
                ++n;
            }
        }
        QVERIFY(n > 4000);
    }

    void headlines() {
        const std::vector<std::string> article{
            "Harlow Steel Corp said it agreed to buy Denby Foundries Ltd for 48.5 mln dlrs.",
            "The McArdle family of Port Ellery owns a third of Denby.",
            "U.S. Steel makers were surprised by the steel price."};
        QCOMPARE(cleanHeadline("HARLOW STEEL <HST> TO BUY DENBY", article), std::string("Harlow Steel to buy Denby"));
        QCOMPARE(cleanHeadline("MCARDLE'S PORT ELLERY-DENBY STAKE", article),
                 std::string("McArdle's Port Ellery-Denby stake"));
        QCOMPARE(cleanHeadline("Harlow to buy Denby", article), std::string("Harlow to buy Denby"));
        QCOMPARE(cleanHeadline("U.S. AND JAPAN AGREE", article), std::string("U.S. and Japan agree"));
        const Grounding g = groundHeadline("Harlow to buy Denby of Port Ellery", article);
        QCOMPARE(g.sentences, (std::vector<int>{0, 1}));
        QCOMPARE(g.share, 1.0);
        QVERIFY(!groundHeadline("Harlow to buy Denby for 99 mln", article).numbersFound);
    }

    void targetOfAnArticle() {
        Article article;
        article.title = "HARLOW STEEL TO BUY DENBY FOUNDRIES";
        article.sentences = readTyped(newsTask().samples()[0])->sentences;
        Target target;
        QVERIFY(buildTarget(article, 5, target) == TargetProblem::None);
        QCOMPARE(target.headline.text, std::string("Harlow Steel to buy Denby Foundries"));
        QCOMPARE(target.headline.sources, std::vector<int>{0});
        QCOMPARE(static_cast<int>(target.points.size()), pointCount(static_cast<int>(article.sentences.size()), 5));
        const std::string prompt = promptText(article.sentences, target.points.size() + 1);
        QVERIFY(prompt.starts_with("news " + std::to_string(article.sentences.size()) + ' ' +
                                   std::to_string(target.points.size() + 1) + "\n<in>1<:>Harlow Steel Corp said"));
        QVERIFY(responseText(target).starts_with(
            "<out>1<:><global><attend><in>1<:></attend>Harlow Steel to buy Denby Foundries\n<out>2<:>"));
        int last = 0;
        for (const Line& p : target.points) {
            QVERIFY(!p.sources.empty() && p.sources.back() >= last);
            last = p.sources.back();
            std::vector<std::string> all;
            for (const int s : p.sources)
                for (const std::string& w : words(article.sentences[static_cast<size_t>(s)])) all.push_back(w);
            QVERIFY2(isSubsequence(words(p.text), all), p.text.c_str());
            QVERIFY(words(p.text).size() < all.size());
        }
    }

    void companyIsNamed() {
        Article article;
        article.title = "DENBY RAISES DIVIDEND";
        article.sentences = {
            "Denby Foundries Ltd said it raised its dividend to 12 cents a share.", "The weather was fine in Ashwick.",
            "The company also said it will hire 90 people in Marstead.", "Nobody was surprised by any of it at all."};
        Target target;
        QVERIFY(buildTarget(article, 5, target) == TargetProblem::None);
        bool found = false;
        for (const Line& p : target.points)
            if (p.text == "Denby Foundries Ltd will hire 90 people in Marstead.") {
                QCOMPARE(p.sources, (std::vector<int>{0, 2}));
                found = true;
            }
        QVERIFY(found);
        // Two companies: nobody can say whose "It" it is.
        article.sentences[1] = "Harlow Steel Corp was not surprised by the news.";
        QVERIFY(buildTarget(article, 5, target) == TargetProblem::None);
        for (const Line& p : target.points) QVERIFY(p.text != "Denby Foundries Ltd will hire 90 people in Marstead.");
    }

    /// Sentences that are on the page and are no news, and what is inside somebody's longer speech.
    void neverPoints() {
        Article article;
        article.title = "Bell opens bridge in Marstead";
        article.body =
            "Rep. Ann Bell opened a new bridge in Marstead on Friday. The bridge cost $4.2 million and took two "
            "years.\n"
            "\u201CIt is a good day,\u201D said Bell. \u201CThe old bridge was closed for eleven winters. Farmers "
            "drove forty "
            "miles.\n\u201CThe state paid nothing at all.\u201D\n"
            "We were glad to see the old county bridge go. The full text of the speech is available here. "
            "Provides $2 million for a second bridge in Denby. The council approved the plan by 21 votes to 8.";
        article.sentences = readTyped(article.body)->sentences;
        QCOMPARE(article.sentences.size(), size_t{10});
        Target target;
        QVERIFY(buildTarget(article, 9, target) == TargetProblem::None);
        std::set<int> used;
        for (const Line& p : target.points) used.insert(p.sources.begin(), p.sources.end());
        for (const int s : used) QVERIFY2(s <= 2 || s == 9, article.sentences[static_cast<size_t>(s)].c_str());
        QVERIFY(used.contains(1) && used.contains(9));
    }

    void titles() {
        for (const char* bad : {"Weekly Newsletter", "This Week in Washington", "ICYMI: Remarks at the Chamber",
                                "What is in the bill?", "Meet Our New Fellows", "Bell, Holt Introduce Bill to ...",
                                "Bell in the News", "Trends on Tuesday: Apps"}) {
            const std::string title = cleanHeadline(bad, {});
            QVERIFY2(isNoHeadline(title), title.c_str());
        }
        QCOMPARE(cleanHeadline("ICYMI: VIDEO: Bell Opens Bridge in Marstead", {}),
                 std::string("Bell Opens Bridge in Marstead"));
        QVERIFY(!isNoHeadline("Bell Opens Bridge in Marstead"));
        // An abbreviation, a number or the first name that the text does not have.
        const std::vector<std::string> text{"Rep. Ann Bell opened a new bridge in Marstead on Friday."};
        QVERIFY(groundHeadline("Bell opens Marstead bridge", text).subjectFound);
        QVERIFY(!groundHeadline("Holt opens Marstead bridge", text).subjectFound);
        QVERIFY(!groundHeadline("Bell opens NATO bridge in Marstead", text).numbersFound);
    }

    void leftOut() {
        Article table;
        table.title = "ACME 4TH QTR";
        table.sentences = {"Shr 12 cts vs 8 cts", "Net 1,200 vs 800", "Revs 12.0 mln vs 9.1 mln",
                           "Avg shrs 4.1 mln vs 4.0 mln"};
        Target t;
        QVERIFY(buildTarget(table, 5, t) == TargetProblem::Tabular);
        Article other;
        other.title = "SOMETHING ELSE ENTIRELY";
        other.sentences = readTyped(newsTask().samples()[1])->sentences;
        QVERIFY(buildTarget(other, 5, t) == TargetProblem::HeadlineUngrounded);
    }

    /// Six of ten topics are enough for the title as it is; a held headline is the title only where its sentences say
    /// it word by word, and else one sentence made shorter.
    void heldHeadlines() {
        Article a;
        a.title = "Ministers raise tariffs reluctantly";
        a.sentences = {"The ministers of five countries agreed on Monday to raise the tariffs of steel by a tenth.",
                       "They will meet again in the autumn to look at what it has done to prices at home.",
                       "Steel makers had asked for twice as much and called the decision a first step only."};
        Target t;
        QVERIFY(buildTarget(a, 5, t) == TargetProblem::None);
        QCOMPARE(t.headline.text, a.title);
        QVERIFY(buildTarget(a, 5, t, Headlines::Held) == TargetProblem::None);
        QCOMPARE(
            t.headline.text,
            std::string("The ministers of five countries agreed on Monday to raise the tariffs of steel by a tenth"));
        QCOMPARE(t.headline.sources, std::vector<int>{0});
        a.title = "Ministers raise tariffs of steel";
        QVERIFY(buildTarget(a, 5, t, Headlines::Held) == TargetProblem::None);
        QCOMPARE(t.headline.text, a.title);
        a.title = "Steel tariffs raise ministers";  // the same words the other way round: who does what is lost
        QVERIFY(buildTarget(a, 5, t, Headlines::Held) == TargetProblem::None);
        QVERIFY(t.headline.text.starts_with("The ministers of five"));
        a.title = "Something else entirely";
        QVERIFY(buildTarget(a, 5, t, Headlines::Held) == TargetProblem::HeadlineUngrounded);
    }

    /// Only deletions, and nothing that turns a statement around.
    void compressedSentences_data() {
        QTest::addColumn<QString>("sentence");
        QTest::addColumn<QString>("headline");
        auto row = [](const char* sentence, const char* headline) {
            QTest::newRow(sentence) << QString::fromUtf8(sentence) << QString::fromUtf8(headline);
        };
        row("WASHINGTON, D.C. – Today, U.S. Senator Ann Bell (R-OH), chair of the Energy Panel, introduced the Clean "
            "Rivers "
            "Act to protect drinking water from old mines in seven states.",
            "U.S. Senator Ann Bell introduced the Clean Rivers Act to protect drinking water from old mines in seven "
            "states");
        row("Bell Ltd sold its pump works near Leeds to a group of private investors for 20 mln stg during a week in "
            "which "
            "its shares fell by a fifth.",
            "Bell Ltd sold its pump works near Leeds to a group of private investors for 20 mln stg");
        row("On Thursday, January 23, 2020, Congresswoman Wilson will host a job and resource fair for the 2020 "
            "Census.",
            "Congresswoman Wilson will host a job and resource fair for the 2020 Census");
        // What they did together stands behind "led 18 colleagues".
        row("Representative Ann Bell led 18 of her California colleagues in a letter to the Speaker of the House that "
            "demands tax relief for families who own their homes.",
            "");
        // A condition, a pronoun, a quotation, and an end that says too little.
        row("The city will close the bridge for a year if the state does not pay for its repair this spring.", "");
        row("It sold the works near Leeds to a group of private investors for 20 mln stg.", "");
        row("U.S. Representative Ann Bell of Ohio introduced a new bill.", "");
    }
    void compressedSentences() {
        QFETCH(QString, sentence);
        QFETCH(QString, headline);
        QCOMPARE(QString::fromStdString(compressed(sentence.toStdString())), headline);
    }

    /// A comma between two adjectives is no place to cut.
    void adjectivesStayWithTheirNoun() {
        for (const char* sentence : {"The rule asks every hospital in the country to publish its prices in a "
                                     "standardized, machine-readable file "
                                     "that anybody can read and compare without charge.",
                                     "The bill would help families in every county of the state by addressing the "
                                     "rising, unpredictable costs of "
                                     "energy and of heating oil this winter."}) {
            const std::string text = shorten(sentence, 40).text;
            QVERIFY2(!text.ends_with("standardized.") && !text.ends_with("rising."), text.c_str());
        }
        QCOMPARE(
            shorten("The company sold its pump works near Leeds to a group of investors from abroad this week, a step "
                    "that its owners had announced in spring of last year.",
                    40)
                .text,
            std::string("The company sold its pump works near Leeds to a group of investors from abroad this week."));
    }

    void typed() {
        QCOMPARE(readTyped("points: 3\nOne rose. Two fell.")->nPoints(), 3);
        QCOMPARE(readTyped("One rose. Two fell.")->nPoints(), 2);
        QCOMPARE(readTyped("Storm hits coast\n\nOne rose. Two fell.")->title, std::string("Storm hits coast"));
        QCOMPARE(readTyped("Storm hits coast.\n\nOne rose.")->sentences.size(), size_t{2});
        for (const char* bad : {"", "  \n ", "points: 12\nOne rose.", "points: x\nOne rose.", "points: 3"}) {
            const auto r = readTyped(bad);
            QVERIFY2(!r.ok(), bad);
            QVERIFY2(r.error().line > 0 && r.error().column > 0, bad);
        }
        std::string many;
        for (int i = 0; i < 1200; ++i) many += "A rose.\n";
        QVERIFY(!readTyped(many).ok());
    }

    void promptKeepsTypedTextApart() {
        const auto p = newsTask().format("It says <in>1<:> and <attend> here. Two fell. Three stood still.", nullptr);
        QVERIFY(p.ok());
        std::string joined;
        for (const PromptPart& part : p->parts) {
            joined += part.text;
            if (part.text.find("<attend>") != std::string::npos) QVERIFY(!part.trusted);
        }
        QCOMPARE(joined, p->text);
        QCOMPARE(p->text, std::string("news 3 3\n<in>1<:>It says <in>1<:> and <attend> here.\n<in>2<:>Two "
                                      "fell.\n<in>3<:>Three stood still.\n"));
        TaskCard card;
        card.maxSentences = 2;
        QVERIFY(!newsTask().format("One rose. Two fell. Three stood.", &card)->warning.empty());
        card.maxSentences = 40;
        QVERIFY(newsTask().format("One rose. Two fell. Three stood.", &card)->warning.empty());
        QVERIFY(newsTask().samples().size() >= 6);
        for (const std::string& s : newsTask().samples()) QVERIFY(newsTask().format(s, &card).ok());
        QCOMPARE(
            newsTask().answer("<out>1<:><global><attend><in>1<:></attend>Head\n<out>2<:><attend></attend>Point.\n"),
            std::string("Head\nPoint."));
        QCOMPARE(newsTask().answer(""), std::string());
    }

    void signature() {
        QCOMPARE(withoutSignature("It rose. REUTER\n"), std::string_view("It rose."));
        QCOMPARE(withoutSignature("It rose\nReuter\n\x03"), std::string_view("It rose"));
        QCOMPARE(withoutSignature("He told Reuter"), std::string_view("He told Reuter"));
    }
};

QTEST_GUILESS_MAIN(TestNewsTarget)
#include "tst_news_target.moc"
