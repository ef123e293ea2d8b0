"""The protocol's pieces in a vocabulary that was made without them (a sentencepiece ModelProto)."""
import json
import os

import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as proto

from tokenizer import SPECIAL

# What each piece is about, in words that a language model knows: where its embedding begins.
MEANING = {"<in>": "input line", "<out>": "output line", "<:>": ":", "<attend>": "read these:", "</attend>": "write:",
           "<local>": "work:", "<global>": "read everything:"}


class VocabularyError(Exception):
    pass


class TooFew(VocabularyError):
    """The vocabulary reserves fewer tokens than the protocol has pieces."""


def riders(free, there, template, where):
    """{piece: reserved token}; free: reserved tokens in order; those that a chat template writes have a meaning already.
    Nothing where the vocabulary has every piece itself."""
    if all(piece in there for piece in SPECIAL):
        return {}
    free = [t for t in free if t not in template]
    if len(free) < len(SPECIAL):
        raise TooFew(f"{where}: {len(free)} reserved tokens are free, expected {len(SPECIAL)}")
    return dict(zip(SPECIAL, free))


def byte_level_encoder(ids, merges):
    """text -> ids by byte-level BPE, without the expression that splits words first: for short, plain texts."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    encoder = Tokenizer(models.BPE(vocab=ids, merges=merges))
    encoder.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return lambda text: encoder.encode(text).ids


def read_json(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def added_tokens(folder):
    """({id: (content, special)}, {"bos": content, ...}): what a Hugging Face folder puts on top of tokenizer.model."""
    config = read_json(os.path.join(folder, "tokenizer_config.json"))
    added = {int(i): (content, False) for content, i in read_json(os.path.join(folder, "added_tokens.json")).items()}
    for i, entry in config.get("added_tokens_decoder", {}).items():
        added[int(i)] = (entry["content"], bool(entry.get("special")))
    names = {}
    for kind in ("bos", "eos", "pad", "unk"):
        for source in (config, read_json(os.path.join(folder, "special_tokens_map.json"))):
            value = source.get(kind + "_token")
            value = value.get("content") if isinstance(value, dict) else value
            if value:
                names.setdefault(kind, value)
    return added, names


def fold_added(model, added, names, path):
    """Tokens that lived beside the file move into it, at their ids: the new file needs no others."""
    kind = proto.ModelProto.SentencePiece
    if added and max(added) >= len(model.pieces) + 65536:
        raise VocabularyError(f"{path}: added token {max(added)} is far outside the {len(model.pieces)} pieces")
    for i in range(len(model.pieces), max(added, default=-1) + 1):
        model.pieces.add(piece=f"<unused_{i}>", score=0.0, type=kind.UNUSED)
    for i, (content, special) in sorted(added.items()):
        if model.pieces[i].piece != content:
            model.pieces[i].piece = content
            model.pieces[i].type = kind.CONTROL if special else kind.USER_DEFINED
    ids = {p.piece: i for i, p in enumerate(model.pieces)}
    for which, name in names.items():
        if name in ids:
            setattr(model.trainer_spec, which + "_piece", name)
            setattr(model.trainer_spec, which + "_id", ids[name])
            if which != "unk":
                model.pieces[ids[name]].type = kind.CONTROL


def extend(folder, out):
    """Writes folder's tokenizer.model with the protocol's pieces to out; returns {new piece: id} in the order of ids.

    Pieces that are there stay where they are. Numbers must fall apart into digits, and a newline must be a piece of its
    own, because labels and the ends of segments are read that way: pieces that would prevent it are switched off. The
    space that some vocabularies put before a text goes, so that text after a special piece is encoded as any other.
    """
    path = os.path.join(folder, "tokenizer.model")
    if not os.path.exists(path):
        raise VocabularyError(f"{path}: missing; only sentencepiece vocabularies can be extended")
    with open(path, "rb") as f:
        data = f.read()
    model = proto.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:
        raise VocabularyError(f"{path}: not a sentencepiece model ({error})") from error
    fold_added(model, *added_tokens(folder), path)
    kind = proto.ModelProto.SentencePiece
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.remove_extra_whitespaces = False
    new = {}

    def add(piece):
        new[piece] = len(model.pieces)
        model.pieces.add(piece=piece, score=0.0, type=kind.USER_DEFINED)

    pieces = {p.piece: p for p in model.pieces}
    for piece in SPECIAL:
        if piece in pieces:
            pieces[piece].type = kind.USER_DEFINED
        else:
            add(piece)
    for digit in "0123456789":
        if digit not in pieces:
            add(digit)
    for p in model.pieces:
        number = len(p.piece) > 1 and p.piece.isascii() and p.piece.isdigit()
        if number or ("\n" in p.piece and p.piece != "\n"):
            p.type = kind.UNUSED
    sp = load(model, path)
    if not newline_alone(sp) and "\n" not in pieces:
        add("\n")
        sp = load(model, path)
    with open(out + ".part", "wb") as f:
        f.write(model.SerializeToString())
    os.replace(out + ".part", out)
    check(sp, out)
    return new


def load(model, path):
    try:
        return spm.SentencePieceProcessor(model_proto=model.SerializeToString())
    except RuntimeError as error:  # a piece that is there twice, for one
        raise VocabularyError(f"{path}: cannot be extended ({error})") from error


def newline_alone(sp):
    ids = sp.encode("a\nb")
    return sum(sp.id_to_piece(i) in ("\n", "<0x0A>") for i in ids) == 1 and sp.decode(ids).strip() == "a\nb"


def check(sp, path):
    """What the dataset writer, the trainer and the engine rely on."""
    for piece in SPECIAL:
        if sp.encode(f"{piece}12") != [sp.piece_to_id(piece), sp.piece_to_id("1"), sp.piece_to_id("2")]:
            raise VocabularyError(f"{path}: {piece}12 becomes {sp.encode(f'{piece}12', out_type=str)}, expected {piece}, 1, 2")
    if not newline_alone(sp):
        raise VocabularyError(f"{path}: a newline becomes {sp.encode(chr(10), out_type=str)}, expected a piece of its own")
    if sp.eos_id() < 0:
        raise VocabularyError(f"{path}: no end-of-text piece; responses could not end")
    for text in ("<out>12<:>34\n", "a  a\n\n a"):
        if sp.decode(sp.encode(text)) != text:
            raise VocabularyError(f"{path}: {text!r} decodes as {sp.decode(sp.encode(text))!r}")


def initialise(embedding, head, new, words, seed=0):
    """Rows of new pieces ({piece: id}); embedding and head (rows, hidden), head None where it is the embedding; words(text):
    ids of a text in the base's pieces. An embedding begins as the mean of the words for its meaning, at the length that rows have; a row of
    the head as the mean of all, so that no new piece begins much likelier than the others."""
    import torch
    if not new:
        return
    fresh = set(new.values())
    known = [i for i in range(embedding.shape[0]) if i not in fresh]
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        rows = embedding[known].float()
        length = rows.norm(dim=1).median()
        for piece, i in new.items():
            meaning = words(MEANING.get(piece, "line"))
            start = embedding[meaning].float().mean(0) if meaning else rows.mean(0)
            start = start + 0.1 * length * torch.nn.functional.normalize(
                torch.randn(start.shape, generator=generator), dim=0).to(start.device)
            embedding[i] = (start * length / start.norm().clamp(min=1e-6)).to(embedding.dtype)
        if head is not None:
            mean = head[known].float().mean(0)
            spread = head[known].float().std(0).mean()
            for i in new.values():
                noise = torch.randn(mean.shape, generator=generator).to(mean.device)
                head[i] = (mean + 0.1 * spread * noise).to(head.dtype)
