"""Whole sweeps on workers of their own, undisturbed and disturbed."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import psutil
import pyarrow.parquet as pq
import pytest

import hmn_lava as hl
import hmn_lava.sweeps
from hmn_lava.errors import BackendError, InputError, RunError
from hmn_lava.sweeps import Grid, Random, cluster, sweep
from hmn_lava.sweeps.job import Outcome, versions
from hmn_lava.sweeps.journal import journal_path, open_journal

RATE = "connections.readout.rates.global"
FAST, SLOW = "connections.readout.traces.tau_fast", "connections.readout.traces.tau_slow"
QUICK = {"backend": "reference", "steps": 20, "workers": 1}


@pytest.fixture
def table(tmp_path):
    """Where the table goes."""
    return tmp_path / "table.parquet"


@pytest.fixture
def no_workers(monkeypatch):
    """Starting workers fails the test."""
    monkeypatch.setattr(cluster, "workers_here", lambda number: pytest.fail("workers were started"))


def test_a_table_grows_and_what_is_done_is_not_run_again(file, table, monkeypatch):
    report = hl.sweep(file, table, grid=[Grid(FAST, (5, 80)), Grid(SLOW, (50, 100))], seeds=2, **QUICK)
    assert (report.run, report.kept, [row.number for row, _ in report.failed]) == (6, 0, [4, 5])
    assert not journal_path(table).exists()
    first = table.read_bytes()
    rows = pq.read_table(table).to_pylist()
    assert [row["row"] for row in rows] == list(range(8))
    assert [(row[FAST], row[SLOW], row["seed"]) for row in rows][:3] == [(5, 50, 0), (5, 50, 1), (5, 100, 0)]
    assert rows[0]["overrides"] == f'{{"{FAST}": 5, "{SLOW}": 50}}'
    assert [row["error"] is None for row in rows] == [True] * 4 + [False] * 2 + [True] * 2
    assert "tau_fast < tau_slow" in rows[4]["error"]
    assert rows[4]["metrics.mean.out"] is None
    assert 0 < rows[0]["metrics.mean.out"] < 1
    assert rows[0]["metrics.mean.out"] != rows[1]["metrics.mean.out"]
    assert {name: rows[0][name] for name in versions()} == versions()
    assert report.means[0]["metrics"]["mean.out"] == pytest.approx(
        (rows[0]["metrics.mean.out"] + rows[1]["metrics.mean.out"]) / 2
    )

    # Nothing to do: no worker is started, and the table stays as it is.
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "workers_here", lambda number: pytest.fail("workers were started"))
        again = sweep(file, table, grid=[Grid(FAST, (5, 80)), Grid(SLOW, (50, 100))], seeds=2, **QUICK)
    assert (again.run, again.kept) == (0, 6)
    assert table.read_bytes() == first

    # Other rows would be lost.
    with pytest.raises(InputError, match="holds 2 finished rows"):
        sweep(file, table, grid=[Grid(FAST, (5,)), Grid(SLOW, (50, 100))], seeds=2, **QUICK)
    assert table.read_bytes() == first

    more = sweep(file, table, grid=[Grid(FAST, (4, 5, 80)), Grid(SLOW, (50, 100))], seeds=2, **QUICK)
    assert (more.run, more.kept) == (4, 6)
    assert pq.read_table(table).to_pylist()[4]["key"] == rows[0]["key"]


def test_only_what_a_journal_lacks_is_run(file, table, monkeypatch):
    asked = []

    def run_rows(client, rows, say):
        for key, make in reversed(list(rows)):  # any order
            asked.append(make().seed)
            yield key, Outcome({"m": float(make().seed)}, None, versions())

    monkeypatch.setattr(cluster, "workers_here", lambda number: open_journal(table.with_name("unused")))
    monkeypatch.setattr(cluster, "run_rows", run_rows)
    sweep(file, table, seeds=5)
    undisturbed = table.read_bytes()
    with open_journal(journal_path(table.with_name("other.parquet"))) as journal:
        for row in pq.read_table(table).to_pylist()[1:3]:
            journal.add(row["key"], Outcome({"m": row["metrics.m"]}, None, versions()))
    asked.clear()
    report = sweep(file, table.with_name("other.parquet"), seeds=5)
    assert (asked, report.run, report.kept) == ([4, 3, 0], 3, 2)
    assert table.with_name("other.parquet").read_bytes() == undisturbed


def test_a_lost_scheduler_keeps_what_is_done_and_failed_rows_run_again(file, table, monkeypatch):
    lost, asked = [], []

    def run_rows(client, rows, say):
        for number, (key, _) in enumerate(rows):
            if number == 2 and not lost:
                lost.append(number)
                raise RunError("the connection to the scheduler was lost")
            yield key, Outcome({"m": 1.0}) if number else Outcome(error="its worker died")
        asked.append(number)

    monkeypatch.setattr(cluster, "workers_here", lambda number: open_journal(table.with_name("unused")))
    monkeypatch.setattr(cluster, "run_rows", run_rows)
    with pytest.raises(RunError, match=r"lost; 2 of 4 rows are done and kept in .*journal: run the same again"):
        sweep(file, table, seeds=4)
    assert not table.exists()
    assert (sweep(file, table, seeds=4).kept, asked) == (1, [2])
    assert [row.number for row, _ in sweep(file, table, seeds=4).failed] == [0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"plasticity": "both"}, "plasticity"),
        ({"backend": "lava"}, "backend"),
        ({"steps": 0}, "steps"),
        ({"workers": 0}, "workers"),
        ({"workers": 2, "scheduler": "tcp://127.0.0.1:1"}, "workers"),
        ({"what": "bandit", "steps": 10}, "steps"),
        ({"what": "bandits"}, ""),
        ({"grid": [Grid(RATE, (-1,))]}, RATE),
        ({"random": [Random(RATE, 0, 1)]}, "samples"),
        ({"profile": "loihi3"}, ""),
        ({"data": "mnist"}, "data"),
        ({"what": "bandit", "data": "mnist"}, "data"),
        ({"grid": [Grid("without", ("none", "luck"))]}, "without"),
    ],
)
def test_bad_input_is_told_before_anything_starts(changes, field, file, table, no_workers):
    with pytest.raises(InputError) as caught:
        sweep(changes.pop("what", file), table, **changes)
    assert caught.value.field == field
    assert caught.value.remedy
    assert sorted(path.name for path in table.parent.iterdir()) == ["arrays.npz", "tiny.yaml"]


@pytest.mark.parametrize("content", [b"", b"my notes", None])
def test_another_file_is_left_alone(content, file, table, no_workers):
    if content is None:
        import pyarrow as pa

        pq.write_table(pa.table({"key": ["a"]}), table)
        content = table.read_bytes()
    table.write_bytes(content)
    with pytest.raises(InputError, match="is there and"):
        sweep(file, table)
    assert table.read_bytes() == content
    assert not journal_path(table).exists()


def test_a_table_is_named_as_what_it_is(file, table, no_workers):
    with pytest.raises(InputError, match="Parquet"):
        sweep(file, table.with_suffix(".csv"))


@pytest.mark.parametrize("missing", ["distributed", "pyarrow"])
def test_without_dask(missing, file, table, monkeypatch, no_workers):
    monkeypatch.setattr(hmn_lava.sweeps, "find_spec", lambda name: None if name == missing else name)
    with pytest.raises(BackendError, match=rf'needs? {missing}.*pip install "hmn-lava\[sweep\]"'):
        sweep(file, table)


@pytest.mark.parametrize("kind", ["nobody", "silent", "babble", "no address"])
def test_a_scheduler_that_is_none_is_told_soon(kind, file, table, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "nowhere" if kind == "no address" else f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if kind == "nobody":
            server.close()
        if kind == "babble":
            talk = f"""import socket, time
connection, _ = socket.socket(fileno={server.fileno()}).accept()
connection.sendall(b'HTTP/1.1 400 ' * 9)
time.sleep(60)"""
            babble = subprocess.Popen([sys.executable, "-c", talk], pass_fds=[server.fileno()])
        begin = time.monotonic()
        with pytest.raises(BackendError, match="no Dask scheduler answers at"):
            sweep(file, table, scheduler=address)
        assert time.monotonic() - begin < 20
        if kind == "babble":
            babble.kill()
            babble.wait()
    assert not table.exists()
    assert not journal_path(table).exists()


# ---- processes that die


RATES = ("--grid", f"{RATE}=0.1,0.2,0.3", "--backend", "interpreter")
ROWS = (*RATES, "--seeds", 12, "--steps", 500)
"""Enough work that what disturbs it comes before its end on any machine."""

MANY = (*RATES, "--seeds", 400, "--steps", 500)
"""More than anybody waits for."""


def until(condition, client, seconds=240):
    """Wait for a condition while the client runs."""
    end = time.monotonic() + seconds
    while not condition():
        assert client.process.poll() is None, client.process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.heavy
def test_drill_of_killed_workers_and_a_killed_client(file, tmp_path, client):
    undisturbed = client(file, *ROWS, "--workers", 2, output=tmp_path / "undisturbed.parquet")
    assert undisturbed.wait() == 0, undisturbed.err
    table = tmp_path / "disturbed.parquet"
    first = client(file, *ROWS, "--workers", 2, output=table)
    for rows in (1, 3):
        until(lambda rows=rows: first.finished >= rows, first)
        for worker in first.workers():
            worker.kill()
    until(lambda: first.finished >= 5, first)
    assert first.kill() == []
    kept = first.finished
    assert not table.exists()
    second = client(file, *ROWS, "--workers", 2, "--json", output=table)
    until(lambda: second.finished > kept, second)
    next(iter(second.workers())).kill()
    children = second.children()
    assert second.wait() == 0, second.err
    assert f'"kept": {kept}' in second.out
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert table.read_bytes() == undisturbed.output.read_bytes()
    assert not journal_path(table).exists()


@pytest.mark.heavy
def test_an_interrupt_ends_everything_and_loses_nothing(file, tmp_path, client):
    first = client(file, *MANY, "--workers", 2, output=tmp_path / "table.parquet")
    until(lambda: first.finished >= 2, first)
    children = first.children()
    first.process.send_signal(signal.SIGINT)
    assert first.wait(60) == 130
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert first.finished >= 2


@pytest.fixture
def running(tmp_path):
    """A scheduler and two workers, as processes."""
    log = tmp_path / "scheduler.log"
    python = [sys.executable, "-m"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with log.open("w") as stream:
        scheduler = [*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        processes = [subprocess.Popen(scheduler, stdout=stream, stderr=stream)]
    try:
        end = time.monotonic() + 60
        while (found := re.search(r"tcp://[\d.]+:\d+", log.read_text())) is None:
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        worker = [*python, "distributed.cli.dask_worker", found[0], "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        processes += [subprocess.Popen(worker, **quiet) for _ in range(2)]
        yield found[0], processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.heavy
def test_a_running_cluster_gives_the_same_and_stays(file, tmp_path, client, running):
    address, processes = running
    here = client(file, *ROWS, "--workers", 2, output=tmp_path / "here.parquet")
    assert here.wait() == 0, here.err
    there = client(file, *ROWS, "--scheduler", address, output=tmp_path / "there.parquet")
    until(lambda: there.finished >= 2, there)
    processes[1].kill()
    assert there.wait() == 0, there.err
    assert there.output.read_bytes() == here.output.read_bytes()
    assert [processes[0].poll(), processes[2].poll()] == [None, None]


@pytest.mark.heavy
def test_a_scheduler_that_dies_is_told_soon(file, tmp_path, client, running):
    address, processes = running
    sent = client(file, *MANY, "--scheduler", address, output=tmp_path / "table.parquet")
    until(lambda: sent.finished >= 2, sent)
    processes[0].kill()
    assert sent.wait(60) == 5
    assert "scheduler was lost" in sent.err
    assert "Traceback" not in sent.err
    assert sent.finished >= 2


@pytest.mark.heavy
def test_a_row_that_always_kills_its_worker_fails_and_the_others_do_not(file, table, monkeypatch):
    def deadly(job):
        if job.seed == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return Outcome({"m": 1.0})

    monkeypatch.setattr(cluster, "run_job", deadly)
    monkeypatch.setattr(cluster, "TRIES", 2)
    report = sweep(file, table, seeds=4, workers=2)
    assert [(row.number, "died each time" in error) for row, error in report.failed] == [(1, True)]


@pytest.mark.heavy
def test_a_scheduler_without_workers_is_told(file, table, running):
    address, processes = running
    for worker in processes[1:]:
        worker.kill()
        worker.wait()
    heard = []

    def say(text):
        heard.append(text)
        command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    report = sweep(file, table, seeds=2, backend="reference", steps=20, scheduler=address, say=say)
    assert (report.run, report.failed) == (2, [])
    assert [text for text in heard if f"{address} has no workers: 2 rows wait" in text] == heard[:1] == heard
