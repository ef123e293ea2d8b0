// The chat templates that a model's files carry: Jinja texts that turn messages into a prompt. Only read here;
// engine/tasks/chat renders them.
#pragma once

#include <string>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

class Tokenizer;
struct VocabularySource;

struct ChatTemplate {
    std::string name;  ///< "default", or what the file calls it ("tool_use", "rag")
    std::string text;  ///< Jinja
};

/// Empty: the model has no template, as base models have none.
struct ChatTemplates {
    std::vector<ChatTemplate> all;  ///< names unique
    std::string bos, eos;           ///< how templates are to write these tokens; empty: the vocabulary has none
    std::string source;             ///< file (and key) that they stand in, for messages

    /// The one for messages without tools: "default", or the only one there is. nullptr: none.
    const ChatTemplate* standard() const;
};

/// GGUF: tokenizer.chat_template and tokenizer.chat_template.NAME. Folder: chat_template.jinja, else chat_template of
/// tokenizer_config.json (a text, or a list of {name, template}), else of chat_template.json. Absent files and keys are
/// no error; Format for what is there and is not a template, or is longer than a megabyte.
Result<ChatTemplates> readChatTemplates(const VocabularySource& source, const Tokenizer& tokenizer);

}  // namespace spanscope
