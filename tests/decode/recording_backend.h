// A backend that passes everything on to another one and remembers what it was given.
#pragma once

#include <memory>
#include <vector>

#include "engine/types/interval.h"
#include "kernels/backend.h"

namespace spanscope::test {

class RecordingBackend : public Backend {
  public:
    struct Query {
        int32_t sequence, token, position;
        IntervalList visible;
        uint64_t maskId = 0;
    };
    explicit RecordingBackend(std::unique_ptr<Backend> inner) : m_inner(std::move(inner)) {}

    std::vector<Query> prompt;  ///< in order of evaluation
    std::vector<Query> decoded;
    std::vector<size_t> batchSizes;
    bool logitsAsked = false;  ///< by a decode call
    int nLateLogits = 0;
    int nLive = 0;  ///< sequences not freed

    BackendInfo info() const override { return m_inner->info(); }
    const ModelShape& shape() const override { return m_inner->shape(); }
    Result<SequenceId> createSequence(int32_t capacity) override {
        auto id = m_inner->createSequence(capacity);
        nLive += id ? 1 : 0;
        return id;
    }
    void freeSequence(SequenceId s) override {
        --nLive;
        m_inner->freeSequence(s);
    }
    int32_t storedTokens(SequenceId s) const override { return m_inner->storedTokens(s); }
    void truncate(SequenceId s, int32_t n) override { m_inner->truncate(s, n); }
    Status prefill(SequenceId s, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                   std::span<float> logits) override {
        const int32_t base = m_inner->storedTokens(s);
        for (const QueryRun& run : runs) {
            for (int32_t i = run.begin; i < run.end; ++i)
                prompt.push_back({s.value, tokens[static_cast<size_t>(i)], base + i,
                                  IntervalList(run.visible.begin(), run.visible.end()), 0});
        }
        return m_inner->prefill(s, tokens, runs, logits);
    }
    Status decode(std::span<const DecodeItem> items, const DecodeOutput& output) override {
        batchSizes.push_back(items.size());
        logitsAsked = logitsAsked || !output.maybeLogits.empty();
        for (const DecodeItem& i : items)
            decoded.push_back(
                {i.sequence.value, i.token, i.position, IntervalList(i.visible.begin(), i.visible.end()), i.maskId});
        return m_inner->decode(items, output);
    }
    Status lateLogits(size_t index, std::span<float> logits) override {
        ++nLateLogits;
        return m_inner->lateLogits(index, logits);
    }
    Result<ProbeResult> probe(const ProbeRequest& r) override { return m_inner->probe(r); }
    void setProfiling(bool on) override { m_inner->setProfiling(on); }
    StageTimes stageTimes() const override { return m_inner->stageTimes(); }
    void resetStageTimes() override { m_inner->resetStageTimes(); }
    int64_t lastDeviceNs() const override { return m_inner->lastDeviceNs(); }
    size_t bytesHeld() const override { return m_inner->bytesHeld(); }

  private:
    std::unique_ptr<Backend> m_inner;
};

}  // namespace spanscope::test
