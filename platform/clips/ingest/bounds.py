"""What a stranger's file may be, and the words in which it is refused."""

from dataclasses import asdict, dataclass
from typing import Any

MEBI = 1024 * 1024


@dataclass(frozen=True)
class Bounds:
    """How much of everything. Checked on the headers, on every packet, and again on what is decoded."""

    seconds_max: float = 60.0
    bytes_max: int = 300 * MEBI
    # A camera's 5.3K (5312 × 2988) passes, 8K does not: one decoded frame of it would be 100 MB.
    pixels_max: int = 16 * MEBI
    side_max: int = 8192
    frame_rate_max: float = 250.0
    streams_max: int = 16
    # The process that decodes.
    cpu_seconds: int = 1800
    wall_seconds: float = 1500.0
    memory_bytes: int = 4096 * MEBI
    output_bytes: int = 1024 * MEBI
    open_files: int = 64

    # Recordings of a minute come out a few frames longer; what is kept ends at `seconds_max` all the same.
    @property
    def seconds_tolerated(self) -> float:
        return self.seconds_max + 0.5

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Refusal(Exception):
    """The file is not wanted; `code` is for programs, `title` and `detail` are for its owner."""

    def __init__(self, code: str, **values: Any) -> None:
        title, detail = WORDS[code]
        self.code, self.title, self.detail = code, title, detail.format(**values)
        super().__init__(self.detail)

    @classmethod
    def said(cls, code: str, title: str, detail: str) -> "Refusal":
        """What another process refused, in its words."""
        refusal = cls.__new__(cls)
        refusal.code, refusal.title, refusal.detail = code, title, detail
        Exception.__init__(refusal, detail)
        return refusal


WORDS = {
    "not_a_video": ("This is not a video", "The file is not a video that can be read. Send MP4, MOV, MKV or WebM."),
    "container_not_allowed": (
        "This kind of file is not accepted",
        "Videos come in as MP4, MOV, MKV or WebM. Convert it and send it again.",
    ),
    "playlist_refused": (
        "This is a playlist",
        "The file only lists where other files are. Send the video itself.",
    ),
    "truncated": (
        "The end of the video is missing",
        "The file breaks off before its end. It was probably not copied or saved completely; send the whole file.",
    ),
    "damaged": ("The video is damaged", "Parts of the file cannot be decoded. Export it again and send that."),
    "no_video_stream": ("There is no picture in it", "The file holds sound, but no video."),
    "codec_not_allowed": (
        "It is coded in a way that is not accepted",
        "It uses {codec}. Export it as H.264, HEVC, VP9 or AV1 with AAC sound.",
    ),
    "too_many_pixels": (
        "The picture is too large",
        "It is {width} × {height}. At most {megapixels} megapixels are accepted; export it smaller, 1080p is enough.",
    ),
    "frame_rate_too_high": (
        "Too many frames per second",
        "It has {rate} frames per second; at most {limit} are accepted.",
    ),
    "too_long": ("The clip is too long", "It lasts {seconds} seconds; at most {limit} are accepted. Cut it first."),
    "too_many_streams": ("Too many tracks", "The file holds {count} tracks; at most {limit} are accepted."),
    "too_large": ("The file is too large", "It has {megabytes} MB; at most {limit} MB are accepted."),
    "too_costly": (
        "It takes too much to decode",
        "Reading this file took more time or memory than a clip may take. Export it as H.264 at 1080p.",
    ),
    "disk_full": ("There is no room left on the server", "Nothing was lost. Try again later."),
}
# Whoever tries the same file again is told the same.
FINAL = frozenset(WORDS) - {"too_costly", "disk_full"}
