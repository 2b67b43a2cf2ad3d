"""
What every test can count on: a private VAR folder, channels in memory, and people to act as.

The environment is set before Django reads its settings, which is why it happens on import.
"""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
# For runs that start elsewhere, and for child processes.
for folder in (ROOT / "platform", ROOT):
    if str(folder) not in sys.path:
        sys.path.insert(1, str(folder))

VAR = Path(tempfile.mkdtemp(prefix="impasto-tests-"))
atexit.register(shutil.rmtree, VAR, ignore_errors=True)

for name in ("DATABASE_URL", "VALKEY_URL", "REDIS_URL"):
    os.environ.pop(name, None)
os.environ.update(
    {
        "IMPASTO_VAR": str(VAR),
        "IMPASTO_CHANNEL_LAYER": "memory",
        "IMPASTO_SECRET_KEY": "only-for-tests",
        "IMPASTO_ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "website.settings"),
        # Playwright runs an event loop in the thread that also talks to the database.
        "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
    }
)

from django.conf import settings  # noqa: E402

# Reading one setting loads them; pytest-django then finds Django configured and sets it up.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PASSWORD = "a long pass phrase 7"


@pytest.fixture(scope="session")
def var_directory() -> Path:
    return VAR


@pytest.fixture(autouse=True)
def _nothing_left_in_the_cache() -> None:
    """Throttles and rate limits count in the cache; one test's knocks are not another's."""
    from django.core.cache import cache

    cache.clear()


@pytest.fixture
def password() -> str:
    """The password of everybody `make_user` makes."""
    return PASSWORD


@pytest.fixture
def make_user(db: None) -> Callable[..., Any]:
    """Make a person: `make_user("anna")`, `make_user("root", is_superuser=True)`."""
    from accounts.models import User

    def make(username: str, **fields: Any) -> User:
        fields = {"email": f"{username}@example.org", "password": PASSWORD, **fields}
        return User.objects.create_user(username, **fields)

    return make


@pytest.fixture
def user(make_user: Callable[..., Any]) -> Any:
    return make_user("anna")


@pytest.fixture
def other_user(make_user: Callable[..., Any]) -> Any:
    return make_user("bela")


@pytest.fixture
def moderator(make_user: Callable[..., Any]) -> Any:
    from django.contrib.auth.models import Group

    from accounts.selectors import MODERATORS

    person = make_user("mona", is_staff=True)
    person.groups.add(Group.objects.get(name=MODERATORS))
    return person


@pytest.fixture
def client_of() -> Callable[[Any], Any]:
    """Return an API client logged in as somebody: `client_of(other_user)`."""
    from rest_framework.test import APIClient

    def log_in(person: Any) -> APIClient:
        client = APIClient()
        client.force_login(person)
        return client

    return log_in


@pytest.fixture
def api_client(user: Any, client_of: Callable[[Any], Any]) -> Any:
    """An API client logged in as `user`."""
    return client_of(user)


@pytest.fixture
def anonymous_client() -> Any:
    from rest_framework.test import APIClient

    return APIClient()
