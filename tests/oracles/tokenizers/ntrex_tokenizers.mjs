// Rows of ntrex128.tsv for XLM-R's tokenizer.json: node ntrex_tokenizers.mjs SCRATCH TOKENIZER_JSON NTREX GOLDEN
// A row is tokenizer, language, number of ids, SHA-256; what is hashed is in README.md: per line the ids in decimal
// with one space between, then a newline.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

const [scratch, json, ntrex, golden] = process.argv.slice(2);
const { Tokenizer } = createRequire(resolve(scratch, 'x.js'))('tokenizers');
const texts = [
    ...readdirSync(ntrex).filter(file => file.endsWith('.txt.gz')).sort()
        .map(file => [file.replace('.txt.gz', ''), gunzipSync(readFileSync(join(ntrex, file)))]),
    ...['texts', 'patterns', 'random'].map(name => [name, readFileSync(join(golden, `${name}.txt`))])];
const tokenizer = Tokenizer.fromString(readFileSync(json, 'utf8'));
for (const [language, text] of texts) {
    const lines = text.toString('utf8').split('\n').slice(0, -1);
    const hash = createHash('sha256');
    let count = 0;
    for (const encoding of await tokenizer.encodeBatch(lines, false)) {
        const ids = Array.from(encoding.getIds());
        count += ids.length;
        hash.update(ids.join(' ') + '\n');
    }
    console.log(['xlmr_json', language, count, hash.digest('hex')].join('\t'));
}
