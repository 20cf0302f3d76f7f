"""What a user can mend."""


class InputError(ValueError):
    """Bad input. The message is one sentence: what is wrong, where, and how to mend it. Commands exit with 2."""
