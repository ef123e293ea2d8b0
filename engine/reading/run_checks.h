// What a run wrote, held against exact arithmetic and against its own sources: every step of arithmetic, every name and
// number of a key point. Follows from the run's data alone, so that a recording is checked as a live run is. Grows with
// the run; each update costs what is new. Value type; one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/reading/arithmetic_problem.h"
#include "engine/types/records.h"

namespace spanscope {

/// One segment of a response.
struct SegmentCheck {
    enum class Verdict : uint8_t {
        None,           ///< nothing to check: prose, or no step of arithmetic is to be read here
        Right,          ///< and so it is the step of the problem
        WrongValue,     ///< `a op b = v` is not so
        WrongOperands,  ///< is so, but these are not the numbers or not the operation that the step should have
        Carried,        ///< right in itself, but a step that it uses was wrong
    };
    int32_t segment = -1;  ///< index into RunData::segments
    Verdict verdict = Verdict::None;
    std::string note;  ///< what is right, a phrase: "3 - 8 = -5"; empty for None and Right
    /// Words of a key point that stand in none of the sentences that it names: tokens [first, end), absolute.
    std::vector<Interval> unsupported;

    bool isArithmetic() const { return verdict != Verdict::None; }
    bool isWrong() const { return verdict != Verdict::None && verdict != Verdict::Right; }
};

/// "right", "wrong value", "wrong operands", "carried"; empty for None.
const char* verdictName(SegmentCheck::Verdict verdict);

struct CheckCounts {
    int32_t nLines = 0;  ///< of arithmetic
    int32_t nRight = 0;
    int32_t nCarried = 0;      ///< of the others: right in themselves
    int32_t nUnsupported = 0;  ///< words
    int32_t nWords = 0;        ///< names and numbers that were looked for
    /// "15 of 16 lines right", "2 of 9 names and numbers not in the sources"; empty where nothing was checked.
    std::string text() const;
};

class RunChecks {
  public:
    void clear();
    /// Takes in the segments of `run` that have been closed; returns the first that is new, -1 if none is. `run` is the
    /// one of the update before, grown, unless clear() came between. whole: nothing more comes, and what is open stays.
    int update(const RunData& run, bool whole);
    static RunChecks of(const RunData& run);

    const std::vector<SegmentCheck>& segments() const { return m_segments; }  ///< of the response, by position
    const SegmentCheck* ofSegment(int32_t segment) const;  ///< nullptr: not closed yet, or not of the response
    const CheckCounts& counts() const { return m_counts; }

  private:
    SegmentCheck checkStep(const RunData& run, int32_t segment);
    void checkWords(const RunData& run, SegmentCheck& check);

    bool m_begun = false;
    std::optional<ArithmeticProblem> m_problem;
    std::map<int64_t, std::string> m_values;  ///< as written, by label
    std::vector<SegmentCheck> m_segments;
    int32_t m_next = 0;  ///< segment to look at
    CheckCounts m_counts;
};

}  // namespace spanscope
