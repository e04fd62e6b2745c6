"""Stand-in for the ports of models in C."""


class AbstractCPort:
    """Base of the ports."""


class CInPort(AbstractCPort):
    """Receives."""


class COutPort(AbstractCPort):
    """Sends."""


class CRefPort(AbstractCPort):
    """Reads and writes a variable of another Process."""
