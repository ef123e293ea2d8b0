// How many heads read what, written and read back; counts that lie are not believed.
#include <QtTest>

#include "engine/trace/trace.h"
#include "tests/model/tiny_model.h"
#include "tests/trace/sample_run.h"

using namespace spanscope;
using namespace spanscope::test;

class TestTraceHeads : public QObject {
    Q_OBJECT
    ScratchFolder m_folder;

    Result<TraceFile> readText(const std::string& text) {
        const std::string path = m_folder.file("damaged.spantrace");
        test::writeFile(path, text);
        return readTrace(path);
    }

  private slots:
    /// How many heads read what; runs whose heads all read the list say nothing of it.
    void countsOfHeads() {
        const RunData plain = sampleRun(3);
        const std::string without = m_folder.file("plain.spantrace");
        QVERIFY(writeTrace(without, {&plain}).ok());
        QCOMPARE(readFile(without).find("\"heads\":0"), std::string::npos);
        RunData run = sampleRun(3, {"quest", 25, true});
        const StepRecord& second = run.steps[1];  // each of its tokens read by other heads
        HeadCounts counts{8, {}};
        IntervalList explicitList;
        for (const Interval& i : *second.visible) {
            const Interval c = clipToQuery(i, second.position);
            if (c.begin >= c.end) continue;
            explicitList.push_back(c);
            for (int32_t k = c.begin; k < c.end; ++k) counts.parts.push_back({k, k + 1, 1 + k % 8});
        }
        QVERIFY(counts.parts.size() > 1);
        run.steps[1].visible = std::make_shared<const IntervalList>(explicitList);
        run.steps[1].heads = std::make_shared<const HeadCounts>(counts);
        run.stats.headAttendedTokens = 7;
        const std::string path = m_folder.file("heads.spantrace");
        QVERIFY(writeTrace(path, {&run}).ok());
        const auto file = readTrace(path);
        QVERIFY(file.ok());
        QCOMPARE(file->damage, std::string());
        const std::vector<StepRecord>& steps = file->runs[0]->steps;
        QCOMPARE(steps.size(), run.steps.size());
        QVERIFY(steps[1].heads && *steps[1].heads == counts);
        QCOMPARE(*steps[1].visible, *run.steps[1].visible);
        QCOMPARE(file->runs[0]->stats.headAttendedTokens, run.stats.headAttendedTokens);
        QVERIFY(!file->runs[0]->steps[0].heads);
        const std::string text = readFile(path);
        const HeadCounts::Part& last = counts.parts.back();
        const std::string part =
            "[" + std::to_string(last.begin) + "," + std::to_string(last.end) + "," + std::to_string(last.nHeads) + "]";
        const auto other = [&](int32_t begin, int32_t end, int32_t n) {
            return "[" + std::to_string(begin) + "," + std::to_string(end) + "," + std::to_string(n) + "]";
        };
        for (const auto& [was, becomes] :
             {std::pair{std::string("\"n\":8"), std::string("\"n\":0")},
              {"\"n\":8", "\"n\":1"},
              {part, other(last.begin, last.end + 1, last.nHeads)},
              {part, other(0, last.end, last.nHeads)},
              {part, other(last.begin, last.end, 9)},
              {part, other(last.begin, last.end, 0)},
              {part, "7"},
              {part, "[0,1e30,1]"},
              {"\"t\":\"heads\",\"run\":3,\"heads\":0", "\"t\":\"heads\",\"run\":3,\"heads\":4"},
              {"\"heads\":0}", "\"heads\":1}"},
              {"\"heads\":0}", "\"heads\":-1}"},
              {"\"heads\":0}", "\"heads\":null}"}}) {
            std::string lie = text;
            QVERIFY2(lie.find(was) != std::string::npos, was.c_str());
            lie.replace(lie.find(was), was.size(), becomes);
            const auto read = readText(lie);
            QVERIFY(read.ok());
            QVERIFY2(!read->damage.empty(), becomes.c_str());
            for (const auto& believed : read->runs) QVERIFY(believed->steps.size() < run.steps.size());
        }
        // A step of another mask does not take them.
        std::string lie = text;
        const size_t at = lie.find("\"heads\":0}"), mask = lie.rfind("\"mask\":", at);
        lie.replace(mask, at - mask, "\"mask\":0,");
        const auto read = readText(lie);
        QVERIFY(read.ok() && !read->damage.empty());
    }

    /// A run that was cut off has its mean over heads from the counts.
    void sumsOfARunWithoutEnd() {
        RunData run = sampleRun(3, {"quest", 25, true});
        HeadCounts counts{4, {}};
        IntervalList own;
        const int32_t position = run.steps[1].position;
        own.push_back({0, 4});
        own.push_back({position, position + 1});
        counts.parts = {{0, 4, 2}, {position, position + 1, 4}};
        run.steps.resize(2);
        run.steps[1].visible = std::make_shared<const IntervalList>(own);
        run.steps[1].attended = 5;
        run.steps[1].loaded = loadedTokens(own, position, run.header.layerWindows);
        run.steps[1].heads = std::make_shared<const HeadCounts>(counts);
        const std::string path = m_folder.file("cut.spantrace");
        QVERIFY(writeTrace(path, {&run}).ok());
        std::string text = readFile(path);
        text.resize(text.rfind("{\"t\":\"end\""));
        const auto file = readText(text);
        QVERIFY(file.ok() && file->runs.size() == 1 && !file->damage.empty());
        QCOMPARE(file->runs[0]->steps.size(), size_t{2});
        QCOMPARE(file->runs[0]->stats.headAttendedTokens, int64_t{3});  // four by half of the heads, one by all
    }
};

QTEST_GUILESS_MAIN(TestTraceHeads)
#include "tst_trace_heads.moc"
