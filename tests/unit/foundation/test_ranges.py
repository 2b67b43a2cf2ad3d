import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.serving import parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-99", (0, 99)),
        ("bytes=100-", (100, 999)),
        ("bytes=-100", (900, 999)),
        ("bytes=-5000", (0, 999)),
        ("bytes=500-5000", (500, 999)),
        ("bytes=999-999", (999, 999)),
        ("", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,5-6", None),
        ("seconds=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_a_range_is_read(header: str, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 1000) == expected


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_without_a_byte_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="bytes="):
        parse_range(header, 1000)


@given(header=st.from_regex(r"bytes=[0-9]{0,6}-[0-9]{0,6}", fullmatch=True), size=st.integers(1, 5000))
def test_every_range_lies_in_the_file(header: str, size: int) -> None:
    try:
        found = parse_range(header, size)
    except ValueError:
        return
    if found is not None:
        first, last = found
        assert 0 <= first <= last < size
