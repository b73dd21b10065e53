"""The newsletter press for people who write every weekday morning."""

__version__ = "0.1.0"
