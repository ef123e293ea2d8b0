#include "engine/files/json_read.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/files/json_builder.h"

namespace spanscope {

using nlohmann::json;

bool JsonBuilder::key(std::string& name) {
    if (!count()) return false;
    const auto [at, isNew] = m_open.back()->get_ref<json::object_t&>().try_emplace(std::move(name));
    if (!isNew) return refuse("key given twice", at->first.empty() ? "(empty)" : at->first);
    m_slot = &at->second;
    return true;
}

bool JsonBuilder::parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) {
    m_problem.message = "not valid JSON";
    m_problem.byte = std::min(position > 0 ? position - 1 : 0, m_nBytes);  // it counts what it has taken
    return false;
}

bool JsonBuilder::count() {
    if (++m_nValues <= m_limits.maxValues) return true;
    m_problem.message = "more than " + std::to_string(m_limits.maxValues) + " values";
    return false;
}

json* JsonBuilder::place(json value) {
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

bool JsonBuilder::put(json value) {
    if (!count()) return false;
    place(std::move(value));
    return true;
}

bool JsonBuilder::open(json container) {
    if (!count()) return false;
    if (m_open.size() >= m_limits.maxDepth) {
        m_problem.message = "nested deeper than " + std::to_string(m_limits.maxDepth) + " levels";
        return false;
    }
    m_open.push_back(place(std::move(container)));
    return true;
}

bool buildJson(std::string_view text, JsonBuilder& builder, JsonProblem& problem) {
    problem = {};
    // The parser takes a NUL byte for the end of the text and would pass over what follows.
    if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
        problem = {"a NUL byte, which no JSON text has", nul, {}};
        return false;
    }
    try {
        if (json::sax_parse(text.begin(), text.end(), &builder)) return true;
    } catch (
        const json::exception&) {  // the parser reports its own errors as events; this is for what it may yet throw
    }
    if (problem.message.empty()) problem.message = "not valid JSON";
    return false;
}

std::optional<json> readJson(std::string_view text, JsonProblem& problem, JsonLimits limits) {
    JsonBuilder builder(problem, limits, text.size());
    if (!buildJson(text, builder, problem)) return {};
    return builder.take();
}

}  // namespace spanscope
