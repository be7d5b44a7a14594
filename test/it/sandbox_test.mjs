// SPDX-License-Identifier: Apache-2.0
//
// The sandbox of a running unit, as the kernel tells it, and what its absence and its anger look
// like to who runs the unit. That the unit does its work in it is what all other tests show.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { outboxLines, status, until, worker } from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

const field = (pid, name) =>
	fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${name}:\\s*(\\S+)`, 'm'))[1];
// DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER: what is left of root's powers
const KEPT = 0xen;

let unit;
before(async () => { unit = await startSmallUnit(); });
after(() => unit?.end());

test('every worker is filtered, without new privileges, with hardly any left', async () => {
	const { workers } = await status(unit.data);
	assert.deepEqual([...new Set(workers.map((w) => w.role))].sort(),
		['infer', 'ingest', 'keeper', 'respond', 'uplink']);
	for (const { role, pid } of workers) {
		assert.equal(field(pid, 'Seccomp'), '2', role);
		assert.equal(field(pid, 'NoNewPrivs'), '1', role);
		for (const set of ['CapPrm', 'CapEff', 'CapInh'])
			assert.equal(BigInt(`0x${field(pid, set)}`) & ~KEPT, 0n, `${role} ${set}`);
		// Threads that were there before it, too.
		for (const thread of fs.readdirSync(`/proc/${pid}/task`))
			assert.equal(field(`${pid}/task/${thread}`, 'Seccomp'), '2', `${role}, thread ${thread}`);
	}
});

test('the log says of each what holds, or what is missing', async () => {
	const lines = unit.program.log().split('\n').filter((l) => / sandbox(ed|_incomplete) /.test(l));
	const { workers } = await status(unit.data);
	assert.ok(lines.length >= workers.length, lines.join('\n'));
	for (const line of lines) {
		assert.match(line, /profile=(ingest\.file|infer|respond|keeper|uplink) sandbox=/);
		assert.ok(/ sandboxed .*sandbox=landlock\+seccomp/.test(line) ||
			/ sandbox_incomplete .*sandbox=seccomp missing="landlock: /.test(line), line);
	}
});

test('pictures that were removed come again, written by a respond that was let in anew', async () => {
	const thumbs = path.join(unit.data, 'thumbs');
	const before = worker(await status(unit.data), 'respond').pid;
	await until('a picture', () => fs.readdirSync(thumbs).length > 0, 60000);
	fs.rmSync(thumbs, { recursive: true });
	await until('pictures', () => fs.existsSync(thumbs) && fs.readdirSync(thumbs).length > 0, 60000);
	await until('a healthy unit', async () => (await status(unit.data)).state === 'healthy', 60000);
	const log = unit.program.log();
	if (log.includes('sandbox=landlock+seccomp')) {
		assert.match(log, /respond: sandbox_anew path=\S+thumbs /);
		assert.notEqual(worker(await status(unit.data), 'respond').pid, before);
	}
	const lines = outboxLines(unit.data);
	assert.ok(lines.every((l) => !l.bad));
	assert.equal(new Set(lines.map((l) => l.origin)).size, lines.length, 'no event twice');
});
