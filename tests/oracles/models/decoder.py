"""Decoders in float64, from the formulas: Llama, Qwen2, Qwen3 and the text part of Gemma 3.

One document at a time, no batching, no cache: attention scores are full [T, T] matrices and a mask says what is seen.
Every formula that two readers could understand differently is written out in README.md.
"""

import json
import math
import os
from dataclasses import dataclass, field

import torch

import safetensors_io


@dataclass(frozen=True)
class Rotation:
    """A rotary embedding: base frequency and, where positions are stretched, the scaling of the published config."""

    theta: float
    scaling: dict = field(default_factory=dict)

    def frequencies(self, head_size):
        """Radians per position of each rotated pair, [head_size / 2]."""
        exponent = torch.arange(0, head_size, 2, dtype=torch.float64) / head_size
        frequency = self.theta ** -exponent
        kind = self.scaling.get("rope_type", self.scaling.get("type", "default"))
        if kind == "default":
            return frequency
        if kind == "linear":
            return frequency / self.scaling["factor"]
        if kind == "llama3":
            return torch.tensor([self._llama3(f) for f in frequency.tolist()], dtype=torch.float64)
        raise ValueError(f"rope type '{kind}' is not one of default, linear, llama3.")

    def _llama3(self, frequency):
        wavelength = 2 * math.pi / frequency
        low, high = self.scaling["low_freq_factor"], self.scaling["high_freq_factor"]
        original = self.scaling["original_max_position_embeddings"]
        if wavelength > original / low:
            return frequency / self.scaling["factor"]
        if wavelength < original / high:
            return frequency
        share = (original / wavelength - low) / (high - low)
        return (1 - share) * frequency / self.scaling["factor"] + share * frequency


@dataclass(frozen=True)
class Decoder:
    """What config.json says, in one spelling."""

    family: str  # llama, qwen2, qwen3 or gemma3
    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    key_heads: int
    head_size: int
    epsilon: float
    tied: bool
    query_scale: float
    rotations: tuple  # one Rotation a layer
    windows: tuple  # one a layer: None sees everything before, w sees itself and w - 1 before
    norm_offset: float
    bias: bool  # on q, k, v only
    embedding_scale: float
    rotate: str = "halves"  # "pairs" turns neighbours (2i, 2i+1), as llama2.c stores its weights

    @property
    def gemma(self):
        return self.family == "gemma3"

    @property
    def query_key_norm(self):
        return self.family in ("qwen3", "gemma3")


def read_config(config):
    """Reads a config.json tree, older or newer spelling, text-only or with a text_config inside."""
    text = config.get("text_config", config)
    family = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gemma3_text": "gemma3"}[text["model_type"]]
    gemma = family == "gemma3"
    layers, width, heads = text["num_hidden_layers"], text["hidden_size"], text["num_attention_heads"]
    head_size = text.get("head_dim") or width // heads
    local = _local_layers(text, layers) if gemma else [False] * layers
    global_rotation, local_rotation = _rotations(text, gemma)
    return Decoder(
        family=family,
        vocabulary=text["vocab_size"],
        width=width,
        inner=text["intermediate_size"],
        layers=layers,
        heads=heads,
        key_heads=text.get("num_key_value_heads", heads),
        head_size=head_size,
        epsilon=text.get("rms_norm_eps", 1e-6),
        tied=text.get("tie_word_embeddings", config.get("tie_word_embeddings", gemma)),
        query_scale=(text.get("query_pre_attn_scalar", 256) if gemma else head_size) ** -0.5,
        rotations=tuple(local_rotation if is_local else global_rotation for is_local in local),
        windows=tuple(text["sliding_window"] if is_local else None for is_local in local),
        norm_offset=1.0 if gemma else 0.0,
        bias=family == "qwen2",
        embedding_scale=math.sqrt(width) if gemma else 1.0,
    )


def _local_layers(text, layers):
    if "layer_types" in text:
        return [kind == "sliding_attention" for kind in text["layer_types"]]
    pattern = text.get("sliding_window_pattern", 6)
    return [(index + 1) % pattern != 0 for index in range(layers)]


def _rotations(text, gemma):
    """Returns the rotation of global layers and that of local layers."""
    newer = text.get("rope_parameters")
    if newer is not None:
        if gemma:
            full, sliding = newer["full_attention"], newer["sliding_attention"]
        else:
            full = sliding = newer
        return Rotation(full["rope_theta"], full), Rotation(sliding["rope_theta"], sliding)
    older = Rotation(text.get("rope_theta", 1e6 if gemma else 1e4), text.get("rope_scaling") or {})
    return older, Rotation(text.get("rope_local_base_freq", 1e4)) if gemma else older


def parameter_shapes(model):
    """The published names and shapes of every parameter, in the order of the layers."""
    queries, keys = model.heads * model.head_size, model.key_heads * model.head_size
    shapes = {"model.embed_tokens.weight": (model.vocabulary, model.width)}
    for index in range(model.layers):
        layer = f"model.layers.{index}."
        shapes[layer + "input_layernorm.weight"] = (model.width,)
        for name, rows in (("q", queries), ("k", keys), ("v", keys)):
            shapes[layer + f"self_attn.{name}_proj.weight"] = (rows, model.width)
            if model.bias:
                shapes[layer + f"self_attn.{name}_proj.bias"] = (rows,)
        shapes[layer + "self_attn.o_proj.weight"] = (model.width, queries)
        if model.query_key_norm:
            shapes[layer + "self_attn.q_norm.weight"] = (model.head_size,)
            shapes[layer + "self_attn.k_norm.weight"] = (model.head_size,)
        shapes[layer + "post_attention_layernorm.weight"] = (model.width,)
        if model.gemma:
            shapes[layer + "pre_feedforward_layernorm.weight"] = (model.width,)
            shapes[layer + "post_feedforward_layernorm.weight"] = (model.width,)
        shapes[layer + "mlp.gate_proj.weight"] = (model.inner, model.width)
        shapes[layer + "mlp.up_proj.weight"] = (model.inner, model.width)
        shapes[layer + "mlp.down_proj.weight"] = (model.width, model.inner)
    shapes["model.norm.weight"] = (model.width,)
    if not model.tied:
        shapes["lm_head.weight"] = (model.vocabulary, model.width)
    return shapes


def load(folder):
    """Reads a Hugging Face folder: the decoder and its text parameters in float64, under text-only names."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        model = read_config(json.load(file))
    index = os.path.join(folder, "model.safetensors.index.json")
    stored = {}
    if os.path.exists(index):
        with open(index, encoding="utf-8") as file:
            places = json.load(file)["weight_map"]
        for shard in sorted(set(places.values())):
            stored.update(safetensors_io.read(os.path.join(folder, shard)))
        if set(stored) != set(places):
            raise ValueError(f"{folder}: the index and the shards name different tensors.")
    else:
        stored = safetensors_io.read(os.path.join(folder, "model.safetensors"))
    parameters = {
        name.replace("language_model.", "", 1): tensor.double()
        for name, tensor in stored.items()
        if not name.startswith(("vision_tower.", "multi_modal_projector."))
    }
    expected = parameter_shapes(model)
    found = {name: tuple(tensor.shape) for name, tensor in parameters.items()}
    if found != expected:
        raise ValueError(f"{folder}: {sorted(set(found.items()) ^ set(expected.items()))}")
    return model, parameters


def rms_norm(model, x, weight):
    scale = torch.rsqrt((x * x).mean(dim=-1, keepdim=True) + model.epsilon)
    return x * scale * (model.norm_offset + weight)


def rotate(model, rotation, x):
    """Turns queries or keys x, [T, heads, head_size], by position times frequency; positions count from 0."""
    half = model.head_size // 2
    angle = torch.outer(torch.arange(x.shape[0], dtype=torch.float64), rotation.frequencies(model.head_size))
    cosine, sine = angle.cos().unsqueeze(1), angle.sin().unsqueeze(1)  # [T, 1, head_size / 2]
    if model.rotate == "halves":
        first, second = x[..., :half], x[..., half:]
        return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)
    first, second = x[..., 0::2], x[..., 1::2]
    turned = torch.stack((first * cosine - second * sine, first * sine + second * cosine), dim=-1)
    return turned.reshape(x.shape)


def visible(count, window):
    """[T, T], true where query i (row) sees key j (column): 0 <= i - j, and i - j < window where there is one."""
    distance = torch.arange(count).unsqueeze(1) - torch.arange(count).unsqueeze(0)
    seen = distance >= 0
    return seen if window is None else seen & (distance < window)


def attention(query, key, value, scale, seen):
    """softmax(scale q kᵀ) v per head; query [T, H, D], key and value [T, K, D]; head h reads key head h / (H / K)."""
    group = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(group, dim=1), value.repeat_interleave(group, dim=1)
    scores = torch.einsum("ihd,jhd->hij", query, key) * scale
    weights = torch.softmax(scores.masked_fill(~seen, float("-inf")), dim=-1)
    return torch.einsum("hij,jhd->ihd", weights, value)


def attend(model, parameters, index, x):
    """The attention of layer `index`, x: [T, width]."""
    prefix, count = f"model.layers.{index}.self_attn.", x.shape[0]

    def project(name, heads):
        y = x @ parameters[prefix + name + "_proj.weight"].T
        if model.bias:
            y = y + parameters[prefix + name + "_proj.bias"]
        return y.reshape(count, heads, model.head_size)

    query, key, value = project("q", model.heads), project("k", model.key_heads), project("v", model.key_heads)
    if model.query_key_norm:
        query = rms_norm(model, query, parameters[prefix + "q_norm.weight"])
        key = rms_norm(model, key, parameters[prefix + "k_norm.weight"])
    query = rotate(model, model.rotations[index], query)
    key = rotate(model, model.rotations[index], key)
    mixed = attention(query, key, value, model.query_scale, visible(count, model.windows[index]))
    return mixed.reshape(count, -1) @ parameters[prefix + "o_proj.weight"].T


def activate(model, x):
    """SiLU, or for Gemma the tanh form of GELU."""
    if not model.gemma:
        return x / (1 + torch.exp(-x))
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gated_mlp(model, parameters, index, x):
    prefix = f"model.layers.{index}.mlp."
    gate = activate(model, x @ parameters[prefix + "gate_proj.weight"].T)
    return (gate * (x @ parameters[prefix + "up_proj.weight"].T)) @ parameters[prefix + "down_proj.weight"].T


def block(model, parameters, index, x):
    def norm(name, y):
        return rms_norm(model, y, parameters[f"model.layers.{index}.{name}_layernorm.weight"])

    if model.gemma:
        x = x + norm("post_attention", attend(model, parameters, index, norm("input", x)))
        return x + norm("post_feedforward", gated_mlp(model, parameters, index, norm("pre_feedforward", x)))
    x = x + attend(model, parameters, index, norm("input", x))
    return x + gated_mlp(model, parameters, index, norm("post_attention", x))


def logits(model, parameters, tokens):
    """Logits [T, vocabulary] of one document; tokens: [T]."""
    x = parameters["model.embed_tokens.weight"][tokens] * model.embedding_scale
    for index in range(model.layers):
        x = block(model, parameters, index, x)
    x = rms_norm(model, x, parameters["model.norm.weight"])
    head = parameters["model.embed_tokens.weight" if model.tied else "lm_head.weight"]
    return x @ head.T


def token_losses(scores, targets):
    """-log softmax(scores)[target] in nats, [T]; 0 where the target is negative."""
    predicted = targets >= 0
    chosen = scores.gather(1, targets.clamp(min=0).unsqueeze(1)).squeeze(1)
    return torch.where(predicted, torch.logsumexp(scores, dim=1) - chosen, torch.zeros_like(chosen))


def documents(inputs):
    """Yields (tokens, targets) of every segment of every row, in order: each is run as a document of its own."""
    for row in inputs["rows"]:
        end = 0
        for start, stop in row["segments"]:
            if start != end:
                raise ValueError("Segments must cover a row without gaps.")
            end = stop
            yield torch.tensor(row["tokens"][start:stop]), torch.tensor(row["targets"][start:stop])
        if end != len(row["tokens"]) or end != len(row["targets"]):
            raise ValueError("Segments must cover a row to its end.")


def run(model, parameters, inputs):
    """Logits [tokens, vocabulary], losses [tokens] and their mean over predicted tokens, documents run one by one."""
    scores, losses, predicted = [], [], 0
    for tokens, targets in documents(inputs):
        scores.append(logits(model, parameters, tokens))
        losses.append(token_losses(scores[-1], targets))
        predicted += int((targets >= 0).sum())
    losses = torch.cat(losses)
    return torch.cat(scores), losses, losses.sum() / predicted


def expected(model, parameters, inputs):
    """What expected.safetensors holds, all in float64."""
    leaves = {name: tensor.clone().requires_grad_(True) for name, tensor in parameters.items()}
    scores, losses, loss = run(model, leaves, inputs)
    loss.backward()
    results = {"logits": scores.detach(), "token_losses": losses.detach(), "loss": loss.detach().reshape(1)}
    results.update({f"grad.{name}": leaf.grad for name, leaf in leaves.items()})
    return results
