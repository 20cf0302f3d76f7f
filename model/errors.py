"""What a user can mend."""


class InputError(ValueError):
    """Bad input. The message is one sentence: what is wrong, where, and how to mend it. Commands exit with 2."""


def shown(value: object, most: int = 40) -> str:
    """A value that was given, short, on one line and printable."""
    text = repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."
