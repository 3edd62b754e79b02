"""A token classifier on the encoder of encoder.py, in float64: linear layer, cross-entropy, gradients of everything.

README.md holds every choice.
"""

import random

import torch

import decoder
import encoder
from cases import uniform

LABELS = 7
SEED = 10


def inputs_of(model, inputs):
    """Weights of the layer, and a label or -1 for every row, padding included; -1 at the ends of a sentence."""
    source, labels = random.Random(SEED), []
    for row in inputs["rows"]:
        length = row["length"]
        drawn = [int(source.random() * LABELS) if source.random() < 0.6 else -1 for _ in range(length)]
        labels += [-1 if place in (0, length - 1) else label for place, label in enumerate(drawn)]
        labels += [-1] * (len(row["tokens"]) - length)
    return {
        "classifier.weight": uniform(source, (LABELS, model.width), -0.5, 0.5),
        "classifier.bias": uniform(source, (LABELS,), -0.5, 0.5),
        "labels": torch.tensor(labels),
    }


def expected(model, parameters, inputs, given):
    """Losses of all rows, zero where there is no label, their mean over labels, and its gradients."""
    head = {name: tensor.double() for name, tensor in given.items() if name != "labels"}
    leaves = {name: tensor.clone().requires_grad_(True) for name, tensor in {**parameters, **head}.items()}
    losses, start = [], 0
    for row in inputs["rows"]:
        length, count = row["length"], len(row["tokens"])
        x = encoder.hidden(model, leaves, torch.tensor(row["tokens"][:length]))
        scores = x @ leaves["classifier.weight"].T + leaves["classifier.bias"]
        row_losses = decoder.token_losses(scores, given["labels"][start : start + length])
        losses.append(torch.nn.functional.pad(row_losses, (0, count - length)))
        start += count
    losses = torch.cat(losses)
    loss = losses.sum() / int((given["labels"] >= 0).sum())
    loss.backward()
    results = {"token_losses": losses.detach(), "loss": loss.detach().reshape(1)}
    for name, leaf in leaves.items():
        if name.startswith("lm_head."):
            continue  # no label reaches it
        results[f"grad.{name}"] = leaf.grad
        if name.endswith("attention.self.key.bias"):
            encoder.require_zero(name, results[f"grad.{name}"])
    return results
