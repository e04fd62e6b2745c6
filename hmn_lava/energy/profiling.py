"""``hl.profile``: counts, energy and time of a bundle."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from hmn_lava.backends.profiler import BoardMeasurement
from hmn_lava.bundle import Bundle
from hmn_lava.energy.arguments import check_arguments, chosen_profile, whole
from hmn_lava.energy.assume import expected
from hmn_lava.energy.assume import worst as worst_case
from hmn_lava.energy.coefficients import Coefficients
from hmn_lava.energy.explain import names
from hmn_lava.energy.layout import Layout
from hmn_lava.energy.measurement import BACKENDS as ON_BOARD
from hmn_lava.energy.measurement import measure, open_board
from hmn_lava.energy.neurobench import Metrics
from hmn_lava.energy.observe import observe, plastic
from hmn_lava.energy.report import Origin, Report
from hmn_lava.energy.tally import Counter, Tally, assumed, observed
from hmn_lava.energy.terms import Terms
from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import Profile

if TYPE_CHECKING:
    from hmn_lava.backends.contained import Limits

STEPS = 1000
"""Steps of the model without a run, if nobody says how many."""


def profile(
    bundle: Bundle,
    inputs: Mapping[str, ArrayLike] | None = None,
    steps: int | None = None,
    *,
    profile: Profile | str | os.PathLike[str] | None = None,
    rates: Mapping[str, Any] | None = None,
    worst: bool = False,
    backend: str = "fast",
    threads: int | None = None,
    steps_per_sample: int = 1,
    limits: Limits | None = None,
    host: str | None = None,
    translator: str | None = None,
) -> Report:
    """What a network costs: E = Σ count · coefficient.

    The counts are those of a run of ``steps`` steps of the model on ``inputs`` (as :meth:`Bundle.run` takes them); with
    ``worst`` the largest that can be, with ``rates`` those that are expected if each population's messages come at the
    rate that it names, both without a run. The coefficients are those of ``profile``: by default the one that the
    bundle was compiled for, else another's, with the network as it lies. A sample takes ``steps_per_sample`` steps.

    With the ``backend`` ``board`` the bundle also runs on a board, and what that measures is in ``Report.measured``;
    ``rehearsal`` runs in Lava's runtime what goes on a board, and nothing is measured. The counts are those of the same
    run by the fast executor. ``limits``, ``host`` and ``translator`` are those of :meth:`Bundle.session`.

    docs/energy.md defines what is counted. Raises InputError for an argument of another type, inputs and rates that do
    not fit, two origins of the counts at once, and a profile without energies or times; BackendError, FitError and
    RunError as a session on a board does, before anything is run where it can be known.
    """
    check_arguments(bundle, inputs, worst, rates, backend=backend, host=host, translator=translator)
    steps = None if steps is None else whole("steps", steps, "give a number of steps")
    threads = None if threads is None else whole("threads", threads, "give a number of threads, or None for all")
    remedy = "give how many steps of the model a sample takes"
    steps_per_sample = whole("steps_per_sample", steps_per_sample, remedy)
    chosen = chosen_profile(profile, bundle)
    on_board = None
    if backend in ON_BOARD:
        if worst or rates is not None:
            remedy = "leave the rates and the worst case out, or the backend"
            raise InputError("runs, and there is no run to count", field="backend", value=backend, remedy=remedy)
        on_board = open_board(bundle, backend, limits, host, translator)
    network, terms = bundle.network, Terms(bundle)
    layout = Layout(network, bundle.placement)
    coefficients = Coefficients(chosen, layout.tiles, layout.chips)
    counter = Counter(network, layout, terms, coefficients)
    origin: Origin = "worst" if worst else "run" if rates is None else "rates"
    tally: Tally
    if origin == "run":
        counted_by = "fast" if on_board is not None else backend
        tally = observed(counter, observe(network, inputs or {}, steps, counted_by, threads), Metrics(bundle, terms))
    else:
        regular = worst_case(network) if rates is None else expected(network, rates)
        tally = assumed(counter, regular, STEPS if steps is None else steps)
    synapses = sum(
        network.learning[name].size if name in network.learning else network.groups[name].size
        for name in plastic(network)
    )
    report = Report(
        name=network.name,
        plasticity=bundle.plasticity,
        profile=chosen.name,
        profile_sha256=chosen.sha256,
        origin=origin,
        backend=backend if origin == "run" else None,
        tally=tally,
        coefficients=coefficients,
        plastic_synapses=synapses,
        frame=network.frame,
        places=layout.places,
        steps_per_sample=steps_per_sample,
        notes=tuple(_notes(bundle, chosen)),
        names=names(network, terms),
    )
    if on_board is None:
        return report
    measured = measure(on_board, inputs or {}, report.steps)
    return replace(report, measured=measured, notes=(*report.notes, *_of_board(backend, measured)))


def _of_board(backend: str, measured: BoardMeasurement | None) -> list[str]:
    found = ["the counts are those of the same run by the fast executor; `hmn-lava compare` says whether they agree"]
    if measured is None:
        found.append(f"nothing was measured: {backend} runs on Lava's CPU models, not on a board")
    else:
        found += [f"board: {note}" for note in measured.notes]
    return found


def _notes(bundle: Bundle, chosen: Profile) -> list[str]:
    found = []
    known = bundle.profile
    if chosen.sha256 != known.sha256:
        found.append(
            f"coefficients of {chosen.name}; the network was compiled for {known.name} and lies as it does there"
        )
    if chosen.microcode is None:
        found.append(
            f"{chosen.name} has no microcode: its built-in neuron is charged for every compartment, and cannot run "
            "these programs"
        )
    return found
