"""The sample's model as PyTorch sees it; SurpriseModel.kt describes the same one."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

BEGIN = 256
WINDOW = 128
EXITS = (2, 4, 6)
NAMES = ("early", "middle", "end")


class Sorted(torch.autograd.Function):
    """Gathers rows by a permutation; the gradient is a gather, too, which is faster than adding at indices."""

    @staticmethod
    def forward(ctx, rows, order, inverse):
        ctx.save_for_backward(inverse)
        return rows.index_select(0, order)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.index_select(0, ctx.saved_tensors[0]), None, None


class Mixture(nn.Module):
    def __init__(self, width, inner, experts):
        super().__init__()
        self.experts = experts
        self.router = nn.Parameter(torch.randn(experts, width) * 0.02)
        self.up = nn.Parameter(torch.randn(experts, width, inner) / math.sqrt(width))
        self.down = nn.Parameter(torch.randn(experts, inner, width) / math.sqrt(inner) * 0.5)

    def forward(self, rows):
        """Returns what the chosen expert of each row says, times its gate; and the balance and size of the router's choices."""
        logits = F.linear(rows, self.router)
        shares = logits.softmax(-1)
        gates, chosen = shares.max(-1)
        counts = torch.bincount(chosen, minlength=self.experts)
        order = torch.argsort(chosen, stable=True)
        inverse = torch.empty_like(order)
        inverse[order] = torch.arange(len(order))
        parts = torch.split(Sorted.apply(rows, order, inverse), counts.tolist())
        out = [F.relu(part @ up).square() @ down for part, up, down in zip(parts, self.up, self.down)]
        self.load = counts / len(rows)
        balance = self.experts * (self.load * shares.mean(0)).sum()
        return Sorted.apply(torch.cat(out), inverse, order) * gates[:, None], balance, torch.logsumexp(logits, -1).square().mean()


class Block(nn.Module):
    def __init__(self, width, heads, inner, experts):
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.before_mixture = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.mixture = Mixture(width, inner, experts)
        nn.init.normal_(self.qkv.weight, std=1 / math.sqrt(width))
        nn.init.normal_(self.out.weight, std=0.5 / math.sqrt(width))

    def forward(self, x, hidden):
        batch, length, width = x.shape
        each = width // self.heads
        q, k, v = self.qkv(self.before_attention(x)).view(batch, length, 3, self.heads, each).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) / math.sqrt(each)).masked_fill(hidden, -1e9).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, length, width))
        said, balance, size = self.mixture(self.before_mixture(x).reshape(-1, width))
        return x + said.view_as(x), balance, size


class Surprise(nn.Module):
    def __init__(self, width=128, layers=6, heads=4, inner=256, experts=8, buckets=8192, ngram=64):
        super().__init__()
        self.tokens = nn.Embedding(257, width)
        self.positions = nn.Embedding(WINDOW, width)
        self.ngrams = nn.ModuleList(nn.Embedding(buckets, ngram) for _ in range(3))
        self.projection = nn.Linear(ngram, width, bias=False)
        self.blocks = nn.ModuleList(Block(width, heads, inner, experts) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in EXITS)
        self.outputs = nn.ModuleList(nn.Linear(width, 256) for _ in EXITS)
        nn.init.normal_(self.tokens.weight, std=0.5)
        nn.init.normal_(self.positions.weight, std=0.1)
        for table in self.ngrams:
            nn.init.normal_(table.weight, std=0.5)
        for output in self.outputs:
            nn.init.normal_(output.weight, std=0.02)
            nn.init.zeros_(output.bias)

    def forward(self, batch, leaves=None):
        """Returns logits, who was still running, balances, and sizes, each behind every exit.

        leaves: (rows of the batch that may leave, at which confidence), or None for full depth. Who has left keeps its state;
        later blocks still read it.
        """
        x = self.tokens(batch.inputs) + self.positions(batch.places)
        x = x + self.projection(sum(table(ids) for table, ids in zip(self.ngrams, batch.ngrams)))
        gone = torch.zeros(batch.inputs.shape, dtype=torch.bool)
        logits, running, balances, sizes = [], [], [], []
        for number, block in enumerate(self.blocks, 1):
            next_x, balance, size = block(x, batch.hidden)
            x = next_x if leaves is None else torch.where(gone[..., None], x, next_x)
            balances.append(balance)
            sizes.append(size)
            if number in EXITS:
                at = len(logits)
                logits.append(self.outputs[at](self.norms[at](x)))
                running.append(~gone)
                if leaves is not None and at + 1 < len(EXITS):
                    may, sure = leaves
                    limit = sure[at] if isinstance(sure, (tuple, list)) else sure
                    gone = gone | (may[:, None] & (logits[-1].detach().softmax(-1).amax(-1) >= limit))
        return logits, running, balances, sizes

    def parameters_by_name(self):
        """Returns (name, tensor) as the SDK names and lays out parameters."""
        found = [("embedding.tokens", self.tokens.weight), ("embedding.positions", self.positions.weight)]
        found += [("embedding.ngrams.%d" % n, table.weight) for n, table in enumerate(self.ngrams, 2)]
        found.append(("embedding.ngrams.projection", self.projection.weight))
        for b, block in enumerate(self.blocks):
            at = "blocks.%d." % b
            found += norm(at + "attention.before", block.before_attention)
            found += [(at + "attention.%s.weight" % n, w) for n, w in zip("qkv", block.qkv.weight.chunk(3))]
            found.append((at + "attention.o.weight", block.out.weight))
            found += norm(at + "mixture.before", block.before_mixture)
            found.append((at + "mixture.router.weight", block.mixture.router))
            for e in range(block.mixture.experts):
                found.append((at + "mixture.experts.%d.up.weight" % e, block.mixture.up[e].T))
                found.append((at + "mixture.experts.%d.down.weight" % e, block.mixture.down[e].T))
            if b + 1 in EXITS[:-1]:
                found += self.head("exits." + NAMES[EXITS.index(b + 1)], EXITS.index(b + 1))
        return found + self.head("head", len(EXITS) - 1)

    def head(self, name, at):
        return norm(name + ".norm", self.norms[at]) + [(name + ".weight", self.outputs[at].weight), (name + ".bias", self.outputs[at].bias)]


def norm(name, layer):
    return [(name + ".weight", layer.weight), (name + ".bias", layer.bias)]


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal by five Newton-Schulz steps (Jordan et al. 2024), for matrices between hidden states."""

    def __init__(self, matrices, lr, momentum=0.95):
        super().__init__(matrices, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for matrix in group["params"]:
                kept = self.state[matrix].setdefault("momentum", torch.zeros_like(matrix))
                kept.mul_(group["momentum"]).add_(matrix.grad)
                update = matrix.grad.add(kept, alpha=group["momentum"])
                if update.ndim == 2 and update.shape[0] == 3 * update.shape[1]:
                    update = update.view(3, update.shape[1], update.shape[1])
                x = update.mT if update.shape[-2] > update.shape[-1] else update
                x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
                for _ in range(5):
                    a = x @ x.mT
                    x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
                if update.shape[-2] > update.shape[-1]:
                    x = x.mT
                matrix.add_(x.reshape(matrix.shape), alpha=-group["lr"] * 0.2 * math.sqrt(max(update.shape[-2:])))
