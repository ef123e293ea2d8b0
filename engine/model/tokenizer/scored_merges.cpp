#include "engine/model/tokenizer/scored_merges.h"

#include <algorithm>
#include <utility>

#include "engine/files/utf8.h"

namespace spanscope {

namespace {

/// The bytes of a character as a number. Those of ASCII are below 128.
uint32_t keyOf(std::string_view character) {
    uint32_t key = 0;
    for (const char c : character) key = key << 8 | static_cast<uint8_t>(c);
    return key;
}

}  // namespace

std::unique_ptr<ScoredMerges> ScoredMerges::make(const VocabularySpec& spec) {
    const bool takenApart = std::any_of(spec.pieces.begin(), spec.pieces.end(),
                                        [](const VocabularyPiece& piece) { return piece.type == PieceType::Unused; });
    if (spec.kind != VocabularyKind::Bpe || takenApart) return nullptr;
    return std::unique_ptr<ScoredMerges>(new ScoredMerges(spec));
}

ScoredMerges::ScoredMerges(const VocabularySpec& spec) {
    std::unordered_map<std::string_view, int32_t> ids;  // of what can come of merging within a short word
    std::vector<int32_t> byScore;
    std::vector<AddedToken> first;
    ids.reserve(spec.pieces.size());
    m_ascii.fill(-1);
    for (size_t i = 0; i < spec.pieces.size(); ++i) {
        const VocabularyPiece& piece = spec.pieces[i];
        const auto id = static_cast<int32_t>(i);
        if (piece.type == PieceType::UserDefined) first.push_back({id, piece.text});
        if (piece.type != PieceType::Normal || piece.text.size() > kMaxBytes) continue;
        ids.emplace(piece.text, id);
        if (nextUtf8(piece.text).nBytes < piece.text.size()) byScore.push_back(id);
        else if (const uint32_t key = keyOf(piece.text); key >= m_ascii.size()) m_characters.emplace(key, id);
        else if (m_ascii[key] < 0) m_ascii[key] = id;
    }
    m_first = TokenMarks(std::move(first));
    const auto scoreOf = [&](int32_t id) { return spec.pieces[static_cast<size_t>(id)].score; };
    std::stable_sort(byScore.begin(), byScore.end(), [&](int32_t a, int32_t b) { return scoreOf(a) > scoreOf(b); });

    std::vector<std::pair<BpeMerge, int32_t>> merges;
    int32_t rank = 0;
    for (size_t i = 0; i < byScore.size(); ++i) {
        if (i > 0 && scoreOf(byScore[i]) != scoreOf(byScore[i - 1])) ++rank;
        const std::string_view text = spec.pieces[static_cast<size_t>(byScore[i])].text;
        for (size_t at = nextUtf8(text).nBytes; at < text.size(); at += nextUtf8(text.substr(at)).nBytes) {
            const auto left = ids.find(text.substr(0, at)), right = ids.find(text.substr(at));
            if (left != ids.end() && right != ids.end())
                merges.push_back({{left->second, right->second, byScore[i]}, rank});
        }
    }
    m_merges.emplace(merges.size());
    for (const auto& [merge, ofScore] : merges) m_merges->add(merge, ofScore);
}

int32_t ScoredMerges::characterPiece(std::string_view character) const {
    const uint32_t key = keyOf(character);
    if (key < m_ascii.size()) return m_ascii[key];
    const auto piece = m_characters.find(key);
    return piece == m_characters.end() ? -1 : piece->second;
}

bool ScoredMerges::cut(std::string_view word, std::vector<int32_t>& pieces) const {
    pieces.clear();
    if (word.size() > kMaxBytes) return false;
    std::vector<int32_t> joined;
    for (size_t at = 0; at < word.size();) {
        const auto mark = m_first.next(word, at);
        joined.clear();
        for (const size_t end = mark ? mark->begin : word.size(); at < end;) {
            const std::string_view character = word.substr(at, nextUtf8(word.substr(at)).nBytes);
            const int32_t piece = characterPiece(character);
            if (piece < 0) return false;
            joined.push_back(piece);
            at += character.size();
        }
        m_merges->apply(joined);
        pieces.insert(pieces.end(), joined.begin(), joined.end());
        if (!mark) break;
        pieces.push_back(mark->id);
        at = mark->end;
    }
    return true;
}

}  // namespace spanscope
