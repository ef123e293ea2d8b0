// The small vocabularies of tests/fixtures/tokenizer/bpe.json.gz, as files that the readers open.
#pragma once

#include <zlib.h>

#include <nlohmann/json.hpp>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/model/gguf/gguf.h"
#include "engine/model/tokenizer/load_tokenizer.h"
#include "tests/model/tiny_model.h"

namespace spanscope::test {

inline nlohmann::json readGzJson(const std::string& path) {
    std::string text;
    const gzFile file = gzopen(path.c_str(), "rb");
    if (file == nullptr) return {};
    std::vector<char> part(1 << 16);
    for (int n = 0; (n = gzread(file, part.data(), static_cast<unsigned>(part.size()))) > 0;)
        text.append(part.data(), static_cast<size_t>(n));
    gzclose(file);
    return nlohmann::json::parse(text);
}

/// As the recipe of the fixtures computes it.
inline uint32_t hashOfIds(const std::vector<int32_t>& ids) {
    uint32_t h = 0x811C9DC5;
    for (const int32_t id : ids)
        for (int shift = 0; shift < 32; shift += 8) h = (h ^ (static_cast<uint32_t>(id) >> shift & 0xFF)) * 0x01000193;
    return h;
}

/// A folder with tokenizer.json and tokenizer_config.json, opened.
inline Result<std::shared_ptr<const Tokenizer>> openJson(const nlohmann::json& tokenizer, const nlohmann::json& config,
                                                         const nlohmann::json& card = {}) {
    const ScratchFolder folder;
    writeFile(folder.file("tokenizer.json"), tokenizer.dump());
    writeFile(folder.file("tokenizer_config.json"), config.dump());
    if (!card.is_null()) writeFile(folder.file("spanscope.json"), card.dump());
    return openTokenizer(folder.path());
}

/// Metadata of a GGUF file.
class GgufWriter {
  public:
    void text(const std::string& key, const std::string& value) {
        begin(key, 8);
        put(value);
    }
    void number(const std::string& key, uint32_t value) {
        begin(key, 4);
        put(value);
    }
    void boolean(const std::string& key, bool value) {
        begin(key, 7);
        m_bytes += static_cast<char>(value ? 1 : 0);
    }
    void texts(const std::string& key, const std::vector<std::string>& values) {
        beginList(key, 8, values.size());
        for (const std::string& value : values) put(value);
    }
    void numbers(const std::string& key, const std::vector<int32_t>& values) {
        beginList(key, 5, values.size());
        for (const int32_t value : values) put(static_cast<uint32_t>(value));
    }
    std::string file() const {
        std::string head = "GGUF";
        for (const uint64_t n : {uint64_t{3}, uint64_t{0}, m_count}) {
            const size_t size = n == 3 && head.size() == 4 ? 4 : 8;
            head.append(reinterpret_cast<const char*>(&n), size);
        }
        std::string whole = head + m_bytes;
        whole.resize((whole.size() + 31) / 32 * 32);
        return whole;
    }

  private:
    template <class T>
    void put(const T& value) {
        m_bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void put(const std::string& value) {
        put(uint64_t{value.size()});
        m_bytes += value;
    }
    void begin(const std::string& key, uint32_t type) {
        ++m_count;
        put(key);
        put(type);
    }
    void beginList(const std::string& key, uint32_t type, uint64_t n) {
        begin(key, 9);
        put(type);
        put(n);
    }
    std::string m_bytes;
    uint64_t m_count = 0;
};

/// The same vocabulary as converters write it; change: last touches.
template <class Change>
Result<std::shared_ptr<const Tokenizer>> openGguf(const nlohmann::json& tokenizer, const std::string& pre,
                                                  const Change& change) {
    std::vector<std::string> tokens(tokenizer["model"]["vocab"].size()), merges;
    const nlohmann::json& vocabulary = tokenizer["model"]["vocab"];
    for (auto one = vocabulary.begin(); one != vocabulary.end(); ++one) tokens[one.value().get<size_t>()] = one.key();
    for (const nlohmann::json& merge : tokenizer["model"]["merges"])
        merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
    std::vector<int32_t> types(tokens.size(), 1);
    types[0] = types[1] = 3;
    GgufWriter gguf;
    gguf.text("tokenizer.ggml.model", "gpt2");
    gguf.text("tokenizer.ggml.pre", pre);
    gguf.texts("tokenizer.ggml.merges", merges);
    change(gguf, tokens, types);
    gguf.texts("tokenizer.ggml.tokens", tokens);
    gguf.numbers("tokenizer.ggml.token_type", types);
    const std::string file = gguf.file();
    auto parsed = parseGguf({reinterpret_cast<const uint8_t*>(file.data()), file.size()}, "small.gguf");
    if (!parsed) return parsed.error();
    auto loaded = loadTokenizer({"small.gguf", std::make_shared<const GgufFile>(std::move(*parsed))}, 1 << 20);
    if (!loaded) return loaded.error();
    return std::move(loaded->tokenizer);
}

}  // namespace spanscope::test
