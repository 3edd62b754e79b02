"""Checks the encoder and its single operations against PyTorch's own modules and against central differences."""

import json
import os

import torch
import torch.nn.functional as F

import adapters
import encoder
import operations
import safetensors_io
from regenerate import GOLDEN
from wrong_readings import close

FOLDER = os.path.join(GOLDEN, encoder.NAME)


def loaded():
    model, parameters = encoder.load(FOLDER)
    with open(os.path.join(FOLDER, "inputs.json"), encoding="utf-8") as file:
        return model, parameters, json.load(file)


def blocks_agree_with_pytorch():
    """torch.nn.TransformerEncoderLayer on all rows at once, padding masked, against our rows one by one."""
    model, parameters, inputs = loaded()
    tokens = torch.tensor([row["tokens"] for row in inputs["rows"]])
    padded = tokens == model.padding
    positions = model.padding + (~padded).long().cumsum(dim=1) * ~padded
    x = parameters["roberta.embeddings.word_embeddings.weight"][tokens]
    x = x + parameters["roberta.embeddings.token_type_embeddings.weight"][0]
    x = x + parameters["roberta.embeddings.position_embeddings.weight"][positions]
    names = [f"roberta.embeddings.LayerNorm.{kind}" for kind in ("weight", "bias")]
    x = F.layer_norm(x, (model.width,), *(parameters[name] for name in names), model.epsilon)
    for index in range(model.layers):
        x = _pytorch_block(model, parameters, f"roberta.encoder.layer.{index}.")(x, src_key_padding_mask=padded)
    ours = encoder.run(model, parameters, inputs)[0]
    close(ours[~padded.flatten()], x[~padded], 1e-13, "encoder blocks")


def _pytorch_block(model, parameters, prefix):
    layer = torch.nn.TransformerEncoderLayer(
        model.width, model.heads, model.inner, dropout=0.0, activation=F.gelu,
        layer_norm_eps=model.epsilon, batch_first=True, norm_first=False, dtype=torch.float64,
    )  # fmt: skip
    names = {
        "self_attn.out_proj": "attention.output.dense",
        "norm1": "attention.output.LayerNorm",
        "linear1": "intermediate.dense",
        "linear2": "output.dense",
        "norm2": "output.LayerNorm",
    }
    state = {}
    for kind in ("weight", "bias"):
        parts = [parameters[f"{prefix}attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
        state[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
        state.update({f"{theirs}.{kind}": parameters[f"{prefix}{ours}.{kind}"] for theirs, ours in names.items()})
    layer.load_state_dict(state)
    return layer.train()  # the plain path; the fused one of eval() refuses some masks


def gradients_agree_with_central_differences():
    model, parameters, inputs = loaded()
    results = encoder.expected(model, parameters, inputs)
    generator = torch.Generator().manual_seed(1)
    for name, tensor in parameters.items():
        direction = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        direction /= direction.norm()
        step = 2e-5
        above = encoder.run(model, {**parameters, name: tensor + step * direction}, inputs)[3]
        below = encoder.run(model, {**parameters, name: tensor - step * direction}, inputs)[3]
        slope, gradient = (above - below) / (2 * step), results[f"grad.{name}"]
        if not float((slope - (gradient * direction).sum()).abs()) < 1e-6 * float(gradient.norm()) + 1e-10:
            raise AssertionError(f"encoder: {name}: slope {float(slope)}.")


def classifier_agrees_with_pytorch():
    """PyTorch's linear layer and loss over our last activations, against the committed losses."""
    model, parameters, inputs = loaded()
    given = safetensors_io.read(os.path.join(FOLDER, "classifier.inputs.safetensors"))
    golden = safetensors_io.read(os.path.join(FOLDER, "classifier.expected.safetensors"))
    scores = F.linear(
        encoder.run(model, parameters, inputs)[0], given["classifier.weight"].double(), given["classifier.bias"].double()
    )  # fmt: skip
    close(golden["loss"][0], F.cross_entropy(scores, given["labels"], ignore_index=-1), 1e-12, "classifier loss")
    losses = F.cross_entropy(scores, given["labels"], ignore_index=-1, reduction="none")
    close(golden["token_losses"], losses, 1e-12, "classifier token losses")


def operations_agree_with_pytorch():
    """Each operation by PyTorch's function of that name, with its own backward pass, against the committed file."""
    given = safetensors_io.read(os.path.join(FOLDER, "operations.inputs.safetensors"))
    golden = safetensors_io.read(os.path.join(FOLDER, "operations.expected.safetensors"))
    rounding = 2.0**-24  # the golden numbers are float32

    def same(name, tensor):
        close(golden[name].double(), tensor, rounding, name)

    def leaves(*names):
        return [given[name].double().requires_grad_(True) for name in names]

    x, weight, bias = leaves("layer_norm.x", "layer_norm.weight", "layer_norm.bias")
    y = F.layer_norm(x, (x.shape[1],), weight, bias, operations.EPSILON)
    y.backward(given["layer_norm.dy"].double())
    for name, tensor in (("y", y), ("dx", x.grad), ("dweight", weight.grad), ("dbias", bias.grad)):
        same("layer_norm." + name, tensor)

    (x,) = leaves("gelu.x")
    y = F.gelu(x)
    y.backward(given["gelu.dy"].double())
    same("gelu.y", y)
    same("gelu.dx", x.grad)

    (x,) = leaves("cross_entropy.logits")
    loss = F.cross_entropy(x, given["cross_entropy.targets"], ignore_index=-1)
    loss.backward()
    same("cross_entropy.loss", loss)
    same("cross_entropy.dlogits", x.grad)

    q, k, v = leaves("attention.q", "attention.k", "attention.v")
    lengths = given["attention.lengths"]
    real = torch.arange(q.shape[1]).unsqueeze(0) < lengths.unsqueeze(1)  # [rows, T]
    scores = torch.einsum("bihd,bjhd->bhij", q, k) / q.shape[-1] ** 0.5
    weights = F.softmax(scores.masked_fill(~real[:, None, None, :], float("-inf")), dim=-1)
    y = torch.einsum("bhij,bjhd->bihd", weights, v) * real[:, :, None, None]
    y.backward(given["attention.dy"].double())
    for name, tensor in (("y", y), ("dq", q.grad), ("dk", k.grad), ("dv", v.grad)):
        same("attention." + name, tensor)


def adapters_agree_with_central_differences():
    model, parameters, inputs = loaded()
    generator = torch.Generator().manual_seed(2)
    for kind in adapters.KINDS:
        tensors = adapters.load(os.path.join(FOLDER, kind.name))
        results = adapters.expected(kind, model, parameters, inputs, tensors)
        for name, tensor in tensors.items():
            direction = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
            step = 2e-5 / float(direction.norm())
            above = encoder.run(model, parameters, inputs, kind({**tensors, name: tensor + step * direction}))[3]
            below = encoder.run(model, parameters, inputs, kind({**tensors, name: tensor - step * direction}))[3]
            slope, gradient = (above - below) / (2 * step), results[f"grad.{name}"]
            if not float((slope - (gradient * direction).sum()).abs()) < 1e-6 * float(direction.norm()) * (
                float(gradient.norm()) + 1e-4
            ):
                raise AssertionError(f"{kind.name}: {name}: slope {float(slope)}.")


def adapters_agree_with_other_formulas():
    """Fusion by PyTorch's attention of one head; a prefix by mixing two attentions by the sums of their softmaxes."""
    generator = torch.Generator().manual_seed(3)
    query, keys, values = (torch.randn(n, 7, 24, generator=generator, dtype=torch.float64) for n in (1, 3, 3))
    unit, none = torch.eye(24, dtype=torch.float64), torch.zeros(72, dtype=torch.float64)
    theirs, _ = F.multi_head_attention_forward(
        query * 24**0.5, keys, values, 24, 1, None, none, None, None, False, 0.0, unit, none[:24],
        use_separate_proj_weight=True, q_proj_weight=unit, k_proj_weight=unit, v_proj_weight=unit,
    )  # fmt: skip
    close(adapters.fuse(query[0], keys, values), theirs[0], 1e-13, "fusion")

    tensors = adapters.load(os.path.join(FOLDER, "prefix"))
    stored = tensors["prompt_embeddings"]
    q, k, v = (torch.randn(5, 3, 8, generator=generator, dtype=torch.float64) for _ in range(3))
    joined = adapters.Prefix(tensors).before(1, k, v)
    ours = torch.softmax(torch.einsum("ihd,jhd->ihj", q, joined[0]), dim=-1)
    ours = torch.einsum("ihj,jhd->ihd", ours, joined[1])
    for head in range(3):
        columns = slice(8 * head, 8 * head + 8)
        past_key, past_value = stored[:, 48:72][:, columns], stored[:, 72:96][:, columns]
        own, past = (q[:, head] @ k[:, head].T).exp(), (q[:, head] @ past_key.T).exp()
        share = past.sum(1, keepdim=True) / (own.sum(1, keepdim=True) + past.sum(1, keepdim=True))
        mixed = (1 - share) * (own / own.sum(1, keepdim=True)) @ v[:, head]
        mixed = mixed + share * (past / past.sum(1, keepdim=True)) @ past_value
        close(ours[:, head], mixed, 1e-13, "prefix")


def check():
    blocks_agree_with_pytorch()
    gradients_agree_with_central_differences()
    classifier_agrees_with_pytorch()
    operations_agree_with_pytorch()
    adapters_agree_with_central_differences()
    adapters_agree_with_other_formulas()
    print("encoder, its operations and adapters: agree with PyTorch's modules and with central differences")
