"""Proof-reading: what an edition should not leave the house with."""
