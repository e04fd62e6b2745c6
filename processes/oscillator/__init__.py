"""The oscillator of a phase gate."""
