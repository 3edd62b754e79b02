"""Adapters of the encoder in float64, from the formulas: a bottleneck, a fusion of three, a prefix.

Each is a function of the tensors as they are stored. README.md holds every choice.
"""

import os
import random

import torch

import encoder
import safetensors_io
from cases import uniform

SEED = 11


class Bottleneck:
    """up(gelu(down h)) is added to what the norm after the feed-forward layer reads; h is what it makes of it."""

    name, file, width = "bottleneck", "block_adapter.json", 5

    def __init__(self, tensors):
        self.tensors = tensors

    @classmethod
    def config(cls, model):
        return {"activation": "gelu", "format": 1, "kind": "bottleneck", "width": cls.width}

    @classmethod
    def shapes(cls, model):
        return bottleneck_shapes("", cls.width, model)

    def before(self, index, key, value):
        return key, value

    def after(self, index, h):
        return bottleneck("", self.tensors, index, h)


class Fusion:
    """Sum over n of softmax_n((Q h) . (K z_n)) V z_n, z_n what bottleneck n makes of h."""

    name, file, widths = "fusion", "block_adapter.json", {"de-DE": 5, "th-TH": 3, "ja-JP": 8}

    def __init__(self, tensors):
        self.tensors = tensors

    @classmethod
    def config(cls, model):
        names, widths = list(cls.widths), list(cls.widths.values())
        return {"activation": "gelu", "adapters": names, "format": 1, "kind": "fusion", "widths": widths}

    @classmethod
    def shapes(cls, model):
        shapes = {}
        for name, width in cls.widths.items():
            shapes.update(bottleneck_shapes(f"adapters.{name}.", width, model))
        for index in range(model.layers):
            for part in ("query", "key", "value"):
                shapes[f"{layer(index)}adapter_fusion.{part}.weight"] = (model.width, model.width)
        return shapes

    def before(self, index, key, value):
        return key, value

    def after(self, index, h):
        z = torch.stack([bottleneck(f"adapters.{name}.", self.tensors, index, h) for name in self.widths])
        query, key, value = (
            self.tensors[f"{layer(index)}adapter_fusion.{part}.weight"] for part in ("query", "key", "value")
        )
        return fuse(h @ query.T, z @ key.T, z @ value.T)


class Prefix:
    """Keys and values before those of the sentence: rows of prompt_embeddings hold key, value, key, ... by layer."""

    name, file, length = "prefix", "adapter_config.json", 4

    def __init__(self, tensors):
        self.tensors = tensors

    @classmethod
    def config(cls, model):
        return {
            "auto_mapping": None,
            "base_model_name_or_path": None,
            "encoder_hidden_size": model.width,
            "inference_mode": True,
            "num_attention_heads": model.heads,
            "num_layers": model.layers,
            "num_transformer_submodules": 1,
            "num_virtual_tokens": cls.length,
            "peft_type": "PREFIX_TUNING",
            "prefix_projection": False,
            "revision": None,
            "task_type": None,
            "token_dim": model.width,
        }

    @classmethod
    def shapes(cls, model):
        return {"prompt_embeddings": (cls.length, model.layers * 2 * model.width)}

    def before(self, index, key, value):
        """key and value: [T, H, D] to [P + T, H, D], by PEFT's view and permutation."""
        heads, size = key.shape[1:]
        past = self.tensors["prompt_embeddings"].view(1, self.length, -1, heads, size)
        past = past.permute(2, 0, 3, 1, 4)[2 * index : 2 * index + 2, 0]  # [2, H, P, D]
        return tuple(torch.cat([own.transpose(0, 1), rows]) for own, rows in zip(past, (key, value)))

    def after(self, index, h):
        return torch.zeros_like(h)


KINDS = (Bottleneck, Fusion, Prefix)


def layer(index):
    return f"roberta.encoder.layer.{index}."


def bottleneck_shapes(prefix, width, model):
    shapes = {}
    for index in range(model.layers):
        name = prefix + layer(index)
        shapes[name + "adapter_down.weight"], shapes[name + "adapter_down.bias"] = (width, model.width), (width,)
        shapes[name + "adapter_up.weight"], shapes[name + "adapter_up.bias"] = (model.width, width), (model.width,)
    return shapes


def bottleneck(prefix, tensors, index, h):
    name = prefix + layer(index)
    inner = encoder.gelu(h @ tensors[name + "adapter_down.weight"].T + tensors[name + "adapter_down.bias"])
    return inner @ tensors[name + "adapter_up.weight"].T + tensors[name + "adapter_up.bias"]


def fuse(query, keys, values):
    """query [T, C], keys and values [N, T, C] to [T, C]."""
    weights = torch.softmax(torch.einsum("tc,ntc->nt", query, keys), dim=0)
    return torch.einsum("nt,ntc->tc", weights, values)


def tensors_of(kind, model):
    """Uniform numbers; smaller ones where they make the scores of a fusion, so that it is of several adapters."""
    source, tensors = random.Random(SEED), {}
    for name, shape in kind.shapes(model).items():
        size = 0.15 if name.endswith(("fusion.query.weight", "fusion.key.weight")) else 0.7
        tensors[name] = uniform(source, shape, -size, size)
    return tensors


def load(folder):
    stored = safetensors_io.read(os.path.join(folder, "adapter_model.safetensors"))
    return {name: tensor.double() for name, tensor in stored.items()}


def expected(kind, model, parameters, inputs, tensors):
    """What expected.safetensors holds, in float64; gradients are of the adapter's tensors alone."""
    leaves = {name: tensor.clone().requires_grad_(True) for name, tensor in tensors.items()}
    states, scores, losses, loss = encoder.run(model, parameters, inputs, kind(leaves))
    loss.backward()
    results = {"hidden": states, "logits": scores, "token_losses": losses, "loss": loss.reshape(1)}
    results = {name: tensor.detach() for name, tensor in results.items()}
    results.update({f"grad.{name}": leaf.grad for name, leaf in leaves.items()})
    return results
