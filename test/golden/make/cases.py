"""The files of DualParal runs."""

import dataclasses

import torch
from dualparal import run
from folder import distance
from transformer import Transformer
from weights import generator


@dataclasses.dataclass(frozen=True)
class Scene:
    """What the runs of a folder share: both experts, the embeddings and texts of prompt and negative prompt, the picture."""

    models: tuple
    texts: list
    prompts: tuple
    boundary: float
    """Timestep from which on upwards the first of two experts works."""
    size: tuple
    """Latent height and width."""


def write_case(folder, scene, case):
    experts, exact = ([Transformer.of(model, dtype) for model in scene.models[: len(case.guidance)]]
                      for dtype in (torch.float32, torch.float64))
    boundary = scene.boundary if len(experts) > 1 else 0.0
    draw = generator(folder.seed, f"{case.file} orders")
    orders = [torch.randperm(case.block, generator=draw) for _ in range(case.blocks - 1)]
    pool = folder.noise(case.file, case.block + case.context, *scene.size)
    remade = lambda experts, case, **how: run(case, experts, boundary, scene.texts, pool, orders, **how)
    done = remade(experts, case)
    tensors = {"pool": pool, "latents": done.latents, **{f"noise.{i}": noise for i, noise in enumerate(done.noise)}}
    if orders:
        tensors["permutations"] = torch.stack(orders)
    if case.traced:
        tensors |= {f"iteration.{k}.block.{i}": x for k, blocks in enumerate(done.iterations) for i, x in blocks.items()}
    policy = "any" if case.any_expert else "same-expert"
    variants = {"left_context": case.left_context} if case.left_context != "recompute" else {}
    if case.guidance_interval:
        variants["guidance_interval"] = list(case.guidance_interval)
    folder.write(f"dualparal/{case.file}", tensors, steps=case.steps, block_latents=case.block, context_latents=case.context,
                 blocks=case.blocks, stride=case.stride, iterations=len(done.iterations), flow_shift=case.shift,
                 experts=len(experts), guidance=list(case.guidance) if len(experts) > 1 else case.guidance[0],
                 boundary_timestep=boundary, boundary_policy=policy, prompt=scene.prompts[0], negative=scene.prompts[1], **variants)
    name = f"dualparal {case.file}"
    folder.found(f"{name} f32 vs f64", distance(remade(exact, case).latents, done.latents))
    effect = lambda what, other: folder.found(f"{name}: effect of {what} (not an error)", distance(other.latents, done.latents))
    effect("the context", remade(experts, case, uses_context=False))
    if case.stride > 1:
        effect("the stride", remade(experts, dataclasses.replace(case, stride=1)))
    if case.left_context == "reuse":
        effect("the reuse", remade(experts, dataclasses.replace(case, left_context="recompute")))
    if case.guidance_interval:
        effect("the interval", remade(experts, dataclasses.replace(case, guidance_interval=())))
    if len(experts) > 1:
        effect("the other expert's context", remade(experts, dataclasses.replace(case, any_expert=not case.any_expert)))
    folder.found(f"{name}: spread", done.latents.std().item())
