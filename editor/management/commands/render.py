"""Render an edit list from the command line. Needs no database and no server."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from editor.editlist.schema import BadEditList, EditList, read_edit_list
from editor.rendering.render import RenderError, RenderProgress, RenderReport, render_edit
from foundation.console import FAILED, INTERRUPTED, ConsoleCommand
from foundation.files import is_disk_full

EDIT_BYTES_MAX = 4 * 1024 * 1024


class BadRequest(ValueError):
    """What was asked for cannot be done, in words."""


class Command(ConsoleCommand):
    help = "Render an edit list (docs/editor.md) whose clips and sounds are files; their paths count from its folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("edit", metavar="EDIT.json", type=Path, help="the edit list")
        parser.add_argument("destination", metavar="OUT.mp4", type=Path, help="captions go to OUT.vtt beside it")
        parser.add_argument("--cache", type=Path, help="a folder that keeps pieces, so that the next render is quicker")
        parser.add_argument("--json", action="store_true", help="end standard output with one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self._render(options)
        except (BadRequest, BadEditList) as fault:
            self.refuse(str(fault))
        except RenderError as fault:
            self.refuse(str(fault), FAILED)
        except OSError as fault:
            self.refuse("the disk is full." if is_disk_full(fault) else str(fault), FAILED)
        except KeyboardInterrupt:
            self.refuse("stopped; nothing was written.", INTERRUPTED)
        self._say(report, options)

    def _render(self, options: dict[str, Any]) -> RenderReport:
        edit, destination = _read(options["edit"]), options["destination"]
        files = files_of(edit, options["edit"].parent)
        _check_target(destination, files)
        with tqdm(unit="frame", file=sys.stderr, disable=not sys.stderr.isatty(), leave=False) as bar:
            report = render_edit(edit, destination, files, options["cache"], lambda progress: _show(bar, progress))
        if report.captions:
            destination.with_suffix(".vtt").write_text(report.captions)
        return report

    def _say(self, report: RenderReport, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({name: value for name, value in asdict(report).items() if name != "captions"}))
            return
        self.stdout.write(
            f"{options['destination']}: {report.frames} frames, {report.width} × {report.height}, "
            f"{report.seconds:.2f} s ({report.encoded} encoded, {report.copied} copied, {report.kept} kept)"
        )


def files_of(edit: EditList, folder: Path) -> dict[str, Path]:
    """Every file the edit list names, by the name it has there."""
    names = {segment.clip for segment in edit.segments} | {voice.sound for voice in edit.voices}
    names |= {edit.music.track} if edit.music else set()
    return {name: folder / name for name in names}


def _read(path: Path) -> EditList:
    try:
        if path.stat().st_size > EDIT_BYTES_MAX:
            raise BadRequest(f"{path.name} is too large for an edit list.")
        data = json.loads(path.read_text())
    except OSError as error:
        raise BadRequest(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadRequest):
            raise
        raise BadRequest(f"{path.name} is not JSON: {error}") from error
    return read_edit_list(data)


def _check_target(destination: Path, files: dict[str, Path]) -> None:
    if destination.suffix.lower() != ".mp4":
        raise BadRequest(f"{destination.name}: an edit is rendered to .mp4.")
    if not destination.parent.is_dir():
        raise BadRequest(f"There is no folder {destination.parent}.")
    if destination.is_dir():
        raise BadRequest(f"{destination} is a folder.")
    if any(destination.exists() and file.exists() and destination.samefile(file) for file in files.values()):
        raise BadRequest(f"{destination.name} is one of the edit's own sources.")


def _show(bar: Any, progress: RenderProgress) -> None:
    bar.total = progress.frames_total
    bar.set_description(progress.stage, refresh=False)
    bar.update(progress.frames_done - bar.n)
