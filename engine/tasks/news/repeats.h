// Key points that a model writes for the second time, and points that go round in circles. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tasks/news/news_text.h"
#include "engine/tasks/response_watch.h"

namespace spanscope::news {

/// Two points are the same if these are: lower case, one space, without the marks at the end.
std::string foldedPoint(std::string_view body);

/// Does a line end in words that come again and again: 1 to 16 words, three times, and eight words in all?
bool endsInLoop(std::string_view line);

/// Without points that stand before them and without lines that end in a loop. The first line is the headline: a point
/// may say the same.
std::vector<NewsLine> withoutRepeats(std::vector<NewsLine> lines);

/// `prompt`: of the run, for how many lines it asks; a response with twice as many goes on and on.
class RepeatWatch final : public ResponseWatch {
  public:
    explicit RepeatWatch(std::string_view prompt);
    bool repeats(std::string_view more) override;

  private:
    bool endWord();
    bool endLine();

    size_t m_mostLines = 0, m_lines = 0;
    std::set<std::string> m_points;
    std::string m_line, m_word;
    std::vector<size_t> m_words;  ///< hashes of the line's words
};

}  // namespace spanscope::news
