"""Modules of torch, imported by one call, do what they do in torch: run by ``make test-frameworks``."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from record import STEPS, dense, poisson, stepped

from hmn_lava.interchange.torch_import import import_torch
from hmn_lava.reference import Reference
from hmn_lava.spec import resolve


def snntorch_module():
    import snntorch as snn

    return torch.nn.Sequential(
        dense(torch.nn.Linear(20, 12), 3.0),
        snn.Leaky(beta=0.9 * torch.ones(12), threshold=torch.ones(12), init_hidden=True),
    )


def norse_module():
    import norse.torch as norse

    box = norse.LIFBoxParameters(
        tau_mem_inv=torch.full((12,), 150.0), v_leak=torch.zeros(12), v_th=torch.full((12,), 0.4)
    )
    return norse.SequentialState(dense(torch.nn.Linear(20, 12), 4.0), norse.LIFBoxCell(box))


def main() -> None:
    """Compare each module with the float reference of its import."""
    warnings.simplefilter("ignore")
    for make in (snntorch_module, norse_module):
        torch.manual_seed(3)
        module, x = make(), poisson(20)
        found = import_torch(module, x[0])
        for part in module:
            if hasattr(part, "reset_mem"):
                part.reset_mem()
        state = None

        def call(step, module=module):
            nonlocal state
            if "norse" not in type(module).__module__:
                return module(step)
            out, state = module(step, state)
            return out

        z = stepped(x, call)
        output = f"{found.output}.z"
        inputs = {found.input: x.reshape(STEPS, -1).numpy().astype(np.float64)}
        mine = Reference(resolve(found.spec)).run(inputs, STEPS, [output])[output]
        if not (mine == z).all() or z.sum() < 20:
            raise SystemExit(f"{make.__name__}: {int((mine != z).sum())} spikes differ")
        print(f"{make.__name__:18} {int(z.sum())} spikes, all equal")


if __name__ == "__main__":
    main()
