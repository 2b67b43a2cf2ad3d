"""What can go wrong for a reason the person at the other end can do something about."""


class StylizeError(Exception):
    """The message is one sentence for that person; `code` is for programs."""

    code = "stylize_failed"


class BadSource(StylizeError):
    """The file to paint is missing, unreadable, or not what it should be."""

    code = "bad_source"


class BadTarget(StylizeError):
    """The painted file cannot be written where it should be."""

    code = "bad_target"


class BadRecipe(StylizeError):
    """A style, weight, strength, height or engine makes no sense."""

    code = "bad_recipe"


class TargetFailed(StylizeError):
    """Writing began and could not be finished, most often for want of space."""

    code = "target_failed"
