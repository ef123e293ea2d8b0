// Sentence borders: what a reader would say, and that nothing of the text is ever lost.
#include <QtTest>
#include <random>

#include "engine/tasks/news/sentences.h"

using namespace spanscope;

namespace {

std::vector<std::string> split(const std::string& text) {
    const auto spans = splitSentences(text);
    if (!spans) qFatal("%s", spans.error().toString().c_str());
    std::vector<std::string> out;
    for (const TextSpan& s : *spans) out.push_back(oneLine(text.substr(s.begin, s.end - s.begin)));
    return out;
}

}  // namespace

class TestNewsSentences : public QObject {
    Q_OBJECT
  private slots:
    /// "|" marks where one sentence ends and the next begins.
    void borders_data() {
        QTest::addColumn<QString>("marked");
        const char* cases[] = {
            "Sales rose.|Profits fell.",
            "Rep. Kim Schrier, M.D. (WA-08) spoke.|She left.",
            "WASHINGTON, D.C. \u2013Rep. John James, with Reps. Bell and Cole, spoke.",
            "She said that \u201cMr. Homan left.\u201d|Nobody asked.",
            "He backed the Child Care Act.|The bill passed in Dec.|The end came later.",
            "Ann Bell, Ph.D. [of the institute] spoke.",
            "He trusts the U.S. (and says so) today.",
            "It was planned by the U.S. Senate and the D.C. Council.",
            "See www.example.com and Node.Js and Mr.The for more.",
            "Mr. Reed of Acme Inc. said so.|He left.",
            "Dr. A. B. Marlow met Rep. Jones and Gen. Stone.",
            "The U.S. economy grew.|The U.K. did not.",
            "Officials of the U.S. And Japan met.",
            "He lives in the U.S.|The house is old.",
            "It paid 3.5 mln dlrs, or .125 dlrs a share.|It said no more.",
            "The rate is 8.7 pct.|Dealers shrugged.",
            "It weighs 12 lb.|Prices are firm.",
            "Deliveries begin on Jan. 5 and end on Sept. 30.",
            "Lot No. 7 was sold.|No. 8 was not.",
            "Prices fell.|12 people died.",
            "They met on Monday.|6,104 people signed.",
            "It was built in 1987.|33 firms applied.",
            "The rate fell to 10.1 from 18.7.|841 workers left.",
            "It cost $215,000.|67 people came.|It rose 5.5%.|12 fell.|It paid \u00A34.2bn.|3 left.",
            "\u201CWe go to court.\u201D|9 people agreed.",
            "\"Why?\" he asked.|\"I do not know.|He is there,\" she said.",
            "\"We will wait.\"|Nobody waited.",
            "Will it rise?|Yes!|It will.",
            "The plan (see note. It is long) was read.",
            "J. P. Morrow opened it at 5 p.m. Monday.",
            "Oil was 18.50 dlrs...|Traders were calm.",
            "Acme Co. Ltd. Chairman Ann Bell spoke.",
            "It was called Plan C.|However, it failed.",
            "Caf\u00e9 Malm\u00f6 closes.|\u00c5sa left.",
            "\u201cWe sold it.\u201d|The buyer smiled.",
            "First line\n|Second line\n|Third.",
            "1. Open the door.|2. Walk in.",
            "He bought it, i.e. the shop, vs. the house.",
        };
        for (const char* c : cases) QTest::newRow(c) << QString::fromUtf8(c);
    }
    void borders() {
        QFETCH(QString, marked);
        std::string text;
        std::vector<std::string> want;
        for (const QString& part : marked.split('|')) {
            if (!text.empty() && text.back() != '\n') text += ' ';
            text += part.toStdString();
            want.push_back(part.trimmed().toStdString());
        }
        QCOMPARE(split(text), want);
    }

    void noSpaceBetween() {
        QCOMPARE(split("The prices rose.The bill failed.It passed later."),
                 (std::vector<std::string>{"The prices rose.", "The bill failed.", "It passed later."}));
    }

    void wrappedLinesAreJoined() {
        const std::string text =
            "The company said on Tuesday that it would close its\nworks in Ashwick, where 640 people are employed, "
            "and\n"
            "move the machines to Denby. The union said it would\nfight the decision.\n\nShares fell.\n";
        QCOMPARE(split(text),
                 (std::vector<std::string>{
                     "The company said on Tuesday that it would close its works in Ashwick, where 640 people are "
                     "employed, and move the machines to Denby.",
                     "The union said it would fight the decision.", "Shares fell."}));
    }

    void emptyAndBlank() {
        QVERIFY(split("").empty());
        QVERIFY(split(" \n\t \r\n").empty());
        QCOMPARE(split("x"), std::vector<std::string>{"x"});
    }

    void notUtf8() {
        const auto r = splitSentences("Fine. \xC3( broken");
        QVERIFY(!r.ok());
        QCOMPARE(r.error().field, std::string("byte 6"));
        QCOMPARE(invalidUtf8("\xED\xA0\x80"), size_t{0});  // a lone surrogate
        QCOMPARE(invalidUtf8("a\xC0\xAF"), size_t{1});     // overlong
        QCOMPARE(invalidUtf8("a\xE2\x82"), size_t{1});     // cut short
        QCOMPARE(invalidUtf8("\xF0\x9F\x98\x80"), std::string::npos);
    }

    /// Random text from pieces that meet every rule: spans ascend, do not touch white space, and lose only white space.
    void lossless() {
        const std::vector<std::string> pieces{
            "Mr.",    "U.S.", "said", "The",  "rose", ".",    ". ",   "! ",   "?\" ", "\"",     "(",      ")",
            " ",      "  ",   "\n",   "\n\n", "\t",   "3.5",  "12",   ",",    "Inc.", "\u201C", "\u201D", "\u00A0",
            "\u2028", "x",    "A.",   "\r\n", "<in>", "pct.", "Jan.", "1987", "...",  "\x01",   "\u00E9", "\U0001F600"};
        std::mt19937 random(11);
        for (int round = 0; round < 3000; ++round) {
            std::string text;
            const int n = static_cast<int>(random() % 60);
            for (int i = 0; i < n; ++i) text += pieces[random() % pieces.size()] + (random() % 3 == 0 ? " " : "");
            const auto spans = splitSentences(text);
            QVERIFY(spans.ok());
            std::string kept, all;
            size_t last = 0;
            for (const TextSpan& s : *spans) {
                QVERIFY(s.begin >= last && s.end > s.begin && s.end <= text.size());
                QVERIFY(static_cast<unsigned char>(text[s.begin]) > 0x20 &&
                        static_cast<unsigned char>(text[s.end - 1]) > 0x20);
                for (size_t i = last; i < s.begin; ++i) QVERIFY(static_cast<unsigned char>(text[i]) <= 0x20);
                QVERIFY(invalidUtf8(std::string_view(text).substr(s.begin, s.end - s.begin)) == std::string::npos);
                last = s.end;
            }
            for (size_t i = last; i < text.size(); ++i) QVERIFY(static_cast<unsigned char>(text[i]) <= 0x20);
        }
    }
};

QTEST_GUILESS_MAIN(TestNewsSentences)
#include "tst_news_sentences.moc"
