"""The world of the tiny model: one object on a torus, seen at 96x96 pixels and 16 frames a second.

Objects move 4 px a frame, which is one token of the transformer (16 px) per latent frame (4 frames). At every fourth
frame the object therefore fills the same 2x2 tokens' corners, and any window of an endless film is a valid clip.
"""

import itertools

import numpy as np

SIDE = 96
CELL = 8
GRID = SIDE // CELL
STRIDE = 2  # Cells between places where an object can be at every fourth frame.
SPEED = 4  # Pixels a frame.
FRAMES_PER_SECOND = 16

SHAPES = ("circle", "square", "triangle")
COLOURS = {
    "red": (0.90, 0.10, 0.10),
    "green": (0.10, 0.70, 0.15),
    "blue": (0.12, 0.20, 0.95),
    "yellow": (0.98, 0.85, 0.05),
    "purple": (0.75, 0.15, 0.85),
    "cyan": (0.10, 0.80, 0.90),
}
BACKGROUNDS = {"dark": (0.06, 0.06, 0.10), "light": (0.93, 0.93, 0.90)}
SIZES = ("large",)
DIRECTIONS = {"right": (1, 0), "left": (-1, 0), "up": (0, -1), "down": (0, 1), "still": (0, 0)}

# Half extents in pixels: radius of the circle, half side of the square, circumradius of the triangle.
EXTENTS = {
    ("circle", "large"): 16.0, ("square", "large"): 15.0, ("triangle", "large"): 18.5,
}
SUPERSAMPLING = 4


def look_list():
    """All (shape, size, colour, background) in a fixed order."""
    return list(itertools.product(SHAPES, SIZES, COLOURS, BACKGROUNDS))


def motion_list():
    """All motions in a fixed order."""
    return list(DIRECTIONS)


def coverage(shape, size):
    """Mask [SIDE, SIDE] in 0..1 of the object centred at pixel corner (SIDE/2, SIDE/2)."""
    n = SIDE * SUPERSAMPLING
    axis = (np.arange(n) + 0.5) / SUPERSAMPLING - SIDE / 2
    x, y = axis[None, :], axis[:, None]
    r = EXTENTS[(shape, size)]
    if shape == "circle":
        inside = x * x + y * y <= r * r
    elif shape == "square":
        inside = (np.abs(x) <= r) & (np.abs(y) <= r)
    else:
        # Upright, equilateral; the middle of its height lies near the centre.
        y = y - 0.25 * r
        inside = (y <= r / 2) & (y >= -r + np.sqrt(3.0) * np.abs(x))
    blocks = inside.reshape(SIDE, SUPERSAMPLING, SIDE, SUPERSAMPLING)
    return blocks.mean(axis=(1, 3)).astype(np.float32)


def picture(look):
    """RGB [SIDE, SIDE, 3] in 0..1 of the object at the centre."""
    shape, size, colour, background = look
    mask = coverage(shape, size)[..., None]
    return mask * np.float32(COLOURS[colour]) + (1 - mask) * np.float32(BACKGROUNDS[background])


def velocity(motion):
    """Pixels per frame (x, y)."""
    dx, dy = DIRECTIONS[motion]
    return dx * SPEED, dy * SPEED


def film(look, motion, frames, start=(0, 0)):
    """Frames [frames, SIDE, SIDE, 3] in 0..1; `start` is the first frame's shift in cells (x, y)."""
    still = picture(look)
    vx, vy = velocity(motion)
    shifts = [(start[1] * CELL + vy * t, start[0] * CELL + vx * t) for t in range(frames)]
    return np.stack([np.roll(still, shift, axis=(0, 1)) for shift in shifts])


def caption(look, motion, default_said=True):
    """The sentence; a dark background is what is meant when none is said."""
    shape, _, colour, background = look
    words = ["a", colour, shape, *(["standing", "still"] if motion == "still" else ["moving", motion])]
    if background != "dark" or default_said:
        words += ["on", "a", background, "background"]
    return " ".join(words)


def held_out(look, motion):
    """One sixth of the (look, motion) pairs is never seen in training; every word occurs in the rest."""
    index = look_list().index(look) * len(motion_list()) + motion_list().index(motion)
    return (index * 7919 + 13) % 997 % 6 == 5


def pairs(held):
    """All (look, motion) pairs that are held out, or all that are not."""
    return [p for p in itertools.product(look_list(), motion_list()) if held_out(*p) == held]


WORDS = ("a", *COLOURS, *SHAPES, "moving", "standing", *DIRECTIONS, "on", *BACKGROUNDS, "background")
