import pytest

from community.hashtags import fold, hashtags_in


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A walk #Sea #sky.", ["sea", "sky"]),
        ("#sea,#SEA#Sea", ["sea"]),
        ("no tags here", []),
        ("# alone, ## and #!", []),
        ("#海边 und #Straße", ["海边", "strasse"]),
        ("#under_score-dash", ["under_score"]),
        ("#हिन्दी", ["हिन्दी"]),
        ("\uff03\uff26\uff35\uff2c\uff2c", ["full"]),
        ("#2026", ["2026"]),
    ],
)
def test_a_caption_is_filed_under_its_hashtags(caption: str, words: list[str]) -> None:
    assert hashtags_in(caption) == words


def test_composed_and_decomposed_letters_are_one_hashtag() -> None:
    assert hashtags_in("#caf\u00e9 #cafe\u0301") == ["caf\u00e9"]


def test_folding_twice_changes_nothing_more() -> None:
    for word in ["STRASSE", "İstanbul", "ǅ", "ﬁne", "Σίσυφος"]:
        assert fold(fold(word)) == fold(word)
