"""The loop over the steps, and what happens in them besides the network's own work.

``run`` calls the functions of a step in order: rows of a table of CALL_COLUMNS integers. Several threads may run it at
once: each takes its part of the rows of a call whose column SHARED is not 0 (parts begin at multiples of it), the first
alone makes the others, and a row with function 0 lets all of them meet. So no bit depends on their number.
"""

from __future__ import annotations

from hmn_lava.simulator.compiled.table import Slot, Table
from hmn_lava.simulator.compiled.writer import Writer

FUNCTION, TABLE, ROWS, SHARED, CALL_COLUMNS = range(5)

_SPINS = 2000
"""Rounds of waiting before a thread offers its processor to others."""

RUN_ARGUMENTS = 10
"""Of ``run``: the calls and their number; frames, steps in each, the first frame's number and its first step's time.

Then the thread's number, the number of threads, where they meet (:data:`MEETING` zeros), and what to call in waiting.
"""

MEETING = 16

RUN = f"""
declare i64 @llvm.umin.i64(i64, i64)

define void @run(ptr %calls, i64 %count, i64 %steps, i64 %frame, i64 %earlier, i64 %start,
                 i64 %thread, i64 %threads, ptr %meeting, ptr %pause) nounwind {{
entry:
  %round = getelementptr i64, ptr %meeting, i64 8
  %whole = mul i64 %steps, %frame
  %single = icmp eq i64 %threads, 1
  %first = icmp eq i64 %thread, 0
  br label %steps_test
steps_test:
  %done = phi i64 [0, %entry], [%done_next, %step_end]
  %goes = icmp slt i64 %done, %whole
  br i1 %goes, label %step, label %exit
step:
  %now = add i64 %start, %done
  %frames_done = sdiv i64 %done, %frame
  %frame_number = add i64 %earlier, %frames_done
  %phase = srem i64 %done, %frame
  br label %call_test
call_test:
  %n = phi i64 [0, %step], [%n_next, %call_end]
  %any = icmp slt i64 %n, %count
  br i1 %any, label %call, label %step_end
call:
  %at = mul i64 %n, {CALL_COLUMNS}
  %row = getelementptr i64, ptr %calls, i64 %at
  %function_number = load i64, ptr %row
  %table_at = getelementptr i64, ptr %row, i64 {TABLE}
  %table_number = load i64, ptr %table_at
  %rows_at = getelementptr i64, ptr %row, i64 {ROWS}
  %rows = load i64, ptr %rows_at
  %shared_at = getelementptr i64, ptr %row, i64 {SHARED}
  %shared = load i64, ptr %shared_at
  %meets = icmp eq i64 %function_number, 0
  br i1 %meets, label %meet, label %work
meet:
  br i1 %single, label %call_end, label %arrive
arrive:
  %turn = load atomic i64, ptr %round seq_cst, align 8
  %before = atomicrmw add ptr %meeting, i64 1 seq_cst
  %here = add i64 %before, 1
  %last = icmp eq i64 %here, %threads
  br i1 %last, label %open, label %wait
open:
  store atomic i64 0, ptr %meeting seq_cst, align 8
  %turned = add i64 %turn, 1
  store atomic i64 %turned, ptr %round seq_cst, align 8
  br label %call_end
wait:
  %spins = phi i64 [0, %arrive], [%spins_next, %again]
  %seen = load atomic i64, ptr %round seq_cst, align 8
  %still = icmp eq i64 %seen, %turn
  br i1 %still, label %spin, label %call_end
spin:
  %spins_next = add i64 %spins, 1
  %tired = icmp sgt i64 %spins_next, {_SPINS}
  br i1 %tired, label %yield, label %again
yield:
  call void %pause()
  br label %again
again:
  br label %wait
work:
  %alone = icmp eq i64 %shared, 0
  br i1 %alone, label %alone_test, label %share
alone_test:
  br i1 %first, label %compute, label %call_end
share:
  %rows_up = add i64 %rows, %threads
  %rows_most = sub i64 %rows_up, 1
  %size = udiv i64 %rows_most, %threads
  %size_up = add i64 %size, %shared
  %size_most = sub i64 %size_up, 1
  %blocks = udiv i64 %size_most, %shared
  %part = mul i64 %blocks, %shared
  %from = mul i64 %part, %thread
  %low = call i64 @llvm.umin.i64(i64 %from, i64 %rows)
  %to = add i64 %from, %part
  %high = call i64 @llvm.umin.i64(i64 %to, i64 %rows)
  %nothing = icmp eq i64 %low, %high
  br i1 %nothing, label %call_end, label %compute
compute:
  %lo = phi i64 [0, %alone_test], [%low, %share]
  %hi = phi i64 [%rows, %alone_test], [%high, %share]
  %function = inttoptr i64 %function_number to ptr
  %table = inttoptr i64 %table_number to ptr
  call void %function(ptr %table, i64 %now, i64 %frame_number, i64 %phase, i64 %lo, i64 %hi)
  br label %call_end
call_end:
  %n_next = add i64 %n, 1
  br label %call_test
step_end:
  %done_next = add i64 %done, 1
  br label %steps_test
exit:
  ret void
}}
"""


def feed(lanes: int) -> tuple[str, list[Slot]]:
    """The function ``feed``, and its table: the host's input [lo, hi) of this step into its ring.

    That of the frame in its first step, then silence. ``driven`` (frames, size) holds the input of the frames of a run
    from ``first`` on.
    """
    w = Writer("feed", lanes)
    table = Table(w)
    depth, size, first = (table.value(role) for role in ("depth", "size", "first"))
    ring = w.part(table.array(32, "ring"), w.mul(w.binary("urem", w.now, depth), size))
    source = w.part(table.array(64, "driven"), w.mul(w.sub(w.step, first), size))
    begins = w.compare("eq", w.phase, 0)
    with w.loop(w.lo, w.hi, w.lanes) as i:
        mask = w.below(w.sub(w.hi, i))
        value = w.load(source, i, w.lanes, mask)
        w.store(ring, i, w.select(w.splat(begins, 1), value, w.splat(0, 64)), w.lanes, mask)
    return w.text(), table.slots


def watch(bits: int, signed: bool, ring: bool, turned: bool, lanes: int) -> tuple[str, list[Slot]]:
    """The function ``watch``, and its table: copies what is watched after a step to its place in ``record``.

    ``source`` holds integers of ``bits`` bits, in a ring of messages or not; ``turned``: it has a row for each of
    ``n_pre`` neurons, which becomes a column.
    """
    w = Writer("watch", lanes)
    table = Table(w)
    size, start, stride = (table.value(role) for role in ("size", "start", "stride"))
    source, record = table.array(bits, "source", signed=signed, wide=64), table.array(64, "record")
    due = w.both(w.compare("eq", w.phase, table.value("phase")), w.compare("sge", w.step, start))
    due = w.both(due, w.compare("slt", w.step, table.value("stop")))
    since = w.sub(w.step, start)
    due = w.both(due, w.compare("eq", w.binary("urem", since, stride), 0))
    with w.when(due):
        slot = w.mul(w.binary("urem", w.now, table.value("depth")), size) if ring else w.constant(0, 64)
        source = w.part(source, slot)
        target = w.part(record, w.mul(w.binary("udiv", since, stride), size))
        if turned:
            n_pre = table.value("n_pre")
            with w.loop(0, n_pre) as pre, w.loop(0, w.binary("udiv", size, n_pre)) as post:
                place = w.add(w.mul(pre, w.binary("udiv", size, n_pre)), post)
                w.store(target, w.add(w.mul(post, n_pre), pre), w.load(source, place))
        else:
            with w.loop(0, size, w.lanes) as i:
                mask = w.below(w.sub(size, i))
                w.store(target, i, w.load(source, i, w.lanes, mask), w.lanes, mask)
    return w.text(), table.slots
