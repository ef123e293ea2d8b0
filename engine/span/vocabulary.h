// A vocabulary of tags that are text, as data: which tags there are, which section each opens or closes, what may be
// read in one, and what a tag hides or shows again. TagReader (tag_reader.h) finds the tags in what a model writes, the
// tracker does the rest with the state machine that serves the protocol of special pieces. docs/vocabularies.md has
// the rules and the three vocabularies that come with the program; engine/tasks/vocabulary reads one from a file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace spanscope {

/// What a token inside a section may read. The prompt outside its chunks and the response so far always are among it;
/// what is hidden never is.
enum class SectionReads : uint8_t {
    Everything,
    Named,    ///< of the chunks those whose numbers stand in the opening tag
    Nothing,  ///< no chunk
};

/// A kind of section. Sections of a kind are numbered 1, 2, 3 ... as they open.
struct SectionKind {
    std::string name;  ///< for people: "focus", "block"
    SectionReads reads = SectionReads::Everything;
    bool between = false;  ///< what is written outside all tags is one, so that no tag opens it; at most one kind
    bool answer = false;   ///< its text is the answer
};

enum class TagAct : uint8_t {
    Open,
    Close,
    Restore,  ///< shows sections again that were hidden, by their numbers
    Hide,     ///< hides them once more, by their numbers
};

struct TagRule {
    std::string text;                    ///< all of it, or what stands before its arguments: "<focus"
    std::string end;                     ///< of a tag with arguments: ">"; empty: there are none
    std::vector<std::string> arguments;  ///< names that the list of numbers may have: chunks="2,7"
    TagAct act = TagAct::Open;
    int32_t section = -1;  ///< index into sections: of Open and Close their own, of Restore and Hide which is meant
    /// Of Close: with it a section of this kind is hidden from what follows: the last closed one that none has hidden
    /// yet, or of a kind that stands between the tags the one just before. -1: none.
    int32_t hides = -1;
    bool stops = false;  ///< of Close: the response ends with it
};

/// No tag's text begins another's. Immutable once made.
struct TagVocabulary {
    static constexpr int32_t kMostArgumentBytes = 256;  ///< between a tag's text and its end; more is a broken tag

    std::string name;   ///< "da"
    std::string title;  ///< "Declarative Attention"
    std::vector<SectionKind> sections;
    std::vector<TagRule> tags;
    bool hidesTags = false;  ///< a hidden section's own tags are hidden too
    bool swaps = false;      ///< while a section is shown again, the one that hid it is hidden

    /// The kind that stands between the tags, -1: none.
    int32_t between() const {
        for (size_t i = 0; i < sections.size(); ++i)
            if (sections[i].between) return static_cast<int32_t>(i);
        return -1;
    }
    /// The kind that closing a section of `kind` hides, -1: none.
    int32_t hiddenBy(int32_t kind) const {
        for (const TagRule& tag : tags)
            if (tag.act == TagAct::Close && tag.section == kind) return tag.hides;
        return -1;
    }
};

}  // namespace spanscope
