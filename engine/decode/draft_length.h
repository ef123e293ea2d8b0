// How many tokens to draft before the next pass: a fixed number, or as many as pay by what drafts and passes have cost
// in this run and by how many of them dense decoding agreed with. Owned by one run; one thread.
#pragma once

#include <cstdint>

namespace spanscope {

/// Tokens that a pass over `nDrafted` drafted tokens and the one before them gives on average, where each is accepted
/// with that probability if those before it are: (1 - a^(n + 1)) / (1 - a), from 1 to n + 1.
double expectedTokens(double acceptance, int32_t nDrafted);

/// Of any unit.
struct DraftCosts {
    double draft = 0;      ///< of a drafted token
    double pass = 0;       ///< of a pass, whatever it holds
    double passToken = 0;  ///< of each token in it, the one before the drafted ones included
};

/// The number from 0 to `most` with the most expected tokens for what it costs; of equals the smallest.
int32_t bestDraftLength(double acceptance, const DraftCosts& costs, int32_t most);

class DraftLength {
  public:
    /// fixed: always this many; 0: as many as pay, kMostDrafted at most.
    explicit DraftLength(int32_t fixed) : m_fixed(fixed) {}

    /// Tokens to draft now. most: that there is room for, 0 or more.
    int32_t next(int32_t most);
    /// What a round has shown: `nDrafted` tokens in draftNs, then a pass over `nTokens` in passNs; of the drafted ones
    /// nAccepted were right up to the first that was not, where one was not.
    void learn(int32_t nDrafted, int64_t draftNs, int32_t nTokens, int64_t passNs, int32_t nAccepted, bool rejected);

    double acceptance() const { return (m_accepted + 1) / (m_checked + 1); }  ///< 1 before anything is known
    DraftCosts costs() const;

  private:
    int32_t m_fixed;
    int32_t m_last = 0;
    int32_t m_withoutDraft = 0;  // rounds in a row
    // Sums that forget.
    double m_checked = 0, m_accepted = 0;
    double m_drafts = 0, m_draftNs = 0;
    double m_n = 0, m_x = 0, m_y = 0, m_xx = 0, m_xy = 0;  // passes: tokens, ns
};

}  // namespace spanscope
