#include "engine/model/tokenizer/sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>

#include <exception>
#include <filesystem>
#include <mutex>

#include "engine/files/file_error.h"
#include "engine/model/mapped_file.h"

// Exported by the library, declared in none of its installed headers; absent from builds that do not log.
namespace sentencepiece::logging {
[[gnu::weak]] void SetMinLogLevel(int level);
}

namespace spanscope {

namespace {

/// The library writes parts of files to the standard error stream, as they are. Its results say the same as a status.
void silenceLibrary() {
    constexpr int kAboveEverySeverity = 4;
    if (sentencepiece::logging::SetMinLogLevel != nullptr) sentencepiece::logging::SetMinLogLevel(kAboveEverySeverity);
}

constexpr uint64_t kMaxModelBytes = 64 << 20;

/// Appended to a serialised ModelProto this sets normalizer_spec.add_dummy_prefix = false: protobuf merges fields
/// that come twice. For text that continues after a special piece.
constexpr std::string_view kNoDummyPrefix("\x1a\x02\x18\x00", 4);

class SentencePieceEncoder final : public TextEncoder {
  public:
    Status load(const VocabularySpec& spec, const std::string& file);
    const sentencepiece::SentencePieceProcessor& processor() const { return m_processor; }
    Result<std::vector<int32_t>> encode(std::string_view text, bool follows) const override;

  private:
    const sentencepiece::SentencePieceProcessor& continued() const;

    sentencepiece::SentencePieceProcessor m_processor;
    mutable sentencepiece::SentencePieceProcessor m_continued;  // without the dummy prefix; made when first needed
    mutable std::once_flag m_continuedOnce;
};

Status SentencePieceEncoder::load(const VocabularySpec& spec, const std::string& file) {
    silenceLibrary();
    try {  // most faults come as a status; what its trie cannot hold as an exception
        const auto loaded = m_processor.LoadFromSerializedProto(writeModelProto(spec));
        if (!loaded.ok())
            return fileError(ErrorCode::Format, "libsentencepiece cannot read it: " + clipped(loaded.ToString()), file);
    } catch (const std::exception& e) {
        return fileError(ErrorCode::Format, "libsentencepiece cannot read it: " + clipped(e.what()), file);
    }
    if (spec.pieces.size() != static_cast<size_t>(m_processor.GetPieceSize()))
        return fileError(ErrorCode::Format, "libsentencepiece sees other pieces", file, "pieces",
                         std::to_string(m_processor.GetPieceSize()), std::to_string(spec.pieces.size()));
    return {};
}

const sentencepiece::SentencePieceProcessor& SentencePieceEncoder::continued() const {
    std::call_once(m_continuedOnce, [this] {  // a processor that did not load says so when it is asked to encode
        static_cast<void>(
            m_continued.LoadFromSerializedProto(m_processor.serialized_model_proto() + std::string(kNoDummyPrefix)));
    });
    return m_continued;
}

Result<std::vector<int32_t>> SentencePieceEncoder::encode(std::string_view text, bool follows) const {
    std::vector<int> ids;
    const auto status = (follows ? continued() : m_processor).Encode(text, &ids);
    if (!status.ok()) return Error{ErrorCode::InvalidArgument, "libsentencepiece: " + status.ToString()};
    return ids;
}

void readPieces(const VocabularySpec& spec, Vocabulary& vocabulary) {
    vocabulary.pieces.resize(spec.pieces.size());
    for (size_t id = 0; id < spec.pieces.size(); ++id) {
        const VocabularyPiece& from = spec.pieces[id];
        Piece& piece = vocabulary.pieces[id];
        piece.name = from.text;
        piece.control = from.type == PieceType::Control || from.type == PieceType::Unknown;
        piece.special = piece.control;
        if (from.type == PieceType::Byte) {
            const auto byte = static_cast<uint8_t>(std::stoi(piece.name.substr(3, 2), nullptr, 16));
            vocabulary.byteIds[byte] = static_cast<int32_t>(id);
            piece.bytes = std::string(1, static_cast<char>(byte));
        } else if (!piece.control) {
            piece.bytes = spaceMarkBytes(piece.name);
            piece.special = from.type == PieceType::UserDefined && isMarkup(piece.name);
        }
    }
}

}  // namespace

Result<Vocabulary> sentencePieceVocabulary(const VocabularySpec& spec, const std::string& file) {
    if (auto status = checkSpec(spec, file); !status) return status.error();
    auto encoder = std::make_unique<SentencePieceEncoder>();
    if (auto status = encoder->load(spec, file); !status) return status.error();
    Vocabulary vocabulary;
    readPieces(spec, vocabulary);
    vocabulary.bos = encoder->processor().bos_id();
    vocabulary.eos = encoder->processor().eos_id();
    vocabulary.unk = encoder->processor().unk_id();
    vocabulary.encoder = std::move(encoder);
    return vocabulary;
}

Result<VocabularyFile> loadTokenizerModel(const std::string& path, int32_t maxPieces) {
    auto proto = readSmallFile(path, kMaxModelBytes);
    if (!proto) return proto.error();
    auto spec = readModelProto(*proto, path, maxPieces);
    if (!spec) return spec.error();
    auto added = loadAddedTokens(std::filesystem::path(path).parent_path().string());
    if (!added) return added.error();
    auto vocabulary = sentencePieceVocabulary(*spec, path);
    if (!vocabulary) return vocabulary.error();
    return VocabularyFile{std::move(*vocabulary), std::move(*added)};
}

}  // namespace spanscope
