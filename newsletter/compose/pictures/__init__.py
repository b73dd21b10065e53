"""Pictures, and all that Pillow does for the press: each module loads it only when it is used."""
