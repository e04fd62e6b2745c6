"""The float network against model equations written a second time: scalar loops over synapses, on random networks."""

import copy
import math
from statistics import NormalDist

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hmn_lava.latency import Latency
from hmn_lava.reference.simulator import Reference
from hmn_lava.spec import resolve, spec_from_dict
from hmn_lava.streams import uniform


class Scalar:
    """One network: synapses (i, j) in dicts, all history kept, no arrays, none of the reference's functions."""

    def __init__(self, model, weight_lag=None, delay=None):
        self.m, self.t = model, 0
        self.lag = weight_lag or {}
        self.z_of = {name: [] for name in model.populations}  # history
        self.u = {name: [0.0] * p.size for name, p in model.populations.items()}
        self.v = copy.deepcopy(self.u)
        self.E, self.mean = {}, {}
        g = model.global_attention
        self.C = [0.0] * (g.dimensions if g else 0)
        self.w, self.tau, self.fast, self.slow, self.c, self.phi = {}, {}, {}, {}, {}, {}
        for name, con in model.connections.items():
            pairs = list(zip(con.col.tolist(), con.row.tolist(), strict=True))
            taus = con.delay if delay is None else delay[name]
            self.w[name] = [dict(zip(pairs, con.weights.tolist(), strict=True))]  # history: after step -1, 0, 1, ...
            self.tau[name] = dict(zip(pairs, taus.tolist(), strict=True))
            self.fast[name], self.slow[name] = dict.fromkeys(pairs, 0.0), dict.fromkeys(pairs, 0.0)
            if con.rule and con.rule.attention:
                self.c[name] = [[0.0] * con.rule.attention.dimensions for _ in range(con.n_post)]
            if con.rule and con.rule.phase:
                self.phi[name] = dict(zip(pairs, con.rule.phase.phi.tolist(), strict=True))
        self.seen = {}

    def x(self, con, i, j):
        past = self.t - self.tau[con.name][i, j]
        return self.z_of[con.pre][past][i] if past >= 0 else 0.0

    def step(self, inputs):
        m, t = self.m, self.t
        for name in m.order:
            p = m.populations[name]
            z = [float(v) for v in inputs[name]] if p.type == "input" else self.activate(p)
            self.z_of[name].append(z)
        g = m.global_attention
        if g:
            z = self.z_of[g.context][t]
            for d in range(g.dimensions):
                new = z[d] if g.from_input else sum(z[j] * g.key[j][d] for j in range(len(z))) / len(z)
                self.C[d] = (1 - g.rate) * self.C[d] + g.rate * new
        for mod in m.modulators.values():
            self.modulate(mod, self.z_of[mod.source][t])
        for con in m.connections.values():
            w = self.w[con.name][-1]
            self.w[con.name].append(self.learn(con, w) if con.rule and con.rule.learning else w)
        self.t += 1

    def activate(self, p):
        m, t, a = self.m, self.t, [0.0] * p.size
        for con in m.connections.values():
            if con.post != p.name:
                continue
            newest = len(self.w[con.name]) - 1  # after step t - 1
            w = self.w[con.name][max(0, newest - self.lag.get(con.name, 0))]
            for (i, j), weight in w.items():
                a[j] += weight * self.x(con, i, j)
        z = []
        for j in range(p.size):
            if p.type == "hmn":
                a[j] += p.bias[j]
                if p.noise:
                    u = (int(uniform(m.seed, f"{p.name}.noise", t, j)) + 0.5) / 2**16
                    a[j] += p.noise * NormalDist().inv_cdf(u)
            if p.activation == "lif":
                self.u[p.name][j] = self.u[p.name][j] * (1 - p.lif.du) + a[j]
                v = self.v[p.name][j] * (1 - p.lif.dv) + self.u[p.name][j] + (p.bias[j] if p.type == "lif" else 0.0)
                z.append(1.0 if v > p.lif.vth else 0.0)
                self.v[p.name][j] = 0.0 if z[j] else v
            elif p.activation == "relu":
                z.append(min(max(0.0, a[j]), p.z_max))
            else:
                z.append(1 / (1 + math.exp(-a[j])))
        if p.competition != "none":
            score = list(a)
            if p.competition == "sample":
                u = [(int(uniform(m.seed, f"{p.name}.sample", t, j)) + 0.5) / 2**16 for j in range(p.size)]
                score = [a[j] / p.temperature - math.log(-math.log(u[j])) for j in range(p.size)]
            winner = score.index(max(score))
            z = [z[j] if j == winner else 0.0 for j in range(p.size)]
        self.seen[f"{p.name}.a"] = a
        return z

    def modulate(self, mod, z):
        if mod.type == "input":
            self.E[mod.name] = z[0]
        elif mod.type == "uncertainty":
            total = sum(math.exp(v) for v in z)
            self.E[mod.name] = -sum(math.exp(v) / total * math.log(math.exp(v) / total) for v in z)
        elif mod.type == "reward":
            mean = self.mean.get(mod.name, 0.0)
            silent = mod.on == "delivery" and z[0] == 0
            self.E[mod.name] = 0.0 if silent else z[0] - mean
            self.mean[mod.name] = mean if silent else mean + mod.mean_rate * (z[0] - mean)
        else:
            mean = self.mean.get(mod.name, [0.0] * len(z))
            self.E[mod.name] = math.sqrt(sum((v - b) ** 2 for v, b in zip(z, mean, strict=True)))
            self.mean[mod.name] = [b + mod.mean_rate * (v - b) for v, b in zip(z, mean, strict=True)]

    @staticmethod
    def cosine(a, b):
        norms = math.sqrt(sum(v * v for v in a)) * math.sqrt(sum(v * v for v in b))
        return sum(p * q for p, q in zip(a, b, strict=True)) / norms if norms else 0.0

    def third_factor(self, names):
        mods, g = [self.m.modulators[name] for name in names], self.m.global_attention
        gamma = [1.0] * len(mods)
        if g:
            scores = [math.exp(g.beta * self.cosine([self.E[k.name] * q for q in k.key], self.C)) for k in mods]
            gamma = [score / sum(scores) for score in scores]
        return sum(share * k.weight * self.E[k.name] for share, k in zip(gamma, mods, strict=True))

    def learn(self, con, w):
        t, rule, name, z = self.t, con.rule, con.name, self.z_of[con.post][self.t]
        att, new = rule.attention, {}
        if att:
            for j in range(con.n_post):
                for d in range(att.dimensions):
                    self.c[name][j][d] = (1 - att.rate) * self.c[name][j][d] + att.rate * z[j] * att.key[j][d]
        factor = self.third_factor(rule.modulators)
        self.seen[f"{name}.G"] = [factor]
        for (i, j), weight in w.items():
            e = 0.0
            for psi, tau in ((self.fast[name], rule.tau_fast), (self.slow[name], rule.tau_slow)):
                if tau is None:
                    continue
                xz, old = self.x(con, i, j) * z[j], psi[i, j] * math.exp(-1 / tau)
                psi[i, j] = old + xz if rule.mode == "accumulating" else (xz if xz != 0 else old)
                e += psi[i, j]
            if att:
                scores = {}
                for k, l in w:  # noqa: E741
                    if l == j:
                        h = [self.x(con, k, j) * r for r in att.embedding[k]]
                        scores[k] = math.exp(att.beta * self.cosine(h, self.c[name][j]))
                e *= scores[i] / sum(scores.values())
            dw = (rule.eta_local + rule.eta_global * factor) * e
            if rule.phase:
                osc = self.m.oscillators[rule.phase.oscillator]
                dw *= max(0.0, math.cos(2 * math.pi * t / osc.period + osc.phase - self.phi[name][i, j]))
            if rule.gate:
                p = 1 / (1 + math.exp(-rule.gate.beta * (abs(dw) - rule.gate.threshold)))
                number = list(w).index((i, j))
                if not int(uniform(self.m.seed, f"{name}.gate", t, number)) < p * 2**16:
                    dw = 0.0
            new[i, j] = min(max(weight + dw, rule.w_min), rule.w_max)
        return new


@st.composite
def networks(draw):
    """A recurrent network with all subsystems drawn: input -> lif -> hmn, and hmn -> hmn and hmn -> lif with delays."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    flip = st.booleans()

    def weights(n, m):
        return rng.normal(0, 0.5, (n, m)).clip(-1, 1).tolist()

    def delays(n, m, low):
        return rng.integers(low, 4, (n, m)).tolist() if draw(flip) else low

    def rule(n_pre, n_post):
        record = {
            "rates": {"local": draw(st.sampled_from([0.0, 0.05])), "global": draw(st.sampled_from([0.0, 0.3]))},
            "traces": {
                "tau_fast": 2.0,
                "tau_slow": draw(st.sampled_from([None, 9.0])),
                "mode": draw(st.sampled_from(["replacing", "accumulating"])),
            },
            "learning": draw(st.sampled_from([True, True, True, False])),
        }
        if draw(flip):
            dims = draw(st.integers(1, 3))
            embedding, key = rng.normal(size=(n_pre, dims)).tolist(), rng.normal(size=(n_post, dims)).tolist()
            record["attention"] = {
                "beta": 2.0,
                "dimensions": dims,
                "embedding": embedding,
                "key": key,
                "context_rate": 0.3,
            }
        if draw(flip):
            phase = rng.uniform(-3, 3, (n_post, n_pre)).tolist() if draw(flip) else 0.4
            record["phase_gate"] = {"oscillator": "theta", "phase": phase}
        if draw(flip):
            record["probabilistic_gate"] = {"beta": 20.0, "threshold": 0.02}
        if draw(flip):
            record["modulators"] = ["rpe", "doubt"]
        return record

    activation = draw(st.sampled_from(["relu", "sigmoid", "lif"]))
    compete = draw(st.sampled_from(["none", "winner_take_all", {"type": "sample", "temperature": 0.3}]))
    out = {"type": "hmn", "size": 3, "activation": activation, "bias": 0.1, "competition": compete}
    out |= {"noise": draw(st.sampled_from([0.0, 0.2]))}
    out |= {"lif": {"du": 0.5, "dv": 0.2, "vth": 0.4}} if activation == "lif" else {}
    mask = np.maximum(rng.random((3, 4)) < 0.6, np.eye(3, 4)).astype(int).tolist()
    parts = {
        "populations": {
            "out": out,
            "cue": {"type": "input", "size": 4, "range": [-1, 1]},
            "reward": {"type": "input", "size": 1, "range": [-1, 1]},
            "teach": {"type": "input", "size": 1, "range": [-1, 1]},
            "place": {"type": "input", "size": 2},
            "hidden": {"type": "lif", "size": 4, "du": 0.6, "dv": 0.3, "vth": 0.5, "bias": 0.05},
        },
        "connections": {
            "feedback": {"type": "static", "source": "out", "target": "hidden", "weights": weights(4, 3)},
            "lateral": {"type": "hmn", "source": "out", "target": "out", "weights": weights(3, 3), **rule(3, 3)},
            "readin": {"type": "hmn", "source": "cue", "target": "hidden", "weights": weights(4, 4), **rule(4, 4)},
            "readout": {"type": "hmn", "source": "hidden", "target": "out", "weights": weights(3, 4), **rule(4, 3)},
        },
        "modulators": {
            "teacher": {"type": "input", "source": "teach", "weight": -0.5},
            "rpe": {"type": "reward", "source": "reward", "on": draw(st.sampled_from(["every_step", "delivery"]))},
            "doubt": {"type": "uncertainty", "source": "out", "weight": 0.2},
            "new": {"type": "novelty", "source": "cue", "mean_rate": 0.2, "weight": 0.3},
        },
        "oscillators": {"theta": {"period": 5.0, "phase": 0.7}},
    }
    con = parts["connections"]
    con["feedback"]["delay"], con["lateral"]["delay"] = delays(4, 3, 1), delays(3, 3, 1)
    con["readin"]["delay"], con["readout"]["delay"] = delays(4, 4, 0), delays(3, 4, 0)
    if draw(flip):
        con["readout"]["topology"] = mask
    if draw(flip):
        context = draw(st.sampled_from(["place", "out"]))
        parts["global_attention"] = {"beta": 1.5, "dimensions": 2, "rate": 0.2, "context": context}
        for modulator in parts["modulators"].values():
            modulator["key"] = rng.normal(size=2).tolist()
        if context == "out":
            parts["global_attention"]["key"] = rng.normal(size=(3, 2)).tolist()
    steps = 12
    inputs = {
        "cue": rng.choice([-1.0, 0.0, 0.5, 1.0], (steps, 4)),
        "reward": rng.choice([0.0, 0.0, 1.0, -0.5], (steps, 1)),
        "teach": rng.uniform(-1, 1, (steps, 1)),
        "place": rng.random((steps, 2)),
    }
    model = resolve(spec_from_dict({"hmn_lava": 1, "name": "test", **parts}), draw(st.integers(0, 1000)))
    lag = {name: draw(st.integers(0, 3)) for name in con}
    return model, inputs, steps, lag


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(0, 2))
def test_the_reference_is_the_scalar_model(drawn, later):
    model, inputs, steps, lag = drawn
    delay = {name: con.delay + later for name, con in model.connections.items()}
    reference = Reference(model, Latency(weight_lag=lag, delay=delay, offset={}))
    scalar = Scalar(model, lag, delay)
    for t in range(steps):
        now = {name: x[t] for name, x in inputs.items()}
        reference.step(now)
        scalar.step(now)
        expected = {
            f"{name}.{'x' if p.type == 'input' else 'z'}": scalar.z_of[name][t] for name, p in model.populations.items()
        }
        expected |= {f"{name}.w": list(history[-1].values()) for name, history in scalar.w.items()}
        expected |= {f"{name}.psi_fast": list(psi.values()) for name, psi in scalar.fast.items() if name != "feedback"}
        expected |= {f"{name}.E": [value] for name, value in scalar.E.items()}
        expected |= {f"{name}.c": c for name, c in scalar.c.items()}
        expected |= scalar.seen | ({"global.C": scalar.C} if scalar.C else {})
        for signal, value in expected.items():
            np.testing.assert_allclose(reference[signal], value, rtol=1e-7, atol=1e-9, err_msg=f"{signal} at step {t}")
