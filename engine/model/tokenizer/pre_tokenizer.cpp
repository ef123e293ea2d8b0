#include "engine/model/tokenizer/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <string>
#include <utility>

#include "engine/model/tokenizer/pre_tokenizer_names.h"

namespace spanscope {

namespace {

struct Free {
    void operator()(pcre2_code* p) const { pcre2_code_free(p); }
    void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
    void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
    void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// The expressions of the table need no more than a few steps a byte; this is for what nobody has thought of.
constexpr uint32_t kMatchLimit = 100'000'000;
constexpr uint32_t kHeapKiB = 65536;
constexpr size_t kJitStack = 1 << 20;

std::string messageOf(int code) {
    std::array<PCRE2_UCHAR, 256> text{};
    pcre2_get_error_message(code, text.data(), text.size());
    return reinterpret_cast<const char*>(text.data());
}

}  // namespace

struct PreTokenizer::Expressions {
    struct Compiled {
        Owned<pcre2_code> code;
        bool jit = false;  ///< false where a system lets no program make code
    };
    std::vector<Compiled> compiled;
};

class PreTokenizer::Scratch {
  public:
    Owned<pcre2_match_data> match{pcre2_match_data_create(1, nullptr)};
    Owned<pcre2_match_context> context{pcre2_match_context_create(nullptr)};
    Owned<pcre2_jit_stack> stack{pcre2_jit_stack_create(32 << 10, kJitStack, nullptr)};
    std::vector<std::string_view> words, next;
};

void PreTokenizer::FreeScratch::operator()(Scratch* scratch) const { delete scratch; }

PreTokenizer::PreTokenizer(std::unique_ptr<Expressions> expressions) : m_expressions(std::move(expressions)) {}
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

Result<PreTokenizer> PreTokenizer::make(std::span<const std::string_view> expressions) {
    auto all = std::make_unique<Expressions>();
    for (const std::string_view expression : expressions) {
        const std::string text = forPcre2(expression);
        int code = 0;
        size_t at = 0;
        Expressions::Compiled one;
        one.code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), PCRE2_UTF | PCRE2_UCP,
                                     &code, &at, nullptr));
        if (one.code == nullptr)
            return Error{ErrorCode::Unsupported,
                         "PCRE2 cannot compile an expression: " + messageOf(code),
                         {},
                         "character " + std::to_string(at),
                         std::string(expression),
                         {}};
        one.jit = pcre2_jit_compile(one.code.get(), PCRE2_JIT_COMPLETE) == 0;
        all->compiled.push_back(std::move(one));
    }
    return PreTokenizer(std::move(all));
}

PreTokenizer::ScratchPtr PreTokenizer::makeScratch() const {
    ScratchPtr scratch(new Scratch);
    if (scratch->context != nullptr) {
        pcre2_set_match_limit(scratch->context.get(), kMatchLimit);
        pcre2_set_heap_limit(scratch->context.get(), kHeapKiB);
        if (scratch->stack != nullptr) pcre2_jit_stack_assign(scratch->context.get(), nullptr, scratch->stack.get());
    }
    return scratch;
}

Result<std::span<const std::string_view>> PreTokenizer::split(std::string_view text, Scratch& scratch) const {
    if (scratch.match == nullptr || scratch.context == nullptr)
        return Error{ErrorCode::OutOfMemory, "not enough memory to cut a text into words"};
    scratch.words.clear();
    if (!text.empty()) scratch.words.push_back(text);
    const size_t* found = pcre2_get_ovector_pointer(scratch.match.get());
    for (const auto& [code, jit] : m_expressions->compiled) {
        const auto matchNext = jit ? pcre2_jit_match : pcre2_match;
        scratch.next.clear();
        for (const std::string_view word : scratch.words) {
            const auto* bytes = reinterpret_cast<PCRE2_SPTR>(word.data());
            for (size_t at = 0; at < word.size();) {
                const int n = matchNext(code.get(), bytes, word.size(), at, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                                        scratch.match.get(), scratch.context.get());
                if (n < 0 && n != PCRE2_ERROR_NOMATCH)
                    return Error{ErrorCode::InvalidArgument, "the text cannot be cut into words: " + messageOf(n)};
                const size_t begin = n < 0 ? word.size() : found[0], end = n < 0 ? word.size() : found[1];
                if (begin > at) scratch.next.push_back(word.substr(at, begin - at));
                if (end > begin) scratch.next.push_back(word.substr(begin, end - begin));
                at = end;
            }
        }
        std::swap(scratch.words, scratch.next);
    }
    return std::span<const std::string_view>(scratch.words);
}

}  // namespace spanscope
