"""The first five questions to a board, as data: a small network each, and what each hypothesis predicts it to show.

What nobody has published about the learning engine of Loihi 2 is a switch of the hardware profile. A check is a network
(one LearningDense, spikes from the host, a LIF behind it) for which the hypotheses predict different integers. No
prediction is written down here: :func:`predict` computes it with :func:`hmn_lava.learning.simulate`, with the profile's
switches turned as the hypothesis says. :func:`judge` names the hypothesis that a board, or Lava's CPU model, follows.

No check has been run on silicon. What a check relies on beyond public interfaces, its ``relies_on`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.fixed import Integers
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.learning import LearningRule, simulate
from hmn_lava.learning.simulate import DEFAULT_PROFILE

SIGN_MODE = "excitatory"
"""Of all checks: weights of 8 bits without a sign, so that no step of 2 comes in."""


@dataclass(frozen=True)
class Hypothesis:
    """One answer: the profile's switches (section ``learning``) that are turned for it, and what else it means.

    ``same_as`` gives an entry of that section the value of another one.
    """

    name: str
    meaning: str
    switches: Mapping[str, Any] = field(default_factory=dict)
    same_as: Mapping[str, str] = field(default_factory=dict)
    rounding: Literal["lava", "per_synapse"] = "per_synapse"
    y_wraps: bool = False
    """A supplied y trace keeps its lowest bits, so that a negative one becomes another positive one."""
    delay_register: bool = False
    """Tag 2 is the register of the synaptic delay: no wider than the longest delay, and it delays."""
    idle_epochs_cost: bool = False
    """An epoch in which no product acts takes the learning engine as long as any other."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one run of a check's network shows at its end; None where the check does not ask.

    ``weights`` and ``tag_2``: (n_post, n_pre), levels; ``first_output``: (n_post,), the step of the neuron's first
    spike, counted from any moment; ``learning_time``: in any unit, the same for all runs of a check.
    """

    weights: Integers | None = None
    tag_2: Integers | None = None
    first_output: Integers | None = None
    learning_time: float | None = None


@dataclass(frozen=True, eq=False)
class Check:
    """One question, and the network that answers it.

    ``rules``: keywords of Lava's learning rule, a run for each; ``pre``: (steps, n_pre) spikes; ``y3``: (n_post,), what
    is supplied in every step, where the rule has three factors; ``reads``: the fields of :class:`Outcome` that are
    needed; ``numbers`` names what ``show`` makes of the runs; ``tolerance``: how far a measured number may be off.
    """

    name: str
    question: str
    switch: str
    hypotheses: tuple[Hypothesis, ...]
    rules: tuple[Mapping[str, Any], ...]
    pre: Integers
    weights: Integers
    reads: tuple[str, ...]
    numbers: tuple[str, ...]
    show: Callable[[Sequence[Outcome]], tuple[int, ...]]
    relies_on: str
    tag_1: Integers | None = None
    tag_2: Integers | None = None
    y3: Integers | None = None
    spiking: bool = False
    """Whether the neurons behind the synapses fire; elsewhere their threshold is out of reach."""
    tolerance: int = 0

    @property
    def steps(self) -> int:
        return len(self.pre)


@dataclass(frozen=True)
class Verdict:
    """What a run says about a check: the hypothesis' name, ``neither``, or ``not measured``, and the numbers."""

    check: str
    says: str
    numbers: tuple[str, ...]
    observed: tuple[int, ...] | None
    predicted: Mapping[str, tuple[int, ...]]
    note: str = ""

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        if self.observed is None:
            return f"{self.check}: not measured: {self.note}"
        shown = ", ".join(f"{name} {value}" for name, value in zip(self.numbers, self.observed, strict=True))
        if self.says in self.predicted:
            return f"{self.check}: {self.says} ({shown})"
        others = "; ".join(f"{name} predicts {_listed(values)}" for name, values in self.predicted.items())
        return f"{self.check}: neither ({shown}; {others})"


NEITHER = "neither"
NOT_MEASURED = "not measured"


def predict(check: Check, hypothesis: Hypothesis, profile: str | Profile = DEFAULT_PROFILE) -> tuple[int, ...]:
    """What ``check`` shows if ``hypothesis`` holds, in the engine of ``profile``."""
    base = profile if isinstance(profile, Profile) else load_profile(profile)
    chip = _turned(base, hypothesis)
    return check.show([_simulated(check, rule, hypothesis, chip) for rule in check.rules])


def predictions(check: Check, profile: str | Profile = DEFAULT_PROFILE) -> dict[str, tuple[int, ...]]:
    """What each hypothesis predicts, by its name."""
    return {hypothesis.name: predict(check, hypothesis, profile) for hypothesis in check.hypotheses}


def judge(
    check: Check, observed: Sequence[Outcome] | None, profile: str | Profile = DEFAULT_PROFILE, note: str = ""
) -> Verdict:
    """Name the hypothesis whose prediction the runs show, within the check's tolerance, or ``neither``.

    ``observed``: an outcome for each of the check's rules; None, or one that lacks what the check reads, is ``not
    measured``, for which ``note`` gives the reason.
    """
    predicted = predictions(check, profile)
    if observed is None:
        return Verdict(check.name, NOT_MEASURED, check.numbers, None, predicted, note or "it was not run")
    unseen = [name for name in check.reads if any(getattr(run, name) is None for run in observed)]
    if unseen:
        reason = "; ".join([f"the run shows no {', no '.join(unseen)}", *([note] if note else [])])
        return Verdict(check.name, NOT_MEASURED, check.numbers, None, predicted, reason)
    shown = check.show(observed)
    near = [
        name
        for name, values in predicted.items()
        if all(abs(a - b) <= check.tolerance for a, b in zip(shown, values, strict=True))
    ]
    return Verdict(check.name, near[0] if len(near) == 1 else NEITHER, check.numbers, shown, predicted, note)


def find_check(name: str) -> Check:
    """The check of that name. Raises InputError."""
    for check in CHECKS:
        if check.name == name:
            return check
    remedy = f"one of: {', '.join(check.name for check in CHECKS)}"
    raise InputError("no such check", field="check", value=name, remedy=remedy)


def _turned(profile: Profile, hypothesis: Hypothesis) -> Profile:
    """The profile with the hypothesis' switches."""
    learning = profile.learning
    switches = dict(hypothesis.switches)
    switches |= {name: getattr(learning, other).value for name, other in hypothesis.same_as.items()}
    if hypothesis.delay_register:
        # As many bits as the longest delay takes.
        switches["tag_2"] = (0, (1 << profile.lif.max_delay.value.bit_length()) - 1)
    changed = {name: getattr(learning, name).model_copy(update={"value": value}) for name, value in switches.items()}
    return profile.model_copy(update={"learning": learning.model_copy(update=changed)})


def _simulated(check: Check, keywords: Mapping[str, Any], hypothesis: Hypothesis, profile: Profile) -> Outcome:
    rule = LearningRule.of(keywords)
    n_post = len(check.weights)
    supplied = None
    if check.y3 is not None:
        y3 = check.y3 & ((1 << profile.learning.trace_bits.value) - 1) if hypothesis.y_wraps else check.y3
        supplied = {"y3": np.tile(y3, (check.steps, 1))}
    history = simulate(
        rule,
        check.pre,
        np.zeros((check.steps, n_post), np.int64),
        check.weights,
        check.tag_1,
        check.tag_2,
        SIGN_MODE,
        supplied,
        rounding=hypothesis.rounding,
        seed=0,
        profile=profile,
    )
    moves = np.diff(history.weights, axis=0, prepend=check.weights[None]).any(axis=(1, 2))
    epochs = check.steps // rule.t_epoch
    first = np.full(n_post, np.flatnonzero(check.pre.any(axis=1))[0])
    if hypothesis.delay_register and check.tag_2 is not None:
        first = first + check.tag_2[:, 0]
    learning_time = float(epochs if hypothesis.idle_epochs_cost else np.count_nonzero(moves))
    return Outcome(history.weights[-1], history.tag_2[-1], first, learning_time)


def _final_weights(runs: Sequence[Outcome]) -> tuple[int, ...]:
    return _plain(_array(runs[0].weights).ravel())


def _distinct_rows_and_columns(runs: Sequence[Outcome]) -> tuple[int, ...]:
    weights = _array(runs[0].weights)
    return len(np.unique(weights, axis=0)), len(np.unique(weights, axis=1).T)


def _tags_and_lateness(runs: Sequence[Outcome]) -> tuple[int, ...]:
    """The tags of the neurons that were driven up, driven down and left alone; and how late the last of them fired."""
    first = _array(runs[0].first_output)
    return *_plain(_array(runs[0].tag_2)[:3, 0]), int(first[2] - first[3])


def _learning_epochs(runs: Sequence[Outcome]) -> tuple[int, ...]:
    """The learning time of the decimated rule, in epochs of the rule that acts in all of them."""
    always, decimated = (float(run.learning_time or 0.0) for run in runs)
    return (round(_EPOCHS * decimated / always) if always > 0 else 0,)


def _array(values: Integers | None) -> Integers:
    return np.zeros((0, 0), np.int64) if values is None else np.asarray(np.rint(values), np.int64)


def _plain(values: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


def _spikes(steps: int, n_pre: int, *moments: int) -> Integers:
    """Spikes of all ``n_pre`` neurons in the steps ``moments``, counted from 0."""
    spikes = np.zeros((steps, n_pre), np.int64)
    spikes[list(moments)] = 1
    return spikes


_EPOCHS = 128

DOWN_SCALING = Check(
    "down-scaling",
    "A product is shifted right by its width beyond the accumulator: does the mantissa count for 3 or for 4 bits?",
    "scaling_mantissa_bits",
    (
        Hypothesis("4 bits", "as in Lava's fixed-point model", {"scaling_mantissa_bits": 4}),
        Hypothesis("3 bits", "as nengo-loihi found on Loihi 1", {"scaling_mantissa_bits": 3}),
    ),
    # The only spike is the traces' first, so that neither has decayed, and nothing is rounded.
    ({"dw": "2^-3*x0*x1*x2", "x1_impulse": 64, "x1_tau": 10, "x2_impulse": 64, "x2_tau": 10},),
    _spikes(16, 1, 4),
    np.array([[16], [32]]),
    ("weights",),
    ("weight 1", "weight 2"),
    _final_weights,
    "two presynaptic traces in one product, and weights read back after the run",
)

SIGN_OF_Y = Check(
    "sign-of-y",
    "A negative third factor: is it negative, clamped to 0, or wrapped into the trace's bits?",
    "y_signed",
    (
        Hypothesis("negative", "the trace has a sign", {"y_signed": True}),
        Hypothesis("clamped", "what is below 0 is 0", {"y_signed": False}),
        Hypothesis("wrapped", "the lowest bits are taken, without a sign", {"y_signed": False}, y_wraps=True),
    ),
    # One spike: however long y3 is on its way, it has come, and it acts once. The second neuron shows that y3 comes.
    ({"dw": "2^0*x0*y3", "factors": 3},),
    _spikes(32, 1, 24),
    np.array([[128], [128]]),
    ("weights",),
    ("weight with y3 = -40", "weight with y3 = 40"),
    _final_weights,
    "y3 supplied to the connection by an adapter; boards may take it from a neuron's microcode alone",
    y3=np.array([-40, 40]),
)

ROUNDING = Check(
    "rounding",
    "Stochastic rounding of synaptic variables: does an epoch have one draw for all synapses, or one for each?",
    "rounding_draw",
    (
        Hypothesis("shared", "one draw an epoch, as in Lava: all weights move alike", rounding="lava"),
        Hypothesis("per synapse", "each synapse draws its own number", rounding="per_synapse"),
    ),
    # Half a level at each of many spikes. Draws that are shared along rows or along columns alone are neither.
    ({"dw": "2^-1*x0"},),
    _spikes(40, 8, *range(4, 36)),
    np.full((8, 8), 100),
    ("weights",),
    ("distinct rows", "distinct columns"),
    _distinct_rows_and_columns,
    "weights read back after the run",
)

TAG_2 = Check(
    "tag-2",
    "Tag 2 without delays: is it free storage, and from where to where does it go?",
    "tag_2, tag_2_is_free",
    (
        Hypothesis(
            "free, unsigned", "storage of 8 bits without a sign, as in Lava", same_as={"tag_2": "weight_excitatory"}
        ),
        Hypothesis("free, signed", "storage of 9 bits with a sign, as tag 1 has", same_as={"tag_2": "tag_1"}),
        Hypothesis("delay register", "it has the delay's bits, and delays the spike", delay_register=True),
    ),
    # Tag 1 gives the direction: up, down, twice none. The last two differ in what is stored; should they in time?
    ({"dd": "2^5*x0*sgn(t)"},),
    _spikes(80, 1, *range(4, 12)),
    np.full((4, 1), 100),
    ("tag_2", "first_output"),
    ("tag driven up", "tag driven down", "tag left alone", "steps late"),
    _tags_and_lateness,
    "tags set before and read after the run",
    tag_1=np.array([[2], [-2], [0], [0]]),
    tag_2=np.array([[40], [40], [40], [0]]),
    spiking=True,
)

IDLE_EPOCHS = Check(
    "idle-epochs",
    "With u_k, what does the learning engine's time cost in the epochs in which no product acts?",
    "none; it belongs to the profile's time table",
    (
        Hypothesis("free", "epochs without a product that acts take no time"),
        Hypothesis("as any other", "each epoch takes the same time", idle_epochs_cost=True),
    ),
    ({"dw": "2^0*u0"}, {"dw": "2^0*u4"}),
    _spikes(_EPOCHS, 8, 4),
    np.full((8, 8), 16),
    ("learning_time",),
    ("learning time of u4, in epochs of u0",),
    _learning_epochs,
    "the profiler's learning_time",
    tolerance=_EPOCHS // 8,
)

CHECKS = (DOWN_SCALING, SIGN_OF_Y, ROUNDING, TAG_2, IDLE_EPOCHS)
"""In the order in which they are worth asking."""
