"""The captions of an edit as WebVTT (W3C), for players, search and people who cannot hear."""

from editor.editlist.schema import EditList
from editor.editlist.timeline import Timeline


def captions_of(edit: EditList, timeline: Timeline) -> str:
    """Return WebVTT of all texts of the kind `caption`, or an empty text where there are none."""
    cues = []
    for text in sorted(
        (text for text in edit.texts if text.kind == "caption"), key=lambda text: (text.start, text.end)
    ):
        span = timeline.span_of(text.start, text.end)
        if span.frames > 0:
            rate = timeline.frame_rate
            cues.append(f"{_clock(span.start / rate)} --> {_clock(span.end / rate)}\n{_escaped(text.text)}\n")
    return "WEBVTT\n\n" + "\n".join(cues) if cues else ""


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _escaped(text: str) -> str:
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A blank line would end the cue.
    return "\n".join(line for line in plain.split("\n") if line.strip())
