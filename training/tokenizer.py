"""A Unigram tokenizer with the grammar's words stated as pieces; every other word falls back to single characters."""

import json
import pathlib
import string

from domain import WORDS

PAD, END, UNKNOWN = 0, 1, 2
WORD_SCORE, CHARACTER_SCORE = -3.0, -12.0


def vocabulary():
    """Pieces in id order with their log-frequencies."""
    words = [("▁" + word, WORD_SCORE) for word in dict.fromkeys(WORDS)]
    characters = [(c, CHARACTER_SCORE) for c in "▁" + string.ascii_lowercase + string.digits + ".,-"]
    return [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *words, *characters]


def encode(caption):
    """Token ids of a caption made of the grammar's words, end token included."""
    ids = {piece: i for i, (piece, _) in enumerate(vocabulary())}
    return [ids["▁" + word] for word in caption.split()] + [END]


def write(folder):
    """Writes tokenizer.json and tokenizer_config.json in the stock layout."""
    special = [
        {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True}
        for i, content in enumerate(("<pad>", "</s>", "<unk>"))
    ]
    end = {"SpecialToken": {"id": "</s>", "type_id": 0}}
    document = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, end],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}, end],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [END], "tokens": ["</s>"]}}},
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {"type": "Unigram", "unk_id": UNKNOWN, "byte_fallback": False,
                  "vocab": [[piece, score] for piece, score in vocabulary()]},
    }
    settings = {"backend": "tokenizers", "eos_token": "</s>", "model_max_length": 512, "pad_token": "<pad>",
                "tokenizer_class": "TokenizersBackend", "unk_token": "<unk>"}
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
