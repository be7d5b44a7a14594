// SPDX-License-Identifier: Apache-2.0
//
// score - says how well the events of a clip answer what truly happened in it.
//
// Usage    bench/eval/score [--json] [--picture FILE.svg] TRUTH EVENTS
// Input    TRUTH: what happened, a JSON file; EVENTS: event lines as in an outbox or as
//          holdfast analyze prints them, - for stdin. bench/eval/README.md says their form.
// Output   what was missed and what was false, line by line, then the figures; --json: all of
//          it as one object. Exit 0 when nothing was missed and nothing false, 1 when
//          something was, 2 when a file cannot be used.
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { timeline } from './picture.mjs';
import { Wrong, readEvents, readTruth, score, summary } from './score.mjs';
import { describe, figures } from './words.mjs';

function read(file) {
	try {
		return fs.readFileSync(file === '-' ? 0 : file, 'utf8');
	} catch (error) {
		throw new Wrong(`${file} cannot be read: ${error.message}`);
	}
}

function main() {
	const { values, positionals } = parseArgs({ allowPositionals: true,
		options: { json: { type: 'boolean' }, picture: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
	if (positionals.length !== 2 || values.help)
		throw new Wrong('usage: bench/eval/score [--json] [--picture FILE.svg] TRUTH EVENTS');
	const [truthFile, eventsFile] = positionals;
	const truth = readTruth(read(truthFile), truthFile);
	const result = score(truth, readEvents(read(eventsFile), truth.start, eventsFile));
	const items = [{ truth, result }];
	if (values.picture) fs.writeFileSync(values.picture, timeline(items));
	if (values.json) {
		const classes = Object.fromEntries(truth.classes.map((c) => [c, summary(items, c)]));
		console.log(JSON.stringify({ ...result, summary: summary(items), classes }));
	} else {
		for (const line of describe(truth, result)) console.log(line);
		for (const line of figures(items, truth.classes)) console.log(line);
	}
	return result.missed.length + result.extra.length > 0 ? 1 : 0;
}

try {
	process.exitCode = main();
} catch (error) {
	if (!(error instanceof Wrong) && !String(error.code).startsWith('ERR_PARSE_ARGS')) throw error;
	console.error(`score: ${error.message}`);
	process.exitCode = 2;
}
