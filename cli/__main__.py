"""``python -m hmn_lava.cli``: the same as the command ``hmn-lava``."""

from hmn_lava.cli.main import main

if __name__ == "__main__":
    main()
