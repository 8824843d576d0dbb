"""The exact denoiser of the world: with look and motion known, a film is one of 36 places, and which is plain arithmetic.

Trained towards it, the transformer sees no scatter of the places that were not drawn, at high noise most of the target.
"""

import torch

from domain import GRID, STRIDE
from latent_film import window

SIDE_PLACES = GRID // STRIDE


def candidates(look, motion, frames):
    """Latents [36, 16, frames, 12, 12] of a film from every place."""
    places = [(STRIDE * x, STRIDE * y) for y in range(SIDE_PLACES) for x in range(SIDE_PLACES)]
    return torch.stack([window(look, motion, place, frames) for place in places])


def expected_clean(noisy, sigma, look, motion):
    """Mean of the clean latents [16, F, 12, 12] given noisy ones [16, F, 12, 12] at noise levels sigma [F].

    Every place has the same energy (a film is rolled), so only the products with the candidates decide.
    """
    films = candidates(look, motion, noisy.shape[1])
    level = sigma.clamp(min=1e-2)
    evidence = torch.einsum("cfhw,kcfhw,f->k", noisy, films, (1 - sigma) / level.square())
    return torch.einsum("k,kcfhw->cfhw", evidence.softmax(dim=0), films)


def expected_velocity(noisy, sigma, look, motion):
    """Mean of noise - clean given noisy latents, shapes as above."""
    mean = expected_clean(noisy, sigma, look, motion)
    return (noisy - mean) / sigma[:, None, None].clamp(min=1e-2)
