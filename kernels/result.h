// What a function returns when the outside world can make it fail: a value, or an Error that a person
// can act on. Lives in kernels/ because nothing is below kernels/; engine/types/result.h passes it on.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace spanscope {

enum class ErrorCode {
    InvalidArgument,  ///< the caller's request cannot be carried out
    NotFound,         ///< file, tensor, label that should be there is not
    Io,               ///< the operating system refused
    Format,           ///< a file's content contradicts its format
    Unsupported,      ///< well formed, but not something this program runs
    OutOfMemory,      ///< does not fit; message carries bytes wanted and bytes free
    Cancelled,        ///< somebody asked to stop
    Device,           ///< an accelerator or its driver failed
};

struct Error {
    ErrorCode code = ErrorCode::InvalidArgument;
    std::string message = {};  ///< one sentence; says what is wrong and, where known, what to do
    std::string file = {};     ///< empty where no file is involved
    std::string field = {};    ///< tensor, key, offset inside the file
    std::string found = {}, expected = {};
    int32_t line = 0, column = 0;  ///< of what a person typed, from 1; 0: no such place

    /// "line 2, column 3", "column 3" or "".
    std::string place() const {
        std::string s;
        if (line > 0) s += "line " + std::to_string(line);
        if (column > 0) s += (s.empty() ? "column " : ", column ") + std::to_string(column);
        return s;
    }
    /// "file: field: place: message (found X, expected Y)" with the empty parts left out.
    std::string toString() const {
        std::string s;
        for (const std::string& part : {file, field, place()})
            if (!part.empty()) s += part + ": ";
        s += message;
        if (!found.empty() || !expected.empty()) {
            s += " (";
            if (!found.empty()) s += "found " + found;
            if (!found.empty() && !expected.empty()) s += ", ";
            if (!expected.empty()) s += "expected " + expected;
            s += ")";
        }
        return s;
    }
};

inline Error invalidArgument(std::string message, std::string found = {}, std::string expected = {}) {
    return {ErrorCode::InvalidArgument, std::move(message), {}, {}, std::move(found), std::move(expected)};
}

/// What a person typed is wrong there. line 0: the text has no lines that count.
inline Error wrongText(int32_t line, int32_t column, std::string message) {
    Error e = invalidArgument(std::move(message));
    e.line = line;
    e.column = column;
    return e;
}

/// A value or an Error. `value()` on an error is a broken invariant, not a way to throw.
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : m_state(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : m_state(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return m_state.index() == 0; }
    explicit operator bool() const { return ok(); }
    T& value() & {
        assert(ok());
        return std::get<0>(m_state);
    }
    const T& value() const& {
        assert(ok());
        return std::get<0>(m_state);
    }
    T&& value() && {
        assert(ok());
        return std::get<0>(std::move(m_state));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    const Error& error() const {
        assert(!ok());
        return std::get<1>(m_state);
    }

  private:
    std::variant<T, Error> m_state;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : m_error(std::move(error)), m_ok(false) {}
    bool ok() const { return m_ok; }
    explicit operator bool() const { return m_ok; }
    const Error& error() const {
        assert(!m_ok);
        return m_error;
    }

  private:
    Error m_error;
    bool m_ok = true;
};

using Status = Result<void>;

}  // namespace spanscope
