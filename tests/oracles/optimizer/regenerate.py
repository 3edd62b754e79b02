"""Writes tests/Golden/optimizer: AdamW with L2-SP and clipping by torch.optim in float64; or compares with --check.

    python3 regenerate.py            write every case
    python3 regenerate.py --check    compare; exit code 1 and one line per difference

The data loss is linear, sum(gradient_t · parameter), so that its gradient at step t is the given numbers whatever the
values; the L2-SP penalty is added to it and autograd does the rest. Every file is checked against the formulas of
README.md, written out over plain Python numbers, before it is written or compared.
"""

import argparse
import json
import math
import os
import random
import sys

import torch

GOLDEN = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Golden/optimizer"))
RELATIVE = 1e-12
SHAPES = (("layers.0.weight", (3, 5), True), ("layers.1.weight", (7,), True), ("norm.weight", (2, 3), False))

CASES = {
    # Nothing but AdamW: the gradients pass as they are.
    "adamw": {
        "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01, "max_norm": None,
        "learning_rates": [2e-3, 4e-3, 6e-3, 4e-3, 1e-3], "lambdas": [0, 0, 0],
        "gradient_sizes": [1, 1, 1, 1, 1], "distance": 0,
    },
    # Away from the anchor, another strength for each parameter; clipping acts on some steps only.
    "adamw-l2sp-clipped": {
        "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-6, "weight_decay": 0.1, "max_norm": 1.0,
        "learning_rates": [1e-2, 3e-2, 3e-2, 2e-2, 5e-3], "lambdas": [0.3, 0.05, 0],
        "gradient_sizes": [0.6, 0.02, 0.3, 0.05, 1.2], "distance": 0.4,
    },
    # From the anchor: the penalty of the first step is exactly 0, then it grows. The paper's two strengths.
    "adamw-l2sp-from-anchor": {
        "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01, "max_norm": 1.0,
        "learning_rates": [5e-2, 1e-1, 8e-2, 4e-2, 0], "lambdas": [0.05, 0.001, 0.001],
        "gradient_sizes": [0.5, 0.5, 1e-3, 0.2, 0.1], "distance": 0,
    },
}  # fmt: skip


def inputs_of(seed, case):
    """Parameters with initial values, anchors and the data loss's gradients, all exact in float32."""
    source, parameters = random.Random(seed), []

    def numbers(count, size):
        values = [size * (2 * source.random() - 1) for _ in range(count)]
        return torch.tensor(values, dtype=torch.float64).float().tolist()

    for (name, shape, decays), strength in zip(SHAPES, case["lambdas"]):
        count = math.prod(shape)
        anchor = numbers(count, 1.0)
        moved = torch.tensor(anchor) + torch.tensor(numbers(count, case["distance"]))
        parameters.append({
            "name": name,
            "shape": list(shape),
            "decays": decays,
            "lambda": strength,
            "anchor": anchor,
            "initial": moved.tolist(),
            "gradients": [numbers(count, size) for size in case["gradient_sizes"]],
        })  # fmt: skip
    settings = {key: case[key] for key in ("beta1", "beta2", "epsilon", "weight_decay", "max_norm", "learning_rates")}
    return {**settings, "parameters": parameters}


def steps_of(inputs):
    """The five steps by torch.optim.AdamW, autograd and clip_grad_norm_."""
    given = inputs["parameters"]
    values = [torch.tensor(p["initial"], dtype=torch.float64).reshape(p["shape"]).requires_grad_() for p in given]
    anchors = [torch.tensor(p["anchor"], dtype=torch.float64).reshape(p["shape"]) for p in given]
    groups = [
        {"params": [value], "weight_decay": inputs["weight_decay"] if p["decays"] else 0.0}
        for p, value in zip(given, values)
    ]
    betas = (inputs["beta1"], inputs["beta2"])
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=inputs["epsilon"])
    steps = []
    for number, rate in enumerate(inputs["learning_rates"]):
        gradients = [torch.tensor(p["gradients"][number], dtype=torch.float64).reshape(p["shape"]) for p in given]
        data = sum((gradient * value).sum() for gradient, value in zip(gradients, values))
        penalty = sum(p["lambda"] * ((v - a) ** 2).sum() for p, v, a in zip(given, values, anchors))
        optimizer.zero_grad()
        (data + penalty).backward()
        before = [value.grad.clone() for value in values]
        limit = math.inf if inputs["max_norm"] is None else inputs["max_norm"]
        norm = float(torch.nn.utils.clip_grad_norm_(values, limit)) if limit < math.inf else _norm(before)
        for group in optimizer.param_groups:
            group["lr"] = rate
        clipped = [value.grad.clone() for value in values]
        optimizer.step()
        state = [optimizer.state[value] for value in values]
        steps.append({
            "penalty": float(penalty),
            "data_gradient_norm": _norm(gradients),
            "gradient_norm": norm,
            "clipped_gradient_norm": _norm(clipped),
            "values": [_flat(value) for value in values],
            "first_moments": [_flat(s["exp_avg"]) for s in state],
            "second_moments": [_flat(s["exp_avg_sq"]) for s in state],
        })  # fmt: skip
    return steps


def formulas(inputs):
    """The same five steps from the formulas of README.md, number by number."""
    given, steps = inputs["parameters"], []
    values = [list(p["initial"]) for p in given]
    first, second = [[0.0] * len(v) for v in values], [[0.0] * len(v) for v in values]
    beta1, beta2 = inputs["beta1"], inputs["beta2"]
    for t, rate in enumerate(inputs["learning_rates"], start=1):
        penalty, pulled = 0.0, []
        for p, theta in zip(given, values):
            strength = p["lambda"]
            penalty += strength * sum((x - a) ** 2 for x, a in zip(theta, p["anchor"]))
            terms = zip(p["gradients"][t - 1], theta, p["anchor"])
            pulled.append([g + 2 * strength * (x - a) for g, x, a in terms])
        norm = math.sqrt(sum(g * g for part in pulled for g in part))
        limit = inputs["max_norm"]
        scale = 1.0 if limit is None else min(1.0, limit / (norm + 1e-6))
        for p, theta, m, v, part in zip(given, values, first, second, pulled):
            decay = inputs["weight_decay"] if p["decays"] else 0.0
            for i, g in enumerate(part):
                m[i] = beta1 * m[i] + (1 - beta1) * scale * g
                v[i] = beta2 * v[i] + (1 - beta2) * (scale * g) ** 2
                corrected, spread = m[i] / (1 - beta1**t), math.sqrt(v[i] / (1 - beta2**t))
                theta[i] = theta[i] * (1 - rate * decay) - rate * corrected / (spread + inputs["epsilon"])
        steps.append({
            "penalty": penalty,
            "data_gradient_norm": math.sqrt(sum(g * g for p in given for g in p["gradients"][t - 1])),
            "gradient_norm": norm,
            "clipped_gradient_norm": scale * norm,
            "values": [list(part) for part in values],
            "first_moments": [list(part) for part in first],
            "second_moments": [list(part) for part in second],
        })  # fmt: skip
    return steps


def _norm(tensors):
    return math.sqrt(sum(float((tensor * tensor).sum()) for tensor in tensors))


def _flat(tensor):
    return tensor.detach().reshape(-1).tolist()


def differences(mine, theirs, relative, path=""):
    """Yields one line per leaf that differs; numbers may differ by `relative` of the largest of their list."""
    if isinstance(mine, dict) and isinstance(theirs, dict) and mine.keys() == theirs.keys():
        for key in mine:
            yield from differences(mine[key], theirs[key], relative, f"{path}.{key}")
    elif _is_list_of_numbers(mine) and _is_list_of_numbers(theirs) and len(mine) == len(theirs):
        allowed = relative * max(abs(x) for x in theirs)
        for index, (a, b) in enumerate(zip(mine, theirs)):
            if not abs(a - b) <= allowed:
                yield f"{path}[{index}]: {a!r}, not {b!r}"
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for index, (a, b) in enumerate(zip(mine, theirs)):
            yield from differences(a, b, relative, f"{path}[{index}]")
    elif isinstance(mine, float) and isinstance(theirs, float):
        if not abs(mine - theirs) <= relative * abs(theirs):
            yield f"{path}: {mine!r}, not {theirs!r}"
    elif mine != theirs:
        yield f"{path}: {mine!r}, not {theirs!r}"


def _is_list_of_numbers(value):
    return isinstance(value, list) and bool(value) and all(isinstance(x, float) for x in value)


def text_of(tree):
    """JSON with a list of numbers on one line."""
    lines, plain = [], json.dumps(tree, indent=1)
    inside = False
    for line in plain.split("\n"):
        stripped = line.strip()
        number = stripped.rstrip(",").lstrip("-")[:1].isdigit()
        if inside and (number or stripped in ("]", "],")):
            lines[-1] += stripped if stripped[0] == "]" else stripped.replace(",", ", ")
            inside = number
        else:
            lines.append(line)
            inside = stripped.endswith("[")
    return "\n".join(line.replace(", ]", "]") for line in lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    check, failed = parser.parse_args().check, False
    torch.set_num_threads(1)
    os.makedirs(GOLDEN, exist_ok=True)
    for seed, (name, case) in enumerate(CASES.items(), start=1):
        inputs = inputs_of(seed, case)
        steps, path = steps_of(inputs), os.path.join(GOLDEN, name + ".json")
        lines = [f"against the formulas: {line}" for line in differences(formulas(inputs), steps, RELATIVE)]
        if check:
            with open(path, encoding="utf-8") as file:
                committed = json.load(file)
            committed_steps = committed.pop("steps")
            lines += [f"inputs: {line}" for line in differences(inputs, committed, 0)]
            lines += [f"steps: {line}" for line in differences(steps, committed_steps, RELATIVE)]
        elif not lines:
            with open(path, "w", encoding="utf-8", newline="\n") as file:
                file.write(text_of({**inputs, "steps": steps}))
        failed |= bool(lines)
        print("\n".join(f"{name}: {line}" for line in lines) if lines else f"{name}: agrees")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
