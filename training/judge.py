"""The judge of films: background, colour, shape, size and motion of the object, from pixels alone.

Plain arithmetic on arrays, so that it can be restated in another language. Colours are 0..1, distances Euclidean.
T frames, SIDE x SIDE pixels.
"""

import numpy as np

from domain import BACKGROUNDS, COLOURS, DIRECTIONS, SHAPES, SIDE, SIZES, coverage, film, pairs, velocity

OBJECT_DISTANCE = 0.30  # A pixel this far from the background's colour belongs to the object.
COLOUR_LIMIT = 0.20  # The object's median colour must be this near the wanted one.
BACKGROUND_LIMIT = 0.12
OVERLAP_LIMIT = 0.75  # Intersection over union with the best fitting mask.
LEAST_AREA = 60  # Pixels; fewer is no object.
STEP_LIMIT = 1.0  # Pixels a frame's step may differ from the wanted one.
STILL_LIMIT = 0.5  # Pixels a frame; a slower mean motion is no motion.


def centre(mask):
    """Circular mean of the mask's pixels on the torus (x, y), or None without enough pixels."""
    if mask.sum() < LEAST_AREA:
        return None
    angle = 2 * np.pi * (np.arange(SIDE) + 0.5) / SIDE
    place = []
    for counts in (mask.sum(axis=0), mask.sum(axis=1)):
        s, c = float((counts * np.sin(angle)).sum()), float((counts * np.cos(angle)).sum())
        place.append((np.arctan2(s, c) / (2 * np.pi) * SIDE) % SIDE)
    return tuple(place)


def centred(mask, place):
    """The mask moved (whole pixels, on the torus) so that `place` comes to the middle."""
    dx, dy = (int(np.floor(SIDE / 2 - p + 0.5)) for p in place)
    return np.roll(mask, (dy, dx), axis=(0, 1))


def reference_masks():
    kinds = [(shape, size) for shape in SHAPES for size in SIZES]
    masks = [coverage(shape, size) >= 0.5 for shape, size in kinds]
    return kinds, [centred(m, centre(m)) for m in masks]


KINDS, MASKS = reference_masks()


def judge_frame(frame):
    """Background word or None, median colour or None, (shape, size) or None, place or None."""
    flat = frame.reshape(-1, 3)
    background, share = None, 0
    for word, colour in BACKGROUNDS.items():
        count = (np.sqrt(((flat - np.array(colour)) ** 2).sum(axis=1)) < BACKGROUND_LIMIT).sum()
        if count > share:
            background, share = word, count
    if background is None or share < SIDE * SIDE / 4:
        return None, None, None, None
    distance = np.sqrt(((frame - np.array(BACKGROUNDS[background])) ** 2).sum(axis=2))
    mask = distance > OBJECT_DISTANCE
    place = centre(mask)
    if place is None:
        return background, None, None, None
    colour = np.median(frame[mask], axis=0)
    moved = centred(mask, place)
    best, kind = 0.0, None
    for candidate, reference in zip(KINDS, MASKS):
        overlap = (moved & reference).sum() / (moved | reference).sum()
        if overlap > best:
            best, kind = overlap, candidate
    return background, colour, kind if best >= OVERLAP_LIMIT else None, place


def motion_class(steps):
    """Direction of the mean step, or None where neither axis leads."""
    x, y = steps.mean(axis=0)
    if max(abs(x), abs(y)) < STILL_LIMIT:
        return "still"
    if min(abs(x), abs(y)) > 0.5 * max(abs(x), abs(y)):
        return None
    axis = (np.sign(x), 0) if abs(x) > abs(y) else (0, np.sign(y))
    return next(name for name, d in DIRECTIONS.items() if d == axis)


def judge_film(frames, look, motion):
    """Frames [T, SIDE, SIDE, 3] in 0..1. Shares of right frames, share of right steps, and verdicts of the motion."""
    shape, size, colour, background = look
    seen = [judge_frame(f) for f in frames]
    wanted = np.array(COLOURS[colour])
    right = {
        "background": [s[0] == background for s in seen],
        "colour": [s[1] is not None and np.sqrt(((s[1] - wanted) ** 2).sum()) < COLOUR_LIMIT for s in seen],
        "shape": [s[2] is not None and s[2][0] == shape for s in seen],
        "size": [s[2] is not None and s[2][1] == size for s in seen],
    }
    steps = []
    for a, b in zip(seen, seen[1:]):
        if a[3] is None or b[3] is None:
            steps.append((np.nan, np.nan))
        else:
            steps.append(tuple((q - p + SIDE / 2) % SIDE - SIDE / 2 for p, q in zip(a[3], b[3])))
    steps = np.array(steps)
    known = ~np.isnan(steps).any(axis=1)
    near = (np.abs(steps - np.array(velocity(motion))) <= STEP_LIMIT).all(axis=1)
    direction = motion_class(steps[known]) if known.sum() >= len(steps) / 2 else None
    result = {key: float(np.mean(value)) for key, value in right.items()}
    result["step"] = float(near.mean())
    result["direction"] = float(direction == motion)
    result["good"] = float(all(result[k] >= 0.9 for k in ("background", "colour", "shape", "size", "step")))
    return result


def judge_films(films, wanted):
    """Mean of every figure over the films."""
    results = [judge_film(f, *w) for f, w in zip(films, wanted)]
    return {key: float(np.mean([r[key] for r in results])) for key in results[0]}


if __name__ == "__main__":
    rng = np.random.default_rng(3)
    pool = pairs(True) + pairs(False)
    chosen = [pool[i] for i in rng.choice(len(pool), 60, replace=False)]
    films = [film(*c, 81, tuple(2 * rng.integers(6, size=2))) for c in chosen]
    print("true clips", judge_films(films, chosen))
    wrong = chosen[1:] + chosen[:1]
    print("captions exchanged", judge_films(films, wrong))
