"""Tasks: specs with the protocol that teaches and examines them, on any backend.

>>> print(*(name for name in TASKS if name.startswith("digits")))
digits digits-new-class digits-new-class-alone
"""

from __future__ import annotations

from hmn_lava.tasks.bandit import BANDIT, SWITCHING
from hmn_lava.tasks.base import Chance, Metric, Task, TaskReport
from hmn_lava.tasks.continual import CIFAR_C, MNIST_C
from hmn_lava.tasks.control import CONTROL
from hmn_lava.tasks.digits import DIGITS
from hmn_lava.tasks.new_class import ALONE, TASK
from hmn_lava.tasks.runner import find_task, run_task

TASKS = {task.name: task for task in (BANDIT, SWITCHING, DIGITS, TASK, ALONE, MNIST_C, CIFAR_C, *CONTROL)}

__all__ = ["TASKS", "Chance", "Metric", "Task", "TaskReport", "find_task", "run_task"]
