// SPDX-License-Identifier: Apache-2.0
//
// A unit at work for two hours: does any of its processes keep what it should give back?
//
// MEMORY_MINUTES=n (120). Anonymous memory of each process is read once a minute. The first quarter
// is warming up (caches of the allocator, of the model runtime, the outbox's window); from there
// on each quarter's median is held against the next: what grows on and on shows, and a moment's
// peak does not.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { sleep, status } from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

const MINUTES = Number(process.env.MEMORY_MINUTES ?? 120);
const GROWTH_KB_MAX = 1024; // of all processes together

// On a busy machine a detector that is slow must not be taken for one that hangs.
const PATIENT = 'infer:\n  deadline: 1m\nsupervisor:\n  heartbeat_timeout: 1m\n';

// Anonymous memory, in or out of core. Not "private": a library's clean pages become private to
// ingest when the last other program that uses the library ends.
const anonymousKb = (pid) => fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').split('\n')
	.filter((line) => /^(Anonymous|Swap):/.test(line))
	.reduce((sum, line) => sum + Number(line.match(/\d+/)[0]), 0);

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

test(`${MINUTES} minutes of work cost no more memory than the first quarter of them`, async (t) => {
	const unit = await startSmallUnit({ cooldown: '10s', extra: PATIENT });
	t.after(() => unit.end());
	const before = await status(unit.data);
	const pids = { supervisor: unit.program.pid,
		...Object.fromEntries(before.workers.map((w) => [`${w.role}.${w.index}`, w.pid])) };
	const samples = [];

	for (let minute = 0; minute < MINUTES; minute++) {
		await sleep(60_000);
		samples.push(Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, anonymousKb(pid)])));
	}
	const now = await status(unit.data);
	assert.deepEqual(now.workers.map((w) => w.pid), before.workers.map((w) => w.pid),
		'a process was replaced: its memory began anew');
	const from = Math.floor(samples.length / 4);
	const half = Math.floor((samples.length + from) / 2);
	let growth = 0;
	for (const name of Object.keys(pids)) {
		const early = median(samples.slice(from, half).map((s) => s[name]));
		const late = median(samples.slice(half).map((s) => s[name]));

		growth += late - early;
		t.diagnostic(`${name}: ${(early / 1024).toFixed(1)} MB, then ${(late / 1024).toFixed(1)} MB`);
	}
	t.diagnostic(`growth ${growth} kB in ${MINUTES} minutes`);
	assert.ok(growth <= GROWTH_KB_MAX, `${growth} kB more, at most ${GROWTH_KB_MAX} are allowed`);
});
