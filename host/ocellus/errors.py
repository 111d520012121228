"""The one exception that a user's own input may cause."""


class BadInput(ValueError):  # noqa: N818 - the name says whose fault it is
    """One sentence for the user: what is wrong, where, what was found, what is allowed.

    Commands print it on standard error without a traceback and end with exit status 2.
    """
