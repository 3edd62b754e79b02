// Variants of three small tokenizer.json files and what Hugging Face's library makes of them:
//   node small_json.mjs SCRATCH SAMPLES OUTPUT        (after small_models.py: it writes character.json and the texts)
//
// Writes byte_level.json: a byte-level BPE that the library's own trainer makes of the first 60 documents in en, el and
// ru of the samples, one document per line: the special tokens <pad> <eos> <bos>, the 256 bytes, and 400 merged
// pieces; and crossing.json, where any two characters of patterns.txt merge, so that its ids tell the patterns apart.
// Writes variants.json: which parts replace those of which file; and variants.tsv: name, number of ids, SHA-256 of the
// ids, SHA-256 of the decoded texts, over texts.txt, patterns.txt and random.txt. Hashed are, per line, the ids in
// decimal with one space between and a newline; and the decoded text and a newline. No special tokens are added or
// skipped. Writes composition.tsv: for every 4,096 code points the SHA-256 of the normal form C of three texts for
// each: the character alone, between 'a' and U+0316 U+0301, and between U+1100 and U+11A8; a newline after each.
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

const [scratch, samples, output] = process.argv.slice(2);
const { Tokenizer, nfcNormalizer } = createRequire(resolve(scratch, 'x.js'))('tokenizers');

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const upper = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]', lower = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const prefix = '[^\\r\\n\\p{L}\\p{N}]?', spaces = '|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const patterns = {
    gpt2: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    cl100k: `${contractions}|${prefix}\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*${spaces}`,
    qwen2: `${contractions}|${prefix}\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*${spaces}`,
    o200k: `${prefix}${upper}*${lower}+${contractions}?|${prefix}${upper}+${lower}*${contractions}?|\\p{N}{1,3}` +
        `| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*${spaces}`,
    tekken: `${prefix}${upper}*${lower}+|${prefix}${upper}+${lower}*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*${spaces}`,
};
const byteLevel = useRegex => ({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: useRegex });
const split = pattern => ({
    type: 'Sequence',
    pretokenizers: [
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }, byteLevel(false)],
});
const added = (id, content, rest) => ({
    id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...rest });
const special = ['<pad>', '<eos>', '<bos>'];

const base = { version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null,
    pre_tokenizer: split(patterns.o200k), post_processor: null, decoder: byteLevel(false) };
const bpe = (vocab, merges) => ({ type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null,
    end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab, merges });
const printable = b => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
let next = 256;
const alphabet = [...Array(256).keys()].map(b => String.fromCharCode(printable(b) ? b : next++));

// A byte-level BPE of 400 pieces that the library's trainer makes of some lines.
function train(lines) {
    const text = join(output, 'corpus.tmp'), trained = join(output, 'trained.tmp');
    writeFileSync(text, lines.map(line => line + '\n').join(''));
    const tokenizer = Tokenizer.fromString(JSON.stringify({ ...base, model: bpe({}, []) }));
    tokenizer.train([text]);
    tokenizer.save(trained);
    const merges = JSON.parse(readFileSync(trained, 'utf8')).model.merges;
    rmSync(text);
    rmSync(trained);
    return byteLevelJson(merges, special.length + 256 + 400);
}

// Every character of the patterns becomes one piece, and then every two of them.
function crossing(characters) {
    const written = characters.map(c => [...Buffer.from(c)].map(b => alphabet[b]));
    const merges = [];
    for (const parts of written)
        for (let k = 1; k < parts.length; k++) merges.push([parts.slice(0, k).join(''), parts[k]]);
    for (const left of written)
        for (const right of written) merges.push([left.join(''), right.join('')]);
    return byteLevelJson(merges, Infinity);
}

function byteLevelJson(merges, size) {
    const vocab = {};
    for (const piece of [...special, ...[...alphabet].sort()]) vocab[piece] = Object.keys(vocab).length;
    const used = new Set();
    for (const [left, right] of merges) {
        if (Object.keys(vocab).length === size) break;
        vocab[left + right] ??= Object.keys(vocab).length;
        used.add(`${left} ${right}`);
    }
    return { ...base, added_tokens: special.map((token, id) => added(id, token)), model: bpe(vocab, [...used]) };
}

const read = name => readFileSync(join(output, name), 'utf8').split('\n').slice(0, -1);
const texts = ['texts.txt', 'patterns.txt', 'random.txt'].flatMap(read);
const documents = ['en', 'el', 'ru'].flatMap(name => gunzipSync(readFileSync(join(samples, `${name}.jsonl.gz`)))
    .toString('utf8').split('\n').slice(0, 60).map(line => JSON.parse(line).text));
const bases = {
    'byte_level.json': train(documents),
    'crossing.json': crossing([...new Set(read('patterns.txt').join(''))].sort()),
};
for (const [name, json] of Object.entries(bases)) writeFileSync(join(output, name), JSON.stringify(json) + '\n');
bases['character.json'] = JSON.parse(readFileSync(join(output, 'character.json'), 'utf8'));

const space = '\u2581', replace = (from, to) => ({ type: 'Replace', pattern: { String: from }, content: to });
const decoders = [replace(space, ' '), { type: 'ByteFallback' }, { type: 'Fuse' }];
const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 };
const metaspace = scheme => ({ type: 'Metaspace', replacement: space, prepend_scheme: scheme, split: false });
const id = Object.keys(bases['crossing.json'].model.vocab).length;
const extra = [...bases['crossing.json'].added_tokens, added(id, 'of', { lstrip: true, special: false }),
    added(id + 1, '\u4e2d', { rstrip: true, normalized: true, special: false }), added(id + 2, 'ofS'),
    added(id + 3, '\u00e9\u0301', { normalized: true, special: false })];
const variants = [
    ...Object.entries(patterns).flatMap(([name, pattern]) => [
        { name, base: 'crossing.json', pre_tokenizer: split(pattern), added_tokens: extra },
        { name: `${name}_nfc`, base: 'crossing.json', pre_tokenizer: split(pattern), normalizer: { type: 'NFC' } }]),
    { name: 'byte_level_alone', base: 'byte_level.json', pre_tokenizer: byteLevel(true) },
    { name: 'llama', base: 'character.json', decoder: { type: 'Sequence', decoders: [...decoders, strip] },
        normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: space }, replace(' ', space)] } },
    { name: 'gemma', base: 'character.json', decoder: { type: 'Sequence', decoders }, normalizer: replace(' ', space),
        pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false } },
    ...['first', 'always', 'never'].map(scheme => ({ name: `metaspace_${scheme}`, base: 'character.json',
        decoder: { type: 'Sequence', decoders: [...decoders, strip] }, pre_tokenizer: metaspace(scheme) })),
];
writeFileSync(join(output, 'variants.json'), JSON.stringify(variants, null, 1) + '\n');

let rows = '';
for (const { name, base, ...parts } of variants) {
    const tokenizer = Tokenizer.fromString(JSON.stringify({ ...bases[base], ...parts }));
    const ids = createHash('sha256'), decoded = createHash('sha256');
    let count = 0;
    for (const text of texts) {
        const row = Array.from((await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds());
        count += row.length;
        ids.update(row.join(' ') + '\n');
        decoded.update((await tokenizer.decode(row, false)) + '\n');
    }
    rows += [name, count, ids.digest('hex'), decoded.digest('hex')].join('\t') + '\n';
}
writeFileSync(join(output, 'variants.tsv'), rows);

const normalizer = nfcNormalizer();
rows = '';
for (let first = 0; first < 0x30000; first += 4096) {
    const hash = createHash('sha256');
    for (let point = first; point < first + 4096; point++) {
        if (point >= 0xd800 && point < 0xe000) continue;
        const c = String.fromCodePoint(point);
        for (const text of [c, `a${c}\u0316\u0301`, `\u1100${c}\u11a8`])
            hash.update(normalizer.normalizeString(text) + '\n');
    }
    rows += `${first.toString(16)}\t${hash.digest('hex')}\n`;
}
writeFileSync(join(output, 'composition.tsv'), rows);
