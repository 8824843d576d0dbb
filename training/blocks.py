"""Windows as DualParal's block-steps meet them: neighbours one sampling step apart, the next block through its cache.

A window is [context of c latents, one step cleaner | block | next block, one step noisier]. The next block is run first,
with the block's last c latents as its own context, and leaves the keys and values of its first c. Noise comes from one
pool of a block and its context.
"""

import numpy as np
import torch

from domain import caption
from exact import expected_velocity
from flow import conditions, loss_weight, sigma_of
from latent_film import place, window
from transformer import ROWS_PER_LATENT, velocity

BLOCKS, CONTEXTS = (4, 8), (2, 4, 4)
FEWEST_STEPS, MOST_STEPS = 14, 30
FIRST_BLOCKS = 0.15  # Share of windows at the start of a film, which have no context on their left.
NEWEST = 0.15  # Share of windows of a block that has just been started.


def next_pool(rng, pool, block):
    """The pool [.., block + context, 12, 12] for the next block: its last `context` first, the others in any order."""
    front, others = pool[..., block:, :, :], pool[..., :block, :, :]
    return np.concatenate([front, others[..., rng.permutation(block), :, :]], axis=-3)


def pool_noise(rng, block, context, blocks):
    """Noise [16, context + blocks * block, 12, 12] of a context and the blocks after it, from one pool as in DualParal."""
    pool = rng.standard_normal((16, block + context, 12, 12), dtype=np.float32)
    parts = [pool]
    for _ in range(blocks - 1):
        pool = next_pool(rng, pool, block)
        parts.append(pool[:, context:])
    return torch.from_numpy(np.concatenate(parts, axis=1))


class BlockWindows:
    """Draws block-steps; the draw of a step depends on the seed and the step alone."""

    def __init__(self, seed, chosen):
        self.seed, self.chosen = seed, chosen

    def draw(self, step, latents):
        """About `latents` latents of windows that share the sizes of block and context."""
        rng = np.random.default_rng((self.seed, 2, step))
        block, context = int(rng.choice(BLOCKS)), int(rng.choice(CONTEXTS))
        is_first, is_newest = rng.random() < FIRST_BLOCKS, rng.random() < NEWEST
        count = max(2, latents // ((context + block) * (1 if is_newest else 2)))
        rows = []
        for _ in range(count):
            film = self.chosen[rng.integers(len(self.chosen))]
            steps = int(rng.integers(FEWEST_STEPS, MOST_STEPS + 1))
            # Half of the draws where the place is decided, in the first third of the steps.
            last = steps // 3 if rng.random() < 0.5 else steps
            done = 0 if is_newest else int(rng.integers(1, max(2, last)))
            before, own, after = (sigma_of(max(0.0, 1 - k / steps)) for k in (done + 1, done, max(0, done - 1)))
            sigma = torch.tensor([own if is_first else before] * context + [own] * block + [after] * block)
            clean = window(*film, place(rng), context + 2 * block)
            noise = pool_noise(rng, block, context, 2)
            noisy = (1 - sigma[:, None, None]) * clean + sigma[:, None, None] * noise
            rows.append((noisy, sigma, own, after, caption(*film, rng.random() < 0.6), film))
        return block, context, is_first, is_newest, rows


def wanted_of(noisy, sigma, film, own):
    """Velocity wanted of the latents `own` (a slice), given all of a window."""
    return expected_velocity(noisy, sigma, *film)[:, own]


def block_loss(model, text_encoder, batch):
    """Loss to train on, and the block-steps' errors of the velocity and noise levels."""
    block, context, is_first, is_newest, rows = batch
    text, bias = conditions(text_encoder, [row[4] for row in rows])
    noisy = torch.stack([row[0] for row in rows])
    end = context + block
    first = 0 if is_first else context
    right, parts = None, []
    if not is_newest:
        kept, level = [], torch.tensor([row[3] for row in rows])
        predicted = velocity(model, noisy[:, :, block:], level * 1000, text, bias, kept=kept)
        wanted = [wanted_of(row[0][:, block:], row[1][block:], row[5], slice(context, None)) for row in rows]
        parts.append((predicted[:, :, context:], torch.stack(wanted), level))
        cached = slice(context * ROWS_PER_LATENT, 2 * context * ROWS_PER_LATENT)
        right = [(k[:, :, cached], v[:, :, cached]) for k, v in kept]
    level = torch.tensor([row[2] for row in rows])
    predicted = velocity(model, noisy[:, :, :end], level * 1000, text, bias, right=right)
    seen = end if is_newest else noisy.shape[2]
    wanted = [wanted_of(row[0][:, :seen], row[1][:seen], row[5], slice(first, end)) for row in rows]
    parts.append((predicted[:, :, first:], torch.stack(wanted), level))
    errors = torch.cat([(p - w).square().mean(dim=(1, 2, 3, 4)) for p, w, _ in parts])
    levels = torch.cat([level for _, _, level in parts])
    return (errors * loss_weight(levels)).mean(), errors.tolist(), levels.tolist()
