// How a backend comes into being: names of devices, the type of the KV cache, and what Auto takes.
#include <QtTest>

#include "kernels/backends.h"
#include "kernels/cuda/matrix_type.h"
#include "random_model.h"

using namespace spanscope;
using namespace spanscope::test;

Q_DECLARE_METATYPE(Device)

class TestBackends : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        qputenv("SPANSCOPE_CUDA_PLUGIN", "/nonexistent/libspanscope_cuda.so");  // the same on every machine
    }

    void names() {
        for (Device d : {Device::Auto, Device::Cpu, Device::Cuda, Device::Reference})
            QCOMPARE(deviceFromName(deviceName(d)), std::optional<Device>(d));
        QCOMPARE(deviceName(Device::Auto), "auto");
        QVERIFY(!deviceFromName("gpu"));
        QVERIFY(!deviceFromName(""));
    }

    void defaultKvTypeOfCuda_data() {
        QTest::addColumn<int>("matrices");
        QTest::addColumn<int>("kvType");
        QTest::newRow("F32") << int(DType::F32) << int(DType::BF16);
        QTest::newRow("BF16") << int(DType::BF16) << int(DType::BF16);
        QTest::newRow("F16") << int(DType::F16) << int(DType::F16);
        QTest::newRow("Q8_0, multiplied as F16") << int(DType::Q8_0) << int(DType::F16);
        QTest::newRow("Q5_1, widened to F16") << int(DType::Q5_1) << int(DType::F16);
    }
    void defaultKvTypeOfCuda() {
        QFETCH(int, matrices);
        QFETCH(int, kvType);
        const RandomModel m({.headDim = 16, .hidden = 64, .ffn = 96, .type = DType(matrices)});
        QCOMPARE(int(defaultKvType(Device::Cuda, m.weights)), kvType);
    }
    void mixedMatricesAreF32OnCuda() {
        RandomModel m({.type = DType::F16});
        m.weights.layers[1].down = m.matrix(DType::BF16, m.weights.shape.hidden, m.weights.shape.ffn);
        QCOMPARE(int(defaultKvType(Device::Cuda, m.weights)), int(DType::BF16));
    }

    void whatCudaWidens() {
        const auto values = [](const TensorView& t) { return uint64_t(t.rows * t.cols); };
        RandomModel kept({.headDim = 32, .hidden = 128, .ffn = 96, .type = DType::Q8_0});
        QVERIFY(cudaWidening(kept.weights).formats.empty());
        QCOMPARE(cudaWidening(kept.weights).bytes, uint64_t(0));
        LayerWeights& layer = kept.weights.layers[1];
        layer.v = kept.matrix(DType::Q4_0, layer.v.rows, layer.v.cols);  // joined with q and k
        const CudaWidening joined = cudaWidening(kept.weights);
        QCOMPARE(joined.formats, (std::vector{DType::Q8_0, DType::Q4_0}));
        QCOMPARE(joined.bytes, 2 * (values(layer.q) + values(layer.k) + values(layer.v)));
        layer.v = kept.matrix(DType::Q8_0, layer.v.rows, layer.v.cols);
        layer.down = kept.matrix(DType::Q5_0, layer.down.rows, layer.down.cols);
        QCOMPARE(cudaWidening(kept.weights).formats, std::vector{DType::Q5_0});
        QCOMPARE(cudaWidening(kept.weights).bytes, 2 * values(layer.down));
        QVERIFY(cudaWidening(RandomModel({.type = DType::BF16}).weights).formats.empty());
    }

    void infoSaysTheKvType_data() {
        QTest::addColumn<Device>("device");
        for (Device d : {Device::Cpu, Device::Reference}) QTest::newRow(deviceName(d)) << d;
    }
    void infoSaysTheKvType() {
        QFETCH(Device, device);
        const RandomModel m({});
        const auto byDefault = makeBackend(device, m.weights, {.nThreads = 1, .kvTokens = 64});
        QVERIFY(byDefault.ok());
        QCOMPARE((*byDefault)->info().name, std::string(deviceName(device)));
        QCOMPARE(int((*byDefault)->info().kvType), int(defaultKvType(device, m.weights)));
        size_t bytesOfF32 = 0;
        for (DType type : {DType::F32, DType::F16, DType::BF16}) {
            const auto given = makeBackend(device, m.weights, {.nThreads = 1, .kvTokens = 64, .kvType = type});
            QVERIFY(given.ok());
            QCOMPARE(int((*given)->info().kvType), int(type));
            if (device != Device::Cpu) continue;
            if (type == DType::F32) bytesOfF32 = (*given)->bytesHeld();
            else QVERIFY((*given)->bytesHeld() < bytesOfF32);  // it is what is stored, not only what is said
        }
        const auto blocks = makeBackend(device, m.weights, {.kvTokens = 64, .kvType = DType::Q8_0});
        QVERIFY(!blocks.ok());
        QCOMPARE(int(blocks.error().code), int(ErrorCode::Unsupported));
    }

    /// The forecast counts what a prefill really takes: within a fifth of it where activations are most of it.
    void workspaceIsWhatThePrefillHolds() {
        RandomModel m(
            {.nLayers = 1, .nHeads = 8, .nKvHeads = 8, .headDim = 128, .hidden = 1024, .ffn = 4096, .vocab = 37});
        const auto backend = makeBackend(Device::Cpu, m.weights, {.nThreads = 1, .kvTokens = 2048});
        QVERIFY(backend.ok());
        const auto sequence = (*backend)->createSequence(2000);
        QVERIFY(sequence.ok());
        const auto before = double((*backend)->bytesHeld());
        const std::vector<int32_t> tokens = m.tokens(2000);
        const Interval sink{0, 1};
        QVERIFY((*backend)->prefill(*sequence, tokens, std::vector<QueryRun>{{0, 2000, {&sink, 1}}}, {}).ok());
        const double held = double((*backend)->bytesHeld()) - before;
        const auto forecast = double(cpuWorkspaceBytes(m.weights.shape, 2048, 1));
        QVERIFY2(forecast > 0.8 * held && forecast < 1.2 * held,
                 qPrintable(QString("forecast %1, held %2").arg(forecast).arg(held)));
    }

    /// Also of models that normalise behind attention and MLP, which their shape does not say.
    void workspaceHoldsAllNorms() {
        RandomModelOptions o{.nLayers = 12, .hidden = 256, .qkNorm = QkNorm::PerHead};
        const auto held = [&](bool postNorms) {
            o.postNorms = postNorms;
            const RandomModel m(o);
            const auto backend = makeBackend(Device::Cpu, m.weights, {.nThreads = 1, .kvTokens = 64});
            return backend ? (*backend)->bytesHeld() : 0;
        };
        const uint64_t behind = held(true) - held(false);
        QVERIFY(behind >= sizeof(float) * 2 * 12 * 256);
        ModelShape shape = RandomModel(o).weights.shape;
        const uint64_t all = cpuWorkspaceBytes(shape, 64, 1);
        shape.nLayers = 0;
        const uint64_t queriesAndKeys = sizeof(float) * 12 * 2 * static_cast<uint64_t>(shape.headDim);
        QCOMPARE(all - cpuWorkspaceBytes(shape, 64, 1), sizeof(float) * 4 * 12 * 256 + queriesAndKeys);
    }

    void autoTakesTheCpuWithoutCuda() {
        const RandomModel m({});
        const BackendOptions options{.nThreads = 1, .kvTokens = 64};
        QCOMPARE(int(makeBackend(Device::Cuda, m.weights, options).error().code), int(ErrorCode::NotFound));
        const auto backend = makeBackend(Device::Auto, m.weights, options);
        QVERIFY(backend.ok());
        QCOMPARE((*backend)->info().name, std::string("cpu"));
    }

    void autoSaysWhatIsWrongWithTheModel() {
        RandomModel m({});
        m.weights.layers[0].down = {};
        const auto backend = makeBackend(Device::Auto, m.weights, {});
        QVERIFY(!backend.ok());
        QVERIFY(QString::fromStdString(backend.error().toString()).contains("layer 0 down"));
    }
};

QTEST_GUILESS_MAIN(TestBackends)
#include "tst_backends.moc"
