"""Stand-in for the ports of neurocore models."""


class NcInPort:
    """Receives spikes."""


class NcOutPort:
    """Sends spikes."""


class NcVarPort:
    """Gives access to a variable."""
