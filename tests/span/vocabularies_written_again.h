// What a byte of a response may read under the three vocabularies of the program, a second time: from
// docs/vocabularies.md, by reading the whole text anew for every byte, without reader, tracker or description. Slow,
// short, and only for tests.
#pragma once

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace spanscope::test {

struct WrittenTag {
    std::string name;       ///< "focus", "/focus"; broken: the name alone
    std::string arguments;  ///< of those that have some
    bool broken = false;
    size_t begin = 0, end = 0;  ///< bytes
};

/// literal: of tags without arguments, without brackets as below; withArguments: "focus".
inline std::vector<WrittenTag> tagsIn(const std::string& text,
                                      const std::vector<std::pair<std::string, std::string>>& literal,
                                      const std::vector<std::string>& withArguments) {
    std::vector<WrittenTag> tags;
    for (size_t i = 0; i < text.size();) {
        size_t next = i + 1;
        for (const auto& [name, spelling] : literal)
            if (text.compare(i, spelling.size(), spelling) == 0) {
                next = i + spelling.size();
                tags.push_back({name, "", false, i, next});
            }
        for (const std::string& name : withArguments) {
            const size_t begin = i + 1 + name.size();
            if (text.compare(i, begin - i, "<" + name) != 0 || begin >= text.size()) continue;
            if (std::isalpha(static_cast<unsigned char>(text[begin])) || text[begin] == '_' || text[begin] == '-')
                continue;
            const size_t end = std::min(text.size(), text.find_first_of("><\n", begin));
            if (end - begin > 256) {  // too long, whether or not it would have ended
                next = begin + 257;
                tags.push_back({name, "", true, i, next});
            } else if (end == text.size()) {
                return tags;  // not finished yet; it contains no other
            } else if (text[end] == '>') {
                next = end + 1;
                tags.push_back({name, text.substr(begin, end - begin), false, i, next});
            } else {
                next = end;
                tags.push_back({name, "", true, i, end});
            }
        }
        i = next;
    }
    return tags;
}

/// The numbers of chunks="2,7" and the like; nothing where any of it is malformed.
inline const std::vector<int>& numbersIn(const std::string& arguments, const std::string& names, bool mayClose) {
    static std::map<std::pair<std::string, std::string>, std::vector<int>> known;  // a regex takes its time
    const auto [at, isNew] = known.try_emplace({names, arguments});
    if (!isNew) return at->second;
    const std::string space = "[ \t\r]*", number = space + "[0-9]{1,9}" + space;
    const std::string list = number + "(," + number + ")*", bare = "[0-9]{1,9}(,[0-9]{1,9})*(?=[ \t\r]|$)";
    const std::string one =
        "(" + names + ")" + space + "=" + space + "(\"" + list + "\"|'" + list + "'|" + bare + ")" + space;
    std::string text = arguments;
    if (mayClose) text = std::regex_replace(text, std::regex(space + "/" + space + "$"), "");
    if (!std::regex_match(text, std::regex(space + "(" + one + ")+"))) return at->second;
    const std::regex digits("[0-9]+");
    for (auto it = std::sregex_iterator(text.begin(), text.end(), digits); it != std::sregex_iterator(); ++it)
        at->second.push_back(std::stoi(it->str()));
    return at->second;
}

/// What may not be read: bytes of the response, chunks of the prompt.
struct NotRead {
    std::set<size_t> bytes;
    std::set<int> chunks;
};

inline void addBytes(std::set<size_t>& set, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) set.insert(i);
}

/// Of the byte that stands behind `before`.
inline NotRead daNotRead(const std::string& before) {
    std::string section;
    std::set<int> named;
    bool widened = false;
    for (const WrittenTag& tag : tagsIn(before,
                                        {{"global", "<global>"},
                                         {"/global", "</global>"},
                                         {"/focus", "</focus>"},
                                         {"local", "<local>"},
                                         {"/local", "</local>"},
                                         {"answer", "<answer>"},
                                         {"/answer", "</answer>"}},
                                        {"focus"})) {
        if (tag.broken || (tag.name[0] != '/' && !section.empty())) {
            widened = true;  // outside a section it makes no difference
        } else if (tag.name[0] == '/') {
            section.clear();
        } else {
            section = tag.name;
            widened = false;
            if (section != "focus") continue;
            const std::vector<int>& numbers = numbersIn(tag.arguments, "chunks|magic_chunks", false);
            named = {numbers.begin(), numbers.end()};
            widened = named.empty() || *named.begin() < 1 || *named.rbegin() > 3;
        }
    }
    NotRead result;
    if (widened || (section != "focus" && section != "local")) return result;
    for (int chunk = 1; chunk <= 3; ++chunk)
        if (section == "local" || !named.contains(chunk)) result.chunks.insert(chunk);
    return result;
}

inline NotRead mementoNotRead(const std::string& before) {
    struct Piece {
        size_t begin, end;
    };
    NotRead result;
    std::vector<Piece> waiting;
    std::string section;
    bool sound = true, hasTarget = false;
    Piece target{0, 0};
    size_t begin = 0;
    for (const WrittenTag& tag : tagsIn(before,
                                        {{"block", "<|block_start|>"},
                                         {"/block", "<|block_end|>"},
                                         {"summary", "<|summary_start|>"},
                                         {"/summary", "<|summary_end|>"},
                                         {"answer", "<answer>"},
                                         {"/answer", "</answer>"}},
                                        {})) {
        if (tag.name[0] != '/') {
            if (!section.empty()) {
                sound = false;
                continue;
            }
            section = tag.name;
            sound = true;
            begin = tag.end;
            if (section != "summary") continue;
            hasTarget = !waiting.empty();
            if (hasTarget) target = waiting.back(), waiting.pop_back();
        } else if (!section.empty()) {
            sound = sound && tag.name == "/" + section;
            if (sound && section == "block") waiting.push_back({begin, tag.begin});
            if (sound && section == "summary" && hasTarget) addBytes(result.bytes, target.begin, target.end);
            section.clear();
        }
    }
    return result;
}

inline NotRead lightThinkerNotRead(const std::string& before) {
    struct Step {
        size_t begin = 0, end = 0, summaryBegin = 0, summaryEnd = 0;
        bool summarised = false, hidden = false, shown = false;  // shown: its summary is hidden
    };
    constexpr size_t kNone = std::string::npos;
    std::vector<Step> steps;
    std::map<int, size_t> byNumber;  // the newest step of a number
    std::string section;
    bool sound = true;
    int nCommits = 0;
    size_t step = kNone, target = kNone, summaryBegin = 0, at = 0;  // step: the one being written
    const auto plainText = [&](size_t begin, size_t end) {
        if (begin >= end || !section.empty() || step != kNone) return;
        step = steps.size();
        steps.push_back({begin});
        byNumber[nCommits + 1] = step;
    };
    for (const WrittenTag& tag : tagsIn(before,
                                        {{"commit", "<commit>"},
                                         {"/commit", "</commit>"},
                                         {"answer", "<final_answer>"},
                                         {"/answer", "</final_answer>"}},
                                        {"expand", "fold"})) {
        plainText(at, tag.begin);
        at = tag.end;
        const bool changes = tag.name == "expand" || tag.name == "fold";
        if (tag.broken && !section.empty()) sound = false;
        if (changes) {
            const std::vector<int> numbers = tag.broken ? std::vector<int>() : numbersIn(tag.arguments, "step", true);
            const bool fits = !numbers.empty() && std::all_of(numbers.begin(), numbers.end(), [&](int n) {
                return byNumber.contains(n) && steps[byNumber[n]].summarised;
            });
            if (!fits && tag.name == "expand")
                for (Step& s : steps) s.hidden = s.shown = false;
            if (!fits) continue;
            for (const int n : numbers) {
                Step& s = steps[byNumber[n]];
                if (s.hidden != (tag.name == "expand")) continue;
                s.hidden = tag.name == "fold";
                s.shown = !s.hidden;
            }
        } else if (tag.name[0] != '/') {
            if (!section.empty()) {
                sound = false;
                continue;
            }
            section = tag.name;
            sound = true;
            if (step != kNone) steps[step].end = tag.begin;
            target = section == "commit" ? step : kNone;
            step = kNone;
            summaryBegin = tag.end;
            nCommits += section == "commit";
        } else if (!section.empty()) {
            if (sound && tag.name == "/" + section && section == "commit" && target != kNone) {
                Step& s = steps[target];
                s.summarised = s.hidden = true;
                s.summaryBegin = summaryBegin;
                s.summaryEnd = tag.begin;
            }
            section.clear();
        }
    }
    NotRead result;
    for (const Step& s : steps) {
        if (s.hidden) addBytes(result.bytes, s.begin, s.end);
        if (s.shown) addBytes(result.bytes, s.summaryBegin, s.summaryEnd);
    }
    return result;
}

inline NotRead notRead(const std::string& vocabulary, const std::string& before) {
    if (vocabulary == "da") return daNotRead(before);
    if (vocabulary == "memento") return mementoNotRead(before);
    return lightThinkerNotRead(before);
}

}  // namespace spanscope::test
