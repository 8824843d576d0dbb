"""DualParal in order, on one process: block after block of every iteration, from the newest to the oldest."""

import dataclasses

import torch
from sampler import DiffusersSampler, RestatedSampler
from transformer import forward


@dataclasses.dataclass
class Block:
    latents: torch.Tensor
    sampler: object


@dataclasses.dataclass(frozen=True)
class Kept:
    """What a block keeps for its left neighbour, for the iteration in which it made it."""

    block: int
    expert: int
    branches: list


@dataclasses.dataclass(frozen=True)
class Made:
    """What a block-step gives."""

    velocity: torch.Tensor
    """Of the block's own latents, guided where the step is."""
    kept: list
    """Of each branch: keys and values for the left neighbour, None where the branch did not run."""
    ends: list
    """Of each branch: keys and values of the last latents, for a right neighbour that reuses them."""


@dataclasses.dataclass(frozen=True)
class Run:
    noise: tuple
    latents: torch.Tensor
    """`iterations[k][i]`: latents of block i after iteration k, of every block in flight."""
    iterations: tuple


def block_noises(pool, orders, block):
    """The first noise of each block: all of the pool, then the last `block` latents of each rearranged pool."""
    noises = [pool]
    for order in orders:
        pool = torch.cat([pool[:, :, block:], pool[:, :, :block][:, :, order]], 2)
        noises.append(pool[:, :, -block:])
    return tuple(noises)


def run(case, experts, boundary, texts, pool, orders, uses_context=True):
    """
    The whole run in the float type of `experts` (one transformer or two), `texts` being the prompt's and the negative
    prompt's embeddings. Block b makes its first step in iteration `stride · b`, so it is that many steps behind its left
    neighbour. `uses_context=False` leaves the contexts away, to see what they do.

    Where the case's `left_context` is "reuse", no left context is computed: a block sees the keys and values that its left
    neighbour's last latents had when that made the same step, `stride` iterations ago. With a `guidance_interval`, steps at
    other noise levels (1 is pure noise) run the prompt's branch alone.
    """
    dtype = experts[0].dtype
    make_sampler = DiffusersSampler if dtype == torch.float32 else RestatedSampler
    texts = [text.to(dtype) for text in texts]
    noises = block_noises(pool, orders, case.block)
    blocks = [Block(noise.to(dtype), make_sampler(case.steps, case.shift)) for noise in noises]
    is_guided = any(scale > 1 for scale in case.guidance)
    context = case.context if uses_context else 0
    reuses = case.left_context == "reuse" and context > 0
    iterations, ends = [], {}
    for iteration in range(case.steps + (case.blocks - 1) * case.stride):
        in_flight = [b for b in range(case.blocks) if 0 <= iteration - case.stride * b < case.steps]
        kept = None
        # The newest first: a block's left neighbour has not moved yet in this iteration, and its right one has.
        for b in reversed(in_flight):
            block, step = blocks[b], iteration - case.stride * b
            left = blocks[b - 1].latents[:, :, -context:] if b > 0 and context > 0 and not reuses else None
            reused = ends[b - 1, step] if b > 0 and reuses else [None, None]
            timestep = block.sampler.timesteps[step]
            expert = 0 if len(experts) == 1 or timestep >= boundary else 1
            sees_right = kept is not None and kept.block == b + 1 and (case.any_expert or kept.expert == expert)
            made = block_step(
                experts[expert], texts, float(timestep), left, block.latents,
                kept.branches if sees_right else [None, None], context, case.guidance[expert],
                is_guided and is_within(case.guidance_interval, timestep), reused)
            block.latents = block.sampler.step(block.latents, made.velocity)
            kept = Kept(b, expert, made.kept)
            ends[b, step] = made.ends
        iterations.append({b: blocks[b].latents for b in in_flight})
    return Run(noises, torch.cat([block.latents for block in blocks], 2), tuple(iterations))


def is_within(interval, timestep):
    """Whether a step's noise level lies in the closed interval; no interval holds all."""
    return not interval or interval[0] <= timestep / 1000 <= interval[1]


def block_step(model, texts, timestep, left, own, right, context, scale, is_guided, reused=(None, None)):
    """One block's step. Its left context is latents (`left`), or what each branch once made of them (`reused`), or none."""
    latents = own if left is None else torch.cat([left, own], 2)
    branches = [
        forward(model, latents, timestep, text, seen or (), context, before or ())
        for text, seen, before in zip(texts if is_guided else texts[:1], right, reused)
    ]
    velocity = branches[0].velocity
    if is_guided:
        velocity = branches[1].velocity + scale * (velocity - branches[1].velocity)
    idle = [None] * (2 - len(branches))
    kept, ends = [branch.kept for branch in branches], [branch.ends for branch in branches]
    return Made(velocity[:, :, -own.shape[2] :], kept + idle, ends + idle)
