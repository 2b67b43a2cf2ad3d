"""The report and the contact sheets."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from mlmodels.evaluation import measure, sheet
from mlmodels.evaluation.media import Plot, jpeg, mp4, side_by_side
from mlmodels.evaluation.report import _picture_row, write_report
from mlmodels.vgg import VGGFeatures
from tests.media import make_video, moving
from tests.unit.mlmodels.painters import Copyist, Scenic, Tinter


def silent(stage: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def pictures(folder: Path, *colours: str) -> Path:
    folder.mkdir()
    for colour in colours:
        Image.new("RGB", (64, 48), colour).save(folder / f"{colour}.png")
    return folder


@pytest.fixture
def plan(tmp_path: Path) -> measure.Plan:
    clips = tmp_path / "clips"
    clips.mkdir()
    make_video(clips / "square.mp4", moving(64, 48, 14))
    content, styles = pictures(tmp_path / "content", "gray", "olive"), pictures(tmp_path / "styles", "red", "blue")
    return measure.plan_from(
        content, styles, clips, frames=12, runs=1, picture_side=32, clip_side=32, sizes=((40, 32),)
    )


class Page(HTMLParser):
    """What a page is made of, and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("scene", [False, True])
def test_a_report_shows_pictures_as_they_were_measured(scene):
    given = []

    class Recording(Scenic):
        def paint(self, frames, embedding, statistics=None):
            given.append(statistics)
            return super().paint(frames, embedding, statistics)

    picture = np.zeros((32, 32, 3), np.uint8)
    _picture_row({"ours": Recording()}, picture, picture, ("photo", "style"), scene=scene)

    assert [statistics is not None for statistics in given] == [scene]


@pytest.mark.parametrize("painters", [{"ours": Tinter()}, {"ours": Tinter(), "peer": Copyist()}])
def test_a_report_is_one_whole_page_that_fetches_nothing(plan, tmp_path, painters):
    torch.manual_seed(0)
    result = measure.evaluate(painters, VGGFeatures(), plan, silent)

    write_report(tmp_path / "report.html", result, painters, plan, silent)

    text = (tmp_path / "report.html").read_text()
    page = Page(text)
    assert page.open == []
    assert all(source.startswith("data:") for source in page.sources)
    assert page.tags.count("img") == 4 * (2 + len(painters))  # two photographs, two styles
    assert page.tags.count("video") == 1
    assert page.tags.count("polyline") == len(painters)
    assert ("Bars" in text) == ("peer" in painters)
    assert "$" not in re.sub(r'"data:[^"]+"', "", text)


def test_names_are_escaped_in_a_report(plan, tmp_path):
    class Rude(Copyist):
        name = "<script>alert(1)</script>"

    torch.manual_seed(0)
    painters = {"ours": Rude()}
    write_report(
        tmp_path / "report.html", measure.evaluate(painters, VGGFeatures(), plan, silent), painters, plan, silent
    )

    assert "<script" not in (tmp_path / "report.html").read_text()


def decoded(uri: str) -> io.BytesIO:
    return io.BytesIO(base64.b64decode(uri.partition(",")[2]))


def test_a_picture_travels_as_a_jpeg_of_bounded_height():
    uri = jpeg(np.full((200, 300, 3), 77, np.uint8), 100)

    with Image.open(decoded(uri)) as image:
        assert (image.format, image.size) == ("JPEG", (150, 100))


def test_clips_stand_side_by_side_in_one_video_of_even_size():
    left, right = list(moving(33, 35, 4)), list(moving(33, 35, 4))

    uri = mp4(side_by_side([left, right]))

    with av.open(decoded(uri), "r") as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 4
    assert (frames[0].width, frames[0].height) == (66, 34)


def test_a_plot_has_a_dot_for_each_strength_and_the_lower_left_is_better():
    curve = [{"strength": 0.0, "content": 0.1, "style": 0.5}, {"strength": 1.0, "content": 0.8, "style": 0.1}]
    plot = Plot({"ours": curve})

    assert plot.svg({"style": 0.2, "content": 0.9}).count("<circle") == 2
    assert plot.x(0.1) < plot.x(0.8)
    assert plot.y(0.5) < plot.y(0.1)


def test_a_plot_of_nothing_but_zeros_still_stands():
    assert "<circle" in Plot({"ours": [{"strength": 0.0, "content": 0.0, "style": 0.0}]}).svg({})


def test_a_sheet_holds_the_photograph_and_every_style_unscaled(tmp_path):
    styles = measure.pictures_in(pictures(tmp_path / "styles", "red", "blue", "lime"))
    photo = np.full((48, 64, 3), 100, np.uint8)

    whole = np.asarray(sheet.contact_sheet(Tinter(), photo, styles, silent))

    assert whole.shape == (48 + 16 + 2 * sheet.GAP, 4 * (64 + sheet.GAP) + sheet.GAP, 3)
    first, second = (whole[sheet.GAP, sheet.GAP + place * (64 + sheet.GAP)] for place in (0, 1))
    assert first.tolist() == [100, 100, 100]
    assert second.tolist() == [50, 50, 178]  # half of blue, which comes first by name


def test_several_sides_make_several_sheets(tmp_path):
    styles = measure.pictures_in(pictures(tmp_path / "styles", "red"))
    Image.new("RGB", (80, 60), "gray").save(tmp_path / "photo.png")

    written = sheet.write_sheets(tmp_path / "out.jpg", Copyist(), tmp_path / "photo.png", styles, [32, 64], silent)

    assert [path.name for path in written] == ["out-32.jpg", "out-64.jpg"]
    assert all(path.is_file() for path in written)


def test_the_largest_photograph_is_chosen(tmp_path):
    for name, side in (("small", 40), ("large", 90), ("middle", 60)):
        Image.new("RGB", (side, side)).save(tmp_path / f"{name}.png")

    assert sheet.largest(sorted(tmp_path.glob("*.png"))).stem == "large"


def test_a_sheet_beyond_what_a_file_can_hold_is_refused(tmp_path):
    styles = [tmp_path / f"{number}.png" for number in range(60)]

    with pytest.raises(sheet.SheetTooLarge, match="smaller"):
        sheet.contact_sheet(Copyist(), np.zeros((2000, 12_000, 3), np.uint8), styles, silent)
