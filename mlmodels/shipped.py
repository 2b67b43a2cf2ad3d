"""Where the release that ships lies, and what it is: for those who must not import torch to know."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

SHIPPED = Path(__file__).parent / "weights" / "impasto-v2"
# In the order in which they are summed.
WEIGHTS = ("transform.safetensors", "predictor.safetensors")


def weight_files(folder: Path) -> list[Path]:
    return [folder / name for name in WEIGHTS]


def release_files(folder: Path) -> list[Path]:
    """Return what makes a release the one it is: its weights, and the description that says how they are used."""
    return [*weight_files(folder), folder / "model.json"]


def checksum(files: Sequence[Path]) -> str:
    """
    Return the SHA-256 over files, in order: over those of a release it is what `Release.sha256` says.

    :raises FileNotFoundError: one is missing
    """
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()
