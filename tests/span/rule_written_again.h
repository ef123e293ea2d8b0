// The mask rule a second time, written from the document and without the tracker's states: it reads the whole
// prefix anew for every query. Slow, short, and only for tests. Streams are strings as in symbols.h.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/span/tracker.h"

namespace spanscope::test {

using Keys = std::set<int>;

inline bool allDigits(const std::string& s) {
    return std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}
inline bool isPiece(char c) { return std::string("IO:AELG").find(c) != std::string::npos; }
inline bool isLabel(const std::string& s) { return !s.empty() && s.size() <= 9 && allDigits(s); }

/// What one out-segment's text (from its O on) says, read from left to right.
struct Reading {
    static constexpr size_t kNever = std::string::npos;
    struct Ref {
        bool isIn;
        std::string label;
    };
    std::string label;  // "" if unusable
    size_t headEnd = kNever, bodyBegin = kNever, globalFrom = kNever, localFrom = kNever, everythingFrom = kNever;
    bool inAttend = false;  // the text ends between <attend> and </attend>
    bool focusWidened = false;
    std::vector<Ref> refs;

    explicit Reading(const std::string& s) { read(s); }

  private:
    void everything(size_t from) { everythingFrom = std::min(everythingFrom, from); }
    void read(const std::string& s) {
        size_t i = 1;
        for (; i < s.size() && s[i] != ':' && s[i] != 'A' && s[i] != 'E'; ++i)
            if (isPiece(s[i])) everything(i + 1);
        if (i >= s.size()) return;
        headEnd = i;
        if (s[i] == ':' && isLabel(s.substr(1, i - 1))) label = s.substr(1, i - 1);
        if (s[i] == ':') {
            for (++i; i < s.size() && s[i] != 'A' && s[i] != 'E'; ++i) {
                if (s[i] == 'G' && globalFrom == kNever && i < everythingFrom) globalFrom = i + 1;
                else if (isPiece(s[i])) everything(i + 1);
            }
            if (i >= s.size()) return;
        }
        if (s[i] == 'A') {
            i = readRefs(s, i + 1);
            if (i >= s.size()) {
                inAttend = true;
                return;
            }
        } else {
            everything(i + 1);
        }
        bodyBegin = i + 1;
        for (++i; i < s.size(); ++i) {
            if (s[i] == 'L' && localFrom == kNever && i < everythingFrom) localFrom = i + 1;
            else if (isPiece(s[i])) everything(i + 1);
        }
    }
    /// From behind <attend>; returns the index of </attend> or the text's size.
    size_t readRefs(const std::string& s, size_t i) {
        while (i < s.size() && s[i] != 'E') {
            if (s[i] != 'I' && s[i] != 'O') {
                if (s[i] == 'A') everything(i + 1);
                else focusWidened = true;
                ++i;
                continue;
            }
            const bool isIn = s[i] == 'I';
            const size_t start = ++i;
            while (i < s.size() && !isPiece(s[i])) ++i;
            if (i >= s.size()) break;
            const std::string text = s.substr(start, i - start);
            if (s[i] == ':' && isLabel(text)) refs.push_back({isIn, text});
            else focusWidened = true;
            if (s[i] == ':') ++i;
        }
        return i;
    }
};

struct LabelledRange {
    int begin, end;
    std::string label;
};

inline void addRange(Keys& keys, int begin, int end) {
    for (int k = begin; k < end; ++k) keys.insert(k);
}

/// In-segments of a prompt, and what is left as scaffold.
inline std::vector<LabelledRange> readPrompt(const std::string& prompt, Keys& scaffold) {
    std::vector<LabelledRange> ins;
    for (size_t i = 0; i < prompt.size();) {
        if (prompt[i] != 'I') {
            scaffold.insert(static_cast<int>(i++));
            continue;
        }
        size_t end = i + 1;  // an in-segment lasts to its newline, the next <in>, or the end
        while (end < prompt.size() && prompt[end] != '\n' && prompt[end] != 'I') ++end;
        if (end < prompt.size() && prompt[end] == '\n') ++end;
        const std::string text = prompt.substr(i + 1, end - i - 1);
        const size_t colon = text.find(':');
        const std::string label = colon == std::string::npos ? "" : text.substr(0, colon);
        ins.push_back({static_cast<int>(i), static_cast<int>(end), isLabel(label) ? label : ""});
        i = end;
    }
    return ins;
}

/// Where the out-segment that begins at `begin` ends, and whether it does end there.
inline std::pair<size_t, bool> segmentEnd(const std::string& response, size_t begin) {
    for (size_t end = begin + 1; end < response.size(); ++end) {
        if (response[end] == '\n') return {end + 1, true};
        if (response[end] == '$') return {end, true};
        if (response[end] == 'O' && !Reading(response.substr(begin, end - begin)).inAttend) return {end, true};
    }
    return {response.size(), false};
}

/// What the query at position t of the prompt may read.
inline Keys keysOfPromptByTheDocument(const std::string& prompt, int t, const SpanPolicy& policy) {
    Keys keys;
    if (policy.prefill == PrefillPolicy::Causal) {
        addRange(keys, 0, t + 1);
        return keys;
    }
    Keys scaffold;
    int own = t;  // a scaffold token has the scaffold around it anyway
    for (const LabelledRange& in : readPrompt(prompt, scaffold))
        if (in.begin <= t && t < in.end) own = in.begin;
    keys.insert(scaffold.begin(), scaffold.lower_bound(own));
    keys.insert(0);
    addRange(keys, own, t + 1);
    return keys;
}

/// What the query at the last position of prompt + prefix may read. prefix holds no '$'.
inline Keys keysByTheDocument(const std::string& prompt, const std::string& prefix, const SpanPolicy& policy) {
    const int n = static_cast<int>(prompt.size() + prefix.size());
    Keys all;
    addRange(all, 0, n);
    Keys scaffold;
    const std::vector<LabelledRange> ins = readPrompt(prompt, scaffold);
    std::vector<LabelledRange> outs;  // closed, in order
    Keys heads;

    for (size_t i = 0; i < prefix.size();) {
        if (prefix[i] != 'O') {
            ++i;  // free text reads everything
            continue;
        }
        const auto [end, closed] = segmentEnd(prefix, i);
        const std::string s = prefix.substr(i, end - i);
        const Reading r(s);
        const int base = static_cast<int>(prompt.size() + i);
        const size_t t = s.size() - 1;
        const bool newline = s[t] == '\n';
        if (end < prefix.size() || (closed && !newline)) {
            outs.push_back({base, static_cast<int>(prompt.size() + end), r.label});
            if (r.headEnd != Reading::kNever) addRange(heads, base, base + static_cast<int>(r.headEnd) + 1);
            i = end;
            continue;
        }

        Keys keys{0};
        addRange(keys, base, n);
        int nValid = 0;
        bool widened = r.focusWidened;
        Keys referenced;
        for (const Reading::Ref& ref : r.refs) {
            const std::vector<LabelledRange>& list = ref.isIn ? ins : outs;
            auto it = std::find_if(list.rbegin(), list.rend(), [&](const LabelledRange& x) {
                return !x.label.empty() && std::stoll(x.label) == std::stoll(ref.label);
            });
            if (it == list.rend() || nValid >= policy.maxRefs) {
                widened = true;
            } else {
                addRange(referenced, it->begin, it->end);
                ++nValid;
            }
        }
        if (newline) {
            if (r.everythingFrom <= t || r.bodyBegin == Reading::kNever) return all;
            keys.insert(scaffold.begin(), scaffold.end());
            return keys;
        }
        if (r.everythingFrom <= t) return all;
        if (r.localFrom <= t) return keys;
        if (r.bodyBegin <= t && widened) return all;
        if (r.bodyBegin > t && r.globalFrom <= t) return all;
        keys.insert(scaffold.begin(), scaffold.end());
        keys.insert(referenced.begin(), referenced.end());
        if (r.bodyBegin > t) {
            if (!outs.empty()) addRange(keys, outs.back().begin, outs.back().end);
            if (policy.heads) keys.insert(heads.begin(), heads.end());
        }
        return keys;
    }
    return all;
}

}  // namespace spanscope::test
