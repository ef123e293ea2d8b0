// The matrix-vector kernels, those for a few rows and cuBLASLt products against float64 on the host: every type, row
// count and epilogue, odd sizes. A dot product in float32 is wrong by a small multiple of eps times the sum of its
// terms' magnitudes, whatever the terms add up to: long sums that cancel (and what silu makes of a large negative one)
// have no small error relative to their own value. So each value has its own bound: kTolerance of that sum, carried
// through the epilogue to first order. A missing term, a bfloat16 x or a wrong row is hundreds of times the bound.
#include <algorithm>
#include <memory>

#include "kernels/cuda/matrix/gemm.h"
#include "kernels/cuda/matrix/gemv.h"
#include "kernels/cuda/matrix/skinny_gemm.h"
#include "kernels/half.h"
#include "kernels/reference/dequantize.h"
#include "tests/gpu/check.h"

using namespace spanscope;
using namespace spanscope::cuda;

namespace {

constexpr double kTolerance = 1e-6;
constexpr Epilogue kEpilogues[] = {Epilogue::Store, Epilogue::Residual, Epilogue::SiluMul, Epilogue::GeluMul};
int nLaunchesOf[2] = {};
double worstOfAll = 0, worstSkinny = 0;
int nSkinny = 0;

bool ok(cudaError_t status, const char* what) {
    check::that(status == cudaSuccess, std::string(what) + ": " + cudaGetErrorString(status), __FILE__, __LINE__);
    return status == cudaSuccess;
}

struct DeviceVector {
    DeviceBuffer buffer;
    explicit DeviceVector(const std::vector<float>& v, Element e = Element::F32) {
        const Status s = buffer.allocate("test", std::max<size_t>(v.size(), 1) * elementBytes(e));
        check::that(s.ok(), s.ok() ? "" : s.error().toString(), __FILE__, __LINE__);
        if (e == Element::F32) {
            ok(cudaMemcpy(buffer.as<>(), v.data(), v.size() * 4, cudaMemcpyHostToDevice), "copy");
            ok(cudaDeviceSynchronize(), "copy");
            return;
        }
        std::vector<uint16_t> bits(v.size());
        for (size_t i = 0; i < v.size(); ++i) bits[i] = e == Element::F16 ? floatToF16(v[i]) : floatToBf16(v[i]);
        ok(cudaMemcpy(buffer.as<>(), bits.data(), bits.size() * 2, cudaMemcpyHostToDevice), "copy");
        ok(cudaDeviceSynchronize(), "copy");  // the test's stream does not wait for the default one
    }
};
float rounded(Element e, float v) {
    return e == Element::F16 ? f16ToFloat(floatToF16(v)) : e == Element::BF16 ? bf16ToFloat(floatToBf16(v)) : v;
}

/// A random matrix, on the device as `format` and here in floats.
struct TestMatrix {
    std::vector<float> values;
    DeviceMatrix matrix;
    std::unique_ptr<DeviceVector> plain;
    DeviceBuffer quants, scales;

    TestMatrix(Element type, MatrixFormat format, int nRows, int k, check::Random& random)
        : values(static_cast<size_t>(nRows) * static_cast<size_t>(k)) {
        matrix = DeviceMatrix{nullptr, nullptr, nRows, k, format};
        if (format == MatrixFormat::Plain) {
            for (float& v : values) v = rounded(type, static_cast<float>(random.uniform() * 2 - 1));
            plain = std::make_unique<DeviceVector>(values, type);
            matrix.data = plain->buffer.as<>();
            return;
        }
        const DType dtype = format == MatrixFormat::Q8_0 ? DType::Q8_0 : DType::Q4_0;
        const size_t size = quantBytes(format), nBlocks = values.size() / kQuantBlock;
        std::vector<uint8_t> q(nBlocks * size), block(2 + size);
        std::vector<uint16_t> d(nBlocks);
        for (uint8_t& b : q) b = static_cast<uint8_t>(random.next());
        for (size_t i = 0; i < nBlocks; ++i) {
            d[i] = floatToF16(static_cast<float>((random.uniform() - 0.3) * 0.02));
            std::memcpy(block.data(), &d[i], 2);
            std::memcpy(block.data() + 2, q.data() + i * size, size);
            dequantizeRow(dtype, block.data(), kQuantBlock, values.data() + i * kQuantBlock);
        }
        const Status a = quants.allocate("quants", q.size()), b = scales.allocate("scales", d.size() * 2);
        check::that(a.ok() && b.ok(), "allocate", __FILE__, __LINE__);
        ok(cudaMemcpy(quants.as<>(), q.data(), q.size(), cudaMemcpyHostToDevice), "copy");
        ok(cudaMemcpy(scales.as<>(), d.data(), d.size() * 2, cudaMemcpyHostToDevice), "copy");
        ok(cudaDeviceSynchronize(), "copy");
        matrix.data = quants.as<>();
        matrix.scales = scales.as<uint16_t>();
    }
};

bool isGated(Epilogue epilogue) { return epilogue == Epilogue::SiluMul || epilogue == Epilogue::GeluMul; }

/// What a product should become, and how far rounding may take a result from it.
struct Expected {
    int nOut;
    std::vector<float> y0;  ///< what y holds before
    std::vector<double> want, bound;

    /// x as the kernel multiplies it, but for the scale of its row.
    Expected(const std::vector<float>& w, const std::vector<double>& x, Epilogue epilogue, int m, int k, int nRows,
             const std::vector<float>* bias, check::Random& random)
        : nOut(isGated(epilogue) ? nRows / 2 : nRows),
          y0(static_cast<size_t>(m) * static_cast<size_t>(nOut)),
          want(y0.size()),
          bound(y0.size()) {
        for (float& v : y0) v = random.normal();
        for (int i = 0; i < m; ++i) {
            const double* xi = x.data() + static_cast<size_t>(i) * static_cast<size_t>(k);
            std::vector<double> dot(static_cast<size_t>(nRows)), off(static_cast<size_t>(nRows));
            for (int r = 0; r < nRows; ++r) {
                double sum = bias ? static_cast<double>((*bias)[static_cast<size_t>(r)]) : 0, magnitude = std::abs(sum);
                for (int j = 0; j < k; ++j) {
                    const double term =
                        static_cast<double>(
                            w[static_cast<size_t>(r) * static_cast<size_t>(k) + static_cast<size_t>(j)]) *
                        xi[j];
                    sum += term;
                    magnitude += std::abs(term);
                }
                dot[static_cast<size_t>(r)] = sum;
                off[static_cast<size_t>(r)] = kTolerance * magnitude;
            }
            for (int r = 0; r < nOut; ++r) {
                const size_t at = static_cast<size_t>(i) * static_cast<size_t>(nOut) + static_cast<size_t>(r);
                const double g = dot[static_cast<size_t>(r)], dg = off[static_cast<size_t>(r)];
                if (isGated(epilogue)) {
                    const double u = dot[static_cast<size_t>(r + nOut)], du = off[static_cast<size_t>(r + nOut)];
                    // g times a sigmoid: of g itself, or for GELU of z(g); z' is its slope.
                    const bool gelu = epilogue == Epilogue::GeluMul;
                    constexpr double kTwice = 1.5957691216057308;
                    const double z = gelu ? kTwice * (g + 0.044715 * g * g * g) : g;
                    const double zSlope = gelu ? kTwice * (1 + 3 * 0.044715 * g * g) : 1;
                    const double sigmoid = 1 / (1 + std::exp(-z)), gated = g * sigmoid;
                    const double slope = std::abs(sigmoid * (1 + g * zSlope * (1 - sigmoid)));
                    want[at] = gated * u;
                    // __expf: two units in the last place and one more for each unit of |z|, which is rounded itself
                    const double expOff =
                        1.2e-7 * (4 + (gelu ? 4 : 1.2) * std::abs(z)) * std::abs(gated * (1 - sigmoid));
                    bound[at] = 1.1 * (slope * dg + expOff) * (std::abs(u) + du) + std::abs(gated) * du + 1e-30;
                } else {
                    want[at] = epilogue == Epilogue::Residual ? static_cast<double>(y0[at]) + g : g;
                    bound[at] =
                        dg + (epilogue == Epilogue::Residual ? kTolerance * std::abs(static_cast<double>(y0[at])) : 0);
                }
            }
        }
    }
    /// The worst error in units of its bound; unit: of the last place of what y is stored in.
    double worst(const std::vector<float>& y, double unit = 0) const {
        double error = 0;
        for (size_t i = 0; i < want.size(); ++i) {
            const double e = std::isfinite(y[i]) ? std::abs(static_cast<double>(y[i]) - want[i]) /
                                                       (bound[i] + unit * (std::abs(want[i]) + 0x1p-14))
                                                 : INFINITY;
            error = std::max(error, e);
        }
        return error;
    }
};

/// joins: another product joins x first, behind a norm of its own.
void testGemv(const LaunchContext& ctx, Element type, Epilogue epilogue, int m, int k, int nRows, bool normalised,
              bool biased, uint64_t seed, MatrixFormat format = MatrixFormat::Plain, bool joins = false) {
    check::Random random(seed);
    const TestMatrix dW(type, format, nRows, k, random);
    std::vector<float> x(static_cast<size_t>(m) * static_cast<size_t>(k)), gain(static_cast<size_t>(k)),
        bias(static_cast<size_t>(nRows));
    for (float& v : x) v = random.normal();
    for (float& v : gain) v = 1.f + 0.2f * random.normal();
    for (float& v : bias) v = random.normal();
    std::vector<double> multiplied(x.begin(), x.end());
    std::vector<float> addend(x.size()), addendGain(gain.size());
    for (float& v : addend) v = 3 * random.normal();
    for (float& v : addendGain) v = 1.f + 0.2f * random.normal();
    if (joins) {
        double sum = 0;
        for (const float v : addend) sum += static_cast<double>(v) * static_cast<double>(v);
        for (size_t j = 0; j < addend.size(); ++j)
            multiplied[j] +=
                static_cast<double>(addend[j]) * static_cast<double>(addendGain[j]) / std::sqrt(sum / k + 1e-5);
    }
    const std::vector<double> sums = multiplied;
    for (int i = 0; normalised && i < m; ++i) {
        double* xi = multiplied.data() + static_cast<size_t>(i) * static_cast<size_t>(k);
        double sum = 0;
        for (int j = 0; j < k; ++j) sum += xi[j] * xi[j];
        for (int j = 0; j < k; ++j)
            xi[j] *= static_cast<double>(gain[static_cast<size_t>(j)]) / std::sqrt(sum / k + 1e-5);
    }
    const Expected expected(dW.values, multiplied, epilogue, m, k, nRows, biased ? &bias : nullptr, random);
    const std::vector<float>& y0 = expected.y0;
    const DeviceVector dX(x), dGain(gain), dBias(bias), dY(y0), dAddend(addend), dAddendGain(addendGain);
    const DeviceVector dJoined(std::vector<float>(x.size(), NAN));
    GemvParams p;
    if (joins) {
        p.addend = dAddend.buffer.as<float>();
        p.addendGain = dAddendGain.buffer.as<float>();
        p.joined = dJoined.buffer.as<float>();
    }
    p.epilogue = epilogue;
    p.bias = biased ? dBias.buffer.as<float>() : nullptr;
    p.x = dX.buffer.as<float>();
    p.gain = normalised ? dGain.buffer.as<float>() : nullptr;
    p.eps = 1e-5f;
    p.y = dY.buffer.as<float>();
    p.yStride = expected.nOut;
    p.m = m;
    for (int percent : {-1, kCarveoutAll}) {  // with all of it, weights come through shared memory where they fit
        const LaunchContext each = percent < 0 ? ctx : withCarveout(ctx, percent);
        const int nStages = percent < 0 ? 0 : gemvRingStages(each, format, type, m, k);
        if (percent >= 0 && nStages == 0) continue;
        ++nLaunchesOf[nStages > 0];
        std::vector<float> y(y0.size());
        ok(cudaMemcpy(dY.buffer.as<>(), y0.data(), y0.size() * 4, cudaMemcpyHostToDevice), "copy");
        ok(cudaDeviceSynchronize(), "synchronize");  // the test's stream does not wait for the default one
        if (!ok(launchGemv(each, dW.matrix, type, p), "gemv") || !ok(cudaStreamSynchronize(ctx.stream), "synchronize"))
            return;
        ok(cudaMemcpy(y.data(), dY.buffer.as<>(), y.size() * 4, cudaMemcpyDeviceToHost), "copy back");
        if (joins) {
            std::vector<float> joined(x.size());
            ok(cudaMemcpy(joined.data(), dJoined.buffer.as<>(), joined.size() * 4, cudaMemcpyDeviceToHost),
               "copy back");
            double off = 0;
            for (size_t j = 0; j < joined.size(); ++j)
                off = std::max(off, std::abs(static_cast<double>(joined[j]) - sums[j]) / (1 + std::abs(sums[j])));
            CHECK_THAT(off < 1e-5, "k " + std::to_string(k) + ": what joined x is off by " + std::to_string(off));
        }
        const double error = expected.worst(y);
        worstOfAll = std::max(worstOfAll, error);
        CHECK_THAT(error < 1, "type " + std::to_string(static_cast<int>(type)) + " format " +
                                  std::to_string(static_cast<int>(format)) + " epilogue " +
                                  std::to_string(static_cast<int>(epilogue)) + " m " + std::to_string(m) + " k " +
                                  std::to_string(k) + " rows " + std::to_string(nRows) + " stages " +
                                  std::to_string(nStages) + ": error " + std::to_string(error) +
                                  " of what rounding explains");
    }
}

/// A product on tensor cores in every layout that takes it. What is gated is stored in W's type.
void testSkinny(const LaunchContext& ctx, Element type, Epilogue epilogue, int m, int k, int nRows, bool biased,
                uint64_t seed) {
    check::Random random(seed);
    const TestMatrix dW(type, MatrixFormat::Plain, nRows, k, random);
    std::vector<float> x(static_cast<size_t>(m) * static_cast<size_t>(k)), bias(static_cast<size_t>(nRows));
    for (float& v : x) v = rounded(type, random.normal());
    for (float& v : bias) v = random.normal();
    const Expected expected(dW.values, {x.begin(), x.end()}, epilogue, m, k, nRows, biased ? &bias : nullptr, random);
    const std::vector<float>& y0 = expected.y0;
    const Element yType = isGated(epilogue) ? type : Element::F32;
    const DeviceVector dX(x, type), dBias(bias), dY(y0, yType);
    SkinnyParams p;
    p.epilogue = epilogue;
    p.bias = biased ? dBias.buffer.as<float>() : nullptr;
    p.x = dX.buffer.as<>();
    p.y = dY.buffer.as<>();
    p.yType = yType;
    p.yStride = expected.nOut;
    p.m = m;
    const double unit = yType == Element::F16 ? 0x1p-11 : yType == Element::BF16 ? 0x1p-8 : 0;
    for (int nStages : {4, 8}) {
        for (int cluster : {1, 2, 4, 8}) {
            const int warpsPerTile = 1 << random.below(5);
            const SkinnyPlan plan = layoutSkinny(ctx, m, k, cluster, warpsPerTile, nStages);
            if (plan.cluster == 0) continue;
            ++nSkinny;
            if (yType == Element::F32)
                ok(cudaMemcpy(dY.buffer.as<>(), y0.data(), y0.size() * 4, cudaMemcpyHostToDevice), "copy");
            ok(cudaDeviceSynchronize(), "synchronize");
            if (!ok(launchSkinny(withCarveout(ctx, kCarveoutAll), dW.matrix, type, plan, p), "skinny") ||
                !ok(cudaStreamSynchronize(ctx.stream), "synchronize"))
                return;
            std::vector<float> y(y0.size());
            if (yType == Element::F32) {
                ok(cudaMemcpy(y.data(), dY.buffer.as<>(), y.size() * 4, cudaMemcpyDeviceToHost), "copy back");
            } else {
                std::vector<uint16_t> bits(y.size());
                ok(cudaMemcpy(bits.data(), dY.buffer.as<>(), bits.size() * 2, cudaMemcpyDeviceToHost), "copy back");
                for (size_t i = 0; i < y.size(); ++i)
                    y[i] = yType == Element::F16 ? f16ToFloat(bits[i]) : bf16ToFloat(bits[i]);
            }
            const double error = expected.worst(y, unit);
            worstSkinny = std::max(worstSkinny, error);
            CHECK_THAT(error < 1, "skinny type " + std::to_string(static_cast<int>(type)) + " epilogue " +
                                      std::to_string(static_cast<int>(epilogue)) + " m " + std::to_string(m) + " k " +
                                      std::to_string(k) + " rows " + std::to_string(nRows) + " cluster " +
                                      std::to_string(cluster) + " stages " + std::to_string(nStages) +
                                      " warps per tile " + std::to_string(warpsPerTile) + ": error " +
                                      std::to_string(error) + " of what rounding explains");
        }
    }
}

void testGemm(const LaunchContext& ctx, Gemm& gemm, Element type, int m, int n, int k, bool accumulate, bool tuned,
              uint64_t seed) {
    check::Random random(seed);
    std::vector<float> w(static_cast<size_t>(n) * static_cast<size_t>(k)),
        x(static_cast<size_t>(m) * static_cast<size_t>(k)), y0(static_cast<size_t>(m) * static_cast<size_t>(n));
    for (float& v : w) v = rounded(type, static_cast<float>(random.uniform() * 2 - 1));
    for (float& v : x) v = rounded(type, random.normal());
    for (float& v : y0) v = random.normal();
    const DeviceVector dW(w, type), dX(x, type), dScratch(y0), dY(y0);
    const GemmShape shape{m, n, k, type, Element::F32, accumulate};
    const auto fine = [&](const Status& s) {
        check::that(s.ok(), s.ok() ? "" : s.error().toString(), __FILE__, __LINE__);
        return s.ok();
    };
    const void* ws = dW.buffer.as<>();
    if (tuned && !fine(gemm.tune(ctx, shape, {&ws, 1}, dX.buffer.as<>(), dScratch.buffer.as<>()))) return;
    if (!fine(gemm.run(ctx, shape, dW.buffer.as<>(), dX.buffer.as<>(), dY.buffer.as<>()))) return;
    if (!ok(cudaStreamSynchronize(ctx.stream), "synchronize")) return;
    std::vector<float> y(y0.size());
    ok(cudaMemcpy(y.data(), dY.buffer.as<>(), y.size() * 4, cudaMemcpyDeviceToHost), "copy back");
    std::vector<double> want(y.size());
    for (int i = 0; i < m; ++i)
        for (int r = 0; r < n; ++r) {
            double sum =
                accumulate
                    ? static_cast<double>(y0[static_cast<size_t>(i) * static_cast<size_t>(n) + static_cast<size_t>(r)])
                    : 0;
            for (int j = 0; j < k; ++j)
                sum +=
                    static_cast<double>(w[static_cast<size_t>(r) * static_cast<size_t>(k) + static_cast<size_t>(j)]) *
                    static_cast<double>(x[static_cast<size_t>(i) * static_cast<size_t>(k) + static_cast<size_t>(j)]);
            want[static_cast<size_t>(i) * static_cast<size_t>(n) + static_cast<size_t>(r)] = sum;
        }
    const double error = check::relativeError(y.data(), want.data(), want.size());
    CHECK_THAT(error < 5e-5, "gemm type " + std::to_string(static_cast<int>(type)) + " " + std::to_string(m) + "x" +
                                 std::to_string(n) + "x" + std::to_string(k) + ": error " + std::to_string(error));
}

}  // namespace

int main(int argc, char** argv) {
    if (!check::haveGpu()) return 0;
    const bool shortRun = check::isShort(argc, argv);
    LaunchContext ctx;
    std::string device;
    if (const Status opened = openContext(0, ctx, device); !opened.ok()) {
        std::printf("FAIL: %s\n", opened.error().toString().c_str());
        return 1;
    }
    uint64_t seed = 100;
    const auto next = [&] { return ++seed; };
    for (Element type : {Element::BF16, Element::F16, Element::F32})
        for (Epilogue epilogue : kEpilogues)
            for (int m : {1, 2, 4})
                for (int k : shortRun ? std::vector<int>{72, 4096}
                                      : std::vector<int>{8, 64, 712, 2056, 4096, 8000, 11008, 14336})
                    for (int nRows : shortRun   ? std::vector<int>{10}
                                     : k < 712  ? std::vector<int>{2, 130, 1030}
                                     : k == 712 ? std::vector<int>{2, 130, 9000}
                                                : std::vector<int>{2, 130}) {
                        testGemv(ctx, type, epilogue, m, k, nRows, false, seed % 2, next());
                        if (gemvFits(ctx, MatrixFormat::Plain, m, k, true))
                            testGemv(ctx, type, epilogue, m, k, nRows, true, seed % 3 == 0, next());
                    }
    for (int m : {1, 2, 4}) {
        testGemv(ctx, Element::BF16, Epilogue::Store, m, 64, 131, true, true, next());  // odd row count
    }
    for (MatrixFormat format : {MatrixFormat::Q8_0, MatrixFormat::Q4_0})
        for (Epilogue epilogue : kEpilogues)
            for (int m : {1, 2, 4})
                for (int k : shortRun ? std::vector<int>{96} : std::vector<int>{32, 96, 2048, 4096, 11008})
                    for (bool normalised : {false, true})
                        if (gemvFits(ctx, format, m, k, normalised))
                            testGemv(ctx, Element::F16, epilogue, m, k, shortRun ? 10 : 130, normalised, normalised,
                                     next(), format);
    for (MatrixFormat format : {MatrixFormat::Plain, MatrixFormat::Q8_0, MatrixFormat::Q4_0})
        for (Epilogue epilogue : kEpilogues)
            for (int k : shortRun ? std::vector<int>{96} : std::vector<int>{32, 96, 1152, 4096})
                for (bool normalised : {false, true})
                    testGemv(ctx, Element::BF16, epilogue, 1, k, shortRun ? 10 : 9000, normalised, seed % 2, next(),
                             format, true);
    CHECK_THAT(!gemvJoins(2, 64) && !gemvJoins(1, 4104), "what cannot join x in a product");
    std::printf("matrix times vectors: worst error %.2f of the bound, %d launches, %d of them through shared memory\n",
                worstOfAll, nLaunchesOf[0] + nLaunchesOf[1], nLaunchesOf[1]);
    CHECK_THAT(!ctx.bulkCopies || nLaunchesOf[1] > 0, "both ways were tested");
    CHECK_THAT(!gemvFits(ctx, MatrixFormat::Plain, 3, 64, false) && !gemvFits(ctx, MatrixFormat::Plain, 1, 12, false) &&
                   !gemvFits(ctx, MatrixFormat::Q8_0, 1, 40, false),
               "sizes without a kernel are refused");
    for (Element type : {Element::BF16, Element::F16})
        for (Epilogue epilogue : kEpilogues)
            for (int m : shortRun ? std::vector<int>{3, 32} : std::vector<int>{1, 2, 4, 7, 8, 9, 13, 16, 24, 31, 32})
                for (int k : shortRun ? std::vector<int>{96} : std::vector<int>{32, 64, 704, 4096, 11008})
                    for (int nRows : shortRun   ? std::vector<int>{10}
                                     : k == 64  ? std::vector<int>{2, 30, 40000}
                                     : k == 704 ? std::vector<int>{2, 130, 6000}
                                                : std::vector<int>{66})
                        if (k * nRows * m < 40000000) testSkinny(ctx, type, epilogue, m, k, nRows, seed % 2, next());
    if (ctx.bulkCopies) testSkinny(ctx, Element::BF16, Epilogue::Store, 5, 64, 131, true, next());  // odd row count
    std::printf("on tensor cores: worst error %.2f of the bound, %d launches\n", worstSkinny, nSkinny);
    CHECK_THAT(!ctx.bulkCopies || nSkinny > 0, "products on tensor cores were tested");
    CHECK_THAT(
        layoutSkinny(ctx, kSkinnyMaxRows + 1, 64, 1, 8, 4).cluster == 0 &&
            layoutSkinny(ctx, 4, 72, 1, 8, 4).cluster == 0 &&
            planSkinny(ctx, DeviceMatrix{nullptr, nullptr, 64, 64, MatrixFormat::Q8_0}, Element::F16, 4).cluster == 0 &&
            planSkinny(ctx, DeviceMatrix{nullptr, nullptr, 64, 64, MatrixFormat::Plain}, Element::F32, 4).cluster == 0,
        "products that the kernel does not take");
    Gemm gemm;
    const Status opened = gemm.open();
    CHECK_THAT(opened.ok(), opened.ok() ? "" : opened.error().toString());
    if (opened.ok() && !shortRun)
        for (Element type : {Element::BF16, Element::F16, Element::F32})
            for (int m : {5, 8, 16, 33, 64, 200})
                for (bool accumulate : {false, true}) {
                    testGemm(ctx, gemm, type, m, 264, 136, accumulate, false, next());
                    testGemm(ctx, gemm, type, m, 512, 1032, accumulate, true, next());
                }
    return check::finish("tst_gpu_gemv");
}
