"""One step of a work in a new process; prints the seconds from the network's records to the step's end."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.child import Job
from benchmarks.work import load


def main() -> None:
    job = Job.read(Path(sys.argv[1]))
    work = load(job.settings)
    network, inputs = work.network(), work.inputs
    started = time.perf_counter()
    from hmn_lava.simulator.fast import Fast  # its import is part of getting ready

    Fast(network, threads=job.settings["threads"]).run(inputs, 1, outputs=False)
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
