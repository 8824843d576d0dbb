"""Text read in a wrong encoding: ftfy's tables as TypeScript, and texts with what ftfy and the Wan pipeline make of them.

    python3 test/golden/make/mojibake.py runner/text/mojibake-tables.ts runner/text/golden/mojibake.json

Needs ftfy (6.3.1); nothing of it is needed to run the product.
"""

import html
import json
import random
import re
import sys

import ftfy
from ftfy import badness, chardata


def compact(pattern: str) -> str:
    """A verbose regular expression without its comments and spaces, as JavaScript reads it with the flag u."""
    out, inside, i = [], False, 0
    while i < len(pattern):
        c = pattern[i]
        if c == "\\":
            pair = pattern[i : i + 2]
            word, space = r"\p{L}\p{N}_", r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
            meaning = {"\\w": word, "\\s": space}.get(pair)
            out.append(pair if meaning is None else meaning if inside else f"[{meaning}]")
            i += 2
            continue
        if inside or c == "[":
            inside = c != "]"
            out.append(c)
        elif c == "#":
            i = pattern.index("\n", i)
        elif not c.isspace():
            out.append(c)
        i += 1
    return re.sub(r"^\|+|\|+$", "", "".join(out))


def quoted(text: str) -> str:
    """A TypeScript string in ASCII."""
    return json.dumps(text)


def tables() -> str:
    lines = [
        "/**",
        " * Tables of ftfy 6.3.1 (Robyn Speer, Apache-2.0), written by `test/golden/make/mojibake.py`: do not edit.",
        " */",
        "",
        "/** Finds characters beside each other that are seldom meant: sources of regular expressions, with the flag u. */",
        f"export const BAD = {quoted(compact(badness.BADNESS_RE.pattern))};",
        "/** Finds what looks like UTF-8 that was read in an encoding of one byte per character. */",
        f"export const UTF8_LIKE = {quoted(compact(chardata.UTF8_DETECTOR_RE.pattern))};",
        "",
        "/** Encodings of one byte per character, in the order in which they are tried: the characters of the bytes from 0x80 on. */",
        "export const ENCODINGS: readonly (readonly [name: string, upperHalf: string])[] = [",
    ]
    for name in chardata.CHARMAP_ENCODINGS:
        lines.append(f"  [{quoted(name)}, {quoted(bytes(range(0x80, 0x100)).decode(name))}],")
    return "\n".join([*lines, "];", ""])


SENTENCES = [
    "schön", "ein schöner Morgen in Köln, größer als früher", "café au lait, déjà vu à Paris", "voilà le travail",
    "El Niño, ¿qué pasó? ¡Olé!", "“quoted” — and ‘single’… €5", "naïve façade œuvre cœur", "Zażółć gęślą jaźń",
    "Příliš žluťoučký kůň", "İstanbul'da güneş ışığı", "Привет, мир! Ёлка", "Γειά σου Κόσμε", "日本の夜景、雨",
    "一只红色的圆在移动", "안녕하세요 세계", "مرحبا بالعالم", "שלום עולם", "नमस्ते दुनिया", "😀 a cat 🐈 on the moon 🌕", "✔ done",
    "30 °C ± 2, 5 × 3 = 15, ½ + ¼", "© 2024 ™ ®", "Ārija dzīvo Rīgā, ļoti", "a red circle moving right", "Ñandú", "à la carte",
    "ÅÄÖ åäö", "l'été, où l'âme", "Ø Æ å ø", "¥100 £5 ¢", "ﬁlm ﬂow", "÷ ≠ ≤ ∞", "ŠĐČĆŽ šđčćž", "ÁÉÍÓÚ áéíóú ñ",
]
GOOD = [
    "Ã", "Â", "À propos", "RÉSUMÉ", "Österreich", "¡Ándale!", "a Â b", "PARÍS", "ÉCOLE «à gauche»", "(ò_ó)", "ಠ_ಠ", "°º¤ø,¸¸,ø¤º°`°º¤ø",
    "│┌┐┘├┤", "Straße № 5", "50 €", "x² + y³", "µm", "Ð Þ ð þ", "ÅNGSTRÖM", "œuvre", "Œ", "â", "â€", "Ã©", "THE Ã… LETTER",
]


def misread(rng: random.Random, text: str) -> str:
    """Writes in UTF-8 and reads in something else, once or twice, sometimes losing what cannot be read."""
    for _ in range(rng.choice([1, 1, 1, 2])):
        wrong = rng.choice(chardata.CHARMAP_ENCODINGS)
        text = text.encode("utf-8", "surrogatepass").decode(wrong)
    damage = rng.random()
    if damage < 0.1:
        text = text.replace("\xa0", " ")
    elif damage < 0.15:
        text = re.sub("[\x80-\x9f]", "\ufffd", text)
    elif damage < 0.2:
        text = html.escape(text)
    return text


def basic_clean(text: str) -> str:
    """As diffusers.pipelines.wan.pipeline_wan: prompt_clean."""
    text = html.unescape(html.unescape(ftfy.fix_text(text))).strip()
    return re.sub(r"\s+", " ", text).strip()


def cases() -> list[list[str]]:
    rng = random.Random(20_260_101)
    texts = [*SENTENCES, *GOOD]
    for sentence in SENTENCES:
        texts += [misread(rng, sentence) for _ in range(10)]
        texts += [f"{rng.choice(SENTENCES)} {misread(rng, sentence)}" for _ in range(3)]
    pool = "".join(chardata.UTF8_CLUES.values()).replace("-", "") + "ÂÃâ€œ” abc \n"
    texts += ["".join(rng.choice(pool) for _ in range(rng.randrange(1, 12))) for _ in range(400)]
    seen = {text: None for text in texts if "\ud800" > max(text, default="") or max(text) > "\udfff"}
    return [[text, ftfy.fix_encoding(text), basic_clean(text)] for text in seen]


if __name__ == "__main__":
    table_file, case_file = sys.argv[1:]
    with open(table_file, "w", encoding="utf-8") as file:
        file.write(tables())
    with open(case_file, "w", encoding="utf-8") as file:
        rows = ",\n".join(json.dumps(case) for case in cases())
        file.write(f"[\n{rows}\n]\n")
