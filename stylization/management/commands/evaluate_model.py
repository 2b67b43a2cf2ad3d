"""Measure a release, beside a peer if one is named, and show it. Needs no database and no server."""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from django.core.management.base import CommandParser
from safetensors import SafetensorError
from tqdm import tqdm

from foundation.console import INTERRUPTED, ConsoleCommand
from mlmodels.evaluation.checkpoint import Checkpoint
from mlmodels.evaluation.measure import SIZES, NoData, Plan, evaluate, pictures_in, plan_from
from mlmodels.evaluation.painters import EnginePainter, Painter
from mlmodels.evaluation.peers import PEERS, PeerMissing, open_peer
from mlmodels.evaluation.report import write_report
from mlmodels.evaluation.sheet import SheetTooLarge, largest, write_sheets
from mlmodels.options import BadConfig
from mlmodels.release import SMALLEST, BadRelease, load_release
from mlmodels.vgg import VGGFeatures
from stylization.engine.engines import open_engine
from stylization.engine.errors import BadRecipe

ROOT = Path(__file__).resolve().parents[3]
VGG = ROOT.parent / "shared" / "weights" / "vgg16_features.safetensors"
PRESETS = ROOT / "stylization" / "presets"
LARGEST = 4320
MEASURED = ("content", "styles", "clips")


class BadOption(ValueError):
    """An option is missing, contradicts another, or names what is not there."""


class Command(ConsoleCommand):
    help = "Measure the networks on held-out pictures and clips, and write the numbers, a report, or contact sheets."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--release", type=Path, metavar="DIR", help="a release folder; the shipped one by default")
        add("--checkpoint", type=Path, metavar="FILE", help="a training run's checkpoint instead, in single precision")
        add("--engine", metavar="NAME", help="measure an engine of the stylizer instead, by its name")
        add("--peer", choices=sorted(PEERS), help="measure this beside ours (“make peers” installs it)")
        add("--content", type=Path, metavar="DIR", help="photographs")
        add("--styles", type=Path, metavar="DIR", help="style pictures")
        add("--clips", type=Path, metavar="DIR", help="clips (.mp4)")
        add("--json", type=Path, metavar="FILE", help="write the numbers")
        add("--report", type=Path, metavar="FILE.html", help="write numbers, curve, pictures and clips as one page")
        add("--pictures", type=positive, metavar="N", help="only so many photographs, spread over the folder")
        add("--frames", type=positive, metavar="N", default=25, help="of each clip (default 25)")
        add("--side", type=side, metavar="N", default=384, help="short side of pictures (default 384)")
        add("--clip-side", type=side, metavar="N", default=288, help="short side of clips (default 288)")
        add("--sizes", type=sizes, metavar="WxH,WxH", default=SIZES, help="to time (default 384x384,854x480,1280x720)")
        add("--runs", type=positive, metavar="N", default=9, help="timed calls of each kind (default 9)")
        add("--scene", action="store_true", help="measure statistics first, as the stylizer does; openvino needs them")
        add("--threads", type=positive, metavar="N", default=2, help="for both painters (default 2)")
        add("--vgg", type=Path, metavar="FILE", default=VGG, help="VGG16 weights (safetensors)")
        add("--sheet", type=Path, metavar="FILE.jpg", help="write every preset on one photograph")
        add("--sheet-sides", type=sides, metavar="N,N", default=[720], help="short sides (default 720)")
        add("--sheet-photo", type=Path, metavar="FILE", help="the largest of --content by default")
        add("--sheet-styles", type=Path, metavar="DIR", default=PRESETS, help="the presets by default")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options)
        except (BadOption, BadConfig, NoData, BadRelease, PeerMissing, SheetTooLarge) as fault:
            self.refuse(str(fault))
        except KeyboardInterrupt:
            self.refuse("stopped.", INTERRUPTED)

    def _run(self, options: dict[str, Any]) -> None:
        torch.set_num_threads(options["threads"])
        refuse_unwritable(options)
        wants_numbers = options["json"] or options["report"] or not options["sheet"]
        plan = measuring_plan(options) if wants_numbers else None
        vgg = open_vgg(options["vgg"]) if wants_numbers else None
        ours = open_ours(options)
        with Bar() as bar:
            if plan and vgg:
                self._measure(plan, vgg, ours, options, bar)
            if options["sheet"]:
                self._sheet(ours, options, bar)

    def _measure(self, plan: Plan, vgg: VGGFeatures, ours: Painter, options: dict[str, Any], bar: "Bar") -> None:
        painters = {"ours": ours}
        if options["peer"]:
            painters["peer"] = open_peer(options["peer"], threads=options["threads"])
        result = evaluate(painters, vgg, plan, bar.show)
        text = json.dumps(result, indent=1)
        if options["json"]:
            options["json"].write_text(text + "\n")
        if options["report"]:
            write_report(options["report"], result, painters, plan, bar.show)
        bar.clear()
        self.stdout.write("\n".join(summary(result)))

    def _sheet(self, ours: Painter, options: dict[str, Any], bar: "Bar") -> None:
        photo, styles = sheet_photo(options), pictures_in(options["sheet_styles"])
        written = write_sheets(options["sheet"], ours, photo, styles, options["sheet_sides"], bar.show)
        bar.clear()
        self.stdout.write("\n".join(map(str, written)))


class Bar:
    """A line of progress on a terminal, and one line a stage elsewhere."""

    def __init__(self) -> None:
        self._bar: Any = tqdm(file=sys.stderr, disable=not sys.stderr.isatty(), dynamic_ncols=True, leave=False)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def clear(self) -> None:
        self._bar.clear()

    def show(self, stage: str, done: int, total: int) -> None:
        if self._bar.disable and done == total:
            sys.stderr.write(f"{stage}: {total} of {total}\n")
        self._bar.total, self._bar.n = total, done
        self._bar.set_description(stage)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def side(text: str) -> int:
    """Pixels: no less than the networks paint, no more than a machine holds."""
    number = int(text)
    if not SMALLEST <= number <= LARGEST:
        raise ValueError(text)
    return number


def sides(text: str) -> list[int]:
    return [side(part) for part in text.split(",")]


def sizes(text: str) -> tuple[tuple[int, int], ...]:
    found = [[side(number) for number in part.split("x")] for part in text.split(",")]
    return tuple((width, height) for width, height in found)


def measuring_plan(options: dict[str, Any]) -> Plan:
    if missing := [f"--{name}" for name in MEASURED if options[name] is None]:
        raise BadOption(f"measuring needs {', '.join(missing)}.")
    folders = (options[name] for name in MEASURED)
    return plan_from(
        *folders,
        pictures=options["pictures"],
        frames=options["frames"],
        scene=options["scene"],
        runs=options["runs"],
        picture_side=options["side"],
        clip_side=options["clip_side"],
        sizes=options["sizes"],
    )


def refuse_unwritable(options: dict[str, Any]) -> None:
    """Before an hour of measuring, not after it."""
    for name in ("json", "report", "sheet"):
        target: Path | None = options[name]
        if target and not target.resolve().parent.is_dir():
            raise BadOption(f"--{name} {target}: there is no folder {target.parent}.")
    if options["sheet"] and options["sheet"].suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise BadOption(f"--sheet {options['sheet']}: a sheet is written as .jpg or .png.")


def open_vgg(weights: Path) -> VGGFeatures:
    try:
        return VGGFeatures(weights)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise BadOption(f"--vgg {weights}: no VGG16 weights there ({type(error).__name__}).") from error


def open_ours(options: dict[str, Any]) -> Painter:
    if sum(options[name] is not None for name in ("release", "checkpoint", "engine")) > 1:
        raise BadOption("--release, --checkpoint and --engine each name what is measured: give one of them.")
    if options["checkpoint"]:
        return Checkpoint(options["checkpoint"], open_vgg(options["vgg"]))
    if options["engine"] is None:
        return load_release(options["release"])
    try:
        return EnginePainter(open_engine(options["engine"]))
    except (BadRecipe, BadRelease) as error:
        raise BadOption(f"--engine {options['engine']}: {error}") from error


def sheet_photo(options: dict[str, Any]) -> Path:
    if options["sheet_photo"]:
        return Path(options["sheet_photo"])
    if options["content"] is None:
        raise BadOption("--sheet needs --sheet-photo or --content.")
    return largest(pictures_in(options["content"]))


def summary(result: dict[str, Any]) -> list[str]:
    lines = []
    for who in ("ours", "peer"):
        if who in result:
            found = result[who]
            numbers = "  ".join(f"{name} {value:.4f}" for name, value in found.items() if isinstance(value, float))
            lines.append(f"{who} ({found['name']}): {numbers}")
            lines.append(f"    milliseconds: {json.dumps(rounded(found['milliseconds']))}")
    for verdict in result["bars"]:
        ratio = "–" if verdict["ratio"] is None else f"{verdict['ratio']:.3f} ×"
        lines.append(f"{verdict['name']}: {ratio} (bar {verdict['bar']}) {'met' if verdict['met'] else 'missed'}")
    return lines


def rounded(milliseconds: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {size: {kind: round(time, 1) for kind, time in kinds.items()} for size, kinds in milliseconds.items()}
