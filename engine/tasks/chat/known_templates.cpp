#include "engine/tasks/chat/known_templates.h"

#include <algorithm>
#include <array>
#include <string>

#include "engine/files/hash64.h"

namespace spanscope {

namespace {

constexpr ChatFrame chatMl(std::string_view name, std::string_view withoutSystem,
                           OldReasoning reasoning = OldReasoning::Kept) {
    ChatFrame f;
    f.name = name;
    f.system = "<|im_start|>system\n";
    f.user = "<|im_start|>user\n";
    f.answer = f.ask = "<|im_start|>assistant\n";
    f.systemEnd = f.userEnd = f.answerEnd = "<|im_end|>\n";
    f.withoutSystem = withoutSystem;
    f.reasoning = reasoning;
    return f;
}
constexpr ChatFrame kChatMl = chatMl("ChatML", "");
constexpr ChatFrame kSmolLm2 = chatMl("SmolLM2",
                                      "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by "
                                      "Hugging Face<|im_end|>\n");
constexpr ChatFrame kQwen2 = chatMl("Qwen2", "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n");
constexpr ChatFrame kQwen25 = chatMl("Qwen2.5",
                                     "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
                                     "assistant.<|im_end|>\n");
constexpr ChatFrame qwen3() {
    ChatFrame f = chatMl("Qwen3", "", OldReasoning::Qwen3);
    f.askWithoutThinking = "<|im_start|>assistant\n<think>\n\n</think>\n\n";
    return f;
}
constexpr ChatFrame kQwen3 = qwen3();

/// Llama 3.1 and 3.2 begin with a system turn in any case, which ends with the system text, if there is one.
constexpr ChatFrame llama3(std::string_view name, std::string_view begin, std::string_view system,
                           std::string_view withoutSystem) {
    ChatFrame f;
    f.name = name;
    f.begin = begin;
    f.system = system;
    f.withoutSystem = withoutSystem;
    f.user = "<|start_header_id|>user<|end_header_id|>\n\n";
    f.answer = f.ask = "<|start_header_id|>assistant<|end_header_id|>\n\n";
    f.systemEnd = f.userEnd = f.answerEnd = "<|eot_id|>";
    f.trimSystem = f.trimUser = f.trimAnswer = true;
    return f;
}
constexpr ChatFrame kLlama3 = llama3("Llama 3", "{bos}", "<|start_header_id|>system<|end_header_id|>\n\n", "");
constexpr ChatFrame kLlama31 =
    llama3("Llama 3.1",
           "{bos}<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
           "Today Date: 26 Jul 2024\n\n",
           "", "<|eot_id|>");
constexpr ChatFrame kLlama32 =
    llama3("Llama 3.2",
           "{bos}<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
           "Today Date: {date}\n\n",
           "", "<|eot_id|>");

constexpr ChatFrame gemma(std::string_view name, SystemPlace place) {
    ChatFrame f;
    f.name = name;
    f.begin = "{bos}";
    f.place = place;
    f.systemEnd = "\n\n";
    f.user = "<start_of_turn>user\n";
    f.answer = f.ask = "<start_of_turn>model\n";
    f.userEnd = f.answerEnd = "<end_of_turn>\n";
    f.trimUser = f.trimAnswer = true;
    return f;
}
constexpr ChatFrame kGemma2 = gemma("Gemma 2", SystemPlace::Nowhere);
constexpr ChatFrame kGemma3 = gemma("Gemma 3", SystemPlace::FirstUser);

constexpr ChatFrame phi(std::string_view name, std::string_view begin, std::string_view lineEnd) {
    ChatFrame f;
    f.name = name;
    f.begin = begin;
    const bool lines = !lineEnd.empty();
    f.system = lines ? "<|system|>\n" : "<|system|>";
    f.user = lines ? "<|user|>\n" : "<|user|>";
    f.answer = f.ask = lines ? "<|assistant|>\n" : "<|assistant|>";
    f.systemEnd = f.userEnd = f.answerEnd = lines ? "<|end|>\n" : "<|end|>";
    return f;
}
/// The first of the family: the answer's beginning stands behind every question, and nothing names a system text.
constexpr ChatFrame firstPhi(std::string_view name, std::string_view begin) {
    ChatFrame f = phi(name, begin, "\n");
    f.place = SystemPlace::Nowhere;
    f.userEnd = "<|end|>\n<|assistant|>\n";
    f.answer = f.ask = "";
    return f;
}
constexpr ChatFrame kPhi3Mini = firstPhi("Phi-3 mini", "{bos}");
constexpr ChatFrame kPhi3Medium = firstPhi("Phi-3 medium", "");
constexpr ChatFrame kPhi3Small = phi("Phi-3 small", "{bos}", "\n");
constexpr ChatFrame kPhi35 = phi("Phi-3.5", "", "\n");
constexpr ChatFrame kPhi4Mini = phi("Phi-4 mini", "", "");

constexpr ChatFrame phi4() {
    ChatFrame f;
    f.name = "Phi-4";
    f.system = "<|im_start|>system<|im_sep|>";
    f.user = "<|im_start|>user<|im_sep|>";
    f.userEnd = "<|im_end|><|im_start|>assistant<|im_sep|>";
    f.systemEnd = f.answerEnd = "<|im_end|>";
    return f;
}
constexpr ChatFrame kPhi4 = phi4();

constexpr ChatFrame instruct(std::string_view name, std::string_view user, std::string_view userEnd,
                             std::string_view answer, SystemPlace place) {
    ChatFrame f;
    f.name = name;
    f.begin = "{bos}";
    f.user = user;
    f.userEnd = userEnd;
    f.answer = answer;
    f.answerEnd = "{eos}";
    f.systemEnd = "\n\n";
    f.place = place;
    return f;
}
constexpr ChatFrame kMistral = instruct("Mistral", "[INST] ", " [/INST]", "", SystemPlace::Nowhere);
constexpr ChatFrame kMistralV1 = instruct("Mistral v1", " [INST] ", " [/INST]", " ", SystemPlace::FirstUser);
constexpr ChatFrame kMistralNemo = instruct("Mistral Nemo", "[INST]", "[/INST]", "", SystemPlace::LastUser);

constexpr ChatFrame mistralV7() {
    ChatFrame f = instruct("Mistral v7", "[INST] ", "[/INST]", " ", SystemPlace::OwnTurn);
    f.system = "[SYSTEM_PROMPT] ";
    f.systemEnd = "[/SYSTEM_PROMPT]";
    return f;
}
constexpr ChatFrame kMistralV7 = mistralV7();

constexpr ChatFrame llama2() {
    ChatFrame f = instruct("Llama 2", "{bos}[INST] ", " [/INST]", " ", SystemPlace::FirstUser);
    f.begin = "";
    f.system = "<<SYS>>\n";
    f.systemEnd = "\n<</SYS>>\n\n";
    f.answerEnd = " {eos}";
    f.trimUser = f.trimAnswer = f.trimsTogether = true;
    return f;
}
constexpr ChatFrame kLlama2 = llama2();

constexpr ChatFrame tulu(std::string_view name, std::string_view begin, std::string_view end) {
    ChatFrame f;
    f.name = name;
    f.begin = begin;
    f.system = "<|system|>\n";
    f.user = "<|user|>\n";
    f.answer = f.ask = "<|assistant|>\n";
    f.systemEnd = f.userEnd = end;
    f.answerEnd = "{eos}\n";
    return f;
}
constexpr ChatFrame kZephyr = tulu("Zephyr", "", "{eos}\n");
constexpr ChatFrame kTulu = tulu("Tulu", "", "\n");
constexpr ChatFrame kOlmo2 = tulu("OLMo 2", "{bos}", "\n");

constexpr ChatFrame deepSeekR1() {
    ChatFrame f;
    f.name = "DeepSeek R1";
    f.begin = "{bos}";
    f.user = "<｜User｜>";
    f.answer = "<｜Assistant｜>";
    f.answerEnd = "<｜end▁of▁sentence｜>";
    f.ask = "<｜Assistant｜><think>\n";
    f.reasoning = OldReasoning::Dropped;
    return f;
}
constexpr ChatFrame kDeepSeekR1 = deepSeekR1();

struct KnownText {
    uint64_t hash;  ///< FNV-1a of the text with LF as line end and without one at its end, as Jinja reads it
    size_t nBytes;  ///< of that text
    const ChatFrame* frame;
};
/// Names are those of tests/fixtures/chat; "escaped" has \n in its strings where others have a line end.
constexpr std::array kKnown = std::to_array<KnownText>({
    {0x88BF4138D5C826F0ULL, 196, &kChatMl},        // chatml
    {0xA41D6BAE9B9141BCULL, 199, &kChatMl},        // chatml-escaped
    {0x45EC583D4D25BC3AULL, 368, &kSmolLm2},       // smollm2
    {0x8A87094E0E1E24C5ULL, 328, &kQwen2},         // qwen2
    {0x75E88977B2787CD7ULL, 333, &kQwen2},         // qwen2-escaped
    {0xE642CE246D7F2E3DULL, 2506, &kQwen25},       // qwen2.5
    {0x2BFDB7AA9754484EULL, 4116, &kQwen3},        // qwen3
    {0xF344EECF1BD3A427ULL, 815, &kLlama2},        // llama-2
    {0x74891E390E614AE2ULL, 348, &kLlama3},        // llama-3-always
    {0x0E60067A5537498EULL, 389, &kLlama3},        // llama-3
    {0x32844FD43EAB01D2ULL, 393, &kLlama3},        // llama-3-escaped
    {0xCC0368E1FFB6B958ULL, 4613, &kLlama31},      // llama-3.1
    {0x368F4C34B8554414ULL, 3826, &kLlama32},      // llama-3.2
    {0x5C10EE65212D93B3ULL, 591, &kGemma2},        // gemma-2
    {0x70F3CDED3FB90051ULL, 594, &kGemma2},        // gemma-2-escaped
    {0xD19B6FF3A49DEEA5ULL, 1531, &kGemma3},       // gemma-3
    {0x1D7EB3182DBD4071ULL, 1538, &kGemma3},       // gemma-3-escaped
    {0x4EBAE769B67B72F1ULL, 269, &kPhi3Mini},      // phi-3-mini
    {0x475FD3E16D05C1AFULL, 218, &kPhi3Small},     // phi-3-small
    {0x6057775AF4D6FEB9ULL, 254, &kPhi3Medium},    // phi-3-medium
    {0x3878E3FA2ADE824AULL, 220, &kPhi35},         // phi-3-vision
    {0xCF278CDE387A54C8ULL, 430, &kPhi35},         // phi-3.5
    {0xA0D463619FE96578ULL, 377, &kPhi4},          // phi-4
    {0xD6A2D985B28CA308ULL, 423, &kPhi4Mini},      // phi-4-mini
    {0x8C734B90B4F8D84DULL, 470, &kMistral},       // mistral-0.1
    {0x46EAC0BF5C765C47ULL, 1057, &kMistralV1},    // mistral-v1
    {0xE4A9CC594604808AULL, 423, &kMistralV7},     // mistral-v7
    {0x20783E9D94168233ULL, 3944, &kMistralNemo},  // mistral-nemo
    {0xCD8B49000DB02C2CULL, 410, &kZephyr},        // zephyr
    {0x413797FA6DF6FEE5ULL, 508, &kOlmo2},         // olmo-2
    {0x5AFEB2D95C957F3DULL, 493, &kTulu},          // tulu
    {0x731E2D647D2BF911ULL, 2478, &kDeepSeekR1},   // deepseek-r1-distill
});

/// As Jinja reads a template.
std::string normalised(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\r') result += text[i];
        else if (i + 1 == text.size() || text[i + 1] != '\n') result += '\n';
    }
    if (result.ends_with('\n')) result.pop_back();
    return result;
}

}  // namespace

const ChatFrame* knownTemplate(std::string_view templateText) {
    const std::string text = normalised(templateText);
    Hash64 hash;
    hash.add(text);
    const auto known = std::find_if(kKnown.begin(), kKnown.end(), [&](const KnownText& k) {
        return k.nBytes == text.size() && k.hash == hash.value();
    });
    return known == kKnown.end() ? nullptr : known->frame;
}

}  // namespace spanscope
