"""A small network of every layout, for what holds whatever the weights are."""

import torch

from mlmodels.network import NETWORKS, TransformNetwork

NARROW = {"half": 6, "within": 10, "deep_within": 16, "door": 4}
LAYOUTS = {
    "student": {"embedding": 8, "width": 16, "deep": 24, "blocks": 1, **NARROW},
    "teacher": {"embedding": 8, "width": 16, "deep": 24, "blocks": 1},
    "quarter": {"embedding": 8, "width": 16, "kernel": 5, "blocks": 1},
}
# As it ships: docs/network.md.
FULL_SIZE = {
    "embedding": 128, "width": 64, "deep": 96, "blocks": 4, "half": 24, "within": 32, "deep_within": 48, "door": 4
}  # fmt: skip


def small_network(layout: str, sizes: dict[str, int] | None = None) -> TransformNetwork:
    """Return seeded weights whose scales and shifts really depend on the embedding; other sizes make it less small."""
    torch.manual_seed(0)
    made = NETWORKS[layout](**(sizes or LAYOUTS[layout])).eval().requires_grad_(False)
    torch.nn.init.normal_(made.film.weight, std=0.2)
    return made
