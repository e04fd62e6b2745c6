"""The order in which populations are computed within a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hmn_lava.errors import InputError
from hmn_lava.spec.problems import Problem


def topological_order(populations: Iterable[str], no_delay: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """Sort populations such that each comes after all that reach it within the step.

    ``no_delay`` are (pre, post, connection) of the connections with a synapse of delay 0. Raises InputError that names
    a loop of them: its populations would wait for each other.
    """
    before: dict[str, dict[str, str]] = {name: {} for name in populations}  # post -> pre -> connection
    for pre, post, connection in no_delay:
        before[post].setdefault(pre, connection)
    done: dict[str, None] = {}
    while len(done) < len(before):
        ready = [name for name, needs in before.items() if name not in done and needs.keys() <= done.keys()]
        if not ready:
            raise _loop(before, done)
        done.update(dict.fromkeys(ready))
    return tuple(done)


def _loop(before: Mapping[str, Mapping[str, str]], done: Mapping[str, None]) -> InputError:
    path = [next(name for name in before if name not in done)]
    used: list[str] = []
    while True:  # backwards: a population that waits has a predecessor that waits, so one comes a second time
        pre, connection = next((pre, name) for pre, name in before[path[-1]].items() if pre not in done)
        used.append(connection)
        if pre in path:
            break
        path.append(pre)
    first = path.index(pre)
    loop, used = [pre, *reversed(path[first + 1 :]), pre], [*reversed(used[first:])]
    problem = f"loop without delay: {_long(' -> ', loop)} (connections {_long(', ', used)})"
    remedy = "give one connection of the loop a delay of 1 or more"
    return Problem(f"connections.{used[0]}.delay", problem, remedy).error()


def _long(separator: str, names: list[str], limit: int = 12) -> str:
    return separator.join(names if len(names) <= limit else [*names[: limit - 1], "...", names[-1]])
