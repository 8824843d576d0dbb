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

from blocks import BlockWindows, block_loss
from domain import caption, pairs
from flow import Windows, judge_latents, loss_of, sample, trial_pairs
from optimiser import Muon, split
from rollout import Queue, sampled_loss
from transformer import ROWS_PER_LATENT, make_text_encoder, make_transformer, start_weights

SEED = 12
WARM_UP, MUON_RATE, LOOKING_RATE, ADAM_RATE = 60, 0.02, 1e-3, 2e-3
TRAIL_WEIGHT = 0.1
# What a step trains on, and the parts of the training from which block-steps and the model's own states take their turn.
KINDS, BLOCKS_FROM, OWN_STATES_FROM = ("plain", "block", "sampled", "queue"), 0.3, 0.5
LATENTS = 56
SAVE_EVERY_S, JUDGE_EVERY = 90, 200


def rate_factor(step, steps):
    """Warm-up, constant to 60 %, then linear to 2 %."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return 1.0 if step < 0.6 * steps else max(0.02, (steps - step) / (0.4 * steps))


def plan(step, steps):
    """(latents per window, windows, share of anchored ones, weight of the trail's loss).

    Short and anchored first, then as in sampling.
    """
    at = step / steps
    rng = np.random.default_rng((SEED, 1, step))
    trail = TRAIL_WEIGHT * max(0.0, 1 - at / 0.4)
    if at < 0.2:
        frames, tokens, anchored = int(rng.integers(3, 6)), 1152, 0.6
    elif at < 0.5:
        frames, tokens, anchored = int(rng.integers(3, 11)), 1440, 0.3
    else:
        frames, tokens, anchored = int(rng.choice([4, 8, 12, 16, 21])), 2016, 0.15 if at < 0.8 else 0.05
    return frames, max(2, tokens // (ROWS_PER_LATENT * frames)), anchored, trail


def kind_of_step(step, steps):
    """Plain windows first, then in turn with block-steps, then with states of the model's own sampling as well."""
    at = step / steps
    kinds = KINDS[:1] if at < BLOCKS_FROM else KINDS[:2] if at < OWN_STATES_FROM else KINDS
    return kinds[step % len(kinds)]


def noise_name(level):
    return "low" if level < 0.7 else "mid" if level < 0.92 else "high"


def save(path, state):
    torch.save(state, f"{path}.new")
    os.replace(f"{path}.new", path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--stop-after", type=int, default=10**9, help="pause at this step")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--judge-clips", type=int, default=25)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.state.mkdir(parents=True, exist_ok=True)
    path = args.state / "transformer.pt"

    torch.manual_seed(SEED)
    model, text_encoder = make_transformer(), make_text_encoder()
    start_weights(model, text_encoder, SEED)
    matrices, looking, rest = split(model, text_encoder)
    rates = (MUON_RATE, LOOKING_RATE, ADAM_RATE)
    optimisers = [Muon(matrices, MUON_RATE, weight_decay=0.1), torch.optim.Adam(looking, betas=(0.9, 0.98)),
                  torch.optim.Adam(rest, betas=(0.9, 0.98))]
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

    windows, blocks = Windows(SEED, pairs(held=False)), BlockWindows(SEED, pairs(held=False))
    queue = Queue(windows.chosen, SEED)
    wanted = trial_pairs(args.judge_clips, 5, held=True)
    captions = [caption(*p) for p in wanted]
    saved_at = started = time.time()
    bins = {}
    while step < min(args.steps, args.stop_after):
        kind = kind_of_step(step, args.steps)
        if kind == "plain":
            frames, count, anchored, trail_weight = plan(step, args.steps)
            batch = windows.draw(step, count, frames, anchored)
            loss, errors, levels, trail = loss_of(model, text_encoder, batch, trail_weight)
            bins.setdefault("trail", []).append(trail)
            loss.backward()
        elif kind == "block":
            loss, errors, levels = block_loss(model, text_encoder, blocks.draw(step, LATENTS))
            loss.backward()
        elif kind == "sampled":
            errors, levels = sampled_loss(model, text_encoder, windows.chosen, SEED, step)
        else:
            errors, levels = queue.iterate(model, text_encoder)
        torch.nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        for optimiser, rate in zip(optimisers, rates):
            for group in optimiser.param_groups:
                group["lr"] = rate * rate_factor(step, args.steps)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        step += 1
        keep = min(0.993, (step + 1) / (step + 20))
        with torch.no_grad():
            for a, p in zip(average.parameters(), both.parameters()):
                a.lerp_(p, 1 - keep)
        for error, level in zip(errors, levels):
            bins.setdefault(f"{kind} {noise_name(level)}", []).append(error)
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
