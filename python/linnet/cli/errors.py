"""Errors that the command line shows as one line.

Exit codes: 2 for a command that cannot be meant so (UsageError), 1 for one that failed, 130 after Ctrl-C.
"""


class UsageError(Exception):
    """The command itself is wrong: an unknown name, options that do not fit together."""


class CommandError(Exception):
    """The command was right and could not be done."""
