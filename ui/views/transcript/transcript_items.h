// What stands in a transcript, in order: one item for each token, or in plain reading one for each piece of it, with
// the tokens that it stands for. Grows with the run; what a segment reads as while it is written makes way for what it
// reads as when it is closed. Knows nothing of fonts. Value type; GUI thread.
#pragma once

#include <QHash>
#include <QString>
#include <optional>
#include <set>
#include <vector>

#include "engine/reading/plain_reading.h"

namespace spanscope {

struct TranscriptItem {
    int32_t first = 0, end = 0;  ///< absolute tokens [first, end); empty: none
    int32_t text = -1;           ///< -1: that of the token
    int32_t tip = -1;            ///< -1: none
    PlainRole role = PlainRole::Token;
    bool breakBefore = false, endsLine = false, startsBlock = false, startsSection = false;
    bool below = false;  ///< of a working, which stands below its line
    bool isCell() const { return role == PlainRole::Cell || role == PlainRole::WrongCell; }
};

class TranscriptItems {
  public:
    void reset(Reading reading);
    Reading reading() const { return m_reading; }

    /// Takes in what is new, whole blocks until `most` tokens are done; returns the first item that is new or another
    /// than before, size() if none is.
    int update(const RunData& run, const RunChecks& checks, int most);
    bool hasAll(const RunData& run) const;

    int size() const { return static_cast<int>(m_items.size()); }
    const TranscriptItem& item(int i) const { return m_items[static_cast<size_t>(i)]; }
    /// As a widget may show it.
    QString text(const RunData& run, int i) const;
    QString tip(int i) const;
    /// The narrowest item that stands for a token; -1: it has none yet.
    int itemOfToken(int position) const;
    int segmentOfItem(int i) const;  ///< of the response; index into RunData::segments, -1: none
    bool startsSegment(int i) const;

    /// Items [first, oldEnd) are now [first, newEnd).
    struct Splice {
        int first, oldEnd, newEnd;
    };
    /// Lays the working of a segment out below it, or folds it again. Nothing where it has none.
    std::optional<Splice> toggleWorking(const RunData& run, const RunChecks& checks, int segment);
    bool isOpen(int segment) const { return m_open.contains(segment); }

  private:
    struct Block {
        int32_t item = 0, token = 0, segment = -1;
    };
    std::vector<TranscriptItem> itemsOf(const PlainBlock& block, bool section);
    int32_t intern(const std::string& text);
    size_t blockOfItem(int i) const;

    Reading m_reading = Reading::Plain;
    std::vector<TranscriptItem> m_items;
    std::vector<Block> m_blocks;
    std::vector<QString> m_texts;  ///< few: most are shared
    QHash<QString, int32_t> m_textIds;
    std::set<int> m_open;  ///< segments
    int32_t m_done = 0;    ///< tokens
    bool m_lastIsOpen = false;
};

/// Of one token, as a widget may show it: special pieces without their angle brackets.
QString shownToken(const TokenInfo& token);

}  // namespace spanscope
