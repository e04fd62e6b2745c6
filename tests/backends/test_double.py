"""The double of Intel's extension: laid over the installed Lava it is found, chosen, and run to Lava's own numbers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from extension_double import environment, in_child, needs_lava

pytestmark = needs_lava

PUBLIC = {
    "lava.magma.core.model.c.model": ["CLoihiProcessModel", "AbstractCProcessModel"],
    "lava.magma.core.model.c.ports": ["CInPort", "COutPort", "CRefPort"],
    "lava.magma.core.model.c.type": ["LavaCType", "LavaCDataType"],
    "lava.magma.core.model.nc.model": ["AbstractNcProcessModel", "NcProcessModel", "NcLoihiProcessModel"],
    "lava.magma.core.model.nc.ports": ["NcInPort", "NcOutPort", "NcVarPort"],
    "lava.magma.core.model.nc.type": ["LavaNcType"],
    "lava.magma.core.model.nc.var": ["NcVar"],
    "lava.magma.core.model.nc.net": ["NetL2"],
    "lava.magma.core.model.nc.tables": ["Nodes"],
    "lava.proc.dense.ncmodels": ["NcModelDense"],
    "lava.proc.sparse.ncmodel": ["NcModelSparse"],
    "lava.proc.embedded_io.spike": ["PyToNxAdapter", "NxToPyAdapter", "PyToN3ConvAdapter"],
    "lava.proc.embedded_io.state": ["Read", "ReadConv"],
    "lava.utils.loihi2_profiler": ["Loihi2Power", "Loihi2ExecutionTime", "Loihi2Memory", "Loihi2Activity"],
    "lava.utils.loihi2_profiler_api": ["Loihi2HWProfiler"],
    "lava.magma.core.callback_fx": ["NxSdkCallbackFx"],
}
"""The names that public code imports from the extension, and one of Lava's own."""

SELECT = """
import json
from lava.utils.loihi import is_installed
from lava.magma.core.run_configs import Loihi2HwCfg
from lava.proc.dense.models import PyDenseModelBitAcc
from lava.proc.dense.process import Dense
models = [PyDenseModelBitAcc]
if is_installed():
    from lava.proc.dense.ncmodels import NcModelDense
    models.append(NcModelDense)
else:
    from lava.proc.dense.models import PyDenseModelFloat
    models.append(PyDenseModelFloat)
try:
    print(json.dumps(Loihi2HwCfg().select(Dense(weights=__import__("numpy").eye(2)), models).__name__))
except NameError as error:
    print(json.dumps(str(error)))
"""

RUN = """
import json
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2HwCfg, Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io import sink, source
from lava.proc.lif.process import LIF
from lava.proc.sparse.process import Sparse
from lava.utils.loihi import is_installed

rng = np.random.default_rng(0)
data = rng.integers(0, 2, (3, 12)).astype(np.int32)
spikes = source.RingBuffer(data=data)
dense = Dense(weights=rng.integers(-60, 90, (4, 3)))
hidden = LIF(shape=(4,), vth=2, du=2000, dv=100)
sparse = Sparse(weights=rng.integers(0, 90, (2, 4)))
out = LIF(shape=(2,), vth=1, du=4095, dv=100)
seen = sink.RingBuffer(shape=(2,), buffer=12)
plug, socket = spikes.s_out, seen.a_in
if is_installed():
    from lava.proc.embedded_io.spike import NxToPyAdapter, PyToNxAdapter
    there, back = PyToNxAdapter(shape=(3,), num_message_bits=0), NxToPyAdapter(shape=(2,), num_message_bits=0)
    plug.connect(there.inp)
    back.out.connect(socket)
    plug, socket = there.out, back.inp
    fixed = {source.RingBuffer: source.PySendModelFixed, sink.RingBuffer: sink.PyReceiveModelFixed}
    configuration = Loihi2HwCfg(exception_proc_model_map=fixed)
else:
    configuration = Loihi2SimCfg(select_tag="fixed_pt")
plug.connect(dense.s_in)
dense.a_out.connect(hidden.a_in)
hidden.s_out.connect(sparse.s_in)
sparse.a_out.connect(out.a_in)
out.s_out.connect(socket)
dense.run(condition=RunSteps(num_steps=12), run_cfg=configuration)
found = [seen.data.get().tolist(), hidden.v.get().tolist()]
dense.stop()
print(json.dumps([[p.model_class.__name__ for p in (dense, hidden, sparse, out)], found]))
"""


def test_every_public_name_is_there():
    code = (
        f"import importlib, json; names = {PUBLIC!r};"
        "print(json.dumps([f'{m}.{n}' for m in names for n in names[m] if not hasattr(importlib.import_module(m), n)]))"
    )
    assert in_child(code, environment()) == []


def test_loihi2hwcfg_chooses_the_neurocore_model():
    assert in_child(SELECT, environment()) == "NcModelDense"


def test_loihi2hwcfg_cannot_choose_without_the_extension():
    """A trap of lava-nc 0.10.0: its run_configs.py defines another name than the one that it misses."""
    assert in_child(SELECT, environment(double=False)) == "name 'CLoihiProcessModel' is not defined"


def test_a_whole_network_runs_to_lavas_numbers():
    """The adapters take no step, and the neurocore models are Lava's CPU models."""
    kinds, found = in_child(RUN, environment())
    assert kinds == ["NcModelDense", "NcModelLif", "NcModelSparse", "NcModelLif"]
    _, expected = in_child(RUN, environment(double=False))
    assert found == expected
    assert 0 < sum(map(sum, found[0])) < 24
