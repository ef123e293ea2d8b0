// What eval says beyond right and wrong: declared spans against the known ones, and for news quality and faithfulness.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "app/cli/problems.h"
#include "engine/training/span_score.h"
#include "engine/types/records.h"

namespace spanscope::cli {

/// Sums over the problems of one row. Not thread-safe.
class EvalScores {
  public:
    /// text: the response as protocol text.
    void add(const Problem& problem, const RunData& run, const std::string& text);
    /// Adds its keys to a row of the JSON result.
    void toJson(nlohmann::ordered_json& row) const;
    /// Lines below the table, empty where there is nothing to say.
    std::string toText(const std::string& attention) const;

  private:
    struct Quality {
        double rouge1 = 0, rouge2 = 0, rougeL = 0;
    };
    void addNews(const Problem& problem, const std::string& text);

    SpanScores m_spans;
    int64_t m_withWorked = 0;
    int64_t m_segments = 0, m_segmentsValid = 0;  ///< out-segments; without violation
    double m_keptSum = 0;                         ///< tokens of the declared in-segments / tokens of all in-segments
    int64_t m_keptN = 0;  ///< out-segments that declare an in-segment; for news without the headline

    int64_t m_news = 0;
    Quality m_headline, m_points, m_lead;
    struct PlaceScore {
        int64_t points = 0, faithful = 0, items = 0, supported = 0;
    };
    std::vector<PlaceScore>
        m_places;  ///< key points by their place: the first, the second, ...; faithful: every item supported
    int64_t m_items = 0, m_supported = 0, m_headlineItems = 0, m_headlineSupported = 0;
    int64_t m_sourcesDeclared = 0, m_sourcesExpected = 0, m_sourcesRight = 0;
};

/// News: every line with its declared sentences, and the numbers and names that do not stand in them. null otherwise.
nlohmann::ordered_json linesJson(const Problem& problem, const std::string& text);

}  // namespace spanscope::cli
