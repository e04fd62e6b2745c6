"""Data sets of an event camera in a user's folder, and their events as frames of spikes.

Three layouts are known: DVS-Gesture as Tonic extracts it, DVS-Gesture as IBM distributes it, and N-MNIST. A. Amir et
al., A low power, fully event-based gesture recognition system, CVPR 2017; G. Orchard et al., Converting static image
datasets to spiking neuromorphic datasets using saccades, Frontiers in Neuroscience 9:437 (2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.training.event_files import (
    GESTURES,
    LATEST,
    Events,
    read_aedat,
    read_bin,
    read_gestures,
    read_npy,
    read_trials,
)

Frames = NDArray[np.float32]

MOST_STEPS = 2**16

LARGEST_FRAMES = 2**31
"""Bytes of the frames that are made at once."""


@dataclass(frozen=True)
class Recording:
    """A file and its class; of an AEDAT file the part from ``start`` until before ``stop``, in microseconds."""

    path: Path
    label: int
    start: int | None = None
    stop: int | None = None


@dataclass(frozen=True, eq=False)
class EventSet:
    """Recordings of one sensor, which stay on the disk until their frames are asked for.

    ``sensor``: (polarities, height, width), the height equal to the width. ``classes``: how many. The recordings to
    learn from and those to test on are in the order of their names.
    """

    name: str
    sensor: tuple[int, int, int]
    classes: int
    train: tuple[Recording, ...]
    test: tuple[Recording, ...]

    def events(self, recording: Recording) -> Events:
        """Read the events of one recording. Raises InputError."""
        _, height, width = self.sensor
        if recording.path.suffix == ".npy":
            return read_npy(recording.path, height, width)
        if recording.path.suffix == ".bin":
            return read_bin(recording.path, height, width)
        return read_aedat(recording.path, height, width, recording.start, recording.stop)

    def frames(self, which: Sequence[Recording], steps: int, side: int, window: int | None = None) -> Frames:
        """Frames of some recordings: (n, steps, polarities, side, side), 1 where there was any event and else 0.

        The time T of a recording is cut into equal slices: an event at t falls into floor((t - t0) steps / T), its
        pixel (y, x) into (floor(y / f), floor(x / f)) with f = height / side. t0 is the recording's start, or that of
        its first event; T is ``window`` in microseconds, after which events are dropped, or until the recording's stop,
        or just past its last event.

        Raises InputError for a side that does not divide the sensor's, a number out of its range, or a faulty file.
        """
        polarities, height, _ = self.sensor
        divisors = [number for number in range(1, height + 1) if height % number == 0]
        if side not in divisors:
            remedy = f"one of: {', '.join(map(str, divisors))}"
            raise InputError(f"does not divide the sensor's {height}", field="side", value=side, remedy=remedy)
        if not 1 <= steps <= MOST_STEPS:
            raise InputError("is out of range", field="steps", value=steps, remedy=f"from 1 to {MOST_STEPS}")
        if window is not None and not 1 <= window <= LATEST:
            raise InputError("is out of range", field="window", value=window, remedy=f"from 1 to {LATEST} microseconds")
        shape = (len(which), steps, polarities, side, side)
        if len(which) * steps * polarities * side**2 * 4 > LARGEST_FRAMES:
            remedy = "ask for fewer recordings at once"
            raise InputError(f"need more than {LARGEST_FRAMES} bytes", field="frames", value=shape, remedy=remedy)
        frames = np.zeros(shape, np.float32)
        for frame, recording in zip(frames, which, strict=True):
            x, y, polarity, time = self.events(recording)
            begin = int(time[0]) if recording.start is None else recording.start
            end = int(time[-1]) + 1 if recording.stop is None else recording.stop
            length = end - begin if window is None else window
            step = (time - begin) * steps // length
            seen = (step >= 0) & (step < steps)
            factor = height // side
            frame[step[seen], polarity[seen], y[seen] // factor, x[seen] // factor] = 1.0
        return frames


def event_set_at(path: Path) -> EventSet:
    """The data set in a folder, of any of the three layouts. Raises InputError.

    Tonic's DVS-Gesture: ibmGestureTrain/ and ibmGestureTest/ with userNN_LIGHT/CLASS.npy. IBM's: trials_to_train.txt
    and trials_to_test.txt, which name NAME.aedat, each with NAME_labels.csv. N-MNIST: Train/ and Test/ with
    DIGIT/NAME.bin.
    """
    if (path / "ibmGestureTrain").is_dir():
        parts = [_gestures_of_tonic(path / part) for part in ("ibmGestureTrain", "ibmGestureTest")]
        return EventSet("dvs-gesture", (2, 128, 128), GESTURES, *parts)
    if (path / "trials_to_train.txt").is_file():
        parts = [_gestures_of_ibm(path / part) for part in ("trials_to_train.txt", "trials_to_test.txt")]
        return EventSet("dvs-gesture", (2, 128, 128), GESTURES, *parts)
    if (path / "Train").is_dir():
        return EventSet("n-mnist", (2, 34, 34), 10, *[_digits(path / part) for part in ("Train", "Test")])
    remedy = "name the folder with ibmGestureTrain/, with trials_to_train.txt, or with N-MNIST's Train/"
    raise InputError("holds no recordings of an event camera", where=str(path), field="data", remedy=remedy)


def _gestures_of_tonic(folder: Path) -> tuple[Recording, ...]:
    files = sorted(folder.glob("user*_*/*.npy"), key=lambda file: (file.parent.name, len(file.name), file.name))
    labels = {f"{label}.npy": label for label in range(GESTURES)}
    for file in files:
        if file.name not in labels:
            remedy = f"name each file by its class, 0.npy to {GESTURES - 1}.npy"
            raise InputError("is no class", where=str(file), field="name", value=file.name, remedy=remedy)
    return _some(folder, [Recording(file, labels[file.name]) for file in files])


def _gestures_of_ibm(trials: Path) -> tuple[Recording, ...]:
    files = [trials.parent / name for name in read_trials(trials)]
    return _some(
        trials,
        [Recording(file, *row) for file in files for row in read_gestures(file.with_name(f"{file.stem}_labels.csv"))],
    )


def _digits(folder: Path) -> tuple[Recording, ...]:
    folders = [(digit, folder / str(digit)) for digit in range(10)]
    return _some(folder, [Recording(file, digit) for digit, inside in folders for file in sorted(inside.glob("*.bin"))])


def _some(place: Path, recordings: list[Recording]) -> tuple[Recording, ...]:
    if not recordings:
        remedy = "use the data set as it is distributed, its training and its test part"
        raise InputError("holds no recordings", where=str(place), field="data", remedy=remedy)
    return tuple(recordings)
