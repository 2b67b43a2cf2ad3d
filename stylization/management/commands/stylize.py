"""Paint a video or a picture from the command line. Needs no database and no server."""

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from foundation.console import FAILED, INTERRUPTED, ConsoleCommand
from stylization.catalogue import find_preset, near_names, presets
from stylization.engine import engines
from stylization.engine.errors import BadRecipe, BadSource, BadTarget, StylizeError, TargetFailed
from stylization.engine.recipe import PaintRecipe, StyleShare
from stylization.engine.still import FORMATS as STILL_FORMATS
from stylization.engine.still import is_still, stylize_image
from stylization.engine.video import PaintProgress, PaintReport, stylize_video


class Command(ConsoleCommand):
    help = "Paint a video or a still picture with presets, pictures, or a mix of them."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        listed = textwrap.fill(", ".join(preset.slug for preset in presets()), 100)
        return super().create_parser(prog_name, subcommand, epilog=f"Presets: {listed}", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="IN", type=Path, help="video or picture to paint")
        parser.add_argument("destination", metavar="OUT", type=Path, help=".mp4 .m4v .mov .mkv; .jpg .png .webp")
        parser.add_argument(
            "--style", metavar="NAME|IMAGE[:WEIGHT]", action="append", required=True, help="repeat it to mix styles"
        )
        parser.add_argument("--strength", type=float, default=1.0, help="0 leaves it, 1 paints, 1.5 exaggerates")
        parser.add_argument(
            "--keep-colors", action="store_true", help="the colours of the source, the painting's light"
        )
        parser.add_argument("--height", type=int, help="of the painted frame, in pixels; the source's own by default")
        parser.add_argument("--brush", type=float, default=1.0, help="size of strokes: 1 as at 480 lines, 0.25 to 4")
        parser.add_argument("--engine", default=engines.DEFAULT, help=", ".join(engines.names()))
        parser.add_argument("--json", action="store_true", help="end standard output with one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self._paint(options)
        except (BadSource, BadTarget, BadRecipe) as fault:
            self.refuse(str(fault))
        except TargetFailed as fault:
            self.refuse(str(fault), FAILED)
        except StylizeError as fault:
            self.refuse(str(fault), FAILED)
        except KeyboardInterrupt:
            self.refuse("stopped; nothing was written.", INTERRUPTED)
        self._say(report, options)

    def _paint(self, options: dict[str, Any]) -> PaintReport:
        recipe = PaintRecipe(
            styles=tuple(style_share(text) for text in options["style"]),
            strength=options["strength"],
            keep_colors=options["keep_colors"],
            height=options["height"],
            brush=options["brush"],
        )
        if options["engine"] not in engines.names():
            engines.open_engine(options["engine"])  # refuses, naming what there is
        source, destination = options["source"], options["destination"]
        if is_still(source):
            return stylize_image(source, destination, recipe, engine=options["engine"])
        if destination.suffix.lower() in STILL_FORMATS and source.exists():
            raise BadTarget(f"{destination.name} is a picture, and {source.name} is not one.")
        with Bar() as bar:
            return stylize_video(source, destination, recipe, bar.show, engine=options["engine"])

    def _say(self, report: PaintReport, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(as_json(report)))
            return
        self.stdout.write(
            f"{options['destination']}: {report.frames} frame{'s' if report.frames != 1 else ''}, "
            f"{report.width} × {report.height}, {report.seconds:.1f} s ({report.frames_per_second:.1f} frames/s)"
        )


class Bar:
    """A progress bar on a terminal, and silence elsewhere."""

    def __enter__(self) -> "Bar":
        self._bar = tqdm(
            unit="frame", file=sys.stderr, disable=not sys.stderr.isatty(), dynamic_ncols=True, leave=False
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, progress: PaintProgress) -> None:
        self._bar.total = progress.frames_total
        self._bar.set_description(progress.stage, refresh=False)
        self._bar.update(progress.frames_done - self._bar.n if progress.stage != "checking" else 0)


def style_share(text: str) -> StyleShare:
    """
    Read `NAME|IMAGE[:WEIGHT]`. A file that exists under the whole text is that file, colons and all.

    :raises BadRecipe: unknown name, missing file, or a weight that is none
    """
    name, weight = text, 1.0
    if not Path(text).is_file() and ":" in text:
        name, _, tail = text.rpartition(":")
        weight = _weight(tail, text)
    if not name:
        raise BadRecipe(f"--style {text}: a style needs a name or a picture.")
    if Path(name).is_file():
        return StyleShare(Path(name).name, weight, image=Path(name))
    if preset := find_preset(name):
        return StyleShare(preset.slug, weight, image=preset.picture)
    raise BadRecipe(_unknown(name))


def _weight(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadRecipe(f"--style {whole}: the weight “{text}” is not a number.") from None


def _unknown(name: str) -> str:
    if "/" in name or Path(name).suffix.lower() in STILL_FORMATS:
        return f"There is no picture {name}."
    near = near_names(name)
    hint = f"did you mean {' or '.join(near)}?" if near else "--help lists the presets."
    return f"There is no style {name}; {hint}"


def as_json(report: PaintReport) -> dict[str, Any]:
    return {
        "frames": report.frames,
        "seconds": report.seconds,
        "fps": round(report.frames_per_second, 3),
        "width": report.width,
        "height": report.height,
        "model": {"name": report.model.name, "version": report.model.version, "sha256": report.model.sha256},
        "engine": report.engine,
    }
