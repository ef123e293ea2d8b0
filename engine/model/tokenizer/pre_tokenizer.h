// Cuts text into words before pairs are merged: merges never cross their borders, so the cuts are part of what a model
// was trained with. Each expression cuts every piece that the one before it has left; what it matches and what lies
// between two matches are pieces. Run by PCRE2. Private to engine/model.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

/// Immutable; any thread may use it, each with a Scratch of its own.
class PreTokenizer {
  public:
    class Scratch;
    struct FreeScratch {
        void operator()(Scratch* scratch) const;
    };
    using ScratchPtr = std::unique_ptr<Scratch, FreeScratch>;

    /// expressions: from pre_tokenizer_names.h, in order; none: the text is one word. Unsupported where PCRE2 cannot
    /// compile one.
    static Result<PreTokenizer> make(std::span<const std::string_view> expressions);
    PreTokenizer(PreTokenizer&&) noexcept;
    PreTokenizer& operator=(PreTokenizer&&) noexcept;
    ~PreTokenizer();

    ScratchPtr makeScratch() const;

    /// text: UTF-8, valid. words: views into it, in order, without gaps, none empty; they stay valid as long as `text`,
    /// the list until the next call with this scratch. InvalidArgument where an expression takes more steps over the
    /// text than it is allowed.
    Result<std::span<const std::string_view>> split(std::string_view text, Scratch& scratch) const;

  private:
    struct Expressions;
    explicit PreTokenizer(std::unique_ptr<Expressions> expressions);
    std::unique_ptr<Expressions> m_expressions;
};

}  // namespace spanscope
