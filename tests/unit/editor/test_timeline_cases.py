"""
The browser's time is the server's: both are held to one file of cases.

`python -m tests.unit.editor.test_timeline_cases` writes it anew.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from editor.editlist.schema import read_edit_list
from editor.editlist.timeline import lay_out, source_frames

PATH = Path(__file__).resolve().parents[3] / "platform" / "webclient" / "tests" / "timeline-cases.json"


def answered(case: dict[str, Any]) -> dict[str, Any]:
    """The case with what the server says of it."""
    edit = read_edit_list(case["edit"])
    timeline = lay_out(edit)
    times = [frame / case["source_rate"] for frame in range(case["count"])]
    shown = [source_frames(placed.segment, times, timeline.frame_rate) for placed in timeline.placed]
    start, end = case["span"][:2]
    span = timeline.span_of(start, end)
    return {
        **case,
        "size": list(edit.canvas.size),
        "frames": timeline.frames,
        "placed": [[p.span.start, p.span.end, p.fade_in, p.fade_out] for p in timeline.placed],
        "shown": [[f[0], f[len(f) // 3], f[len(f) // 2], f[-1], sum(f)] for f in shown],
        "span": [start, end, span.start, span.end],
    }


@pytest.mark.parametrize("number", range(24))
def test_the_browsers_case_is_what_the_server_says(number):
    case = json.loads(PATH.read_text())[number]

    assert answered(case) == case


if __name__ == "__main__":
    PATH.write_text(json.dumps([answered(case) for case in json.loads(PATH.read_text())], separators=(",", ":")) + "\n")
