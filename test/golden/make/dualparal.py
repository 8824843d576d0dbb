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
    """
    dtype = experts[0].dtype
    make_sampler = DiffusersSampler if dtype == torch.float32 else RestatedSampler
    texts = [text.to(dtype) for text in texts]
    noises = block_noises(pool, orders, case.block)
    blocks = [Block(noise.to(dtype), make_sampler(case.steps, case.shift)) for noise in noises]
    is_guided = any(scale > 1 for scale in case.guidance)
    context = case.context if uses_context else 0
    iterations = []
    for iteration in range(case.steps + (case.blocks - 1) * case.stride):
        in_flight = [b for b in range(case.blocks) if 0 <= iteration - case.stride * b < case.steps]
        kept = None
        # The newest first: a block's left neighbour has not moved yet in this iteration, and its right one has.
        for b in reversed(in_flight):
            block, step = blocks[b], iteration - case.stride * b
            left = blocks[b - 1].latents[:, :, -context:] if b > 0 and context > 0 else None
            timestep = block.sampler.timesteps[step]
            expert = 0 if len(experts) == 1 or timestep >= boundary else 1
            sees_right = kept is not None and kept.block == b + 1 and (case.any_expert or kept.expert == expert)
            velocity, branches = block_step(
                experts[expert], texts, float(timestep), left, block.latents,
                kept.branches if sees_right else [None, None], context, case.guidance[expert], is_guided)
            block.latents = block.sampler.step(block.latents, velocity)
            kept = Kept(b, expert, branches)
        iterations.append({b: blocks[b].latents for b in in_flight})
    return Run(noises, torch.cat([block.latents for block in blocks], 2), tuple(iterations))


def block_step(model, texts, timestep, left, own, right, context, scale, is_guided):
    """The guided velocity of a block's own latents, and what each branch keeps for the left neighbour."""
    latents = own if left is None else torch.cat([left, own], 2)
    branches = [
        forward(model, latents, timestep, text, seen or (), context)
        for text, seen in zip(texts if is_guided else texts[:1], right)
    ]
    velocity = branches[0].velocity
    if is_guided:
        velocity = branches[1].velocity + scale * (velocity - branches[1].velocity)
    kept = [branch.kept for branch in branches]
    return velocity[:, :, -own.shape[2] :], kept + [None] * (2 - len(kept))
