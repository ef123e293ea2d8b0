#include "engine/tasks/vocabulary/vocabulary_file.h"

#include <algorithm>
#include <initializer_list>

#include "bundled_vocabularies.h"
#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"
#include "engine/model/mapped_file.h"
#include "engine/tasks/chat/chat_message.h"

namespace spanscope {

using nlohmann::json;

namespace {

constexpr int kFormatVersion = 1;
constexpr size_t kMostSections = 16, kMostTags = 32, kMostExamples = 16, kMostNames = 8, kMostLines = 256;
constexpr size_t kLongestTag = 64, kLongestEnd = 8, kLongestName = 32, kLongestTitle = 200;
constexpr int32_t kMostChunkTokens = 1 << 20;

bool isWord(std::string_view text) {
    return !text.empty() &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               std::string_view::npos;
}

bool isPrintable(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= 0x20 || c == 0x7F; });
}

std::string at(const char* list, size_t i) { return std::string(list) + "[" + std::to_string(i) + "]."; }

/// What is wrong stays in `error`; after the first problem nothing more is read.
class Reader {
  public:
    explicit Reader(std::string file) : m_file(std::move(file)) {}

    Result<TaughtVocabulary> read(const json& object) {
        JsonFields f(object, m_file);
        TagVocabulary tags;
        onlyKeys(
            f, object,
            {"vocabulary", "name", "title", "source", "sections", "tags", "chunks", "hides_tags", "swaps", "prompt"});
        const int32_t version = f.int32("vocabulary", 1, 1 << 20);
        if (f.ok() && version != kFormatVersion)
            f.fail(ErrorCode::Unsupported, "another version of the format", "vocabulary", std::to_string(version),
                   std::to_string(kFormatVersion));
        tags.name = f.string("name");
        if (f.ok() && (!isWord(tags.name) || tags.name.size() > kLongestName))
            f.fail(ErrorCode::Format, "not a name", "name", tags.name, "1 to 32 letters, digits, - and _");
        tags.title = f.string("title", tags.name);
        m_vocabulary.source = f.string("source", "");
        if (f.ok() && std::max(tags.title.size(), m_vocabulary.source.size()) > kLongestTitle)
            f.fail(ErrorCode::Format, "too long", tags.title.size() > kLongestTitle ? "title" : "source", {},
                   "at most 200 bytes");
        tags.hidesTags = f.boolean("hides_tags", false);
        tags.swaps = f.boolean("swaps", false);
        take(f);
        const json* sections = list(f, "sections", 1, kMostSections);
        for (size_t i = 0; m_ok && i < sections->size(); ++i) readSection((*sections)[i], at("sections", i), tags);
        const json* rules = m_ok ? list(f, "tags", 1, kMostTags) : nullptr;
        for (size_t i = 0; m_ok && i < rules->size(); ++i) readTag((*rules)[i], at("tags", i), tags);
        if (m_ok) checkTags(tags);
        if (const json* chunks = f.find("chunks"); m_ok && chunks) readChunks(*chunks);
        if (const json* prompt = f.find("prompt"); m_ok && prompt) readPrompt(*prompt);
        if (!m_ok) return m_error;
        m_vocabulary.tags = std::make_shared<const TagVocabulary>(std::move(tags));
        return std::move(m_vocabulary);
    }

  private:
    void fail(const std::string& field, std::string message, std::string_view found, std::string_view expected) {
        if (m_ok) m_error = fileError(ErrorCode::Format, std::move(message), m_file, field, found, expected);
        m_ok = false;
    }
    void take(const JsonFields& f) {
        if (m_ok && !f.ok()) m_error = f.error();
        m_ok = m_ok && f.ok();
    }
    /// A misspelt key would otherwise be a rule that silently is not there.
    static void onlyKeys(JsonFields& f, const json& object, std::initializer_list<std::string_view> known) {
        std::string names;
        for (const std::string_view key : known) names += (names.empty() ? "" : ", ") + std::string(key);
        for (const auto& [key, value] : object.items())
            if (std::find(known.begin(), known.end(), key) == known.end())
                f.fail(ErrorCode::Format, "unknown key", key, key, names);
    }
    bool isObject(const json& value, const std::string& where) {
        if (!value.is_object())
            fail(where.substr(0, where.size() - 1), "wrong kind of JSON", describeJson(value), "an object");
        return m_ok;
    }
    const json* list(JsonFields& f, const char* key, size_t least, size_t most) {
        const json* value = f.find(key);
        if (value == nullptr || !value->is_array() || value->size() < least || value->size() > most)
            fail(key, "not a list of the right length", value ? describeJson(*value) : "nothing",
                 std::to_string(least) + " to " + std::to_string(most) + " entries");
        return value;
    }
    /// Lines of text, joined by line ends.
    std::string lines(const json& object, const char* key, const std::string& where, bool needed) {
        const auto it = object.find(key);
        if (it == object.end() && !needed) return {};
        std::string text;
        const bool fits = it != object.end() && it->is_array() && it->size() <= kMostLines &&
                          std::all_of(it->begin(), it->end(), [](const json& line) { return line.is_string(); });
        if (!fits) {
            fail(where + key, "not lines of text", it == object.end() ? "nothing" : describeJson(*it),
                 "a list of strings");
            return text;
        }
        for (const json& line : *it) {
            if (&line != &it->front()) text += '\n';
            text += line.get_ref<const std::string&>();
        }
        return text;
    }

    void readSection(const json& object, const std::string& where, TagVocabulary& tags) {
        if (!isObject(object, where)) return;
        JsonFields f(object, m_file, where);
        onlyKeys(f, object, {"name", "reads", "between", "answer"});
        SectionKind kind;
        kind.name = f.string("name");
        const std::string reads = f.string("reads");
        kind.between = f.boolean("between", false);
        kind.answer = f.boolean("answer", false);
        take(f);
        if (!m_ok) return;
        if (!isWord(kind.name) || kind.name.size() > kLongestName)
            return fail(where + "name", "not a name", kind.name, "1 to 32 letters, digits, - and _");
        if (sectionOf(tags, kind.name) >= 0)
            return fail(where + "name", "section named twice", kind.name, "a new name");
        if (reads == "everything") kind.reads = SectionReads::Everything;
        else if (reads == "named") kind.reads = SectionReads::Named;
        else if (reads == "nothing") kind.reads = SectionReads::Nothing;
        else return fail(where + "reads", "unknown word", reads, "everything, named or nothing");
        if (kind.between && (tags.between() >= 0 || kind.reads != SectionReads::Everything || kind.answer))
            return fail(where + "between", "text between the tags cannot be this", "true",
                        "one section, which reads everything and is not the answer");
        tags.sections.push_back(std::move(kind));
    }
    static int32_t sectionOf(const TagVocabulary& tags, std::string_view name) {
        for (size_t i = 0; i < tags.sections.size(); ++i)
            if (tags.sections[i].name == name) return static_cast<int32_t>(i);
        return -1;
    }

    void readTag(const json& object, const std::string& where, TagVocabulary& tags) {
        if (!isObject(object, where)) return;
        JsonFields f(object, m_file, where);
        onlyKeys(f, object,
                 {"text", "end", "arguments", "opens", "closes", "hides", "stops", "restores", "hides_again"});
        TagRule rule;
        rule.text = f.string("text");
        rule.end = f.string("end", "");
        rule.stops = f.boolean("stops", false);
        const char* act = nullptr;
        int nActs = 0;
        for (const auto& [key, value] :
             {std::pair{"opens", TagAct::Open}, std::pair{"closes", TagAct::Close},
              std::pair{"restores", TagAct::Restore}, std::pair{"hides_again", TagAct::Hide}})
            if (f.has(key)) act = key, rule.act = value, ++nActs;
        if (f.ok() && nActs != 1)
            f.fail(ErrorCode::Format, "a tag does one thing", "opens", std::to_string(nActs) + " of them",
                   "one of opens, closes, restores, hides_again");
        rule.section = act ? section(f, act, tags) : -1;
        if (f.has("hides")) rule.hides = section(f, "hides", tags);
        take(f);
        if (!m_ok) return;
        if (rule.text.size() < 2 || rule.text.size() > kLongestTag || !isPrintable(rule.text))
            return fail(where + "text", "not a tag", rule.text, "2 to 64 bytes without white space");
        if (rule.end.size() > kLongestEnd || !isPrintable(rule.end))
            return fail(where + "end", "not the end of a tag", rule.end, "at most 8 bytes without white space");
        readArguments(object, where, rule);
        if (m_ok) checkTag(rule, where, tags);
        tags.tags.push_back(std::move(rule));
    }
    static int32_t section(JsonFields& f, const char* key, const TagVocabulary& tags) {
        const std::string name = f.string(key);
        const int32_t found = sectionOf(tags, name);
        if (f.ok() && found < 0) f.fail(ErrorCode::Format, "no such section", key, name, "a name of sections");
        return found;
    }
    void readArguments(const json& object, const std::string& where, TagRule& rule) {
        const auto it = object.find("arguments");
        if ((it == object.end()) != rule.end.empty())
            return fail(where + "arguments", "arguments and end belong together",
                        it == object.end() ? "end alone" : "arguments alone", "both or none");
        if (it == object.end()) return;
        if (!it->is_array() || it->empty() || it->size() > kMostNames)
            return fail(where + "arguments", "not a list of the right length", describeJson(*it), "1 to 8 names");
        for (const json& name : *it) {
            if (!name.is_string() || !isWord(name.get_ref<const std::string&>()) ||
                name.get_ref<const std::string&>().size() > kLongestName)
                return fail(where + "arguments", "not a name", describeJson(name), "letters, - and _");
            rule.arguments.push_back(name.get<std::string>());
        }
        if (!isWord(rule.text.substr(rule.text.size() - 1)))
            fail(where + "text", "a tag with arguments ends in a letter", rule.text, "\"<focus\"");
    }
    void checkTag(const TagRule& rule, const std::string& where, const TagVocabulary& tags) {
        const SectionKind& kind = tags.sections[static_cast<size_t>(rule.section)];
        const bool byNumber = rule.act == TagAct::Restore || rule.act == TagAct::Hide;
        const bool named = rule.act == TagAct::Open && kind.reads == SectionReads::Named;
        if (kind.between && !byNumber)
            return fail(where + "opens", "text between the tags has none of its own", kind.name, "another section");
        if ((byNumber || named) == rule.end.empty())
            return fail(where + "arguments", byNumber || named ? "the tag needs numbers" : "the tag takes no numbers",
                        rule.text, byNumber || named ? "arguments and end" : "neither");
        if ((rule.hides >= 0 || rule.stops) && rule.act != TagAct::Close)
            return fail(where + (rule.stops ? "stops" : "hides"), "only a closing tag does that", rule.text, "closes");
        if (rule.hides >= 0 && rule.hides == rule.section)
            return fail(where + "hides", "a section does not hide itself", kind.name, "another section");
        for (const TagRule& other : tags.tags) {
            if (other.text.starts_with(rule.text) || rule.text.starts_with(other.text))
                return fail(where + "text", "one tag begins with another", rule.text, "not " + other.text);
            if (rule.act == other.act && rule.act == TagAct::Close && rule.section == other.section)
                return fail(where + "closes", "a section has one closing tag", rule.text, "not also " + other.text);
            if (rule.hides >= 0 && rule.hides == other.hides)
                return fail(where + "hides", "a section is hidden by one other", kind.name,
                            "not also by " + other.text);
        }
    }
    void checkTags(const TagVocabulary& tags) {
        const auto has = [&](TagAct act, int32_t section) {
            return std::any_of(tags.tags.begin(), tags.tags.end(),
                               [&](const TagRule& tag) { return tag.act == act && tag.section == section; });
        };
        for (size_t i = 0; i < tags.sections.size(); ++i) {
            const auto section = static_cast<int32_t>(i);
            if (!tags.sections[i].between && !(has(TagAct::Open, section) && has(TagAct::Close, section)))
                return fail("tags", "a section needs an opening and a closing tag", tags.sections[i].name, "both");
            const bool hidden = std::any_of(tags.tags.begin(), tags.tags.end(),
                                            [&](const TagRule& tag) { return tag.hides == section; });
            const bool byNumber = has(TagAct::Restore, section) || has(TagAct::Hide, section);
            if (byNumber && !hidden)
                return fail("tags", "nothing hides this section in the first place", tags.sections[i].name,
                            "a closing tag with hides");
        }
    }

    void readChunks(const json& object) {
        if (!isObject(object, "chunks.")) return;
        JsonFields f(object, m_file, "chunks.");
        onlyKeys(f, object, {"target_tokens", "most_tokens", "heading", "ending"});
        ChunkRules& c = m_vocabulary.chunks;
        c.targetTokens = f.int32("target_tokens", 1, kMostChunkTokens);
        c.mostTokens = f.int32("most_tokens", f.ok() ? c.targetTokens : 1, kMostChunkTokens);
        c.heading = f.string("heading", "");
        c.ending = f.string("ending", "");
        take(f);
        m_vocabulary.hasChunks = true;
    }
    void readPrompt(const json& object) {
        if (!isObject(object, "prompt.")) return;
        JsonFields f(object, m_file, "prompt.");
        onlyKeys(f, object, {"system", "question", "examples"});
        take(f);
        m_vocabulary.system = lines(object, "system", "prompt.", false);
        m_vocabulary.question = lines(object, "question", "prompt.", true);
        if (m_ok && m_vocabulary.question.find("{question}") == std::string::npos)
            fail("prompt.question", "the question has no place", m_vocabulary.question, "{question}");
        if (m_ok && m_vocabulary.hasChunks != (m_vocabulary.question.find("{document}") != std::string::npos))
            fail("prompt.question", "chunks and their place belong together", m_vocabulary.question,
                 m_vocabulary.hasChunks ? "{document}" : "no {document}");
        if (!m_ok || !f.has("examples")) return;
        const json* examples = list(f, "examples", 0, kMostExamples);
        for (size_t i = 0; m_ok && i < examples->size(); ++i) readExample((*examples)[i], at("prompt.examples", i));
    }
    void readExample(const json& object, const std::string& where) {
        if (!isObject(object, where)) return;
        JsonFields f(object, m_file, where);
        onlyKeys(f, object, {"document", "question", "answer"});
        take(f);
        TaughtExample example;
        const auto document = object.find("document");
        if (document != object.end()) {
            (void)lines(object, "document", where, false);
            if (m_ok && !m_vocabulary.hasChunks)
                return fail(where + "document", "there are no chunks", "a document", "none");
            if (m_ok) example.document = document->get<std::vector<std::string>>();
        }
        example.question = lines(object, "question", where, true);
        example.answer = lines(object, "answer", where, true);
        if (m_ok && (strip(example.question).empty() || strip(example.answer).empty()))
            return fail(where + "answer", "empty text", "\"\"", "a question and an answer");
        m_vocabulary.examples.push_back(std::move(example));
    }

    std::string m_file;
    TaughtVocabulary m_vocabulary;
    Error m_error;
    bool m_ok = true;
};

constexpr BundledVocabulary kBundled[] = {
    {"da", kDaText}, {"memento", kMementoText}, {"lightthinker", kLightThinkerText}};

}  // namespace

Result<TaughtVocabulary> parseVocabulary(std::string_view text, const std::string& file) {
    if (text.size() > kMostVocabularyBytes)
        return fileError(ErrorCode::Format, "too long for a vocabulary", file, {},
                         std::to_string(text.size()) + " bytes", "at most " + std::to_string(kMostVocabularyBytes));
    auto object = parseJsonObject(text, file);
    if (!object) return object.error();
    return Reader(file).read(*object);
}

std::span<const BundledVocabulary> bundledVocabularies() { return kBundled; }

Result<std::string> vocabularyText(const std::string& nameOrPath) {
    std::string names;
    for (const BundledVocabulary& bundled : kBundled) {
        if (bundled.name == nameOrPath) return std::string(bundled.text);
        names += std::string(bundled.name) + ", ";
    }
    auto text = readSmallFile(nameOrPath, kMostVocabularyBytes);
    if (text) return text;
    Error error = text.error();
    if (error.code == ErrorCode::NotFound) error.expected = names + "or a file";
    return error;
}

std::string answerIn(const TagVocabulary& tags, std::string_view response) {
    size_t begin = std::string_view::npos;
    std::string_view closing;
    for (const TagRule& open : tags.tags) {
        if (open.act != TagAct::Open || !tags.sections[static_cast<size_t>(open.section)].answer) continue;
        const size_t found = response.rfind(open.text);
        if (found == std::string_view::npos || (begin != std::string_view::npos && found < begin)) continue;
        begin = found + open.text.size();
        for (const TagRule& close : tags.tags)
            if (close.act == TagAct::Close && close.section == open.section) closing = close.text;
    }
    if (begin == std::string_view::npos) return {};
    return std::string(strip(response.substr(begin, response.find(closing, begin) - begin)));
}

}  // namespace spanscope
