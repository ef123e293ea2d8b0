// Every row of the table: its text, its lists against their definition position by position, what it asks of a
// backend.
#include <QtTest>
#include <functional>
#include <random>
#include <set>

#include "engine/policy/policies.h"
#include "engine/types/interval_algebra.h"

using namespace spanscope;

namespace {

const BackendInfo kBackend{"cpu", "a machine", 1, DType::F32, false, true};

TokenView viewAt(int32_t position) {
    TokenView view;
    view.position = position;
    view.visible = std::make_shared<const IntervalList>(normalised({{0, 1}, {position, kOpenEnd}}));
    view.maskId = 7;
    return view;
}

int32_t numberFor(const PolicyRow& row) {
    return row.number == PolicyNumber::None ? 0 : row.number == PolicyNumber::Drafted ? kMostDrafted : 37;
}

std::unique_ptr<MaskPolicy> policy(const std::string& text) {
    auto made = makeMaskPolicy(parseMaskPolicy(text).value(), kBackend);
    if (!made) qFatal("%s", made.error().toString().c_str());
    return std::move(*made);
}

}  // namespace

class TestPolicies : public QObject {
    Q_OBJECT
  private slots:
    void textIsReadBack() {
        for (const PolicyRow& row : maskPolicies()) {
            const MaskPolicySpec spec{std::string(row.name), numberFor(row), false};
            QCOMPARE(MaskPolicySpec::parse(spec.text()), std::optional(spec));
            QVERIFY(parseMaskPolicy(spec.text()).value() == spec);
            QCOMPARE(makeMaskPolicy(spec, kBackend).ok(), row.needs != PolicyNeeds::KeySelection);
            QVERIFY(maskPolicyNames().find(row.name) != std::string::npos);
            QVERIFY(!row.description.empty() && maskPolicyHelp().find(row.description) != std::string::npos);
        }
        QVERIFY(MaskPolicySpec::dense().isDense() && MaskPolicySpec::declared().isDeclared());
        QVERIFY(MaskPolicySpec{} == MaskPolicySpec::declared());
        for (int32_t n = 0; n <= kMostDrafted; ++n) {
            const MaskPolicySpec spec = parseMaskPolicy(n ? "lossless=" + std::to_string(n) : "lossless").value();
            QVERIFY(spec.isLossless() && spec == MaskPolicySpec::lossless(n));
            QCOMPARE(spec.itemsTogether(), (n ? n : kMostDrafted) + 1);
        }
        QCOMPARE(MaskPolicySpec::dense().itemsTogether(), 1);
        QVERIFY(maskPolicyNames().find("lossless[=N]") != std::string::npos);
    }

    void refusals_data() {
        QTest::addColumn<QString>("text");
        for (const char* text :
             {"",           "half",        "keep",        "keep=",           "keep=0",  "pages",   "pages=0",
              "pages=5%",   "keep=-1",     "keep=x",      "keep=9999999999", "keep=1 ", "Keep=1",  "dense=5",
              "declared=1", "lossless=17", "lossless=-1", "lossless=5%",     "=5",      "keep=1=2"})
            QTest::addRow("\"%s\"", text) << text;
    }
    void refusals() {
        QFETCH(QString, text);
        const auto spec = parseMaskPolicy(text.toStdString());
        QVERIFY(!spec.ok());
        QCOMPARE(spec.error().code, ErrorCode::InvalidArgument);
    }

    void listsFollowTheDefinition_data() {
        using MayRead = std::function<bool(int32_t position, int32_t key)>;
        QTest::addColumn<QString>("text");
        QTest::addColumn<MayRead>("mayRead");
        QTest::newRow("dense") << "dense" << MayRead([](int32_t, int32_t) { return true; });
        QTest::newRow("declared") << "declared" << MayRead([](int32_t p, int32_t k) { return k == 0 || k == p; });
        for (int32_t n : {1, 2, 16, 37}) {
            QTest::addRow("pages=%d", n) << QString("pages=%1").arg(n) << MayRead([n](int32_t p, int32_t k) {
                return k < n || k >= p / n * n;  // the block of the first token, and the one that is being written
            });
            QTest::addRow("keep=%d", n) << QString("keep=%1").arg(n)
                                        << MayRead([n](int32_t p, int32_t k) { return k == 0 || k > p - n; });
            QTest::addRow("window=%d", n)
                << QString("window=%1").arg(n) << MayRead([n](int32_t p, int32_t k) { return k > p - n; });
        }
    }
    void listsFollowTheDefinition() {
        QFETCH(QString, text);
        QFETCH(std::function<bool(int32_t position, int32_t key)>, mayRead);
        const auto made = policy(text.toStdString());
        for (int32_t position = 0; position < 80; ++position) {
            const QueryMask mask = made->forStep(viewAt(position));
            QVERIFY(isNormalised(*mask.visible));
            for (int32_t key = 0; key <= position + 2; ++key)
                QCOMPARE(spanscope::mayRead(*mask.visible, position, key), key <= position && mayRead(position, key));
        }
    }

    /// Random lists against the definition: a block is read where the list reads any token of it.
    void blocksAreReadWhole() {
        std::mt19937 random(5);
        for (int32_t n : {1, 3, 16, 32}) {
            const auto made = policy("pages=" + std::to_string(n));
            for (int round = 0; round < 200; ++round) {
                IntervalList list;
                for (int k = 0; k < 4; ++k) {
                    const auto begin = static_cast<int32_t>(random() % 190);
                    list.push_back({begin, begin + static_cast<int32_t>(random() % 20)});
                }
                const auto own = static_cast<int32_t>(random() % 200);
                list.push_back({own, random() % 2 ? kOpenEnd : kOpenEnd - 1});
                TokenView view;
                view.visible = std::make_shared<const IntervalList>(normalised(list));
                view.maskId = 1 + static_cast<uint64_t>(round);
                for (view.position = own; view.position < own + 40; ++view.position) {
                    const QueryMask mask = made->forStep(view);
                    QVERIFY(isNormalised(*mask.visible));
                    QCOMPARE(mask.id, view.maskId);
                    for (int32_t key = 0; key <= view.position; ++key) {
                        bool any = false;
                        for (int32_t other = key / n * n; other < (key / n + 1) * n; ++other)
                            any = any || mayRead(*view.visible, INT32_MAX - 1, other);
                        QCOMPARE(mayRead(*mask.visible, view.position, key), any);
                    }
                }
            }
        }
    }

    void scatteredPagesAreSpread() {
        for (int32_t n : {1, 16, 40, 64, 1000}) {
            const auto made = policy("scatter=" + std::to_string(n));
            for (int32_t position = 0; position < 300; ++position) {
                const QueryMask mask = made->forStep(viewAt(position));
                QVERIFY(isNormalised(*mask.visible));
                std::set<int32_t> pages;
                for (int32_t key = 0; key <= position; ++key)
                    if (mayRead(*mask.visible, position, key)) pages.insert(key / kPageTokens);
                const int32_t nPages = position / kPageTokens + 1;
                QCOMPARE(static_cast<int32_t>(pages.size()), std::clamp(n / kPageTokens, 1, nPages));
                QVERIFY(mayRead(*mask.visible, position, position));
                QCOMPARE(loadedTokens(*mask.visible, position), attendedTokens(*mask.visible, position));
                if (pages.size() > 1) QCOMPARE(*pages.begin(), 0);
            }
        }
    }

    /// A policy that says nothing else leaves the prompt dense; only what the model declares shapes it.
    void prompts() {
        for (const PolicyRow& row : maskPolicies()) {
            const auto made = row.make({std::string(row.name), row.number != PolicyNumber::None ? 3 : 0, false});
            const IntervalList list = *made->forPrompt(viewAt(50)).visible;
            QCOMPARE(list, row.name == "declared" ? *viewAt(50).visible : (IntervalList{{0, kOpenEnd}}));
        }
    }

    void idsAreEqualOnlyWhereListsAre() {
        const TokenView view = viewAt(9);
        const auto dense = policy("dense"), declared = policy("declared"), keep = policy("keep=3");
        QCOMPARE(declared->forStep(view).visible, view.visible);
        QCOMPARE(declared->forStep(view).id, view.maskId);
        QVERIFY(dense->forStep(view).id != 0);
        QCOMPARE(dense->forStep(view).visible, dense->forPrompt(viewAt(4)).visible);
        QCOMPARE(keep->forStep(view).id, uint64_t{0});
    }

    void whatABackendLacksIsSaid() {
        const PolicyRow choosy{"best-pages", PolicyNumber::Budget, "pages with the best scores",
                               PolicyNeeds::KeySelection, nullptr};
        BackendInfo backend = kBackend;
        const Status refused = checkCapabilities(choosy, backend);
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, ErrorCode::Unsupported);
        QVERIFY(refused.error().message.find("best-pages") != std::string::npos);
        QVERIFY(refused.error().message.find("\"cpu\"") != std::string::npos);
        backend.keySelection = true;
        QVERIFY(checkCapabilities(choosy, backend).ok());
        for (const PolicyRow& row : maskPolicies()) {
            BackendInfo lacking = backend;
            lacking.manyOfOne = lacking.keySelection = false;
            QCOMPARE(checkCapabilities(row, lacking).ok(), row.needs == PolicyNeeds::Nothing);
            QVERIFY(checkCapabilities(row, backend).ok());
        }
    }
};

QTEST_GUILESS_MAIN(TestPolicies)
#include "tst_policies.moc"
