"""Machine code of generated text, kept in the user's cache folder between processes.

An object file is named by the hash of its text, of the processor with its features and of llvmlite's version, so that
a changed program or machine never meets old code.
"""

from __future__ import annotations

import hashlib
import threading
from functools import lru_cache
from itertools import count
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from hmn_lava import cache

_LOCK = threading.Lock()
_OPTIMISE, _PASSES = 2, 1
"""LLVM's levels of optimisation for machine code, and for the text before: the vectors are there already."""


class _Compiler:
    """LLVM for this machine."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.processor = llvm.get_host_cpu_name()
        self.features = llvm.get_host_cpu_features().flatten()
        self.triple = llvm.get_default_triple()

        def machine() -> Any:
            return llvm.Target.from_default_triple().create_target_machine(
                cpu=self.processor, features=self.features, opt=_OPTIMISE, jit=True, reloc="pic"
            )

        self.machine = machine()
        self.jit = llvm.create_lljit_compiler(machine())  # which owns it
        self.kept: list[Any] = []
        self.numbers = count()  # of libraries; a name cannot be used again, even where linking fails

    @property
    def target(self) -> str:
        """All that machine code depends on besides the text."""
        version = ".".join(map(str, llvm.llvm_version_info))
        return "\0".join((version, self.triple, self.processor, self.features, f"{_OPTIMISE}", f"{_PASSES}"))

    def object(self, text: str) -> bytes:
        """Compile."""
        module = llvm.parse_assembly(text)
        tuning = llvm.create_pipeline_tuning_options(speed_level=_PASSES)
        passes = llvm.create_pass_builder(self.machine, tuning)
        passes.getModulePassManager().run(module, passes)
        code: bytes = self.machine.emit_object(module)
        return code

    def link(self, code: bytes, name: str) -> int:
        """Load into this process; the address of the function ``name``."""
        builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(name)
        library = builder.link(self.jit, f"hmn_lava_{next(self.numbers)}")
        self.kept.append(library)  # the code lives as long as this
        address: int = library[name]
        return address


@lru_cache(maxsize=1)
def _compiler() -> _Compiler:
    return _Compiler()


def processor() -> str:
    """LLVM's name of this machine's processor."""
    name: str = _compiler().processor
    return name


def lanes() -> int:
    """Integers of 32 bits in a vector: as many as the widest register of this machine holds."""
    features = _compiler().features
    return 16 if "+avx512f" in features else 8 if "+avx2" in features else 4


_addresses: dict[str, int] = {}


def address(text: str, name: str) -> int:
    """Where the machine code of the function ``name`` lies; ``text`` is its module."""
    with _LOCK:
        if text not in _addresses:
            _addresses[text] = _machine_code(text, name)
        return _addresses[text]


def _machine_code(text: str, name: str) -> int:
    """Link what is in the folder; what is not there, or cannot be linked, is compiled and kept."""
    compiler = _compiler()
    key = "\0".join((llvmlite.__version__, compiler.target, text))
    file = f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.o"
    kept = cache.read(file)
    if kept is not None:
        try:
            return compiler.link(kept, name)
        except RuntimeError:  # LLVM cannot make sense of it
            pass
    code = compiler.object(text)
    cache.write(file, code)
    return compiler.link(code, name)
