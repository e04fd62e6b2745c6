"""Stand-in for reading state from the chip; public code gives the names and no signature."""


class Read:
    """Reads a state."""


class ReadConv(Read):
    """Reads a state of a convolution."""
