"""Numbers on a person's page that other rooms know: accounts is below them and asks without importing them."""

from collections.abc import Callable

from .models import User

_counters: dict[str, Callable[[User], int]] = {}


def register(name: str, count: Callable[[User], int]) -> None:
    """Say how to count, from `AppConfig.ready`: `register("posts", lambda user: …)`."""
    _counters[name] = count


def count(name: str, user: User) -> int:
    return _counters[name](user) if name in _counters else 0
