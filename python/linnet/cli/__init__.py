"""The command `linnet`: train, evaluate, predict, info. Start reading in main.py."""

from linnet.cli.main import main

__all__ = ["main"]
