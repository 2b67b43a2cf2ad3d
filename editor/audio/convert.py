"""Writing the sound that is kept: AAC at 48 kHz, stereo, nothing of the source's metadata in it."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from clips.ingest.bounds import Bounds
from clips.ingest.sound import SAMPLE_RATE, Sound

from .bounds import refusal
from .inspect import SHORTFALL_SECONDS, SoundSource

BITS = 192_000
SECONDS_MIN = 0.05


def convert(source: SoundSource, target: Path, bounds: Bounds) -> NDArray[np.float32]:
    """
    Write the sound as MP4; returns it as one channel at 48 kHz, the louder of both sides at each moment.

    :raises Refusal: when decoding shows that the headers lied
    """
    heard: list[NDArray[np.float32]] = []
    limit = round(bounds.seconds_tolerated * SAMPLE_RATE)
    samples = 0
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("aac", rate=SAMPLE_RATE)
        stream.codec_context.layout = "stereo"
        stream.codec_context.bit_rate = BITS
        for frame in Sound(source, Fraction(limit + SAMPLE_RATE, SAMPLE_RATE)).frames():
            heard.append(_one_channel(frame))
            samples += frame.samples
            if samples > limit:
                raise refusal("too_long")
            container.mux(stream.encode(frame))
        if samples < SECONDS_MIN * SAMPLE_RATE:
            raise refusal("damaged" if (source.promised_seconds or 0) > SECONDS_MIN else "no_sound")
        container.mux(stream.encode(None))
    _refuse_short(source, samples / SAMPLE_RATE)
    return np.concatenate(heard)


def _one_channel(frame: av.AudioFrame) -> NDArray[np.float32]:
    sides = frame.to_ndarray()
    louder = np.abs(sides).argmax(axis=0)
    return np.take_along_axis(sides, louder[None], axis=0)[0].astype(np.float32)


def _refuse_short(source: SoundSource, seconds: float) -> None:
    """Refuse what holds less than its header promises."""
    promised = source.promised_seconds
    if promised is not None and seconds < promised - max(SHORTFALL_SECONDS, promised * 0.02):
        raise refusal("truncated")
