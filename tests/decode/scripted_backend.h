// A backend that says what it is told to.
#pragma once

#include <algorithm>

#include "tests/decode/recording_backend.h"

namespace spanscope::test {

/// Says the script's tokens one after the other, then the last of them for ever.
class ScriptedBackend final : public RecordingBackend {
  public:
    ScriptedBackend(std::unique_ptr<Backend> inner, std::vector<int32_t> script)
        : RecordingBackend(std::move(inner)), m_script(std::move(script)) {}

    Status prefill(SequenceId s, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                   std::span<float> logits) override {
        Status status = RecordingBackend::prefill(s, tokens, runs, logits);
        if (status.ok() && !logits.empty()) {
            std::fill(logits.begin(), logits.end(), -10.0F);
            logits[static_cast<size_t>(next())] = 10.0F;
        }
        return status;
    }
    Status decode(std::span<const DecodeItem> items, const DecodeOutput& output) override {
        Status status = RecordingBackend::decode(items, output);
        std::fill(output.argmax.begin(), output.argmax.end(), next());
        return status;
    }

  private:
    int32_t next() { return m_script[std::min(m_next++, m_script.size() - 1)]; }
    std::vector<int32_t> m_script;
    size_t m_next = 0;
};

}  // namespace spanscope::test
