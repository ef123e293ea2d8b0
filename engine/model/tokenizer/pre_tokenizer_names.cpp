#include "engine/model/tokenizer/pre_tokenizer_names.h"

#include <array>

namespace spanscope {

namespace {

#define SPANSCOPE_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define SPANSCOPE_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define SPANSCOPE_SHORT R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
#define SPANSCOPE_BEFORE R"([^\r\n\p{L}\p{N}]?)"
#define SPANSCOPE_SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
#define SPANSCOPE_SIGNS R"( ?[^\s\p{L}\p{N}]+[\r\n]*)"
#define SPANSCOPE_SIGNS_SLASH R"( ?[^\s\p{L}\p{N}]+[\r\n/]*)"

constexpr std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3 =
    SPANSCOPE_SHORT "|" SPANSCOPE_BEFORE R"(\p{L}+|\p{N}{1,3}|)" SPANSCOPE_SIGNS "|" SPANSCOPE_SPACES;
constexpr std::string_view kQwen2 =
    SPANSCOPE_SHORT "|" SPANSCOPE_BEFORE R"(\p{L}+|\p{N}|)" SPANSCOPE_SIGNS "|" SPANSCOPE_SPACES;
constexpr std::string_view kQwen35 =
    SPANSCOPE_SHORT "|" SPANSCOPE_BEFORE R"([\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" SPANSCOPE_SPACES;
/// With possessive quantifiers, as tiktoken has it.
constexpr std::string_view kCl100k =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoder =
    SPANSCOPE_SHORT "|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";
constexpr std::string_view kTekken =
    SPANSCOPE_BEFORE SPANSCOPE_UPPER "*" SPANSCOPE_LOWER "+|" SPANSCOPE_BEFORE SPANSCOPE_UPPER "+" SPANSCOPE_LOWER
                                     R"(*|\p{N}|)" SPANSCOPE_SIGNS_SLASH "|" SPANSCOPE_SPACES;
constexpr std::string_view kGpt4o = SPANSCOPE_BEFORE SPANSCOPE_UPPER
    "*" SPANSCOPE_LOWER "+" SPANSCOPE_SHORT "?|" SPANSCOPE_BEFORE SPANSCOPE_UPPER "+" SPANSCOPE_LOWER
    "*" SPANSCOPE_SHORT R"(?|\p{N}{1,3}|)" SPANSCOPE_SIGNS_SLASH "|" SPANSCOPE_SPACES;
constexpr std::string_view kDigit = R"(\p{N})";
constexpr std::string_view kDigits = R"(\p{N}+)";
constexpr std::string_view kUpTo3Digits = R"(\p{N}{1,3})";
constexpr std::string_view kLineEnd = "[\r\n]";
constexpr std::string_view kDeepSeekLetters =
    "\\s?[A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-"
    "\u0373\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481"
    "\u048A-\u052F\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B"
    "\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B"
    "\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB"
    "\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128"
    "\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4"
    "\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF"
    "\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A\U00010400-\U0001044F\U000104B0-\U000104D3\U000104D8"
    "-\U000104FB\U00010C80-\U00010CB2\U00010CC0-\U00010CF2\U000118A0-\U000118DF\U0001E900-\U0001E943]+";
constexpr std::string_view kDeepSeekSigns = "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+";
constexpr std::string_view kSpacesAtEnd = R"(\s+$)";
constexpr std::string_view kDeepSeekHan = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";
constexpr std::string_view kCoderLetters = R"(\s?\p{L}+)";
constexpr std::string_view kCoderSigns = R"(\s?\p{P}+)";
constexpr std::string_view kDeepSeek3Han = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
constexpr std::string_view kDeepSeek3 = R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^)"
                                        "\r\n"
                                        R"(\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[)"
                                        "\r\n]*"
                                        R"(|\s*[)"
                                        "\r\n]+"
                                        R"(|\s+(?!\S)|\s+)";

constexpr std::array kExpressions{
    KnownExpression{kGpt2, true},      KnownExpression{kLlama3, true},    KnownExpression{kQwen2, true},
    KnownExpression{kQwen35, true},    KnownExpression{kCl100k, true},    KnownExpression{kBailing, true},
    KnownExpression{kSeedCoder, true}, KnownExpression{kTekken, true},    KnownExpression{kGpt4o, true},
    KnownExpression{kDigit},           KnownExpression{kDigits},          KnownExpression{kUpTo3Digits},
    KnownExpression{kLineEnd},         KnownExpression{kDeepSeekLetters}, KnownExpression{kDeepSeekSigns},
    KnownExpression{kSpacesAtEnd},     KnownExpression{kDeepSeekHan},     KnownExpression{kCoderLetters},
    KnownExpression{kCoderSigns},      KnownExpression{kDeepSeek3Han},    KnownExpression{kDeepSeek3},
};

constexpr std::array kGpt2Alone{kGpt2}, kLlama3Alone{kLlama3}, kQwen2Alone{kQwen2}, kQwen35Alone{kQwen35},
    kBailingAlone{kBailing}, kSeedCoderAlone{kSeedCoder}, kTekkenAlone{kTekken}, kGpt4oAlone{kGpt4o};
constexpr std::array kDigitGpt2{kDigit, kGpt2};
constexpr std::array kDeepSeekLlm{kLineEnd, kDeepSeekLetters, kDeepSeekSigns, kSpacesAtEnd, kDeepSeekHan, kDigit};
constexpr std::array kDeepSeekCoder{kLineEnd, kCoderLetters, kCoderSigns, kDeepSeekHan, kDigit};
constexpr std::array kDeepSeek3All{kUpTo3Digits, kDeepSeek3Han, kDeepSeek3};

/// Names as github.com/ggml-org/llama.cpp writes them (conversion/base.py) and reads them (src/llama-vocab.cpp).
constexpr std::array kGgufNames{
    GgufPreTokenizer{"llama-bpe", kLlama3Alone, false, true, true},
    GgufPreTokenizer{"llama3", kLlama3Alone, false, true, true},
    GgufPreTokenizer{"llama-v3", kLlama3Alone, false, true, true},
    GgufPreTokenizer{"falcon3", kLlama3Alone, false, true, true},
    GgufPreTokenizer{"falcon-h1", kLlama3Alone, false, true, true},
    GgufPreTokenizer{"pixtral", kLlama3Alone, false, true, true},
    GgufPreTokenizer{"midm-2.0", kLlama3Alone, false, true, true},
    GgufPreTokenizer{"lfm2", kLlama3Alone, false, true, true},
    GgufPreTokenizer{"dbrx", kLlama3Alone},
    GgufPreTokenizer{"smaug-bpe", kLlama3Alone},
    GgufPreTokenizer{"glm4", kLlama3Alone},
    GgufPreTokenizer{"chatglm-bpe", kLlama3Alone},
    GgufPreTokenizer{"qwen2", kQwen2Alone, true},
    GgufPreTokenizer{"deepseek-r1-qwen", kQwen2Alone},
    GgufPreTokenizer{"megrez", kQwen2Alone},
    GgufPreTokenizer{"hunyuan", kQwen2Alone},
    GgufPreTokenizer{"stablelm2", kQwen2Alone},
    GgufPreTokenizer{"qwen35", kQwen35Alone},
    GgufPreTokenizer{"smollm", kDigitGpt2},
    GgufPreTokenizer{"starcoder", kDigitGpt2},
    GgufPreTokenizer{"refact", kDigitGpt2},
    GgufPreTokenizer{"command-r", kDigitGpt2, true},
    GgufPreTokenizer{"codeshell", kDigitGpt2},
    GgufPreTokenizer{"exaone", kDigitGpt2},
    GgufPreTokenizer{"minerva-7b", kDigitGpt2},
    GgufPreTokenizer{"gpt-2", kGpt2Alone},
    GgufPreTokenizer{"phi-2", kGpt2Alone},
    GgufPreTokenizer{"gigachat", kGpt2Alone},
    GgufPreTokenizer{"a.x-4.0", kGpt2Alone},
    GgufPreTokenizer{"mellum", kGpt2Alone},
    GgufPreTokenizer{"exaone4", kGpt2Alone},
    GgufPreTokenizer{"jais", kGpt2Alone},
    GgufPreTokenizer{"trillion", kGpt2Alone},
    GgufPreTokenizer{"granite-docling", kGpt2Alone},
    GgufPreTokenizer{"mpt", kGpt2Alone, true},
    GgufPreTokenizer{"olmo", kGpt2Alone, true},
    GgufPreTokenizer{"tekken", kTekkenAlone, false, true, true},
    GgufPreTokenizer{"gpt-4o", kGpt4oAlone},
    GgufPreTokenizer{"llama4", kGpt4oAlone},
    GgufPreTokenizer{"kanana2", kGpt4oAlone},
    GgufPreTokenizer{"deepseek-llm", kDeepSeekLlm},
    GgufPreTokenizer{"deepseek-coder", kDeepSeekCoder},
    GgufPreTokenizer{"deepseek-v3", kDeepSeek3All},
    GgufPreTokenizer{"hunyuan-dense", kDeepSeek3All},
    GgufPreTokenizer{"joyai-llm", kDeepSeek3All},
    GgufPreTokenizer{"bailingmoe", kBailingAlone},
    GgufPreTokenizer{"bailingmoe2", kBailingAlone},
    GgufPreTokenizer{"llada-moe", kBailingAlone},
    GgufPreTokenizer{"seed-coder", kSeedCoderAlone},
};

}  // namespace

const KnownExpression* findExpression(std::string_view text) {
    for (const KnownExpression& known : kExpressions)
        if (known.text == text) return &known;
    return nullptr;
}

std::string_view gpt2Expression() { return kGpt2; }

const GgufPreTokenizer* findGgufPreTokenizer(std::string_view name) {
    for (const GgufPreTokenizer& known : kGgufNames)
        if (known.name == name) return &known;
    return nullptr;
}

std::string knownGgufPreTokenizers() {
    std::string names;
    for (size_t i = 0; i < kGgufNames.size(); ++i)
        names += std::string(i == 0 ? "" : i + 1 < kGgufNames.size() ? ", " : " or ") + std::string(kGgufNames[i].name);
    return names;
}

std::string forPcre2(std::string_view expression) {
    constexpr std::string_view kSpaces =
        R"(\x09-\x0D\x20\x85\xA0\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
    std::string result;
    bool inClass = false;
    for (size_t at = 0; at < expression.size(); ++at) {
        const char c = expression[at];
        if (c == '\\' && at + 1 < expression.size()) {
            const char what = expression[++at];
            if (what == 's') result += inClass ? std::string(kSpaces) : "[" + std::string(kSpaces) + "]";
            else if (what == 'S' && !inClass) result += "[^" + std::string(kSpaces) + "]";
            else result += {c, what};
            continue;
        }
        if (c == '[' && !inClass) inClass = true;
        else if (c == ']') inClass = false;
        result += c;
    }
    return result;
}

}  // namespace spanscope
