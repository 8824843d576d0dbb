"""DualParal in order, on one process: block after block of every iteration, from the newest to the oldest."""

import dataclasses

import torch
from sampler import DiffusersSampler, RestatedSampler
from transformer import forward


@dataclasses.dataclass
class Block:
    index: int
    latents: torch.Tensor
    sampler: object
    steps_done: int = 0


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
    prompt's embeddings. `uses_context=False` leaves the contexts away, to see what they do.
    """
    dtype = experts[0].dtype
    make_sampler = DiffusersSampler if dtype == torch.float32 else RestatedSampler
    texts = [text.to(dtype) for text in texts]
    noises = block_noises(pool, orders, case.block)
    queue, finished, iterations = [], [], []
    for iteration in range(case.steps + case.blocks - 1):
        if iteration < case.blocks:
            queue.append(Block(iteration, noises[iteration].to(dtype), make_sampler(case.steps, case.shift)))
        if queue[0].steps_done == case.steps:
            finished.append(queue.pop(0))
        right, right_expert = [None, None], None
        for place in reversed(range(len(queue))):
            block = queue[place]
            neighbour = queue[place - 1] if place > 0 else finished[-1] if finished else None
            left = None if neighbour is None or case.context == 0 else neighbour.latents[:, :, -case.context :]
            timestep = block.sampler.timesteps[block.steps_done]
            expert = 0 if len(experts) == 1 or timestep >= boundary else 1
            usable = uses_context and (case.any_expert or right_expert == expert)
            velocity, right = block_step(
                experts[expert], texts, float(timestep), left if uses_context else None, block.latents,
                right if usable else [None, None], case.context if uses_context else 0,
                case.guidance[expert], any(scale > 1 for scale in case.guidance))
            block.latents = block.sampler.step(block.latents, velocity)
            block.steps_done += 1
            right_expert = expert
        iterations.append({block.index: block.latents for block in queue})
    finished += queue
    return Run(noises, torch.cat([block.latents for block in finished], 2), tuple(iterations))


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
