// SPDX-License-Identifier: Apache-2.0
//
// holdfast drill: some of the quick ones, on units of their own, and that a drill notices when
// nothing happened at all. The state path and what was done are asserted, times are not. The
// rest of them is run by people, and by `make prove`.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { QUICK_POLICY, ROOT, bin } from '../../tools/harness.mjs';

const RANDOM = Number(process.env.DRILL_RANDOM ?? 0);
const QUICK = ['--policy', QUICK_POLICY];

// One JSON line a drill, and the exit code.
const drill = (...args) => new Promise((done) => {
	execFile(bin('holdfast'), ['drill', '--json', ...args], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => done({
		code: error ? error.code : 0, stderr,
		drills: stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)),
	}));
});
const makeScreen = (...args) => execFileSync(path.join(ROOT, 'tools/make-screen'), args,
	{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim().split('\n').at(-1);
const actions = (one) => one.facts.filter((f) => f.kind === 'action' && f.text.endsWith(': done')).map((f) => f.text);
const show = (one) => JSON.stringify(one, null, 1);

// That it is over in time is not asserted, that it was measured is.
function good({ code, drills, stderr }, states) {
	assert.equal(drills.length, 1, stderr);
	const [one] = drills;
	assert.equal(one.verdict, 'ok', show(one));
	assert.equal(code, 0);
	assert.match(one.states, states);
	assert.ok(one.bounds.length > 0 && one.bounds.every((b) => b.measured !== null), show(one));
	return one;
}

// What all lanes did together, a line each.
function table(runs) {
	const sums = new Map();
	const add = (what, ...numbers) => sums.set(what, numbers.map((n, i) => n + (sums.get(what)?.[i] ?? 0)));

	for (const one of runs) {
		for (const t of one.tallies) add(t.what, t.alone, t.in_pairs);
		for (const b of one.bounds) add(b.what.replace(', at least', ''), b.measured);
	}
	return [...sums].map(([what, numbers]) => `${what.padEnd(36)} ${numbers.length === 2 ?
		`${String(numbers[0]).padStart(4)} alone, ${numbers[1]} in pairs` : String(numbers[0]).padStart(4)}`);
}

if (RANDOM > 0) {
	const seed = process.env.DRILL_SEED ?? String(1 + Date.now() % 1000000);
	const jobs = Number(process.env.DRILL_JOBS ?? 1);
	const policy = process.env.DRILL_POLICY === 'installed' ? [] : QUICK;
	test(`${RANDOM} faults at random, seed ${seed}, leave no unit stuck or in safe mode`, async (t) => {
		const begun = Date.now();
		const runs = await Promise.all(Array.from({ length: jobs }, (_, i) => drill('random',
			'--count', String(Math.floor((RANDOM + i) / jobs)), '--seed', String(Number(seed) + i), ...policy)));
		for (const line of table(runs.flatMap((one) => one.drills))) t.diagnostic(line);
		t.diagnostic(`${((Date.now() - begun) / 60000).toFixed(1)} minutes in ${jobs} lanes`);
		for (const one of runs) good(one, /^healthy$/);
		assert.equal(runs.reduce((sum, one) => sum + one.drills[0].bounds[0].measured, 0), RANDOM);
	});
} else {
	test('a detector that is killed comes back, and nobody else goes', async () => {
		const report = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-it-')), 'report.html');
		const one = good(await drill('crash-infer', '--report', report, ...QUICK),
			/^healthy > recovering > (degraded > )?healthy$/);
		assert.deepEqual(actions(one), ['restart_worker infer.0: done']);
		const html = fs.readFileSync(report, 'utf8');
		assert.match(html, /SIGKILL to infer\.0/);
		assert.match(html, /<svg[^>]*timeline of crash-infer/);
		assert.doesNotMatch(html, /https?:\/\//); // it needs nothing but itself
		fs.rmSync(path.dirname(report), { recursive: true });
	});

	test('a keeper that hangs is replaced', async () => {
		const one = good(await drill('hang-keeper', ...QUICK), /^healthy > recovering > (degraded > )?healthy$/);
		assert.deepEqual(actions(one), ['restart_worker keeper.0: done']);
	});

	test('a latch survives the death of everybody', async () => {
		const one = good(await drill('everything-killed', ...QUICK), /^safe_mode >.* healthy$/);
		assert.deepEqual(actions(one), []);
	});

	// People cross each picture of the clip.
	const people = [...QUICK, '--clip', makeScreen('--layout', '2x2', '--seconds', '30')];

	test('results that are no numbers switch the output off, and the smaller network looks', async () => {
		const one = good(await drill('integrity-nan', ...people), /^healthy > degraded$/);
		assert.match(show(one), /[1-9]\d* weights are others/);
		assert.deepEqual(actions(one), []);
	});

	test('where no weight was changed that drill fails', async () => {
		const { code, drills } = await drill('integrity-nan', '--sabotage', ...people);
		assert.equal(code, 1);
		assert.match(drills[0].why, /no event says not_a_number/);
	});

	test('a drill in which nothing happened fails', async () => {
		const { code, drills } = await drill('crash-infer', '--sabotage', ...QUICK);
		assert.equal(code, 1);
		assert.equal(drills[0].verdict, 'FAILED');
		assert.match(drills[0].why, /no other infer was started/);
	});

	test('a name that is none is refused, with what was meant', async () => {
		const { code, drills, stderr } = await drill('crash-infra');
		assert.equal(code, 2);
		assert.deepEqual(drills, []);
		assert.match(stderr, /did you mean "crash-infer"/);
	});
}
