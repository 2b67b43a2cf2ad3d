"""What a sound is like, as far as an editor needs to know: how loud when, how fast, and where its beats are."""

import numpy as np
from numpy.typing import NDArray

from clips.ingest.sound import SAMPLE_RATE

RATE = SAMPLE_RATE
PEAKS_PER_SECOND = 20
# Half the rate is plenty for drums, and half the work.
BEAT_RATE = 24_000
HOP = 512
BPM_RANGE = (30.0, 320.0)

Samples = NDArray[np.float32]


def peaks_of(samples: Samples) -> list[float]:
    """The loudest moment of each twentieth of a second, 0 to 1; the last one may be of less."""
    step = RATE // PEAKS_PER_SECOND
    padded = np.pad(np.abs(samples), (0, -len(samples) % step))
    loudest = np.nan_to_num(padded).reshape(-1, step).max(axis=1)
    return [round(float(peak), 3) for peak in np.clip(loudest, 0, 1)]


def warm_up() -> None:
    """Load and compile what `beats_of` needs, on a sound of our own."""
    ticks = np.zeros(RATE * 4, np.float32)
    ticks[:: RATE // 2] = 1
    beats_of(ticks)


def beats_of(samples: Samples) -> tuple[float | None, list[float]]:
    """
    Tempo in beats a minute and the beats in seconds, by librosa's dynamic programming; None where nothing beats.

    Only to be called where a stranger's sound may be decoded: this is what imports librosa.
    """
    from librosa.beat import beat_track
    from librosa.onset import onset_strength

    halved = (samples[: len(samples) // 2 * 2].reshape(-1, 2)).mean(axis=1)
    if len(halved) < BEAT_RATE or not np.any(halved):
        return None, []
    strength = onset_strength(y=halved, sr=BEAT_RATE, hop_length=HOP)
    tempo, frames = beat_track(onset_envelope=strength, sr=BEAT_RATE, hop_length=HOP)
    bpm = float(np.ravel(tempo)[0])
    seconds = [round(float(frame) * HOP / BEAT_RATE, 3) for frame in np.ravel(frames)]
    if len(seconds) < 2 or not BPM_RANGE[0] <= bpm <= BPM_RANGE[1]:
        return None, []
    return round(bpm, 2), seconds
