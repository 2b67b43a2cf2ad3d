"""What kinds of work there are. Jobs carry work they know nothing about: each room registers its own from `ready()`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.module_loading import import_string

SLOW, QUICK = "slow", "quick"


@dataclass(frozen=True)
class Kind:
    name: str
    handler: str
    label: str
    cluster: str
    seconds_max: float
    max_attempts: int

    def load_handler(self) -> Callable[[Any], None]:
        """Import the handler; only the process that runs it pays for what it imports."""
        return import_string(self.handler.replace(":", "."))


class UnknownKind(LookupError):
    """No room registered this kind of work."""


Sweep = Callable[[datetime], object]
_kinds: dict[str, Kind] = {}
_sweeps: dict[str, Sweep] = {}


def register(
    *, kind: str, handler: str, label: str, queue: str = SLOW, seconds_max: float = 3600, max_attempts: int = 3
) -> None:
    """
    Say who does a kind of work: `handler="stylization.tasks:run_restyle"` takes one `Attempt`.

    `queue="quick"` is for work that should not wait behind an hour of painting. An attempt that takes longer than
    `seconds_max` is ended and the job fails.
    """
    if queue not in (SLOW, QUICK):
        raise ValueError(f"{queue!r} is neither {SLOW!r} nor {QUICK!r}")
    _kinds[kind] = Kind(kind, handler, label, queue, seconds_max, max_attempts)


def register_sweep(name: str, sweep: Sweep) -> None:
    """Have `sweep(now)` called every few minutes, to remove what a crash between file and row left behind."""
    _sweeps[name] = sweep


def kind_named(name: str) -> Kind:
    """
    :raises UnknownKind: when nobody registered it
    """
    try:
        return _kinds[name]
    except KeyError:
        raise UnknownKind(name) from None


def is_known(name: str) -> bool:
    return name in _kinds


def kinds_beside(name: str) -> list[str]:
    """Return the kinds that wait for the same workers, itself included."""
    if name not in _kinds:
        return [name]
    return [kind.name for kind in _kinds.values() if kind.cluster == _kinds[name].cluster]


def sweeps() -> dict[str, Sweep]:
    return dict(_sweeps)
