class RenderError(Exception):
    """An edit that cannot be rendered, in words for the person whose edit it is."""

    def __init__(self, words: str, code: str = "not_rendered") -> None:
        super().__init__(words)
        self.code = code


class Stopped(Exception):
    """Nobody wants this render any more."""
