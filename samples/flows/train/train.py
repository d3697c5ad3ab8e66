"""Trains the model of the sample `flows` on CSV that TrafficCsv wrote. Needs numpy and nothing else; FlowsModel.kt describes the same model."""

import argparse
import hashlib
import json
import math
import os
import struct
import time

import numpy as np

import tape
from tape import Node

SEED, STEPS, ROWS, RATE = 5, 1200, 128, 3e-3
WIDTH, LAYERS, HEADS, EXPERTS, INNER, WINDOW, CLASSES = 32, 3, 4, 4, 64, 16, 6
NUMBERS, LEVELS = 7, {"protocol": 4, "port": 17, "state": 6, "novelty": 7}
EXITS = {1: "exits.one", 2: "exits.two", 3: "head"}
EXIT_WEIGHTS, BALANCE, OF_A_HOST = (0.5, 0.5, 1.0), 0.02, 64


def windows(path, random):
    """Returns rows, lengths and classes of windows; of a host with many flows some are drawn."""
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    hosts, starts = np.unique(table[:, 0], return_index=True)
    ends = np.append(starts[1:], len(table))
    x, lengths, classes = [], [], []
    for start, end in zip(starts, ends):
        drawn = np.arange(start, end)
        if len(drawn) > OF_A_HOST:
            drawn = random.choice(drawn, OF_A_HOST, replace=False)
        for last in drawn:
            first = max(start, last - WINDOW + 1)
            row = np.zeros((WINDOW, NUMBERS + len(LEVELS)), np.float32)
            row[:last + 1 - first] = table[first:last + 1, 2:]
            x.append(row)
            lengths.append(last + 1 - first)
            classes.append(int(table[last, 1]))
    return np.stack(x), np.array(lengths), np.array(classes)


def parameters(random):
    made = {}

    def matrix(name, *shape, size):
        made[name] = Node(random.normal(0, size, shape))

    def norm(name):
        made[name + ".weight"], made[name + ".bias"] = Node(np.ones(WIDTH)), Node(np.zeros(WIDTH))

    matrix("embedding.features.weight", WIDTH, NUMBERS, size=0.3)
    made["embedding.features.bias"] = Node(np.zeros(WIDTH))
    for field, levels in LEVELS.items():
        matrix("embedding.fields." + field, levels, WIDTH, size=0.3)
    matrix("embedding.positions", WINDOW, WIDTH, size=0.3)
    for layer in range(LAYERS):
        at = "blocks.%d." % layer
        norm(at + "attention.before")
        for part in "qkv":
            matrix(at + "attention.%s.weight" % part, WIDTH, WIDTH, size=WIDTH ** -0.5)
        matrix(at + "attention.o.weight", WIDTH, WIDTH, size=0.5 * WIDTH ** -0.5)
        norm(at + "mixture.before")
        matrix(at + "mixture.router.weight", EXPERTS, WIDTH, size=0.1)
        for expert in range(EXPERTS):
            matrix(at + "mixture.experts.%d.up.weight" % expert, INNER, WIDTH, size=WIDTH ** -0.5)
            matrix(at + "mixture.experts.%d.down.weight" % expert, WIDTH, INNER, size=0.5 * INNER ** -0.5)
    for head in EXITS.values():
        norm(head + ".norm")
        matrix(head + ".weight", CLASSES, WIDTH, size=0.02)
        made[head + ".bias"] = Node(np.zeros(CLASSES))
    return made


def forward(p, x, lengths):
    """Returns the logits behind each exit, and how unevenly experts were chosen."""
    batch = len(x)
    h = tape.add(tape.linear(Node(x[:, :, :NUMBERS]), p["embedding.features.weight"]), p["embedding.features.bias"])
    for i, field in enumerate(LEVELS):
        h = tape.add(h, tape.rows(p["embedding.fields." + field], x[:, :, NUMBERS + i].astype(int)))
    h = tape.add(h, p["embedding.positions"])
    there = np.arange(WINDOW)[None] < lengths[:, None]
    hidden = Node(np.where(there, 0, -1e9)[:, None, None, :])
    logits, balance = [], Node(0)
    for layer in range(LAYERS):
        at = "blocks.%d." % layer
        n = tape.normed(h, p[at + "attention.before.weight"], p[at + "attention.before.bias"])
        q, k, v = (tape.turned(tape.shape(tape.linear(n, p[at + "attention.%s.weight" % part]), batch, WINDOW, HEADS, WIDTH // HEADS), 0, 2, 1, 3) for part in "qkv")
        weights = tape.softmax(tape.add(tape.scaled(tape.matmul(q, tape.turned(k, 0, 1, 3, 2)), (WIDTH // HEADS) ** -0.5), hidden))
        read = tape.shape(tape.turned(tape.matmul(weights, v), 0, 2, 1, 3), batch, WINDOW, WIDTH)
        h = tape.add(h, tape.linear(read, p[at + "attention.o.weight"]))
        n = tape.normed(h, p[at + "mixture.before.weight"], p[at + "mixture.before.bias"])
        shares = tape.softmax(tape.linear(n, p[at + "mixture.router.weight"]))
        best = shares.value >= np.sort(shares.value, -1)[..., -2:-1]
        kept = tape.times(shares, Node(best))
        gates = tape.times(kept, tape.inverse(tape.total(kept, -1)))
        for expert in range(EXPERTS):
            said = tape.linear(tape.relu(tape.linear(n, p[at + "mixture.experts.%d.up.weight" % expert])), p[at + "mixture.experts.%d.down.weight" % expert])
            own = Node(np.eye(EXPERTS, dtype=np.float32)[expert])
            h = tape.add(h, tape.times(said, tape.total(tape.times(gates, own), -1)))
        live = there[..., None] / there.sum()
        load = (best * live).sum((0, 1)) / 2
        mean = tape.total(tape.total(tape.times(shares, Node(live)), 0), 1)
        balance = tape.add(balance, tape.scaled(tape.total(tape.times(mean, Node(load * EXPERTS)), -1), BALANCE / LAYERS))
        head = EXITS[layer + 1]
        last = tape.picked(h, lengths - 1)
        n = tape.normed(last, p[head + ".norm.weight"], p[head + ".norm.bias"])
        logits.append(tape.add(tape.linear(n, p[head + ".weight"]), p[head + ".bias"]))
    return logits, tape.shape(balance)


def train(p, data, steps, random):
    x, lengths, classes = data
    adam, start = tape.Adam(p, decay=0.02), time.time()
    order = random.permutation(len(x))
    for step in range(steps):
        at = step * ROWS % (len(x) - ROWS)
        some = order[at:at + ROWS]
        logits, loss = forward(p, x[some], lengths[some])
        losses = [tape.cross_entropy(z, classes[some]) for z in logits]
        for weight, one in zip(EXIT_WEIGHTS, losses):
            loss = tape.add(loss, tape.scaled(one, weight))
        loss.back()
        fall = 0.5 * (1 + math.cos(math.pi * step / steps))
        adam.update(RATE * min(1, (step + 1) / 100) * max(0.01, fall))
        if (step + 1) % 100 == 0:
            print("step %d, %.0f s: %s nats" % (step + 1, time.time() - start, " ".join("%.4f" % one.value for one in losses)), flush=True)


def test(p, data):
    """Prints how often each exit is right, and the share of each class that it finds."""
    x, lengths, classes = data
    said = [[] for _ in EXITS]
    for at in range(0, len(x), 1024):
        logits, _ = forward(p, x[at:at + 1024], lengths[at:at + 1024])
        for exit, z in zip(said, logits):
            exit.append(z.value.argmax(-1))
    for name, exit in zip(EXITS.values(), said):
        exit = np.concatenate(exit)
        found = " ".join("%.4f" % (exit[classes == c] == c).mean() for c in range(CLASSES))
        print("%-10s right %.4f, found of each class %s" % (name, (exit == classes).mean(), found), flush=True)


def save(p, means, deviations, path, facts):
    """Writes safetensors in single precision; the scale of the numbers goes into the first matrix and its bias."""
    values = {name: node.value.copy() for name, node in p.items()}
    values["embedding.features.weight"] /= deviations
    values["embedding.features.bias"] -= values["embedding.features.weight"] @ means
    header, body, at = {"__metadata__": facts}, [], 0
    for name, value in values.items():
        raw = value.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + len(raw)]}
        body.append(raw)
        at += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(body))
    os.replace(path + ".part", path)
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def main():
    known = argparse.ArgumentParser(description="trains the model of the sample `flows`")
    known.add_argument("train", help="CSV of hosts to train on")
    known.add_argument("test", help="CSV of other hosts")
    known.add_argument("weights", help="the file to write")
    known.add_argument("--steps", type=int, default=STEPS)
    asked = known.parse_args()
    random = np.random.default_rng(SEED)
    data, other = windows(asked.train, random), windows(asked.test, random)
    there = np.arange(WINDOW)[None] < data[1][:, None]
    means, deviations = data[0][there][:, :NUMBERS].mean(0), data[0][there][:, :NUMBERS].std(0)
    for x, _, _ in (data, other):
        x[:, :, :NUMBERS] = (x[:, :, :NUMBERS] - means) / deviations
    p = parameters(random)
    print("%d parameters, %d windows, of other hosts %d" % (sum(n.value.size for n in p.values()), len(data[0]), len(other[0])), flush=True)
    train(p, data, asked.steps, random)
    test(p, other)
    facts = {"format": "anabranch", "model": "flows", "steps": str(asked.steps), "seed": str(SEED)}
    print("%s  %s" % (save(p, means, deviations, asked.weights, facts), asked.weights))


if __name__ == "__main__":
    main()
