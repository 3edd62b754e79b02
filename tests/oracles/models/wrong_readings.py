"""Wrong readings of the formulas, each of which has to move the golden logits well beyond the tolerance."""

import contextlib
import dataclasses
import json
import math
import os

import torch
import torch.nn.functional as F

import cases
import decoder
from regenerate import GOLDEN

TOLERANCE = 1e-4  # of max |logits|: what an implementation in float32 is allowed
LEAST_EFFECT = 4  # tolerances; the two forms of GELU differ by 5e-4 at most; everything else moves 40 and more

decoder_attention, decoder_rotate, decoder_attend = decoder.attention, decoder.rotate, decoder.attend


def folder_of(case):
    model, parameters = decoder.load(os.path.join(GOLDEN, case.name))
    with open(os.path.join(GOLDEN, case.name, "inputs.json"), encoding="utf-8") as file:
        return model, parameters, json.load(file)


def close(a, b, relative, what):
    error = float((a - b).abs().max()) / max(float(b.abs().max()), 1e-300)
    if not error <= relative:
        raise AssertionError(f"{what}: relative difference {error:.3g}, allowed {relative:.3g}.")


@contextlib.contextmanager
def replaced(name, function):
    """The oracle with one of its functions replaced."""
    original = getattr(decoder, name)
    setattr(decoder, name, function)
    try:
        yield original
    finally:
        setattr(decoder, name, original)


# Each reading takes a decoder and gives a wrong one, or replaces a function by a wrong one.


def _window(change):
    return lambda model: dataclasses.replace(model, windows=tuple(w and w + change for w in model.windows))


def _rotations(change):
    """Other rotations; `change` maps (the layer is global, its rotation) to a rotation."""
    return lambda model: dataclasses.replace(
        model, rotations=tuple(change(w is None, r) for w, r in zip(model.windows, model.rotations))
    )


def _swap(model):
    kinds = {w is None: r for w, r in zip(model.windows, model.rotations)}
    return dataclasses.replace(model, rotations=tuple(kinds[w is not None] for w in model.windows))


def _interleaved_groups(query, key, value, scale, seen):
    order = [head % key.shape[1] for head in range(query.shape[1])]
    return decoder_attention(query, key[:, order], value[:, order], scale, seen)


def _weights_after_rotation(model, parameters, index, x):
    """The weights of the query and key norms applied after the rotation, where the published models rotate last."""
    names = [f"model.layers.{index}.self_attn.{name}_norm.weight" for name in "qk"]
    unit = {name: torch.full((model.head_size,), 1 - model.norm_offset, dtype=torch.float64) for name in names}
    weights = iter([parameters[name] for name in names])

    def rotate(model, rotation, y):
        return decoder_rotate(model, rotation, y) * (model.norm_offset + next(weights))

    with replaced("rotate", rotate):
        return decoder_attend(model, {**parameters, **unit}, index, x)


def _erf_gelu(model, x):
    return F.gelu(x)


def _whole_row(inputs):
    rows = [{**row, "segments": [[0, len(row["tokens"])]]} for row in inputs["rows"]]
    return {"rows": rows}


LLAMA, QWEN2, QWEN3 = ["llama-tied", "llama3-untied-sharded", "llama-packed"], ["qwen2-bias"], ["qwen3-bf16"]
GEMMA = ["gemma3-pattern", "gemma3-layer-types", "gemma3-multimodal"]
EVERY = LLAMA + QWEN2 + QWEN3 + GEMMA

WRONG_MODELS = [
    ("window one wider", GEMMA, _window(1)),
    ("window one narrower", GEMMA, _window(-1)),
    ("window on every layer", GEMMA, lambda m: dataclasses.replace(
        m, windows=(min(filter(None, m.windows)),) * m.layers)),
    ("window on no layer", GEMMA, lambda m: dataclasses.replace(m, windows=(None,) * m.layers)),
    ("local and global rotations swapped", GEMMA, _swap),
    ("scaling ignored", GEMMA + LLAMA[1:], _rotations(lambda _, r: decoder.Rotation(r.theta))),
    ("scaling on local layers", GEMMA, lambda m: _rotations(
        lambda is_global, r: r if is_global else decoder.Rotation(
            r.theta, next(g.scaling for g, w in zip(m.rotations, m.windows) if w is None)))(m)),
    ("positions multiplied", GEMMA + LLAMA[2:], _rotations(
        lambda _, r: dataclasses.replace(r, scaling={**r.scaling, "factor": 1 / r.scaling.get("factor", 1)}))),
    ("llama3 band without a slope", LLAMA[1:2], _rotations(
        lambda _, r: dataclasses.replace(r, scaling={**r.scaling, "high_freq_factor": 1.0 + 1e-9}))),
    ("other base", EVERY, _rotations(lambda _, r: dataclasses.replace(r, theta=r.theta * 3))),
    ("neighbours rotated", EVERY, lambda m: dataclasses.replace(m, rotate="pairs")),
    ("scale from the head size", GEMMA[:1], lambda m: dataclasses.replace(m, query_scale=m.head_size**-0.5)),
    ("norm offset", EVERY, lambda m: dataclasses.replace(m, norm_offset=1 - m.norm_offset)),
    ("embedding not scaled", GEMMA, lambda m: dataclasses.replace(m, embedding_scale=1.0)),
    ("embedding scaled by the head width", GEMMA, lambda m: dataclasses.replace(
        m, embedding_scale=math.sqrt(m.heads * m.head_size))),
    ("epsilon 1e-6", ["llama-packed"] + QWEN3, lambda m: dataclasses.replace(m, epsilon=1e-6)),
    ("no bias", QWEN2, lambda m: dataclasses.replace(m, bias=False)),
    ("no query and key norm", QWEN3, lambda m: dataclasses.replace(m, family="llama")),
]  # fmt: skip

WRONG_FUNCTIONS = [
    ("gelu by erf", GEMMA, "activate", _erf_gelu),
    ("heads share keys in turn", ["llama-tied"] + QWEN2, "attention", _interleaved_groups),
    ("query and key weights after the rotation", QWEN3 + GEMMA, "attend", _weights_after_rotation),
]


def wrong_readings_are_seen():
    """Prints the smallest effect, as a multiple of the tolerance."""
    folders = {case.name: folder_of(case) for case in cases.CASES}
    right = {name: decoder.run(*folder)[0] for name, folder in folders.items()}
    effects = []

    def see(what, name, wrong):
        error = float((wrong - right[name]).abs().max() / right[name].abs().max()) / TOLERANCE
        effects.append((error, what, name))

    for what, names, change in WRONG_MODELS:
        for name in names:
            model, parameters, inputs = folders[name]
            see(what, name, decoder.run(change(model), parameters, inputs)[0])
    for what, names, function, wrong in WRONG_FUNCTIONS:
        for name in names:
            with replaced(function, wrong):
                see(what, name, decoder.run(*folders[name])[0])
    for name in ("llama-packed", "gemma3-layer-types"):
        model, parameters, inputs = folders[name]
        see("documents see each other", name, decoder.run(model, parameters, _whole_row(inputs))[0])
    for effect, what, name in effects:
        if not effect > LEAST_EFFECT:
            raise AssertionError(f"{name}: '{what}' moves the logits by only {effect:.3g} tolerances.")
    effect, what, name = min(effects)
    return f"{len(effects)} wrong readings seen; the least visible, '{what}' in {name}, moves {effect:.0f} tolerances"
