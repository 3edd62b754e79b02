"""Rows of ntrex128.tsv for XLM-R's model: python3 ntrex_sentencepiece.py MODEL NTREX GOLDEN

A row is tokenizer, language, number of ids, SHA-256; what is hashed is in README.md: per line the ids in decimal with
one space between, then a newline. Ids are those of fairseq: <unk> 3, <s> 0, </s> 2, every other piece one more than in
the file. Uses libsentencepiece 0.1.97, from Debian 12's python3-sentencepiece.
"""
import gzip
import hashlib
import os
import sys

import sentencepiece

model, ntrex, golden = sys.argv[1:]
processor = sentencepiece.SentencePieceProcessor(model_file=model)
renamed = {0: 3, 1: 0, 2: 2}
texts = []
for name in sorted(os.listdir(ntrex)):
    if name.endswith(".txt.gz"):
        with gzip.open(os.path.join(ntrex, name)) as file:
            texts.append((name.replace(".txt.gz", ""), file.read()))
for name in ("texts", "patterns", "random"):
    with open(os.path.join(golden, name + ".txt"), "rb") as file:
        texts.append((name, file.read()))
for language, text in texts:
    digest = hashlib.sha256()
    count = 0
    for line in text.split(b"\n")[:-1]:
        ids = [renamed.get(piece, piece + 1) for piece in processor.encode(line)]
        count += len(ids)
        digest.update((" ".join(map(str, ids)) + "\n").encode())
    print("xlmr", language, count, digest.hexdigest(), sep="\t")
