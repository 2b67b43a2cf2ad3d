"""
How a clip's picture is encoded: by ingest, and by the editor, which copies what it leaves alone. Knows no Django.

Two streams of one size and rate that were opened here with the same tick have the same parameter sets (SPS, PPS).
"""

from fractions import Fraction
from typing import Any

PRESET, QUALITY = "veryfast", "20"
BT709, LIMITED = 1, 1


def add_picture(
    container: Any, size: tuple[int, int], rate: Fraction, *, threads: int, tick: Fraction | None = None
) -> Any:
    """
    Add an H.264 stream to an output container: yuv420p, limited range, BT.709, square pixels.

    :param tick: the encoder's time base, which H.264 writes into its header; a frame's duration without
    """
    stream = container.add_stream("libx264", rate=rate)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = tick or 1 / rate
    context.sample_aspect_ratio = Fraction(1)
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED
    context.thread_count = threads
    # One key frame a second: posters, sprites and single frames are read by seeking.
    keys = str(max(1, round(rate)))
    stream.options = {"preset": PRESET, "crf": QUALITY, "profile": "high", "g": keys, "rc-lookahead": "20"}
    return stream
