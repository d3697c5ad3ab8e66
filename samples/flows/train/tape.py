"""Gradients for a handful of operations on numpy arrays: what the training of this sample needs, and no more."""

import numpy as np


class Node:
    """An array, and how its gradient goes back to those it was made of."""

    def __init__(self, value, parents=()):
        self.value, self.parents, self.gradient = np.asarray(value, np.float32), parents, None

    def back(self):
        order, seen = [], set()

        def visit(node):
            if id(node) not in seen:
                seen.add(id(node))
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        self.gradient = np.ones_like(self.value)
        for node in reversed(order):
            for parent, pull in node.parents:
                share = pull(node.gradient)
                parent.gradient = share if parent.gradient is None else parent.gradient + share
            if node.parents:
                node.gradient = None


def shaped(gradient, shape):
    """Sums over what was broadcast."""
    while gradient.ndim > len(shape):
        gradient = gradient.sum(0)
    for axis, size in enumerate(shape):
        if size == 1 and gradient.shape[axis] > 1:
            gradient = gradient.sum(axis, keepdims=True)
    return gradient


def add(a, b):
    return Node(a.value + b.value, ((a, lambda g: shaped(g, a.value.shape)), (b, lambda g: shaped(g, b.value.shape))))


def times(a, b):
    return Node(a.value * b.value, ((a, lambda g: shaped(g * b.value, a.value.shape)), (b, lambda g: shaped(g * a.value, b.value.shape))))


def scaled(a, factor):
    return Node(a.value * factor, ((a, lambda g: g * factor),))


def inverse(a):
    value = 1 / a.value
    return Node(value, ((a, lambda g: -g * value * value),))


def matmul(a, b):
    turn = lambda x: np.swapaxes(x, -1, -2)
    return Node(a.value @ b.value, ((a, lambda g: shaped(g @ turn(b.value), a.value.shape)), (b, lambda g: shaped(turn(a.value) @ g, b.value.shape))))


def linear(x, weight):
    """x times the transpose of a matrix of (out, in)."""
    flat = x.value.reshape(-1, x.value.shape[-1])
    return Node((flat @ weight.value.T).reshape(x.value.shape[:-1] + (-1,)), (
        (x, lambda g: (g.reshape(-1, g.shape[-1]) @ weight.value).reshape(x.value.shape)),
        (weight, lambda g: g.reshape(-1, g.shape[-1]).T @ flat)))


def relu(a):
    return Node(np.maximum(a.value, 0), ((a, lambda g: g * (a.value > 0)),))


def shape(a, *sizes):
    return Node(a.value.reshape(sizes), ((a, lambda g: g.reshape(a.value.shape)),))


def turned(a, *axes):
    return Node(a.value.transpose(axes), ((a, lambda g: g.transpose(np.argsort(axes))),))


def total(a, axis):
    return Node(a.value.sum(axis, keepdims=True), ((a, lambda g: np.broadcast_to(g, a.value.shape)),))


def softmax(a):
    e = np.exp(a.value - a.value.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    return Node(p, ((a, lambda g: p * (g - (g * p).sum(-1, keepdims=True))),))


def rows(table, index):
    def pull(g):
        out = np.zeros_like(table.value)
        np.add.at(out, index.reshape(-1), g.reshape(-1, g.shape[-1]))
        return out

    return Node(table.value[index], ((table, pull),))


def picked(a, index):
    """One row of each item."""
    every = np.arange(len(index))

    def pull(g):
        out = np.zeros_like(a.value)
        out[every, index] = g
        return out

    return Node(a.value[every, index], ((a, pull),))


def normed(a, weight, bias, epsilon=1e-5):
    d = a.value - a.value.mean(-1, keepdims=True)
    s = 1 / np.sqrt((d * d).mean(-1, keepdims=True) + epsilon)
    n = d * s

    def pull(g):
        h = g * weight.value
        return s * (h - h.mean(-1, keepdims=True) - n * (h * n).mean(-1, keepdims=True))

    return Node(n * weight.value + bias.value, (
        (a, pull), (weight, lambda g: shaped(g * n, weight.value.shape)), (bias, lambda g: shaped(g, bias.value.shape))))


def cross_entropy(logits, classes):
    z = logits.value - logits.value.max(-1, keepdims=True)
    p = np.exp(z)
    p /= p.sum(-1, keepdims=True)
    every = np.arange(len(classes))

    def pull(g):
        d = p.copy()
        d[every, classes] -= 1
        return g * d / len(classes)

    return Node(-np.log(p[every, classes] + 1e-12).mean(), ((logits, pull),))


class Adam:
    """Adam with decoupled decay of matrices (Loshchilov and Hutter)."""

    def __init__(self, named, decay):
        self.named, self.decay, self.step = named, decay, 0
        self.first = {n: np.zeros_like(p.value) for n, p in named.items()}
        self.second = {n: np.zeros_like(p.value) for n, p in named.items()}

    def update(self, rate):
        self.step += 1
        size = sum(float((p.gradient ** 2).sum()) for p in self.named.values() if p.gradient is not None) ** 0.5
        clip = min(1, 1 / (size + 1e-6))
        for name, p in self.named.items():
            if p.gradient is None:
                continue
            g = p.gradient * clip
            m = self.first[name] = 0.9 * self.first[name] + 0.1 * g
            v = self.second[name] = 0.98 * self.second[name] + 0.02 * g * g
            update = m / (1 - 0.9 ** self.step) / (np.sqrt(v / (1 - 0.98 ** self.step)) + 1e-8)
            p.value -= rate * (update + (self.decay * p.value if p.value.ndim > 1 else 0))
            p.gradient = None
