"""Contact sheets: films [N, T, H, W, 3] in 0..1 as one PNG, a row per film."""

import numpy as np
from PIL import Image


def contact_sheet(films, path, every=4, columns=21, scale=1):
    rows = []
    for film in films:
        picked = film[::every][:columns]
        rows.append(np.concatenate([np.pad(f, ((1, 1), (1, 1), (0, 0)), constant_values=0.5) for f in picked], axis=1))
    image = Image.fromarray((np.concatenate(rows) * 255 + 0.5).clip(0, 255).astype(np.uint8))
    if scale != 1:
        image = image.resize((int(image.width * scale), int(image.height * scale)))
    image.save(path)
