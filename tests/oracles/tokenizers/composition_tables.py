"""Writes the normal form C tables of src/Engine/Tokenizers from the Unicode Character Database.

  apt-get install unicode-data        (Debian 12: Unicode 15.0)
  python3 composition_tables.py /usr/share/unicode OUTPUT

Characters that came after Unicode 9.0 are left out: Hugging Face's tokenizers 0.23.2 knows none of them when it
normalizes (checked with every character that has a decomposition or a combining class), and the ids must be its ids.

Both tables are unsigned LEB128 numbers in base64.
  decompositions: for each code point in order: distance to the last one * 4 + kind, then its parts; kind 1 has one
                  part, 2 has two and composes again, 3 has two and does not. Hangul syllables are computed, not listed.
  combining classes: runs over 0 to 10FFFF: length, class
"""
import base64
import os
import sys

NEWEST = (9, 0)

folder, output = sys.argv[1:]
known = set()
with open(os.path.join(folder, "DerivedAge.txt"), encoding="utf-8") as lines:
    for line in lines:
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) == 2 and tuple(map(int, fields[1].split("."))) <= NEWEST:
            first, _, last = fields[0].partition("..")
            known.update(range(int(first, 16), int(last or first, 16) + 1))
classes = bytearray(0x110000)
parts = {}
with open(os.path.join(folder, "UnicodeData.txt"), encoding="ascii") as lines:
    for line in lines:
        fields = line.split(";")
        point = int(fields[0], 16)
        if point not in known:
            continue
        classes[point] = int(fields[3])
        if fields[5] and not fields[5].startswith("<"):
            parts[point] = [int(part, 16) for part in fields[5].split()]
excluded = set()
with open(os.path.join(folder, "DerivedNormalizationProps.txt"), encoding="utf-8") as lines:
    for line in lines:
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) == 2 and fields[1] == "Full_Composition_Exclusion":
            first, _, last = fields[0].partition("..")
            excluded.update(range(int(first, 16), int(last or first, 16) + 1))
# The reader takes only the first part of a pair apart again.
assert not any(len(pair) == 2 and pair[1] in parts for pair in parts.values())


def number(data, value):
    while value >= 128:
        data.append(value % 128 + 128)
        value //= 128
    data.append(value)


decompositions = bytearray()
last = 0
for point in sorted(parts):
    kind = 1 if len(parts[point]) == 1 else 3 if point in excluded else 2
    number(decompositions, (point - last) * 4 + kind)
    for part in parts[point]:
        number(decompositions, part)
    last = point
runs = bytearray()
start = 0
while start < len(classes):
    end = start + 1
    while end < len(classes) and classes[end] == classes[start]:
        end += 1
    number(runs, end - start)
    number(runs, classes[start])
    start = end


def field(name, doc, data):
    text = base64.b64encode(data).decode("ascii")
    lines = [f'        "{text[k:k + 108]}"' for k in range(0, len(text), 108)]
    return f"    /// <summary>{doc}</summary>\n    public const string {name} =\n" + " +\n".join(lines) + ";\n"


with open(output, "w", encoding="utf-8", newline="\n") as out:
    out.write("""namespace FastCpt.Engine.Tokenizers;

/// <summary>What normal form C needs of the Unicode Character Database, up to Unicode 9.0.</summary>
/// <remarks>
/// Written by tests/oracles/tokenizers/composition_tables.py, which documents the code and why newer characters are
/// left out; not edited by hand. The tables are ours because those of the platform change with its version.
/// </remarks>
internal static class CompositionData
{
""")
    out.write(field("Decompositions", "Canonical decompositions, one step each.", decompositions))
    out.write("\n")
    out.write(field("CombiningClasses", "Canonical combining classes.", runs))
    out.write("}\n")
