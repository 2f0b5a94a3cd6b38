"""Pictures for the seeded pages, drawn rather than shipped: a sky of two colours, a sun, three ridges."""

import io
import random

from PIL import Image, ImageColor, ImageDraw

SIZE = (1200, 800)  # pixels


def draw_landscape(seed: str, palette: tuple[str, str]) -> bytes:
    """Return a JPEG of SIZE; the same seed and palette (dark and light CSS colours) give the same picture."""
    dark, light = (ImageColor.getrgb(colour) for colour in palette)
    width = SIZE[0]
    chance = random.Random(seed)
    sky = Image.linear_gradient("L").resize(SIZE)
    picture = Image.composite(Image.new("RGB", SIZE, light), Image.new("RGB", SIZE, dark), sky)
    draw = ImageDraw.Draw(picture)
    centre, radius = chance.randint(width // 4, 3 * width // 4), chance.randint(50, 110)
    draw.ellipse((centre - radius, 300 - radius, centre + radius, 300 + radius), fill=(250, 236, 214))
    for ridge in range(3):
        share = 0.55 - 0.2 * ridge
        colour = tuple(int(d + (w - d) * share) for d, w in zip(dark, light, strict=True))
        draw.polygon(_ridge(chance, base=440 + 110 * ridge), fill=colour)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=82)
    return out.getvalue()


def _ridge(chance: random.Random, base: int) -> list[tuple[int, int]]:
    width, height = SIZE
    crest = [(x, base + chance.randint(-70, 70)) for x in range(0, width + 150, 150)]
    return [(0, height), *crest, (width, height)]
