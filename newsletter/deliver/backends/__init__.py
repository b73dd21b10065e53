"""The carriers that ship with the press, each found by its name."""
