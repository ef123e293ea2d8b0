#include "engine/tasks/task.h"

#include "engine/tasks/chat_task.h"
#include "engine/tasks/expression.h"
#include "engine/tasks/news_task.h"
#include "engine/tasks/sheet.h"
#include "engine/tasks/text.h"

namespace spanscope {

std::unique_ptr<ResponseWatch> Task::watch(const std::string& /*prompt*/) const { return nullptr; }

const std::vector<const Task*>& allTasks() {
    static const std::vector<const Task*> tasks{&expressionTask(), &sheetTask(), &newsTask(), &chatTask(), &textTask()};
    return tasks;
}

const Task* findTask(std::string_view name) {
    for (const Task* t : allTasks())
        if (t->name() == name) return t;
    return nullptr;
}

Result<std::vector<int32_t>> encodePrompt(const FormattedPrompt& prompt, const Tokenizer& tokenizer) {
    std::vector<int32_t> ids;
    if (tokenizer.addsBos()) ids.push_back(tokenizer.bosId());
    bool follows = false;
    for (const PromptPart& part : prompt.parts) {
        auto more = tokenizer.encode(part.text, part.trusted ? TextTrust::Trusted : TextTrust::Typed, follows);
        if (!more) return more.error();
        ids.insert(ids.end(), more->begin(), more->end());
        follows = follows || !part.text.empty();
    }
    if (tokenizer.addsEos()) ids.push_back(tokenizer.eosId());
    return ids;
}

}  // namespace spanscope
