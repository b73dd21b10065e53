"""How a database of an earlier version of the press becomes one of this version."""
