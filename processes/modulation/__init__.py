"""The third factor of a plastic connection."""
