// The reader for tags that are text: it looks for the tags of a vocabulary in the bytes that tokens stand for, so that
// a tag may be cut into tokens in any way, and share its first and last token with other text.
//
// Time for each byte: at most the tags' own length together. Memory: the beginning of one tag and its arguments, a few
// hundred bytes, whatever is written.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/span/event_reader.h"
#include "engine/span/vocabulary.h"

namespace spanscope {

/// The bytes that a token writes; may be none.
using TokenBytes = std::function<std::string(int32_t token)>;

class TagReader : public EventReader {
  public:
    /// vocabulary: not null. bytes: callable as long as the reader lives.
    TagReader(std::shared_ptr<const TagVocabulary> vocabulary, TokenBytes bytes);

    std::span<const ProtocolEvent> read(int32_t token) override;
    std::span<const ProtocolEvent> finish() override;
    std::unique_ptr<EventReader> clone() const override { return std::make_unique<TagReader>(*this); }

  private:
    void settle();
    bool inArguments();
    void letGo();
    void text(int32_t lastToken);
    void tag(Mark mark, int32_t rule, size_t nBytes);
    void numbers(const TagRule& rule, std::string_view arguments);
    void number(std::string_view item);
    void detail(Mark mark, int32_t digit = 0);
    void drop(size_t nBytes);

    std::shared_ptr<const TagVocabulary> m_vocabulary;
    TokenBytes m_bytes;
    std::string m_held;              // what may become a tag
    std::vector<int32_t> m_tokenOf;  // (held bytes) the token of each
    int32_t m_open = -1;             // rule whose arguments are being read
    int32_t m_nRead = 0;             // tokens
    int32_t m_nCovered = 0;          // of them by events
    std::vector<ProtocolEvent> m_events;
};

}  // namespace spanscope
