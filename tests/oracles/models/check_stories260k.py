"""Runs the Llama forward on stories260K, real weights, and compares with the numbers published beside them.

    python3 check_stories260k.py FOLDER      a folder with stories260K.bin and expected.json

The weights rotate neighbouring pairs. They are run twice: as they are, and with the rows of q and k put in half-split
order; both have to give the same logits, the expected ones, and the expected greedy text.
"""

import argparse
import dataclasses
import json
import os
import struct
import sys

import torch

import decoder

GREEDY_TOKENS = 100


def read_llama2c(path):
    """Reads the llama2.c layout: seven int32, then float32 tensors, each kind over all layers."""
    with open(path, "rb") as file:
        content = file.read()
    width, inner, layers, heads, key_heads, vocabulary, positions = struct.unpack("<7i", content[:28])
    numbers = torch.frombuffer(bytearray(content[28:]), dtype=torch.float32).double()
    head_size, used = width // heads, 0

    def take(*shape):
        nonlocal used
        count = torch.Size(shape).numel()
        used += count
        return numbers[used - count : used].reshape(shape)

    parameters = {"model.embed_tokens.weight": take(abs(vocabulary), width)}
    for name, *shape in (
        ("input_layernorm", width),
        ("self_attn.q_proj", heads * head_size, width),
        ("self_attn.k_proj", key_heads * head_size, width),
        ("self_attn.v_proj", key_heads * head_size, width),
        ("self_attn.o_proj", width, heads * head_size),
        ("post_attention_layernorm", width),
        ("mlp.gate_proj", inner, width),
        ("mlp.down_proj", width, inner),
        ("mlp.up_proj", inner, width),
    ):
        stacked = take(layers, *shape)
        for index in range(layers):
            parameters[f"model.layers.{index}.{name}.weight"] = stacked[index]
    parameters["model.norm.weight"] = take(width)
    take(2, positions, head_size // 2)  # rotation tables, which the formula gives
    if vocabulary < 0:
        parameters["lm_head.weight"] = take(-vocabulary, width)
    if used != numbers.numel():
        raise ValueError(f"{path}: {numbers.numel()} numbers, the header accounts for {used}.")
    model = decoder.read_config({
        "model_type": "llama", "vocab_size": abs(vocabulary), "hidden_size": width, "intermediate_size": inner,
        "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": key_heads,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": vocabulary > 0,
    })  # fmt: skip
    return dataclasses.replace(model, rotate="pairs"), parameters


def half_split(model, parameters):
    """Rows 2i and 2i+1 of each query and key head become rows i and i + head_size / 2."""
    order = torch.cat((torch.arange(0, model.head_size, 2), torch.arange(1, model.head_size, 2)))
    permuted = {}
    for name, tensor in parameters.items():
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            tensor = tensor.reshape(-1, model.head_size, model.width)[:, order].reshape(tensor.shape)
        permuted[name] = tensor
    return dataclasses.replace(model, rotate="halves"), permuted


def half_of_last_digit(numbers):
    """Half a unit of the sixth significant digit."""
    return 0.5 * 10 ** (torch.floor(torch.log10(numbers.abs())) - 5)


def greedy(model, parameters, first, count):
    tokens = [first]
    while len(tokens) <= count:
        tokens.append(int(decoder.logits(model, parameters, torch.tensor(tokens))[-1].argmax()))
    return tokens


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    with open(os.path.join(folder, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    model, parameters = read_llama2c(os.path.join(folder, "stories260K.bin"))
    wanted = expected["greedy_from_bos"]["token_ids"][: GREEDY_TOKENS + 1]
    wanted_logits = torch.tensor(expected["logits_after_bos"], dtype=torch.float64)
    for model, parameters in ((model, parameters), half_split(model, parameters)):
        scores = decoder.logits(model, parameters, torch.tensor(wanted[:1]))[0]
        error = float(((scores - wanted_logits).abs() / half_of_last_digit(wanted_logits)).max())
        if not error < 1 + 1e-6:
            raise AssertionError(f"{model.rotate}: logits after the first token are {error:.3g} half digits away.")
        found = greedy(model, parameters, wanted[0], GREEDY_TOKENS)
        if found != wanted:
            raise AssertionError(f"{model.rotate}: greedy tokens {found}, expected {wanted}.")
        print(f"rotated by {model.rotate}: logits to the last of 6 digits, {GREEDY_TOKENS} greedy tokens as expected")
    return 0


if __name__ == "__main__":
    sys.exit(main())
