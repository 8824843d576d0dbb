"""`variants.py DIR`: adds runs that reuse the left context, or guide only some steps, to a folder, on the models and texts it has."""

import torch
from folder import distance
from sizes import Case
from strides import add_runs
from transformer import Transformer, forward

EXPERTS = ((4.0, 3.0), 5.0)
REUSE = {"left_context": "reuse"}

CASES = (
    Case(5, 4, 4, 4, (5.0,), 3.0, name="reuse-s1-t5-b4-c4", **REUSE),
    Case(3, 4, 2, 5, (5.0,), 3.0, name="reuse-s1-t3-b4-c2-more-blocks-than-steps", **REUSE),
    Case(6, 4, 4, 4, *EXPERTS, name="reuse-s1-two-experts-same-expert", **REUSE),
    Case(5, 4, 2, 4, (5.0,), 3.0, traced=True, name="reuse-s2-t5-b4-c2", stride=2, **REUSE),
    Case(5, 4, 4, 3, (1.0,), 3.0, name="reuse-s2-t5-b4-c4-no-guidance", stride=2, **REUSE),
    Case(6, 4, 2, 4, *EXPERTS, any_expert=True, name="reuse-s2-two-experts-any", stride=2, **REUSE),
    Case(7, 4, 4, 3, (5.0,), 3.0, name="reuse-s3-t7-b4-c4", stride=3, **REUSE),
    Case(2, 4, 2, 3, (5.0,), 3.0, name="reuse-s3-t2-b4-c2-fewer-steps", stride=3, **REUSE),
    Case(8, 4, 4, 3, *EXPERTS, name="reuse-s3-two-experts-same-expert", stride=3, **REUSE),
    # Timesteps 999, 937, 857, 750, 600, 376: one lies on the bound.
    Case(6, 4, 4, 4, (5.0,), 3.0, name="interval-s1-t6-b4-c4-begins-late", guidance_interval=(0.0, 0.75)),
    Case(6, 4, 2, 4, (5.0,), 3.0, name="interval-s1-t6-b4-c2-ends-early", guidance_interval=(0.7, 1.0)),
    # 999, 961, 909, then the second expert's 833, 714, 501.
    Case(6, 4, 4, 4, *EXPERTS, name="interval-s1-two-experts-same-expert", guidance_interval=(0.6, 0.95)),
    # 999, 923, 818, 667, 429.
    Case(5, 4, 2, 4, (5.0,), 3.0, traced=True, name="interval-s2-t5-b4-c2", stride=2, guidance_interval=(0.5, 0.95)),
    Case(6, 4, 4, 4, *EXPERTS, any_expert=True, name="interval-s2-two-experts-any", stride=2, guidance_interval=(0.8, 0.97)),
    Case(6, 4, 4, 3, (5.0,), 3.0, traced=True, name="reuse-interval-s2-t6-b4-c4", stride=2, guidance_interval=(0.5, 0.9), **REUSE),
    Case(6, 4, 2, 4, *EXPERTS, name="reuse-interval-s1-two-experts-same-expert", guidance_interval=(0.6, 0.95), **REUSE),
)


def compare_halves(folder, scene):
    """A window in two halves that see each other by kept keys and values is the window: the second half reuses the first."""
    model, text, frames = Transformer.of(scene.models[0]), scene.texts[0], 3
    window = folder.noise("halves", 2 * frames, *scene.size)
    whole = forward(model, window, 750.0, text, context=frames)
    first = forward(model, window[:, :, :frames], 750.0, text, whole.kept, frames)
    second = forward(model, window[:, :, frames:], 750.0, text, context=frames, left=first.ends)
    folder.found("two halves vs the window", distance(torch.cat([first.velocity, second.velocity], 2), whole.velocity))
    alone = forward(model, window[:, :, frames:], 750.0, text)
    folder.found("two halves: effect of the first on the second (not an error)", distance(alone.velocity, second.velocity))


if __name__ == "__main__":
    add_runs(__doc__, CASES, 3, "report-variants.json", compare_halves)
