"""What thresholds cost and save: python3 exits.py FOLDER, after train.py. Validation lines, each alone, bytes really leaving."""

import math
import os
import sys

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import torch
import torch.nn.functional as F

from model import EXITS, WINDOW, Surprise
from train import SHARES, Batch, Text

PAIRS = [(0.98, 0.98), (0.95, 0.95), (0.95, 0.6), (0.9, 0.9), (0.9, 0.6), (0.8, 0.8), (0.8, 0.5), (0.6, 0.6)]
LINES = 400
KEYS_AND_VALUES, LAYER, HEAD = 65, 285, 65


def lines(text, random):
    """Returns batches of one line a row, padded with what follows; and where each line ends."""
    ends = np.append(text.lines[1:], len(text.bytes))
    fit = np.flatnonzero((ends - text.lines >= 20) & (text.lines < len(text.bytes) - WINDOW))
    chosen = random.choice(fit, min(LINES, len(fit)), replace=False)
    for part in np.array_split(chosen, max(1, len(chosen) // 50)):
        values, begins = text.rows(text.lines[part])
        yield Batch(values, begins), torch.from_numpy(np.minimum(ends[part] - text.lines[part], WINDOW))


@torch.no_grad()
def answers(model, batch, sure):
    may = torch.ones(len(batch.values), dtype=torch.bool)
    logits, running, _, _ = model(batch, (may, sure))
    left = sum(r.long() for r in running) - 1
    said = torch.stack(logits).gather(0, left[None, ..., None].expand(-1, -1, -1, 256))[0]
    bits = F.cross_entropy(said.transpose(1, 2), batch.values, reduction="none") / math.log(2)
    return said.argmax(-1), bits, left


def main():
    folder = sys.argv[1]
    torch.set_num_threads(1)
    model = Surprise()
    model.load_state_dict(torch.load(os.path.join(folder, "stage2.pt")))
    for kind in SHARES:
        print("%-5s %-10s %6s %6s  %-22s %9s %9s %9s" % (kind, "", "depth", "flops", "bytes per exit", "bits", "argmax", "off > 0.1"))
        batches = list(lines(Text(os.path.join(folder, "valid", "text." + kind)), np.random.default_rng(3)))
        full = [answers(model, batch, (2, 2)) for batch, _ in batches]
        for sure in [(2, 2)] + PAIRS:
            counts, bits, differ, off, number = np.zeros(3), 0.0, 0, 0, 0
            for (batch, sizes), (best, wanted, _) in zip(batches, full):
                inside = torch.arange(WINDOW)[None] < sizes[:, None]
                top, found, left = answers(model, batch, sure)
                counts += np.bincount(left[inside], minlength=3)
                bits += found[inside].sum().item()
                differ += (top != best)[inside].sum().item()
                off += (((found - wanted) * inside).sum(1).abs() > 0.1 * sizes).sum().item()
                number += len(sizes)
            share = counts / counts.sum()
            depth = (share * EXITS).sum() / 6
            frozen = 4 * share[0] + 2 * share[1]
            heads = 1 + (1 - share[0]) + share[2] if sure[0] <= 1 else 1
            flops = (6 * depth * LAYER + frozen * KEYS_AND_VALUES + heads * HEAD) / (6 * LAYER + HEAD)
            print("      %-10s %6.3f %6.3f  %-22s %9.4f %8.2f%% %8.2f%%" % (
                "%g/%g" % sure if sure[0] <= 1 else "never", depth, flops, " ".join("%.3f" % s for s in share), bits / counts.sum(),
                100 * differ / counts.sum(), 100 * off / number))


if __name__ == "__main__":
    main()
