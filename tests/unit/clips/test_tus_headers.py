import base64
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips import tus

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)


def encoded(values: dict[str, str]) -> str:
    return ",".join(f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in values.items())


@given(values=st.dictionaries(NAMES, st.text(max_size=30), max_size=5))
def test_metadata_comes_back_as_it_was_sent(values: dict[str, str]) -> None:
    assert tus.metadata_of(encoded(values)) == values


def test_a_name_without_a_value_has_an_empty_one() -> None:
    assert tus.metadata_of("is_confidential, filename YS5tcDQ=") == {"is_confidential": "", "filename": "a.mp4"}


@given(text=st.text(max_size=60))
def test_no_metadata_breaks_the_reader(text: str) -> None:
    with suppress(tus.BadHeader):
        assert isinstance(tus.metadata_of(text), dict)


@given(text=st.text(max_size=60))
def test_no_checksum_breaks_the_reader(text: str) -> None:
    with suppress(tus.BadHeader):
        assert tus.checksum_of(text) == text


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("17", 17), ("9" * 18, 10**18 - 1)])
def test_numbers_are_read(text: str, number: int) -> None:
    assert tus.number_of({"Upload-Offset": text}, "Upload-Offset") == number


@pytest.mark.parametrize("text", ["", " 1", "+1", "-1", "1_000", "1e3", "0x10", "²", "9" * 19])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(tus.BadHeader):
        tus.number_of({"Upload-Offset": text}, "Upload-Offset")


def test_an_expiry_is_an_http_date() -> None:
    assert tus.expiry(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == {"Upload-Expires": "Fri, 02 Jan 2026 03:04:05 GMT"}
