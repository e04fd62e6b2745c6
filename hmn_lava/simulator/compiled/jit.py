"""Machine code of generated text, kept in the user's cache folder between processes.

An object file is named by the hash of its text, of the processor with its features and of llvmlite's version, so that
a changed program or machine never meets old code.
"""

from __future__ import annotations

import hashlib
import threading
from functools import lru_cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from hmn_lava.simulator.compiled import cache

_LOCK = threading.Lock()


class _Compiler:
    """LLVM for this machine."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.processor = llvm.get_host_cpu_name()
        self.features = llvm.get_host_cpu_features().flatten()
        target = llvm.Target.from_default_triple()
        self.machine = target.create_target_machine(
            cpu=self.processor, features=self.features, opt=2, jit=True, reloc="pic"
        )
        self.jit = llvm.create_lljit_compiler(
            llvm.Target.from_default_triple().create_target_machine(
                cpu=self.processor, features=self.features, jit=True
            )
        )
        self.kept: list[Any] = []

    def object(self, text: str) -> bytes:
        """Compile."""
        module = llvm.parse_assembly(text)
        tuning = llvm.create_pipeline_tuning_options(speed_level=1)
        passes = llvm.create_pass_builder(self.machine, tuning)
        passes.getModulePassManager().run(module, passes)
        code: bytes = self.machine.emit_object(module)
        return code

    def link(self, code: bytes, name: str) -> int:
        """Load into this process; the address of the function ``name``."""
        builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(name)
        library = builder.link(self.jit, f"hmn_lava_{len(self.kept)}")
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
            _addresses[text] = _compiler().link(_code(text), name)
        return _addresses[text]


def _code(text: str) -> bytes:
    """Machine code, from the folder or compiled."""
    compiler = _compiler()
    key = "\0".join((llvmlite.__version__, compiler.processor, compiler.features, text))
    name = f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.o"
    kept = cache.read(name)
    if kept is not None:
        return kept
    code = compiler.object(text)
    cache.write(name, code)
    return code
