"""Answer a network while it runs: the bandit task's first trials, by hand. A session keeps its state between calls."""

from pathlib import Path

import numpy as np

import hmn_lava as hl

PERIOD, REWARD = 16, 10  # steps of a trial, and the step at which it is paid
PAYS = np.array([2, 0, 1, 3, 0, 2, 3, 1])  # the arm that pays, for each context

bundle = hl.compile(Path(__file__).with_name("bandit.yaml"), seed=0)
session = bundle.session("fast")
late = session.latency("arms.z")  # the choice made at step 0 shows at this step

draws = np.random.default_rng(0)
won = []
for _ in range(600):
    context = draws.integers(8)
    shown = np.zeros((late + 1, 8))
    shown[0, context] = 1.0
    arm = session.run({"context": shown}).outputs["arms.z"][late].argmax()
    won.append(arm == PAYS[context])
    reward = np.zeros((PERIOD - late - 1, 1))
    reward[REWARD - late - 1] = 1.0 if won[-1] else -1.0
    session.run({"reward": reward})

for first in range(0, 600, 100):
    print(f"trials {first:3d} to {first + 99:3d}: {np.mean(won[first : first + 100]):.2f} rewarded")
