"""Rows on Dask's workers: processes of this machine, or those of a cluster that runs already."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeAlias

import distributed
from distributed.comm.core import connect
from distributed.scheduler import KilledWorker

from hmn_lava.errors import BackendError, HmnError, RunError
from hmn_lava.sweeps.job import Job, Outcome, run_job

Sent: TypeAlias = "distributed.Future[Outcome]"

CONNECT = 10.0
"""Seconds that a scheduler may take to answer."""

LOOK = 2.0
"""Seconds between two looks at whether the scheduler is still there."""

TRIES = 3
"""How often a row is handed in. Each time, Dask gives it up after the fourth worker that died with it."""

AHEAD = 2
"""Rows handed in for each worker's thread: one runs, one waits."""


@contextmanager
def workers_here(number: int) -> Iterator[distributed.Client]:
    """Start ``number`` worker processes of one thread; they end with the block, or with this process."""
    # Dask tells of every worker that dies. What it means for a row, the row's outcome says.
    with (
        distributed.LocalCluster(
            n_workers=number,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any port: without it, a second sweep warns that the usual one is taken
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@contextmanager
def workers_at(address: str) -> Iterator[distributed.Client]:
    """Connect to the scheduler at ``address``. Raises BackendError if none answers there."""
    for name in ("distributed", "distributed.client"):  # Dask gives the client a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with ThreadPoolExecutor(1) as thread:  # a notebook's own thread runs an event loop already
            thread.submit(asyncio.run, _greet(address)).result()
        client = distributed.Client(address, timeout=CONNECT)
    except Exception as error:  # whatever listens there may send anything
        raise BackendError(
            f"no Dask scheduler answers at '{address}' ({_first_line(error)}): give the address that "
            "`dask scheduler` printed, such as tcp://10.0.0.1:8786; nothing was run"
        ) from None
    with client:
        yield client


async def _greet(address: str) -> None:
    """Connect once: a Client waits for ever for one that takes the connection and says nothing."""
    comm = await asyncio.wait_for(connect(address, timeout=CONNECT), CONNECT)
    await comm.close()


def run_rows(
    client: distributed.Client, rows: Iterable[tuple[str, Callable[[], Job]]], say: Callable[[str], None]
) -> Iterator[tuple[str, Outcome]]:
    """Run rows, given by their key and how to make their job; yields each outcome as it comes, in any order.

    While the cluster has no workers the rows wait, and ``say`` is told so. A row whose worker dies runs again; one that
    has killed its workers each time fails. Raises BackendError if the workers have no hmn-lava, or another, and
    RunError if the scheduler is lost.
    """
    queue = iter(rows)
    pending: dict[Sent, tuple[str, Callable[[], Job], int]] = {}

    def hand_in(key: str, make: Callable[[], Job], tries: int) -> None:
        with warnings.catch_warnings():
            # Dask warns of large arguments. Few are on their way at a time, and none is left behind.
            warnings.simplefilter("ignore", UserWarning)
            future = client.submit(run_job, make(), pure=False)
        pending[future] = (key, make, tries)

    while True:
        for key, make in islice(queue, max(0, _room(client) - len(pending))):
            hand_in(key, make, 1)
        if not pending:
            return
        for future in _finished(client, list(pending), say):
            key, make, tries = pending.pop(future)
            outcome = _outcome(future, last=tries == TRIES)
            if outcome is None:
                hand_in(key, make, tries + 1)
            else:
                yield key, outcome


def _room(client: distributed.Client) -> int:
    """How many rows may be handed in: a cluster that grows with its work is shown some work."""
    try:
        threads = sum(int(number) for number in client.nthreads().values())
    except OSError:
        raise _lost() from None
    return AHEAD * max(4, threads)


def _finished(client: distributed.Client, futures: list[Sent], say: Callable[[str], None]) -> list[Sent]:
    idle = 0  # looks in a row without a worker; at the first, the scheduler may just be lost
    while True:
        try:
            return list(distributed.wait(futures, timeout=LOOK, return_when="FIRST_COMPLETED").done)
        except distributed.TimeoutError:
            if client.status != "running":
                raise _lost() from None
            cluster = client.scheduler_info()
            idle = 0 if cluster["workers"] else idle + 1
            if idle == 2:
                say(f"the scheduler at {cluster['address']} has no workers: {len(futures)} rows wait for one")
        except distributed.CancelledError:
            raise _lost() from None


def _outcome(future: Sent, last: bool) -> Outcome | None:
    """The outcome of a row that came back; None if it is to be tried again."""
    try:
        return future.result()
    except KilledWorker:
        if not last:
            return None
        return Outcome(error="its worker process died each time: perhaps it needs more memory; use fewer workers")
    except distributed.CancelledError:
        raise _lost() from None
    except HmnError:
        raise
    except ImportError as error:
        raise BackendError(
            f"a worker cannot run rows ({error}): install hmn-lava[sweep] where the workers run"
        ) from None
    except Exception as error:
        raise RunError(f"a worker could not run a row: {type(error).__name__}: {_first_line(error)}") from None


def _lost() -> RunError:
    return RunError("the connection to the scheduler was lost")


def _first_line(error: Any) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
