"""The phase gate of the waves of an oscillator."""
