"""What the double of Intel's extension was asked: one entry a call, in this process and, if wanted, in a file.

Lava forks its ProcessModels; only what the calling process itself does is recorded. ``HMN_LAVA_DOUBLE_CALLS`` names a
file that gets one JSON object a line, for calls made in a child that a test does not write itself.
"""

import json
import os
from typing import Any

CALLS: list[tuple[str, dict[str, Any]]] = []


def record(name: str, **arguments: Any) -> None:
    """Note a call of ``name`` with its arguments."""
    CALLS.append((name, arguments))
    path = os.environ.get("HMN_LAVA_DOUBLE_CALLS")
    if path:
        with open(path, "a") as stream:
            stream.write(json.dumps([name, arguments], default=str) + "\n")
