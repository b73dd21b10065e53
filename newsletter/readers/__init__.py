"""Who reads us, and who got what."""
