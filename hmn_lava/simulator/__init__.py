"""Executors of an integer network: the interpreter that says what it means, and the compiled one."""
