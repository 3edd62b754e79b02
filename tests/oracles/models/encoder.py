"""An XLM-RoBERTa-like encoder in float64, from the formulas: blocks normed after the addition, no dropout, padding.

One row at a time, cut to its length, so that padding takes no part in anything. README.md holds every choice.
"""

import json
import math
import os
import random
from dataclasses import dataclass

import torch

import decoder
import safetensors_io
from cases import uniform

NAME = "encoder-tiny"
ROW_LENGTHS = (19, 12, 1)  # tokens before padding; every row is padded to the longest
SEED = 9

CONFIG = {
    "architectures": ["XLMRobertaForMaskedLM"],
    "attention_probs_dropout_prob": 0.1,
    "bos_token_id": 0,
    "classifier_dropout": None,
    "eos_token_id": 2,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 24,
    "initializer_range": 0.02,
    "intermediate_size": 37,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": 22,
    "model_type": "xlm-roberta",
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "output_past": True,
    "pad_token_id": 1,
    "position_embedding_type": "absolute",
    "torch_dtype": "float32",
    "transformers_version": "4.40.1",
    "type_vocab_size": 1,
    "use_cache": True,
    "vocab_size": 83,
}


@dataclass(frozen=True)
class Encoder:
    """What config.json says."""

    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    positions: int
    padding: int
    epsilon: float


def read_config(config):
    return Encoder(
        vocabulary=config["vocab_size"],
        width=config["hidden_size"],
        inner=config["intermediate_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        positions=config["max_position_embeddings"],
        padding=config["pad_token_id"],
        epsilon=config["layer_norm_eps"],
    )


def parameter_shapes(model):
    """The published names and shapes; the head's weight is the word embedding."""
    width, inner = model.width, model.inner
    shapes = {
        "roberta.embeddings.word_embeddings.weight": (model.vocabulary, width),
        "roberta.embeddings.position_embeddings.weight": (model.positions, width),
        "roberta.embeddings.token_type_embeddings.weight": (1, width),
    }

    def linear(name, rows, cols):
        shapes[name + ".weight"], shapes[name + ".bias"] = (rows, cols), (rows,)

    def norm(name):
        shapes[name + ".weight"], shapes[name + ".bias"] = (width,), (width,)

    norm("roberta.embeddings.LayerNorm")
    for index in range(model.layers):
        layer = f"roberta.encoder.layer.{index}."
        for name in ("query", "key", "value"):
            linear(layer + "attention.self." + name, width, width)
        linear(layer + "attention.output.dense", width, width)
        norm(layer + "attention.output.LayerNorm")
        linear(layer + "intermediate.dense", inner, width)
        linear(layer + "output.dense", width, inner)
        norm(layer + "output.LayerNorm")
    linear("lm_head.dense", width, width)
    norm("lm_head.layer_norm")
    shapes["lm_head.bias"] = (model.vocabulary,)
    return shapes


def parameters_of(model):
    source, parameters = random.Random(SEED), {}
    for name, shape in parameter_shapes(model).items():
        if name.endswith(("LayerNorm.weight", "layer_norm.weight")):
            parameters[name] = uniform(source, shape, 0.4, 1.9)
        elif name.endswith("bias"):
            parameters[name] = uniform(source, shape, -0.8, 0.8)
        elif "embeddings" in name:
            parameters[name] = uniform(source, shape, -0.8, 0.8)
        else:
            parameters[name] = uniform(source, shape, -1.8 / shape[1] ** 0.5, 1.8 / shape[1] ** 0.5)
    return parameters


def inputs_of(model):
    """Rows padded on the right; about a third of the real positions predict a token, as masked language models do."""
    source, rows = random.Random(1000 + SEED), []
    for length in ROW_LENGTHS:
        tokens = [3 + int(source.random() * (model.vocabulary - 3)) for _ in range(length)]
        targets = [3 + int(source.random() * (model.vocabulary - 3)) for _ in range(length)]
        targets = [target if source.random() < 0.4 else -1 for target in targets]
        missing = max(ROW_LENGTHS) - length
        tokens, targets = tokens + [model.padding] * missing, targets + [-1] * missing
        rows.append({"tokens": tokens, "targets": targets, "length": length})
    return {"rows": rows}


def load(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        model = read_config(json.load(file))
    stored = safetensors_io.read(os.path.join(folder, "model.safetensors"))
    return model, {name: tensor.double() for name, tensor in stored.items()}


def layer_norm(x, weight, bias, epsilon):
    """(x - mean) / sqrt(variance + epsilon) w + b, the variance over all columns (not one less)."""
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred * centred).mean(dim=-1, keepdim=True)
    return centred / torch.sqrt(variance + epsilon) * weight + bias


def gelu(x):
    """x Φ(x), Φ by the error function."""
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def hidden(model, parameters, tokens, adapter=None):
    """Final hidden states [T, width] of one row without padding; tokens: [T]; adapter: see adapters.py."""

    def linear(name, y):
        return y @ parameters[name + ".weight"].T + parameters[name + ".bias"]

    def norm(name, y):
        return layer_norm(y, parameters[name + ".weight"], parameters[name + ".bias"], model.epsilon)

    count, embeddings = tokens.shape[0], "roberta.embeddings."
    x = parameters[embeddings + "word_embeddings.weight"][tokens]
    x = x + parameters[embeddings + "token_type_embeddings.weight"][0]
    x = x + parameters[embeddings + "position_embeddings.weight"][model.padding + 1 : model.padding + 1 + count]
    x = norm(embeddings + "LayerNorm", x)
    for index in range(model.layers):
        layer = f"roberta.encoder.layer.{index}."
        query, key, value = (
            linear(layer + "attention.self." + name, x).reshape(count, model.heads, -1)
            for name in ("query", "key", "value")
        )
        if adapter is not None:
            key, value = adapter.before(index, key, value)
        everything = torch.ones(count, key.shape[0], dtype=torch.bool)
        mixed = decoder.attention(query, key, value, (model.width // model.heads) ** -0.5, everything)
        mixed = linear(layer + "attention.output.dense", mixed.reshape(count, -1))
        x = norm(layer + "attention.output.LayerNorm", x + mixed)
        inner = gelu(linear(layer + "intermediate.dense", x))
        x = x + linear(layer + "output.dense", inner)
        if adapter is not None:
            x = x + adapter.after(index, norm(layer + "output.LayerNorm", x))
        x = norm(layer + "output.LayerNorm", x)
    return x


def head(model, parameters, x):
    """Logits [T, vocabulary] of the masked-token head: dense, GELU, LayerNorm, word embedding, bias."""
    x = gelu(x @ parameters["lm_head.dense.weight"].T + parameters["lm_head.dense.bias"])
    x = layer_norm(x, parameters["lm_head.layer_norm.weight"], parameters["lm_head.layer_norm.bias"], model.epsilon)
    return x @ parameters["roberta.embeddings.word_embeddings.weight"].T + parameters["lm_head.bias"]


def run(model, parameters, inputs, adapter=None):
    """Hidden states, logits, losses of all rows, zero at padding, and the mean loss of predicted positions."""
    states, scores, losses, predicted = [], [], [], 0
    for row in inputs["rows"]:
        length, missing = row["length"], len(row["tokens"]) - row["length"]
        targets = torch.tensor(row["targets"][:length])
        x = hidden(model, parameters, torch.tensor(row["tokens"][:length]), adapter)
        y = head(model, parameters, x)
        states.append(torch.nn.functional.pad(x, (0, 0, 0, missing)))
        scores.append(torch.nn.functional.pad(y, (0, 0, 0, missing)))
        losses.append(torch.nn.functional.pad(decoder.token_losses(y, targets), (0, missing)))
        predicted += int((targets >= 0).sum())
    losses = torch.cat(losses)
    return torch.cat(states), torch.cat(scores), losses, losses.sum() / predicted


def expected(model, parameters, inputs):
    """What expected.safetensors holds, in float64."""
    leaves = {name: tensor.clone().requires_grad_(True) for name, tensor in parameters.items()}
    states, scores, losses, loss = run(model, leaves, inputs)
    loss.backward()
    results = {"hidden": states, "logits": scores, "token_losses": losses, "loss": loss.reshape(1)}
    results = {name: tensor.detach() for name, tensor in results.items()}
    results.update({f"grad.{name}": leaf.grad for name, leaf in leaves.items()})
    for name in parameters:
        if name.endswith("attention.self.key.bias"):
            require_zero(name, results[f"grad.{name}"])
    return results


def require_zero(name, gradient):
    """A key's bias adds the same number to all scores of a query, which softmax does not see: 0, but for rounding."""
    if float(gradient.abs().max()) > 1e-12:
        raise AssertionError(f"The gradient of {name} is not 0.")
    gradient.zero_()
