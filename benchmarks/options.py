"""What a run of the benchmarks may be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """Empty lists stand for what the case itself has chosen.

    ``rounds`` of about ``seconds`` each; ``check_steps`` steps are compared before (0: as many as take about
    a second). ``peers`` limits who takes part; ``python`` maps a peer to the interpreter that it lives in.
    """

    sizes: Sequence[int] = ()
    rates: Sequence[float] = ()
    rules: Sequence[str] = ()
    threads: Sequence[int] = (1, 2)
    rounds: int = 5
    seconds: float = 1.0
    check_steps: int = 0
    input_steps: int = 1000
    peers: Sequence[str] = ()
    python: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    say: Callable[[str], None] = lambda text: None

    def wants(self, peer: str) -> bool:
        return not self.peers or peer in self.peers

    def checked(self, synapses: int) -> int:
        """Steps of the check for so many synapses."""
        return self.check_steps or max(20, min(200, 20_000_000 // synapses))
