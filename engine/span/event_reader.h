// What the tokens of a model mean to the span protocol. A reader turns token ids into events and knows nothing of
// segments or masks; the tracker knows events and nothing of vocabularies. piece_reader.h is the reader for the
// protocol's special pieces, where a mark is one token; tag_reader.h the one for tags that are text, which it takes
// from a description (vocabulary.h).
//
// To add a reader (several digits in one token, say): derive from EventReader, keep what it needs of the vocabulary as
// data, and give it to SpanTracker's constructor. Events cover the tokens one after the other, without gaps. A mark
// that takes several tokens is one event, reported with its last token; until then read() answers with nothing (the
// token reads what text would in its place), and where the mark turns out to be none, a Text event covers the tokens
// held back. A token that says two things (two digits, the end of a tag and a newline) answers with both, in order.
// tests/span/text_tag_reader.h is a small one, and tst_text_tags holds it against the special pieces.
//
// A reader sees ids alone. Where marks are special pieces, typed text never contains one, since it is encoded as plain
// text; whoever formats prompts for tags that are text has to keep typed text from looking like them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace spanscope {

/// In and Out open a segment or a reference; Text is everything that the protocol has no name for.
/// From Section on: tags of a vocabulary (vocabulary.h), each with the index of its rule. Section and Change are
/// followed by the references that stand in the tag (In, Digit..., Colon) and TagEnd, all in the tag's last token;
/// Broken is the beginning of a tag that never became one.
enum class Mark : uint8_t {
    Text,
    Digit,
    Newline,
    EndOfText,
    In,
    Out,
    Colon,
    Attend,
    AttendEnd,
    Local,
    Global,
    Section,
    SectionEnd,
    Change,
    TagEnd,
    Broken,
};

/// Whether the mark is a tag of the protocol, a special piece where the vocabulary has those.
constexpr bool isTag(Mark mark) { return mark >= Mark::In; }

struct ProtocolEvent {
    Mark mark = Mark::Text;
    int32_t digit = 0;    ///< 0 to 9, of Mark::Digit
    int32_t nTokens = 1;  ///< that it covers; 0: it stands in the last token of the event before
    int32_t rule = -1;    ///< index into TagVocabulary::tags, of marks that have one
    /// It begins inside the token before those that it covers, behind other text.
    bool beginsBefore = false;
};

/// Owned by one tracker; one thread.
class EventReader {
  public:
    virtual ~EventReader() = default;
    /// The events that `token` completes, in order; none while a mark is unfinished. Valid until the next call.
    virtual std::span<const ProtocolEvent> read(int32_t token) = 0;
    /// What the end of the text makes of a mark that is still unfinished. Valid as above.
    virtual std::span<const ProtocolEvent> finish() { return {}; }
    /// The same reader at the same place of its text.
    virtual std::unique_ptr<EventReader> clone() const = 0;
};

/// Owns a reader; a copy reads on by itself.
class CopiedReader {
  public:
    explicit CopiedReader(std::unique_ptr<EventReader> reader) : m_reader(std::move(reader)) {}
    CopiedReader(const CopiedReader& other) : m_reader(other.m_reader->clone()) {}
    CopiedReader& operator=(const CopiedReader& other) {
        m_reader = other.m_reader->clone();
        return *this;
    }
    std::span<const ProtocolEvent> read(int32_t token) { return m_reader->read(token); }
    std::span<const ProtocolEvent> finish() { return m_reader->finish(); }

  private:
    std::unique_ptr<EventReader> m_reader;
};

}  // namespace spanscope
