// A run made by hand, small enough to check by eye and with something of everything in it: 6 prompt tokens, two
// out-segments, a reference to nobody, an open list, texts that need escaping.
#pragma once

#include "engine/types/records.h"

namespace spanscope::test {

inline RunData sampleRun(int64_t runId = 3, const MaskPolicySpec& attention = MaskPolicySpec::declared()) {
    RunData run;
    RunHeader& h = run.header;
    h.runId = runId;
    h.settings.task = "expression";
    h.settings.promptText = "1+2 \"quoted\", </script> & <b>";
    h.settings.attention = attention;
    h.settings.maxTokens = 9;
    h.settings.thinking = false;
    h.settings.sampler.temperature = 0.7F;
    h.settings.sampler.seed = 18446744073709551615ULL;
    h.formattedPrompt = "1+@1 2\n";
    h.modelName = "sample";
    h.modelHash = "00ff";
    h.adapter = {"tuned \"on\" sheets", "0a0b", 16};
    h.backend = "cpu";
    h.device = "a processor";
    h.kvType = "BF16";
    h.machine = "a machine";
    h.programVersion = "0.1.0 (abc)";
    h.nThreads = 2;
    h.nLayers = 1;
    h.nHeads = 2;
    h.nKvHeads = 1;
    h.weightBytesPerStep = 19'660'800;
    h.warning = "values above 9,999";
    h.exactAnswer = "3";
    h.uncheckable = "too large";
    h.heads = true;
    h.prefill = PrefillPolicy::Segmented;
    const char* texts[] = {"<s>", "1", "+", "\"2\"", ",", "\n"};
    for (int i = 0; i < 6; ++i) h.prompt.push_back({10 + i, texts[i], i == 0});
    const auto a = std::make_shared<const IntervalList>(IntervalList{{0, kOpenEnd}});
    const auto b = std::make_shared<const IntervalList>(IntervalList{{0, 1}, {3, 5}});
    h.promptVisible = {a, a, a, b, b, a};

    Segment scaffold{SegmentKind::Scaffold, -1, 0, 6, -1, {}, false};
    Segment one{SegmentKind::Out, 1, 6, 9, 8, {{SegmentKind::In, 5, -1, 7, {}}}, true};
    Segment two{SegmentKind::Out, 22, 9, kOpenEnd, -1, {{SegmentKind::Out, 1, 1, 10, {6, 9}}}, false};
    run.segments = {scaffold, one, two};
    run.segments.back().name = "focus";
    run.violations = {{ViolationKind::UnknownLabel, 7, 1, "everything is visible"},
                      {kLastViolation, 8, 1, "nothing changes"}};
    run.changes = {{8, 1, true}, {9, 1, false}};
    h.settings.vocabulary = "{\"vocabulary\": 1}";
    h.vocabulary = "da";

    const auto own = std::make_shared<const IntervalList>(IntervalList{{0, 1}, {6, kOpenEnd}});
    const auto two2 = std::make_shared<const IntervalList>(IntervalList{{0, 2}, {4, 5}, {9, kOpenEnd}});
    const char* words[] = {"<out>", "é", "=3\n", "<out>", ", \"x\""};
    const Phase phases[] = {Phase::Declare, Phase::Global, Phase::Focus, Phase::Declare, Phase::Local};
    int64_t at = 5'000'000;
    for (int i = 0; i < 5; ++i) {
        StepRecord s;
        s.index = i;
        s.position = 6 + i;
        s.token = {20 + i, words[i], i == 0 || i == 3};
        s.segment = i < 3 ? 1 : 2;
        s.phase = phases[i];
        s.visible = i == 1 ? a : i < 3 ? own : two2;
        s.attended = attendedTokens(*s.visible, s.position);
        s.loaded = loadedTokens(*s.visible, s.position);
        s.causal = s.position + 1;
        s.deviceNs = 1000 + i;
        s.wallNs = 2'000'000'000 + i;
        s.atNs = at += s.wallNs;
        s.logprob = i == 4 ? -0.1F : -1.5F * static_cast<float>(i);
        run.stats.attendedTokens += s.attended;
        run.stats.loadedTokens += s.loaded;
        run.stats.causalTokens += s.causal;
        run.steps.push_back(s);
    }
    RunStats& st = run.stats;
    st.promptTokens = 6;
    st.responseTokens = 6;
    st.markupTokens = 3;
    st.loadNs = 17;
    st.prefillNs = 4'000'000;
    st.ttftNs = 5'000'000;
    st.decodeNs = 10'000'000'010;
    st.kvStoredBytes = 11 * 64;
    st.kvBytesPerToken = 64;
    st.stop = StopReason::EndOfText;
    run.answer = "3";
    return run;
}

}  // namespace spanscope::test
