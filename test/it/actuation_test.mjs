// SPDX-License-Identifier: Apache-2.0
//
// The unit's output, by a command that writes down when it was called: on after an event, off
// within half a second of whatever happens to those who let it be on, and nothing for a camera of
// which nothing may be decided.
//
// Times are taken from outside: by the command's clock against this script's at the signal.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { outboxLines, sleep, status, until, worker } from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

// What is promised, and what is taken for "by itself" on a machine that may be busy: drills hold the
// figure against the promise.
const PROMISED_MS = 500, OFF_MS = 3000;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-actuation-'));
const calls = path.join(folder, 'calls');
const command = path.join(folder, 'switch');
fs.writeFileSync(command, `#!/bin/sh
echo "$1 $(date +%s%N) $HOLDFAST_CAMERA $HOLDFAST_ZONE $HOLDFAST_EVENT" >> ${calls}
`, { mode: 0o755 });

// The wall clock of this machine is the command's, too; nobody sets it here.
const nowMs = () => performance.timeOrigin + performance.now();
const log = () => fs.readFileSync(calls, 'utf8').trim().split('\n').map((line) => {
	const [output, ns, camera, zone, event] = line.split(' ');
	return { output, at: Number(BigInt(ns) / 1000n) / 1000, camera, zone, event };
});
const isOn = () => log().at(-1)?.output === 'on';
const switchedOn = () => until('the output to be on', isOn, 60000, 10);
const switchedOff = () => until('the output to be off', () => !isOn(), 5000, 5);
const events = (name) => outboxLines(unit.data).filter((e) => e.event_class === name);
const healthy = () => until('a healthy unit', async () => {
	if (unit.program.how) throw new Error(unit.program.log());
	return (await status(unit.data)).state === 'healthy';
}, 60000, 100);

let unit;
before(async () => {
	unit = await startSmallUnit({
		withHub: false,
		extra: `actuation: {command: "${command}", hold: 30s, on: pre_action_zone_entry}\n`,
	});
});
after(async () => {
	await unit?.end();
	fs.rmSync(folder, { recursive: true, force: true });
});

// How long after `from` the output was switched off.
async function offAfter(t, from) {
	await switchedOff();
	const ms = log().at(-1).at - from;
	t.diagnostic(`off after ${ms.toFixed(0)} ms; promised are ${PROMISED_MS}`);
	assert.ok(ms >= -5 && ms <= OFF_MS, `off after ${ms} ms`);
}

test('it is off before anything else, and on after an event that was stored before', async () => {
	assert.equal(log()[0].output, 'off');
	await switchedOn();
	const on = log().at(-1);
	const entry = await until('the event', () => events('pre_action_zone_entry')[0], 5000);
	assert.match(on.zone, /^c\d+-zone$/);
	assert.equal(on.event, 'pre_action_zone_entry');
	const told = await until('the note', () => events('actuation_on')[0], 5000);
	const asked = outboxLines(unit.data).find((e) => e.local_seq === told.attrs.local_seq);
	assert.equal(asked.event_class, 'pre_action_zone_entry');
	assert.equal(asked.zone_id, on.zone);
	assert.ok(entry.local_seq < told.local_seq);
	await until('the status to say so', async () =>
		worker(await status(unit.data), 'actuate').stats.on === true, 3000);
});

test('SIGSTOP of the supervisor: it is off by itself, and may be on again when that goes on', async (t) => {
	await switchedOn();
	const from = nowMs();
	process.kill(unit.program.pid, 'SIGSTOP');
	try {
		await offAfter(t, from);
		const before = log().length;
		await sleep(1500);
		assert.equal(log().length, before, 'nothing is switched while it is stopped');
	} finally {
		process.kill(unit.program.pid, 'SIGCONT');
	}
	const off = await until('the note', () => events('actuation_off').at(-1), 10000);
	assert.equal(off.attrs.why, 'lease');
	await switchedOn();
});

test('actuate is killed: the next one is off first', async (t) => {
	await switchedOn();
	const { pid } = worker(await status(unit.data), 'actuate');
	const from = nowMs();
	process.kill(pid, 'SIGKILL');
	await offAfter(t, from);
	await healthy();
	assert.notEqual(worker(await status(unit.data), 'actuate').pid, pid);
});

test('SIGKILL of the supervisor: it is off by itself, and gone', async (t) => {
	await healthy();
	await switchedOn();
	const { pid } = worker(await status(unit.data), 'actuate');
	const from = nowMs();
	unit.program.kill('SIGKILL');
	await offAfter(t, from);
	await until('actuate to end', () => !fs.existsSync(`/proc/${pid}`) ||
		/\) [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8')), 3000, 20);
	assert.equal(isOn(), false);
	await unit.program.ended;
	await unit.restart();
	await healthy();
});

test('an orderly end: off, and told why', async () => {
	await switchedOn();
	await unit.program.stop();
	assert.equal(isOn(), false);
	assert.match(events('actuation_off').at(-1).attrs.why, /^(stopped|lease)$/);
	await unit.restart();
	await healthy();
});

test('a command that fails is a trouble of the unit until it does its work again', async () => {
	const good = fs.readFileSync(command);
	fs.writeFileSync(`${command}.new`, '#!/bin/sh\nexit 5\n', { mode: 0o755 });
	fs.renameSync(`${command}.new`, command);
	const failed = await until('the note', () => events('actuation_failed').at(-1), 60000);
	assert.equal(failed.attrs.error, 'exit 5');
	await until('a degraded unit', async () => (await status(unit.data)).state === 'degraded', 10000);
	fs.writeFileSync(`${command}.new`, good, { mode: 0o755 });
	fs.renameSync(`${command}.new`, command);
	await until('it is mended', () => events('actuation_ok').length > 0, 10000);
	await healthy();
});
