// Rows of ntrex128.tsv for GPT-2 and o200k_base: node ntrex_tiktoken.mjs SCRATCH NTREX GOLDEN
// A row is tokenizer, language, number of ids, SHA-256; what is hashed is in README.md: per line the ids in decimal
// with one space between, then a newline.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

const [scratch, ntrex, golden] = process.argv.slice(2);
const { get_encoding } = createRequire(resolve(scratch, 'x.js'))('tiktoken');
const texts = [
    ...readdirSync(ntrex).filter(file => file.endsWith('.txt.gz')).sort()
        .map(file => [file.replace('.txt.gz', ''), gunzipSync(readFileSync(join(ntrex, file)))]),
    ...['texts', 'patterns', 'random'].map(name => [name, readFileSync(join(golden, `${name}.txt`))])];
for (const [row, name] of [['gpt2', 'gpt2'], ['o200k', 'o200k_base']]) {
    const encoding = get_encoding(name);
    for (const [language, text] of texts) {
        const lines = text.toString('utf8').split('\n').slice(0, -1);
        const hash = createHash('sha256');
        let count = 0;
        for (const line of lines) {
            const ids = encoding.encode_ordinary(line);
            count += ids.length;
            hash.update(ids.join(' ') + '\n');
        }
        console.log([row, language, count, hash.digest('hex')].join('\t'));
    }
}
