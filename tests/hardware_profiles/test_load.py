"""Reading profiles: what is refused, and with which words."""

import copy
from pathlib import Path

import pytest
import yaml

import hmn_lava.hardware_profiles as hp
from hmn_lava.errors import InputError

SHIPPED = Path(__file__).parents[2] / "hardware_profiles"


@pytest.fixture
def content():
    return yaml.safe_load((SHIPPED / "loihi2.yaml").read_text())


@pytest.fixture
def write(tmp_path):
    def write(content, **options):
        path = tmp_path / "board.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, **options))
        return path

    return write


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="loihi3") as caught:
        hp.load_profile("loihi3")
    assert "loihi1, loihi2" in caught.value.remedy
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["", ".", "../loihi2", "loihi2\0", "LOIHI2", "/etc/passwd"])
def test_odd_names_are_unknown(name):
    with pytest.raises(InputError, match="unknown hardware profile"):
        hp.load_profile(name)


def test_a_file_of_your_own(content, write):
    content["chip"]["cores_per_chip"]["value"] = 122
    content["name"] = "my_board"
    profile = hp.load_profile(write(content))
    assert (profile.name, profile.chip.cores_per_chip.value) == ("my_board", 122)


def test_the_hash_follows_the_content_and_not_the_layout(content, write):
    original = hp.load_profile("loihi2").sha256
    assert hp.load_profile(write(content, sort_keys=True, width=40)).sha256 == original
    assert hp.load_profile(write(content, sort_keys=False, default_flow_style=True)).sha256 == original
    content["chip"]["cores_per_chip"]["value"] = 122
    assert hp.load_profile(write(content)).sha256 != original
    assert hp.load_profile("loihi1").sha256 != original


def _set(path, value):
    def change(content):
        *parents, last = path.split(".")
        for part in parents:
            content = content[part]
        content[last] = value

    return change


def _drop(path):
    def change(content):
        *parents, last = path.split(".")
        for part in parents:
            content = content[part]
        del content[last]

    return change


BROKEN = {
    "missing field": (_drop("core.compartments"), "core.compartments", "missing field"),
    "missing source": (_drop("core.compartments.source"), "core.compartments.source", "missing field"),
    "empty source": (_set("core.compartments.source", "  "), "core.compartments.source", "at least 1 character"),
    "misspelt key": (_set("core.compartment", 3), "core.compartment", "not permitted"),
    "bare number": (_set("core.compartments", 8192), "core.compartments", "valid dictionary"),
    "too many cores": (_set("chip.cores_per_chip.value", 129), "chip", "32 tiles of 4 cores have room for 128 cores"),
    "too many chips": (_set("system.chips.value", 2), "system", "room for 1 chips, not for 2"),
    "no room for state": (_drop("core.state_memory"), "", "core.state_memory must be given"),
    "an instruction without energy": (
        _drop("energy.microcode_instruction"),
        "",
        "energy.microcode_instruction must be",
    ),
    "zero": (_set("core.compartments.value", 0), "core.compartments.value", "greater than 0"),
    "a boolean for a number": (_set("core.compartments.value", True), "core.compartments.value", "valid integer"),
    "text for a number": (_set("core.compartments.value", "8192"), "core.compartments.value", "valid integer"),
    "a fraction": (_set("core.compartments.value", 8192.5), "core.compartments.value", "valid integer"),
    "another unit": (_set("core.synaptic_memory.unit", "byte"), "core.synaptic_memory", "the unit must be 'bit'"),
    "unknown basis": (_set("core.compartments.basis", "guessed"), "core.compartments.basis", "'published'"),
    "unknown reference": (_set("core.compartments.source", "hearsay, p. 3"), "", "core.compartments.*'hearsay'"),
    "reference that nobody cites": (_set("references.extra", {"citation": "A paper."}), "", "no entry cites: extra"),
    "range upside down": (
        _set("learning.tag_1.value", [255, -256]),
        "learning.tag_1",
        "255 is above its high end -256",
    ),
    "range too wide": (_set("learning.tag_1.value", [-257, 255]), "learning", "tag_1.*variable_width = 9"),
    "switch of another value": (
        _set("learning.rounding_draw.value", "lane"),
        "learning.rounding_draw.value",
        "'epoch'",
    ),
    "number for a switch": (_set("learning.y_signed.value", 1), "learning.y_signed.value", "valid boolean"),
    "scaling of 5 bits": (
        _set("learning.scaling_mantissa_bits.value", 5),
        "learning.scaling_mantissa_bits.value",
        "3 or 4",
    ),
    "product too narrow": (_set("microcode.product_bits.value", 40), "microcode", "needs 48 product_bits, not 40"),
    "message too wide": (_set("microcode.message_bits.value", 25), "microcode", "message_bits <= word_bits"),
    "two delays": (_set("microcode.max_delay.value", 8), "", "must be equal"),
    "threshold too wide": (_set("lif.vth_shift.value", 7), "lif", "does not fit in a signed voltage of 24 bits"),
    "choices out of order": (_set("synapses.weight_bits.value", [8, 4]), "synapses.weight_bits", "must rise"),
    "no widths of weights": (_set("synapses.weight_bits.value", []), "synapses.weight_bits", "at least 1 bit"),
    "weights of no bits": (_set("synapses.weight_bits.value", [0]), "synapses.weight_bits", "at least 1 bit"),
    "no widths of indices": (_set("synapses.index_bits.value", []), "synapses.index_bits", "at least 1 bit"),
    "indices of no bits": (_set("synapses.index_bits.value", [0]), "synapses.index_bits", "at least 1 bit"),
    "an index of a billion bits": (
        _set("synapses.index_bits.value", [10**9]),
        "synapses.index_bits.value.0",
        "less than or equal to 64",
    ),
    "variables too wide": (
        _set("learning.variable_width.value", 10**12),
        "learning.variable_width.value",
        "less than or equal to 64",
    ),
    "an exponent out of reach": (
        _set("learning.exponent.value", [-7, 10**6]),
        "learning.exponent.value.1",
        "less than or equal to 64",
    ),
    "compartments beyond all numbers": (
        _set("core.compartments.value", 10**30),
        "core.compartments.value",
        "less than or equal to 9007199254740992",
    ),
    "a memory beyond all numbers": (
        _set("core.state_memory.value", 10**19),
        "core.state_memory.value",
        "less than or equal to 9007199254740992",
    ),
    "more tiles than can be gone through": (
        lambda c: (_set("chip.tile_columns.value", 10**7)(c), _set("chip.tile_rows.value", 10**7)(c)),
        "chip",
        "100000000000000 tiles are more than the 65536",
    ),
    "more seats than can be gone through": (
        _set("chip.cores_per_tile.value", 10**12),
        "chip",
        "tiles of 1000000000000 cores are more than the 16777216",
    ),
    "more chips than can be gone through": (
        _set("system.chip_columns.value", 10**9),
        "system",
        "1000000000 columns and 1 rows of chips are more than the 16777216",
    ),
    "more cores than can be gone through": (
        lambda c: (_set("system.chips.value", 10**6)(c), _set("system.chip_columns.value", 10**6)(c)),
        "",
        "1000000 chips of 120 cores are more than the 16777216",
    ),
    "another version": (_set("hardware_profile", 1), "hardware_profile", "must be 2"),
    "a name with a path": (_set("name", "../x"), "name", "match pattern"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_profiles_are_refused_by_field(case, content, write):
    change, field, words = BROKEN[case]
    broken = copy.deepcopy(content)
    change(broken)
    path = write(broken)
    with pytest.raises(InputError, match=words) as caught:
        hp.load_profile(path)
    assert caught.value.field == field
    assert caught.value.where == str(path)


def test_assumed_energy_needs_a_range(write):
    content = yaml.safe_load((SHIPPED / "loihi1.yaml").read_text())
    power = content["energy"]["embedded_power_per_chip"]
    power["low"] = power["value"] + 1
    with pytest.raises(InputError, match="low <= value <= high"):
        hp.load_profile(write(content))
    del power["low"]
    with pytest.raises(InputError, match="needs both low and high"):
        hp.load_profile(write(content))


def test_not_a_number_is_refused(write):
    content = yaml.safe_load((SHIPPED / "loihi1.yaml").read_text())
    content["energy"]["synaptic_update"]["value"] = float("nan")
    with pytest.raises(InputError) as caught:
        hp.load_profile(write(content))
    assert caught.value.field == "energy.synaptic_update.value"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("[1, 2]", "a profile is a mapping"),
        ("name: [", "not valid YAML"),
        ("name: !!int x", "not valid YAML"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("a: " + "[" * 5000, "nested deeper than 32"),
        ("#" * 1_000_001, "larger than"),
    ],
)
def test_files_that_are_no_profile(text, words, write):
    with pytest.raises(InputError, match=words):
        hp.load_profile(write(text))


def test_unreadable_files(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        hp.load_profile(tmp_path / "none.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(InputError, match="cannot be read: it is not a file"):
        hp.load_profile(tmp_path / "folder.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a YAML text file"):
        hp.load_profile(tmp_path / "binary.yaml")
