// The protocol text of the `news` task: the header of a prompt, and prompts and responses read back. Pure functions;
// any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

namespace news {
/// "news 12 4\n": sentences, out-segments wanted.
std::string promptHeader(size_t nSentences, size_t nLines);
}  // namespace news

struct NewsRef {
    bool in = true;  ///< false: refers to an out-segment
    int64_t label = -1;
    bool operator==(const NewsRef&) const = default;
};
/// One out-segment as text: `<out>label<:>[<global>]<attend>refs</attend>body`.
struct NewsLine {
    int64_t label = -1;
    std::vector<NewsRef> refs;
    std::string body;
    bool valid = false;  ///< well formed, and every reference exists
};

/// The in-segments' texts of a prompt by label (index 0 = label 1). Labels must count up from 1.
Result<std::vector<std::string>> newsSentences(std::string_view promptText);
/// Never fails; a line that is not well formed has valid == false. nSentences: labels above are unknown.
std::vector<NewsLine> parseNewsResponse(std::string_view responseText, int64_t nSentences);

}  // namespace spanscope
