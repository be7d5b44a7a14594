// SPDX-License-Identifier: Apache-2.0
//
// One of two detectors goes wrong in every way it can (hostile_worker.c takes its place). The
// unit survives each, nobody else loses its process, the event says what was done and why, and
// the supervisor keeps nothing of the dead.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { STAGE, fallen, outboxLines, status, until, worker } from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

const HOSTILE = process.env.HOLDFAST_HOSTILE_WORKER;
const LIBEXEC = path.join(STAGE, 'libexec/holdfast');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-hostile-'));
const modeFile = path.join(folder, 'mode');

// Replaced in one step: a detector that starts meanwhile reads the old or the new.
const setMode = (mode) => {
	fs.writeFileSync(`${modeFile}.new`, mode);
	fs.renameSync(`${modeFile}.new`, modeFile);
};

let unit;
before(async () => {
	for (const name of fs.readdirSync(LIBEXEC))
		if (name !== 'infer') fs.symlinkSync(path.join(LIBEXEC, name), path.join(folder, name));
	fs.copyFileSync(HOSTILE, path.join(folder, 'infer'));
	setMode('good');
	unit = await startSmallUnit({
		withHub: false,
		options: { env: {
			HOLDFAST_LIBEXEC: folder, HOLDFAST_SHARE: path.join(STAGE, 'share/holdfast'),
			HOSTILE_MODE: modeFile, HOSTILE_REAL: path.join(LIBEXEC, 'infer'),
		} },
	});
});
after(async () => {
	await unit?.end();
	fs.rmSync(folder, { recursive: true, force: true });
});

const others = (state) => Object.fromEntries(state.workers
	.filter((w) => w.role !== 'infer' || w.index !== 1).map((w) => [`${w.role}.${w.index}`, w.pid]));
const bad = (state) => worker(state, 'infer', 1);
const descriptors = () => fs.readdirSync(`/proc/${unit.program.pid}/fd`).length;
// The last question's connection may still be there.
const sameDescriptors = (count) => until(`${count} descriptors of the supervisor`,
	() => descriptors() === count, 5000);
const last = (event_class) => outboxLines(unit.data).filter((l) => l.event_class === event_class).at(-1);
const healthy = () => until('a healthy unit',
	async () => (await status(unit.data)).state === 'healthy', 60000, 100);

// The detector that is there now makes room for one with this mode.
async function replaceWith(mode) {
	const { pid, restarts } = bad(await status(unit.data));
	setMode(mode);
	if (pid) process.kill(pid, 'SIGKILL');
	return restarts + 1; // of the life that misbehaves
}

async function recover() {
	setMode('good');
	await healthy();
}

const breaks = 'killed: sent a message that breaks the contract';
for (const [mode, what, exit] of [
	['garbage', 'bytes that are no message', breaks],
	['role', 'what only respond may send', breaks],
	['short', 'a body that is too short', breaks],
	['stats', 'statistics that are not JSON', breaks],
	['attrs', 'a note whose attrs are not JSON', breaks],
	['class', 'a note whose class is not one', breaks],
	['condemn', 'a word against somebody who is not there', breaks],
	['ready', 'ready twice', breaks],
	['descriptors', 'descriptors without a message', breaks],
	['deaf', 'nothing, it closes its control link', 'killed: closed its control link and lives on'],
	['busy', 'nothing, it is busy for ever', 'killed: announced to be busy for longer than anybody may'],
	['result', 'a result that is none', 'killed: broke the contract with a peer'],
	['done', 'a job done that is none', 'killed: broke the contract with a peer'],
]) {
	test(`a detector that sends ${what} is replaced, and nobody else`, async () => {
		const before = others(await status(unit.data));
		const fds = descriptors();
		const life = await replaceWith(mode);
		await until('its end', async () => {
			const now = bad(await status(unit.data)); // readable, whatever it sent
			return now.restarts > life && now.last_exit === exit;
		}, 30000);
		await recover();
		assert.deepEqual(others(await status(unit.data)), before, fallen(unit.program.log()).join('; '));
		await sameDescriptors(fds);
		assert.ok(outboxLines(unit.data).every((l) => !l.bad), 'every line is JSON');
	});
}

test('its ends are events, and what a peer said against it is one with the reason', () => {
	assert.ok(outboxLines(unit.data).some((l) => l.event_class === 'worker_ended' && l.attrs.how === breaks));
	const { attrs } = last('worker_condemned');
	assert.equal(attrs.role, 'infer');
	assert.equal(attrs.index, 1);
	assert.match(attrs.why, /message done/);
});

test('50 lives and deaths leave no descriptor behind', async () => {
	const before = others(await status(unit.data));
	const fds = descriptors();
	const first = await replaceWith('exit');
	await until('50 restarts', async () => bad(await status(unit.data)).restarts >= first + 50, 120000);
	assert.match((await status(unit.data)).state, /^(recovering|degraded)$/);
	await recover();
	await sameDescriptors(fds);
	assert.deepEqual(others(await status(unit.data)), before);
});

test('a flood of notes is counted, not stored', async () => {
	const before = others(await status(unit.data));
	const stored = () => outboxLines(unit.data).filter((l) => l.event_class === 'flood').length;
	await replaceWith('flood');
	await until('the flood', async () => (await status(unit.data)).own_events_suppressed > 2000, 30000);
	await replaceWith('good');
	await healthy();
	assert.ok(stored() > 0 && stored() < 500, `${stored()} stored`);
	await until('the count', () => last('events_suppressed')?.attrs.count > 0, 30000);
	assert.deepEqual(others(await status(unit.data)), before);
});

test('a detector that is there and works is healthy again, and the unit ends cleanly', async () => {
	await healthy();
	assert.equal((await unit.program.stop()).code, 0);
	assert.equal(outboxLines(unit.data).at(-1).event_class, 'unit_stopped');
});
