"""The parent's side: has a stranger's sound read in a process with limits, and believes nothing of what comes back."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clips.ingest.bounds import Bounds, Refusal
from clips.ingest.worker import PACKAGES, run_child

from .analysis import BPM_RANGE, PEAKS_PER_SECOND
from .bounds import BOUNDS, SECONDS_MAX, refusal
from .child import FACTS, SOUND

ROOT = Path(__file__).resolve().parents[2]
FACTS_BYTES_MAX = 1024 * 1024
LENGTH_MAX = SECONDS_MAX + 1

Seconds = Annotated[float, Field(ge=0, le=LENGTH_MAX)]
Peak = Annotated[float, Field(ge=0, le=1)]


class SoundFacts(BaseModel):
    """What the child found."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    duration_seconds: Annotated[float, Field(gt=0, le=LENGTH_MAX)]
    peaks: Annotated[list[Peak], Field(max_length=round(LENGTH_MAX * PEAKS_PER_SECOND))]
    bpm: Annotated[float, Field(ge=BPM_RANGE[0], le=BPM_RANGE[1])] | None
    beats: Annotated[list[Seconds], Field(max_length=round(LENGTH_MAX * BPM_RANGE[1] / 60))]


def read_sound(
    source: Path, directory: Path, *, finds_beats: bool, compiled: Path, bounds: Bounds = BOUNDS
) -> tuple[Path, SoundFacts]:
    """
    Turn a stranger's file into AAC in `directory`; returns its path and what it is like.

    :param finds_beats: seconds more, for music
    :param compiled: a private folder for librosa's compiled code, used where its own is not writable
    :raises Refusal: what is wrong with the file, for its owner
    """
    own = _own_cache(compiled) if finds_beats else None
    try:
        run_child(
            "editor.audio.child", source, directory, bounds, lambda **_: None,
            request={"finds_beats": finds_beats, "reads": [str(own)] if own else []},
            packages=(PACKAGES, ROOT),
            environment={"NUMBA_CACHE_DIR": str(own)} if own else {},
        )  # fmt: skip
        return directory / SOUND, _facts(directory / FACTS)
    except Refusal as refused:
        raise refusal(refused.code) from refused


def _own_cache(compiled: Path) -> Path | None:
    """Where numba keeps what it compiles of librosa: beside the package, as it does by itself, or in our own folder."""
    spec = find_spec("librosa")
    beside = Path(spec.origin).parent / "util" if spec and spec.origin else None
    if beside and os.access(beside, os.W_OK):
        return None
    compiled.mkdir(parents=True, exist_ok=True, mode=0o700)
    return compiled


def _facts(path: Path) -> SoundFacts:
    with path.open("rb") as file:
        said = file.read(FACTS_BYTES_MAX)
    try:
        return SoundFacts.model_validate_json(said)
    except ValidationError as error:
        raise Refusal("damaged") from error
