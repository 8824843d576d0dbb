"""Training on the model's own films: states of its own sampling, with the exact denoiser's answer to them.

True noisy films never show what a sampler gets into: two places half decided side by side. Here the model samples, sees
its own states, and is told what the evidence of the whole window says.
"""

import numpy as np
import torch

from blocks import BLOCKS, CONTEXTS, FEWEST_STEPS, MOST_STEPS, next_pool, wanted_of
from domain import GRID, caption
from exact import expected_velocity
from flow import conditions, loss_weight, sigma_of
from transformer import ROWS_PER_LATENT, velocity

DECIDED = 0.35  # Share of the steps, from the end, that is left out: the place is long decided.
TAUGHT = 0.4  # Share of a film's states that are trained on.


def film_of(rng, chosen):
    """A caption and what it says (look, motion)."""
    look, motion = chosen[rng.integers(len(chosen))]
    return caption(look, motion, rng.random() < 0.6), (look, motion)


def sampled_loss(model, text_encoder, chosen, seed, step):
    """Backward pass over states of plain films that the model samples; their errors of the velocity and noise levels."""
    rng = np.random.default_rng((seed, 3, step))
    frames = int(rng.choice([8, 12, 16, 21]))
    captions, films = zip(*(film_of(rng, chosen) for _ in range(max(1, 32 // frames))))
    x = torch.from_numpy(rng.standard_normal((len(films), 16, frames, GRID, GRID), dtype=np.float32))
    steps = int(rng.integers(8, 21))
    used = int((1 - DECIDED) * steps)
    taught = rng.random(used) < min(TAUGHT, 4 / used)
    taught[rng.integers(used)] = True
    errors, levels = [], []
    for s in range(used):
        now, then = sigma_of(1 - s / steps), sigma_of(1 - (s + 1) / steps)
        level = torch.full((len(films),), now)
        with torch.set_grad_enabled(bool(taught[s])):
            v = velocity(model, x, level * 1000, *conditions(text_encoder, captions))
        if taught[s]:
            sigma = torch.full((frames,), now)
            wanted = torch.stack([expected_velocity(z, sigma, *film) for z, film in zip(x, films)])
            error = (v - wanted).square().mean(dim=(1, 2, 3, 4))
            ((error * loss_weight(level)).mean() / taught.sum()).backward()
            errors += error.tolist()
            levels += level.tolist()
        x = x + (then - now) * v.detach()
    return errors, levels


class Queue:
    """An endless DualParal run of one film after another; every iteration of it teaches some of its block-steps.

    It is not part of a saved state: training that goes on starts a new film.
    """

    def __init__(self, chosen, seed):
        self.chosen, self.rng = chosen, np.random.default_rng((seed, 4))
        self.start_film()

    def start_film(self):
        rng = self.rng
        self.caption, self.film = film_of(rng, self.chosen)
        self.block, self.context = int(rng.choice(BLOCKS)), int(rng.choice(CONTEXTS))
        self.steps = int(rng.integers(FEWEST_STEPS, MOST_STEPS + 1))
        self.blocks = int(rng.integers(4, 20))
        self.started, self.queue, self.last = 0, [], None
        self.pool = rng.standard_normal((1, 16, self.block + self.context, GRID, GRID), dtype=np.float32)

    def start_block(self):
        if self.started > 0:
            self.pool = next_pool(self.rng, self.pool, self.block)
        first = 0 if self.started == 0 else self.context
        self.queue.append([0, torch.from_numpy(self.pool[:, :, first:].copy())])
        self.started += 1

    def iterate(self, model, text_encoder):
        """Backward pass over some block-steps; the errors of the velocity and the noise levels."""
        if self.started < self.blocks:
            self.start_block()
        early = [q for q, (done, _) in enumerate(self.queue) if done < (1 - DECIDED) * self.steps]
        taught = set(self.rng.permutation(early)[:4].tolist())
        cache, after, errors, levels = [], None, [], []
        for q in range(len(self.queue) - 1, -1, -1):
            done, own = self.queue[q]
            now, then = (sigma_of(1 - k / self.steps) for k in (done, done + 1))
            left = self.queue[q - 1][1] if q > 0 else self.last
            x = own if left is None else torch.cat([left[:, :, -self.context:], own], dim=2)
            kept, level = [], torch.tensor([now])
            with torch.set_grad_enabled(q in taught):
                text, bias = conditions(text_encoder, [self.caption])
                v = velocity(model, x, level * 1000, text, bias, right=cache, kept=kept)[:, :, -own.shape[2]:]
            if q in taught:
                wanted = self.wanted(x, own, then if left is not None else now, now, after)
                error = (v - wanted).square().mean()
                (error * loss_weight(level[0]) / len(taught)).backward()
                errors.append(error.item())
                levels.append(now)
            first = (x.shape[2] - self.block) * ROWS_PER_LATENT
            cached = slice(first, first + self.context * ROWS_PER_LATENT)
            cache = [(k[:, :, cached].detach(), w[:, :, cached].detach()) for k, w in kept]
            after = own, now
            self.queue[q] = [done + 1, own + (then - now) * v.detach()]
        if self.queue[0][0] == self.steps:
            self.last = self.queue.pop(0)[1]
        # What follows the last decided block repeats itself, so the film ends there.
        if self.started == self.blocks and (not self.queue or self.queue[-1][0] >= (1 - DECIDED) * self.steps):
            self.start_film()
        return errors, levels

    def wanted(self, x, own, left_level, now, after):
        """What the evidence of context, block and next block says of the block's velocity."""
        first = x.shape[2] - own.shape[2]
        levels = [left_level] * first + [now] * own.shape[2]
        if after is not None:
            x = torch.cat([x, after[0]], dim=2)
            levels += [after[1]] * after[0].shape[2]
        return wanted_of(x[0], torch.tensor(levels), self.film, slice(first, first + own.shape[2]))[None]
