"""What kind of sound it is, before anything is decoded: first the bytes themselves, then the headers."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.stream import Disposition

from clips.ingest.bounds import Bounds
from clips.ingest.inspect import refuse_truncated

from .bounds import refusal

# By the names of decoders, as PyAV tells them: one codec may have several.
DECODERS = {
    "aac", "mp3", "mp3float", "opus", "libopus", "vorbis", "libvorbis", "flac",
    "pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le",
}  # fmt: skip
# Whose header says how long the sound is, in truth.
HONEST = {"mov", "wav", "flac"}
SHORTFALL_SECONDS = 0.5


@dataclass(frozen=True)
class SoundSource:
    """A file that passed."""

    path: Path
    demuxer: str
    starts_at: Fraction
    # What the header promises, where it can be believed.
    promised_seconds: float | None

    def open(self) -> Any:
        return _opened(self.path, self.demuxer)


def inspect(path: Path, bounds: Bounds) -> SoundSource:
    """
    :raises Refusal: for anything but a sound of an accepted kind, within bounds
    """
    if path.stat().st_size > bounds.bytes_max:
        raise refusal("too_large")
    demuxer = kind_of(path)
    if demuxer in ("mov", "matroska"):
        refuse_truncated(path, demuxer)
    with _opened_or_refused(path, demuxer) as container:
        stream = _only_stream(container, bounds)
        promised = float((stream.duration or 0) * stream.time_base) or (container.duration or 0) / av.time_base
        # An MP3 without an index only guesses its length: there the decoded sound decides.
        if demuxer in HONEST and promised > bounds.seconds_tolerated:
            raise refusal("too_long")
        start = max(0, stream.start_time or 0) * Fraction(stream.time_base)
        return SoundSource(path, demuxer, start, promised if demuxer in HONEST and promised else None)


def kind_of(path: Path) -> str:
    """
    Return the demuxer for a file, by its first bytes alone: libav is never asked to guess.

    :raises Refusal: for anything that is not on the list
    """
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return "mov"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    for magic, demuxer in ((b"\x1a\x45\xdf\xa3", "matroska"), (b"OggS", "ogg"), (b"fLaC", "flac"), (b"ID3", "mp3")):
        if head.startswith(magic):
            return demuxer
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        # Frames without a container: the layer's bits tell an ADTS header from one of MPEG audio.
        return "aac" if head[1] & 0xF6 == 0xF0 else "mp3"
    raise refusal("not_a_sound")


def _only_stream(container: Any, bounds: Bounds) -> Any:
    if len(container.streams) > bounds.streams_max or len(container.streams.audio) > 1:
        raise refusal("too_many_streams")
    if any(not stream.disposition & Disposition.attached_pic for stream in container.streams.video):
        raise refusal("not_only_sound")
    if not container.streams.audio:
        raise refusal("no_sound")
    stream = container.streams.audio[0]
    # The name first: nothing of a codec that is not on the list may run.
    if stream.codec_context is None or stream.codec_context.name not in DECODERS:
        raise refusal("codec_not_allowed")
    return stream


def _opened_or_refused(path: Path, demuxer: str) -> Any:
    try:
        return _opened(path, demuxer)
    except (av.error.FFmpegError, ValueError) as error:
        raise refusal("damaged") from error


def _opened(path: Path, demuxer: str) -> Any:
    decoders = ",".join(sorted(DECODERS))
    probing: Any = {"codec_whitelist": decoders, "threads": "1"}
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,wav,flac,mp3,aac",
        "codec_whitelist": decoders,
        "max_streams": "16",
    }
    return av.open(
        f"file:{path}",
        format=demuxer,
        container_options=options,
        stream_options=[probing] * 16,
        metadata_errors="ignore",
    )
