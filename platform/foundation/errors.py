"""The one family of errors that may reach a person: what went wrong, in words they can act on."""


class ApplicationError(Exception):
    """
    Something a person asked for cannot be done.

    One handler turns it into an `application/problem+json` answer, one into a failed job's message.
    """

    status = 400
    code = "invalid"
    title = "That cannot be done"
    errors: dict[str, list[str]] | None = None

    def __init__(self, detail: str = "", *, errors: dict[str, list[str]] | None = None) -> None:
        """`errors` says what is wrong with which field: `{"edit.segments.3.end": ["…"]}`."""
        self.detail = detail or self.title
        self.errors = errors
        super().__init__(self.detail)


class NotFound(ApplicationError):
    """It does not exist, or it is not this person's to know about."""

    status = 404
    code = "not_found"
    title = "Not found"


class NotAllowed(ApplicationError):
    """Known, visible, but not theirs to change."""

    status = 403
    code = "not_allowed"
    title = "Not allowed"


class Conflict(ApplicationError):
    """It was possible a moment ago, or will be later, but not in the state things are in now."""

    status = 409
    code = "conflict"
    title = "Not in this state"


class DiskFull(ApplicationError):
    """There is no room for what this would write; a person who runs the site has to make some."""

    status = 507
    code = "disk_full"
    title = "There is no room left on the server"
