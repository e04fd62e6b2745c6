"""The fast executor's compiler: from groups and learning synapses to machine code, through LLVM.

``writer`` writes LLVM's text with explicit vectors; ``group``, ``matrix``, ``learning`` and ``steps`` write the
functions, with the help of ``dead``, ``columns``, ``draws`` and ``bounds``; ``jit`` makes machine code of them and
keeps it; ``plan`` lists the calls of a step, on arrays of ``storage`` at their ``addresses``. Every function has the
signature ``f(table, now, step, phase, lo, hi)``: addresses and sizes come from a ``table``,
so that one piece of machine code serves every network in which the same program occurs.
"""
