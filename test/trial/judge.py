"""The training's own judge over films of RGB24: reads a list of {frames, side, look, motion} as JSON, writes its figures.

`frames` is base64; run by judge.test.ts.
"""

import base64
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "training"))

from judge import judge_film  # noqa: E402


def read(film):
    pixels = np.frombuffer(base64.b64decode(film["frames"]), np.uint8)
    return pixels.reshape(-1, film["side"], film["side"], 3) / 255


json.dump([judge_film(read(film), film["look"], film["motion"]) for film in json.load(sys.stdin)], sys.stdout)
