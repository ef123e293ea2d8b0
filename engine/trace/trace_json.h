// Records of a trace as JSON objects and back. Private to engine/trace; the format is FORMAT.md.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/types/records.h"

namespace spanscope::trace {

using OutJson = nlohmann::ordered_json;  ///< keys in the order in which a person reads them
using InJson = nlohmann::json;

/// What a file may claim, so that sums and differences of it stay inside 64 bits.
inline constexpr int64_t kLongestNs = int64_t{1} << 60;   ///< 36 years
inline constexpr int64_t kMostSummed = int64_t{1} << 60;  ///< tokens, over all steps
inline constexpr int64_t kLargestRunId = int64_t{1} << 53;

/// One line without its newline; text that is not UTF-8 is replaced character by character, never an exception.
std::string toLine(const OutJson& object);
/// The shortest decimal that reads back as the same float; null where JSON has no such number.
OutJson floatJson(float value);

OutJson intervalsJson(const IntervalList& list);
OutJson headsJson(const HeadCounts& counts);  ///< without id and mask
OutJson settingsJson(const RunSettings& settings);
OutJson headerJson(const RunHeader& header);  ///< without the prompt's visible lists
OutJson segmentJson(const Segment& segment);
OutJson violationJson(const ProtocolViolation& violation);
OutJson changeJson(const SpanChange& change);
OutJson stepJson(const StepRecord& step);  ///< without its list
OutJson statsJson(const RunStats& stats);

/// Collects the first thing that was wrong with an object; every getter checks type and range.
class Fields {
  public:
    explicit Fields(const InJson& object) : m_object(object) {}
    bool ok() const { return m_problem.empty(); }
    const std::string& problem() const { return m_problem; }
    void fail(const std::string& problem) {
        if (m_problem.empty()) m_problem = problem;
    }
    /// "where: problem", or "where: problem "name"" with a name that was found there.
    void failAt(std::string_view where, std::string_view problem, std::string_view name = {});

    /// Absent or null gives the fallback; a wrong type or a value outside [min, max] is a problem.
    int64_t integer(const char* key, int64_t min, int64_t max, int64_t fallback);
    int32_t int32(const char* key, int32_t min, int32_t max, int32_t fallback = 0) {
        return static_cast<int32_t>(integer(key, min, max, fallback));
    }
    /// As integer(), but the key must be there.
    int32_t requiredInt32(const char* key, int32_t min, int32_t max);
    uint64_t unsigned64(const char* key);
    float real(const char* key, float fallback);
    bool boolean(const char* key, bool fallback);
    std::string text(const char* key);
    /// nullptr if absent; a problem if it is not an array.
    const InJson* array(const char* key);
    const InJson* object(const char* key);

  private:
    const InJson* find(const char* key) const;
    const InJson& m_object;
    std::string m_problem;
};

/// Each returns "" or what is wrong.
std::string readIntervals(const InJson& array, IntervalList& list);
/// Parts ascending and apart, each read by 1 to `n` heads.
std::string readHeads(const InJson& object, HeadCounts& counts);
std::string readHeader(const InJson& object, RunHeader& header);
std::string readSegment(const InJson& object, Segment& segment);
std::string readViolation(const InJson& object, ProtocolViolation& violation);
std::string readChange(const InJson& object, SpanChange& change);
/// version: of the file. Version 1 called what is loaded "read".
std::string readStep(const InJson& object, int version, StepRecord& step);
std::string readStats(const InJson& object, int version, RunStats& stats);

}  // namespace spanscope::trace
