"""What a consumer needs to close when its person is shut out."""


def group_of(user_pk: int) -> str:
    """
    The channel group every socket of a person joins.

    It carries `{"type": "person.logged_out"}`: the consumer's `person_logged_out` closes with code 4401.
    """
    return f"person.{user_pk}"
