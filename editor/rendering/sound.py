"""
The sound of an edit: every part decoded and stretched by libav's filters, laid at its sample, summed.

Arrays are float32 of shape (2, samples) at 48 kHz.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import av.error
import av.filter
import numpy as np
from numpy.typing import NDArray

from clips.ingest.sound import SAMPLE_RATE
from editor.editlist.schema import EditList, Music, Segment
from editor.editlist.timeline import Placed, Timeline

from .errors import RenderError
from .sources import VideoSource, opened

BITS = 160_000
FORM = f"sample_fmts=fltp:sample_rates={SAMPLE_RATE}:channel_layouts=stereo"
BUFFER = f"sample_rate={SAMPLE_RATE}:sample_fmt=fltp:channel_layout=stereo:time_base=1/{SAMPLE_RATE}"
EDGE = SAMPLE_RATE // 200  # samples: a cut through a loud sound clicks; this short a fade does not
Wave = NDArray[np.float32]
Step = tuple[str, str]


def mix(
    edit: EditList, timeline: Timeline, sources: Mapping[str, VideoSource], files: Mapping[str, Path]
) -> Wave | None:
    """
    Return the whole sound, or nothing where nothing sounds.

    :raises RenderError: a file of sound that cannot be read
    """
    total = samples_at(timeline.frames, timeline.frame_rate)
    voices = _originals(edit, timeline, sources, total)
    for voice in edit.voices:
        start = round(voice.at * SAMPLE_RATE)
        if start < total:
            seconds = None if voice.end is None else voice.end - voice.start
            wave = decoded(files[voice.sound], voice.start, seconds or (total - start) / SAMPLE_RATE)
            voices = _laid(voices, _ramped(wave, EDGE, EDGE) * np.float32(voice.volume), start, total)
    if edit.music is None:
        return None if voices is None else _limited(voices)
    music = _music(edit.music, files[edit.music.track], total)
    if voices is not None and edit.music.ducking:
        music = _ducked(music, voices, edit.music.ducking)
    return _limited(music if voices is None else music + voices)


def samples_at(frame: int, rate: int) -> int:
    """The sample at which a frame begins."""
    return round(frame * SAMPLE_RATE / rate)


def decoded(path: Path, start: float, seconds: float, steps: list[Step] | None = None) -> Wave:
    """Decode a stretch of a file's first sound as stereo, through filters; silence where there is none."""
    with opened(path) as container:
        if not container.streams.audio:
            return np.zeros((2, 0), np.float32)
        stream = container.streams.audio[0]
        # Decoders need a run-up; what comes too early is cut by its time.
        container.seek(max(0, round((start - 0.2) / stream.time_base)), stream=stream, backward=True)
        cut = ("atrim", f"start={start:.6f}:end={start + seconds:.6f}")
        chain = [
            ("aresample", f"{SAMPLE_RATE}:async=1:rematrix_maxval=1"),
            ("aformat", FORM),
            cut,
            ("asetpts", "PTS-STARTPTS"),
        ]
        try:
            # Once more at the end: some filters hand on interleaved samples.
            blocks = list(_filtered(container, stream, [*chain, *(steps or []), ("aformat", FORM)], start + seconds))
        except av.error.FFmpegError as error:
            raise RenderError(f"The sound of {path.name} is damaged.", "source_damaged") from error
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((2, 0), np.float32)


def _filtered(container: Any, stream: Any, steps: list[Step], until: float) -> Iterator[Wave]:
    graph = None
    for frame in container.decode(stream):
        if frame.pts is not None and float(frame.pts * stream.time_base) >= until:
            break
        if graph is None:
            graph = _Graph(frame, stream.time_base, steps)
        yield from graph.push(frame)
    if graph is not None:
        yield from graph.push(None)


class _Graph:
    def __init__(self, first: av.AudioFrame, time_base: Any, steps: list[Step]) -> None:
        graph = av.filter.Graph()
        self._source = graph.add_abuffer(
            sample_rate=first.sample_rate, format=first.format.name, layout=first.layout.name, time_base=time_base
        )
        self._sink = graph.add("abuffersink")
        graph.link_nodes(
            self._source, *(graph.add(name, arguments) for name, arguments in steps), self._sink
        ).configure()
        self._graph = graph

    def push(self, frame: av.AudioFrame | None) -> Iterator[Wave]:
        self._source.push(frame)
        yield from _pulled(self._sink)


def tempo_steps(speed: float) -> list[Step]:
    """Pitch is kept; one `atempo` does half to double speed well, so several are chained (ffmpeg's advice)."""
    factors = []
    while speed < 0.5:
        factors.append(0.5)
        speed /= 0.5
    while speed > 2.0:
        factors.append(2.0)
        speed /= 2.0
    return [("atempo", f"{factor:.6f}") for factor in [*factors, speed] if factor != 1.0]


def _originals(edit: EditList, timeline: Timeline, sources: Mapping[str, VideoSource], total: int) -> Wave | None:
    whole: Wave | None = None
    for placed in timeline.placed:
        source, volume = sources[placed.segment.clip], placed.segment.volume * edit.original_volume
        if not source.has_sound or not volume:
            continue
        begin, end = (samples_at(frame, timeline.frame_rate) for frame in (placed.span.start, placed.span.end))
        wave = _fitted(_stretched(source, placed.segment), end - begin)
        whole = _laid(whole, _faded(wave, placed, timeline.frame_rate) * np.float32(volume), begin, total)
    return whole


def _stretched(source: VideoSource, segment: Segment) -> Wave:
    reverse = [("areverse", "")] if segment.reverse else []
    seconds = min(segment.end, source.seconds) - segment.start
    return decoded(source.path, segment.start, max(0.0, seconds), [*reverse, *tempo_steps(segment.speed)])


def _faded(wave: Wave, placed: Placed, rate: int) -> Wave:
    """Fade over the transitions, and by a few milliseconds at a cut."""
    begin = samples_at(placed.fade_in, rate) if placed.fade_in else EDGE
    end = samples_at(placed.fade_out, rate) if placed.fade_out else EDGE
    return _ramped(wave, begin, end)


def _ramped(wave: Wave, begin: int, end: int) -> Wave:
    count = wave.shape[1]
    gain = np.ones(count, np.float32)
    begin, end = min(begin, count), min(end, count)
    gain[:begin] *= np.linspace(0, 1, begin, endpoint=False, dtype=np.float32)
    gain[count - end :] *= np.linspace(1, 0, end, endpoint=False, dtype=np.float32)
    return wave * gain


def _fitted(wave: Wave, samples: int) -> Wave:
    return wave[:, :samples] if wave.shape[1] >= samples else np.pad(wave, ((0, 0), (0, samples - wave.shape[1])))


def _laid(whole: Wave | None, wave: Wave, start: int, total: int) -> Wave:
    whole = np.zeros((2, total), np.float32) if whole is None else whole
    wave = wave[:, : total - start]
    whole[:, start : start + wave.shape[1]] += wave
    return whole


def _music(music: Music, path: Path, total: int) -> Wave:
    wave = decoded(path, music.start, total / SAMPLE_RATE)
    if wave.shape[1] == 0:
        raise RenderError(f"{path.name} has no sound there.", "no_sound")
    faded = _ramped(wave, round(music.fade_in * SAMPLE_RATE), round(music.fade_out * SAMPLE_RATE))
    return _fitted(faded * np.float32(music.volume), total)


def _ducked(music: Wave, voices: Wave, depth: float) -> Wave:
    """Side-chain compression: full depth takes loud music down to about a quarter while somebody speaks."""
    graph = av.filter.Graph()
    under, over = graph.add("abuffer", BUFFER), graph.add("abuffer", BUFFER)
    compressor = graph.add("sidechaincompress", f"threshold=0.02:ratio=8:attack=30:release=400:mix={depth:.3f}")
    form, sink = graph.add("aformat", FORM), graph.add("abuffersink")  # it computes in doubles
    under.link_to(compressor, 0, 0)
    over.link_to(compressor, 0, 1)
    compressor.link_to(form)
    form.link_to(sink)
    graph.configure()
    _push(under, music)
    _push(over, voices)
    return _fitted(np.concatenate(list(_pulled(sink)), axis=1), music.shape[1])


def _push(source: Any, wave: Wave) -> None:
    """Put a whole sound into a graph, a second at a time."""
    for first in range(0, wave.shape[1], SAMPLE_RATE):
        source.push(_frame(wave[:, first : first + SAMPLE_RATE], first))
    source.push(None)


def _pulled(sink: Any) -> Iterator[Wave]:
    while True:
        try:
            yield np.asarray(sink.pull().to_ndarray(), np.float32)
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _limited(wave: Wave) -> Wave:
    """Hold peaks at -1 dB; what is not too loud passes as it is."""
    if np.abs(wave).max(initial=0.0) <= 0.891:
        return wave
    graph = av.filter.Graph()
    source, sink = graph.add("abuffer", BUFFER), graph.add("abuffersink")
    limiter = graph.add("alimiter", "limit=0.891:level=0:latency=1")
    graph.link_nodes(source, limiter, graph.add("aformat", FORM), sink).configure()
    _push(source, wave)
    return _fitted(np.concatenate(list(_pulled(sink)), axis=1), wave.shape[1])


def _frame(wave: Wave, start: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = SAMPLE_RATE, start
    return frame


def write(wave: Wave | None, target: Path) -> None:
    """Encode the sound as AAC in an MP4 of its own; nothing is written where nothing sounds."""
    if wave is None:
        return
    with av.open(str(target), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=SAMPLE_RATE)
        stream.codec_context.layout = "stereo"
        stream.codec_context.bit_rate = BITS
        for first in range(0, wave.shape[1], 1024):
            container.mux(stream.encode(_frame(wave[:, first : first + 1024], first)))
        container.mux(stream.encode(None))
