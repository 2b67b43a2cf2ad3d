from PIL import Image

from stylization.catalogue import FOLDER, find_preset, near_names, presets


def test_thirty_presets_ship_each_with_a_picture_and_its_credit() -> None:
    assert len(presets()) == 30
    for preset in presets():
        assert preset.title
        assert preset.artist in preset.credit
        assert preset.licence in ("Public domain", "CC0 1.0")
        with Image.open(preset.picture) as picture:
            assert min(picture.size) >= 256


def test_the_pictures_stay_small_enough_for_a_clone() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 5 * 2**20


def test_every_picture_is_credited_where_it_was_found() -> None:
    credited = {line.split("\t")[0] for line in (FOLDER / "CREDITS.tsv").read_text().splitlines()[1:]}

    assert credited == {path.name for path in FOLDER.glob("*.jpg")}


def test_a_preset_is_found_by_slug_title_or_any_part_only_it_has() -> None:
    for name in ("klimt-the-kiss", "The Kiss", "klimt", "KLIMT"):
        found = find_preset(name)
        assert found is not None
        assert found.slug == "klimt-the-kiss"


def test_a_part_that_several_have_finds_none_and_names_them() -> None:
    assert find_preset("vangogh") is None
    assert near_names("vangogh") == ["vangogh-starry-night", "vangogh-cafe-terrace"]


def test_a_misspelt_name_suggests_the_one_meant() -> None:
    assert near_names("hokusay") == ["hokusai-great-wave"]
    assert near_names("stary-night")[0] == "vangogh-starry-night"
    assert near_names("qqqqqq") == []


def test_an_empty_name_finds_nothing() -> None:
    assert find_preset("") is None
    assert find_preset("···") is None
