"""How loud a clip is when: the waveform on its segments."""

import numpy as np

from clips.models import Clip

from .audio.analysis import PEAKS_PER_SECOND, peaks_of
from .rendering.errors import RenderError
from .rendering.sound import decoded

__all__ = ["PEAKS_PER_SECOND", "clip_peaks"]


def clip_peaks(clip: Clip) -> list[float]:
    """
    The loudest moment of each twentieth of a second, 0 to 1; empty for a clip without sound.

    :raises RenderError: its file is damaged or gone
    """
    if not clip.has_audio:
        return []
    try:
        wave = decoded(clip.video_path, 0.0, clip.duration_seconds)
    except FileNotFoundError:
        raise RenderError("The clip's file is gone.", "source_missing") from None
    return peaks_of(np.abs(wave).max(axis=0)) if wave.size else []
