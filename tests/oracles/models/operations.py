"""Single operations of an encoder with their gradients: LayerNorm, GELU, softmax cross-entropy, padded attention."""

import random

import torch

import decoder
import encoder
from cases import uniform

EPSILON = 1e-5
LENGTHS = (11, 7, 1)
HEADS, HEAD_SIZE = 3, 8
VOCABULARY = 1003


def inputs():
    """The given tensors: float32 numbers and int64 indices."""
    source = random.Random(77)
    count = max(LENGTHS)
    given = {
        "layer_norm.x": uniform(source, (5, 37), -3, 3) + torch.tensor([0.0, 5.0, -40.0, 0.5, 0.0]).unsqueeze(1),
        "layer_norm.weight": uniform(source, (37,), 0.4, 1.9),
        "layer_norm.bias": uniform(source, (37,), -0.8, 0.8),
        "layer_norm.dy": uniform(source, (5, 37), -1, 1),
        "gelu.x": torch.linspace(-9, 9, 145),
        "gelu.dy": uniform(source, (145,), -1, 1),
        "cross_entropy.logits": uniform(source, (4, VOCABULARY), -6, 6),
        "cross_entropy.targets": torch.tensor([1002, -1, 517, 640]),
        "attention.lengths": torch.tensor(LENGTHS),
    }
    given["cross_entropy.logits"][2] += 200  # exp of it is infinite in float32
    given["cross_entropy.logits"][3, 640] = 40  # almost certain
    for name in ("q", "k", "v", "dy"):
        given[f"attention.{name}"] = uniform(source, (len(LENGTHS), count, HEADS, HEAD_SIZE), -2, 2)
    for row, length in enumerate(LENGTHS):
        given["attention.dy"][row, length:] = 0
    return given


def results(given):
    """The outputs and the gradients, float64; rows of padding are 0."""
    made = {}
    x, weight, bias = leaves = _leaves(given, "layer_norm.x", "layer_norm.weight", "layer_norm.bias")
    made["layer_norm.y"] = encoder.layer_norm(x, weight, bias, EPSILON)
    made["layer_norm.y"].backward(given["layer_norm.dy"].double())
    made.update(zip(("layer_norm.dx", "layer_norm.dweight", "layer_norm.dbias"), (leaf.grad for leaf in leaves)))

    (x,) = _leaves(given, "gelu.x")
    made["gelu.y"] = encoder.gelu(x)
    made["gelu.y"].backward(given["gelu.dy"].double())
    made["gelu.dx"] = x.grad

    (scores,), targets = _leaves(given, "cross_entropy.logits"), given["cross_entropy.targets"]
    made["cross_entropy.token_losses"] = decoder.token_losses(scores, targets)
    made["cross_entropy.loss"] = (made["cross_entropy.token_losses"].sum() / int((targets >= 0).sum())).reshape(1)
    made["cross_entropy.loss"].backward()
    made["cross_entropy.dlogits"] = scores.grad

    q, k, v = leaves = _leaves(given, "attention.q", "attention.k", "attention.v")
    y = torch.zeros_like(q)
    for row, n in enumerate(LENGTHS):
        everything = torch.ones(n, n, dtype=torch.bool)
        y[row, :n] = decoder.attention(q[row, :n], k[row, :n], v[row, :n], HEAD_SIZE**-0.5, everything)
    y.backward(given["attention.dy"].double())
    made["attention.y"] = y
    made.update(zip(("attention.dq", "attention.dk", "attention.dv"), (leaf.grad for leaf in leaves)))
    return {name: tensor.detach() for name, tensor in made.items()}


def _leaves(given, *names):
    return [given[name].double().requires_grad_(True) for name in names]
