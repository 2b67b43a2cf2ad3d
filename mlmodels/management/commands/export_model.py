"""Write a release as files of other runtimes. Needs no database and no server."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from foundation.console import FAILED, INTERRUPTED, ConsoleCommand
from mlmodels import measured
from mlmodels.evaluation.checkpoint import Checkpoint
from mlmodels.exporting import FORMATS, CannotExport, ConversionFailed, ConvertersMissing, ExportedFile, export
from mlmodels.exporting.manifest import write_manifest
from mlmodels.exporting.sets import TooLarge, download_sets, require_small
from mlmodels.exporting.verify import FRAMES, NoPictures, TooDifferent, Verification
from mlmodels.measured import BadMeasurements
from mlmodels.options import BadConfig
from mlmodels.release import SHIPPED, BadRelease, Release
from mlmodels.vgg import VGGFeatures

ALL = "all"


class Command(ConsoleCommand):
    help = "Export a release for browsers and phones (docs/exports.md): files and manifest.json."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--format", required=True, choices=[*FORMATS, ALL])
        add("--out", required=True, type=Path, metavar="DIR", help="where the files go; made when it is not there")
        add("--release", type=Path, metavar="DIR", default=SHIPPED, help="a release folder; the shipped one by default")
        add("--shapes", type=listed, metavar="HxW,HxW", help="of frames, or “dynamic”; by default those of video")
        add("--precision", metavar="NAME", help="of weights; by default all that the format is shipped with")
        add("--verify", type=Path, metavar="DIR", help="compare with torch over the pictures in content/ and styles/")
        add("--keep", action="store_true", help="with --verify: keep what was measured beside the release's weights")
        add("--frames", type=int, metavar="N", default=FRAMES, help=f"to compare (default {FRAMES})")
        add("--parent", type=Path, metavar="FILE", help="with --verify: compare with the pair before eight bits too")
        add("--vgg", type=Path, metavar="FILE", help="VGG16 weights: compare style and content too, up to 384x384")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options)
        except (BadConfig, BadMeasurements, BadRelease, CannotExport, ConvertersMissing, NoPictures) as fault:
            self.refuse(str(fault))
        except (ConversionFailed, TooDifferent, TooLarge, OSError) as fault:
            self.refuse(str(fault), FAILED)
        except KeyboardInterrupt:
            self.refuse("stopped.", INTERRUPTED)

    def _run(self, options: dict[str, Any]) -> None:
        for name in ("keep", "parent"):
            if options[name] and not options["verify"]:
                self.refuse(f"--{name} goes with --verify: name its pictures too.")
        release = Release(options["release"])
        verification = _verification(release, options)
        files: list[ExportedFile] = []
        for format in FORMATS.values() if options["format"] == ALL else [FORMATS[options["format"]]]:
            weights = [options["precision"]] if options["precision"] else format.shipped
            made = export(options["release"], format.name, options["out"], shapes=options["shapes"], precisions=weights)
            for file in made:
                self.stdout.write(f"{file.path.name}  {file.path.stat().st_size / 1e6:.2f} MB")
            files += made
        if verification:
            files = self._checked(files, verification)
            require_small(download_sets(files))
        if options["keep"]:
            self.stdout.write(f"measured: {measured.keep(files, options['release'])}")
        path = write_manifest(release, files, options["out"])
        self.stdout.write(f"{len(files)} files and {path}")

    def _checked(self, files: list[ExportedFile], verification: Verification) -> list[ExportedFile]:
        """Check the files of all formats shape by shape: torch paints each shape once. The order stays as it was."""
        checked = {}
        for file in sorted(files, key=lambda file: file.shape):
            checked[file.path] = known = verification.check(file)
            if numbers := [f"{name} {value:g}" for name, value in known.metrics.items()]:
                self.stdout.write("  ".join([file.path.name, *numbers]))
        return [checked[file.path] for file in files]


def listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _verification(release: Release, options: dict[str, Any]) -> Verification | None:
    if options["verify"] is None:
        return None
    vgg = VGGFeatures(options["vgg"]).eval() if options["vgg"] else None
    parent = Checkpoint(options["parent"], vgg) if options["parent"] else None
    return Verification(release, options["verify"], vgg=vgg, parent=parent, frames=options["frames"])
