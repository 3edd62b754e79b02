"""Writes tests/Golden/models, or with --check recomputes it and compares with what is committed.

    python3 regenerate.py            write every case
    python3 regenerate.py --check    compare; exit code 1 and one line per difference
"""

import argparse
import json
import os
import shutil
import sys
import tempfile

import torch

import adapters
import cases
import classifier
import decoder
import encoder
import operations
import safetensors_io

GOLDEN = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Golden/models"))
RELATIVE = 1e-12  # of float64 outputs between two machines: a few hundred roundings of the longest sums
HALF_ULP = 2.0**-24  # of everything but losses, which is stored as float32


def write_decoder(case, folder):
    """Writes config, weights and inputs, then what the folder as stored gives."""
    os.makedirs(folder)
    write_json(os.path.join(folder, "config.json"), case.config)
    tensors = {case.prefix + name: tensor for name, tensor in cases.parameters_of(case).items()}
    tensors.update(cases.others_of(case))
    write_weights(folder, tensors, case.shards)
    inputs = cases.inputs_of(case)
    write_inputs(os.path.join(folder, "inputs.json"), inputs)
    model, parameters = decoder.load(folder)
    write_expected(folder, decoder.expected(model, parameters, inputs))


def write_encoder(folder):
    """Writes the encoder folder, beside the model its single operations, and adapters in folders below."""
    os.makedirs(folder)
    model = encoder.read_config(encoder.CONFIG)
    write_json(os.path.join(folder, "config.json"), encoder.CONFIG)
    write_weights(folder, encoder.parameters_of(model), shards=1)
    inputs = encoder.inputs_of(model)
    write_inputs(os.path.join(folder, "inputs.json"), inputs)
    model, parameters = encoder.load(folder)
    write_expected(folder, encoder.expected(model, parameters, inputs))
    given = classifier.inputs_of(model, inputs)
    safetensors_io.write(os.path.join(folder, "classifier.inputs.safetensors"), given)
    results = classifier.expected(model, parameters, inputs, given)
    write_tensors(os.path.join(folder, "classifier.expected.safetensors"), results)
    given = operations.inputs()
    safetensors_io.write(os.path.join(folder, "operations.inputs.safetensors"), given)
    write_tensors(os.path.join(folder, "operations.expected.safetensors"), operations.results(given))
    for kind in adapters.KINDS:
        write_adapter(kind, folder, os.path.join(folder, kind.name))


def write_adapter(kind, base, folder):
    """Writes an adapter of the encoder, then what both as stored give."""
    os.makedirs(folder)
    model, parameters = encoder.load(base)
    write_json(os.path.join(folder, kind.file), kind.config(model))
    safetensors_io.write(os.path.join(folder, "adapter_model.safetensors"), adapters.tensors_of(kind, model))
    write_expected(folder, adapters.expected(kind, model, parameters, encoder.inputs_of(model), adapters.load(folder)))


def write_expected(folder, results):
    write_tensors(os.path.join(folder, "expected.safetensors"), results)


def write_tensors(path, results):
    """Losses stay float64; every other result is rounded to float32."""
    stored = {name: tensor if "loss" in name else tensor.float() for name, tensor in results.items()}
    safetensors_io.write(path, stored)


def write_weights(folder, tensors, shards):
    if shards == 1:
        safetensors_io.write(os.path.join(folder, "model.safetensors"), tensors)
        return
    places, total = {}, sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    groups, written = [{} for _ in range(shards)], 0
    for name, tensor in tensors.items():
        groups[min(written * shards // total, shards - 1)][name] = tensor
        written += tensor.numel() * tensor.element_size()
    for number, group in enumerate(groups, start=1):
        file = f"model-{number:05d}-of-{shards:05d}.safetensors"
        safetensors_io.write(os.path.join(folder, file), group)
        places.update({name: file for name in group})
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    write_json(os.path.join(folder, "model.safetensors.index.json"), index)


def write_json(path, tree):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(tree, indent=2, sort_keys=True) + "\n")


def write_inputs(path, inputs):
    """One line per list, so that a row can be read."""
    rows = []
    for row in inputs["rows"]:
        lines = [f'      "{key}": {json.dumps(value)}' for key, value in row.items()]
        rows.append("    {\n" + ",\n".join(lines) + "\n    }")
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write('{\n  "rows": [\n' + ",\n".join(rows) + "\n  ]\n}\n")


def write_all(root):
    for case in cases.CASES:
        write_decoder(case, os.path.join(root, case.name))
    write_encoder(os.path.join(root, encoder.NAME))


def differences(made, committed):
    """Yields one line per file or tensor that is not as committed."""
    found, wanted = files_of(made), files_of(committed)
    for path in sorted(found ^ wanted):
        yield f"{path}: {'not committed' if path in found else 'not made by any case'}"
    for path in sorted(found & wanted):
        mine, theirs = os.path.join(made, path), os.path.join(committed, path)
        if path.endswith("expected.safetensors"):
            yield from (f"{path}: {line}" for line in tensor_differences(mine, theirs))
        elif read_bytes(mine) != read_bytes(theirs):
            yield f"{path}: other bytes than committed"


def tensor_differences(made, committed):
    mine, theirs = safetensors_io.read(made), safetensors_io.read(committed)
    for name in sorted(set(mine) ^ set(theirs)):
        yield f"tensor '{name}' is in one file only"
    for name in sorted(set(mine) & set(theirs)):
        a, b = mine[name], theirs[name]
        if a.dtype != b.dtype or a.shape != b.shape:
            yield f"tensor '{name}': {a.dtype} {list(a.shape)}, committed {b.dtype} {list(b.shape)}"
            continue
        # Two values that differ by less than RELATIVE may round to neighbouring float32.
        slack = 2 * HALF_ULP * b.double().abs() if b.dtype == torch.float32 else 0
        allowed = RELATIVE * b.double().abs().max() + slack
        excess = (a.double() - b.double()).abs() - allowed
        if not bool((excess <= 0).all()):
            yield f"tensor '{name}' differs by {float((a.double() - b.double()).abs().max()):.3g}"


def files_of(root):
    found = set()
    for folder, _, names in os.walk(root):
        found.update(os.path.relpath(os.path.join(folder, name), root) for name in names)
    return {path for path in found if os.path.dirname(path)}


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as made:
        write_all(made)
        if arguments.check:
            lines = list(differences(made, GOLDEN))
            print("\n".join(lines) if lines else f"{len(files_of(made))} golden files agree.")
            return 1 if lines else 0
        for name in sorted(os.listdir(made)):
            shutil.rmtree(os.path.join(GOLDEN, name), ignore_errors=True)
            shutil.copytree(os.path.join(made, name), os.path.join(GOLDEN, name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
