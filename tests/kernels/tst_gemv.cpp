// One matrix times a token or a few, by format and instruction set, against sums in double of the values that the
// specification gives. The last row ends where the process may not read on.
#include <sys/mman.h>
#include <unistd.h>

#include <hwy/targets.h>
#include <QtTest>

#include "compiled_targets.h"
#include "kernels/cpu/gemv.h"
#include "kernels/cpu/widen.h"
#include "kernels/reference/dequantize.h"
#include "random_model.h"

using namespace spanscope;
using namespace spanscope::cpu;
using namespace spanscope::test;

namespace {

/// Bytes with a page behind them that faults.
class Fenced {
  public:
    explicit Fenced(std::span<const uint8_t> bytes) {
        const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        const size_t used = (bytes.size() + page - 1) / page * page;
        m_size = used + page;
        m_memory = mmap(nullptr, m_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (m_memory == MAP_FAILED) qFatal("mmap");
        mprotect(static_cast<uint8_t*>(m_memory) + used, page, PROT_NONE);
        m_data = static_cast<uint8_t*>(m_memory) + used - bytes.size();
        std::memcpy(m_data, bytes.data(), bytes.size());
    }
    ~Fenced() { munmap(m_memory, m_size); }
    Fenced(const Fenced&) = delete;
    Fenced& operator=(const Fenced&) = delete;
    const uint8_t* data() const { return m_data; }

  private:
    void* m_memory = nullptr;
    uint8_t* m_data = nullptr;
    size_t m_size = 0;
};

/// Inputs that try a kernel's rounding and its ranges.
float inputAt(int32_t item, int64_t i, std::mt19937& random) {
    const float drawn = static_cast<float>(random()) / 0x1p31f - 1.0f;
    switch (item % 5) {
        case 1: return 3.0f + 0.01f * drawn;                   // nothing cancels
        case 2: return i % 32 == 7 ? -1000.0f : 0.5f * drawn;  // one outweighs its group
        case 3: return i < 32 ? 0.0f : 1e-6f * drawn;          // a group of nothing
        case 4: return i % 2 ? 1.0f : -1.0f;                   // all as large as can be
        default: return drawn;
    }
}

constexpr int64_t kRows = 19;

}  // namespace

class TestGemv : public QObject {
    Q_OBJECT

  private slots:
    void cleanup() { hwy::SetSupportedTargetsForTest(0); }

    void products_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<qint64>("target");
        QTest::addColumn<int>("cols");
        for (DType t : kDTypes) {
            for (int64_t bit : eachCompiledTarget())
                for (int cols : {1, 37, 2042, 32, 64, 160, 256, 512, 576, 768, 1184, 2144, 5632})
                    if (rowBytes(t, cols) != 0)
                        QTest::addRow("%s, %s, %d", dtypeName(t), targetName(bit), cols)
                            << int(t) << qint64(bit) << cols;
        }
    }
    void products() {
        QFETCH(int, type);
        QFETCH(qint64, target);
        QFETCH(int, cols);
        hwy::SetSupportedTargetsForTest(target);
        const auto dtype = DType(type);
        const size_t stride = rowBytes(dtype, cols);
        RandomModel drawn({.seed = uint32_t(type * 100 + cols)});
        const TensorView source = drawn.matrix(dtype, kRows, cols);
        std::vector<uint8_t> bytes(static_cast<const uint8_t*>(source.data),
                                   static_cast<const uint8_t*>(source.data) + source.nBytes());
        // Rows 0 to 2: every quant the smallest, the largest, the sign bit alone.
        const uint8_t extremes[3] = {0x00, 0xff, 0x80};
        withBlock(dtype, [&]<class Block>(std::type_identity<Block>) {
            if constexpr (requires(Block b) { b.qs; })
                for (size_t r = 0; r < 3; ++r)
                    for (size_t at = 0; at < stride; at += sizeof(Block)) {
                        auto* block = reinterpret_cast<Block*>(bytes.data() + r * stride + at);
                        std::memset(block->qs, extremes[r], sizeof(block->qs));
                        if constexpr (requires { block->qh; }) std::memset(block->qh, extremes[r], sizeof(block->qh));
                    }
        });
        const Fenced fenced(bytes);
        const TensorView w{fenced.data(), dtype, kRows, cols};

        constexpr int32_t kItems = 6;  // four together, then one by one
        GemvInputBuffer buffer(cols, kItems);
        std::mt19937 random{uint32_t(cols)};
        for (int32_t item = 0; item < kItems; ++item)
            for (int64_t i = 0; i < cols; ++i) buffer.x(item)[i] = inputAt(item, i, random);
        const GemvInput in = buffer.prepare(cols, kItems, GemvInputBuffer::formatBit(dtype));
        std::vector<float> bias(kRows), out(kRows * kItems, 0.25f), stored(kRows * kItems);
        for (size_t r = 0; r < kRows; ++r) bias[r] = float(r) / 8;
        gemvRows(w, 0, kRows, in, bias.data(), Output::Add, out.data(), kRows);
        gemvRows(w, 0, 7, in, nullptr, Output::Store, stored.data(), kRows);  // and in two parts
        gemvRows(w, 7, kRows, in, nullptr, Output::Store, stored.data(), kRows);

        const bool plain = !isBlocked(dtype);
        std::vector<float> values(static_cast<size_t>(cols));
        for (int64_t r = 0; r < kRows; ++r) {
            dequantizeRow(dtype, fenced.data() + size_t(r) * stride, cols, values.data());
            for (int32_t item = 0; item < kItems; ++item) {
                const float* x = buffer.x(item);
                double want = 0, size = 0, rounding = 0;
                for (int64_t first = 0; first < cols; first += 32) {
                    double weights = 0, top = 0;
                    for (int64_t i = first; i < std::min<int64_t>(cols, first + 32); ++i) {
                        const double v = values[size_t(i)];
                        want += v * x[i];
                        size += std::abs(v * x[i]);
                        weights += std::abs(v);
                        top = std::max(top, double(std::abs(x[i])));
                    }
                    rounding += weights * top * 0.5 / 32639;
                }
                // Rounded inputs, float sums.
                const double allowed = (plain ? 0 : 1.01 * rounding) + 4e-6 * size + 1e-30;
                const size_t at = size_t(item) * kRows + size_t(r);
                QVERIFY2(std::abs(stored[at] - want) <= allowed,
                         qPrintable(QString("row %1, input %2: %3 for %4, %5 allowed")
                                        .arg(r)
                                        .arg(item)
                                        .arg(double(stored[at]))
                                        .arg(want)
                                        .arg(allowed)));
                QCOMPARE(out[at], 0.25f + (stored[at] + bias[size_t(r)]));
            }
        }
        // An input by itself gives the same bits as among others.
        for (int32_t item = 0; item < kItems; ++item) {
            GemvInputBuffer single(cols, 1);
            std::copy_n(buffer.x(item), cols, single.x(0));
            const GemvInput one = single.prepare(cols, 1, GemvInputBuffer::formatBit(dtype));
            std::vector<float> alone(kRows);
            gemvRows(w, 0, kRows, one, nullptr, Output::Store, alone.data(), kRows);
            QCOMPARE(alone, std::vector<float>(stored.begin() + item * kRows, stored.begin() + (item + 1) * kRows));
        }
    }

    /// What prompts are multiplied with; the last row ends where the process may not read on.
    void widened_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<qint64>("target");
        for (DType t : kDTypes)
            for (int64_t bit : eachCompiledTarget())
                QTest::addRow("%s, %s", dtypeName(t), targetName(bit)) << int(t) << qint64(bit);
    }
    void widened() {
        QFETCH(int, type);
        QFETCH(qint64, target);
        hwy::SetSupportedTargetsForTest(target);
        constexpr int64_t kCols = 768;
        RandomModel drawn({.seed = uint32_t(type + 1)});
        const TensorView source = drawn.matrix(DType(type), 1, kCols);
        const Fenced fenced({static_cast<const uint8_t*>(source.data), source.nBytes()});
        std::vector<float> want(kCols), found(kCols, NAN);
        dequantizeRow(DType(type), fenced.data(), kCols, want.data());
        widenRow(DType(type), fenced.data(), 0, 256, found.data());
        widenRow(DType(type), fenced.data(), 256, kCols, found.data() + 256);
        float largest = 0;
        for (float v : want) largest = std::max(largest, std::abs(v));
        for (size_t i = 0; i < want.size(); ++i)
            QVERIFY2(std::abs(found[i] - want[i]) <= 3e-7f * largest, QByteArray::number(qulonglong(i)));
    }

    /// A section of several matrices asks for several orders of one input.
    void mixedFormats() {
        constexpr int64_t kCols = 1280;
        RandomModel drawn({.seed = 3});
        GemvInputBuffer buffer(kCols, 1);
        std::mt19937 random(5);
        for (int64_t i = 0; i < kCols; ++i) buffer.x(0)[i] = inputAt(0, i, random);
        uint32_t all = 0;
        for (DType t : kDTypes) all |= GemvInputBuffer::formatBit(t);
        std::vector<std::vector<float>> separate, together;
        std::vector<TensorView> matrices;
        for (DType t : kDTypes) matrices.push_back(drawn.matrix(t, kRows, kCols));
        for (const TensorView& w : matrices) {
            const GemvInput in = buffer.prepare(kCols, 1, GemvInputBuffer::formatBit(w.dtype));
            gemvRows(w, 0, kRows, in, nullptr, Output::Store, separate.emplace_back(kRows).data(), kRows);
        }
        const GemvInput in = buffer.prepare(kCols, 1, all);
        for (const TensorView& w : matrices)
            gemvRows(w, 0, kRows, in, nullptr, Output::Store, together.emplace_back(kRows).data(), kRows);
        QCOMPARE(together, separate);
    }
};

QTEST_GUILESS_MAIN(TestGemv)
#include "tst_gemv.moc"
