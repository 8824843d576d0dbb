"""Windows of latents, the flow-matching loss, a sampler and a judge of latents."""

import numpy as np
import torch

from domain import DIRECTIONS, GRID, STRIDE, caption, pairs
from exact import expected_velocity
from latent_film import LOOKS, MOTIONS, TEMPLATES, cells_per_latent, place, window
from tokenizer import encode
from transformer import padding_bias, text_rows, trail_targets, velocity

SHIFT = 3.0
STEP = 1 / 30
CAPTION_DROPOUT = 0.1


def tokens(captions):
    """ids and mask [B, L]."""
    rows = [encode(c) if c is not None else [1] for c in captions]
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
    return ids, (ids > 0).long()


def conditions(text_encoder, captions):
    """Text rows and padding bias of captions (None: no caption)."""
    ids, mask = tokens(captions)
    return text_rows(text_encoder, ids, mask), padding_bias(mask)


def sigma_of(u):
    return SHIFT * u / (1 + (SHIFT - 1) * u)


class Windows:
    """Draws training windows; the draw of a step depends on the seed and the step alone."""

    def __init__(self, seed, chosen):
        self.seed, self.chosen = seed, chosen

    def draw(self, step, count, frames, anchored_share):
        rng = np.random.default_rng((self.seed, step))
        picked = [self.chosen[i] for i in rng.integers(len(self.chosen), size=count)]
        captions, clean, films, steps = [], [], [], []
        for look, motion in picked:
            said = caption(look, motion, rng.random() < 0.6)
            captions.append(None if rng.random() < CAPTION_DROPOUT else said)
            steps.append([c // STRIDE for c in cells_per_latent(motion)])
            clean.append(window(look, motion, place(rng), frames))
            films.append(None if captions[-1] is None else (look, motion))
        u, weight, level = np.zeros((count, frames)), np.ones((count, frames)), np.zeros(count)
        for i in range(count):
            if rng.random() < anchored_share:
                # Some latents nearly clean, the others nearly noise: only another latent and the caption tell the place.
                level[i] = rng.uniform(0.6, 1.0)
                u[i] = level[i]
                anchors = rng.choice(frames, size=rng.integers(1, min(3, frames)), replace=False)
                u[i, anchors] = rng.uniform(0.0, 0.25)
                weight[i, anchors] = 0.0
            else:
                level[i] = rng.uniform(0.0, 1.0) if rng.random() < 0.6 else rng.uniform(0.55, 1.0)
                u[i] = level[i]
                # DualParal's neighbours: the first latents about a step cleaner, the last ones about a step noisier.
                if rng.random() < 0.6:
                    gap = STEP * rng.uniform(0.5, 3.0)
                    u[i, : rng.integers(0, 5)] -= gap
                    last = rng.integers(0, 5)
                    u[i, frames - last:] += gap
        sigma = torch.from_numpy(sigma_of(u.clip(1e-3, 1.0))).float()[:, None, :, None, None]
        noise = torch.from_numpy(rng.standard_normal((count, *clean[0].shape), dtype=np.float32))
        level = torch.from_numpy(sigma_of(level.clip(1e-3, 1.0))).float()
        clean = torch.stack(clean)
        noisy = (1 - sigma) * clean + sigma * noise
        wanted = wanted_velocity(noisy, sigma, clean, noise, films)
        return noisy, wanted, level, torch.from_numpy(weight).float(), captions, torch.tensor(steps)


def wanted_velocity(noisy, sigma, clean, noise, films):
    """Mean of noise - clean given what the model sees; without a caption the one that was drawn.

    noisy, clean and noise [B, 16, F, 12, 12], sigma [B, 1, F, 1, 1], films (look, motion) or None.
    """
    wanted = noise - clean
    for i, film in enumerate(films):
        if film is not None:
            wanted[i] = expected_velocity(noisy[i], sigma[i, 0, :, 0, 0], *film)
    return wanted


def loss_of(model, text_encoder, batch, trail_weight=0.0):
    """Loss to train on, the windows' errors of the velocity and noise levels, and the trail's loss (0 if not asked for)."""
    noisy, wanted, level, weight, captions, steps = batch
    targets, taught = None, []
    if trail_weight > 0:
        targets = trail_targets(steps, noisy.shape[2], GRID // 2, GRID // 2)
    predicted = velocity(model, noisy, level * 1000, *conditions(text_encoder, captions), targets, taught)
    error = (predicted - wanted).square().mean(dim=(1, 3, 4))
    each = (error * weight).sum(1) / weight.sum(1)
    loss = (each * loss_weight(level)).mean()
    trail = 0.0
    if taught:
        said = torch.tensor([c is not None for c in captions])
        trail = torch.stack(taught).mean(dim=0)[said].mean() if said.any() else 0.0
        loss = loss + trail_weight * trail
    return loss, each.tolist(), level.tolist(), float(torch.as_tensor(trail).detach())


def loss_weight(level):
    """An error of the velocity counts as the error of the clean latents that it makes."""
    return level.square().clamp(min=0.05)


@torch.no_grad()
def sample(model, text_encoder, captions, frames, steps, seed, guidance=1.0):
    """Plain Euler sampling, latents [B, 16, frames, 12, 12]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(captions), 16, frames, GRID, GRID, generator=generator)
    sigmas = [sigma_of(1 - i / steps) for i in range(steps)] + [0.0]
    sets = [captions] if guidance == 1.0 else [captions, [None] * len(captions)]
    prepared = [conditions(text_encoder, c) for c in sets]
    for now, then in zip(sigmas, sigmas[1:]):
        t = torch.full((len(captions),), now * 1000)
        v = [velocity(model, x, t, *p) for p in prepared]
        v = v[0] if len(v) == 1 else v[1] + guidance * (v[0] - v[1])
        x = x + (then - now) * v
    return x


# Every look at every place, for matching: [looks * GRID * GRID, 16 * GRID * GRID] would be 83 MB, so rolls are done
# by correlation in the frequency domain instead.
SPECTRA = torch.fft.fft2(TEMPLATES)
ENERGY = TEMPLATES.square().sum(dim=(1, 2, 3))


def match(latents):
    """[B, 16, F, H, W] -> best look [B, F], place (x, y) in cells [B, F, 2] and relative squared distance [B, F]."""
    b, c, f, h, w = latents.shape
    frames = latents.transpose(1, 2).reshape(b * f, c, h, w)
    spectrum = torch.fft.fft2(frames)
    correlation = torch.fft.ifft2(torch.einsum("nchw,kchw->nkhw", spectrum, SPECTRA.conj())).real
    distance = frames.square().sum(dim=(1, 2, 3))[:, None, None, None] + ENERGY[:, None, None] - 2 * correlation
    best = distance.flatten(1).argmin(dim=1)
    look = best // (h * w)
    place = torch.stack((best % w, best % (h * w) // w), dim=-1)
    least = distance.flatten(1).min(dim=1).values / ENERGY[look]
    return look.reshape(b, f), place.reshape(b, f, 2), least.reshape(b, f)


def judge_latents(latents, wanted):
    """Shares of right frames (shape, size, colour, background) and of right steps (motion), and of whole clips."""
    look, place, distance = match(latents)
    result = {key: 0.0 for key in ("shape", "size", "colour", "background", "step", "direction", "clip")}
    for i, (wanted_look, motion) in enumerate(wanted):
        got = [LOOKS[k] for k in look[i].tolist()]
        for key, at in (("shape", 0), ("size", 1), ("colour", 2), ("background", 3)):
            result[key] += np.mean([g[at] == wanted_look[at] for g in got])
        moved = (place[i, 1:] - place[i, :-1] + GRID // 2) % GRID - GRID // 2
        right = (moved == torch.tensor(cells_per_latent(motion))).all(dim=-1)
        result["step"] += right.float().mean().item()
        mean = moved.float().mean(dim=0).tolist()
        axis = 0 if abs(mean[0]) > abs(mean[1]) else 1
        signs = [0, 0]
        if abs(mean[axis]) > 0.5:
            signs[axis] = 1 if mean[axis] > 0 else -1
        result["direction"] += tuple(signs) == DIRECTIONS[motion]
        result["clip"] += bool(right.all()) and all(g == wanted_look for g in got)
    result = {key: float(value) / len(wanted) for key, value in result.items()}
    result["distance"] = distance.mean().item()
    return result


def trial_pairs(count, seed, held):
    """`count` pairs, motions in turn."""
    rng = np.random.default_rng(seed)
    pool = pairs(held)
    chosen = []
    for i in range(count):
        fitting = [p for p in pool if p[1] == MOTIONS[i % len(MOTIONS)]] or pool
        chosen.append(fitting[rng.integers(len(fitting))])
    return chosen
