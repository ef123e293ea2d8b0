// Builds a JSON value from the parser's events, with the limits of json_read.h. For readers that take the long lists of
// a file as they come and want the rest as a value: they derive from it. Include in .cpp files only.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/files/json_read.h"

namespace spanscope {

/// The library's own builder with a callback searches the parent anew after every object that ends in it, which is
/// quadratic; this one keeps the way down to where it writes.
class JsonBuilder : public nlohmann::json::json_sax_t {
  public:
    using Json = nlohmann::json;
    JsonBuilder(JsonProblem& problem, JsonLimits limits, size_t nBytes)
        : m_problem(problem), m_limits(limits), m_nBytes(nBytes) {}
    Json take() { return std::move(m_root); }

    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(int64_t value) override { return put(value); }
    bool number_unsigned(uint64_t value) override { return put(value); }
    bool number_float(double value, const std::string&) override { return put(value); }
    bool string(std::string& value) override { return put(std::move(value)); }
    bool binary(Json::binary_t&) override { return false; }

    bool start_object(size_t) override { return open(Json::object()); }
    bool start_array(size_t) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(std::string& name) override;
    bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override;

  protected:
    size_t depth() const { return m_open.size(); }
    /// Stops the reading. `key`: where.
    bool refuse(std::string message, std::string key) {
        m_problem.message = std::move(message);
        m_problem.key = std::move(key);
        return false;
    }

  private:
    bool count();
    Json* place(Json value);
    bool put(Json value);
    bool open(Json container);
    bool close() {
        m_open.pop_back();
        return true;
    }

    JsonProblem& m_problem;
    JsonLimits m_limits;
    size_t m_nBytes;
    Json m_root;
    std::vector<Json*> m_open;  // containers from the root down; a list grows only while it is the last of them
    Json* m_slot = nullptr;     // where the value of the key just read goes
    size_t m_nValues = 0;
};

/// Gives the text to `builder`; false, and `problem` (the builder's own) filled in, as readJson().
bool buildJson(std::string_view text, JsonBuilder& builder, JsonProblem& problem);

}  // namespace spanscope
