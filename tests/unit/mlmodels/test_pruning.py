"""A pruned pair paints nearly the same with less, and exactly the same where what goes was not needed."""

import pytest
import torch
from PIL import Image

from mlmodels import pruning
from mlmodels.options import BadConfig
from mlmodels.pruning import Sample, pruned
from mlmodels.stylemodel import Kept, StyleModel, read_kept, write_kept
from tests.unit.mlmodels.networks import LAYOUTS

WIDE = {"embedding": 128, "width": 16, "deep": 24, "blocks": 2}
NARROW = {"half": 6, "within": 10, "deep_within": 12, "door": 4}
PREDICTOR = "mobilenetv3-texture"


def test_channels_that_say_nothing_new_go_without_a_trace(wide, samples):
    """Here every channel from the 6th, 10th and 12th on repeats an earlier one, and the first kernel's rim is empty."""
    kept = with_repetitions(wide)

    narrow, lost = pruned(kept, NARROW, samples)

    assert max(lost.values()) < 1e-4
    assert painted(narrow, samples[0]).shape == samples[0].photograph.shape
    torch.testing.assert_close(painted(narrow, samples[0]), painted(kept, samples[0]), atol=0.01, rtol=0)


def test_what_can_be_spared_goes_first(wide, samples):
    """Fitted anew, the narrow painter is nearer to the wide one than any channels with their weights as they were."""
    narrow, _ = pruned(wide, {"half": 6}, samples)
    cut_off = Kept(narrow.layout, narrow.network, narrow.predictor, dict(narrow.weights))
    generator = torch.Generator().manual_seed(1)
    for name in ("down.1", "up.1", "last"):
        before = cut_off.weights[f"transform.{name}.weight"]
        shuffled = wide.weights[f"transform.{name}.weight"][: len(before), torch.randperm(8, generator=generator)[:6]]
        cut_off.weights[f"transform.{name}.weight"] = shuffled

    near, far = (distance(other, wide, samples) for other in (narrow, cut_off))

    assert near < 0.7 * far


def test_the_narrow_pair_can_be_kept_and_read(wide, samples, tmp_path):
    narrow, _ = pruned(wide, NARROW, samples)

    write_kept(narrow, tmp_path / "slim.safetensors")
    again = read_kept(tmp_path / "slim.safetensors")

    assert {name: again.network[name] for name in NARROW} == NARROW
    assert again.predictor == PREDICTOR
    for name in (name for name in wide.weights if name.startswith("predictor.")):
        assert torch.equal(again.weights[name], wide.weights[name].half().float()), name
    torch.testing.assert_close(painted(again, samples[0]), painted(narrow, samples[0]), atol=0.02, rtol=0)


@pytest.mark.parametrize("widths", [{"half": 9}, {"within": 0}, {"deep_within": 25}, {"door": 8}, {"door": 3}])
def test_what_is_no_smaller_is_refused(wide, samples, widths):
    with pytest.raises(BadConfig, match=f"{next(iter(widths))} is"):
        pruned(wide, widths, samples)


@pytest.mark.parametrize("layout", ["teacher", "quarter"])
def test_other_layouts_are_refused(layout, samples):
    with pytest.raises(BadConfig, match=layout):
        pruned(kept_of(layout, LAYOUTS[layout] | {"embedding": 128}), {"half": 4}, samples)


def test_the_command_writes_a_pair_to_begin_with(wide, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        noise = torch.randint(256, (48, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(number))
        Image.fromarray(noise.numpy()).save(pictures / f"{number}.png")
    write_kept(wide, tmp_path / "wide.safetensors")
    folders = ["--content", str(pictures), "--styles", str(pictures), "--samples", "3"]

    pruning.main(
        [str(tmp_path / "wide.safetensors"), "--to", str(tmp_path / "slim.safetensors"), *folders, "--half", "6"]
    )

    assert read_kept(tmp_path / "slim.safetensors").network["half"] == 6
    assert "last" in capsys.readouterr().out


def test_the_command_refuses_a_pair_that_cannot_see(tmp_path, capsys):
    write_kept(kept_of("student", WIDE, "statistics"), tmp_path / "wide.safetensors")

    with pytest.raises(SystemExit):
        pruning.main(
            [str(tmp_path / "wide.safetensors"), "--to", "x", "--content", ".", "--styles", ".", "--half", "6"]
        )

    assert "no predictor that sees" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--half", "0"], "half is 8 and cannot become 0"),
        (["--half", "6", "--samples", "0"], "nothing to fit to"),
        (["--half", "6"], "no pictures in"),
    ],
)
def test_the_command_says_in_a_line_what_it_refuses(wide, tmp_path, capsys, change, said):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    if "no pictures" not in said:
        Image.new("RGB", (48, 48)).save(pictures / "one.png")
    write_kept(wide, tmp_path / "wide.safetensors")
    files = [str(tmp_path / "wide.safetensors"), "--to", str(tmp_path / "slim.safetensors")]

    with pytest.raises(SystemExit):
        pruning.main([*files, "--content", str(pictures), "--styles", str(pictures), "--samples", "1", *change])

    assert said in capsys.readouterr().err
    assert not (tmp_path / "slim.safetensors").exists()


@pytest.fixture(scope="module")
def wide() -> Kept:
    return kept_of("student", WIDE)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    generator = torch.Generator().manual_seed(4)
    areas = [torch.rand(1, 3, 12, 12, generator=generator) for _ in range(6)]
    smooth = [torch.nn.functional.interpolate(area, size=(96, 96), mode="bicubic").clamp(0, 1) for area in areas]
    return [Sample(picture, torch.randn(1, 128, generator=generator)) for picture in smooth]


def kept_of(layout: str, options: dict[str, int], predictor: str = PREDICTOR) -> Kept:
    torch.manual_seed(0)
    model = StyleModel(layout, options, predictor)
    torch.nn.init.normal_(model.transform.film.weight, std=0.02)
    return Kept(layout, options, predictor, model.state_dict())


def with_repetitions(kept: Kept) -> Kept:
    """The same pair, but that what NARROW leaves out repeats what it keeps."""
    weights = {name: value.clone() for name, value in kept.weights.items()}
    network = kept.model().transform
    begins = [2 * sum(network.widths[:number]) for number in range(len(network.widths))]
    for place in pruning.spots(NARROW, WIDE["blocks"]):
        width = network.widths[place.norm]
        source = torch.arange(width) % place.keep
        rows = begins[place.norm] + torch.cat([source, width + source])
        here = slice(begins[place.norm], begins[place.norm] + 2 * width)
        for name in filter(None, (place.makes, place.passes)):
            weights[f"transform.{name}.weight"] = weights[f"transform.{name}.weight"][source]
        for name in ("transform.film.weight", "transform.film.bias"):
            weights[name][here] = weights[name][rows]
    rim = torch.zeros(6, 6)
    rim[1:5, 1:5] = 1
    weights["transform.first.weight"] *= rim
    return Kept(kept.layout, kept.network, kept.predictor, weights)


@torch.no_grad()
def painted(kept: Kept, sample: Sample) -> torch.Tensor:
    return kept.model().eval().transform(*sample)


def distance(one: Kept, other: Kept, samples: list[Sample]) -> float:
    return sum(float((painted(one, sample) - painted(other, sample)).square().mean()) for sample in samples)
