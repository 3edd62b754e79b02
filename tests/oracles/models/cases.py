"""The golden decoder cases: config.json as published models spell it, storage, and rows. Sizes are small and odd.

Random numbers come from Python's Mersenne Twister (random.random is the same in every version), so that the inputs are
made again bit by bit anywhere.
"""

import random
from dataclasses import dataclass, field

import torch

import decoder


@dataclass(frozen=True)
class Case:
    """One golden folder."""

    name: str
    seed: int
    config: dict
    rows: tuple  # a row is a tuple of the lengths of its documents
    storage: torch.dtype = torch.float32
    shards: int = 1
    prefix: str = ""
    others: dict = field(default_factory=dict)  # shapes of tensors that a text model leaves out


def _llama(**changes):
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": 32,
        "initializer_range": 0.02,
        "intermediate_size": 35,
        "max_position_embeddings": 512,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
        "pretraining_tp": 1,
        "rms_norm_eps": 1e-05,
        "tie_word_embeddings": True,
        "use_cache": True,
        "vocab_size": 97,
        **changes,
    }


_LLAMA_TIED = _llama(rope_scaling=None, rope_theta=10000.0, torch_dtype="float32", transformers_version="4.43.0")

_LLAMA3_UNTIED = _llama(
    dtype="float32",
    head_dim=16,
    intermediate_size=35,
    num_attention_heads=2,
    num_key_value_heads=1,
    rope_parameters={
        "factor": 8.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 64,
        "rope_theta": 500000.0,
        "rope_type": "llama3",
    },
    tie_word_embeddings=False,
    transformers_version="5.0.0",
    vocab_size=80,
)

_LLAMA_PACKED = _llama(
    intermediate_size=33,
    num_key_value_heads=1,
    rms_norm_eps=5e-04,
    rope_scaling={"factor": 2.5, "type": "linear"},
    rope_theta=5000.0,
    torch_dtype="float32",
    transformers_version="4.38.0",
    vocab_size=89,
)

_QWEN2 = {
    "architectures": ["Qwen2ForCausalLM"],
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "hidden_act": "silu",
    "hidden_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 31,
    "max_position_embeddings": 512,
    "max_window_layers": 2,
    "model_type": "qwen2",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "sliding_window": 8,
    "tie_word_embeddings": True,
    "torch_dtype": "float32",
    "transformers_version": "4.40.1",
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 96,
}

_QWEN3 = {
    "architectures": ["Qwen3ForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "dtype": "bfloat16",
    "eos_token_id": 0,
    "head_dim": 12,
    "hidden_act": "silu",
    "hidden_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 33,
    "layer_types": ["full_attention", "full_attention"],
    "max_position_embeddings": 512,
    "max_window_layers": 2,
    "model_type": "qwen3",
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "num_key_value_heads": 1,
    "rms_norm_eps": 1e-03,
    "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"},
    "sliding_window": None,
    "tie_word_embeddings": False,
    "transformers_version": "5.0.0",
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 79,
}


def _gemma(**changes):
    return {
        "architectures": ["Gemma3ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "attn_logit_softcapping": None,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "final_logit_softcapping": None,
        "head_dim": 8,
        "hidden_activation": "gelu_pytorch_tanh",
        "hidden_size": 32,
        "initializer_range": 0.02,
        "intermediate_size": 25,
        "max_position_embeddings": 512,
        "model_type": "gemma3_text",
        "num_attention_heads": 3,
        "num_hidden_layers": 4,
        "num_key_value_heads": 1,
        "pad_token_id": 0,
        "query_pre_attn_scalar": 20,
        "rms_norm_eps": 1e-06,
        "sliding_window": 7,
        "use_cache": True,
        "vocab_size": 98,
        **changes,
    }


_GEMMA_PATTERN = _gemma(
    cache_implementation="hybrid",
    num_hidden_layers=3,
    rope_local_base_freq=10000.0,
    rope_scaling={"factor": 8.0, "rope_type": "linear"},
    rope_theta=1000000.0,
    sliding_window_pattern=3,
    torch_dtype="float32",
    transformers_version="4.50.0.dev0",
)

_GEMMA_LAYER_TYPES = _gemma(
    _sliding_window_pattern=6,
    dtype="float32",
    head_dim=12,
    hidden_size=36,
    layer_types=["full_attention", "sliding_attention", "full_attention"],
    num_attention_heads=2,
    num_hidden_layers=3,
    query_pre_attn_scalar=12,
    rope_parameters={
        "full_attention": {"factor": 4.0, "rope_theta": 20000.0, "rope_type": "linear"},
        "sliding_attention": {"rope_theta": 500.0, "rope_type": "default"},
    },
    sliding_window=5,
    tie_word_embeddings=True,
    transformers_version="5.0.0",
    use_bidirectional_attention=False,
    vocab_size=97,
)

# Like the published multimodal config, it leaves out what equals the default: norm epsilon, both rotary bases, the
# layer pattern (every sixth is global), the activation and the tied head.
_GEMMA_MULTIMODAL = {
    "architectures": ["Gemma3ForConditionalGeneration"],
    "boi_token_index": 86,
    "eoi_token_index": 87,
    "eos_token_id": [1, 85],
    "image_token_index": 88,
    "initializer_range": 0.02,
    "mm_tokens_per_image": 4,
    "model_type": "gemma3",
    "text_config": {
        "head_dim": 8,
        "hidden_size": 36,
        "intermediate_size": 13,
        "model_type": "gemma3_text",
        "num_attention_heads": 3,
        "num_hidden_layers": 7,
        "num_key_value_heads": 1,
        "query_pre_attn_scalar": 8,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "sliding_window": 6,
        "vocab_size": 90,
    },
    "torch_dtype": "bfloat16",
    "transformers_version": "4.50.0.dev0",
    "vision_config": {
        "hidden_size": 4,
        "image_size": 4,
        "intermediate_size": 6,
        "model_type": "siglip_vision_model",
        "num_attention_heads": 1,
        "num_hidden_layers": 1,
        "patch_size": 2,
        "vision_use_head": False,
    },
}

_VISION = {
    "multi_modal_projector.mm_input_projection_weight": (4, 36),
    "multi_modal_projector.mm_soft_emb_norm.weight": (4,),
    "vision_tower.vision_model.embeddings.patch_embedding.bias": (4,),
    "vision_tower.vision_model.embeddings.patch_embedding.weight": (4, 3, 2, 2),
    "vision_tower.vision_model.embeddings.position_embedding.weight": (4, 4),
    "vision_tower.vision_model.post_layernorm.weight": (4,),
}

CASES = (
    Case("llama-tied", 1, _LLAMA_TIED, rows=((25,), (25,))),
    Case("llama3-untied-sharded", 2, _LLAMA3_UNTIED, rows=((37,),), shards=3),
    Case("llama-packed", 3, _LLAMA_PACKED, rows=((11, 1, 20), (17, 15))),
    Case("qwen2-bias", 4, _QWEN2, rows=((22,), (22,))),
    Case("qwen3-bf16", 5, _QWEN3, rows=((21,), (21,)), storage=torch.bfloat16),
    Case("gemma3-pattern", 6, _GEMMA_PATTERN, rows=((32,),)),
    Case("gemma3-layer-types", 7, _GEMMA_LAYER_TYPES, rows=((23,), (8, 9, 6))),
    Case(
        "gemma3-multimodal",
        8,
        _GEMMA_MULTIMODAL,
        rows=((30,),),
        storage=torch.bfloat16,
        prefix="language_model.",
        others=_VISION,
    ),
)


def uniform(source, shape, low, high):
    """Uniform numbers in [low, high), rounded to float32."""
    count = 1
    for extent in shape:
        count *= extent
    numbers = [low + (high - low) * source.random() for _ in range(count)]
    return torch.tensor(numbers, dtype=torch.float64).reshape(shape).float()


def parameters_of(case):
    """Random parameters under text-only names, in the stored type; norms and biases lie well away from 0 and 1."""
    model, source = decoder.read_config(case.config), random.Random(case.seed)
    parameters = {}
    for name, shape in decoder.parameter_shapes(model).items():
        if name.endswith("norm.weight"):
            values = uniform(source, shape, 0.4 - model.norm_offset, 1.9 - model.norm_offset)
        elif name.endswith(".bias"):
            values = uniform(source, shape, -0.8, 0.8)
        elif name == "model.embed_tokens.weight":
            bound = 0.4 if model.gemma else 0.6
            values = uniform(source, shape, -bound, bound)
        else:
            bound = 1.8 / shape[1] ** 0.5
            values = uniform(source, shape, -bound, bound)
        parameters[name] = values.to(case.storage)
    return parameters


def others_of(case):
    source = random.Random(1000 + case.seed)
    return {name: uniform(source, shape, -1, 1).to(case.storage) for name, shape in case.others.items()}


def inputs_of(case):
    """Rows of token ids and targets: the next token of the same document, about a sixth of them not predicted (-1).

    The last token of a document predicts a random id (as if an end followed) or nothing, by chance.
    """
    source, vocabulary = random.Random(2000 + case.seed), decoder.read_config(case.config).vocabulary

    def token():
        return int(source.random() * vocabulary)

    rows = []
    for lengths in case.rows:
        tokens, targets, segments = [], [], []
        for length in lengths:
            document = [token() for _ in range(length)]
            following = document[1:] + [token() if source.random() < 0.5 else -1]
            segments.append([len(tokens), len(tokens) + length])
            targets += [target if source.random() > 1 / 6 else -1 for target in following]
            tokens += document
        rows.append({"tokens": tokens, "targets": targets, "segments": segments})
    return {"rows": rows}
