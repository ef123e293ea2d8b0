#include "engine/bench/bench_declared.h"

#include <algorithm>
#include <chrono>

#include "engine/bench/bench_rounds.h"
#include "engine/decode/masks.h"
#include "engine/model/step_bytes.h"
#include "engine/span/tracker.h"
#include "engine/tasks/task.h"
#include "engine/training/example.h"

namespace spanscope {

namespace {

using Clock = std::chrono::steady_clock;

/// A worked sheet as tokens, prompt and response.
struct Script {
    std::vector<int32_t> tokens;
    int32_t nPrompt = 0;
};

Result<Script> workedSheet(const Model& model, const TaskCard& card, int32_t nTokens, uint64_t seed) {
    const Tokenizer& tokenizer = model.tokenizer();
    // About 50 tokens a line, prompt and response together; more lines until it is long enough.
    for (int32_t lines = std::max(1, nTokens / 55); lines <= std::max(1, card.maxLines); lines += 1 + lines / 16) {
        auto example = makeSheetSource({lines, lines}, {0, 0}, seed, {"mixed", {4, 4}})
                           ->next();  // numbers of every length to four digits
        if (!example) return example.error();
        auto formatted = findTask("sheet")->format((*example)->typed, &card);
        if (!formatted) return formatted.error();
        auto prompt = encodePrompt(*formatted, tokenizer);
        auto response = tokenizer.encode((*example)->response, TextTrust::Trusted, true);
        if (!prompt) return prompt.error();
        if (!response) return response.error();
        if (prompt->size() + response->size() < static_cast<size_t>(nTokens)) continue;
        Script script{std::move(*prompt), 0};
        script.nPrompt = static_cast<int32_t>(script.tokens.size());
        script.tokens.insert(script.tokens.end(), response->begin(), response->end());
        return script;
    }
    return invalidArgument("no sheet of this model is that long", std::to_string(nTokens) + " tokens",
                           "sheets to " + std::to_string(card.maxLines) + " lines");
}

class DeclaredBench {
  public:
    DeclaredBench(Backend& backend, const Model& model, const TaskCard& card, const BenchPlan& plan,
                  const std::atomic<bool>* stop)
        : m_backend(backend),
          m_model(model),
          m_layerWindows(layerWindowsOf(model.weights().shape)),
          m_card(card),
          m_plan(plan),
          m_stop(stop) {}
    ~DeclaredBench() { freeAll(); }
    DeclaredBench(const DeclaredBench&) = delete;
    DeclaredBench& operator=(const DeclaredBench&) = delete;

    Result<BenchRow> test(int32_t nGen, int32_t depth, int32_t batch, const BenchSubject& subject) {
        auto script = workedSheet(m_model, m_card, depth + nGen + 1, m_plan.seed);
        if (!script) return script.error();
        m_script = std::move(*script);
        m_depth = std::max(depth, m_script.nPrompt);
        nGen = std::min(nGen, static_cast<int32_t>(m_script.tokens.size()) - m_depth);
        if (nGen < 1) return invalidArgument("a test needs tokens");
        if (auto ok = fill(nGen, batch); !ok) return ok.error();

        BenchRounds rounds;
        MachineRate machine(subject.readGBps);
        double loaded = 0;
        for (int32_t round = m_plan.warmup ? -1 : 0; round < m_plan.repetitions; ++round) {
            SpanTracker tracker = *m_tracker;
            double roundLoaded = 0;
            if (round >= 0) machine.before();
            const auto startedAt = Clock::now();
            if (auto ok = decode(tracker, round < 0 ? std::min(nGen, 8) : nGen, roundLoaded); !ok) return ok.error();
            const double tookS = std::chrono::duration<double>(Clock::now() - startedAt).count();
            for (const SequenceId id : m_sequences) m_backend.truncate(id, m_depth);
            if (round < 0) continue;
            const double nBytes =
                static_cast<double>(weightBytesPerStep(m_model.weights())) * nGen +
                roundLoaded * batch * static_cast<double>(kvBytesPerToken(m_backend.shape(), subject.kvType));
            rounds.add(static_cast<double>(nGen) * batch, nBytes, tookS, machine.after());
            loaded += roundLoaded;
        }
        for (int32_t round = 0; round < m_plan.repetitions; ++round)
            if (auto ok = profile(std::min(nGen, 32), rounds); !ok) return ok.error();
        BenchRow row = startRow(m_backend, subject);
        row.test = "tg" + std::to_string(nGen);
        row.nGen = nGen;
        row.nDepth = m_depth;
        row.nBatch = batch;
        row.attention = MaskPolicySpec::declared().text();
        rounds.fill(row);
        row.loadedTokens = loaded / (static_cast<double>(nGen) * m_plan.repetitions);
        freeAll();
        return row;
    }

  private:
    /// Prefills every sequence to the depth under the tracker's lists and leaves the tracker there.
    Status fill(int32_t nGen, int32_t batch) {
        const auto tokens = std::span<const int32_t>(m_script.tokens);
        m_tracker.emplace(m_model.tokenizer().pieceIds(), m_card.policy);
        std::vector<SharedIntervals> lists;
        for (const TokenView& view : m_tracker->consumePrompt(tokens.first(static_cast<size_t>(m_script.nPrompt))))
            lists.push_back(view.visible);
        for (int32_t i = m_script.nPrompt; i < m_depth; ++i)
            lists.push_back(m_tracker->consume(m_script.tokens[static_cast<size_t>(i)]).visible);
        const std::vector<QueryRun> runs = runsOf(lists);
        for (int32_t k = 0; k < batch; ++k) {
            auto id = m_backend.createSequence(m_depth + nGen);
            if (!id) return id.error();
            m_sequences.push_back(*id);
            if (auto ok = m_backend.prefill(*id, tokens.first(static_cast<size_t>(m_depth)), runs, {}); !ok) return ok;
        }
        return {};
    }

    /// Steps [first, first + nGen) after the depth.
    Status decode(SpanTracker& tracker, int32_t nGen, double& loaded, int32_t first = 0) {
        const size_t b = m_sequences.size();
        std::vector<DecodeItem> items(b);
        std::vector<int32_t> argmax(b);
        for (int32_t i = first; i < first + nGen; ++i) {
            if (m_stop && m_stop->load(std::memory_order_relaxed)) return Error{ErrorCode::Cancelled, "stopped"};
            const int32_t token = m_script.tokens[static_cast<size_t>(m_depth + i)];
            const TokenView view = tracker.consume(token);
            for (size_t k = 0; k < b; ++k)
                items[k] = {m_sequences[k], token, view.position, *view.visible, view.maskId};
            if (auto ok = m_backend.decode(items, {argmax, {}, {}}); !ok) return ok;
            loaded += loadedTokens(*view.visible, view.position, m_layerWindows);
        }
        return {};
    }

    /// Steps with stages timed, one by one.
    Status profile(int32_t n, BenchRounds& rounds) {
        SpanTracker tracker = *m_tracker;
        m_backend.setProfiling(true);
        Status ok;
        double unused = 0;
        for (int32_t i = 0; i < n && ok; ++i) {
            m_backend.resetStageTimes();
            ok = decode(tracker, 1, unused, i);
            rounds.addStep(m_backend.stageTimes());
        }
        m_backend.setProfiling(false);
        for (const SequenceId id : m_sequences) m_backend.truncate(id, m_depth);
        return ok;
    }

    void freeAll() {
        for (const SequenceId id : m_sequences) m_backend.freeSequence(id);
        m_sequences.clear();
    }

    Backend& m_backend;
    const Model& m_model;
    LayerWindows m_layerWindows;
    const TaskCard& m_card;
    const BenchPlan& m_plan;
    const std::atomic<bool>* m_stop;
    Script m_script;
    int32_t m_depth = 0;
    std::optional<SpanTracker> m_tracker;  ///< at the depth
    std::vector<SequenceId> m_sequences;
};

}  // namespace

Status runDeclaredBench(Backend& backend, const Model& model, const BenchSubject& subject, const BenchPlan& plan,
                        const std::atomic<bool>* stop, std::vector<BenchRow>& rows, const BenchProgress& progress) {
    const TaskCard* card = model.card().task("sheet");
    if (!card || !model.tokenizer().pieceIds().complete())
        return invalidArgument("declared needs a model that was trained on sheets", model.name());
    DeclaredBench bench(backend, model, *card, plan, stop);
    for (const int32_t depth : plan.depths) {
        for (const int32_t nGen : plan.predictSizes) {
            for (const int32_t batch : plan.batches) {
                if (progress)
                    progress("tg" + std::to_string(nGen) + " at depth " + std::to_string(depth) + ", declared");
                auto row = bench.test(nGen, depth, batch, subject);
                if (!row) return row.error();
                rows.push_back(std::move(*row));
            }
        }
    }
    return {};
}

}  // namespace spanscope
