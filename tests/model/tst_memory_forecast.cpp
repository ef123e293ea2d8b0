// What a model is said to need before it is loaded, against what it then takes.
#include <QtTest>

#include "kernels/backends.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;

class TestMemoryForecast : public QObject {
    Q_OBJECT

  private slots:
    void isCountedFromTheHeaders() {
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path()));
        const auto model = openModel(folder.path());
        const auto file = ModelFile::open(folder.path());
        QVERIFY(model && file);
        const auto forecast = file->forecast(100, DType::F32);
        QCOMPARE(forecast.weightBytes, (*model)->weightBytes());
        // 112 tokens in whole pages, keys and values, 2 layers, 2 heads of 8, 4 bytes
        QCOMPARE(forecast.kvBytes, uint64_t{112 * 2 * 2 * 2 * 8 * 4});
        QVERIFY(forecast.workspaceBytes > 0 && forecast.freeBytes > 0);
        QVERIFY(forecast.fits());
        QCOMPARE(forecast.largestContext, 4096);
        QCOMPARE(file->forecast(0, DType::F32).contextTokens, 4096);
        QCOMPARE(file->forecast(100, DType::BF16).kvBytes, forecast.kvBytes / 2);
        const auto huge = file->forecast(2147483647, DType::F32);
        QVERIFY(!huge.fits() || huge.freeBytes > (uint64_t{1} << 38));
        // The model's own context, whatever was asked for.
        QCOMPARE(file->forecast(100000, DType::F32).largestContext, 4096);
        QCOMPARE(file->forecast(100, DType::F32, 3).kvBytes, 3 * forecast.kvBytes);
        const auto endless = file->forecast(2147483647, DType::F32, 2147483647);
        QVERIFY(!endless.fits() && endless.largestContext < 4096);
        QVERIFY(!ModelFile::open(folder.file("none")));
    }

    void coversTheBackend() {
        test::ScratchFolder folder;
        test::TinyModelOptions options;
        options.hidden = 128, options.ffn = 352, options.headDim = 32;
        QVERIFY(test::writeTinyModel(folder.path(), options));
        const auto model = openModel(folder.path());
        QVERIFY(model);
        BackendOptions backendOptions;
        backendOptions.kvTokens = 1000;
        auto backend = makeCpuBackend((*model)->weights(), backendOptions);
        QVERIFY(backend);
        const auto sequence = (*backend)->createSequence(1000);
        QVERIFY(sequence);
        const std::vector<int32_t> tokens(900, 40);
        const Interval all{0, kOpenEnd};
        const QueryRun run{0, 900, {&all, 1}};
        QVERIFY((*backend)->prefill(*sequence, tokens, {&run, 1}, {}));
        int32_t next = 0;
        const DecodeItem item{*sequence, 41, 900, {&all, 1}, 0};
        DecodeOutput output;
        output.argmax = {&next, 1};
        QVERIFY((*backend)->decode({&item, 1}, output));
        const MemoryForecast forecast = (*model)->forecast(1000, DType::F32);
        const uint64_t held = (*backend)->bytesHeld();
        const uint64_t promised = forecast.kvBytes + forecast.workspaceBytes;
        QVERIFY2(held <= promised && promised <= held + (32 << 20),
                 qPrintable(QString("held %1, promised %2").arg(held).arg(promised)));
    }
};

QTEST_GUILESS_MAIN(TestMemoryForecast)
#include "tst_memory_forecast.moc"
