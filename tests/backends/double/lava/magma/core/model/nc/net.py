"""Stand-in for the net object, with the tables that public code names."""

from lava.magma.core.model.nc.tables import Nodes

TABLES = ("neurons_cfg", "neurons", "ax_in", "ax_in_cfg", "syn", "syn_cfg", "dend_acc", "dend_acc_cfg", "ax_out")


class NetL2:
    """One net object of Loihi 2."""

    def __init__(self) -> None:
        for table in TABLES:
            setattr(self, table, Nodes(table))
