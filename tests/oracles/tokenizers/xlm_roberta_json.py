"""Writes the tokenizer.json of XLM-R's SentencePiece model: python3 xlm_roberta_json.py MODEL OUTPUT

The steps are those of the published file: Precompiled, WhitespaceSplit, Metaspace, Unigram. Ids are fairseq's.
"""
import base64
import json
import sys

import protobuf

SPACE = "\u2581"

model, output = sys.argv[1:]
with open(model, "rb") as file:
    data = file.read()
pieces = []
charsmap = b""
for field, _, value, _ in protobuf.fields(data):
    if field == 1:
        parts = {number: part for number, _, part, _ in protobuf.fields(value)}
        pieces.append([parts[1].decode(), parts.get(2, 0.0)])
    elif field == 3:
        charsmap = next(part for number, _, part, _ in protobuf.fields(value) if number == 2)
vocabulary = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], *pieces[3:], ["<mask>", 0.0]]
mask = len(vocabulary) - 1


def added(id, content, lstrip=False):
    return {"id": id, "content": content, "single_word": False, "lstrip": lstrip, "rstrip": False,
            "normalized": False, "special": True}


metaspace = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": True}
with open(output, "w", encoding="utf-8") as file:
    json.dump({
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(0, "<s>"), added(1, "<pad>"), added(2, "</s>"), added(3, "<unk>"),
                         added(mask, "<mask>", lstrip=True)],
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
        "post_processor": None, "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocabulary, "byte_fallback": False},
    }, file, ensure_ascii=False)
