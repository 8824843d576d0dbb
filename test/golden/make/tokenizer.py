"""Tokenizers over a small vocabulary: a plain Unigram one, and one with every part of a SentencePiece conversion."""

import collections
import io
import json
import math

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast
from weights import generator

import torch

WORDS = """
a the one two seven fox river lantern glass tower snow harbour train violet amber quiet storm field paper moon horse lamp red
walks turns drifts opens over under beside through slowly at dawn in rain with wind camera close wide shot, film grain, soft
light. détail garçon Straße mañana cœur żółw вода город 灯塔 海 さくら 한강 ½ … ™ №7 3,5 x2 "night" it's
""".split()
SPECIAL = ("<pad>", "</s>", "<s>", "<unk>")


def corpus(seed, lines=400):
    """Sentences of random words: what the vocabularies are learnt from."""
    draw = generator(seed, "corpus")
    pick = lambda: WORDS[int(torch.randint(len(WORDS), (), generator=draw))]
    return [" ".join(pick() for _ in range(3 + i % 9)) for i in range(lines)]


def unigram(seed, pieces=110):
    """Compatibility forms, single spaces, words that begin with ▁; pieces by how often they occur, so some scores are equal."""
    counts = collections.Counter()
    for word in " ".join(corpus(seed)).split():
        marked = "▁" + word
        counts.update(marked[i:j] for i in range(len(marked)) for j in range(i + 1, min(len(marked), i + 6) + 1))
    characters = sorted(piece for piece in counts if len(piece) == 1 and counts[piece] > 9)
    longer = sorted((piece for piece in counts if len(piece) > 1), key=lambda piece: (-counts[piece] * len(piece), piece))
    total = sum(counts.values())
    scored = [(piece, math.log(counts[piece] / total)) for piece in [*characters, *longer[: pieces - len(characters)]]]
    tokenizer = Tokenizer(models.Unigram([("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *scored], unk_id=2, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    return _finished(tokenizer)


def sentence_piece(seed, pieces=420):
    """A SentencePiece model and the tokenizer that it converts to: its character map, byte fallback and extra tokens."""
    written = io.BytesIO()
    extra = ["<extra_id_0>", "<extra_id_1>", "<extra_id_2>"]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus(seed)), model_writer=written, vocab_size=pieces, hard_vocab_limit=False,
        byte_fallback=True, normalization_rule_name="nmt_nfkc", character_coverage=0.995, num_threads=1,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, user_defined_symbols=extra, minloglevel=2)
    described = sentencepiece_model_pb2.ModelProto.FromString(written.getvalue())
    vocabulary = [(piece.piece, piece.score) for piece in described.pieces]
    unknown = next(i for i, piece in enumerate(described.pieces) if piece.type == piece.UNKNOWN)
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=unknown, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Precompiled(described.normalizer_spec.precompiled_charsmap),
        normalizers.Strip(left=False, right=True),
        normalizers.Replace(Regex(" {2,}"), "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([*SPECIAL, *extra])
    return _finished(tokenizer), sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())


def _finished(tokenizer):
    end = tokenizer.token_to_id("</s>")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A $B </s>", special_tokens=[("</s>", end)])
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    if tokenizer.token_to_id("<s>") is not None:
        names["bos_token"] = "<s>"
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names)


SPM_TEXTS = (
    "a fox walks through the quiet field", "", " ", "\t\n", "  two   lamps  ", "ＷＡＮ２．１　ｃａｔ", "un de\u0301tail, ma\u0303nana",
    "ﬁlm ½ … ™ №7 ㎏ ①", "zero\u200bwidth\u00a0space\u2009thin\ufeff", "☃ snow 🚢 👩‍🚀 🇫🇷", "灯塔 と 龍 海", "ｷﾞｶﾞ ｶﾞ か\u3099", "tab\tand\nnewline\r\nend",
    "UPPER Case Xq_9", "a <extra_id_0> b", "<extra_id_1><extra_id_2>", "</s> inside", "<unk> <pad> <s>", "1⁄2 2² a\u0308u\u0308",
    "שלום عليكم ﷺ", "한강 \u1112\u1161\u11ab", "▁already▁marked", "x" * 60, "a" + " " * 40 + "b", "Straße İstanbul ǆ ſt",
    "\u0000null \u0007bell \u007f", "ends with space \u3000", "e\u0301\u0301\u0300 z\u0321\u0308", "water𝐛old 𝔣𝔯𝔞𝔨 𝟛", "…’“”‘",
)


def write_spm(folder, seed):
    """The folder `tokenizer-spm`: a conversion, and texts with the numbers that it gives."""
    tokenizer, original = sentence_piece(seed)
    tokenizer.save_pretrained(folder)
    cases = []
    for text in SPM_TEXTS:
        ids = tokenizer(text)["input_ids"]
        same = ids == original.encode(text) + [tokenizer.eos_token_id]
        cases.append({"text": text, "ids": ids, "tokens": tokenizer.convert_ids_to_tokens(ids), "same_as_sentencepiece": same})
    (folder / "cases.json").write_text(json.dumps(cases, indent=1))
    return sum(case["same_as_sentencepiece"] for case in cases), len(cases)
