"""A small network of every layout, for what holds whatever the weights are."""

import torch

from mlmodels.network import NETWORKS, TransformNetwork

LAYOUTS = {
    "student": {"embedding": 8, "width": 16, "deep": 24, "blocks": 1},
    "teacher": {"embedding": 8, "width": 16, "deep": 24, "blocks": 1},
    "quarter": {"embedding": 8, "width": 16, "kernel": 5, "blocks": 1},
}


def small_network(layout: str) -> TransformNetwork:
    """Return seeded weights whose scales and shifts really depend on the embedding."""
    torch.manual_seed(0)
    made = NETWORKS[layout](**LAYOUTS[layout]).eval().requires_grad_(False)
    torch.nn.init.normal_(made.film.weight, std=0.2)
    return made
