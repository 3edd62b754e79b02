"""Writes tests/Golden/adapters, or with --check recomputes it and compares with what is committed.

    python3 regenerate.py            write every case
    python3 regenerate.py --check    compare; exit code 1 and one line per difference

The adapters lie on the golden models beside: W + scale B A takes the place of W, in float64, and autograd gives the
gradients of A and B. The folders of the adapters are written by json and struct from the description of PEFT's format.
"""

import argparse
import importlib.util
import json
import os
import random
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../models"))

import torch  # noqa: E402

import cases  # noqa: E402
import decoder  # noqa: E402
import encoder  # noqa: E402
import safetensors_io  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.normpath(os.path.join(HERE, "../../Golden"))
# By its place: this file has the same name.
_PLACE = importlib.util.spec_from_file_location("of_models", os.path.join(HERE, "../models/regenerate.py"))
models = importlib.util.module_from_spec(_PLACE)
_PLACE.loader.exec_module(models)

DECODER_LAYERS = ["self_attn.q_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj"]
ENCODER_LAYERS = [
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
]  # fmt: skip

# Name of the model, module path of a layer, layers, seed, what adapter_config.json says besides the defaults.
CASES = [
    (
        "llama-tied", "model.layers.{}.", DECODER_LAYERS, 31,
        {
            "alpha_pattern": {"q_proj": 3}, "lora_alpha": 6, "r": 4, "rank_pattern": {"mlp.down_proj": 2},
            "target_modules": ["q_proj", "v_proj", "o_proj", "up_proj", "down_proj"], "task_type": "CAUSAL_LM",
        },
    ),
    (
        "encoder-tiny", "roberta.encoder.layer.{}.", ENCODER_LAYERS, 32,
        {
            "lora_alpha": 5, "r": 3, "use_rslora": True,
            "target_modules": ["query", "key", "value", "intermediate.dense", "output.dense"],
        },
    ),
]  # fmt: skip


def config_of(name, changes):
    """adapter_config.json with every key that is always written."""
    return {
        "alpha_pattern": {}, "auto_mapping": None, "base_model_name_or_path": name, "bias": "none",
        "exclude_modules": None, "fan_in_fan_out": False, "inference_mode": True, "init_lora_weights": True,
        "layers_pattern": None, "layers_to_transform": None, "lora_dropout": 0.0, "modules_to_save": None,
        "peft_type": "LORA", "peft_version": "0.17.0", "rank_pattern": {}, "revision": None, "task_type": None,
        "use_dora": False, "use_rslora": False, **changes,
    }  # fmt: skip


def rank_and_scale(config, module):
    """Patterns here are names that a module ends with."""
    rank = next((r for end, r in config["rank_pattern"].items() if module.endswith(end)), config["r"])
    alpha = next((a for end, a in config["alpha_pattern"].items() if module.endswith(end)), config["lora_alpha"])
    return rank, alpha / (rank**0.5 if config["use_rslora"] else rank)


def adapter_of(config, weights, modules, seed):
    """A and B, float32, by module; small enough that the model stays itself."""
    source, pairs = random.Random(seed), {}
    for module in modules:
        rank, _ = rank_and_scale(config, module)
        outputs, inputs = weights[module + ".weight"].shape
        pairs[module] = (
            cases.uniform(source, (rank, inputs), -0.4, 0.4).float(),
            cases.uniform(source, (outputs, rank), -0.3, 0.3).float(),
        )
    return pairs


def write_case(root, name, path, layers, seed, changes):
    oracle = encoder if name.startswith("encoder") else decoder
    base = os.path.join(GOLDEN, "models", name)
    model, weights = oracle.load(base)
    with open(os.path.join(base, "inputs.json"), encoding="utf-8") as file:
        inputs = json.load(file)
    config = config_of(name, changes)
    modules = [path.format(index) + layer for index in range(model.layers) for layer in layers]
    pairs = adapter_of(config, weights, modules, seed)
    folder = os.path.join(root, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "adapter_config.json"), "w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(config, indent=2, sort_keys=True))
    stored = {}
    for module, (a, b) in pairs.items():
        stored[f"base_model.model.{module}.lora_A.weight"] = a
        stored[f"base_model.model.{module}.lora_B.weight"] = b
    safetensors_io.write(os.path.join(folder, "adapter_model.safetensors"), stored)
    models.write_expected(folder, expected(oracle, config, model, weights, pairs, inputs))


def expected(oracle, config, model, weights, pairs, inputs):
    """Logits, losses, and the gradients of A and B, all in float64."""
    leaves, adapted = {}, dict(weights)
    for module, (a, b) in pairs.items():
        _, scale = rank_and_scale(config, module)
        a, b = a.double().requires_grad_(True), b.double().requires_grad_(True)
        leaves[f"{module}.lora_A.weight"], leaves[f"{module}.lora_B.weight"] = a, b
        adapted[module + ".weight"] = weights[module + ".weight"] + scale * b @ a
    *_, scores, losses, loss = oracle.run(model, adapted, inputs)
    loss.backward()
    results = {"logits": scores.detach(), "token_losses": losses.detach(), "loss": loss.detach().reshape(1)}
    results.update({f"grad.{name}": leaf.grad for name, leaf in leaves.items()})
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    committed = os.path.join(GOLDEN, "adapters")
    if not arguments.check:
        for case in CASES:
            write_case(committed, *case)
        return 0
    with tempfile.TemporaryDirectory() as made:
        for case in CASES:
            write_case(made, *case)
        lines = list(models.differences(made, committed))
    print("\n".join(lines) if lines else "The golden adapters agree.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
