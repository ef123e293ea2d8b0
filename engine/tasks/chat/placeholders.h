// Telling a template's text from the messages' in what an interpreter rendered. Every message is rendered twice: as it
// is, and with marks that occur nowhere else in the place of its words. White space at a message's edges, and the tags
// of reasoning in an answer with the line ends around them, stay as they are, since templates trim and cut there. The
// rendering with marks says where the words go; put back in, they must give the first rendering, byte for byte.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/tasks/chat/chat_message.h"
#include "kernels/result.h"

namespace spanscope {

/// Messages with marks, and what each mark stands for. Made for one chat and one template.
class Placeholders {
  public:
    /// templateText: marks do not occur in it, nor in a message.
    Placeholders(std::span<const ChatMessage> messages, std::string_view templateText);

    /// What to render beside the messages themselves.
    const std::vector<ChatMessage>& marked() const { return m_marked; }

    /// rendered: of the messages; withMarks: of marked(). Unsupported where the two do not fit together, or where the
    /// template left a question or the system text out.
    Result<RenderedChat> cut(std::string_view rendered, std::string_view withMarks) const;

  private:
    struct Mark {
        std::string name;                ///< occurs once in m_marked
        std::string words;               ///< that it stands for
        size_t message = 0, offset = 0;  ///< where it is in m_marked
    };
    std::string skeleton(size_t message);

    std::vector<ChatMessage> m_messages, m_marked;
    std::vector<Mark> m_marks;
    std::string m_before, m_after;  ///< characters around a mark's number
};

}  // namespace spanscope
