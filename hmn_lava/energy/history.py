"""Messages of the last steps, so that what arrives now can be found among what was sent before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.energy.activity import (
    Activity,
    Likely,
    any_along,
    any_in_rows,
    any_of,
    either,
    none_of,
    row_events,
    row_sums,
)
from hmn_lava.fixed import Integers, wrap
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import IntegerNetwork, LearningSynapses, Link

Output = tuple[str, str]


class History:
    """What was sent in the steps of an activity, and ``depth`` steps before them."""

    def __init__(self, network: IntegerNetwork) -> None:
        self.network, self.depth, self.steps = network, network.depth, 0
        self._sent: dict[tuple[Output, bool], Likely] = {}
        self._values: dict[Output, NDArray[Any]] = {}

    def extend(self, activity: Activity) -> None:
        """Go on with the next steps."""
        self.steps = activity.steps
        for parted, sent in ((False, activity.messages), (True, activity.emitted)):
            for output, values in sent.items():
                before = self._sent.get((output, parted))
                if before is None:
                    before = np.zeros((self.depth, values.shape[1]), values.dtype)
                self._sent[output, parted] = np.concatenate([before[-self.depth :], values])
        for output, integers in activity.values.items():
            earlier = self._values.get(output, np.zeros((self.depth, integers.shape[1]), np.int64))
            self._values[output] = np.concatenate([earlier[-self.depth :], integers])

    def sent(self, output: Output, ago: int, parted: bool = False) -> Likely:
        """What was sent ``ago`` steps before each step, (steps, width); ``parted``: by each synapse of a group."""
        kept = self._sent[output, parted]
        first = self.depth - ago
        return kept[first : first + self.steps]

    def each(self, output: Output, ago: Integers, senders: Integers) -> Likely:
        """The same with a delay and a sender for each synapse, (steps, n_syn)."""
        kept = self._sent[output, False]
        at = np.arange(self.steps)[:, None] + (self.depth - ago)[None, :]
        return np.asarray(kept[at, senders])

    def payloads(self, synapses: LearningSynapses) -> Likely:
        """Whether the payload at each axon of learning synapses is not zero, (steps, n_pre).

        It is the sum over the links, wrapped to a word. Of likely messages nobody knows the sum: there it is any of
        them.
        """
        links = self.network.links_to(synapses.name)
        if len(links) > 1 and all(link.source in self._values for link in links):
            total = np.zeros((self.steps, synapses.topology.n_pre), np.int64)
            for link in links:
                first = self.depth - int(link.delay[0])
                total += self._values[link.source][first : first + self.steps]
            return np.asarray(wrap(total, WORD) != 0)
        found: Likely = np.zeros((self.steps, synapses.topology.n_pre), bool)
        for link in links:
            found = either(found, self.sent(link.source, int(link.delay[0])))
        return found

    def come(self, link: Link) -> Likely:
        """How many messages that are not zero a link delivers in each step to each compartment, (steps, size).

        Of a link to learning synapses, how many of their synapses it reaches in each row, (steps, n_post).
        """
        if link.target[0] in self.network.learning:
            sent = self.sent(link.source, int(link.delay[0]))
            return row_events(sent, self.network.learning[link.target[0]].topology)
        group, ago = self.network.groups[link.target[0]], 1 + int(link.delay[0])
        whole, shape = link.delay.size == 1, (self.steps, group.size)
        if link.kind == "matrix" and link.topology is not None:
            if whole:
                return row_events(self.sent(link.source, ago), link.topology)
            return row_sums(self.each(link.source, 1 + link.delay, link.topology.col), link.topology)
        if link.kind == "pre" and group.topology is not None:
            if whole:
                return self.sent(link.source, ago)[:, group.topology.col]
            return self.each(link.source, 1 + link.delay, group.topology.col)
        if link.kind == "post" and group.topology is not None:
            return self.sent(link.source, ago)[:, group.topology.row]
        if link.kind in ("rows", "total"):
            parted = (link.source, True) in self._sent
            sent = self.sent(link.source, ago, parted)
            source = self.network.groups[link.source[0]].topology if link.source[0] in self.network.groups else None
            if link.kind == "rows" and source is not None:
                return row_sums(sent, source)
            return np.asarray(sent.sum(axis=1, keepdims=True))
        return np.broadcast_to(self.sent(link.source, ago)[:, :1] if link.kind == "all" else
                               self.sent(link.source, ago), shape)  # fmt: skip

    def arrives(self, group: str) -> Likely:
        """Whether anything that is not zero arrives at a compartment, (steps, size) or (steps, 1)."""
        found: Likely = np.zeros((self.steps, 1), bool)
        for link in self.network.links_to(group):
            found = either(found, self._any(link))
        return found

    def _any(self, link: Link) -> Likely:
        """Whether a link delivers anything: of certain messages, a count; of likely ones, their logic."""
        if link.kind == "plastic":
            return self._any_payload(link)
        parted = link.kind in ("rows", "total") and (link.source, True) in self._sent
        if self._sent[link.source, parted].dtype == bool:
            return self.come(link) > 0
        if link.kind == "matrix" and link.topology is not None and link.delay.size == 1:
            return any_in_rows(self.sent(link.source, 1 + int(link.delay[0])), link.topology)
        if link.kind in ("rows", "total"):
            return self._any_gathered(link, parted)
        return np.minimum(self.come(link), 1.0)

    def _any_gathered(self, link: Link, parted: bool) -> Likely:
        """The logic of likely messages that a neuron gets from the synapses of its row, or from a whole group."""
        sent = self.sent(link.source, 1 + int(link.delay[0]), parted)
        source = self.network.groups[link.source[0]].topology if link.source[0] in self.network.groups else None
        if link.kind == "rows" and source is not None:
            return any_of(row_sums(none_of(sent), source))
        return any_along(sent, 1)[:, None]

    def _any_payload(self, link: Link) -> Likely:
        """What a_buff brings: payloads that were at the axons a step ago."""
        synapses = self.network.learning[link.source[0]]
        found: Likely = np.zeros((self.steps, 1), bool)
        for axon in self.network.links_to(synapses.name):
            found = either(found, any_in_rows(self.sent(axon.source, 1 + int(axon.delay[0])), synapses.topology))
        return found
