"""The one exception that a user's own input may cause."""


class BadInput(ValueError):
    """One sentence for the user: what is wrong, where, what was found, what is allowed.

    Commands print it on standard error without a traceback and end with exit status 2.
    """
