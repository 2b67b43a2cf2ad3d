"""The words after # in a caption. The browser client marks the same ones (`hashtagsIn`)."""

import re
import unicodedata

# Letters and digits of every script. Python's \w leaves out the marks that many scripts write their vowels with, so
# the end of a tag is looked for one character at a time.
# The second is the sign as East Asian keyboards write it.
SIGNS = "#\uff03"
_START = re.compile(f"[{SIGNS}]")


def hashtags_in(caption: str) -> list[str]:
    """Return each hashtag once, folded for comparing, in the order they stand in the caption."""
    found = (_word_at(caption, match.end()) for match in _START.finditer(caption))
    return list(dict.fromkeys(fold(word) for word in found if word))


def fold(word: str) -> str:
    """`Straße`, `strasse` and the same in full-width letters are one hashtag."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())


def _word_at(text: str, start: int) -> str:
    end = start
    while end < len(text) and _belongs(text[end], is_first=end == start):
        end += 1
    return text[start:end]


def _belongs(character: str, *, is_first: bool) -> bool:
    kind = unicodedata.category(character)[0]
    return character == "_" or kind in "LN" or (kind == "M" and not is_first)
