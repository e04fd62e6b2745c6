"""Data sets of event cameras in their three layouts, and their frames; the recordings are written here."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmn_lava.errors import InputError
from hmn_lava.training import events as events_module
from hmn_lava.training.events import EventSet, Recording, event_set_at

DRAWS = np.random.default_rng(0)


def drawn(count, size, last):
    """Events, (count, 4): x, y, polarity, time, in order; the first is at time 0 and the last at ``last``."""
    times = np.sort(DRAWS.integers(0, last + 1, count))
    times[[0, -1]] = 0, last
    return np.stack([*DRAWS.integers(0, size, (2, count)), DRAWS.integers(0, 2, count), times], 1)


def five_bytes(events):
    return b"".join(bytes((x, y)) + (p << 23 | t).to_bytes(3, "big") for x, y, p, t in events.tolist())


def aedat(events):
    body = b"".join(struct.pack("<II", x << 17 | y << 2 | p << 1 | 1, t) for x, y, p, t in events.tolist())
    number = len(events)
    return b"#!AER-DAT3.1\r\n#!END-HEADER\r\n" + struct.pack("<HHIIIIII", 1, 1, 8, 4, 0, number, number, number) + body


def write_tonic(folder):
    for part, users in (("ibmGestureTrain", ("user01_led", "user02_lab")), ("ibmGestureTest", ("user24_led",))):
        for user in users:
            (folder / part / user).mkdir(parents=True)
            for label in (10, 0, 2):
                np.save(folder / part / user / f"{label}.npy", drawn(60, 128, 500 + label).astype(np.float64))
    return folder


def write_ibm(folder):
    for part, name in (("train", "user01_led"), ("test", "user24_led")):
        (folder / f"trials_to_{part}.txt").write_text(f"{name}.aedat\n")
        (folder / f"{name}.aedat").write_bytes(aedat(drawn(200, 128, 9000)))
        (folder / f"{name}_labels.csv").write_text("class,startTime_usec,endTime_usec\n1,0,4000\n11,5000,9000\n")
    return folder


def write_n_mnist(folder):
    for part, count in (("Train", 2), ("Test", 1)):
        for digit in range(10):
            (folder / part / str(digit)).mkdir(parents=True)
            for number in range(count):
                content = five_bytes(drawn(50, 34, 300_000 + digit))
                (folder / part / str(digit) / f"{digit * count + number + 1:05}.bin").write_bytes(content)
    return folder


# ---- layouts


def test_gestures_as_tonic_extracts_them(tmp_path):
    found = event_set_at(write_tonic(tmp_path))
    assert (found.name, found.sensor, found.classes) == ("dvs-gesture", (2, 128, 128), 11)
    assert [recording.label for recording in found.train] == [0, 2, 10, 0, 2, 10]
    assert [recording.path.parent.name for recording in found.train[2:4]] == ["user01_led", "user02_lab"]
    assert [recording.path.parent.parent.name for recording in found.test] == ["ibmGestureTest"] * 3
    assert found.events(found.test[2]).time[-1] == 510_000  # milliseconds are stored


def test_gestures_as_ibm_distributes_them(tmp_path):
    found = event_set_at(write_ibm(tmp_path))
    assert (found.name, found.sensor, found.classes) == ("dvs-gesture", (2, 128, 128), 11)
    place = tmp_path / "user01_led.aedat"
    assert found.train == (Recording(place, 0, 0, 4000), Recording(place, 10, 5000, 9000))
    assert [recording.path.name for recording in found.test] == ["user24_led.aedat"] * 2
    times = [found.events(recording).time for recording in found.train]
    assert 0 <= times[0].min() <= times[0].max() < 4000
    assert 5000 <= times[1].min() <= times[1].max() < 9000  # so that the last event, at 9000, is left out


def test_n_mnist(tmp_path):
    found = event_set_at(write_n_mnist(tmp_path))
    assert (found.name, found.sensor, found.classes) == ("n-mnist", (2, 34, 34), 10)
    assert [recording.label for recording in found.train] == [digit for digit in range(10) for _ in range(2)]
    assert [recording.label for recording in found.test] == list(range(10))
    assert found.events(found.test[7]).time[-1] == 300_007


def test_a_set_is_not_read_before_its_frames_are_asked_for(tmp_path):
    write_n_mnist(tmp_path)
    for file in tmp_path.rglob("*.bin"):
        file.write_bytes(b"broken")
    found = event_set_at(tmp_path)
    with pytest.raises(InputError, match=r"00003\.bin: data: is not a whole number"):
        found.frames(found.train[2:4], 2, 17)


@pytest.mark.parametrize("missing", ["ibmGestureTest", "Test", "trials_to_test.txt"])
def test_sets_without_their_test_part(tmp_path, missing):
    write = {"ibmGestureTest": write_tonic, "Test": write_n_mnist, "trials_to_test.txt": write_ibm}[missing]
    (write(tmp_path) / missing).rename(tmp_path / "away")
    with pytest.raises(InputError) as caught:
        event_set_at(tmp_path)
    assert caught.value.where == str(tmp_path / missing) and caught.value.remedy


def test_folders_that_hold_no_set(tmp_path):
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="holds no recordings of an event camera"):
            event_set_at(place)
    (tmp_path / "trials_to_train.txt").write_text("")
    with pytest.raises(InputError, match="holds no recordings"):
        event_set_at(tmp_path)


@pytest.mark.parametrize("name", ["11.npy", "-1.npy", "00.npy", "clap.npy"])
def test_a_file_whose_name_is_no_class(tmp_path, name):
    place = write_tonic(tmp_path) / "ibmGestureTest" / "user24_led"
    (place / "0.npy").rename(place / name)
    with pytest.raises(InputError, match="is no class"):
        event_set_at(tmp_path)


# ---- frames


def set_of(place, events):
    """A set with one recording of N-MNIST's."""
    place.write_bytes(five_bytes(np.array(events)))
    return EventSet("one", (2, 34, 34), 10, (Recording(place, 0),), ())


def spikes(frames):
    return sorted(map(tuple, np.argwhere(frames[0]).tolist()))


def test_events_fall_into_equal_slices_and_pooled_pixels(tmp_path):
    events = [(0, 0, 0, 50), (1, 1, 0, 51), (33, 2, 1, 60), (4, 33, 1, 149)]  # from 50 until before 150
    found = set_of(tmp_path / "1.bin", events)
    frames = found.frames(found.train, 4, 17)
    assert frames.shape == (1, 4, 2, 17, 17) and frames.dtype == np.float32
    # step, polarity, row, column; the first two events are one spike
    assert spikes(frames) == [(0, 0, 0, 0), (0, 1, 1, 16), (3, 1, 16, 2)]
    assert set(np.unique(frames).tolist()) == {0.0, 1.0}
    assert spikes(found.frames(found.train, 10, 34)) == [(0, 0, 0, 0), (0, 0, 1, 1), (1, 1, 2, 33), (9, 1, 33, 4)]


def test_a_window_drops_what_comes_later_and_leaves_the_rest_of_it_empty(tmp_path):
    found = set_of(tmp_path / "1.bin", [(0, 0, 0, 50), (2, 0, 0, 69), (4, 0, 0, 70), (6, 0, 0, 149)])
    assert spikes(found.frames(found.train, 2, 34, window=20)) == [(0, 0, 0, 0), (1, 0, 0, 2)]
    assert spikes(found.frames(found.train, 2, 34, window=1000)) == [(0, 0, 0, n) for n in (0, 2, 4, 6)]


def test_a_labelled_part_begins_at_its_label_and_not_at_its_first_event(tmp_path):
    place = tmp_path / "a.aedat"
    place.write_bytes(aedat(np.array([(0, 0, 0, 10), (4, 0, 0, 150), (8, 0, 0, 199), (12, 0, 0, 200)])))
    found = EventSet("one", (2, 128, 128), 11, (Recording(place, 0, 100, 200),), ())
    assert spikes(found.frames(found.train, 4, 32)) == [(2, 0, 0, 1), (3, 0, 0, 2)]
    assert spikes(found.frames(found.train, 2, 32, window=80)) == [(1, 0, 0, 1)]


def test_one_event_and_no_recordings(tmp_path):
    found = set_of(tmp_path / "1.bin", [(5, 6, 1, 7)])
    assert spikes(found.frames(found.train, 3, 1)) == [(0, 1, 0, 0)]
    assert found.frames([], 3, 2).shape == (0, 3, 2, 2, 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 60), st.sampled_from([1, 2, 17, 34]), st.integers(1, 10_000))
def test_no_event_is_lost_and_none_is_made_up(tmp_path_factory, count, steps, side, last):
    events = drawn(max(count, 2), 34, last)
    found = set_of(tmp_path_factory.getbasetemp() / "drawn.bin", events)
    expected = {(t * steps // (last + 1), p, y * side // 34, x * side // 34) for x, y, p, t in events.tolist()}
    assert spikes(found.frames(found.train, steps, side)) == sorted(expected)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((4, 16), "side"),
        ((4, 0), "side"),
        ((4, 68), "side"),
        ((0, 17), "steps"),
        ((2**16 + 1, 17), "steps"),
        ((4, 17, 0), "window"),
        ((4, 17, 2**63), "window"),
    ],
)
def test_frames_that_cannot_be_made(tmp_path, arguments, field):
    found = set_of(tmp_path / "1.bin", [(5, 6, 1, 7)])
    with pytest.raises(InputError) as caught:
        found.frames(found.train, *arguments)
    assert caught.value.field == field and caught.value.remedy


def test_frames_that_need_too_much_memory(tmp_path, monkeypatch):
    found = set_of(tmp_path / "1.bin", [(5, 6, 1, 7)])
    monkeypatch.setattr(events_module, "LARGEST_FRAMES", 4 * 2 * 17 * 17 * 4)
    assert found.frames(found.train, 4, 17).any()
    with pytest.raises(InputError, match="ask for fewer"):
        found.frames([*found.train, *found.train], 4, 17)


# ---- the same as Tonic, where it is installed


def test_recordings_and_frames_are_those_of_tonic(tmp_path, monkeypatch):
    datasets = pytest.importorskip("tonic.datasets")
    to_frame = pytest.importorskip("tonic.transforms").ToFrame
    # It looks for a hundred files and the archive's digest, and would download the set.
    for one in (datasets.DVSGesture, datasets.NMNIST):
        monkeypatch.setattr(one, "_check_exists", lambda self: True)
    write_tonic(tmp_path / "DVSGesture"), write_n_mnist(tmp_path / "NMNIST")
    for name, one, last in (("DVSGesture", datasets.DVSGesture, 510_000), ("NMNIST", datasets.NMNIST, 300_009)):
        ours = event_set_at(tmp_path / name)
        assert one.sensor_size == (ours.sensor[2], ours.sensor[1], ours.sensor[0])
        assert len(one.classes) == ours.classes
        for part, train in ((ours.train, True), (ours.test, False)):
            theirs = one(str(tmp_path), train=train)
            places = {str(recording.path): recording for recording in part}
            assert sorted(theirs.data) == sorted(places)
            for number, place in enumerate(theirs.data):
                events, label = theirs[number]
                assert places[place].label == label
                read = ours.events(places[place])
                for field, column in zip("xypt", read, strict=True):
                    assert np.array_equal(column, events[field])
                # Its last slice leaves out the last event, and what is left over of a division: so with a window.
                frames = to_frame(sensor_size=one.sensor_size, time_window=100_000)(events)
                made = ours.frames([places[place]], 3, ours.sensor[1], window=300_000)[0]
                assert np.array_equal(made[: len(frames)], np.minimum(frames, 1)[:3])
                assert int(read.time[-1]) <= last


def test_aedat_is_that_of_tonic(tmp_path):
    io = pytest.importorskip("tonic.io")
    place = write_ibm(tmp_path) / "user01_led.aedat"
    version, start, _ = io.read_aedat_header_from_file(str(place))
    theirs = io.get_aer_events_from_file(str(place), version, start)
    word = theirs["address"].astype(np.int64)
    ours = EventSet("one", (2, 128, 128), 11, (), ()).events(Recording(place, 0))
    expected = (word >> 17 & 0x1FFF, word >> 2 & 0x1FFF, word >> 1 & 1, theirs["timeStamp"])
    assert all(np.array_equal(mine, column) for mine, column in zip(ours, expected, strict=True))
