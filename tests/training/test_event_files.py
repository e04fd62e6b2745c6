"""Recordings as bytes, written here by the definitions of their formats; what is broken or hostile is refused."""

import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmn_lava.errors import InputError
from hmn_lava.training import event_files
from hmn_lava.training.event_files import LARGEST, read_aedat, read_bin, read_gestures, read_npy, read_trials

# x, y, polarity, time in microseconds
EVENTS = [(0, 0, 1, 0), (127, 5, 0, 1000), (3, 127, 1, 1000), (64, 32, 0, 7000)]
SMALL = [(0, 0, 1, 0), (33, 5, 0, 1000), (3, 33, 1, 70_000), (16, 17, 0, 2**23 - 1)]

HEADER = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: 2017-03-01\r\n#!END-HEADER\r\n"


def five_bytes(events):
    return b"".join(bytes((x, y)) + (p << 23 | t).to_bytes(3, "big") for x, y, p, t in events)


def packet(body, number, kind=1, size=8, offset=4, overflow=0, capacity=None, valid=None):
    capacity, valid = (number if given is None else given for given in (capacity, valid))
    return struct.pack("<HHIIIIII", kind, 1, size, offset, overflow, capacity, number, valid) + body


def polarity_events(events, mark=1):
    return b"".join(struct.pack("<II", x << 17 | y << 2 | p << 1 | mark, t) for x, y, p, t in events)


def polarity_packet(events, **header):
    return packet(polarity_events(events), len(events), **header)


def rows(events):
    return list(zip(*(column.tolist() for column in events), strict=True))


@pytest.fixture
def file(tmp_path):
    def write(name, data):
        place = tmp_path / name
        place.write_bytes(data)
        return place

    return write


def saved(place, array):
    np.save(place, array, allow_pickle=True)
    return place


# ---- what is read


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.float64, ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_has_milliseconds(tmp_path, dtype, order):
    table = np.array([(x, y, p, t // 1000) for x, y, p, t in EVENTS], dtype, order=order)
    events = read_npy(saved(tmp_path / "3.npy", table), 128, 128)
    assert rows(events) == EVENTS
    assert {column.dtype for column in events} == {np.dtype(np.int64)}


def test_npy_keeps_parts_of_a_millisecond(tmp_path):
    assert read_npy(saved(tmp_path / "3.npy", np.array([[1, 2, 0, 1.001]])), 128, 128).time.tolist() == [1001]


def test_five_bytes(file):
    assert rows(read_bin(file("1.bin", five_bytes(SMALL)), 34, 34)) == SMALL


def test_a_mark_in_row_240_adds_to_the_time_and_is_no_event(file):
    marked = [(1, 1, 0, 5), (0, 240, 0, 6), (2, 1, 0, 7), (0, 240, 0, 8), (3, 1, 0, 9)]
    events = read_bin(file("1.bin", five_bytes(marked)), 34, 34)
    assert rows(events) == [(1, 1, 0, 5), (2, 1, 0, 8192 + 7), (3, 1, 0, 2 * 8192 + 9)]


def test_aedat_packets(file):
    special = packet(bytes(24), 2, kind=0, size=12)
    data = HEADER + polarity_packet(EVENTS[:1]) + special + polarity_packet([]) + polarity_packet(EVENTS[1:])
    assert rows(read_aedat(file("a.aedat", data), 128, 128)) == EVENTS


def test_aedat_from_start_until_before_stop(file):
    place = file("a.aedat", HEADER + polarity_packet(EVENTS[:2]) + polarity_packet(EVENTS[2:]))
    assert rows(read_aedat(place, 128, 128, 1000, 7000)) == EVENTS[1:3]
    assert rows(read_aedat(place, 128, 128, 1000, 7001)) == EVENTS[1:]
    with pytest.raises(InputError, match="holds no events"):
        read_aedat(place, 128, 128, 1001, 7000)


def test_aedat_overflows_of_the_time(file):
    data = HEADER + polarity_packet([(1, 1, 0, 2**31 - 1)]) + polarity_packet([(1, 1, 0, 4)], overflow=1)
    assert read_aedat(file("a.aedat", data), 128, 128).time.tolist() == [2**31 - 1, 2**31 + 4]


def test_aedat_invalid_events_are_passed_over_where_the_header_counts_them(file):
    body = polarity_events(EVENTS[:2], mark=0) + polarity_events(EVENTS[2:])
    assert rows(read_aedat(file("a.aedat", HEADER + packet(body, 4, valid=2)), 128, 128)) == EVENTS[2:]
    # A writer that sets no marks counts all as valid.
    assert rows(read_aedat(file("a.aedat", HEADER + packet(body, 4)), 128, 128)) == EVENTS


def test_aedat_without_the_line_that_ends_the_header(file):
    assert rows(read_aedat(file("a.aedat", b"#!AER-DAT3.1\n# no more\n" + polarity_packet(EVENTS)), 128, 128)) == EVENTS


def test_lists(file):
    assert read_trials(file("t.txt", b"user01_led.aedat\r\n\nuser02_lab.aedat\n")) == [
        "user01_led.aedat",
        "user02_lab.aedat",
    ]
    table = b"class,startTime_usec,endTime_usec\n1,80048239,85092709\n11,85092710,89431170\n\n"
    assert read_gestures(file("l.csv", table)) == [(0, 80048239, 85092709), (10, 85092710, 89431170)]


# ---- what is refused: one error that names the file, the field and a remedy


def refused(problem, field, read, *arguments):
    with pytest.raises(InputError, match=problem) as caught:
        read(*arguments)
    error = caught.value
    assert (error.where, error.field) == (str(arguments[0]), field)
    assert error.remedy


@pytest.mark.parametrize(
    ("events", "problem", "field"),
    [
        ([(0, 0, 0, 0), (128, 0, 0, 0)], "0 to 127", "events[1].x"),
        ([(0, 0, 0, 0), (0, -1, 0, 0)], "0 to 127", "events[1].y"),
        ([(0, 0.5, 0, 0)], "whole number", "events[0].y"),
        ([(0, 0, 2, 0)], "0 to 1 ", "events[0].polarity"),
        ([(0, 0, 0, -1)], "whole number from 0", "events[0].time"),
        ([(0, 0, 0, np.nan)], "whole number", "events[0].time"),
        ([(0, 0, 0, np.inf)], "whole number", "events[0].time"),
        ([(0, 0, 0, 1e30)], "whole number", "events[0].time"),
        ([(0, 0, 0, 2), (0, 0, 0, 3), (0, 0, 0, 1)], "before the event in front of it", "events[2].time"),
    ],
)
def test_events_that_no_sensor_sends(tmp_path, events, problem, field):
    refused(problem, field, read_npy, saved(tmp_path / "3.npy", np.array(events)), 128, 128)


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 5)), np.zeros(4), np.zeros((3, 4), bool), np.zeros((3, 4), complex), np.zeros((3, 4), "S2")],
    ids=str,
)
def test_npy_of_something_else(tmp_path, array):
    refused("no table of events", "data", read_npy, saved(tmp_path / "3.npy", array), 128, 128)


class Hostile:
    def __reduce__(self):
        return os.abort, ()


def test_npy_is_not_unpickled(tmp_path):
    refused("not an npy", "data", read_npy, saved(tmp_path / "3.npy", np.array([[Hostile()] * 4])), 128, 128)
    (tmp_path / "4.npy").write_bytes(pickle.dumps(Hostile()))
    refused("not an npy", "data", read_npy, tmp_path / "4.npy", 128, 128)


def npy_header(text, length=None):
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text) if length is None else length) + text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        npy_header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 4)}\n"),
        npy_header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4)}\n"),
        npy_header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1L, 4)}\n"),  # of Python 2, and cut
        npy_header(b"(" * 9000 + b"\n"),
        npy_header(b"-" * 9000 + b"1\n"),
        npy_header(b"'''\n"),
        npy_header(b" " * 100_000 + b"\n"),
        npy_header(b"{}\n", 2**32 - 1),
    ],
    ids=range(9),
)
def test_npy_with_a_header_that_lies(file, data):
    refused("not an npy", "data", read_npy, file("3.npy", data), 128, 128)


def test_no_events(tmp_path, file):
    for read, place in (
        (read_npy, saved(tmp_path / "3.npy", np.zeros((0, 4)))),
        (read_bin, file("1.bin", b"")),
        (read_bin, file("2.bin", five_bytes([(0, 240, 0, 0)]))),
        (read_aedat, file("a.aedat", HEADER)),
        (read_aedat, file("b.aedat", HEADER + packet(bytes(8), 1, kind=0))),
    ):
        refused("not an npy|holds no events", "data", read, place, 34, 34)


def test_five_bytes_cut_or_outside(file):
    refused("whole number of events", "data", read_bin, file("1.bin", five_bytes(SMALL)[:-1]), 34, 34)
    refused("0 to 33", "events[1].x", read_bin, file("1.bin", five_bytes([(0, 0, 0, 0), (34, 0, 0, 0)])), 34, 34)


@pytest.mark.parametrize(
    ("data", "problem", "field"),
    [
        (b"#!AER-DAT2.0\r\n", "not an AEDAT 3.1", "line 1"),
        (b"#!AER-DAT3.10\r\n", "not an AEDAT 3.1", "line 1"),
        (b"", "not an AEDAT 3.1", "line 1"),
        (b"#!AER-DAT3.1\r\n#Format: Serialized-TS\r\n", "compressed", "Format"),
        (b"#!AER-DAT3.1\r\n#" + b"a" * 70_000, "does not end", "byte 14"),
        (HEADER + bytes(27), "within the header", f"byte {len(HEADER)}"),
        (HEADER + polarity_packet(EVENTS)[:-1], "before the 4 events", f"byte {len(HEADER) + 28}"),
        (HEADER + packet(b"", 2**31 - 1, size=2**31 - 1), "ends before", f"byte {len(HEADER) + 28}"),
        (HEADER + packet(b"", 2**32 - 1), "no header of a packet", f"byte {len(HEADER)}"),
        (HEADER + packet(b"", 0, size=0), "no header of a packet", f"byte {len(HEADER)}"),
        (HEADER + polarity_packet(EVENTS, capacity=5), "no header of a packet", f"byte {len(HEADER)}"),
        (HEADER + polarity_packet(EVENTS, valid=5), "no header of a packet", f"byte {len(HEADER)}"),
        (HEADER + polarity_packet(EVENTS, offset=0), "polarity events", f"byte {len(HEADER)}"),
        (HEADER + packet(bytes(12), 1, size=12), "polarity events", f"byte {len(HEADER)}"),
        (HEADER + polarity_packet(EVENTS, overflow=2**31), "polarity events", f"byte {len(HEADER)}"),
        (HEADER + polarity_packet(EVENTS, overflow=2**31 - 1), "whole number from 0", "events[0].time"),
        (HEADER + polarity_packet([(0, 0, 0, 2**31)]), "whole number from 0", "events[0].time"),
        (HEADER + polarity_packet([(128, 0, 0, 0)]), "0 to 127", "events[0].x"),
        (HEADER + polarity_packet([(0, 0, 0, 9), (0, 0, 0, 8)]), "in front", "events[1].time"),
        (HEADER + polarity_packet([(0, 0, 0, 9)]) + polarity_packet([(0, 0, 0, 8)]), "in front", "events[1].time"),
    ],
    ids=range(20),
)
def test_aedat_that_is_broken(file, data, problem, field):
    refused(problem, field, read_aedat, file("a.aedat", data), 128, 128)


def test_files_that_are_none_or_too_large(tmp_path, file, monkeypatch):
    for read, name in ((read_npy, "3.npy"), (read_bin, "1.bin"), (read_aedat, "a.aedat")):
        place = tmp_path / name
        refused("not a file", "data", read, place, 34, 34)
        place.mkdir()
        refused("not a file", "data", read, place, 34, 34)
        place.rmdir()
        os.mkfifo(place)  # to open it would wait for ever
        refused("not a file", "data", read, place, 34, 34)
        place.unlink()
        with place.open("wb") as stream:
            stream.truncate(LARGEST + 5)  # takes no room on the disk
        refused("more than", "data", read, place, 34, 34)
    monkeypatch.setattr(event_files, "MOST", 3)
    refused("more than 3 events", "data", read_bin, file("1.bin", five_bytes(SMALL)), 34, 34)
    refused("more than 3 events", "data", read_npy, saved(tmp_path / "3.npy", np.zeros((4, 4))), 34, 34)
    place = file("a.aedat", HEADER + polarity_packet(EVENTS[:2]) + polarity_packet(EVENTS[2:]))
    refused("more than 3 events", "data", read_aedat, place, 128, 128)
    assert len(read_aedat(place, 128, 128, 0, 7000).x) == 3


@pytest.mark.parametrize("name", ["../a.aedat", "/a.aedat", "a/b.aedat", "..", "a.npy"])
def test_trials_outside_of_the_folder(file, name):
    refused("no name of a file", "names[1]", read_trials, file("t.txt", f"b.aedat\n{name}\n".encode()))


def test_trials_that_are_no_text(file):
    refused("not plain text", "data", read_trials, file("t.txt", b"\xff\n"))
    refused("more than", "data", read_trials, file("t.txt", bytes(2**20 + 1)))


@pytest.mark.parametrize(
    "row", ["0,1,2", "12,1,2", "1,2,2", "1,-1,2", "1,1.0,2", "1,2", "1,1,2,3", "a,b,c", "1,1," + "9" * 5000, "1,¹,2"]
)
def test_gestures_that_are_none(file, row):
    head = b"class,startTime_usec,endTime_usec\n"
    problem, line = ("not plain text", "data") if not row.isascii() else ("no gesture", "line 3")
    refused(problem, line, read_gestures, file("l.csv", head + b"1,1,2\n" + row.encode()))
    refused("no table of gestures", "line 1", read_gestures, file("l.csv", row.encode("ascii", "ignore")))
    refused("no table of gestures", "line 1", read_gestures, file("l.csv", b""))


# ---- whatever the bytes are, there are events on the sensor in their order, or an InputError


def whole(tmp_path):
    np.save(tmp_path / "whole.npy", np.array(EVENTS))
    return {
        ".npy": (read_npy, (tmp_path / "whole.npy").read_bytes()),
        ".bin": (read_bin, five_bytes(SMALL)),
        ".aedat": (read_aedat, HEADER + polarity_packet(EVENTS[:1]) + packet(bytes(8), 1, 0) + polarity_packet(EVENTS)),
    }


@pytest.mark.parametrize("suffix", [".npy", ".bin", ".aedat"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_files(tmp_path, suffix, data):
    read, content = whole(tmp_path)[suffix]
    content = bytearray(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    places = st.integers(0, max(len(content) - 1, 0))
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4)):
        content[place : place + 1] = bytes((byte,))
    place = tmp_path / f"mutated{suffix}"
    place.write_bytes(content)
    try:
        events = read(place, 128, 128)
    except InputError as error:
        assert error.where == str(place) and error.remedy
        return
    assert len(events.x) > 0
    assert events.x.min() >= 0 and events.x.max() < 128 and events.y.min() >= 0 and events.y.max() < 128
    assert set(events.polarity.tolist()) <= {0, 1}
    assert events.time[0] >= 0 and (np.diff(events.time) >= 0).all()


@pytest.mark.parametrize("read", [read_trials, read_gestures])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text("0123456789,.\n-x/", max_size=40) | st.binary(max_size=40))
def test_mutated_lists(tmp_path, read, text):
    text = text.encode() if isinstance(text, str) else text
    place = tmp_path / "list"
    place.write_bytes(b"class,startTime_usec,endTime_usec\n" + text if read is read_gestures else text)
    try:
        found = read(place)
    except InputError as error:
        assert error.where == str(place) and error.remedy
        return
    if read is read_gestures:
        assert all(0 <= label < 11 and 0 <= start < stop for label, start, stop in found)
    else:
        assert all(name.endswith(".aedat") and "/" not in name for name in found)
