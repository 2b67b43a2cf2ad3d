"""Hashtags in captions: letters, digits and underscores of any script, at least one of them no digit."""

import re

TAG = re.compile(r"(?<![\w#&])#(\w{1,60})(?!\w)", re.UNICODE)
MOST = 20


def hashtags_in(caption: str) -> list[str]:
    """Return the folded names in the order they are written, each once, at most twenty."""
    names = (match.group(1).casefold() for match in TAG.finditer(caption))
    return list(dict.fromkeys(name for name in names if not name.isdigit() and len(name) <= 60))[:MOST]
