#include "ui/views/transcript/transcript_items.h"

#include <algorithm>

#include "engine/reading/written_step.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
constexpr qsizetype kTokenCharacters = 60;  // of one token: that there is more is to be seen
constexpr int kFreeTokens = 512;            // of text without borders, in one block
}  // namespace

QString shownToken(const TokenInfo& token) {
    const QString text = shownLine(token.text, kTokenCharacters);
    if (!token.special) return text;
    if (text.isEmpty()) return QStringLiteral("·");
    if (text == QLatin1String("<:>")) return QStringLiteral(":");
    if (text.size() > 2 && text.startsWith('<') && text.endsWith('>')) return text.mid(1, text.size() - 2);
    return text;
}

void TranscriptItems::reset(Reading reading) {
    *this = TranscriptItems();
    m_reading = reading;
}

bool TranscriptItems::hasAll(const RunData& run) const {
    return m_done == static_cast<int32_t>(run.header.prompt.size() + run.steps.size());
}

int32_t TranscriptItems::intern(const std::string& text) {
    const QString shown = shownLine(text);
    const auto it = m_textIds.constFind(shown);
    if (it != m_textIds.constEnd()) return *it;
    const auto id = static_cast<int32_t>(m_texts.size());
    m_texts.push_back(shown);
    m_textIds.insert(shown, id);
    return id;
}

std::vector<TranscriptItem> TranscriptItems::itemsOf(const PlainBlock& block, bool section) {
    std::vector<TranscriptItem> items;
    items.reserve(block.pieces.size());
    for (const PlainPiece& piece : block.pieces) {
        TranscriptItem item;
        item.first = piece.first;
        item.end = piece.end;
        item.role = piece.role;
        if (!piece.text.empty()) item.text = intern(piece.text);
        else if (piece.role != PlainRole::Token && piece.role != PlainRole::Unsupported) item.text = intern({});
        if (!piece.tip.empty()) item.tip = intern(piece.tip);
        item.breakBefore = piece.breakBefore;
        item.endsLine = piece.endsLine;
        item.below = piece.below;
        items.push_back(item);
    }
    items.front().startsBlock = block.startsLine;
    items.front().startsSection = section;
    return items;
}

int TranscriptItems::update(const RunData& run, const RunChecks& checks, int most) {
    const auto nPrompt = static_cast<int32_t>(run.header.prompt.size());
    const auto nContext = static_cast<int32_t>(nPrompt + run.steps.size());
    int changed = size();
    if (m_lastIsOpen) {
        changed = m_blocks.back().item;
        m_done = m_blocks.back().token;
        m_items.resize(static_cast<size_t>(changed));
        m_blocks.pop_back();
        m_lastIsOpen = false;
    }
    PlainReader reader(run, checks, m_reading, [this](int32_t segment) { return isOpen(segment); });
    const int32_t enough = most > nContext - m_done ? nContext : m_done + most;
    while (m_done < enough) {
        const PlainBlock block = reader.at(m_done, kFreeTokens);
        m_blocks.push_back({size(), m_done, block.segment});
        const auto items = itemsOf(block, m_done == 0 || m_done == nPrompt);
        m_items.insert(m_items.end(), items.begin(), items.end());
        m_done = block.tokens.end;
        m_lastIsOpen = !block.complete;
    }
    return changed;
}

QString TranscriptItems::text(const RunData& run, int i) const {
    const TranscriptItem& it = item(i);
    if (it.text >= 0) return m_texts[static_cast<size_t>(it.text)];
    return shownToken(tokenAt(run, it.first));
}

QString TranscriptItems::tip(int i) const {
    const int32_t id = item(i).tip;
    return id >= 0 ? m_texts[static_cast<size_t>(id)] : QString();
}

int TranscriptItems::itemOfToken(int position) const {
    const auto after = std::upper_bound(m_blocks.begin(), m_blocks.end(), position,
                                        [](int p, const Block& block) { return p < block.token; });
    if (position < 0 || position >= m_done || after == m_blocks.begin()) return -1;
    const int end = after == m_blocks.end() ? size() : after->item;
    int best = -1;
    for (int i = (after - 1)->item; i < end; ++i) {
        const TranscriptItem& it = item(i);
        if (position < it.first || position >= it.end) continue;
        if (best < 0 || it.end - it.first < item(best).end - item(best).first) best = i;
    }
    return best;
}

size_t TranscriptItems::blockOfItem(int i) const {
    const auto after = std::upper_bound(m_blocks.begin(), m_blocks.end(), i,
                                        [](int at, const Block& block) { return at < block.item; });
    return static_cast<size_t>(after - m_blocks.begin()) - 1;
}

int TranscriptItems::segmentOfItem(int i) const { return m_blocks[blockOfItem(i)].segment; }

bool TranscriptItems::startsSegment(int i) const {
    const Block& block = m_blocks[blockOfItem(i)];
    return block.segment >= 0 && block.item == i;
}

std::optional<TranscriptItems::Splice> TranscriptItems::toggleWorking(const RunData& run, const RunChecks& checks,
                                                                      int segment) {
    const auto at = std::find_if(m_blocks.begin(), m_blocks.end(),
                                 [segment](const Block& block) { return block.segment == segment; });
    if (segment < 0 || at == m_blocks.end()) return std::nullopt;
    const int first = at->item, oldEnd = at + 1 == m_blocks.end() ? size() : (at + 1)->item;
    const auto begin = m_items.begin() + first, end = m_items.begin() + oldEnd;
    if (std::none_of(begin, end, [](const TranscriptItem& i) { return i.role == PlainRole::Working; }))
        return std::nullopt;
    if (!m_open.erase(segment)) m_open.insert(segment);
    PlainReader reader(run, checks, m_reading, [this](int32_t s) { return isOpen(s); });
    const bool section = m_items[static_cast<size_t>(first)].startsSection;
    const auto items = itemsOf(reader.at(at->token, kFreeTokens), section);
    const int difference = static_cast<int>(items.size()) - (oldEnd - first);
    m_items.erase(begin, end);
    m_items.insert(m_items.begin() + first, items.begin(), items.end());
    for (auto block = at + 1; block != m_blocks.end(); ++block) block->item += difference;
    return Splice{first, oldEnd, oldEnd + difference};
}

}  // namespace spanscope
