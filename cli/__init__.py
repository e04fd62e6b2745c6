"""The command line: one command a file, no logic, and nothing heavy imported before a command runs."""
