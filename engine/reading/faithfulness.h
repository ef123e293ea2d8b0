// Whether the names and numbers of a sentence stand in the sentences that it says it is from. Pure functions; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spanscope {

/// Numbers and capitalised names of `text`, and those that stand in `sources`. A name is a word with a capital
/// letter, the first word of the text only if none of the sources has it in lower case.
struct Faithfulness {
    int32_t items = 0, supported = 0;
    std::vector<std::string> missing;
    std::vector<std::pair<size_t, size_t>> places;  ///< (missing) bytes of `text`, [begin, end)
};
Faithfulness faithfulness(std::string_view text, const std::vector<std::string>& sources);

}  // namespace spanscope
