"""A profile that extends another is that other with what it gives in its place, and nothing else."""

import copy
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import hmn_lava.hardware_profiles as hp
from hmn_lava.errors import InputError

SHIPPED = Path(__file__).parents[2] / "hardware_profiles"
WHOLE = yaml.safe_load((SHIPPED / "loihi2.yaml").read_text())
PATHS = [(path, entry) for path, entry in hp.load_profile("loihi2").entries() if path != "energy.synaptic_update"]
CHILD = {"hardware_profile": 2, "extends": "loihi2", "name": "mine"}


def save(path, content):
    path.write_text(yaml.safe_dump(content))
    return path


def assumed(entry, sentence):
    """The same number, said to be assumed."""
    new = {**entry.model_dump(mode="json"), "source": sentence, "basis": "assumed"}
    return {**new, "low": entry.span[0], "high": entry.span[2]} if isinstance(entry, hp.Estimate) else new


def put(content, path, entry):
    section, field = path.split(".")
    content.setdefault(section, {})[field] = entry


@pytest.mark.parametrize("name", hp.profile_names())
def test_a_shipped_profile_equals_itself_written_out_whole(name, tmp_path):
    profile = hp.load_profile(name)
    whole = hp.load_profile(save(tmp_path / "whole.yaml", profile.model_dump(mode="json")))
    assert whole == profile
    assert whole.sha256 == profile.sha256


@settings(max_examples=25, deadline=None)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(PATHS), st.integers(0, 3), st.text("abc xyz", min_size=1).filter(str.strip)),
        max_size=40,
    )
)
def test_inheriting_equals_writing_it_out(changes, tmp_path_factory):
    """Changes spread over a chain of four files, later ones over earlier ones, against one file with all of them."""
    folder = tmp_path_factory.mktemp("chain")
    chain = [{**CHILD, "name": f"p{i}", "extends": f"p{i - 1}.yaml" if i else "loihi2"} for i in range(4)]
    whole = {**copy.deepcopy(WHOLE), "name": "p3"}
    for (path, entry), step, sentence in sorted(changes, key=lambda change: change[1]):
        put(chain[step], path, assumed(entry, sentence))
        put(whole, path, assumed(entry, sentence))
    cited = {
        entry["source"].split(",")[0]
        for section in whole.values()
        if isinstance(section, dict)
        for entry in section.values()
        if entry.get("basis") in ("published", "measured")
    }
    whole["references"] = {key: reference for key, reference in whole["references"].items() if key in cited}
    for content in chain:
        last = save(folder / f"{content['name']}.yaml", content)
    assert hp.load_profile(last) == hp.load_profile(save(folder / "whole.yaml", whole))
    assert hp.load_profile(last).sha256 == hp.load_profile(folder / "whole.yaml").sha256


@settings(max_examples=15, deadline=None)
@given(random=st.randoms(use_true_random=False), width=st.integers(20, 200), flow=st.booleans())
def test_the_hash_does_not_see_the_layout(random, width, flow, tmp_path_factory):
    def shuffled(content):
        if not isinstance(content, dict):
            return content
        items = [(key, shuffled(value)) for key, value in content.items()]
        random.shuffle(items)
        return dict(items)

    path = tmp_path_factory.mktemp("layout") / "p.yaml"
    path.write_text(
        "# A comment.\n" + yaml.safe_dump(shuffled(WHOLE), sort_keys=False, width=width, default_flow_style=flow)
    )
    assert hp.load_profile(path).sha256 == hp.load_profile("loihi2").sha256


@pytest.mark.parametrize(("path", "entry"), PATHS)
def test_the_hash_sees_every_entry(path, entry, tmp_path):
    content = {**CHILD, "name": "loihi2"}
    assert hp.load_profile(save(tmp_path / "p.yaml", content)).sha256 == hp.load_profile("loihi2").sha256
    put(content, path, assumed(entry, "Another reason."))
    assert hp.load_profile(save(tmp_path / "p.yaml", content)).sha256 != hp.load_profile("loihi2").sha256


def test_an_entry_is_replaced_whole(tmp_path):
    content = {**CHILD, "core": {"compartments": {"value": 4096}}}
    with pytest.raises(InputError, match="missing field") as caught:
        hp.load_profile(save(tmp_path / "mine.yaml", content))
    assert caught.value.field == "core.compartments.unit"


def test_null_takes_something_away(tmp_path):
    """Loihi 2 without programmable neurons: microcode, and what only programs use, are null."""
    null = {"energy": {"microcode_instruction": None}, "time": {"microcode_instruction": None}}
    content = {**CHILD, "microcode": None, "core": {"state_memory": None, "program_memory": None}, **null}
    profile = hp.load_profile(save(tmp_path / "mine.yaml", content))
    assert profile.microcode is None
    del content["core"]["state_memory"]
    with pytest.raises(InputError, match=r"core.state_memory must be left out: microcode is null"):
        hp.load_profile(save(tmp_path / "mine.yaml", content))
    assert hp.load_profile(save(tmp_path / "bare.yaml", {**CHILD, "energy": None, "time": None})).energy is None


def test_references_are_merged_and_must_be_cited(tmp_path):
    entry = {"value": 1000, "unit": "compartment", "source": "lab2026, p. 3", "basis": "measured"}
    content = {**CHILD, "references": {"lab2026": {"citation": "A lab's report."}}, "core": {"compartments": entry}}
    references = hp.load_profile(save(tmp_path / "mine.yaml", content)).references
    # wikichip was cited for the compartments alone
    assert set(references) == {"lava", "lava_optimization", "meszaros2025", "lab2026"}
    del content["core"]
    with pytest.raises(InputError, match="references that no entry cites: lab2026"):
        hp.load_profile(save(tmp_path / "mine.yaml", content))


def test_the_path_of_a_parent_is_relative_to_the_file(tmp_path, monkeypatch):
    (tmp_path / "boards").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    save(tmp_path / "base.yaml", {**CHILD, "name": "base", "title": "Base"})
    for parent in ("../base.yaml", str(tmp_path / "base.yaml")):
        mine = save(tmp_path / "boards" / "mine.yml", {**CHILD, "extends": parent})
        assert hp.load_profile(mine).title == "Base"


@pytest.mark.parametrize("start", ["a", "b", "c"])
def test_cycles_are_refused(start, tmp_path):
    for name, parent in (("a", "b"), ("b", "c"), ("c", "a")):
        save(tmp_path / f"{name}.yaml", {**CHILD, "name": name, "extends": f"{parent}.yaml"})
    with pytest.raises(InputError, match=r"cannot extend itself: \w.yaml extends \w.yaml extends \w.yaml") as caught:
        hp.load_profile(tmp_path / f"{start}.yaml")
    assert caught.value.field == "extends"


def test_a_cycle_behind_the_start_and_behind_a_link(tmp_path):
    save(tmp_path / "a.yaml", {**CHILD, "extends": "b.yaml"})
    save(tmp_path / "b.yaml", {**CHILD, "extends": "link.yaml"})
    (tmp_path / "link.yaml").symlink_to("b.yaml")
    with pytest.raises(InputError, match=r"cannot extend itself: b.yaml extends b.yaml"):
        hp.load_profile(tmp_path / "a.yaml")
    save(tmp_path / "own.yaml", {**CHILD, "extends": "./own.yaml"})
    with pytest.raises(InputError, match=r"own.yaml extends own.yaml"):
        hp.load_profile(tmp_path / "own.yaml")


def test_a_long_chain_is_no_cycle(tmp_path):
    for i in range(300):
        save(tmp_path / f"p{i}.yaml", {**CHILD, "name": f"p{i}", "extends": f"p{i - 1}.yaml" if i else "loihi1"})
    assert hp.load_profile(tmp_path / "p299.yaml").core == hp.load_profile("loihi1").core


NOT_A_PARENT = [
    "loihi3",
    "",
    "none.yaml",
    "../../../../etc/passwd",
    "/dev/zero",
    "folder.yaml",
    "pipe.yaml",
    "loop.yaml",
]


@pytest.mark.parametrize(
    "parent", [*NOT_A_PARENT, "a\0.yaml", "x" * 5000 + ".yaml", None, 3, ["loihi2"], {"name": "loihi2"}]
)
def test_what_is_no_parent(parent, tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    mine = save(tmp_path / "mine.yaml", {**CHILD, "extends": parent})
    with pytest.raises(InputError, match="no such profile to extend") as caught:
        hp.load_profile(mine)
    assert (caught.value.where, caught.value.field) == (str(mine), "extends")
    assert "loihi1, loihi2" in caught.value.remedy


def test_a_parent_that_cannot_be_used_is_named(tmp_path):
    mine = save(tmp_path / "mine.yaml", {**CHILD, "extends": "base.yaml"})
    base = tmp_path / "base.yaml"
    for text, words in {
        "#" * 1_000_001: "larger than 1000000 bytes",
        "a: [": "not valid YAML",
        "[1]": "a profile is a mapping",
        "name: base": "missing field",
        "hardware_profile: 1\nname: base": r"must be 2 \(got 1\)",
        "hardware_profile: 2": "missing field",
        "a: &a [*a]": "an alias contains itself",
        "name: x\nname: y": "given twice",
    }.items():
        base.write_text(text)
        with pytest.raises(InputError, match=words) as caught:
            hp.load_profile(mine)
        assert caught.value.where.startswith(str(base))


def test_an_error_names_the_file_that_gives_the_field(tmp_path):
    wrong = {"value": -1, "unit": "compartment", "source": "A guess.", "basis": "assumed"}
    base = save(tmp_path / "base.yaml", {**CHILD, "name": "base", "core": {"compartments": wrong}})
    mine = save(tmp_path / "mine.yaml", {**CHILD, "extends": "base.yaml", "title": "Mine"})
    with pytest.raises(InputError, match="greater than 0") as caught:
        hp.load_profile(mine)
    assert caught.value.where == str(base)
    save(mine, {**CHILD, "extends": "base.yaml", "core": {"compartments": {**wrong, "value": 0}}})
    with pytest.raises(InputError, match="greater than 0") as caught:
        hp.load_profile(mine)
    assert caught.value.where == str(mine)


def test_a_name_is_not_inherited(tmp_path):
    with pytest.raises(InputError, match="missing field") as caught:
        hp.load_profile(save(tmp_path / "mine.yaml", {"hardware_profile": 2, "extends": "loihi2"}))
    assert caught.value.field == "name"


def test_a_parent_may_be_a_part_that_is_no_profile_itself(tmp_path):
    """What several boards share can lie in a file of its own; only the whole must be valid."""
    part = {key: value for key, value in WHOLE.items() if key not in ("system", "title")}
    save(tmp_path / "part.yaml", {**part, "name": "part"})
    mine = {**CHILD, "extends": "part.yaml", "title": "Mine", "system": WHOLE["system"]}
    assert hp.load_profile(save(tmp_path / "mine.yaml", mine)).chip == hp.load_profile("loihi2").chip
    with pytest.raises(InputError, match="missing field"):
        hp.load_profile(tmp_path / "part.yaml")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("abc, 2") | st.just("loihi1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WHOLE, "value", "unit", "x"]), inner),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(
    path=st.sampled_from([(key,) for key in [*WHOLE, "extends"]] + [tuple(path.split(".")) for path, _ in PATHS]),
    value=ANYTHING,
)
def test_whatever_stands_anywhere_is_accepted_or_refused(path, value, tmp_path_factory):
    """Never a traceback: a profile, or an InputError that names the file."""
    content = {**CHILD}
    if len(path) == 1:
        content[path[0]] = value
    else:
        put(content, ".".join(path), value)
    mine = save(tmp_path_factory.mktemp("any") / "mine.yaml", content)
    try:
        assert hp.load_profile(mine).name
    except InputError as error:
        assert error.where.startswith(str(mine))
