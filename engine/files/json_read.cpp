#include "engine/files/json_read.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace spanscope {

using nlohmann::json;

namespace {

/// Builds the value from the parser's events. The library's own builder with a callback searches the parent anew after
/// every object that ends in it, which is quadratic; this one keeps the way down to where it writes.
class Builder final : public json::json_sax_t {
  public:
    Builder(JsonProblem& problem, JsonLimits limits, size_t nBytes)
        : m_problem(problem), m_limits(limits), m_nBytes(nBytes) {}
    json take() { return std::move(m_root); }

    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(int64_t value) override { return put(value); }
    bool number_unsigned(uint64_t value) override { return put(value); }
    bool number_float(double value, const std::string&) override { return put(value); }
    bool string(std::string& value) override { return put(std::move(value)); }
    bool binary(json::binary_t&) override { return false; }

    bool start_object(size_t) override { return open(json::object()); }
    bool start_array(size_t) override { return open(json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(std::string& name) override {
        if (!count()) return false;
        const auto [at, isNew] = m_open.back()->get_ref<json::object_t&>().try_emplace(std::move(name));
        if (!isNew) {
            m_problem.message = "key given twice";
            m_problem.key = at->first.empty() ? "(empty)" : at->first;
            return false;
        }
        m_slot = &at->second;
        return true;
    }
    bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
        m_problem.message = "not valid JSON";
        m_problem.byte = std::min(position > 0 ? position - 1 : 0, m_nBytes);  // it counts what it has taken
        return false;
    }

  private:
    bool count() {
        if (++m_nValues <= m_limits.maxValues) return true;
        m_problem.message = "more than " + std::to_string(m_limits.maxValues) + " values";
        return false;
    }
    json* place(json value) {
        if (m_open.empty()) {
            m_root = std::move(value);
            return &m_root;
        }
        if (m_open.back()->is_object()) {
            *m_slot = std::move(value);
            return m_slot;
        }
        auto& list = m_open.back()->get_ref<json::array_t&>();
        list.push_back(std::move(value));
        return &list.back();
    }
    bool put(json value) {
        if (!count()) return false;
        place(std::move(value));
        return true;
    }
    bool open(json container) {
        if (!count()) return false;
        if (m_open.size() >= m_limits.maxDepth) {
            m_problem.message = "nested deeper than " + std::to_string(m_limits.maxDepth) + " levels";
            return false;
        }
        m_open.push_back(place(std::move(container)));
        return true;
    }
    bool close() {
        m_open.pop_back();
        return true;
    }

    JsonProblem& m_problem;
    JsonLimits m_limits;
    size_t m_nBytes;
    json m_root;
    std::vector<json*> m_open;  // containers from the root down; a list grows only while it is the last of them
    json* m_slot = nullptr;     // where the value of the key just read goes
    size_t m_nValues = 0;
};

}  // namespace

std::optional<json> readJson(std::string_view text, JsonProblem& problem, JsonLimits limits) {
    problem = {};
    // The parser takes a NUL byte for the end of the text and would pass over what follows.
    if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
        problem = {"a NUL byte, which no JSON text has", nul, {}};
        return {};
    }
    Builder builder(problem, limits, text.size());
    try {
        if (json::sax_parse(text.begin(), text.end(), &builder)) return builder.take();
    } catch (
        const json::exception&) {  // the parser reports its own errors as events; this is for what it may yet throw
    }
    if (problem.message.empty()) problem.message = "not valid JSON";
    return {};
}

}  // namespace spanscope
