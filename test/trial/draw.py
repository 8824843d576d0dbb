"""The training's own pictures as RGB24: reads a list of what they show as JSON, writes base64; run by judge.test.ts."""

import base64
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "training"))

from domain import picture  # noqa: E402


def draw(wanted):
    image = picture((wanted["shape"], wanted["size"], wanted["colour"], wanted["background"])).astype(np.float64)
    return base64.b64encode(np.rint(255 * image).astype(np.uint8).tobytes()).decode()


json.dump([draw(wanted) for wanted in json.load(sys.stdin)], sys.stdout)
