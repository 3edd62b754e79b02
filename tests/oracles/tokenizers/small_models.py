"""Small SentencePiece models that use what XLM-R's does not, and their ids: python3 small_models.py SAMPLES OUTPUT

Writes texts.txt (one text per line, made from the samples and from odd strings, the same in every run), patterns.txt
(strings of characters that split patterns tell apart), random.txt (of characters from everywhere), and for each model
NAME.model, NAME.ids (per line of texts.txt the ids) and NAME.decoded (per line the text of the ids); and
character.json, the pieces and merges of the model bpe as a tokenizer.json. Uses libsentencepiece 0.1.97, from Debian
12's python3-sentencepiece. The models are trained on the samples alone.

  bpe          BPE with byte fallback, user-defined symbols, spaces kept, nothing normalized (as Llama 2 and Gemma)
  bpe_unused   the same with three in ten pieces marked unused
  unigram      Unigram with a character map of its own, user-defined symbols, unknown pieces
  unigram_tail Unigram with byte fallback, the space symbol after the text, no extra treatment of spaces
"""
import gzip
import json
import os
import random
import sys

import sentencepiece

import protobuf

samples, output = sys.argv[1:]
work = os.path.join(output, "corpus.tmp")
rules = os.path.join(output, "rules.tmp")
random_ = random.Random(1)

documents = {}
for name in ("en", "el", "ru", "fr", "hr"):
    with gzip.open(os.path.join(samples, name + ".jsonl.gz")) as file:
        documents[name] = [json.loads(line)["text"] for line in file][:30]
with open(work, "w", encoding="utf-8") as file:
    for texts in documents.values():
        for text in texts:
            file.write(text.replace(". ", ".\n") + "\n")

ODD = ["", " ", "   ", "<tag>", "God<tag>said", "  two  spaces  ", "\u2581", "a\u2581b", "<s>", "<unk>", "<0x41>",
       "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e", "\u4f60\u597d\uff0c\u4e16\u754c",
       "\uff28\uff25\uff2c\uff2c\uff2f \ufb01sh \u00bd", "\t tab\tand\u3000wide\u00a0space", "a" * 300, "the " * 60,
       "\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea", "x\u0000y", "e\u0301\u0301 A\u030a", "1234567890", "\ufffd",
       "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0645\u0631\u062d\u0628\u0627", "ABCabc \u0391\u0392\u03b1\u03b2",
       "ingingthe the\u2581the  and", "\u00e9\u00c9 \u0451\u0401", " leading", "trailing "]
texts = list(ODD)
for _ in range(220):
    text = random_.choice(random_.choice(list(documents.values())))
    start = random_.randrange(len(text))
    text = text[start:start + random_.randrange(1, 90)]
    if random_.random() < 0.4:
        at = random_.randrange(len(text) + 1)
        text = text[:at] + random_.choice(ODD) + text[at:]
    texts.append(text)
with open(os.path.join(output, "texts.txt"), "w", encoding="utf-8", newline="\n") as file:
    file.writelines(text + "\n" for text in texts)

PATTERN = ("aALsStTdDmMrRvVeEl\u017f''' \t\r\u00a0123\u00bd/!-\u4e2d\u0e0d\u01c5\u02b0\u0301\u0316\u093f"
           "\u00e9\u2028\u0600\U0001f600\u1100\u1161")
with open(os.path.join(output, "patterns.txt"), "w", encoding="utf-8", newline="\n") as file:
    for _ in range(800):
        file.write("".join(random_.choice(PATTERN) for _ in range(random_.randrange(1, 14))) + "\n")

POOLS = [(0x20, 0x7F), (0x20, 0x7F), (0xA0, 0x250), (0x250, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xE00),
         (0xE00, 0x1200), (0x1200, 0x2000), (0x2000, 0x2070), (0x2070, 0x2C00), (0x3000, 0x3400), (0x4E00, 0x5200),
         (0xAC00, 0xAD00), (0xF900, 0xFB50), (0xFB50, 0x10000), (0x10000, 0x12000), (0x1D000, 0x1D800),
         (0x1F1E6, 0x1F200), (0x1F300, 0x1F700), (0x20000, 0x20100), (0x2F800, 0x2FA20), (0, 0x20), (0x200B, 0x2010)]
with open(os.path.join(output, "random.txt"), "w", encoding="utf-8", newline="\n") as file:
    for _ in range(1500):
        text = ""
        for _ in range(random_.randrange(1, 6)):
            first, end = random_.choice(POOLS)
            text += "".join(chr(random_.randrange(first, end)) for _ in range(random_.randrange(1, 6)))
        file.write(text.replace("\n", " ") + "\n")

with open(rules, "w", encoding="utf-8") as file:
    for source, target in (("\ufb01", "fi"), ("\u00bd", "1/2"), ("e\u0301", "\u00e9"), ("\t", " "), ("\u3000", " "),
                           ("\u00a0", " "), ("A", "a"), ("\u0391", "\u03b1"), ("\uff28", "h"), ("\uff28\uff25", "H E"),
                           ("\u0000", ""), ("\u200d", ""), ("\u0301", "")):
        if source != "\u0000":
            file.write(" ".join(f"{ord(c):X}" for c in source) + "\t" +
                       " ".join(f"{ord(c):X}" for c in target) + "\n")


def train(name, **options):
    sentencepiece.SentencePieceTrainer.train(
        input=work, model_prefix=os.path.join(output, name), num_threads=1, minloglevel=2,
        shuffle_input_sentence=False, character_coverage=0.999, **options)
    os.remove(os.path.join(output, name + ".vocab"))
    path = os.path.join(output, name + ".model")
    with open(path, "rb") as file:
        model = file.read()
    kept = b""
    for field, _, value, whole in protobuf.fields(model):
        # The paths of the corpus and of the rules do not belong into the file.
        if field == 2:
            whole = protobuf.message(2, b"".join(part for number, _, _, part in protobuf.fields(value)
                                                 if number not in (1, 2)))
        kept += whole
    with open(path, "wb") as file:
        file.write(kept)


def mark_unused(source, target):
    choice = random.Random(2)
    with open(os.path.join(output, source + ".model"), "rb") as file:
        model = file.read()
    marked = b""
    for field, _, value, whole in protobuf.fields(model):
        if field == 1 and all(number != 3 for number, _, _, _ in protobuf.fields(value)) and choice.random() < 0.3:
            whole = protobuf.message(1, value + b"\x18\x05")
        marked += whole
    with open(os.path.join(output, target + ".model"), "wb") as file:
        file.write(marked)


def encode(name):
    processor = sentencepiece.SentencePieceProcessor(model_file=os.path.join(output, name + ".model"))
    with open(os.path.join(output, name + ".ids"), "w", encoding="utf-8", newline="\n") as ids_file, \
            open(os.path.join(output, name + ".decoded"), "w", encoding="utf-8", newline="\n") as text_file:
        for text in texts:
            ids = processor.encode(text)
            ids_file.write(" ".join(map(str, ids)) + "\n")
            text_file.write(processor.decode(ids) + "\n")


train("bpe", model_type="bpe", vocab_size=700, byte_fallback=True, split_digits=True,
      normalization_rule_name="identity", remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
      user_defined_symbols=["<tag>", "ing", "  "])
mark_unused("bpe", "bpe_unused")
train("unigram", model_type="unigram", vocab_size=500, normalization_rule_tsv=rules,
      user_defined_symbols=["<tag>", "the", "\u2581and"], control_symbols=["<mask>"], pad_id=3)
train("unigram_tail", model_type="unigram", vocab_size=620, byte_fallback=True, normalization_rule_name="identity",
      remove_extra_whitespaces=False, treat_whitespace_as_suffix=True)
for name in ("bpe", "bpe_unused", "unigram", "unigram_tail"):
    encode(name)
os.remove(work)
os.remove(rules)

processor = sentencepiece.SentencePieceProcessor(model_file=os.path.join(output, "bpe.model"))
vocabulary = {processor.id_to_piece(id): id for id in range(len(processor))}
merges = []
for piece, id in vocabulary.items():
    if processor.is_byte(id) or processor.is_control(id) or processor.is_unknown(id):
        continue
    for cut in range(1, len(piece)):
        if piece[:cut] in vocabulary and piece[cut:] in vocabulary:
            merges.append((-processor.get_score(id), vocabulary[piece[:cut]], vocabulary[piece[cut:]],
                           [piece[:cut], piece[cut:]]))
merges.sort(key=lambda merge: merge[:3])


def added(id):
    return {"id": id, "content": processor.id_to_piece(id), "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": True}


with open(os.path.join(output, "character.json"), "w", encoding="utf-8", newline="\n") as file:
    json.dump({
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(0), added(1), added(2), added(vocabulary["<tag>"])],
        "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": vocabulary, "merges": [merge[3] for merge in merges]},
    }, file, ensure_ascii=False)
    file.write("\n")
