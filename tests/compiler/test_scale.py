"""What compiling, keeping and opening many synapses takes, in bytes for each; work in parts changes nothing."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hmn_lava as hl
import hmn_lava.topology
from hmn_lava.compiler.lowering import Lowering
from hmn_lava.compiler.pipeline import compile
from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.memory import memory
from hmn_lava.network import IntegerNetwork
from hmn_lava.spec import Spec
from hmn_lava.spec.initialise import generator
from hmn_lava.spec.topology import bernoulli_cells

MEBI = 1 << 20


def board() -> Profile:
    """Loihi 2, with room for all compartments, and axons for a neuron that hears or is heard by very many."""
    profile = load_profile("loihi2").with_chips(4096)
    axons = {"input_axons": 32_768, "output_axons": 262_144}
    wide = {name: getattr(profile.core, name).model_copy(update={"value": value}) for name, value in axons.items()}
    return profile.model_copy(update={"core": profile.core.model_copy(update=wide)})


def spec(n_post: int, n_pre: int, topology: Any = "dense", weights: Any = None, **fields: Any) -> Spec:
    net = hl.Network("large")
    net.input("x", n_pre, signal="spike")
    net.input("teach", 1, range=(-1, 1))
    net.hmn("y", n_post, activation="lif", lif={"du": 1.0, "dv": 0.1, "vth": 1.0})
    net.connect(
        "x",
        "y",
        name="c",
        weights={"init": "uniform", "low": -0.1, "high": 0.1} if weights is None else weights,
        topology=topology,
        rates={"local": 0.0, "global": 0.05},
        traces={"tau_fast": 5.0, "tau_slow": None},
        **fields,
    )
    net.modulator("teacher", type="input", source="teach")
    return net.spec()


def weights_of(network: IntegerNetwork) -> np.ndarray:
    learning = network.learning.get("c.synapse")
    return network.groups["c.synapse"].initial["w"] if learning is None else learning.initial["weights"]


@pytest.mark.parametrize(
    ("plasticity", "topology", "kept"),
    [
        ("neurocore", "dense", 4),  # a weight of 22 bits
        ("engine", "dense", 1),  # a weight of 8 bits; tags are 0 for all
        ("neurocore", {"density": 0.125}, 8),
        ("engine", {"density": 0.125}, 5),
    ],
)
def test_bytes_per_synapse(plasticity: str, topology: Any, kept: int, tmp_path: Path) -> None:
    """Compiled in 20 at most, kept in those of a weight and, where not all pairs are there, of a column."""
    n_pre = 2000 if topology == "dense" else 16000
    given = spec(1000, n_pre, topology)
    compile(spec(3, 2), profile=board(), plasticity=plasticity)  # what is loaded and cached once
    tracemalloc.start()
    try:
        bundle = compile(given, profile=board(), plasticity=plasticity)
        n_syn = weights_of(bundle.network).size
        assert 1_990_000 < n_syn < 2_010_000
        assert tracemalloc.get_traced_memory()[1] < 20 * n_syn + 24 * MEBI
        bundle.save(tmp_path / "bundle")
        assert bundle.network.held < kept * n_syn + MEBI
        del bundle
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        bundle = hl.load(tmp_path / "bundle")
        now, most = tracemalloc.get_traced_memory()
        assert now - before < kept * n_syn + 2 * MEBI
        assert most - before < 2 * kept * n_syn + 24 * MEBI
        assert bundle.network.held < kept * n_syn + MEBI
    finally:
        tracemalloc.stop()
    files = sum(path.stat().st_size for path in (tmp_path / "bundle").rglob("*") if path.is_file())
    assert files < kept * n_syn + MEBI


@pytest.mark.parametrize("plasticity", ["neurocore", "engine"])
@pytest.mark.parametrize("topology", ["dense", {"density": 0.3}])
def test_nobody_lists_the_neurons_of_synapses(plasticity: str, topology: Any, tmp_path: Path) -> None:
    """Lists of all rows and columns are made for who asks for them: not to compile, to write or to open."""
    compiled = compile(spec(100, 200, topology), profile=board(), plasticity=plasticity)
    for bundle in (compiled, hl.load(compiled.save(tmp_path / "bundle"))):
        owners = (*bundle.network.groups.values(), *bundle.network.learning.values())
        (synapses,) = (owner.topology for owner in owners if owner.topology is not None)
        assert not {"row", "col"} & vars(synapses).keys()


@pytest.mark.parametrize("plasticity", ["neurocore", "engine"])
@pytest.mark.parametrize("topology", ["dense", {"density": 0.3}])
def test_blocks_change_nothing(plasticity: str, topology: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a bundle, byte for byte, whatever is worked on at once."""
    given = spec(40, 30, topology, {"init": "normal", "std": 0.4}, bounds=(-0.5, 1.0))
    files = {}
    for block in (1 << 18, 7):
        monkeypatch.setattr(hmn_lava.topology, "BLOCK", block)
        monkeypatch.setattr("hmn_lava.spec.topology.BLOCK", block)
        folder = compile(given, profile=board(), plasticity=plasticity, allow_lossy=True).save(tmp_path / str(block))
        files[block] = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert files[7] == files[1 << 18]


@pytest.mark.parametrize("plasticity", ["neurocore", "engine"])
def test_stored_weights_are_the_nearest(plasticity: str) -> None:
    given = np.random.default_rng(4).uniform(-0.9, 0.9, (17, 23))
    network = compile(spec(17, 23, "dense", given), profile=board(), plasticity=plasticity).network
    learning, unit = network.learning.get("c.synapse"), network.signals["c.w"].format.unit
    step = 1 if learning is None else learning.engine.levels("weights", learning.sign_mode).step
    assert weights_of(network).tolist() == [round(w / (unit * step)) * step for w in given.reshape(-1).tolist()]


@pytest.mark.parametrize(
    ("plasticity", "narrow", "wide"),
    [
        # w in 4 bytes, psi_fast in 2, dw in 4; or each in 8, with row and column. And a weight of 4 to start from.
        ("neurocore", 10 + 4, 24 + 16 + 4),
        # A weight and two tags in 2 bytes; or each in 8, with row and column. And a weight of 1 to start from.
        ("engine", 6 + 1, 24 + 16 + 1),
    ],
)
def test_what_a_run_is_expected_to_take(
    plasticity: str, narrow: int, wide: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An estimate that lets a machine run what fits, and that every backend asks for itself."""
    bundle = compile(spec(500, 1000), profile=board(), plasticity=plasticity)
    folder, rest = bundle.save(tmp_path / "bundle"), MEBI // 2  # neurons, axons, messages
    expected, expected_wide = narrow * 500_000, wide * 500_000
    assert expected < bundle.network.bytes() < expected + rest
    assert expected_wide < bundle.network.bytes(wide=True) < expected_wide + 2 * rest
    monkeypatch.setattr("hmn_lava.memory.memory", lambda: expected + rest)
    hl.load(folder)
    with pytest.raises(InputError, match=r"needs about .* GB[\s\S]*use the backend fast, or fewer synapses"):
        bundle.session("interpreter")
    monkeypatch.setattr("hmn_lava.memory.memory", lambda: expected)
    with pytest.raises(InputError, match=r"needs about .* GB[\s\S]*a larger machine"):
        hl.load(folder)


def test_a_competition_that_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every two neurons are compared: refused by its field before anything is allocated."""
    net = hl.Network("large")
    net.input("x", 2)
    net.hmn("y", 5000, activation="relu", competition="winner_take_all")
    net.connect_static("x", "y", weights=0.5)
    monkeypatch.setattr("hmn_lava.memory.memory", lambda: 40_000_000)
    with pytest.raises(InputError, match=r"populations\.y\.competition: needs about 0\.05 GB[\s\S]*smaller population"):
        compile(net.spec(), profile=board())


def test_random_synapses_are_those_of_one_draw() -> None:
    """The stream does not depend on how many are drawn at a time."""
    count, density = 3_000_000, 0.2
    rng = generator(5, "connections.c.topology")
    gaps = rng.geometric(density, size=700_000)
    at_once = np.cumsum(gaps) - 1
    assert at_once[-1] > count
    some = np.concatenate([*bernoulli_cells(count, density, generator(5, "connections.c.topology"))])
    assert np.array_equal(some, at_once[at_once < count])


def test_the_worst_element_of_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of the largest errors, wherever the parts end."""
    monkeypatch.setattr(hmn_lava.topology, "BLOCK", 3)
    format = Fixed(4, True, 0)
    asked = np.array([0.0, 0.25, 9.0, -1.25, 0.4, -10.0, 3.0, 0.1])
    stored = format.quantise(asked).astype(np.int8)
    record = Lowering()
    record.add("p", asked, stored, format, "t")
    (row,) = record.rows
    assert (row.count, row.requested, row.representable, row.stored) == (8, 9.0, 7.0, 7)
    assert (row.relative_error, row.clipped, row.underflow, row.note) == (0.2, 2, 3, "underflow")


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("sizes", "most"),
    [((8192, 8192, "dense"), 1.2), ((100_000, 100_000, {"density": 0.01}), 2.2)],
    ids=["dense", "sparse"],
)
@pytest.mark.parametrize("plasticity", ["neurocore", "engine"])
def test_the_largest_networks_in_few_gibibytes(sizes: Any, most: float, plasticity: str, tmp_path: Path) -> None:
    """67 million dense synapses, 100 million sparse ones: compiled, written and opened in a process of its own."""
    have = memory()
    if have is not None and have < 4 << 30:
        pytest.skip("this machine has less than 4 GiB")
    script = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import hmn_lava as hl
from test_scale import board, compile, spec, weights_of
compile(spec(*{sizes!r}), profile=board(), plasticity={plasticity!r}).save({str(tmp_path / "bundle")!r})
bundle = hl.load({str(tmp_path / "bundle")!r})
print(weights_of(bundle.network).size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    n_syn, kibibytes = map(int, done.stdout.split())
    assert n_syn > 67_000_000
    assert kibibytes < most * (1 << 20)
