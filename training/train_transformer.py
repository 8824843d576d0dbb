"""Trains the transformer and its text encoder on windows of latents; resumable after a kill at any moment.

Usage: python train_transformer.py --state FOLDER [--steps N] [--minutes M]
"""

import argparse
import copy
import os
import pathlib
import time

import numpy as np
import torch

from domain import caption, pairs
from flow import Windows, judge_latents, loss_of, sample, trial_pairs
from optimiser import Muon, split
from transformer import make_text_encoder, make_transformer, start_weights

SEED = 12
WARM_UP, MUON_RATE, ADAM_RATE = 100, 0.02, 2e-3
TOKENS_PER_STEP = 2304
SAVE_EVERY_S, JUDGE_EVERY = 90, 200


def rate_factor(step, steps):
    """Warm-up, constant to 60 %, then linear to 2 %."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return 1.0 if step < 0.6 * steps else max(0.02, (steps - step) / (0.4 * steps))


def plan(step, steps):
    """(latents per window, share of anchored windows): short and anchored first, then as in sampling."""
    at = step / steps
    rng = np.random.default_rng((SEED, 1, step))
    if at < 0.15:
        return int(rng.integers(4, 9)), 0.6
    if at < 0.5:
        return int(rng.integers(6, 13)), 0.35
    return int(rng.choice([8, 12, 12, 16, 16, 21])), 0.15 if at < 0.8 else 0.0


def save(path, state):
    torch.save(state, f"{path}.new")
    os.replace(f"{path}.new", path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--stop-after", type=int, default=10**9, help="pause at this step")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--judge-clips", type=int, default=27)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.state.mkdir(parents=True, exist_ok=True)
    path = args.state / "transformer.pt"

    torch.manual_seed(SEED)
    model, text_encoder = make_transformer(), make_text_encoder()
    start_weights(model, text_encoder, SEED)
    matrices, rest = split(model, text_encoder)
    optimisers = [Muon(matrices, MUON_RATE), torch.optim.Adam(rest, ADAM_RATE, betas=(0.9, 0.98))]
    both = torch.nn.ModuleList([model, text_encoder])
    average = copy.deepcopy(both)
    step, spent = 0, 0.0
    if path.exists():
        state = torch.load(path, weights_only=True)
        both.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        for optimiser, saved in zip(optimisers, state["optimisers"]):
            optimiser.load_state_dict(saved)
        step, spent = state["step"], state["spent"]
        print(f"goes on at step {step}", flush=True)

    windows = Windows(SEED, pairs(held=False))
    wanted = trial_pairs(args.judge_clips, 5, held=True)
    captions = [caption(*p) for p in wanted]
    saved_at = started = time.time()
    bins = {}
    while step < min(args.steps, args.stop_after):
        frames, anchored = plan(step, args.steps)
        count = max(2, TOKENS_PER_STEP // (36 * frames))
        batch = windows.draw(step, count, frames, anchored)
        loss, each = loss_of(model, text_encoder, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        for optimiser, rate in zip(optimisers, (MUON_RATE, ADAM_RATE)):
            for group in optimiser.param_groups:
                group["lr"] = rate * rate_factor(step, args.steps)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        step += 1
        keep = min(0.998, (step + 1) / (step + 20))
        with torch.no_grad():
            for a, p in zip(average.parameters(), both.parameters()):
                a.lerp_(p, 1 - keep)
        for error, level, weight in zip(each.tolist(), batch[3].tolist(), batch[4]):
            kind = "anchored" if weight.min() == 0 else "low" if level < 0.7 else "mid" if level < 0.92 else "high"
            bins.setdefault(kind, []).append(error)
        now = time.time()
        if step % 50 == 0:
            means = " ".join(f"{k} {np.mean(v):.4f}" for k, v in sorted(bins.items()))
            print(f"step {step} {means} | {spent + now - started:.0f} s", flush=True)
            bins = {}
        if step % JUDGE_EVERY == 0:
            average.eval()
            latents = sample(average[0], average[1], captions, 8, 16, seed=1)
            result = judge_latents(latents, wanted)
            print("judge", step, " ".join(f"{k} {v:.2f}" for k, v in result.items()), flush=True)
        if now - saved_at > SAVE_EVERY_S or step in (args.steps, args.stop_after):
            save(path, {"model": both.state_dict(), "average": average.state_dict(), "step": step,
                        "optimisers": [o.state_dict() for o in optimisers], "spent": spent + time.time() - started})
            saved_at = time.time()


if __name__ == "__main__":
    main()
