"""The shipped profiles hold the facts that they should, each with its source."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

import hmn_lava.hardware_profiles as hp
from hmn_lava.errors import InputError

ROOT = Path(__file__).parents[2]
SYSTEMS = {  # name -> chips, cores in all
    "kapoho_bay": (2, 256),
    "nahuku8": (8, 1024),
    "nahuku32": (32, 4096),
    "pohoiki_springs": (768, 98304),
    "oheo_gulch": (1, 120),
    "kapoho_point": (8, 960),
    "hala_point": (1152, 140544),
}


def test_names():
    assert hp.profile_names() == tuple(sorted(["loihi1", "loihi2", *SYSTEMS]))


@pytest.mark.parametrize("name", hp.profile_names())
def test_the_name_is_that_of_the_file(name):
    assert hp.load_profile(name).name == name


@pytest.mark.parametrize("name", hp.profile_names())
def test_every_number_of_the_file_is_an_entry(name):
    """Nothing numeric hides outside of an entry: what is left after removing the entries is text and nulls."""
    content = yaml.safe_load((ROOT / "hardware_profiles" / f"{name}.yaml").read_text())
    for section in ("system", "chip", "core", "synapses", "lif", "microcode", "learning", "energy", "time"):
        for field, entry in (content.get(section) or {}).items():
            assert set(entry) - {"low", "high"} == {"value", "unit", "source", "basis"}, f"{section}.{field}"


@pytest.mark.parametrize("name", SYSTEMS)
def test_systems(name):
    profile = hp.load_profile(name)
    chips, cores = SYSTEMS[name]
    assert profile.system.chips.value == chips
    assert profile.system.chips.basis == "published"
    assert chips * profile.chip.cores_per_chip.value == cores
    assert profile.system.chip_columns.value * profile.system.chip_rows.value == chips


@pytest.mark.parametrize("name", hp.profile_names())
def test_every_operation_has_an_energy_and_a_time(name):
    """What is not published is a range that is not a point, and only a chip without microcode lacks an instruction."""
    profile = hp.load_profile(name)
    assert profile.energy is not None
    assert profile.time is not None
    for table in (profile.energy, profile.time):
        for field in type(table).model_fields:
            estimate = getattr(table, field)
            if estimate is None:
                assert (field, profile.microcode) == ("microcode_instruction", None)
            elif estimate.basis == "assumed":
                low, _, high = estimate.span
                assert low < high
    operations = set(type(profile.time).model_fields) & set(type(profile.energy).model_fields)
    assert set(type(profile.energy).model_fields) - operations == {"static_power_per_chip", "embedded_power_per_chip"}


@pytest.mark.parametrize(
    ("name", "table", "whole"), [("loihi1", "energy", 120), ("loihi1", "time", 6.1), ("loihi2", "energy", 60)]
)
def test_two_products_and_a_write_are_pairwise_stdp(name, table, whole):
    costs = getattr(hp.load_profile(name), table)
    assert costs.synaptic_update.value == whole
    assert 2 * costs.learning_product.value + costs.learning_write.value == pytest.approx(whole)
    (p_low, _, p_high), (w_low, _, w_high) = costs.learning_product.span, costs.learning_write.span
    assert 2 * p_low + w_low < whole < 2 * p_high + w_high


def test_with_chips():
    profile = hp.load_profile("loihi2").with_chips(1000)
    system = profile.system
    assert (system.chips.value, system.chip_columns.value, system.chip_rows.value) == (1000, 32, 32)
    assert system.chips.basis == "assumed"
    assert profile.core == hp.load_profile("loihi2").core
    with pytest.raises(InputError, match="at least one chip"):
        profile.with_chips(0)
    with pytest.raises(InputError, match="at most 16777216 cores"):
        profile.with_chips(16_777_216 // 120 + 1)
    assert profile.with_chips(16_777_216 // 120).system.chips.value == 139_810


def test_loihi1_has_no_microcode_and_the_published_energy_table():
    profile = hp.load_profile("loihi1")
    assert profile.microcode is None
    assert profile.learning.third_factor.value == "embedded_processor"
    table = profile.energy
    assert table is not None
    # Davies et al. 2018, table 2, in pJ
    assert [
        table.synaptic_operation.value,
        table.synaptic_update.value,
        table.neuron_update_active.value,
        table.neuron_update_inactive.value,
        table.spike_within_tile.value,
        table.hop_east_west.value,
        table.hop_north_south.value,
    ] == [23.6, 120, 81, 52, 1.7, 3.0, 4.0]
    assert profile.core.synaptic_memory.value == 128 * 1024 * 8  # 128 KB


def test_loihi2_machine():
    profile = hp.load_profile("loihi2")
    assert profile.microcode is not None
    assert profile.microcode.limits() == {
        "word_bits": 24,
        "product_bits": 48,
        "message_bits": 24,
        "max_delay": 62,
        "instructions_per_program": 512,
        "state_words_per_compartment": 64,
        "inputs_per_compartment": 32,
        "outputs_per_compartment": 16,
        "live_registers": 48,
        "constants_per_program": 128,
    }
    assert profile.chip.cores_per_chip.value == 120
    assert profile.energy is not None
    assert {getattr(profile.energy, name).basis for name in type(profile.energy).model_fields} == {
        "assumed"
    }  # Intel publishes none


def test_limits_that_intel_does_not_publish_say_so():
    microcode = hp.load_profile("loihi2").microcode
    assert microcode is not None
    published = {name for name in type(microcode).model_fields if getattr(microcode, name).basis == "published"}
    assert published == {"word_bits", "message_bits", "max_delay"}
    for name in set(type(microcode).model_fields) - published:
        assert getattr(microcode, name).basis == "assumed"
        assert "publish" in getattr(microcode, name).source


@pytest.mark.parametrize("name", hp.profile_names())
def test_a_profile_cannot_be_changed(name):
    profile = hp.load_profile(name)
    with pytest.raises(ValidationError, match="frozen"):
        profile.core.compartments.value = 1


@pytest.mark.parametrize("name", hp.profile_names())
def test_the_documentation_describes_every_field(name):
    page = (ROOT / "docs" / "hardware_profiles.md").read_text()
    missing = [path for path, _ in hp.load_profile(name).entries() if f"`{path.split('.')[1]}`" not in page]
    assert missing == []
