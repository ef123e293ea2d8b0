// The two long lists of a tokenizer.json are taken as they come: as a tree of values they would cost twenty times the
// file's size.
#include "engine/files/file_error.h"
#include "engine/files/json_builder.h"
#include "engine/files/utf8.h"
#include "engine/model/tokenizer/tokenizer_json.h"

namespace spanscope {

namespace {

class ListBuilder final : public JsonBuilder {
  public:
    ListBuilder(JsonProblem& problem, size_t nBytes, int32_t maxPieces, TokenizerJson& parts)
        : JsonBuilder(problem, {}, nBytes), m_maxPieces(static_cast<size_t>(maxPieces)), m_parts(parts) {}

    bool null() override { return m_list == List::None ? JsonBuilder::null() : wrongKind(); }
    bool boolean(bool value) override { return m_list == List::None ? JsonBuilder::boolean(value) : wrongKind(); }
    bool number_integer(int64_t value) override {
        return m_list == List::None ? JsonBuilder::number_integer(value) : number(static_cast<double>(value));
    }
    bool number_unsigned(uint64_t value) override {
        return m_list == List::None ? JsonBuilder::number_unsigned(value) : number(static_cast<double>(value));
    }
    bool number_float(double value, const std::string& text) override {
        return m_list == List::None ? JsonBuilder::number_float(value, text) : number(value);
    }
    bool string(std::string& value) override;
    bool start_object(size_t n) override;
    bool start_array(size_t n) override;
    bool end_object() override;
    bool end_array() override;
    bool key(std::string& name) override;

  private:
    enum class List : uint8_t { None, Vocabulary, Scores, Merges };

    bool wrongKind() { return refuse("wrong kind of value", where()); }
    std::string where() const {
        const bool merges = m_list == List::Merges || m_next == List::Merges;
        return merges ? "model.merges[" + std::to_string(m_parts.merges.size()) + "]"
                      : "model.vocab[" + std::to_string(m_parts.vocabulary.size()) + "]";
    }
    bool addPiece(std::string& piece) {
        if (m_parts.vocabulary.size() >= m_maxPieces)
            return refuse("the vocabulary has more pieces than the model", "model.vocab");
        m_parts.vocabulary.push_back({std::move(piece), 0});
        return true;
    }
    bool number(double value);
    bool open(List list) {
        m_list = list;
        m_next = List::None;
        m_inEntry = false;
        return true;
    }

    size_t m_maxPieces;
    TokenizerJson& m_parts;
    bool m_inModel = false;
    List m_list = List::None;  ///< that we are in
    List m_next = List::None;  ///< that the next value is
    bool m_inEntry = false;    ///< inside a list of two
    int m_nInEntry = 0;        ///< values of it that we have
    std::string m_left, m_right;
};

bool ListBuilder::key(std::string& name) {
    if (m_list == List::Vocabulary) {
        m_nInEntry = 0;
        return addPiece(name);
    }
    if (depth() == 1) m_inModel = name == "model";
    m_next = List::None;
    if (depth() == 2 && m_inModel)
        m_next = name == "vocab" ? List::Vocabulary : name == "merges" ? List::Merges : m_next;
    return JsonBuilder::key(name);
}

bool ListBuilder::start_object(size_t n) {
    if (m_list != List::None || m_next == List::Merges) return wrongKind();
    if (m_next == List::Vocabulary) return open(List::Vocabulary);
    return JsonBuilder::start_object(n);
}

bool ListBuilder::end_object() {
    if (m_list == List::None) return JsonBuilder::end_object();
    m_list = List::None;
    return true;
}

bool ListBuilder::start_array(size_t n) {
    if (m_list == List::None && m_next == List::None) return JsonBuilder::start_array(n);
    if (m_list == List::None) {
        m_parts.scored = m_parts.scored || m_next == List::Vocabulary;
        return open(m_next == List::Vocabulary ? List::Scores : List::Merges);
    }
    if (m_list == List::Vocabulary || m_inEntry) return wrongKind();
    m_inEntry = true;
    m_nInEntry = 0;
    return true;
}

bool ListBuilder::end_array() {
    if (m_list == List::None) return JsonBuilder::end_array();
    if (!m_inEntry) {
        m_list = List::None;
        return true;
    }
    if (m_nInEntry != 2) return wrongKind();
    if (m_list == List::Merges) m_parts.merges.emplace_back(std::move(m_left), std::move(m_right));
    m_inEntry = false;
    return true;
}

bool ListBuilder::number(double value) {
    if (m_list == List::Merges) return wrongKind();
    if (m_list == List::Scores ? !m_inEntry || m_nInEntry != 1 : m_nInEntry != 0) return wrongKind();
    m_parts.vocabulary.back().number = value;
    ++m_nInEntry;
    return true;
}

bool ListBuilder::string(std::string& value) {
    if (m_list == List::None) return JsonBuilder::string(value);
    if (m_list == List::Vocabulary) return wrongKind();
    if (m_list == List::Scores) {
        if (!m_inEntry || m_nInEntry++ != 0) return wrongKind();
        return addPiece(value);
    }
    if (m_inEntry) {  // ["left", "right"]
        if (m_nInEntry++ == 0) m_left = std::move(value);
        else if (m_nInEntry == 2) m_right = std::move(value);
        else return wrongKind();
        return true;
    }
    const size_t space = value.find(' ');  // "left right"
    if (space == std::string::npos || value.find(' ', space + 1) != std::string::npos) return wrongKind();
    m_parts.merges.emplace_back(value.substr(0, space), value.substr(space + 1));
    return true;
}

}  // namespace

Result<TokenizerJson> parseTokenizerJson(std::string_view text, const std::string& file, int32_t maxPieces) {
    TokenizerJson parts;
    JsonProblem problem;
    ListBuilder builder(problem, text.size(), maxPieces, parts);
    if (!buildJson(text, builder, problem)) {
        if (const size_t bad = firstBadUtf8(text); problem.key.empty() && bad != std::string_view::npos)
            return fileError(ErrorCode::Format, "not UTF-8", file, "byte " + std::to_string(bad));
        const std::string where = problem.byte > 0 ? "byte " + std::to_string(problem.byte) : problem.key;
        return fileError(ErrorCode::Format, problem.message, file, where);
    }
    parts.rest = builder.take();
    if (!parts.rest.is_object() || !parts.rest.contains("model") || !parts.rest["model"].is_object())
        return fileError(ErrorCode::Format, "not a tokenizer.json", file, "model", {}, "an object");
    return parts;
}

}  // namespace spanscope
