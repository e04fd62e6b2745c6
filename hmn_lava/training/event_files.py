"""Recordings of event cameras in a user's files, which are untrusted: npy, AEDAT 3.1 and N-MNIST's bin.

Nothing is unpickled, nothing is allocated that a header promises and the file does not hold, and a file or a recording
above :data:`LARGEST` or :data:`MOST` is refused. The three formats give the same :class:`Events`.
"""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError

LARGEST = 2**28
"""Bytes of a file; an uncut trial of DVS-Gesture has about 40 million."""

MOST = 2**23
"""Events of a recording; a gesture of DVS-Gesture has some 400,000, a digit of N-MNIST some 4,000."""

LATEST = 2**46
"""Microseconds: two years."""

GESTURES = 11

Ints = NDArray[np.int64]


class Events(NamedTuple):
    """Events in the order of their time, each (n,): column x, row y, polarity 0 (darker) or 1, time in microseconds."""

    x: Ints
    y: Ints
    polarity: Ints
    time: Ints


def read_npy(path: Path, height: int, width: int) -> Events:
    """Read an npy array of numbers, (n, 4): x, y, polarity, time in milliseconds, as Tonic extracts DVS-Gesture.

    Raises InputError, also for events outside of the sensor, unsorted, or none at all.
    """
    _sized(path)
    form: Any = np.lib.format
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the file is from Python 2
            table = form.open_memmap(path, mode="r")
    except Exception:  # whatever the parser of its header raises; that includes the tokenizer's own errors
        raise _fault(path, "is not an npy file of numbers", remedy="write the file anew with numpy.save") from None
    if table.ndim != 2 or table.shape[1] != 4 or table.dtype.kind not in "iuf":
        remedy = "store numbers of shape (n, 4): x, y, polarity, time in milliseconds"
        raise _fault(path, "is no table of events", value=f"{table.dtype} {table.shape}", remedy=remedy)
    _bounded(path, len(table))
    x, y, polarity, time = np.asarray(table, np.float64).T
    # Nearly all are whole milliseconds; a NaN or an infinity stays what it is and is refused.
    return _checked(path, (x, y, polarity, np.rint(time * 1000.0)), height, width)


def read_bin(path: Path, height: int, width: int) -> Events:
    """Read events of five bytes, as in N-MNIST: x, y, then a bit of polarity and 23 of microseconds, big end first.

    An event in row 240 is none: from it on 2^13 microseconds are added to the time, as Tonic does. Raises InputError.
    """
    data = _contents(path)
    if len(data) % 5:
        raise _fault(path, "is not a whole number of events of 5 bytes", value=len(data))
    _bounded(path, len(data) // 5)
    byte = np.frombuffer(data, np.uint8).reshape(-1, 5).astype(np.int64).T
    mark = byte[1] == 240
    time = ((byte[2] & 127) << 16 | byte[3] << 8 | byte[4]) + (np.cumsum(mark) << 13)
    x, y, polarity, time = (column[~mark] for column in (byte[0], byte[1], byte[2] >> 7, time))
    return _checked(path, (x, y, polarity, time), height, width)


_PACKET = struct.Struct("<hhiiiiii")
"""Type, source, bytes of an event, offset of its time, overflows of its time, capacity, events, valid events."""

_POLARITY = 1
_EVENT = np.dtype([("data", "<u4"), ("time", "<i4")])


def read_aedat(path: Path, height: int, width: int, start: int | None = None, stop: int | None = None) -> Events:
    """Read the polarity events of an AEDAT 3.1 file from ``start`` until before ``stop``, in microseconds.

    The format: lines that begin with #; then packets of 28 bytes of header and events of 8 bytes: x in 15 bits, y in
    15, polarity, validity, and 31 bits of time, to which the header adds 2^31 for each overflow. Invalid events, where
    the header counts any, and other kinds of events are passed over. Raises InputError.
    """
    data = _contents(path)
    at = _after_header(path, data)
    found, count = [np.zeros((2, 0), np.int64)], 0
    while at < len(data):
        if len(data) - at < _PACKET.size:
            raise _fault(path, "ends within the header of a packet", field=f"byte {at}")
        kind, _, size, offset, overflow, capacity, number, valid = _PACKET.unpack_from(data, at)
        if size < 1 or number < 0 or capacity != number or not 0 <= valid <= number:
            value = {"eventSize": size, "eventCapacity": capacity, "eventNumber": number, "eventValid": valid}
            raise _fault(path, "is no header of a packet", field=f"byte {at}", value=value)
        begin, at = at + _PACKET.size, at + _PACKET.size + size * number
        if at > len(data):
            raise _fault(path, f"ends before the {number} events of a packet", field=f"byte {begin}")
        if kind != _POLARITY:
            continue
        if (size, offset) != (_EVENT.itemsize, 4) or overflow < 0:
            value = {"eventSize": size, "eventTSOffset": offset, "eventTSOverflow": overflow}
            raise _fault(path, "is no header of polarity events", field=f"byte {begin - _PACKET.size}", value=value)
        packet = np.frombuffer(data, _EVENT, number, begin)
        word, time = packet["data"].astype(np.int64), packet["time"].astype(np.int64) + (overflow << 31)
        chosen = (word & 1 == 1) | (valid == number)
        if start is not None:
            chosen &= time >= start
        if stop is not None:
            chosen &= time < stop
        found.append(np.stack([word[chosen], time[chosen]]))
        count += found[-1].shape[1]
        _bounded(path, count)
    word, time = np.concatenate(found, 1)
    return _checked(path, (word >> 17, word >> 2 & 0x7FFF, word >> 1 & 1, time), height, width)


def read_trials(path: Path) -> list[str]:
    """Names of the AEDAT files in a list of DVS-Gesture's, one on a line, as names in its own folder.

    Raises InputError.
    """
    names = [line.strip() for line in _lines(path) if line.strip()]
    for number, name in enumerate(names):
        if Path(name).name != name or not name.endswith(".aedat"):
            remedy = "list the names of .aedat files in the same folder, one on a line"
            raise _fault(path, "is no name of a file", field=f"names[{number}]", value=name, remedy=remedy)
    return names


def read_gestures(path: Path) -> list[tuple[int, int, int]]:
    """Rows of a table of DVS-Gesture's: class from 0, start and stop in microseconds. The file counts from 1.

    Raises InputError.
    """
    head, *lines = _lines(path) or [""]
    remedy = "use the columns class,startTime_usec,endTime_usec, with a class from 1 to 11 and the start before the end"
    if head.strip() != "class,startTime_usec,endTime_usec":
        raise _fault(path, "is no table of gestures", field="line 1", value=head, remedy=remedy)
    rows = []
    for number, line in enumerate(lines, 2):
        cells = line.strip().split(",")
        if cells == [""]:
            continue
        # A number of more digits is none of these, and Python would take long to read one of a million.
        if len(cells) != 3 or not all(cell.isascii() and cell.isdigit() and len(cell) < 15 for cell in cells):
            raise _fault(path, "is no gesture", field=f"line {number}", value=line, remedy=remedy)
        label, start, stop = map(int, cells)
        if not (1 <= label <= GESTURES and start < stop):
            raise _fault(path, "is no gesture", field=f"line {number}", value=line, remedy=remedy)
        rows.append((label - 1, start, stop))
    return rows


def _lines(path: Path) -> list[str]:
    try:
        return _contents(path, 2**20).decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise _fault(path, "is not plain text") from None


def _after_header(path: Path, data: bytes) -> int:
    """Where the packets of an AEDAT file begin. Raises InputError if it is of another version or compressed."""
    if not data.startswith((b"#!AER-DAT3.1\r\n", b"#!AER-DAT3.1\n")):
        remedy = "convert it to AEDAT 3.1"
        raise _fault(path, "is not an AEDAT 3.1 file", field="line 1", value=data[:16], remedy=remedy)
    at = 0
    while data[at : at + 1] == b"#":
        end = data.find(b"\n", at, at + 2**16) + 1
        if not end:
            raise _fault(path, "has a header that does not end", field=f"byte {at}")
        line, at = data[at:end].strip(), end
        if line.startswith(b"#Format:") and line.split(b":", 1)[1].strip() != b"RAW":
            raise _fault(path, "is compressed", field="Format", value=line, remedy="store the events in the format RAW")
        if line == b"#!END-HEADER":
            break
    return at


def _sized(path: Path, most: int = LARGEST) -> None:
    """Raise InputError unless this is a file that can be read, of no more than ``most`` bytes."""
    try:
        size = path.stat().st_size if path.is_file() else None
    except OSError:
        size = None
    if size is None:
        raise _fault(path, "is not a file that can be read", remedy="name a file that is there")
    if size > most:
        raise _fault(path, f"has more than {most} bytes", value=size)


def _contents(path: Path, most: int = LARGEST) -> bytes:
    """The bytes of a file. Raises InputError."""
    _sized(path, most)
    try:
        with path.open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise _fault(path, f"cannot be read: {error.strerror or error}", remedy="name a file you may read") from None


def _bounded(path: Path, count: int) -> None:
    if count > MOST:
        remedy = "cut the recording, or label shorter parts of it"
        raise _fault(path, f"has more than {MOST} events", value=count, remedy=remedy)


def _checked(path: Path, columns: tuple[NDArray[Any], ...], height: int, width: int) -> Events:
    """The events, if there are any, all on the sensor and in order. Raises InputError for the first that is not."""
    if not len(columns[0]):
        raise _fault(path, "holds no events", remedy="leave the recording out")
    highest = (width - 1, height - 1, 1, LATEST)
    for name, column, high in zip(Events._fields, columns, highest, strict=True):
        wrong = ~((column >= 0) & (column <= high) & (column == np.floor(column)))  # so that NaN is wrong
        if wrong.any():
            first = int(np.argmax(wrong))
            value, field = column[first].item(), f"events[{first}].{name}"
            remedy = f"use recordings of a sensor of {height} x {width}, with polarities 0 and 1"
            raise _fault(path, f"is no whole number from 0 to {high}", field=field, value=value, remedy=remedy)
    time = columns[3]
    back = time[1:] < time[:-1]
    if back.any():
        first = int(np.argmax(back)) + 1
        value, field = int(time[first]), f"events[{first}].time"
        problem = f"is before the event in front of it, at {int(time[first - 1])}"
        raise _fault(path, problem, field=field, value=value, remedy="sort the events by their time")
    return Events(*(np.asarray(column, np.int64) for column in columns))


def _fault(
    path: Path, problem: str, *, field: str = "data", value: Any = None, remedy: str = "use the file as distributed"
) -> InputError:
    return InputError(problem, where=str(path), field=field, value=value, remedy=remedy)
