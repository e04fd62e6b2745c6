"""Stand-in for variables of neurocore models."""


class NcVar:
    """A variable that lies in a neurocore."""
