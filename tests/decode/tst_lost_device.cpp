// A backend whose device goes away in the middle of a run: the error reaches the caller, the process lives, and the
// trace written so far can be read and says that the run failed.
#include <QTemporaryDir>
#include <QtTest>

#include "engine/decode/session.h"
#include "engine/trace/trace.h"
#include "kernels/backends.h"
#include "tests/decode/recording_backend.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

/// Fails for good at a call of decode, as the CUDA backend does after a failed launch.
class LostBackend : public RecordingBackend {
  public:
    LostBackend(std::unique_ptr<Backend> inner, int nGood) : RecordingBackend(std::move(inner)), m_nGood(nGood) {}
    int nCallsAfterwards = 0;

    Status prefill(SequenceId s, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                   std::span<float> logits) override {
        if (m_nGood < 0) return lost();
        return RecordingBackend::prefill(s, tokens, runs, logits);
    }
    Status decode(std::span<const DecodeItem> items, const DecodeOutput& output) override {
        if (m_nGood <= 0) {
            ++nCallsAfterwards;
            return lost();
        }
        --m_nGood;
        return RecordingBackend::decode(items, output);
    }

  private:
    static Error lost() { return {ErrorCode::Device, "CUDA: cudaGraphLaunch failed: unspecified launch failure"}; }
    int m_nGood;
};

}  // namespace

class TestLostDevice : public QObject {
    Q_OBJECT

  private slots:
    void traceIsReadable_data() {
        QTest::addColumn<int>("nGood");
        QTest::newRow("at the prompt") << -1;
        QTest::newRow("at the first step") << 0;
        QTest::newRow("at the ninth step") << 8;
    }

    void traceIsReadable() {
        QFETCH(int, nGood);
        const QTemporaryDir folder;
        const std::string path = folder.filePath("lost.spantrace").toStdString();
        const auto model = tinyModel({});
        BackendOptions options;
        options.nThreads = 1;
        options.kvTokens = 1024;
        auto inner = makeReferenceBackend(model->weights(), options, true);
        QVERIFY(inner.ok());
        LostBackend backend(std::move(*inner), nGood);
        RunSettings settings;
        settings.task = "expression";
        settings.promptIds = {5, 6, 7, 8, 9, 10, 11};
        settings.attention = MaskPolicySpec::dense();
        settings.maxTokens = 64;
        size_t nSteps = 0;
        {
            auto session = Session::create(model, backend, settings, 1);
            QVERIFY(session.ok());
            auto writer = TraceWriter::create(path);
            QVERIFY(writer.ok());
            Status failure = (*session)->prefill(nullptr, {});
            while (failure.ok()) {
                const Status appended = (*writer)->append((*session)->data());
                QVERIFY(appended.ok());
                auto more = (*session)->step();
                if (!more) failure = more.error();
                else QVERIFY2(*more, "the run ended before the device was lost");
            }
            QCOMPARE(failure.error().code, ErrorCode::Device);
            QVERIFY(failure.error().message.find("launch failure") != std::string::npos);
            nSteps = (*session)->data().steps.size();
            QCOMPARE((*session)->data().stats.stop, StopReason::Failed);
            // What a crash at this point would leave can be read too.
            if (nGood >= 0) {
                const auto crashed = readTrace((*writer)->temporaryPath());
                QVERIFY2(crashed.ok(), crashed.ok() ? "" : crashed.error().toString().c_str());
                QCOMPARE(crashed->runs.size(), size_t{1});
            }
            QVERIFY((*writer)->end((*session)->data()).ok());
            QVERIFY((*writer)->close().ok());
        }
        QCOMPARE(backend.nLive, 0);  // the sequence was given back although its device is gone
        const auto trace = readTrace(path);
        QVERIFY2(trace.ok(), trace.ok() ? "" : trace.error().toString().c_str());
        QVERIFY2(trace->damage.empty(), trace->damage.c_str());
        QCOMPARE(trace->runs.size(), size_t{1});
        QCOMPARE(trace->runs[0]->steps.size(), nSteps);
        QCOMPARE(trace->runs[0]->stats.stop, StopReason::Failed);
    }
};

QTEST_APPLESS_MAIN(TestLostDevice)
#include "tst_lost_device.moc"
