// Renders chat templates with Jinja2, in a process of its own. A template is code from whoever made the model, so the
// process gets two pipes, an isolated Python, a sandbox, and limits of memory, time and output; before the template
// runs it gives up opening files, sockets and processes (render_template.py, seccomp where the kernel has it).
#pragma once

#include <ctime>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tasks/chat/chat_message.h"
#include "kernels/result.h"

namespace spanscope {

struct TemplateRequest {
    std::string_view text;                           ///< of the template
    std::map<std::string, std::string> variables;    ///< beside the messages: bos_token, eos_token
    std::time_t now = 0;                             ///< for templates that ask for the date; local time
    std::vector<std::optional<bool>> thinking = {};  ///< enable_thinking of each conversation; fewer: not told
};

/// One text for each conversation. Unsupported: no Python with Jinja2 (with the package's name), or a template over its
/// limits. InvalidArgument: the template refused the messages, or is no Jinja; with its own sentence. Io: the process
/// could not be started or spoken to.
Result<std::vector<std::string>> renderTemplate(const TemplateRequest& request,
                                                std::span<const std::vector<ChatMessage>> conversations);

/// For tests: another interpreter than the system's; empty: none.
Result<std::vector<std::string>> renderTemplateWith(const std::string& python, const TemplateRequest& request,
                                                    std::span<const std::vector<ChatMessage>> conversations);

}  // namespace spanscope
