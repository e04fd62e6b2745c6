"""Where a board is: what is read, what is refused, and what Lava is asked."""

import sys
from pathlib import Path

import pytest

from hmn_lava.backends.hosts import BINARY, Host, host_from, parse_host, resolve_host
from hmn_lava.errors import InputError

sys.path.insert(0, str(Path(__file__).parent))
from extension_double import BOARD_VARIABLES, environment, in_child, needs_lava


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("slurm", Host("slurm")),
        ("slurm:partition=oheogulch", Host("slurm", partition="oheogulch")),
        ("slurm:board=ncl-ghrd-01,generation=n3c1", Host("slurm", board="ncl-ghrd-01", generation="N3C1")),
        ("ethernet:10.1.2.3", Host("ethernet", address="10.1.2.3", binary=BINARY)),
        ("ethernet:fe80::1", Host("ethernet", address="fe80::1")),
        (
            "ethernet:board.lab, binary=/opt/nx/server, generation=N3B2",
            Host("ethernet", address="board.lab", binary="/opt/nx/server", generation="N3B2"),
        ),
    ],
)
def test_a_host_is_read_and_written(text, host):
    assert parse_host(text) == host
    assert parse_host(str(host)) == host


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("usb", "usb"),
        ("SLURM", "SLURM"),
        ("slurm:oheogulch", "oheogulch"),
        ("slurm:partition=", "partition="),
        ("slurm:partition=a,partition=b", "partition=b"),
        ("slurm:partition=-N", "-N"),
        ("slurm:board=a b", "a b"),
        ("slurm:binary=x", "binary=x"),
        ("slurm:generation=N4A1", "N4A1"),
        ("slurm:partition=a,board=b", {"partition": "a", "board": "b"}),
        ("ethernet", "ethernet"),
        ("ethernet:generation=N3B3", "ethernet:generation=N3B3"),
        ("ethernet:-f", "-f"),
        ("ethernet:10.1.2.3;reboot", "10.1.2.3;reboot"),
        ("ethernet:10.1.2.3,binary=-x", "-x"),
        ("ethernet:10.1.2.3,partition=kp", "partition=kp"),
    ],
)
def test_nonsense_is_refused_with_value_and_remedy(text, value):
    with pytest.raises(InputError) as caught:
        parse_host(text)
    assert (caught.value.field, caught.value.value) == ("--host", value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        ({}, None),
        ({"SLURM": "0", "PARTITION": "kp"}, None),
        ({"SLURM": "1", "NOSLURM": "1"}, None),
        ({"SLURM": "1"}, Host("slurm")),
        ({"SLURM": "1", "PARTITION": "kp", "LOIHI_GEN": "N3C1"}, Host("slurm", partition="kp", generation="N3C1")),
        ({"SLURM": "1", "BOARD": "ncl-1", "NXSDKHOST": "10.1.2.3"}, Host("slurm", board="ncl-1")),
        ({"NOSLURM": "1", "NXSDKHOST": "10.1.2.3"}, Host("ethernet", address="10.1.2.3")),
        (
            {"NXSDKHOST": "10.1.2.3", "HOST_BINARY": "nx/server", "PARTITION": "kp"},
            Host("ethernet", address="10.1.2.3", binary="nx/server"),
        ),
    ],
)
def test_the_environment_names_a_host(variables, host):
    assert host_from(variables) == host


@pytest.mark.parametrize(
    "variables",
    [{"SLURM": "1", "BOARD": "a", "PARTITION": "b"}, {"NXSDKHOST": "--help"}, {"SLURM": "1", "LOIHI_GEN": "N2"}],
)
def test_an_environment_that_no_host_can_have_is_refused(variables):
    with pytest.raises(InputError) as caught:
        host_from(variables)
    assert any(name in caught.value.field for name in variables)


def test_the_option_comes_before_the_environment(monkeypatch):
    for name in BOARD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="no board is named"):
        resolve_host(None)
    monkeypatch.setenv("NXSDKHOST", "10.1.2.3")
    assert resolve_host(None) == Host("ethernet", address="10.1.2.3")
    assert resolve_host("slurm") == Host("slurm")


SELECT = """
import json, os, sys
from hmn_lava.backends.hosts import parse_host, select
from hmn_lava.errors import BackendError
try:
    select(parse_host({text!r}))
    from lava.utils import loihi
    names = ("SLURM", "NOSLURM", "LOIHI_GEN", "BOARD", "PARTITION", "NXSDKHOST", "HOST_BINARY")
    print(json.dumps([loihi.host, {{name: os.environ[name] for name in names if name in os.environ}}]))
except BackendError as error:
    print(json.dumps(str(error)))
"""


@needs_lava
@pytest.mark.parametrize(
    ("text", "host", "variables"),
    [
        ("slurm", "SLURM", {"SLURM": "1", "LOIHI_GEN": "N3B3"}),
        # These two are where lava-nc 0.10.0 itself fails.
        ("slurm:partition=oheogulch", "SLURM", {"SLURM": "1", "LOIHI_GEN": "N3B3", "PARTITION": "oheogulch"}),
        ("slurm:board=ncl-ghrd-01", "SLURM", {"SLURM": "1", "LOIHI_GEN": "N3B3", "BOARD": "ncl-ghrd-01"}),
        (
            "ethernet:10.1.2.3,generation=N3C1",
            "ETHERNET",
            {"NOSLURM": "1", "LOIHI_GEN": "N3C1", "NXSDKHOST": "10.1.2.3", "HOST_BINARY": BINARY},
        ),
    ],
)
def test_lava_is_told_of_the_host(text, host, variables, tmp_path):
    assert in_child(SELECT.format(text=text), environment(tmp_path)) == [host, variables]


@needs_lava
@pytest.mark.parametrize(
    ("text", "programs", "reason"),
    [
        ("slurm:partition=nahuku32", True, "sinfo lists no nahuku32, but kp, oheogulch, old"),
        ("slurm:partition=old", True, "sinfo says that old is down"),
        ("slurm:board=ncl-ghrd-02", True, "sinfo says that ncl-ghrd-02 is down"),
        ("ethernet:10.1.2.4", True, "`ping 10.1.2.4` failed"),
        ("slurm", False, "sinfo"),
        ("ethernet:10.1.2.3", False, "ping"),
    ],
)
def test_a_host_that_does_not_answer_is_an_error_of_the_backend(text, programs, reason, tmp_path):
    message = in_child(SELECT.format(text=text), environment(tmp_path if programs else None))
    assert message.startswith(f"the host {text} cannot be used")
    assert reason in message
    assert message.endswith("; nothing was run.")


@needs_lava
def test_without_the_extension_no_host_is_selected(tmp_path):
    message = in_child(SELECT.format(text="slurm"), environment(tmp_path, double=False))
    assert message == "lava-loihi, Intel's extension of Lava, is not installed; nothing was run."
