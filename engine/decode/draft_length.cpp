#include "engine/decode/draft_length.h"

#include <algorithm>
#include <cmath>

#include "engine/types/mask_policy_spec.h"

namespace spanscope {

namespace {

constexpr int32_t kFirst = 4;              // drafted before anything is known
constexpr double kForgetRound = 0.9;       // weight of a round that is one older
constexpr double kForgetToken = 0.99;      // of a drafted token that is one older
constexpr double kCaution = 1.05;          // what is measured is noisy: a draft that hardly pays is left out
constexpr int32_t kRoundsUntilTrial = 64;  // without a draft: then it is tried again whether one pays

}  // namespace

double expectedTokens(double acceptance, int32_t nDrafted) {
    if (acceptance >= 1) return nDrafted + 1;
    return (1 - std::pow(acceptance, nDrafted + 1)) / (1 - acceptance);
}

int32_t bestDraftLength(double acceptance, const DraftCosts& costs, int32_t most) {
    int32_t best = 0;
    double bestRate = 0;
    for (int32_t n = 0; n <= most; ++n) {
        const double cost = n * costs.draft + costs.pass + (n + 1) * costs.passToken;
        const double rate = cost > 0 ? expectedTokens(acceptance, n) / cost : 0;
        if (rate > bestRate) {
            bestRate = rate;
            best = n;
        }
    }
    return best;
}

/// The line through the passes. While all of them had the same number of tokens, all of their cost is taken for fixed,
/// so that another number is tried.
DraftCosts DraftLength::costs() const {
    DraftCosts c;
    if (m_drafts > 0) c.draft = m_draftNs / m_drafts;
    if (m_n <= 0) return c;
    const double meanX = m_x / m_n, meanY = m_y / m_n;
    const double variance = m_xx / m_n - meanX * meanX, covariance = m_xy / m_n - meanX * meanY;
    if (variance > 0.01) c.passToken = std::clamp(covariance / variance, 0.0, meanY / meanX);
    c.pass = meanY - c.passToken * meanX;
    return c;
}

int32_t DraftLength::next(int32_t most) {
    if (m_fixed > 0) return std::min(most, m_fixed);
    most = std::min(most, kMostDrafted);
    if (m_drafts <= 0 || m_withoutDraft >= kRoundsUntilTrial) {
        m_last = kFirst;
    } else {
        // Not much further than what has been measured.
        DraftCosts c = costs();
        c.draft *= kCaution;
        m_last = bestDraftLength(acceptance(), c, std::min(kMostDrafted, std::max(kFirst, 2 * m_last)));
    }
    m_withoutDraft = m_last > 0 ? 0 : m_withoutDraft + 1;
    return std::min(most, m_last);
}

void DraftLength::learn(int32_t nDrafted, int64_t draftNs, int32_t nTokens, int64_t passNs, int32_t nAccepted,
                        bool rejected) {
    for (double* sum : {&m_n, &m_x, &m_y, &m_xx, &m_xy}) *sum *= kForgetRound;
    const double x = nTokens, y = static_cast<double>(passNs);
    m_n += 1;
    m_x += x;
    m_y += y;
    m_xx += x * x;
    m_xy += x * y;
    if (nDrafted == 0) return;
    m_drafts = m_drafts * kForgetRound + nDrafted;
    m_draftNs = m_draftNs * kForgetRound + static_cast<double>(draftNs);
    const int32_t nChecked = nAccepted + (rejected ? 1 : 0);
    const double forget = std::pow(kForgetToken, nChecked);
    m_checked = m_checked * forget + nChecked;
    m_accepted = m_accepted * forget + nAccepted;
}

}  // namespace spanscope
