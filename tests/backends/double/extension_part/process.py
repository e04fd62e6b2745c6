"""A Process that Lava finds no neurocore model for."""

from hmn_lava.processes.base.process import HMNProcess


class CpuPart(HMNProcess):
    """What runs in place of an HMN component."""
