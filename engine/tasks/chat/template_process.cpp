#include "engine/tasks/chat/template_process.h"

#include <nlohmann/json.hpp>

#include <sys/wait.h>
#include <array>
#include <filesystem>

#include "engine/files/json_read.h"
#include "engine/files/safe_text.h"
#include "engine/tasks/chat/child_process.h"
#include "render_template_script.h"

namespace spanscope {

using nlohmann::json;

namespace {

/// Never by PATH: what stands there is for whoever sets it to choose.
constexpr std::array kPythons{"/usr/bin/python3", "/usr/local/bin/python3"};

constexpr const char* kMissing =
    "this model's chat template is not one that the program knows by itself, and Jinja2, which renders all others, is "
    "not there; install the package python3-jinja2";

json requestJson(const TemplateRequest& request, std::span<const std::vector<ChatMessage>> conversations) {
    std::tm local{};
    localtime_r(&request.now, &local);
    json list = json::array(), own = json::array();
    for (const auto& messages : conversations) {
        const auto thinking = list.size() < request.thinking.size() ? request.thinking[list.size()] : std::nullopt;
        own.push_back(thinking ? json{{"enable_thinking", *thinking}} : json::object());
        json chat = json::array();
        for (const ChatMessage& m : messages) chat.push_back({{"role", chatRoleName(m.role)}, {"content", m.text}});
        list.push_back(std::move(chat));
    }
    return {{"template", request.text},
            {"variables", request.variables},
            {"now",
             {local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min,
              std::min(local.tm_sec, 59)}},
            {"conversations", std::move(list)},
            {"own_variables", std::move(own)}};
}

Error overLimits(const std::string& how) {
    return {ErrorCode::Unsupported, "the model's chat template was stopped: " + how, {}, "chat template"};
}

Result<std::vector<std::string>> textsOf(const std::string& output, size_t n) {
    JsonProblem problem;
    const auto answer = readJson(output, problem, {.maxDepth = 4, .maxValues = n + 16});
    const bool isObject = answer && answer->is_object();
    if (isObject && answer->contains("error") && (*answer)["error"].is_string()) {
        const std::string sentence = clipped((*answer)["error"].get<std::string>());
        const std::string kind = answer->value("kind", "");
        if (kind == "jinja2") return Error{ErrorCode::Unsupported, std::string(kMissing), {}, {}, sentence};
        if (kind == "limits") return overLimits(sentence);
        return Error{ErrorCode::InvalidArgument, "the model's chat template says: " + sentence, {}, "chat template"};
    }
    std::vector<std::string> texts;
    if (isObject && answer->contains("texts") && (*answer)["texts"].is_array())
        for (const json& text : (*answer)["texts"])
            if (text.is_string()) texts.push_back(text.get<std::string>());
    if (texts.size() == n) return texts;
    return overLimits("it ended without a result");
}

}  // namespace

Result<std::vector<std::string>> renderTemplateWith(const std::string& python, const TemplateRequest& request,
                                                    std::span<const std::vector<ChatMessage>> conversations) {
    if (python.empty()) return Error{ErrorCode::Unsupported, kMissing, {}, {}, "no Python"};
    // -I: nothing from the current folder, the user's folders or the environment.
    const auto answer = askProgram({python, "-I", "-B", "-c", kRenderTemplateScript},
                                   requestJson(request, conversations).dump(), ChildLimits{});
    if (!answer) return answer.error();
    if (answer->timedOut) return overLimits("it took longer than 20 seconds");
    if (answer->tooMuch) return overLimits("the rendered text is too long");
    if (answer->output.empty() && WIFSIGNALED(answer->status)) return overLimits("it took more than 5 seconds of CPU");
    return textsOf(answer->output, conversations.size());
}

Result<std::vector<std::string>> renderTemplate(const TemplateRequest& request,
                                                std::span<const std::vector<ChatMessage>> conversations) {
    std::error_code ignored;
    for (const char* python : kPythons)
        if (std::filesystem::exists(python, ignored)) return renderTemplateWith(python, request, conversations);
    return renderTemplateWith("", request, conversations);
}

}  // namespace spanscope
