"""The latent code: a fixed linear code of each 8x8 pixel cell's colours and object mask, which the VAE's two halves are trained to speak.

Latent j describes frame 4j and nothing else, so the first latent has the statistics of every other one and a window
cut from the middle of a film is like one from its start. The decoder renders the frames between from two latents.
"""

import numpy as np

from domain import CELL, GRID, coverage, look_list, picture

CHANNELS = 16
# Root mean square of the code. Below 1 the object's place is decided over more of the sampler's steps.
SCALE = 0.6


# How much more a pixel's belonging to the object counts than its colour. It makes the object's place the loudest part of
# the code, the same for all colours, so that it is decided first.
OBJECT_WEIGHT = 2.0


def cells_of(image):
    """[H, W, n] -> [H/8, W/8, 64 n]."""
    rows, columns = image.shape[0] // CELL, image.shape[1] // CELL
    blocks = image.reshape(rows, CELL, columns, CELL, -1).transpose(0, 2, 1, 3, 4)
    return blocks.reshape(rows, columns, -1)


def layers_of(look):
    """The picture's colours and the object's mask [SIDE, SIDE, 4]."""
    mask = coverage(look[0], look[1])[..., None]
    return np.concatenate([picture(look), OBJECT_WEIGHT * mask], axis=2)


def make_code():
    """mean [256] and basis [256, 16] with code = (cell - mean) @ basis: principal components, half whitened."""
    looks = np.stack([cells_of(layers_of(look)) for look in look_list()]).astype(np.float64)
    flat = looks.reshape(-1, looks.shape[-1])
    mean = flat.mean(axis=0)
    _, singular, axes = np.linalg.svd(flat - mean, full_matrices=False)
    axes = axes[:CHANNELS] * np.sign(axes[:CHANNELS, :1] + 1e-12)
    deviation = singular[:CHANNELS] / np.sqrt(len(flat))
    basis = axes.T / np.sqrt(deviation)
    code = (flat - mean) @ basis
    basis *= SCALE / np.sqrt((code * code).mean())
    kept = (singular[:CHANNELS] ** 2).sum() / (singular ** 2).sum()
    return mean.astype(np.float32), basis.astype(np.float32), kept


def templates():
    """Latents [looks, 16, 12, 12] of every look at the centre; a shift by cells is a roll."""
    mean, basis, _ = make_code()
    code = np.stack([(cells_of(layers_of(look)) - mean) @ basis for look in look_list()])
    return np.ascontiguousarray(code.transpose(0, 3, 1, 2))


if __name__ == "__main__":
    _, _, kept_share = make_code()
    z = templates()
    print("kept", kept_share, "shape", z.shape, "channel rms", np.sqrt((z * z).mean(axis=(0, 2, 3))).round(2))
    print("largest", np.abs(z).max(), "cells", GRID)
    # Distinctness: smallest distance between two looks.
    flat_z = z.reshape(len(z), -1)
    d = ((flat_z[:, None] - flat_z[None]) ** 2).sum(-1) + 1e9 * np.eye(len(z))
    i = np.unravel_index(d.argmin(), d.shape)
    print("closest", np.sqrt(d.min()), look_list()[i[0]], look_list()[i[1]])
    # Energy of the place: distance to the own roll by one cell.
    for name, s in (("one cell", 1), ("far", 6)):
        e = np.sqrt(((z - np.roll(z, s, axis=3)) ** 2).sum((1, 2, 3)))
        print(name, e.min().round(2), np.median(e).round(2), e.max().round(2))
