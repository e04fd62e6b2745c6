"""Published figures of whole systems lie within what the profiles give, as docs/hardware_profiles.md says."""

from pathlib import Path

import pytest

import hmn_lava.hardware_profiles as hp

PAGE = (Path(__file__).parents[2] / "docs" / "hardware_profiles.md").read_text()

# PilotNet with LIF neurons on Oheo Gulch: lava-dl, tutorials/lava/lib/dl/netx/pilotnet_snn/benchmark.ipynb, 2023.
STEPS = 16  # of an inference
NEURONS = 66 * 200 * 3 + 32 * 99 * 24 + 15 * 49 * 36 + 7 * 24 * 48 + 4 * 22 * 64 + 2 * 20 * 64 + 100 + 50 + 10 + 1
DYNAMIC = 1.093544e9  # pJ of an inference
STEP_TIME = 1e9 / 408.91 / STEPS  # ns
# Read off its plot of activity, for each step.
SYNAPTIC_OPERATIONS = 2.29e6
BUSIEST_CORE = (150_500, 2688)  # synaptic operations, neurons
SPIKES = 41_000


def pilotnet_energy(synaptic_operations):
    table = hp.load_profile("oheo_gulch").energy
    assert table is not None
    return [
        STEPS * (synaptic_operations * synapse + NEURONS * neuron + SPIKES * spike) + power * STEPS * STEP_TIME
        for synapse, neuron, spike, power in zip(
            table.synaptic_operation.span,
            table.neuron_update_active.span,
            table.spike_within_tile.span,
            table.embedded_power_per_chip.span,  # mW times ns is pJ
            strict=True,
        )
    ]


@pytest.mark.parametrize("counted", [1, 2])
def test_pilotnet_energy(counted):
    """Also if the counters count each operation twice."""
    low, typical, high = pilotnet_energy(SYNAPTIC_OPERATIONS / counted)
    assert low < DYNAMIC < high
    assert 1 / 4 < typical / DYNAMIC < 4
    if counted == 1:
        assert (
            f"| energy of an inference | {low / 1e9:.2f} mJ | {typical / 1e9:.2f} mJ | {high / 1e9:.1f} mJ | 1.094 mJ |"
            in PAGE
        )


def test_pilotnet_time():
    table = hp.load_profile("oheo_gulch").time
    assert table is not None
    synapses, neurons = BUSIEST_CORE
    costs = zip(
        table.synaptic_operation.span, table.neuron_update_active.span, table.barrier_32_tiles.span, strict=True
    )
    low, typical, high = (synapses * synapse + neurons * neuron + barrier for synapse, neuron, barrier in costs)
    assert low < STEP_TIME < high
    assert 1 / 2 < typical / STEP_TIME < 2
    shown = " | ".join(f"{t / 1000:.0f} µs" for t in (low, typical, high, STEP_TIME))
    assert f"| time of a step | {shown} |" in PAGE


def test_hala_point_bounds_a_synapse():
    """2,600 W at most, more than 380e12 synapses a second."""
    profile = hp.load_profile("hala_point")
    assert profile.energy is not None
    assert profile.time is not None
    bound = 2600 / 380e12 * 1e12  # pJ, for everything
    low, typical, _ = profile.energy.synaptic_operation.span
    assert low < bound < typical < 2 * bound
    cores = profile.system.chips.value * profile.chip.cores_per_chip.value
    fastest = profile.time.synaptic_operation.span[0]
    assert fastest == pytest.approx(cores / 380e12 * 1e9, abs=0.005)


def test_a_chip_at_rest():
    """Published static powers: 104 mW a Loihi (Frady 2020); 120 mW (CLP-SNN), 232 and 282 mW (PilotNet) a Loihi 2."""
    loihi1, loihi2 = (hp.load_profile(name).energy for name in ("loihi1", "loihi2"))
    assert loihi1 is not None
    assert loihi2 is not None
    assert loihi1.static_power_per_chip.value == 104
    low, _, high = loihi2.static_power_per_chip.span
    assert low < 120 < 282 < high
