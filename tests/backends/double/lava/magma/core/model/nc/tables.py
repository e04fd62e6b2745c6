"""Stand-in for the tables of a net object."""

from pathlib import Path
from typing import Any

from extension_calls import record


class Nodes:
    """Base of what a net object's tables hand out; notes what is allocated in them."""

    def __init__(self, table: str = "") -> None:
        self.table = table

    def allocate(self, *arguments: Any, **keywords: Any) -> "Nodes":
        """Allocate entries."""
        record(f"{self.table}.allocate", arguments=arguments, keywords=sorted(keywords))
        return self

    def allocate_ucode(self, shape: tuple[int, ...], ucode: Any = None, **values: Any) -> "Nodes":
        """Allocate entries of a microcoded neuron: its program with its constants, or its states.

        A program has to be a file that is there, as the board's assembler would ask.
        """
        if ucode is not None and not Path(ucode).is_file():
            raise FileNotFoundError(ucode)
        record(f"{self.table}.allocate_ucode", shape=shape, ucode=ucode, values=values)
        return self
