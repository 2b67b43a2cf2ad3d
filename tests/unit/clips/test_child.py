"""What the reading process says of a fault."""

from pathlib import Path
from typing import Any

import pytest

from clips.ingest import child
from clips.ingest.bounds import MEBI, Bounds, Refusal


@pytest.mark.parametrize(("memory_bytes", "code"), [(MEBI, "too_costly"), (1 << 60, "damaged")])
def test_data_that_a_starved_decoder_calls_invalid_was_too_costly(
    monkeypatch: pytest.MonkeyPatch, memory_bytes: int, code: str
) -> None:
    def inspect(*_: Any) -> None:
        raise Refusal("damaged")

    monkeypatch.setattr(child, "inspect", inspect)

    with pytest.raises(Refusal) as refused:
        child._work(Path("in.mp4"), Path(), Bounds(memory_bytes=memory_bytes), child._Voice())
    assert refused.value.code == code
