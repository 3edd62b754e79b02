"""Checks the oracle against what is not the oracle, and that the golden cases can tell right from wrong.

    python3 check_oracle.py

Finite differences of every gradient; PyTorch's own attention, activations and cross-entropy; complex rotation; packed
rows under one block mask; how far a window reaches; and wrong readings of the formulas, each of which has to move the
golden logits by several times the tolerance that implementations are given.
"""

import dataclasses
import math
import sys

import torch
import torch.nn.functional as F

import cases
import decoder
import encoder_checks
from wrong_readings import close, folder_of, replaced, wrong_readings_are_seen


def gradients_agree_with_central_differences(case):
    """Along a random direction d of each tensor: (loss(p + h d) - loss(p - h d)) / 2h, whose error falls with h²."""
    model, parameters, inputs = folder_of(case)
    results = decoder.expected(model, parameters, inputs)
    generator = torch.Generator().manual_seed(case.seed)
    for name, tensor in parameters.items():
        direction = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        direction /= direction.norm()
        step, losses = 2e-5, []
        for sign in (1, -1):
            moved = {**parameters, name: tensor + sign * step * direction}
            losses.append(decoder.run(model, moved, inputs)[2])
        slope = (losses[0] - losses[1]) / (2 * step)
        gradient = results[f"grad.{name}"]
        error = abs(float(slope - (gradient * direction).sum())) / float(gradient.norm())
        if not error < 1e-6:
            raise AssertionError(f"{case.name}: {name}: slope {float(slope)} differs by {error:.3g} of the gradient.")


def attention_agrees_with_pytorch(case):
    """The same heads through torch's multi_head_attention_forward, with unit projections and a Boolean mask."""
    model, _, _ = folder_of(case)
    generator = torch.Generator().manual_seed(case.seed)
    count, heads, size = 19, model.heads, model.head_size
    query, key, value = (
        torch.randn(count, n, size, generator=generator, dtype=torch.float64)
        for n in (heads, model.key_heads, model.key_heads)
    )
    for window in set(model.windows):
        rows = [[j <= i and (window is None or i < j + window) for j in range(count)] for i in range(count)]
        group = [head // (heads // model.key_heads) for head in range(heads)]
        unit, none = torch.eye(heads * size, dtype=torch.float64), torch.zeros(heads * size, dtype=torch.float64)
        theirs, _ = F.multi_head_attention_forward(
            (query * model.query_scale * math.sqrt(size)).reshape(count, 1, -1),
            key[:, group].reshape(count, 1, -1),
            value[:, group].reshape(count, 1, -1),
            heads * size, heads, None, none.repeat(3), None, None, False, 0.0, unit, none,
            attn_mask=~torch.tensor(rows), use_separate_proj_weight=True,
            q_proj_weight=unit, k_proj_weight=unit, v_proj_weight=unit,
        )  # fmt: skip
        ours = decoder.attention(query, key, value, model.query_scale, decoder.visible(count, window))
        close(ours.reshape(count, -1), theirs.reshape(count, -1), 1e-13, f"{case.name}: attention")


def rotation_is_a_complex_product(case):
    model, _, _ = folder_of(case)
    x = torch.randn(21, 2, model.head_size, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    half = model.head_size // 2
    for rotation in model.rotations:
        frequency = rotation.frequencies(model.head_size)
        for position in (0, 1, 20):
            turn = torch.exp(1j * position * frequency)
            halves = torch.complex(x[position, :, :half], x[position, :, half:]) * turn
            ours = decoder.rotate(model, rotation, x)[position]
            close(ours, torch.cat((halves.real, halves.imag), dim=-1), 1e-13, f"{case.name}: rotation")
            pairs = torch.view_as_complex(x[position].reshape(2, half, 2)) * turn
            ours = decoder.rotate(dataclasses.replace(model, rotate="pairs"), rotation, x)[position]
            close(ours, torch.view_as_real(pairs).reshape(2, -1), 1e-13, f"{case.name}: rotation of pairs")


def pieces_agree_with_pytorch(case):
    model, parameters, inputs = folder_of(case)
    x = torch.linspace(-6, 6, 97, dtype=torch.float64)
    theirs = F.gelu(x, approximate="tanh") if model.gemma else F.silu(x)
    close(decoder.activate(model, x), theirs, 1e-14, f"{case.name}: activation")
    scores, _, loss = decoder.run(model, parameters, inputs)
    targets = torch.cat([targets for _, targets in decoder.documents(inputs)])
    theirs = F.cross_entropy(scores, targets, ignore_index=-1)
    close(loss, theirs, 1e-14, f"{case.name}: loss")


def documents_do_not_see_each_other(case):
    """A packed row as one run under a block mask, its positions running on, gives what its documents give alone."""
    model, parameters, inputs = folder_of(case)
    alone, end = decoder.run(model, parameters, inputs)[0], 0
    for row in inputs["rows"]:
        owner = torch.tensor([n for n, (start, stop) in enumerate(row["segments"]) for _ in range(start, stop)])
        same = owner.unsqueeze(1) == owner.unsqueeze(0)
        with replaced("visible", lambda count, window: causal(count, window) & same) as causal:
            together = decoder.logits(model, parameters, torch.tensor(row["tokens"]))
        close(together, alone[end : end + len(owner)], 1e-12, f"{case.name}: packed row")
        end += len(owner)


def windows_reach_as_far_as_they_say(case):
    """Row i of a layer's attention moves with token j exactly when 0 <= i - j < window."""
    model, parameters, _ = folder_of(case)
    x = torch.randn(24, model.width, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    for index, window in enumerate(model.windows):
        before = decoder.attend(model, parameters, index, x)
        moved = x.clone()
        moved[4] += 1
        change = (decoder.attend(model, parameters, index, moved) - before).abs().amax(dim=1)
        for i in range(24):
            reached = 0 <= i - 4 and (window is None or i - 4 < window)
            if (float(change[i]) > 1e-9) != reached:
                raise AssertionError(f"{case.name}: layer {index}, row {i} moved by {float(change[i]):.3g}.")


def llama3_scaling_meets_its_neighbours():
    """At the two ends of its band the llama3 frequency is f / factor and f."""
    scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    rotation = decoder.Rotation(1e4, {**scaling, "original_max_position_embeddings": 64})
    for end, side, factor in ((64, -1, 8), (64, 1, 8), (16, -1, 1), (16, 1, 1)):
        wavelength = end * (1 + side * 1e-12)
        frequency = 2 * math.pi / wavelength
        if abs(rotation._llama3(frequency) * factor / frequency - 1) > 1e-9:
            raise AssertionError(f"llama3 scaling is not continuous at wavelength {wavelength}.")


CHECKS = (
    gradients_agree_with_central_differences,
    attention_agrees_with_pytorch,
    rotation_is_a_complex_product,
    pieces_agree_with_pytorch,
    documents_do_not_see_each_other,
    windows_reach_as_far_as_they_say,
)


def main():
    torch.set_num_threads(1)
    for check in CHECKS:
        for case in cases.CASES:
            check(case)
        print(f"{check.__name__.replace('_', ' ')}: {len(cases.CASES)} cases")
    llama3_scaling_meets_its_neighbours()
    print(wrong_readings_are_seen())
    encoder_checks.check()
    return 0


if __name__ == "__main__":
    sys.exit(main())
