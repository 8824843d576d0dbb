"""Writes the world file that goes with the tiny model, from what its films are drawn and judged by.

Usage: python test/trial/world.py > models/tiny/world.json
"""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "training"))

import domain  # noqa: E402
import judge  # noqa: E402

WORLD = {
    "side": domain.SIDE,
    "speedPixelsPerFrame": domain.SPEED,
    "gridPixels": domain.CELL * domain.STRIDE,
    "backgrounds": domain.BACKGROUNDS,
    "colours": domain.COLOURS,
    "shapes": {
        shape: {size: domain.EXTENTS[(shape, size)] for size in domain.SIZES} for shape in domain.SHAPES
    },
    "directions": domain.DIRECTIONS,
    "limits": {
        "objectDistance": judge.OBJECT_DISTANCE,
        "colour": judge.COLOUR_LIMIT,
        "background": judge.BACKGROUND_LIMIT,
        "overlap": judge.OVERLAP_LIMIT,
        "leastAreaPixels": judge.LEAST_AREA,
        "stepPixels": judge.STEP_LIMIT,
        "stillPixels": judge.STILL_LIMIT,
    },
    "heldOut": [domain.caption(*pair) for pair in domain.pairs(True)],
}

if __name__ == "__main__":
    # Colours and directions on one line each.
    text = json.dumps(WORLD, indent=2)
    print(re.sub(r"\[[\s\d.,-]+\]", lambda numbers: " ".join(numbers[0].split()).replace("[ ", "[").replace(" ]", "]"), text))
