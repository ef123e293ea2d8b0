// The mask's pixel rule against a brute-force reading of its words, and the mapping between cells and pixels.
#include <QtTest>
#include <random>

#include "engine/types/interval_algebra.h"
#include "tests/ui/sample_run.h"
#include "ui/views/mask/mask_explain.h"
#include "ui/views/mask/mask_raster.h"

using namespace spanscope;

namespace {

/// One cell by the words of the protocol, without visibility.h.
MaskState bruteCell(const MaskRow& row, int column) {
    if (column > row.position) return MaskState::Future;
    bool page = false;
    for (const Interval& i : *row.visible) {
        if (column >= i.begin && column < i.end) return MaskState::Attended;
        for (int c = column / 16 * 16; c < column / 16 * 16 + 16; ++c)
            if (c >= i.begin && c < i.end && c <= row.position) page = true;
    }
    return page ? MaskState::Loaded : MaskState::NotRead;
}

/// Random rows: lists of random intervals, kept for a few rows at a time as phases do.
MaskRows randomRows(std::mt19937& random, int nRows, int nPrompt) {
    MaskRows rows;
    SharedIntervals list;
    Phase phase = Phase::Free;
    for (int r = 0; r < nRows; ++r) {
        const int position = nPrompt + r;
        if (!list || random() % 4 == 0) {
            IntervalList l;
            int at = int(random() % 9);
            while (at <= position && random() % 8) {
                const int end = at + 1 + int(random() % 23);
                l.push_back({at, end});
                at = end + 1 + int(random() % 40);
            }
            if (at <= position && random() % 2) l.push_back({at, kOpenEnd});
            list = std::make_shared<const IntervalList>(l);
            phase = Phase(1 + random() % 6);
        }
        rows.append({list, position, phase});
    }
    return rows;
}

}  // namespace

class TestMaskRaster : public QObject {
    Q_OBJECT
  private slots:
    void oracle() {
        // Position 20, reads [0,1) and [18,...): columns 16 and 17 share 18's page, 1..15 share 0's.
        const MaskRow row{std::make_shared<const IntervalList>(IntervalList{{0, 1}, {18, kOpenEnd}}), 20, Phase::Local};
        QCOMPARE(maskCell(row, 0), MaskState::Attended);
        QCOMPARE(maskCell(row, 1), MaskState::Loaded);
        QCOMPARE(maskCell(row, 15), MaskState::Loaded);
        QCOMPARE(maskCell(row, 17), MaskState::Loaded);
        QCOMPARE(maskCell(row, 18), MaskState::Attended);
        QCOMPARE(maskCell(row, 20), MaskState::Attended);
        QCOMPARE(maskCell(row, 21), MaskState::Future);
        QCOMPARE(maskCell(row, -1), MaskState::Future);
        QCOMPARE(maskCell({nullptr, 20, Phase::Free}, 3), MaskState::NotRead);
        const MaskRow far{std::make_shared<const IntervalList>(IntervalList{{40, 41}}), 60, Phase::Focus};
        QCOMPARE(maskCell(far, 31), MaskState::NotRead);
        QCOMPARE(maskCell(far, 32), MaskState::Loaded);
        QCOMPARE(maskCell(far, 48), MaskState::NotRead);
    }

    /// Where heads choose, a pixel shows the token that most heads read, in quarters of them; the other states are as
    /// ever.
    void sharesOfHeads() {
        constexpr int kAll = 12;
        std::mt19937 random(7);
        MaskRows rows;
        for (int r = 0; r < 40; ++r) {
            const int position = 50 + r;
            HeadCounts counts{kAll, {}};
            IntervalList any;
            for (int at = int(random() % 5); at < position;) {
                const int end = std::min(position, at + 1 + int(random() % 6));
                counts.parts.push_back({at, end, 1 + int(random() % kAll)});
                any.push_back({at, end});
                at = end + 1 + int(random() % 40);
            }
            counts.parts.push_back({position, position + 1, kAll});
            any.push_back({position, position + 1});
            rows.append({std::make_shared<const IntervalList>(normalised(any)), position, Phase::Local,
                         std::make_shared<const HeadCounts>(counts)});
        }
        QVERIFY(rows.hasHeads() && !rows.hasPhase(Phase::Local));
        for (const double cellsPerPixel : {0.5, 1.0, 3.7}) {
            const MaskAxis x{cellsPerPixel}, y{cellsPerPixel};
            const int width = int(90 / cellsPerPixel), height = int(40 / cellsPerPixel);
            const QImage image = rasterMask(rows, x, y, 0, 0, width, height, {});
            for (int py = 0; py < height; ++py)
                for (int px = 0; px < width; ++px) {
                    MaskState state = MaskState::Future;
                    int most = 0;
                    const CellRange lines = y.cellsAt(py), columns = x.cellsAt(px);
                    for (int r = lines.begin; r < std::min(lines.end, rows.size()); ++r)
                        for (int c = columns.begin; c < columns.end; ++c) {
                            state = std::max(state, bruteCell(rows[r], c));
                            if (c <= rows[r].position) most = std::max(most, rows[r].heads->at(c));
                        }
                    const int quarters = (4 * most + kAll - 1) / kAll;
                    const QRgb want = most > 0 ? Palette::light().headsPixel(quarters, px, py, 1)
                                               : Palette::light().maskPixel(state, Phase::Prompt, true, px, py, 1);
                    QCOMPARE(image.pixel(px, py), want);
                }
        }
        for (const bool dark : {false, true})
            for (const bool high : {false, true})
                for (int quarters = 1; quarters <= kHeadQuarters; ++quarters) {
                    const Palette& palette = Palette::of(dark, high);
                    int filled = 0;
                    for (int at = 0; at < 16; ++at)
                        filled += palette.headsPixel(quarters, at % 4, at / 4, 1) == palette.attended.rgb() ? 1 : 0;
                    QCOMPARE(filled, 4 * quarters);
                }
        QCOMPARE(headQuarters(1, kAll), 1);
        QCOMPARE(headQuarters(3, kAll), 1);
        QCOMPARE(headQuarters(4, kAll), 2);
        QCOMPARE(headQuarters(kAll, kAll), 4);
    }

    /// In words: how many heads read it, and not what a span declared.
    void headsInWords() {
        RunData run = sample::sheet(4, {"quest", 25, true});
        StepRecord& step = run.steps[10];
        step.visible = std::make_shared<const IntervalList>(IntervalList{{0, 2}, {step.position, step.position + 1}});
        step.heads = std::make_shared<const HeadCounts>(
            HeadCounts{60, {{0, 1, 60}, {1, 2, 7}, {step.position, step.position + 1, 60}}});
        QCOMPARE(describeCell(run, 10, 1).reason, std::string("7 of the 60 heads chose it under quest=25%"));
        QCOMPARE(describeCell(run, 10, 40).reason, std::string("no head chose it under quest=25%"));
        QCOMPARE(describeCell(run, 10, 5).state, MaskState::Loaded);
    }

    void cellsOfPixels_data() {
        QTest::addColumn<double>("cellsPerPixel");
        for (const double v : {0.0208, 0.1, 0.5, 0.999, 1.0, 1.0001, 1.5, 2.0, 3.7, 36.4, 1000.5})
            QTest::addRow("%g", v) << v;
    }
    void cellsOfPixels() {
        QFETCH(double, cellsPerPixel);
        const MaskAxis axis{cellsPerPixel};
        int next = 0;  // no cell may fall between two pixels, none may be passed over
        for (int64_t p = 0; p < 5000; ++p) {
            const CellRange cells = axis.cellsAt(p);
            QVERIFY(cells.begin < cells.end);
            QVERIFY2(cells.begin <= next, qPrintable(QString("gap before pixel %1").arg(p)));
            next = std::max(next, cells.end);
        }
        if (cellsPerPixel <= 1) {  // zoomed in: every cell has a pixel of its own, borders are sharp
            for (int cell = 0; cell < 100; ++cell) {
                const auto p = static_cast<int64_t>(std::floor(axis.pixelOf(cell + 0.5)));
                QCOMPARE(axis.cellsAt(p).begin, cell);
            }
        }
    }

    void pooledEqualsBruteForce_data() {
        QTest::addColumn<int>("nRows");
        QTest::addColumn<int>("nPrompt");
        QTest::addColumn<double>("xScale");
        QTest::addColumn<double>("yScale");
        for (const int n : {1, 37, 127, 501})
            for (const auto& [x, y] : {std::pair{1.0, 1.0}, {0.25, 0.4}, {3.3, 1.0}, {17.0, 5.5}, {0.5, 9.1}})
                QTest::addRow("%d rows x%g y%g", n, x, y) << n << 83 << x << y;
    }
    void pooledEqualsBruteForce() {
        QFETCH(int, nRows);
        QFETCH(int, nPrompt);
        QFETCH(double, xScale);
        QFETCH(double, yScale);
        std::mt19937 random(unsigned(nRows) * 31u + unsigned(xScale * 8));
        const MaskRows rows = randomRows(random, nRows, nPrompt);
        const MaskAxis x{xScale}, y{yScale};
        const int width = int(x.pixels(rows.nColumns())) + 3, height = int(y.pixels(nRows)) + 2;
        const int64_t x0 = width / 3, y0 = height / 3;
        const PixelCells columns(x, x0, width);
        std::vector<MaskCode> codes(static_cast<size_t>(width));
        for (int line = 0; line < height; ++line) {
            const CellRange r = y.cellsAt(y0 + line);
            poolRows(rows, r, columns, codes.data());
            for (int i = 0; i < width; ++i) {
                MaskCode expected = 0;
                const CellRange c = x.cellsAt(x0 + i);
                for (int row = r.begin; row < std::min(r.end, nRows); ++row)
                    for (int column = c.begin; column < c.end; ++column)
                        expected = std::max(expected, maskCode(bruteCell(rows[row], column), rows[row].phase));
                QVERIFY2(codes[size_t(i)] == expected, qPrintable(QString("line %1 pixel %2: %3, expected %4")
                                                                      .arg(line)
                                                                      .arg(i)
                                                                      .arg(codes[size_t(i)])
                                                                      .arg(expected)));
            }
        }
    }

    void aSingleReadTokenNeverDisappears() {
        // 8192 x 8192, one isolated read token in each of 1000 rows, drawn into 500 x 400 pixels.
        std::mt19937 random(5);
        MaskRows rows;
        const auto nothing = std::make_shared<const IntervalList>();
        std::vector<std::pair<int, int>> read;
        for (int r = 0; r < 8192; ++r) {
            SharedIntervals list = nothing;
            if (r % 8 == 3 && read.size() < 1000) {
                const int column = int(random() % unsigned(r + 1));
                list = std::make_shared<const IntervalList>(IntervalList{{column, column + 1}});
                read.emplace_back(r, column);
            }
            rows.append({list, r, Phase::Focus});
        }
        const MaskAxis x{8192.0 / 500}, y{8192.0 / 400};
        const QImage image = rasterMask(rows, x, y, 0, 0, 500, 400, {});
        const QRgb colour = Palette::light().phase(Phase::Focus).rgb();
        for (const auto& [r, c] : read) QCOMPARE(image.pixel(int(x.pixelOf(c)), int(y.pixelOf(r))), colour);
    }

    void tilesOfAnImageJoin() {
        std::mt19937 random(11);
        const MaskRows rows = randomRows(random, 300, 50);
        const MaskAxis x{1.7}, y{0.9};
        const QImage whole = rasterMask(rows, x, y, 0, 0, 200, 300, {});
        QImage joined(200, 300, QImage::Format_RGB32);
        for (int ty = 0; ty < 3; ++ty)
            for (int tx = 0; tx < 4; ++tx) {
                const QImage tile = rasterMask(rows, x, y, tx * 50, ty * 100, 50, 100, {});
                for (int py = 0; py < 100; ++py)
                    for (int px = 0; px < 50; ++px) joined.setPixel(tx * 50 + px, ty * 100 + py, tile.pixel(px, py));
            }
        QCOMPARE(joined, whole);
    }

    void statesAreToldApartWithoutColour() {
        for (const bool dark : {false, true}) {
            const Palette& p = Palette::of(dark);
            int ink[2] = {0, 0};
            for (int py = 0; py < 8; ++py)
                for (int px = 0; px < 8; ++px) {
                    ink[0] += maskPatternInk(MaskState::NotRead, px, py);
                    ink[1] += maskPatternInk(MaskState::Loaded, px, py);
                    QVERIFY(!maskPatternInk(MaskState::Attended, px, py));
                    QVERIFY(!maskPatternInk(MaskState::Future, px, py));
                }
            QVERIFY(ink[0] > 0 && ink[1] > 0 && ink[0] != ink[1]);
            // In grey: read stands far from both grounds, in every phase.
            for (const QColor& c : p.phases) {
                if (&c == &p.phases[0]) continue;
                QVERIFY2(std::abs(qGray(c.rgb()) - qGray(p.notRead.rgb())) > 60, qPrintable(c.name()));
            }
            QVERIFY(std::abs(qGray(p.attended.rgb()) - qGray(p.notRead.rgb())) > 100);
        }
    }

    void snapshotsStayAsTheyWere() {
        MaskRows rows;
        const auto list = std::make_shared<const IntervalList>(IntervalList{{0, 4}});
        for (int i = 0; i < 1500; ++i) rows.append({list, i, Phase::Local});
        const MaskRows snapshot = rows;
        for (int i = 1500; i < 4000; ++i) rows.append({nullptr, i, Phase::Focus});
        QCOMPARE(snapshot.size(), 1500);
        QCOMPARE(rows.size(), 4000);
        QCOMPARE(snapshot.nColumns(), 1500);
        QCOMPARE(snapshot[1499].phase, Phase::Local);
        QCOMPARE(rows[1500].phase, Phase::Focus);
    }

    void windowKeepsTheCellUnderThePointer() {
        MaskWindow w;
        w.extent = 800;
        w.nCells = 20000;
        w.fit(20000);
        QCOMPARE(w.cellAtWindow(799.99), 19999);
        QCOMPARE(w.cellAtWindow(800), -1);
        for (int i = 0; i < 12; ++i) {
            const double cell = (w.origin + 300) * w.axis.cellsPerPixel;
            w.zoomAt(300, 1.5);
            QVERIFY(std::abs((w.origin + 300) * w.axis.cellsPerPixel - cell) <= w.axis.cellsPerPixel);
        }
        w.reveal(0);
        QCOMPARE(w.visibleCells().begin, 0);
        w.reveal(19999);
        QCOMPARE(w.visibleCells().end, 20000);
        w.zoomAt(10, 1e-9);  // cannot zoom out past the whole
        QCOMPARE(w.visibleCells(), (CellRange{0, 20000}));
        w.show(100, 110);
        QVERIFY(w.visibleCells().begin <= 100 && w.visibleCells().end >= 110 && w.visibleCells().end < 130);
    }

    void ticksAreRound() {
        const auto ticks = niceTicks({0, 480}, 1.9, 40);
        QVERIFY(!ticks.empty());
        for (const MaskTick& t : ticks)
            if (t.major) QCOMPARE(t.cell % 50, 0);
        QVERIFY(niceTicks({0, 0}, 1, 40).empty());
        for (const MaskTick& t : niceTicks({0, 2000000000}, 1e-6, 40)) QVERIFY(t.cell >= 0);
    }

    void explainsWhy() {
        const RunData run = sample::sheet(6);
        const int nPrompt = int(run.header.prompt.size());
        int declared = 0, own = 0, scaffold = 0, sink = 0;
        for (const StepRecord& s : run.steps)
            for (int column = 0; column < nPrompt + int(run.steps.size()); column += 3) {
                const CellInfo info = describeCell(run, s.index, column);
                QCOMPARE(info.state, maskCell({s.visible, s.position, s.phase}, column));
                QVERIFY(!info.reason.empty());
                QVERIFY2(info.reason != "in the step's interval list", cellSentence(info).c_str());
                declared += info.reason.starts_with("declared: <");
                own += info.reason == "the step's own segment";
                scaffold += info.reason == "part of the prompt that every step sees";
                sink += info.reason.starts_with("the sink");
            }
        QVERIFY(declared > 0 && own > 0 && scaffold > 0 && sink > 0);
        QCOMPARE(describeCell(run, -1, 0).step, -1);
        QCOMPARE(describeCell(run, 1 << 20, 0).step, -1);
        QVERIFY(cellSentence(describeCell(run, 3, 0)).find("step 3") == 0);
    }

    /// Under a vocabulary of tags: chunks named and not, what is hidden, and a section that a malformed tag widened.
    void explainsTags() {
        RunData run;
        run.header.vocabulary = "da";
        run.header.settings.attention = MaskPolicySpec::declared();
        for (int i = 0; i < 80; ++i) run.header.prompt.push_back({i, "p", false});
        run.segments = {{SegmentKind::Scaffold, -1, 0, 4, -1, {}, false},
                        {SegmentKind::In, 1, 4, 40, 4, {}, false, "chunk"},
                        {SegmentKind::In, 2, 40, 72, 40, {}, false, "chunk"},
                        {SegmentKind::Scaffold, -1, 72, 80, -1, {}, false},
                        {SegmentKind::Out, 1, 81, 83, 81, {{SegmentKind::In, 2, 2, 81, {40, 72}}}, false, "focus"},
                        {SegmentKind::Out, 1, 83, 84, 83, {}, false, "local"},
                        {SegmentKind::Out, 2, 84, kOpenEnd, 84, {}, true, "focus"}};
        const auto list = [](IntervalList l) { return std::make_shared<const IntervalList>(std::move(l)); };
        const auto focus = list({{0, 4}, {40, kOpenEnd}}), local = list({{0, 4}, {72, kOpenEnd}});
        const auto hidden = list({{0, 81}, {82, kOpenEnd}});
        const std::pair<Phase, SharedIntervals> steps[] = {{Phase::Free, hidden},
                                                           {Phase::Free, hidden},
                                                           {Phase::Focus, focus},
                                                           {Phase::Local, local},
                                                           {Phase::Global, hidden}};
        for (int i = 0; i < 5; ++i) {
            StepRecord s;
            s.index = i;
            s.position = 80 + i;
            s.segment = i < 2 ? -1 : i + 2;
            s.phase = steps[i].first;
            s.visible = steps[i].second;
            run.steps.push_back(s);
        }
        const auto reason = [&](int step, int column) { return describeCell(run, step, column).reason; };
        QCOMPARE(reason(0, 8), std::string("nothing narrows this step: not hidden, so read"));
        QCOMPARE(reason(2, 44), std::string("named by the section's tag: chunk 2"));
        QCOMPARE(reason(2, 20), std::string("a chunk that the section's tag does not name"));
        QCOMPARE(reason(2, 74), std::string("part of the prompt that every step sees"));
        QCOMPARE(reason(2, 80), std::string("the response so far can always be read"));
        QCOMPARE(reason(3, 20), std::string("the section reads no chunk"));
        QCOMPARE(reason(4, 10), std::string("after a malformed tag everything not hidden is read"));
        run.steps[4].visible = list({{0, 4}, {100, kOpenEnd}});
        QCOMPARE(reason(4, 81), std::string("hidden by a tag"));
    }
};

QTEST_GUILESS_MAIN(TestMaskRaster)
#include "tst_mask_raster.moc"
