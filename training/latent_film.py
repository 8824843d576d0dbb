"""Latents of true films: the world moves by whole cells, so a window of a film is a look rolled along its motion."""

import torch

from domain import GRID, STRIDE, look_list, motion_list, velocity
from latent_code import templates

LOOKS, MOTIONS = look_list(), motion_list()
TEMPLATES = torch.from_numpy(templates()).float()


def cells_per_latent(motion):
    vx, vy = velocity(motion)
    return vx * 4 // 8, vy * 4 // 8


def window(look, motion, start, frames):
    """Latents [16, frames, 12, 12]; `start` (x, y) in cells."""
    vx, vy = cells_per_latent(motion)
    t = torch.arange(frames)
    grid = torch.arange(GRID)
    rows = (grid[None, :] - start[1] - vy * t[:, None]) % GRID
    columns = (grid[None, :] - start[0] - vx * t[:, None]) % GRID
    return TEMPLATES[LOOKS.index(look)][:, rows[:, :, None], columns[:, None, :]]


def place(rng):
    """A shift (x, y) in cells at which an object can be."""
    return STRIDE * rng.integers(GRID // STRIDE, size=2)
