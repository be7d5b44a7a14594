// SPDX-License-Identifier: Apache-2.0
//
// The detector under real faults: a limit of memory, a network that no longer answers what it did,
// a network that is damaged. What the unit does about each, from outside.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT, STAGE, bin, outboxLines, status, until, worker } from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

const MODEL = path.join(STAGE, 'share/holdfast/model');
const tag = (folder) => JSON.parse(fs.readFileSync(path.join(folder, 'model.json'), 'utf8')).tag;
const MAIN = tag(MODEL), SMALL = tag(path.join(MODEL, 'fallback'));
const PATIENCE = 60000;

const looking = (unit, model) => until(`results of ${model}`, async () => {
	if (unit.program.how) throw new Error(unit.program.log());
	const stats = worker(await status(unit.data), 'infer').stats;
	return stats?.model === model && stats.jobs > stats.failed + 5;
}, PATIENCE, 100);

async function withUnit(extra, body) {
	const unit = await startSmallUnit({ withHub: false, wait: false, extra,
		policy: path.join(ROOT, 'dist/policy.yaml') });
	try {
		await body(unit);
	} finally {
		await unit.end();
	}
}

const copyOfModel = (t, change) => {
	const folder = fs.mkdtempSync('/tmp/holdfast-it-model-');
	t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
	fs.cpSync(MODEL, folder, { recursive: true, dereference: true });
	change(folder);
	return folder;
};

test('with enough memory the main network looks', () =>
	withUnit('infer: {workers: 1}\n', (unit) => looking(unit, MAIN)));

// What a sanitizer takes for itself is more than the limit.
const instrumented = fs.readFileSync(bin('holdfastd')).includes('__asan_init') && 'built with a sanitizer';

test('under a limit in which only the smaller network fits, that one looks, and events name it',
	{ skip: instrumented }, () =>
	withUnit('infer: {workers: 1, memory_max: 50MiB}\n', async (unit) => {
		await looking(unit, SMALL);
		assert.equal(worker(await status(unit.data), 'infer').restarts, 0);
		await until('an event', () => outboxLines(unit.data)
			.find((line) => line.model_tag === SMALL), PATIENCE, 250);
	}));

test('a damaged main network: the smaller one looks', (t) => {
	const folder = copyOfModel(t, (at) => {
		const file = path.join(at, 'model.onnx');
		const bytes = fs.readFileSync(file);
		bytes[5000000] ^= 0x11;
		fs.writeFileSync(file, bytes);
	});
	return withUnit(`infer: {workers: 1}\nmodel: {path: ${folder}}\n`, (unit) => looking(unit, SMALL));
});

test('a network that answers the known picture otherwise is a reason of the unit', (t) => {
	const folder = copyOfModel(t, (at) => {
		const file = path.join(at, 'model.json');
		const pack = JSON.parse(fs.readFileSync(file, 'utf8'));
		pack.golden.outputs.dists.values[7] += 1;
		fs.writeFileSync(file, JSON.stringify(pack));
	});
	return withUnit(`infer: {workers: 1}\nmodel: {path: ${folder}}\n`, (unit) =>
		until('the unit to say so', async () => {
			if (unit.program.how) throw new Error(unit.program.log());
			return JSON.stringify((await status(unit.data)).reasons).includes('results_wrong');
		}, PATIENCE, 250));
});
