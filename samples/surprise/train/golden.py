"""Computes bits and exits of some lines in double precision, without PyTorch and without the SDK, for the tests to compare with.

python3 golden.py WEIGHTS GOLDEN.TSV EARLY MIDDLE: reads the lines in the first column of the table and writes the others anew.
Lines in which a byte is within a hundred-thousandth of leaving or staying, or of another expert, are refused: single precision may
decide otherwise.
"""

import json
import os
import sys

import numpy as np

LAYERS, HEADS, EXPERTS, EXITS = 6, 4, 8, {2: "early", 4: "middle"}
CLOSE = 1e-5


def read(path):
    with open(path, "rb") as file:
        raw = file.read()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    body = raw[8 + size :]
    return {name: np.frombuffer(body[slice(*tensor["data_offsets"])], "<f2").astype(np.float64).reshape(tensor["shape"])
            for name, tensor in header.items() if name != "__metadata__"}


def norm(w, name, x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * w[name + ".weight"] + w[name + ".bias"]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def embed(w, ids):
    rows = w["embedding.tokens"][ids] + w["embedding.positions"][: len(ids)]
    for n in (2, 3, 4):
        for t in range(len(ids)):
            key = 0
            for back in range(n - 1, -1, -1):
                key = key * 257 + (ids[t - back] if t >= back else 256)
            rows[t] += w["embedding.ngrams.projection"] @ w["embedding.ngrams.%d" % n][(key * 0x9E3779B1 % 2**32) >> 19]
    return rows


def block(w, b, x, live, near):
    at = "blocks.%d." % b
    normed = norm(w, at + "attention.before", x)
    q, k, v = (normed @ w[at + "attention.%s.weight" % n].T for n in "qkv")
    y = x.copy()
    for t in np.flatnonzero(live):
        heard = []
        for h in range(HEADS):
            of = slice(32 * h, 32 * h + 32)
            heard.append(softmax(k[: t + 1, of] @ q[t, of] / np.sqrt(32)) @ v[: t + 1, of])
        y[t] += w[at + "attention.o.weight"] @ np.concatenate(heard)
        row = norm(w, at + "mixture.before", y[t])
        shares = softmax(w[at + "mixture.router.weight"] @ row)
        order = np.argsort(-shares)
        near.append(shares[order[0]] - shares[order[1]])
        expert = at + "mixture.experts.%d." % order[0]
        y[t] += shares[order[0]] * (w[expert + "down.weight"] @ np.maximum(w[expert + "up.weight"] @ row, 0) ** 2)
    return y


def logits(w, name, x):
    return norm(w, name + ".norm", x) @ w[name + ".weight"].T + w[name + ".bias"]


def run(w, line, sure):
    """Returns the bits of a line, the exit of each byte, and how near to another choice the nearest one was."""
    ids = [256] + list(line[:-1])
    x = embed(w, ids)
    live = np.ones(len(ids), bool)
    said, left, near = np.zeros((len(ids), 256)), np.full(len(ids), 2), [1.0]
    for b in range(LAYERS):
        x = block(w, b, x, live, near)
        if b + 1 in EXITS:
            at = list(EXITS).index(b + 1)
            heads = logits(w, "exits." + EXITS[b + 1], x)
            surest = softmax(heads).max(-1)
            near += list(abs(surest - sure[at])[live])
            leaving = live & (surest >= sure[at])
            said[leaving], left[leaving] = heads[leaving], at
            live &= ~leaving
    said[live] = logits(w, "head", x)[live]
    bits = -np.log2(softmax(said)[np.arange(len(ids)), list(line)])
    return bits.sum(), "".join(map(str, left)), min(near)


def main():
    weights, table, early, middle = sys.argv[1:]
    w, sure = read(weights), (float(early), float(middle))
    out = ["# line (tab, CR, LF and backslash escaped)\tbits at full depth\tbits with exits (early %s, middle %s)\texit of each byte" % (early, middle)]
    with open(table, encoding="utf-8") as file:
        lines = [row.split("\t")[0] for row in file.read().split("\n") if row and not row.startswith("#")]
    for text in lines:
        line = text.replace("\\t", "\t").replace("\\r", "\r").replace("\\n", "\n").replace("\\\\", "\\").encode()
        full = run(w, line, (2, 2))
        bits, exits, near = run(w, line, sure)
        if min(near, full[2]) < CLOSE:
            print("too near to another choice (%.6f), left out: %s" % (min(near, full[2]), text))
        else:
            out.append("%s\t%.6f\t%.6f\t%s" % (text, full[0], bits, exits))
    with open(table + ".part", "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")
    os.replace(table + ".part", table)


if __name__ == "__main__":
    main()
