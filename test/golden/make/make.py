"""`make.py OUT --seed N --sizes NAME`: a folder of reference numbers in the format of test/golden/data, on weights of its own."""

import argparse
import copy
import html
import json
import sys

import diffusers
import torch
import transformers
from cases import Scene, write_case
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from dualparal import block_step, run
from folder import FAIR, Folder, distance
from models import bfloat16, pipeline, transformer, write_sharded
from sampler import RestatedSampler, unipc
from sizes import NAMED, Case, sizes_of
from tokenizer import write_spm
from transformer import Transformer, forward

PROMPTS = (
    "a fox walks through the quiet field at dawn",
    "blurred, low quality",
    "",
    "   \t \n ",
    "un  phare  dans la tempête, ﬁlm  ½ ™ №7",
    html.escape("amber & <violet> \"glass\" it's") + " &amp;amp; &eacute;t&eacute; &#9731; &#x1F98A; &hellip; &nbsp; &notanentity; a & b",
    "灯塔 在 海 边，  さくら ｶﾞ ＷＡＮ 한강 вода שלום",
    "line one\nline two\r\n\ttabbed\u00a0and\u2009thin\u3000wide “curly” ‘quotes’ 🚢 👩‍🚀",
    "a red lantern over the harbour with wind, film grain, soft light. " * 40,
)


class NewFolder(Folder):
    """A whole folder of given sizes; it must not be there yet."""

    def __init__(self, path, sizes, seed):
        super().__init__(path, seed, sizes.latent_channels)
        self.sizes = sizes
        self.path.mkdir(parents=True)


def write_text(folder, pipe):
    length = folder.sizes.max_length
    tokens = pipe.tokenizer([prompt_clean(prompt) for prompt in PROMPTS], padding="max_length", max_length=length,
                            truncation=True, return_attention_mask=True, return_tensors="pt")
    embeds = pipe._get_t5_prompt_embeds(list(PROMPTS), max_sequence_length=length)
    folder.write("text", {"ids": tokens.input_ids, "mask": tokens.attention_mask, "embeds": embeds},
                 prompts=PROMPTS, max_length=length)
    folder.found("text: spread", embeds[tokens.attention_mask.bool()].std().item())
    return [embeds[0:1], embeds[1:2]]


def write_transformer(folder, name, model, texts):
    """One plain pass: the velocity of diffusers' own model, and the hidden states of the algebra with exact time angles."""
    timestep, latents = folder.sizes.timestep, folder.noise(name, *folder.sizes.window)
    velocity = model(latents, torch.tensor([timestep]), texts[0]).sample
    restated, exact = Transformer.of(model), Transformer.of(model, torch.float64)
    ours = forward(restated, latents, timestep, texts[0])
    folder.write(f"{name}/transformer" if name != "transformer" else name, {
        "latents": latents, "timestep": torch.tensor([timestep]), "text": texts[0], "velocity": velocity,
        "embed": ours.embed, **{f"layer.{i}": x for i, x in enumerate(ours.layers)}})
    folder.found(f"{name} f32 restated vs diffusers", distance(ours.velocity, velocity))
    doubled = forward(exact, latents.double(), timestep, texts[0].double())
    folder.found(f"{name} f32 vs f64", distance(ours.velocity, doubled.velocity))
    folder.found(f"{name} layers f32 vs f64", max(distance(x, y) for x, y in zip(ours.layers, doubled.layers)))
    other = lambda t, text: distance(forward(restated, latents, t, text).velocity, ours.velocity)
    folder.found(f"{name}: effect of the prompt (not an error)", other(timestep, texts[1]))
    folder.found(f"{name}: effect of t (not an error)", other(timestep / 2, texts[0]))
    folder.found(f"{name}: spread", velocity.std().item())


def write_bf16(folder, texts):
    sizes = folder.sizes
    model = bfloat16(transformer(sizes, folder.seed, "bf16", num_layers=2), folder.path / "bf16/transformer")
    frames, height, width = sizes.window
    latents, timestep = folder.noise("bf16", max(1, frames - 1), height, width), torch.tensor([620.0])
    half = model(latents.bfloat16(), timestep, texts[0].bfloat16()).sample
    whole = copy.deepcopy(model).float()
    velocity = whole(latents, timestep, texts[0]).sample
    folder.write("bf16/transformer", {"latents": latents, "timestep": timestep, "text": texts[0], "velocity": velocity,
                                      "velocity_bf16": half})
    folder.found("bf16 f32 restated vs diffusers", distance(
        forward(Transformer.of(whole), latents, 620.0, texts[0]).velocity, velocity))


def write_vae(folder, vae):
    latents = folder.noise("vae", *folder.sizes.vae_window)
    real = unnormalised(vae, latents)
    frames = vae.decode(real).sample
    folder.write("vae", {"latents": latents, "frames": frames},
                 note="latents as the sampler leaves them (un-normalise first); frames in [-1,1], first latent 1 frame, later ones 4")
    folder.found("vae f32 vs f64", distance(copy.deepcopy(vae).double().decode(real.double()).sample, frames))
    folder.found("vae clamp share", (frames.abs() == 1).float().mean().item())


def unnormalised(vae, latents):
    by_channel = lambda numbers: torch.tensor(numbers)[None, :, None, None, None]
    return latents * by_channel(vae.config.latents_std) + by_channel(vae.config.latents_mean)


def write_schedulers(folder):
    tensors, worst = {}, 0.0
    for steps, shift in folder.sizes.schedulers:
        euler = FlowMatchEulerDiscreteScheduler(shift=float(shift))
        for name, scheduler in (("unipc", unipc(float(shift))), ("euler", euler)):
            scheduler.set_timesteps(steps)
            # Where the first two timesteps are the same whole number, the class would start at the second.
            scheduler.set_begin_index(0)
            x, seen = torch.linspace(-2, 2, 16)[None], []
            for t in scheduler.timesteps:
                x = scheduler.step(stand_in(x, t), t, x, return_dict=False)[0]
                seen.append(x)
            key = f"{name}.{steps}.{float(shift)}"
            tensors |= {f"{key}.timesteps": scheduler.timesteps, f"{key}.sigmas": scheduler.sigmas, f"{key}.x": torch.cat(seen)}
        restated, x = RestatedSampler(steps, float(shift)), torch.linspace(-2, 2, 16, dtype=torch.float64)
        for step, t in enumerate(restated.timesteps):
            x = restated.step(x, stand_in(x, t))
            worst = max(worst, distance(x, tensors[f"unipc.{steps}.{float(shift)}.x"][step]))
    folder.write("schedulers", tensors, velocity="v(x, t) = 0.5 tanh(x) + 0.3 sin(3x) + t/2000, float32",
                 start="x = linspace(-2, 2, 16)", key="class.steps.shift.what")
    folder.found("unipc f32 vs f64", worst)


def stand_in(x, t):
    return 0.5 * torch.tanh(x) + 0.3 * torch.sin(3 * x) + t / 2000


def write_pipeline(folder, pipe, texts):
    sizes = folder.sizes
    frames, height, width = sizes.pipeline_window
    noise, clean = folder.noise("pipeline", frames, height, width), []
    keep = lambda pipe, step, t, tensors: clean.append(tensors["latents"]) or {}
    pipe.set_progress_bar_config(disable=True)
    size = {"height": 8 * height, "width": 8 * width, "num_frames": 4 * (frames - 1) + 1}
    film = pipe(prompt_embeds=texts[0], negative_prompt_embeds=texts[1], latents=noise, output_type="pt",
                num_inference_steps=sizes.pipeline_steps, guidance_scale=sizes.guidance, callback_on_step_end=keep, **size).frames
    folder.write("pipeline", {"noise": noise, "latents": clean[-1], "frames": film}, steps=sizes.pipeline_steps,
                 guidance=sizes.guidance, flow_shift=sizes.shift, max_length=sizes.max_length, prompt=PROMPTS[0],
                 negative=PROMPTS[1], height=size["height"], width=size["width"], frames=size["num_frames"])
    whole = Case(sizes.pipeline_steps, frames, 0, 1, (sizes.guidance,), sizes.shift)
    one, exact = (run(whole, [Transformer.of(pipe.transformer, dtype)], 0.0, texts, noise, []).latents
                  for dtype in (torch.float32, torch.float64))
    folder.found("pipeline latents f32 restated vs diffusers", distance(one, clean[-1]))
    folder.found("pipeline latents f32 vs f64", distance(one, exact))
    again = pipe.video_processor.postprocess_video(pipe.vae.decode(unnormalised(pipe.vae, one)).sample, output_type="pt")
    folder.found("pipeline frames f32 restated vs diffusers", distance(again, film))


def write_block_step(folder, model, texts):
    """One block-step whose right neighbour has just made its own, at its own timestep."""
    sizes, context = folder.sizes, folder.sizes.block_step[1]
    block, _, timestep, later = sizes.block_step
    left, own, right = (folder.noise(f"block-step {part}", frames, *sizes.window[1:])
                        for part, frames in (("left", context), ("own", block), ("right", block)))
    seen = block_step(model, texts, later, own[:, :, -context:], right, [None, None], context, sizes.guidance, True).kept
    window = torch.cat([left, own], 2)
    outputs = [forward(model, window, timestep, text, neighbour, context) for text, neighbour in zip(texts, seen)]
    guided = block_step(model, texts, timestep, left, own, seen, context, sizes.guidance, True).velocity
    stacked = lambda branches, part: torch.stack([torch.cat([pair[part] for pair in kept]) for kept in branches])
    kept = [out.kept for out in outputs]
    folder.write("dualparal/block-step", {
        "left": left, "own": own, "timestep": torch.tensor([timestep]),
        "right.k": stacked(seen, 0), "right.v": stacked(seen, 1), "kept.k": stacked(kept, 0), "kept.v": stacked(kept, 1),
        "embed": outputs[0].embed, **{f"layer.{i}": x for i, x in enumerate(outputs[0].layers)},
        "velocity.cond": outputs[0].velocity, "velocity.uncond": outputs[1].velocity, "velocity.own": guided,
    }, text="embeds[0] condition, embeds[1] unconditional", context_latents=context, block_latents=block, guidance=sizes.guidance)
    bare = forward(model, window, timestep, texts[0]).velocity
    folder.found("block-step: effect of the right context (not an error)", distance(bare, outputs[0].velocity))


def make(folder):
    sizes, seed = folder.sizes, folder.seed
    pipe = pipeline(sizes, seed)
    pipe.save_pretrained(folder.path / "tiny-wan")
    shards = write_sharded(pipe.transformer, folder.path / "tiny-wan-sharded/transformer", sizes.shards)
    second = transformer(sizes, seed, "transformer_2")
    second.save_pretrained(folder.path / "two-experts/transformer_2")
    index = json.loads((folder.path / "tiny-wan/model_index.json").read_text())
    index |= {"boundary_ratio": sizes.boundary, "transformer_2": ["diffusers", "WanTransformer3DModel"]}
    (folder.path / "two-experts/model_index.json").write_text(json.dumps(index, indent=2))
    same, texts_of_spm = write_spm(folder.path / "tokenizer-spm", seed)
    print(f"{shards} shards; {same} of {texts_of_spm} texts as SentencePiece itself")

    texts = write_text(folder, pipe)
    write_transformer(folder, "transformer", pipe.transformer, texts)
    if sizes.has_head128:
        model = transformer(sizes, seed, "head128", num_attention_heads=1, attention_head_dim=128, num_layers=2, ffn_dim=256)
        model.save_pretrained(folder.path / "head128/transformer")
        write_transformer(folder, "head128", model, texts)
    if sizes.has_bf16:
        write_bf16(folder, texts)
    write_vae(folder, pipe.vae)
    write_schedulers(folder)
    write_pipeline(folder, pipe, texts)
    write_block_step(folder, Transformer.of(pipe.transformer), texts)
    scene = Scene((pipe.transformer, second), texts, PROMPTS[:2], 1000 * sizes.boundary, sizes.window[1:])
    for case in sizes.cases:
        write_case(folder, scene, case)
    folder.report("report.json", torch, diffusers, transformers)
    return folder.unfair()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", help="the folder to make; it must not be there")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sizes", default="wide", help=f"{', '.join(NAMED)}, or a JSON file")
    given = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    if unfair := make(NewFolder(given.out, sizes_of(given.sizes), given.seed)):
        sys.exit(f"not fair, two right implementations differ by more than {FAIR} in: {', '.join(unfair)}")
