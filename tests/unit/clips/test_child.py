"""What the reading process says of a fault."""

from pathlib import Path
from typing import Any

import pytest

from clips.ingest import child
from clips.ingest.bounds import MEBI, Bounds, Refusal

ROOT = Path(__file__).resolve().parents[3]


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


def test_nobody_has_ffmpeg_log_through_python():
    # PyAV's log hook takes the interpreter's lock. A decoder's thread that logs while the main thread frees the decoder
    # waits for that lock, and the main thread for the decoder, for ever. Without a level FFmpeg's log is dropped.
    rooms = [ROOT / name for name in ("platform", "stylization", "editor", "community", "mlmodels")]
    sources = [path for room in rooms for path in room.rglob("*.py") if "node_modules" not in path.parts]

    assert len(sources) > 200
    assert [str(path) for path in sources if "av.logging" in path.read_text()] == []
