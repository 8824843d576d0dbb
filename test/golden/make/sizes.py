"""Sizes of a folder of reference numbers: of its models, its pictures and its runs. Nothing here is as in the folder at hand."""

import dataclasses
import json
import pathlib


@dataclasses.dataclass(frozen=True)
class Case:
    """
    A DualParal run. Its guidance is one scale per expert; `any_expert` uses the right context of the other expert too; a block
    enters every `stride` iterations. `left_context` "reuse" sees the left neighbour by keys and values that it kept;
    `guidance_interval` holds the lowest and the highest noise level of a guided step, both guided too.
    """

    steps: int
    block: int
    context: int
    blocks: int
    guidance: tuple
    shift: float
    any_expert: bool = False
    traced: bool = False
    name: str = ""
    stride: int = 1
    left_context: str = "recompute"
    guidance_interval: tuple = ()

    @property
    def file(self):
        apart = "" if self.stride == 1 else f"s{self.stride}-"
        return self.name or f"{apart}t{self.steps}-b{self.block}-c{self.context}-x{self.blocks}"


@dataclasses.dataclass(frozen=True)
class Sizes:
    # transformer
    heads: int
    head_width: int
    layers: int
    ffn: int
    text_width: int
    # text encoder and tokenizer
    text_layers: int
    text_heads: int
    text_head_width: int
    text_ffn: int
    max_length: int
    tokenizer: str
    # video autoencoder
    vae_width: int
    vae_multipliers: tuple
    vae_blocks: int
    # sampler, experts, files
    shift: float
    boundary: float
    shards: int
    # latent frames, height and width
    window: tuple
    vae_window: tuple
    pipeline_window: tuple
    pipeline_steps: int
    guidance: float
    # the transformer's own timestep and those of a block-step and its right neighbour
    timestep: float
    block_step: tuple
    schedulers: tuple
    cases: tuple
    time_width: int = 256
    latent_channels: int = 16
    buckets: int = 32
    max_distance: int = 128
    has_head128: bool = True
    has_bf16: bool = True


WIDE = Sizes(
    heads=3, head_width=32, layers=4, ffn=160, text_width=48,
    text_layers=3, text_heads=3, text_head_width=16, text_ffn=96, max_length=226, tokenizer="unigram",
    vae_width=12, vae_multipliers=(1, 2, 4, 4), vae_blocks=2,
    shift=5.0, boundary=0.875, shards=3,
    window=(4, 8, 6), vae_window=(4, 10, 6), pipeline_window=(3, 8, 6), pipeline_steps=7, guidance=4.5,
    timestep=999.0, block_step=(3, 2, 612.0, 701.0),
    schedulers=((1, 4.5), (3, 4.5), (7, 1.0), (20, 12.25), (100, 4.5)),
    cases=(
        Case(5, 3, 1, 5, (4.5,), 5.0, traced=True),
        Case(4, 2, 2, 6, (4.5,), 5.0),
        Case(6, 3, 0, 4, (5.0,), 4.5),
        Case(5, 4, 2, 1, (5.0,), 3.0),
        Case(4, 5, 3, 3, (1.0,), 7.25),
        Case(2, 2, 1, 9, (3.5,), 5.0),
        Case(1, 3, 2, 4, (4.0,), 5.0),
        Case(6, 3, 2, 5, (4.0, 3.0), 5.0, name="experts-same"),
        Case(6, 3, 2, 5, (4.0, 3.0), 5.0, any_expert=True, name="experts-any"),
        Case(5, 3, 2, 4, (4.5,), 5.0, traced=True, stride=2),
        Case(7, 3, 2, 4, (4.0, 3.0), 5.0, name="experts-stride", stride=3),
    ),
)

NARROW = Sizes(
    heads=1, head_width=20, layers=3, ffn=72, text_width=24,
    text_layers=2, text_heads=2, text_head_width=20, text_ffn=56, max_length=160, tokenizer="sentencepiece",
    vae_width=4, vae_multipliers=(1, 2, 4, 4), vae_blocks=1,
    shift=2.5, boundary=0.9, shards=2,
    window=(1, 4, 10), vae_window=(1, 4, 14), pipeline_window=(1, 4, 10), pipeline_steps=3, guidance=2.5,
    timestep=31.0, block_step=(1, 1, 88.0, 200.0),
    schedulers=((1, 1.0), (3, 0.75), (7, 4.5), (20, 3.0), (100, 12.0), (50, 5.0)),
    cases=(
        Case(3, 1, 1, 6, (2.5,), 2.5, traced=True),
        Case(8, 1, 0, 3, (2.5,), 2.5),
        Case(3, 7, 1, 2, (4.0,), 4.5),
        Case(20, 2, 1, 3, (3.0,), 3.0),
        Case(4, 2, 1, 5, (4.0, 1.0), 12.25, name="experts-second-unguided"),
        Case(4, 2, 1, 5, (2.0, 3.0), 12.25, any_expert=True, traced=True, name="experts-any-traced"),
        Case(3, 2, 1, 3, (2.5,), 2.5, stride=4),
    ),
    time_width=64, latent_channels=8, buckets=16, max_distance=40,
)

DEEP = Sizes(
    heads=5, head_width=10, layers=9, ffn=120, text_width=40,
    text_layers=4, text_heads=5, text_head_width=8, text_ffn=64, max_length=17, tokenizer="unigram",
    vae_width=10, vae_multipliers=(1, 2, 2, 4), vae_blocks=3,
    shift=3.0, boundary=0.5, shards=7,
    window=(7, 10, 4), vae_window=(6, 4, 4), pipeline_window=(5, 10, 4), pipeline_steps=4, guidance=3.0,
    timestep=857.0, block_step=(5, 4, 941.0, 967.0),
    schedulers=((1, 3.0), (3, 3.0), (7, 5.5), (20, 4.5), (100, 3.0), (2, 100.0)),
    cases=(
        Case(4, 4, 3, 4, (3.0,), 3.0, traced=True),
        Case(3, 3, 3, 3, (3.0,), 4.5),
        Case(3, 2, 1, 4, (0.0,), 3.0, name="guidance-zero"),
        Case(3, 2, 0, 1, (3.0,), 3.0),
        Case(5, 3, 1, 4, (3.0, 2.0), 3.0, name="experts-same"),
        Case(5, 3, 1, 4, (3.0, 2.0), 3.0, any_expert=True, name="experts-any"),
        Case(5, 3, 3, 4, (3.0, 2.0), 3.0, any_expert=True, name="experts-any-stride", stride=2),
    ),
)

# The least of everything: one layer, one head, the smallest picture.
LEAST = dataclasses.replace(
    NARROW, head_width=6, layers=1, ffn=1, text_width=8, text_layers=1, text_heads=1, text_head_width=8, text_ffn=8,
    max_length=1, vae_width=2, shards=1, window=(1, 2, 2), vae_window=(1, 2, 2), pipeline_window=(2, 2, 2),
    pipeline_steps=1, block_step=(1, 1, 500.0, 600.0), schedulers=((1, 3.0),), time_width=2, latent_channels=1,
    cases=(
        Case(1, 1, 0, 1, (5.0,), 3.0),
        Case(2, 1, 1, 3, (5.0,), 3.0),
        Case(2, 1, 1, 3, (5.0, 5.0), 3.0, name="experts"),
        Case(3, 1, 1, 3, (5.0,), 3.0, stride=2),
    ),
    has_head128=False, has_bf16=False,
)

NAMED = {"wide": WIDE, "narrow": NARROW, "deep": DEEP, "least": LEAST}


def sizes_of(text):
    """Sizes by their name, or from a JSON file: `{"base": "wide", "layers": 2, "cases": [{"steps": 3, …}], …}`."""
    if text in NAMED:
        return NAMED[text]
    changes = json.loads(pathlib.Path(text).read_text())
    base = NAMED[changes.pop("base", "wide")]
    if "cases" in changes:
        changes["cases"] = [Case(**{**case, "guidance": tuple(case["guidance"])}) for case in changes["cases"]]
    tuples = {name: tuple(map(tuple, value)) if name == "schedulers" else tuple(value) if isinstance(value, list) else value
              for name, value in changes.items()}
    return dataclasses.replace(base, **tuples)
