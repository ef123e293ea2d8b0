// This program's reader of sentencepiece models against protobuf itself: whatever ours accepts, protobuf accepts and
// understands alike, and what we write for libsentencepiece says the same to both. Never linked with libsentencepiece,
// which carries an older protobuf of its own.
#include <bit>

#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "sentencepiece_fields.pb.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

namespace {

void compare(const VocabularySpec& ours, const fuzz::ModelProto& theirs) {
    fuzz::require(static_cast<size_t>(theirs.pieces_size()) == ours.pieces.size());
    for (int i = 0; i < theirs.pieces_size(); ++i) {
        const VocabularyPiece& piece = ours.pieces[static_cast<size_t>(i)];
        fuzz::require(theirs.pieces(i).piece() == piece.text);
        fuzz::require(std::bit_cast<uint32_t>(theirs.pieces(i).score()) == std::bit_cast<uint32_t>(piece.score));
        fuzz::require(theirs.pieces(i).type() == static_cast<int>(piece.type));
    }
    const auto& trainer = theirs.trainer_spec();
    fuzz::require(trainer.model_type() == static_cast<int>(ours.kind));
    fuzz::require(trainer.byte_fallback() == ours.byteFallback &&
                  trainer.treat_whitespace_as_suffix() == ours.spaceAtEnd);
    fuzz::require(trainer.unk_piece() == ours.unk && trainer.bos_piece() == ours.bos);
    fuzz::require(trainer.eos_piece() == ours.eos && trainer.pad_piece() == ours.pad);
    const auto& normalizer = theirs.normalizer_spec();
    fuzz::require(normalizer.precompiled_charsmap() == ours.charsmap &&
                  normalizer.add_dummy_prefix() == ours.dummyPrefix);
    fuzz::require(normalizer.remove_extra_whitespaces() == ours.trimSpaces &&
                  normalizer.escape_whitespaces() == ours.escapeSpaces);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const auto ours = readModelProto(bytes, "tokenizer.model");
    if (!ours) {
        fuzz::checkError(ours.error());
        return 0;
    }
    fuzz::ModelProto theirs;
    fuzz::require(theirs.ParseFromString(bytes));
    compare(*ours, theirs);
    if (!checkSpec(*ours, "tokenizer.model")) return 0;
    const std::string clean = writeModelProto(*ours);
    fuzz::ModelProto again;
    fuzz::require(again.ParseFromString(clean));
    compare(*ours, again);
    const auto reread = readModelProto(clean, "tokenizer.model");
    fuzz::require(reread.ok() && *reread == *ours);
    return 0;
}
