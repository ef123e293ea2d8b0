#include "engine/decode/rounds.h"

#include <algorithm>

#include "engine/decode/session.h"

namespace spanscope {

Status Rounds::decode(Backend& backend, std::span<Session* const> runs) {
    m_vocab = static_cast<size_t>(backend.shape().vocab);
    for (Session* run : runs) run->beginRound();
    if (auto ok = draft(backend, runs); !ok) return ok;
    return pass(backend, runs);
}

Status Rounds::draft(Backend& backend, std::span<Session* const> runs) {
    for (;;) {
        m_items.clear();
        m_drafting.clear();
        bool wantLogits = false;
        for (Session* run : runs) {
            const auto item = run->draftItem();
            if (!item) continue;
            m_items.push_back(*item);
            m_drafting.push_back(run);
            wantLogits = wantLogits || run->needsLogits();
        }
        if (m_items.empty()) return {};
        if (auto ok = decodeItems(backend, wantLogits); !ok) return ok;
        for (size_t i = 0; i < m_drafting.size(); ++i)
            if (auto ok = m_drafting[i]->takeDraft(i, {m_best[i], m_logprob[i]}, logitsOf(i, 1)); !ok) return ok;
    }
}

Status Rounds::pass(Backend& backend, std::span<Session* const> runs) {
    const auto mostRows = static_cast<size_t>(backend.info().maxBatch);
    std::vector<DecodeItem> next;
    std::vector<size_t> firsts;  // of each run's items in a step
    bool wantLogits = false;
    const auto decodePasses = [&](std::span<Session* const> together) -> Status {
        if (auto ok = decodeItems(backend, wantLogits); !ok) return ok;
        firsts.push_back(m_items.size());
        for (size_t i = 0; i < together.size(); ++i) {
            const size_t first = firsts[i], n = firsts[i + 1] - first;
            if (auto ok =
                    together[i]->takePass(first, std::span<const int32_t>(m_best).subspan(first, n),
                                          std::span<const float>(m_logprob).subspan(first, n), logitsOf(first, n));
                !ok)
                return ok;
        }
        m_items.clear();
        firsts.clear();
        wantLogits = false;
        return {};
    };
    m_items.clear();
    size_t begin = 0;
    for (size_t i = 0; i < runs.size(); ++i) {
        next.clear();
        runs[i]->passItems(next);
        if (!m_items.empty() && m_items.size() + next.size() > mostRows) {
            if (auto ok = decodePasses(runs.subspan(begin, i - begin)); !ok) return ok;
            begin = i;
        }
        firsts.push_back(m_items.size());
        m_items.insert(m_items.end(), next.begin(), next.end());
        wantLogits = wantLogits || runs[i]->needsLogits();
    }
    return decodePasses(runs.subspan(begin));
}

Status Rounds::decodeItems(Backend& backend, bool wantLogits) {
    m_best.resize(m_items.size());
    m_logprob.resize(m_items.size());
    m_logits.resize(wantLogits ? m_items.size() * m_vocab : 0);
    return backend.decode(m_items, {m_best, m_logprob, m_logits});
}

std::span<const float> Rounds::logitsOf(size_t i, size_t n) const {
    if (m_logits.empty()) return {};
    return std::span<const float>(m_logits).subspan(i * m_vocab, n * m_vocab);
}

}  // namespace spanscope
