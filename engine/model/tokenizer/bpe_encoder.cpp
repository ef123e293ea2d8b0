#include "engine/model/tokenizer/bpe_encoder.h"

#include <algorithm>
#include <utility>

#include "engine/files/utf8.h"
#include "engine/model/tokenizer/word_cache.h"

namespace spanscope {

namespace {

std::unordered_map<std::string_view, int32_t> byName(const std::vector<std::pair<std::string, int32_t>>& list) {
    std::unordered_map<std::string_view, int32_t> names;
    names.reserve(list.size());
    for (const auto& [name, id] : list) names.emplace(name, id);
    return names;
}

}  // namespace

struct BpeEncoder::Scratch {
    PreTokenizer::ScratchPtr cutting;
    WordCache cache;
    std::string room;
    std::vector<int32_t> pieces;
};

BpeEncoder::BpeEncoder(Parts parts)
    : m_parts(std::move(parts)), m_words(byName(m_parts.words)), m_characters(byName(m_parts.characters)) {}
BpeEncoder::~BpeEncoder() = default;

Result<std::vector<int32_t>> BpeEncoder::encode(std::string_view text, bool follows) const {
    const ScratchPool<Scratch>::Borrowed borrowed(m_scratches, [this] {
        auto made = std::make_unique<Scratch>();
        made->cutting = m_parts.cutter->makeScratch();
        return made;
    });
    Scratch& scratch = *borrowed;
    scratch.cache.allocateFor(text.size());
    std::vector<int32_t> out;
    out.reserve(text.size() / 3);
    for (size_t from = 0; from < text.size();) {
        const auto mark = m_parts.rawMarks.next(text, from);
        const size_t end = mark ? mark->begin : text.size();
        if (end > from)
            if (auto status = encodeSection(text.substr(from, end - from), follows || from > 0, scratch, out); !status)
                return status.error();
        if (!mark) break;
        out.push_back(mark->id);
        from = mark->end;
    }
    return out;
}

Status BpeEncoder::encodeSection(std::string_view text, bool follows, Scratch& scratch,
                                 std::vector<int32_t>& out) const {
    const auto normalised = applyRules(m_parts.rules, text, follows, scratch.room);
    if (!normalised) return normalised.error();
    for (size_t from = 0; from < normalised->size();) {
        const auto mark = m_parts.marks.next(*normalised, from);
        const size_t end = mark ? mark->begin : normalised->size();
        if (end > from)
            if (auto status = encodeNormalised(normalised->substr(from, end - from), scratch, out); !status)
                return status;
        if (!mark) break;
        out.push_back(mark->id);
        from = mark->end;
    }
    return {};
}

Status BpeEncoder::encodeNormalised(std::string_view text, Scratch& scratch, std::vector<int32_t>& out) const {
    const auto words = m_parts.cutter->split(text, *scratch.cutting);
    if (!words) return words.error();
    for (std::string_view word : *words) {
        while (m_parts.splitAtMarks) {
            const size_t mark = word.find(kSpaceMark, 1);
            if (mark == std::string_view::npos) break;
            encodeWord(word.substr(0, mark), scratch, out);
            word.remove_prefix(mark);
        }
        encodeWord(word, scratch, out);
    }
    return {};
}

void BpeEncoder::encodeWord(std::string_view word, Scratch& scratch, std::vector<int32_t>& out) const {
    WordCache::Entry* entry = nullptr;
    if (word.size() <= WordCache::kMaxBytes && scratch.cache.allocated()) {
        entry = &scratch.cache.entryOf(word);
        if (entry->holds(word)) {
            const auto pieces = entry->pieces();
            out.insert(out.end(), pieces.begin(), pieces.end());
            return;
        }
    }
    cutWord(word, scratch.pieces);
    if (entry != nullptr) entry->set(word, scratch.pieces);
    out.insert(out.end(), scratch.pieces.begin(), scratch.pieces.end());
}

void BpeEncoder::cutWord(std::string_view word, std::vector<int32_t>& pieces) const {
    pieces.clear();
    if (!m_words.empty())
        if (const auto whole = m_words.find(word); whole != m_words.end()) return pieces.push_back(whole->second);
    if (m_parts.bytes) {
        for (const char c : word) pieces.push_back(m_parts.byteIds[static_cast<uint8_t>(c)]);
    } else {
        for (size_t at = 0; at < word.size();) {
            const std::string_view character = word.substr(at, nextUtf8(word.substr(at)).nBytes);
            at += character.size();
            if (const auto piece = m_characters.find(character); piece != m_characters.end()) {
                pieces.push_back(piece->second);
                continue;
            }
            for (const char c : character) pieces.push_back(m_parts.byteIds[static_cast<uint8_t>(c)]);
        }
    }
    m_parts.merges->apply(pieces);
}

}  // namespace spanscope
