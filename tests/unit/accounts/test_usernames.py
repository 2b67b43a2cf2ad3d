import pytest
from django.core.exceptions import ValidationError

from accounts.usernames import LENGTH_MAX, validators


def is_usable(name: str) -> bool:
    try:
        for validate in validators:
            validate(name)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", ["anna", "Anna.M", "a_b-c", "7days", "x" * LENGTH_MAX])
def test_a_name_fit_for_an_address_is_usable(name):
    assert is_usable(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a b", "a/b", "anna\n", "änna", "anna?", "-anna", "anna.", "@anna", "x" * (LENGTH_MAX + 1)],
)
def test_a_name_that_an_address_cannot_carry_is_not(name):
    assert not is_usable(name)


@pytest.mark.parametrize("name", ["impasto", "Impasto", "im.pasto", "impasto_", "ADMIN", "moder-ator", "Support"])
def test_a_name_that_speaks_for_the_site_is_not(name):
    assert not is_usable(name)


def test_a_name_that_only_contains_one_is_usable():
    assert is_usable("impasto_fan")
