// Policies that choose by the keys, each query head for itself: what they share. Definitions as in the authors' code;
// where the engine's contract asks for more (a query always reads itself), the class says so.
//
// Owned by one run; one thread.
#pragma once

#include <vector>

#include "engine/policy/mask_policy.h"
#include "engine/policy/read_budget.h"

namespace spanscope {

class SelectingPolicy : public MaskPolicy, public KeySelector {
  public:
    explicit SelectingPolicy(const MaskPolicySpec& spec) : m_budget(spec) {}

    QueryMask forStep(const TokenView& view) override;
    KeySelector* selector() override { return this; }
    std::span<const Interval> select(const HeadQuery& query) final;
    std::optional<HeadsRead> headsRead() const override;

  protected:
    /// What one head reads: normalised, the query's own token in it.
    virtual IntervalList choose(const HeadQuery& query) = 0;
    int32_t budget() const { return m_tokens; }  ///< tokens of this step
    void setBudget(int32_t tokens) { m_tokens = tokens; }

  private:
    ReadBudget m_budget;
    int32_t m_tokens = 0;
    IntervalList m_list;
    int64_t m_nRead = 0, m_nHeads = 0;
    std::vector<int32_t> m_counts;  ///< heads that read it, by position
};

/// Quest (arXiv 2406.10774; mit-han-lab/Quest 01c1623): pages of 16 tokens, scored by the largest product that the
/// query could have with any key between the smallest and largest value of each dimension in the page; layers 0 and 1
/// are dense, which is taken off the others' budget; at least three pages. The query's own page is always among them
/// and counts with the tokens that are there (the authors divide the budget by 16).
class QuestPolicy : public SelectingPolicy {
  public:
    using SelectingPolicy::SelectingPolicy;

  protected:
    IntervalList choose(const HeadQuery& query) override;
};

/// TriForce's retrieval cache (arXiv 2404.11912; Infini-AI-Lab/TriForce 164c8c0): chunks of 8 tokens, scored by their
/// mean key; the first chunk always. So is the query's own.
class TriForcePolicy : public SelectingPolicy {
  public:
    using SelectingPolicy::SelectingPolicy;

  protected:
    IntervalList choose(const HeadQuery& query) override;
};

/// Pages of 16 tokens with the most attention, by the true scores: what a choice of pages can reach at all. The query's
/// own page is always among them.
class OraclePolicy : public SelectingPolicy {
  public:
    using SelectingPolicy::SelectingPolicy;

  protected:
    IntervalList choose(const HeadQuery& query) override;
};

/// SnapKV (arXiv 2404.14469; FasterDecoding/SnapKV e216ddc): once, after the prompt. The attention of its last 32
/// queries to what stands before them is summed, smoothed over five neighbours, and the best tokens stay, with those 32
/// and all of the response. The budget is of the prompt, taken at the first step; a shorter prompt stays whole.
class SnapKvPolicy : public SelectingPolicy {
  public:
    static constexpr int32_t kObserved = 32, kPool = 5;
    explicit SnapKvPolicy(const MaskPolicySpec& spec) : SelectingPolicy(spec) {}

    int32_t observedPrompt() const override { return kObserved; }
    QueryMask forPrompt(const TokenView& view) override;
    QueryMask forStep(const TokenView& view) override;

  protected:
    IntervalList choose(const HeadQuery& query) override;

  private:
    void observe(const HeadQuery& query);
    int32_t m_nPrompt = 0;
    int32_t m_capacity = -1;                 ///< tokens of the prompt that stay; -1: before the first step
    std::vector<std::vector<float>> m_seen;  ///< by layer and head: attention to each position of the prompt
    std::vector<IntervalList> m_kept;        ///< by layer and head
};

/// Vegas (arXiv 2602.07223; platformxlab/vegas 7bf9d1e): the tokens that a dense pass attended to most, the same ones
/// for all heads of a layer until the next pass. There a pass verifies a token and the kDrafted drafted behind it; the
/// softmax weights of its first and last query, averaged over heads, rank the keys up to the first one; what came after
/// it is read as well. After the prompt its last query alone ranks. Here rounds are that long, and every query of a
/// round reads what the round before ranked; the weights are over all keys, but of queries whose run was not verified.
/// The budget counts the recent tokens too, and at least one is chosen (the authors take 7%, 256 or more, beside them).
class VegasPolicy : public SelectingPolicy {
  public:
    static constexpr int32_t kDrafted = 6;
    using SelectingPolicy::SelectingPolicy;

    int32_t observedPrompt() const override { return 1; }
    QueryMask forPrompt(const TokenView& view) override;
    QueryMask forStep(const TokenView& view) override;

  protected:
    IntervalList choose(const HeadQuery& query) override;

  private:
    int32_t m_first = -1, m_last = -1;          ///< queries of this round that rank for the next
    std::vector<std::vector<float>> m_ranking;  ///< by layer: weights on [0, m_first], summed over heads
    std::vector<std::vector<float>> m_ranked;   ///< the same of the round before; empty: everything is read
};

}  // namespace spanscope
