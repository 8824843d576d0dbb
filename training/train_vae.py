"""Trains the VAE's two halves on the latent code: the decoder to render it, the encoder to read it. Resumable.

Usage: python train_vae.py --state FOLDER [--half decoder|encoder] [--steps N]
"""

import argparse
import copy
import math
import pathlib
import time

import numpy as np
import torch

from domain import BACKGROUNDS, CELL, GRID, look_list, picture, velocity as pixel_velocity
from latent_film import LOOKS, MOTIONS, TEMPLATES, cells_per_latent, place
from train_transformer import save
from vae import decode, encode, keep_frozen, make_vae, start_weights

SEED = 12
RATE = 4e-3
STEPS = {"decoder": 2000, "encoder": 500}
WARM_UP = 50
LATENTS_PER_STEP = 8
SAVE_EVERY_S = 60
PICTURES = torch.from_numpy(np.stack([picture(look) for look in look_list()])).permute(0, 3, 1, 2) * 2 - 1


def rolled(stack, look, x, y):
    return torch.roll(stack[look], (int(y), int(x)), dims=(1, 2))


def draw(rng, count, crop_cells, first):
    """Latents before and now, and the frames between [count, 4 or 1, 3, H, W]: crops round the object's place."""
    before, now, frames = [], [], []
    for _ in range(count):
        look, motion = int(rng.integers(len(LOOKS))), MOTIONS[rng.integers(len(MOTIONS))]
        x, y = place(rng)
        cx, cy = cells_per_latent(motion)
        vx, vy = pixel_velocity(motion)
        shown = [rolled(PICTURES, look, x * CELL + vx * t, y * CELL + vy * t) for t in ((0,) if first else (-3, -2, -1, 0))]
        left, top = ((x if crop_cells < GRID else 0), (y if crop_cells < GRID else 0))
        # The object is centred in the template: a crop of it starts near half the picture.
        left = (left + 6 - crop_cells // 2 + rng.integers(-3, 4)) % GRID if crop_cells < GRID else 0
        top = (top + 6 - crop_cells // 2 + rng.integers(-3, 4)) % GRID if crop_cells < GRID else 0

        def cut(image, unit):
            image = torch.roll(image, (-int(top) * unit, -int(left) * unit), dims=(1, 2))
            return image[:, : crop_cells * unit, : crop_cells * unit]

        now.append(cut(rolled(TEMPLATES, look, x, y), 1))
        before.append(cut(rolled(TEMPLATES, look, x - cx, y - cy), 1))
        frames.append(torch.stack([cut(f, CELL) for f in shown]))
    return torch.stack(before), torch.stack(now), torch.stack(frames)


BACKGROUND_COLOURS = torch.tensor(list(BACKGROUNDS.values()))[:, :, None, None] * 2 - 1


def near_object(frames):
    """Weight 4 within about 3 px of the object, else 1 [.., 1, H, W]."""
    flat = frames.flatten(0, 1)
    off = (flat[:, None] - BACKGROUND_COLOURS).abs().sum(dim=2).amin(dim=1, keepdim=True) > 0.1
    near = torch.nn.functional.max_pool2d(off.float(), 7, stride=1, padding=3)
    return (1 + 3 * near).reshape(*frames.shape[:2], 1, *frames.shape[3:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=pathlib.Path, required=True)
    parser.add_argument("--half", choices=("decoder", "encoder"), default="decoder")
    parser.add_argument("--steps", type=int, help="2000 for the decoder, 500 for the encoder")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    steps = args.steps or STEPS[args.half]
    torch.set_num_threads(args.threads)
    args.state.mkdir(parents=True, exist_ok=True)
    path = args.state / f"{args.half}.pt"
    vae = make_vae()
    start_weights(vae, SEED)
    vae = vae.to(memory_format=torch.contiguous_format)
    half = getattr(vae, args.half)
    average = copy.deepcopy(half)
    optimiser = torch.optim.Adam(half.parameters(), betas=(0.9, 0.98))
    step, spent = 0, 0.0
    if path.exists():
        state = torch.load(path, weights_only=True)
        half.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
        print(f"goes on at step {step}", flush=True)
    saved_at = started = time.time()
    errors = []
    while step < steps:
        rng = np.random.default_rng((SEED, 2, step))
        whole = step > 0.7 * steps or rng.random() < 0.1
        first = rng.random() < 0.2
        count = LATENTS_PER_STEP // (2 if whole else 1) * (3 if first or args.half == "encoder" else 1)
        before, now, frames = draw(rng, count, GRID if whole else 7, first)
        if args.half == "decoder":
            # The transformer's latents are never exact: the decoder learns to look through small errors.
            noise = torch.from_numpy(rng.uniform(0.0, 0.15, (count, 1, 1, 1))).float()
            before = before + noise * torch.from_numpy(rng.standard_normal(before.shape, dtype=np.float32))
            now = now + noise * torch.from_numpy(rng.standard_normal(now.shape, dtype=np.float32))
            error = (decode(vae, None if first else before, now) - frames).square()
            weight = near_object(frames)
            loss = (error * weight).sum() / (3 * weight.sum())
            errors.append((first, error.detach().mean(dim=(0, 2, 3, 4))))
        else:
            error = (encode(vae, frames[:, -1]) - now).square()
            near = 1 + 3 * (now - now[:, :, :1, :1]).abs().amax(dim=1, keepdim=True).gt(0.3)
            loss = (error * near).mean()
            errors.append((first, error.detach().mean()[None]))
        loss.backward()
        keep_frozen(vae)
        torch.nn.utils.clip_grad_norm_([p for p in half.parameters() if p.grad is not None], 1.0)
        at = step / steps
        rate = RATE * min(1.0, (step + 1) / WARM_UP) * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * at)))
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        keep = min(0.995, (step + 1) / (step + 20))
        with torch.no_grad():
            for a, p in zip(average.parameters(), half.parameters()):
                a.lerp_(p, 1 - keep)
        now_s = time.time()
        if step % 50 == 0:
            later = [e for f, e in errors if not f] or [torch.ones(1)]
            firsts = [e for f, e in errors if f] or [torch.ones(1)]
            db = [f"{10 * math.log10(4 / float(e)):.1f}" for e in torch.stack(later).mean(dim=0)]
            first_db = 10 * math.log10(4 / float(torch.stack(firsts).mean()))
            print(f"step {step} dB first {first_db:.1f} later {' '.join(db)} | {spent + now_s - started:.0f} s", flush=True)
            errors = []
        if now_s - saved_at > SAVE_EVERY_S or step == steps:
            save(path, {"model": half.state_dict(), "average": average.state_dict(), "step": step,
                        "optimiser": optimiser.state_dict(), "spent": spent + now_s - started})
            saved_at = now_s


if __name__ == "__main__":
    main()
