"""The report for the eye: one HTML file with the numbers, the curve, pictures and clips inside."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from mlmodels.release import Pixels

from .measure import Painters, Plan, read_frames, read_picture, spread
from .media import Plot, jpeg, mp4, side_by_side
from .painters import paint_clip

GRID_PICTURES, GRID_STYLES = 4, 3
SHOWN_CLIPS, SHOWN_FRAMES = 3, 48
SHOWN_HEIGHT = 300
METRICS = {
    "style": "style distance",
    "content": "content distance",
    "warping_gap_1": "warping error, gap 1",
    "warping_gap_10": "warping error, gap 10",
    "flicker": "flicker of a still scene (1: as the input)",
}
Tell = Callable[[str, int, int], None]


def write_report(path: Path, result: dict[str, Any], painters: Painters, plan: Plan, tell: Tell) -> None:
    """Paint what is shown and write it all to one file."""
    who = list(painters)
    body = "\n".join([*_numbers(result, who), *_pictures(painters, plan, tell), *_clips(painters, plan, tell)])
    template = Template(Path(__file__).with_name("report.html").read_text())
    title = " and ".join(escape(result[name]["name"]) for name in who)
    page = template.substitute(title=f"Measured: {title}", setup=_setup(result), columns=2 + len(who), body=body)
    path.write_text(page)


def _setup(result: dict[str, Any]) -> str:
    setup = result["setup"]
    how = "the clip's own statistics" if setup["scene_statistics"] else "each frame by its own statistics"
    return escape(
        f"{setup['pictures']} photographs at short side {setup['picture_side']}, {setup['styles']} styles, "
        f"{len(setup['clips'])} clips of {setup['frames']} frames at short side {setup['clip_side']} ({how}), "
        f"{setup['threads']} threads. Lower is better except for speed."
    )


def _numbers(result: dict[str, Any], who: list[str]) -> Iterator[str]:
    if result["bars"]:
        yield _heading("Bars") + _bars(result["bars"])
    yield _heading("All numbers") + _metrics(result, who)
    yield _heading("Speed", "Median milliseconds a frame, painters in turn.") + _speed(result, who)
    about = "Content against style distance from strength 0 (the picture's own style) to 1.5; the large dot is 1."
    yield _heading("Over strength", about) + _curve(result, who)
    for name in who:
        yield f'<p class="soft">{escape(result[name]["name"])}: <code>{escape(result[name]["sha256"])}</code></p>'


def _heading(title: str, about: str = "") -> str:
    return f"<h2>{title}</h2>" + (f'<p class="soft">{about}</p>' if about else "")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already; the first of each row names it."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    lines = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in rows
    )
    return f'<div class="card"><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'


def _bars(verdicts: list[dict[str, Any]]) -> str:
    rows = [
        [
            verdict["name"],
            _number(verdict["ours"]),
            _number(verdict["peer"]),
            _ratio(verdict["ratio"], 1),
            verdict["bar"],
            '<span class="met">met</span>' if verdict["met"] else '<span class="missed">missed</span>',
        ]
        for verdict in verdicts
    ]
    return _table(["", "ours", "peer", "ratio", "bar", ""], rows)


def _metrics(result: dict[str, Any], who: list[str]) -> str:
    rows = []
    for key, name in METRICS.items():
        given = result["input"].get(key)
        ratio = [_ratio(result["ours"][key], result["peer"][key])] if "peer" in who else []
        rows.append([name, "–" if given is None else _number(given), *(_number(result[n][key]) for n in who), *ratio])
    return _table(["", "the input itself", *who, *(["ratio"] if "peer" in who else [])], rows)


def _speed(result: dict[str, Any], who: list[str]) -> str:
    rows = []
    for size, kinds in result["ours"]["milliseconds"].items():
        for kind in kinds:
            times = [result[name]["milliseconds"][size].get(kind) for name in who]
            cells = ["–" if time is None else _milliseconds(size, time) for time in times]
            ratio = [f"{times[1] / times[0]:.2f} × as fast" if times[1] else "–"] if "peer" in who else []
            told = "network alone" if kind == "network" else "bytes to bytes"
            rows.append([f"{size.replace('x', ' × ')}, {told}", *cells, *ratio])
    return _table(["", *who, *(["ours"] if "peer" in who else [])], rows)


def _milliseconds(size: str, time: float) -> str:
    width, height = map(int, size.split("x"))
    return f"{time:.1f} ms <span class='soft'>({width * height / 1000 / time:.1f} Mpx/s)</span>"


def _curve(result: dict[str, Any], who: list[str]) -> str:
    curves = {name: result[name]["curve"] for name in who}
    limits = {
        name: result["peer"][name] * float(verdict["bar"].split()[1])
        for name in ("style", "content")
        for verdict in result["bars"]
        if verdict["name"].startswith(name)
    }
    key = "".join(f'<i class="{name[0]}"></i>{name}: {escape(result[name]["name"])}' for name in who)
    head = ["strength", *(f"{metric}, {name}" for metric in ("style", "content") for name in who)]
    rows = [
        [f"{points[0]['strength']:g}", *(_number(point[metric]) for metric in ("style", "content") for point in points)]
        for points in zip(*curves.values(), strict=True)
    ]
    return f'<p class="key soft">{key}</p>{Plot(curves).svg(limits)}{_table(head, rows)}'


def _ratio(ours: float | None, peer: float) -> str:
    return "–" if ours is None or peer == 0 else f"{ours / peer:.2f} ×"


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _pictures(painters: Painters, plan: Plan, tell: Tell) -> Iterator[str]:
    yield _heading("Pictures", "Strength 1, never trained on.")
    photos, styles = spread(plan.content, GRID_PICTURES), spread(plan.styles, GRID_STYLES)
    for index, path in enumerate(photos):
        photo = read_picture(path, plan.picture_side)
        for style in styles:
            names = path.stem, style.stem
            yield _picture_row(painters, photo, read_picture(style, plan.picture_side), names, scene=plan.scene)
        tell("report: pictures", index + 1, len(photos))


def _picture_row(painters: Painters, photo: Pixels, style: Pixels, names: tuple[str, str], *, scene: bool) -> str:
    shown = [(photo, names[0]), (style, names[1])]
    for who, painter in painters.items():
        shown += [(painted, who) for painted in paint_clip(painter, [photo], painter.embed(style), scene=scene)]
    figures = "".join(
        f'<figure><img loading="lazy" alt="{escape(name)}" src="{jpeg(picture, SHOWN_HEIGHT)}">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for picture, name in shown
    )
    return f'<div class="row">{figures}</div>'


def _clips(painters: Painters, plan: Plan, tell: Tell) -> Iterator[str]:
    yield _heading("Clips", f"Left to right: original, {', '.join(painters)}.")
    shown = spread(plan.clips, SHOWN_CLIPS)
    for index, path in enumerate(shown):
        style = plan.style_of(5 * index + 3)
        yield _clip(painters, plan, path, style)
        tell("report: clips", index + 1, len(shown))


def _clip(painters: Painters, plan: Plan, path: Path, style_path: Path) -> str:
    frames, style = read_frames(path, plan.clip_side, SHOWN_FRAMES), read_picture(style_path, plan.picture_side)
    painted = [paint_clip(painter, frames, painter.embed(style), scene=plan.scene) for painter in painters.values()]
    shown = side_by_side([frames, *painted])
    return (
        f'<video controls loop muted playsinline poster="{jpeg(shown[0], SHOWN_HEIGHT)}" src="{mp4(shown)}">'
        f'</video><p class="soft">{escape(path.stem)}, after {escape(style_path.stem)}</p>'
    )
