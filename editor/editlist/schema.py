"""
The edit list, version 1: a non-destructive description of a video, read from JSON that nobody vouches for.

Times are seconds, positions and sizes shares of the canvas, colours `#rrggbb`. What the numbers mean in frames is said
once, in `timeline`; what they look like, in `docs/editor.md`, which the renderer and the browser's preview both follow.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

VERSION = 1
SEGMENTS_MAX, TEXTS_MAX, STICKERS_MAX, VOICES_MAX, MARKERS_MAX = 100, 100, 50, 50, 2_000
SOURCE_SECONDS_MAX = 24 * 3600.0

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
# A clip's or a sound's id on the site; a path beside the file for `manage.py render`.
Source = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Moment = Annotated[float, Field(ge=0, le=SOURCE_SECONDS_MAX)]
Share = Annotated[float, Field(ge=0, le=1)]
Signed = Annotated[float, Field(ge=-1, le=1)]
Volume = Annotated[float, Field(ge=0, le=2)]
Place = Annotated[float, Field(ge=-1, le=2)]

ASPECTS: dict[str, tuple[int, int]] = {"9:16": (9, 16), "1:1": (1, 1), "16:9": (16, 9)}
Aspect = Literal["9:16", "1:1", "16:9"]
ShortSide = Literal[360, 480, 720, 1080]
FrameRate = Literal[24, 25, 30, 50, 60]
Font = Literal["sans", "serif", "hand"]
Sticker = Literal["heart", "star", "arrow", "circle", "bubble", "spark", "cross", "check"]


class Part(BaseModel):
    """What every part of an edit list shares: unknown names, NaN and infinities are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Canvas(Part):
    """The picture that is made."""

    aspect: Aspect = "9:16"
    short_side: ShortSide = 720
    frame_rate: FrameRate = 30

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, both even."""
        across, down = ASPECTS[self.aspect]
        unit = self.short_side / min(across, down)
        return 2 * round(across * unit / 2), 2 * round(down * unit / 2)


class Crop(Part):
    """What is cut off each edge of the source, as a share of its width or height."""

    left: Share = 0.0
    top: Share = 0.0
    right: Share = 0.0
    bottom: Share = 0.0

    @model_validator(mode="after")
    def _something_is_left(self) -> "Crop":
        if self.left + self.right > 0.95 or self.top + self.bottom > 0.95:
            raise ValueError("The crop leaves less than a twentieth of the picture.")
        return self


class View(Part):
    """Where the cropped source lies on the canvas: turned about its middle, enlarged, then moved."""

    crop: Crop = Crop()
    zoom: Annotated[float, Field(ge=0.1, le=4)] = 1.0
    rotation: Annotated[float, Field(ge=-360, le=360, description="Degrees, clockwise")] = 0.0
    x: Annotated[Signed, Field(description="Of the canvas' width, from its middle")] = 0.0
    y: Annotated[Signed, Field(description="Of the canvas' height, from its middle")] = 0.0


class Filters(Part):
    """Light and colour; 0 leaves it."""

    brightness: Signed = 0.0
    contrast: Signed = 0.0
    saturation: Signed = 0.0
    warmth: Signed = 0.0


class Transition(Part):
    """How a segment follows the one before; a crossfade overlaps both, a dip darkens the end and the beginning."""

    kind: Literal["cut", "crossfade", "dip"] = "cut"
    seconds: Annotated[float, Field(ge=0, le=5)] = 0.0


class Segment(Part):
    """A stretch of a clip, at its place in the order of the list."""

    id: Name
    clip: Source
    start: Moment
    end: Moment
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    reverse: bool = False
    fit: Literal["fit", "fill", "blur"] = "fit"
    view: View = View()
    filters: Filters = Filters()
    volume: Volume = 1.0
    transition: Transition = Transition()
    unstyled: Annotated[Source | None, Field(description="The clip that stood here before it was restyled")] = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Segment":
        if self.end <= self.start:
            raise ValueError("The end must come after the start.")
        return self


class Timed(Part):
    """Something that lies over the picture from `start` to `end` of the finished video."""

    id: Name
    start: Moment
    end: Moment

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Timed":
        if self.end <= self.start:
            raise ValueError("The end must come after the start.")
        return self


class Text(Timed):
    """Words on the picture. Those of the kind `caption` are said as WebVTT as well."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    kind: Literal["title", "caption"] = "title"
    font: Font = "sans"
    size: Annotated[float, Field(ge=0.01, le=0.5, description="Of the letters, as a share of the canvas' height")] = (
        0.06
    )
    colour: Colour = "#ffffff"
    background: Colour | None = None
    outline: bool = True
    x: Annotated[Place, Field(description="Of the middle of the words")] = 0.5
    y: Annotated[Place, Field(description="Of the middle of the words")] = 0.5
    width: Annotated[float, Field(ge=0.1, le=1, description="Wider lines are wrapped")] = 0.9


class StickerOn(Timed):
    """A small picture on the picture."""

    name: Sticker
    size: Annotated[float, Field(ge=0.02, le=1, description="Of the canvas' height")] = 0.15
    colour: Colour = "#ff4d6d"
    rotation: Annotated[float, Field(ge=-360, le=360, description="Degrees, clockwise")] = 0.0
    x: Place = 0.5
    y: Place = 0.5


class Music(Part):
    """A track under the whole video; it ends with the video, or where the track ends."""

    track: Source
    start: Annotated[Moment, Field(description="Where in the track the video's beginning is")] = 0.0
    volume: Volume = 0.8
    fade_in: Annotated[float, Field(ge=0, le=10)] = 0.0
    fade_out: Annotated[float, Field(ge=0, le=10)] = 1.0
    ducking: Annotated[Share, Field(description="How far the music steps back under other sound")] = 0.0


class Voice(Part):
    """A recording laid over the video from `at` on."""

    id: Name
    sound: Source
    at: Moment
    start: Moment = 0.0
    end: Moment | None = None
    volume: Volume = 1.0

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Voice":
        if self.end is not None and self.end <= self.start:
            raise ValueError("The end must come after the start.")
        return self


class EditList(Part):
    """A whole edit."""

    version: Literal[1]
    canvas: Canvas = Canvas()
    segments: Annotated[list[Segment], Field(max_length=SEGMENTS_MAX)] = []
    texts: Annotated[list[Text], Field(max_length=TEXTS_MAX)] = []
    stickers: Annotated[list[StickerOn], Field(max_length=STICKERS_MAX)] = []
    original_volume: Volume = 1.0
    music: Music | None = None
    voices: Annotated[list[Voice], Field(max_length=VOICES_MAX)] = []
    markers: Annotated[list[Moment], Field(max_length=MARKERS_MAX, description="Beats to cut to")] = []
    cover: Annotated[Moment, Field(description="The moment whose frame stands for the video")] = 0.0


class BadEditList(ValueError):
    """
    An edit list that cannot be used.

    :ivar faults: words for each place, named as a path in the JSON: `segments.3.end`
    """

    def __init__(self, faults: dict[str, list[str]]) -> None:
        super().__init__(" ".join(f"{path}: {text}" for path, texts in faults.items() for text in texts))
        self.faults = faults


def read_edit_list(data: Any) -> EditList:
    """
    Read parsed JSON.

    :raises BadEditList: naming each place that cannot be used; lists that are too long are refused before they are read
    """
    try:
        edit = EditList.model_validate(data, strict=False)
    except ValidationError as error:
        raise BadEditList(_faults(error)) from None
    if repeated := _repeated_ids(edit):
        raise BadEditList({path: ["Another one has this id."] for path in repeated})
    return edit


def json_schema() -> dict[str, Any]:
    """The published schema (JSON Schema 2020-12)."""
    return EditList.model_json_schema()


def _faults(error: ValidationError) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(str(step) for step in fault["loc"]) or "edit"
        faults.setdefault(path, []).append(fault["msg"].removeprefix("Value error, "))
    return faults


def _repeated_ids(edit: EditList) -> list[str]:
    repeated = []
    for name in ("segments", "texts", "stickers", "voices"):
        seen: set[str] = set()
        for place, item in enumerate(getattr(edit, name)):
            if item.id in seen:
                repeated.append(f"{name}.{place}.id")
            seen.add(item.id)
    return repeated
