"""Sheets of painted pictures: what the numbers do not say has to be looked at."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .data import ContentSample, StyleSample
from .sampling import Sampler
from .stylemodel import StyleModel

SIDE = 256  # pixels of each picture
COUNT = 5  # photographs down, styles across


def draw_sheet(model: StyleModel, sampler: Sampler, path: Path) -> None:
    """
    Write one picture: styles on top, photographs at the left, paintings between.

    They are the same each time: the first of the sampler's pools.
    """
    photos = [sampler.cache.content(photo, SIDE) for photo in sampler.content[:COUNT]]
    pool = [*sampler.favourites, *sampler.styles]
    styles = [sampler.style(style, SIDE) for style in pool[:COUNT]]
    rows = [[torch.ones(3, SIDE, SIDE), *(_fitted(style.image_3SS) for style in styles)]]
    rows += [[photo.image_3SS, *(painted(model, photo, style) for style in styles)] for photo in photos]
    write_sheet(rows, path)


def write_sheet(rows: list[list[Tensor]], path: Path) -> None:
    """Write pictures (3, S, S) of one size in rows."""
    sheet = torch.cat([torch.cat(row, dim=2) for row in rows], dim=1).clamp(0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray((sheet * 255).byte().permute(1, 2, 0))).save(path, quality=90)


@torch.no_grad()
def painted(model: StyleModel, photo: ContentSample, style: StyleSample) -> Tensor:
    """Return the painting (3, S, S) as it stands now."""
    device = next(model.parameters()).device
    embedding = model.embed(style.statistics[None].to(device), [style.image_3SS.to(device)])
    return model.transform(photo.image_3SS[None].to(device), embedding)[0].float().cpu().clamp(0, 1)


def _fitted(image_3SS: Tensor) -> Tensor:
    return torch.nn.functional.interpolate(image_3SS[None], (SIDE, SIDE), mode="bilinear")[0]
