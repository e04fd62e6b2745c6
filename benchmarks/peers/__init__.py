"""Who runs the work: one module each, run as a child process (see benchmarks/child.py)."""
