"""hmn-lava."""
