#include "engine/tasks/vocabulary/segmenter.h"

#include <algorithm>
#include <array>

namespace spanscope {

namespace {

bool isSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool isOneOf(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

/// Whether a delimiter of that level ends before byte `at`; 0 is the coarsest.
bool endsBefore(std::string_view text, size_t at, int level) {
    const char before = text[at - 1];
    const auto blankLine = [&] {
        size_t i = at - 1;  // of a line end; only spaces back to another one
        while (i > 0 && (text[i - 1] == ' ' || text[i - 1] == '\t' || text[i - 1] == '\r')) --i;
        return i > 0 && text[i - 1] == '\n';
    };
    switch (level) {
        case 0: return before == '\n' && blankLine();
        case 1: return before == '\n';
        case 2: return isSpace(before) && at >= 2 && isOneOf(text[at - 2], ".!?");
        case 3: return isSpace(before) && at >= 2 && isOneOf(text[at - 2], ";:,");
        default: return isSpace(before);
    }
}
constexpr int kLevels = 5;

struct Part {
    size_t begin = 0, end = 0;
    int level = 0;  ///< of delimiters that may be in it
};

}  // namespace

Result<TokenEnds> TokenEnds::of(std::string_view text, const Tokenizer& tokenizer) {
    const auto ids = tokenizer.encode(text);
    if (!ids) return ids.error();
    std::vector<size_t> ends;
    size_t end = 0;
    for (const int32_t id : *ids) ends.push_back(end = std::min(text.size(), end + tokenizer.pieceBytes(id).size()));
    return TokenEnds(std::move(ends));
}

int64_t TokenEnds::count(size_t begin, size_t end) const {
    return std::upper_bound(m_ends.begin(), m_ends.end(), end) - std::upper_bound(m_ends.begin(), m_ends.end(), begin);
}

std::vector<std::string_view> cutIntoChunks(std::string_view text, const TokenEnds& tokens, int64_t targetTokens,
                                            int64_t mostTokens) {
    std::vector<std::string_view> chunks;
    if (text.empty()) return chunks;
    if (tokens.count(0, text.size()) <= mostTokens) return {text};

    std::vector<Part> units;
    std::vector<Part> open{{0, text.size(), 0}};  // a stack: the next part on top
    while (!open.empty()) {
        const Part part = open.back();
        open.pop_back();
        std::vector<Part> pieces;
        int level = part.level;
        for (; level < kLevels && tokens.count(part.begin, part.end) > mostTokens; ++level) {
            size_t begin = part.begin;
            for (size_t at = part.begin + 1; at < part.end; ++at) {
                const bool runsOn = level + 1 == kLevels && isSpace(text[at]);  // white space is cut behind its last
                if (runsOn || !endsBefore(text, at, level)) continue;
                pieces.push_back({begin, at, level + 1});
                begin = at;
            }
            if (pieces.empty()) continue;
            pieces.push_back({begin, part.end, level + 1});
            break;
        }
        if (pieces.empty()) units.push_back(part);
        else open.insert(open.end(), pieces.rbegin(), pieces.rend());
    }

    size_t begin = 0;
    for (size_t i = 0; i < units.size(); ++i) {
        const bool last = i + 1 == units.size();
        if (!last && tokens.count(begin, units[i + 1].end) <= targetTokens) continue;
        chunks.push_back(text.substr(begin, units[i].end - begin));
        begin = units[i].end;
    }
    return chunks;
}

}  // namespace spanscope
