"""Trains the sample's model: python3 train.py [FOLDER] [--weights FILE] [--steps N,N]

Wants PyTorch 1.13 or newer and NumPy. Builds the texts first if FOLDER does not hold them. One thread, a fixed seed and fixed
numbers of steps: two runs on one machine give the same weights, on others nearly the same.
"""

import argparse
import hashlib
import json
import math
import os
import struct
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import torch
import torch.nn.functional as F

import prepare
from model import BEGIN, EXITS, NAMES, WINDOW, Muon, Surprise

HERE = os.path.dirname(os.path.abspath(__file__))
SHARES = {"java": 0.35, "kt": 0.14, "xml": 0.12, "md": 0.13, "txt": 0.13, "log": 0.13}
ROWS = 32
STEPS = (2600, 600)
EXIT_WEIGHTS = ((0.3, 0.5, 1.0), (0.5, 0.5, 1.0))
BALANCE = (0.2, 0.05, 0.05, 0.05, 0.05, 0.05)
ROUTER_SIZE = 0.001
SURE = (0.8, 0.9, 0.95, 0.98)
SEED = 1


class Text:
    """Lines of one kind; a line begins anew for the model, and so does every 128th byte of a long one."""

    def __init__(self, path):
        self.bytes = np.fromfile(path, dtype=np.uint8)
        begins = np.zeros(len(self.bytes), dtype=bool)
        begins[0] = True
        begins[1:] = self.bytes[:-1] == 10
        at = np.arange(len(self.bytes))
        inside = at - np.maximum.accumulate(np.where(begins, at, 0))
        self.lines = np.flatnonzero(begins)
        self.begins = inside % WINDOW == 0

    def rows(self, starts):
        index = starts[:, None] + np.arange(WINDOW)
        return self.bytes[index].astype(np.int64), self.begins[index]


class Batch:
    """Rows of 128 bytes each: whole lines one behind the other, each blind to the others, the last one cut."""

    def __init__(self, values, begins):
        begins[:, 0] = True
        at = np.arange(WINDOW)[None, :]
        places = at - np.maximum.accumulate(np.where(begins, at, 0), axis=1)
        inputs = np.where(places == 0, BEGIN, shift(values))
        key, shifted, self.ngrams = inputs.copy(), inputs, []
        for n in range(1, 4):
            shifted = np.where(places >= n, shift(shifted), BEGIN)
            key = key + shifted * 257**n
            self.ngrams.append(torch.from_numpy((key * 0x9E3779B1 & 0xFFFFFFFF) >> 19))
        line = np.cumsum(begins, axis=1)
        sees = (line[:, :, None] == line[:, None, :]) & (at[0][:, None] >= at)
        self.hidden = torch.from_numpy(~sees)[:, None]
        self.inputs, self.places, self.values = (torch.from_numpy(a) for a in (inputs, places, values))

    def twice(self):
        self.ngrams = [torch.cat([n, n]) for n in self.ngrams]
        self.hidden, self.inputs, self.places, self.values = (
            torch.cat([t, t]) for t in (self.hidden, self.inputs, self.places, self.values))
        return self


def shift(rows):
    return np.concatenate([rows[:, :1], rows[:, :-1]], 1)


def draw(texts, random, rows):
    kinds = random.choice(len(texts), rows, p=list(SHARES.values()))
    values, begins = [], []
    for number, text in enumerate(texts):
        count = int((kinds == number).sum())
        last = np.searchsorted(text.lines, len(text.bytes) - WINDOW)
        v, b = text.rows(text.lines[random.integers(0, last, count)])
        values.append(v)
        begins.append(b)
    return Batch(np.concatenate(values), np.concatenate(begins))


def loss_of_full_depth(model, batch, weights):
    logits, _, balances, sizes = model(batch)
    entropies = [F.cross_entropy(z.transpose(1, 2), batch.values) for z in logits]
    return entropies, sum(w * e for w, e in zip(weights, entropies)) + of_routers(balances, sizes)


def loss_with_exits(model, batch, weights, sure):
    """Every row twice, once at full depth and once with bytes that really leave; the leaving half learns to say what the other says."""
    half = len(batch.values)
    batch = batch.twice()
    may = torch.arange(2 * half) >= half
    logits, running, balances, sizes = model(batch, (may, sure))
    entropies = [F.cross_entropy(z.transpose(1, 2), torch.where(r, batch.values, torch.full_like(batch.values, -100)))
                 for z, r in zip(logits, running)]
    loss = sum(w * e for w, e in zip(weights, entropies)) + of_routers(balances, sizes)
    full = logits[-1][:half].detach().softmax(-1)
    still = running[-1][half:].float()
    loss = loss + (-(full * logits[-1][half:].log_softmax(-1)).sum(-1) * still).sum() / still.sum().clamp(min=1)
    for w, z in zip(weights[:-1], logits[:-1]):
        loss = loss + w * -(full * z[:half].log_softmax(-1)).sum(-1).mean()
    return entropies, loss


def of_routers(balances, sizes):
    return sum(w * b for w, b in zip(BALANCE, balances)) / len(balances) + ROUTER_SIZE * sum(sizes) / len(sizes)


def optimizers(model, lr):
    matrices = [p for n, p in model.blocks.named_parameters() if p.ndim >= 2 and "router" not in n] + [model.projection.weight]
    known = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in known]
    return [Muon(matrices, lr), torch.optim.AdamW(rest, lr=3e-3, betas=(0.9, 0.95), weight_decay=0.0)], rest


def train(model, texts, random, stage, steps):
    made, rest = optimizers(model, (0.02, 0.006)[stage])
    rates = [g["lr"] for o in made for g in o.param_groups]
    start = time.time()
    for step in range(steps):
        done = step / steps
        fall = (1 if done < 0.5 else 2 * (1 - done)) if stage == 0 else 1 - done
        for optimizer, rate in zip(made, rates):
            optimizer.param_groups[0]["lr"] = rate * min(1, (step + 1) / 40) * max(0.02, fall)
            optimizer.zero_grad(set_to_none=True)
        if stage == 0:
            entropies, loss = loss_of_full_depth(model, draw(texts, random, ROWS), EXIT_WEIGHTS[0])
        else:
            sure = SURE[random.integers(len(SURE))]
            entropies, loss = loss_with_exits(model, draw(texts, random, ROWS // 4 * 3), EXIT_WEIGHTS[1], sure)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        for optimizer in made:
            optimizer.step()
        if (step + 1) % 50 == 0:
            print("stage %d step %d, %.0f s: %s bits, busiest %s" % (
                stage + 1, step + 1, time.time() - start, " ".join("%.3f" % (e.item() / math.log(2)) for e in entropies),
                " ".join("%.2f" % b.mixture.load.max().item() for b in model.blocks)), flush=True)


@torch.no_grad()
def validate(model, folder, leaves=None):
    """Returns bits per byte by kind and exit, over the same lines each time, and the busiest expert's share by block."""
    table, loads = {}, []
    for kind in SHARES:
        text = Text(os.path.join(folder, "valid", "text." + kind))
        last = np.searchsorted(text.lines, len(text.bytes) - WINDOW)
        starts = text.lines[np.linspace(0, last - 1, 192).astype(int)]
        bits = np.zeros(len(EXITS))
        for part in np.split(starts, 6):
            batch = Batch(*text.rows(part))
            logits = model(batch)[0]
            bits += [F.cross_entropy(z.transpose(1, 2), batch.values).item() / math.log(2) / 6 for z in logits]
            loads.append(SHARES[kind] / 6 * np.array([b.mixture.load.numpy() for b in model.blocks]))
        table[kind] = bits.round(4).tolist()
    table["all"] = sum(SHARES[k] * np.array(v) for k, v in table.items()).round(4).tolist()
    return table, sum(loads).max(1).round(3).tolist()


def save(model, path, facts):
    """Writes safetensors in half precision: all of the file, or none of it."""
    header, body, at = {"__metadata__": facts}, [], 0
    for name, tensor in model.parameters_by_name():
        raw = tensor.detach().contiguous().numpy().astype("<f2").tobytes()
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [at, at + len(raw)]}
        body.append(raw)
        at += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(body))
    os.replace(path + ".part", path)
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def texts_of(folder):
    """Builds the texts if they are not there, and refuses texts that are not the ones the weights were trained on."""
    with open(os.path.join(HERE, "corpus.sha256")) as file:
        wanted = dict(reversed(line.split()) for line in file)
    if not all(os.path.exists(os.path.join(folder, path)) for path in wanted):
        prepare.prepare(folder)
    for path, sum_ in wanted.items():
        with open(os.path.join(folder, path), "rb") as file:
            found = hashlib.sha256(file.read()).hexdigest()
        if found != sum_:
            raise SystemExit("%s: SHA-256 is %s, but corpus.sha256 says %s" % (os.path.join(folder, path), found, sum_))
    return [Text(os.path.join(folder, "train", "text." + kind)) for kind in SHARES]


def main():
    known = argparse.ArgumentParser(description="trains the model of the sample `surprise`")
    known.add_argument("folder", nargs="?", default=os.path.join(HERE, "..", "..", "target", "train"), help="for texts and downloads")
    known.add_argument("--weights", default=None, help="the file to write; surprise.safetensors in the folder unless given")
    known.add_argument("--steps", default="%d,%d" % STEPS, help="of the two stages")
    asked = known.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    texts = texts_of(asked.folder)
    model = Surprise()
    for stage, steps in enumerate(int(s) for s in asked.steps.split(",")):
        train(model, texts, random, stage, steps)
        table, busiest = validate(model, asked.folder)
        for kind, bits in table.items():
            print("valid %-4s %s" % (kind, " ".join("%s %.4f" % pair for pair in zip(NAMES, bits))))
        print("busiest expert of each block: %s" % busiest, flush=True)
        torch.save(model.state_dict(), os.path.join(asked.folder, "stage%d.pt" % (stage + 1)))
    path = asked.weights or os.path.join(asked.folder, "surprise.safetensors")
    facts = {"format": "anabranch", "model": "surprise", "steps": asked.steps, "seed": str(SEED)}
    print("%s  %s" % (save(model, path, facts), path))


if __name__ == "__main__":
    main()
