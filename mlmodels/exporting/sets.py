"""What a client downloads together: every role, for frames of one shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlmodels.exported import ExportedFile

from .formats import FORMATS
from .roles import PAINTERS

LARGEST = 2_000_000  # bytes


class TooLarge(RuntimeError):
    """A set is more than a client shall have to download."""


@dataclass(frozen=True)
class DownloadSet:
    """The files for one shape; precision is that of the transforms."""

    format: str
    precision: str
    shape: str
    files: list[ExportedFile]

    @property
    def bytes(self) -> int:
        return sum(file.path.stat().st_size for file in self.files)

    @property
    def is_shipped(self) -> bool:
        """False for weights that are there to compare with."""
        return self.precision in FORMATS[self.format].shipped


def download_sets(files: Sequence[ExportedFile]) -> list[DownloadSet]:
    """Return a set for every format, shape and precision that transforms were exported in."""
    painters = [file for file in files if file.role in PAINTERS]
    kinds = dict.fromkeys((file.format, file.precision, file.shape) for file in painters)
    return [DownloadSet(*kind, list(_together(files, *kind))) for kind in kinds]


def _together(files: Sequence[ExportedFile], format: str, precision: str, shape: str) -> Iterator[ExportedFile]:
    for file in files:
        has_its_shape = file.role not in PAINTERS or file.shape == shape
        if has_its_shape and (file.format, file.precision) == (format, FORMATS[format].weights(file.role, precision)):
            yield file


def require_small(sets: Sequence[DownloadSet]) -> None:
    """:raises TooLarge: a set that clients download is larger than `LARGEST`"""
    for each in sets:
        if each.is_shipped and each.bytes > LARGEST:
            raise TooLarge(
                f"{each.format} {each.precision} for {each.shape} is {each.bytes / 1e6:.2f} MB in all, "
                f"not {LARGEST / 1e6:.1f} MB at most"
            )
