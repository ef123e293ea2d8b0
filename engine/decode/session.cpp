#include "engine/decode/session.h"

#include "engine/decode/run_state.h"

namespace spanscope {

struct Session::Impl {
    std::unique_ptr<RunState> run;
    std::vector<float> logits;  ///< (vocab) where the sampler wants them, else empty
};

Session::Session() : m_impl(std::make_unique<Impl>()) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model, Backend& backend,
                                                 const RunSettings& settings, int64_t runId) {
    const auto vocab = static_cast<size_t>(model->weights().shape.vocab);
    auto run = RunState::create(std::move(model), backend, settings, runId);
    if (!run) return run.error();
    std::unique_ptr<Session> session(new Session);
    session->m_impl->run = std::move(*run);
    if (session->m_impl->run->needsLogits()) session->m_impl->logits.resize(vocab);
    return session;
}

Status Session::prefill(const std::atomic<bool>* stop, const PrefillProgress& progress) {
    return m_impl->run->prefill(stop, progress);
}

Result<bool> Session::step() {
    RunState& run = *m_impl->run;
    if (run.finished()) return false;
    if (!run.prefilled()) return Error{ErrorCode::InvalidArgument, "step() before prefill()"};
    const auto startedAt = std::chrono::steady_clock::now();
    const DecodeItem item = run.nextItem();
    SampledToken greedy;
    const DecodeOutput output{{&greedy.id, 1}, {&greedy.logprob, 1}, m_impl->logits};
    if (auto ok = run.backend().decode({&item, 1}, output); !ok) {
        run.finish(StopReason::Failed);
        return ok.error();
    }
    run.absorb(greedy, m_impl->logits, run.backend().lastDeviceNs(), startedAt);
    if (run.data().stats.stop == StopReason::NotFinite) return run.notFinite();
    return !run.finished();
}

void Session::finish(StopReason reason) { m_impl->run->finish(reason); }
bool Session::finished() const { return m_impl->run->finished(); }
const RunData& Session::data() const { return m_impl->run->data(); }
SequenceId Session::sequence() const { return m_impl->run->sequence(); }
Backend& Session::backend() const { return m_impl->run->backend(); }

Status runInterleaved(const std::vector<Session*>& sessions, int32_t sliceSteps, const std::atomic<bool>* stop,
                      const std::function<void(Session&)>& onStep) {
    bool anyLeft = true;
    while (anyLeft) {
        anyLeft = false;
        for (Session* session : sessions) {
            for (int32_t i = 0; i < sliceSteps && !session->finished(); ++i) {
                if (stop && stop->load(std::memory_order_relaxed)) {
                    for (Session* s : sessions) s->finish(StopReason::Cancelled);
                    return Error{ErrorCode::Cancelled, "stopped"};
                }
                auto more = session->step();
                if (!more) return more.error();
                if (onStep) onStep(*session);
            }
            anyLeft = anyLeft || !session->finished();
        }
    }
    return {};
}

}  // namespace spanscope
