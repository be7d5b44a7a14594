// SPDX-License-Identifier: Apache-2.0
//
// What the policy does with a real unit, and what an operator may want of it: why, hold,
// maintenance, safe, ack, reload. And what outlives a supervisor that is killed.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { QUICK_POLICY, bin, outboxLines, run, status, until, worker } from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

let unit, policyFile;
before(async () => {
	unit = await startSmallUnit({ withHub: false });
	// Its own copy, which a test may change.
	policyFile = path.join(unit.folder, 'policy.yaml');
	fs.copyFileSync(QUICK_POLICY, policyFile);
	fs.writeFileSync(unit.config, fs.readFileSync(unit.config, 'utf8').replace(QUICK_POLICY, policyFile));
	await unit.program.stop();
	await unit.restart();
	await healthy();
});
after(() => unit?.end());

const healthy = () => until('a healthy unit', async () => (await status(unit.data)).state === 'healthy', 60000);
const holdfast = async (...words) => {
	try {
		const { stdout, stderr } = await run(bin('holdfast'), [...words, '--data', unit.data]);
		return { code: 0, stdout, stderr };
	} catch (error) {
		return { code: error.code, stdout: error.stdout, stderr: error.stderr };
	}
};
const why = async () => JSON.parse((await holdfast('why', '--json')).stdout);
const events = (name, from = 0) => outboxLines(unit.data)
	.filter((l) => l.event_class === name && l.local_seq > from);
const lastSeq = () => outboxLines(unit.data).at(-1)?.local_seq ?? 0;
const kill = async (role, index = 0) => {
	const { pid } = worker(await status(unit.data), role, index);
	process.kill(pid, 'SIGKILL');
	return pid;
};

test('a crash is a row of events: reason, action, its end, its check, and the state beside them', async () => {
	const from = lastSeq();
	const old = await kill('respond');
	await until('another respond', async () => {
		const now = worker(await status(unit.data), 'respond');
		return now.state === 'running' && now.pid !== old;
	}, 30000);
	await healthy();
	await until('the last word of it', () => events('reason_cleared', from)
		.some((l) => l.attrs.reason === 'worker_down'), 30000);
	const told = outboxLines(unit.data).filter((l) => l.local_seq > from &&
		l.attrs.reason === 'worker_down' && l.attrs.worker === 'respond.0').map((l) => l.event_class);
	assert.deepEqual(told, ['reason_entered', 'action_chosen', 'action_done', 'action_verified', 'reason_cleared']);
	// What is told lies in the outbox a moment after it is so: the first one may be that of the start.
	await until('the states as events', () => {
		const states = events('state_changed', from).map((l) => l.attrs.to);
		return states.includes('recovering') && states.at(-1) === 'healthy';
	}, 10000);
	assert.ok(fs.statSync(path.join(unit.data, 'state/frozen.jsonl')).size > 0, 'the evidence was frozen');
});

test('an action that is held waits, why says so, and goes on when it is let go', async () => {
	assert.equal((await holdfast('hold', 'restart_worker', '--for', '10m', '--reason', 'test')).code, 0);
	const old = await kill('infer', 1);
	const reason = await until('its reason', async () => (await why()).reasons
		.find((r) => r.reason === 'worker_down' && r.about === 'infer.1'), 10000);
	assert.deepEqual(reason.ladder.map((r) => [r.action, r.state, r.why]),
		[['restart_worker', 'refused', 'held by an operator']]);
	assert.equal(worker(await status(unit.data), 'infer', 1).state, 'waiting');
	const page = (await holdfast('why')).stdout;
	assert.match(page, /worker_down infer\.1: killed by signal 9/);
	assert.match(page, /restart_worker +not now: held by an operator/);
	assert.match(page, /restart_worker is held for another 9 min/);
	assert.match(page, /over after: not worker\.down for 1s/);
	assert.equal((await holdfast('hold', 'restart_worker', '--for', '0')).code, 0);
	await until('another infer.1', async () => {
		const now = worker(await status(unit.data), 'infer', 1);
		return now.state === 'running' && now.pid !== old;
	}, 30000);
	await healthy();
});

test('what makes no sense is refused with a sentence and changes nothing', async () => {
	for (const [words, code, what] of [
		[['hold', 'restart_wroker', '--for', '1m'], 1, /there is no action of this name/],
		[['hold', 'safe_mode', '--for', '1m'], 1, /refused: there is nothing of the kind/],
		[['hold', 'reboot'], 2, /say for how long/],
		[['hold', 'reboot', '--for', '8d'], 2, /a week at most/],
		[['maintenance', '--for', '1 hour'], 2, /--for takes/],
		[['safe', 'enter'], 2, /say why/],
		[['safe', 'clear', '--reason', 'nothing to clear'], 1, /refused: there is nothing of the kind/],
		[['ack', 'no_such_reason'], 1, /no reason of this name/],
		[['ack'], 1, /refused: there is nothing of the kind/],
	]) {
		const answer = await holdfast(...words);
		assert.equal(answer.code, code, `${words.join(' ')}: ${answer.stderr}`);
		assert.match(answer.stderr, what, words.join(' '));
	}
	assert.equal((await status(unit.data)).state, 'healthy');
});

test('safe mode outlives the supervisor, and only an operator ends it', async () => {
	const from = lastSeq();
	assert.equal((await holdfast('safe', 'enter', '--reason', 'siren without cause')).code, 0);
	assert.equal((await status(unit.data)).state, 'safe_mode');
	// What was refused before may be stored after that look.
	const { attrs } = await until('the command as an event', () => events('operator_command', from)
		.find((l) => l.attrs.command === 'safe enter'), 10000);
	assert.equal(attrs.why, 'siren without cause');
	assert.equal(attrs.by_uid, process.getuid());
	unit.program.kill();
	await unit.program.ended;
	await unit.restart();
	await until('the next supervisor', async () => (await status(unit.data)).state, 30000);
	await until('all its workers', async () => (await status(unit.data)).workers
		.every((w) => w.state === 'running'), 60000);
	assert.equal((await status(unit.data)).state, 'safe_mode');
	assert.equal((await why()).decides, false);
	await until('the start as an event', () => events('device_state', from).length > 0, 10000);
	assert.equal(events('device_state', from)[0].attrs.found, 'crashed');
	assert.equal((await holdfast('safe', 'clear', '--reason', 'seen')).code, 0);
	await healthy();
	assert.equal(events('safe_mode_left', from)[0].attrs.by, 'operator');
});

test('a dead worker is started again under maintenance, too', async () => {
	assert.equal((await holdfast('maintenance', '--for', '1h', '--reason', 'new cable')).code, 0);
	assert.match((await holdfast('why')).stdout, /maintenance for another (60|59) min/);
	const old = await kill('ingest');
	await until('another ingest', async () => {
		const now = worker(await status(unit.data), 'ingest');
		return now.state === 'running' && now.pid !== old;
	}, 30000);
	assert.equal((await holdfast('maintenance', '--for', '0')).code, 0);
	assert.equal((await why()).maintenance_ms, 0);
	await healthy();
});

test('a policy is changed while the unit runs, and one that is refused changes nothing', async () => {
	const from = lastSeq();
	const good = fs.readFileSync(policyFile, 'utf8');
	fs.writeFileSync(policyFile, good.replace('name: quick', 'name: quicker'));
	assert.equal((await holdfast('policy', 'reload')).code, 0);
	await until('the other policy', async () => (await why()).policy === 'quicker', 10000);
	fs.writeFileSync(policyFile, good.replace('class: resource', 'class: resurce'));
	await holdfast('policy', 'reload');
	await until('its refusal', () => events('policy_refused', from).length > 0, 10000);
	assert.equal((await why()).policy, 'quicker');
	assert.match((await why()).policy_refused, /refused/);
	assert.match(unit.program.log(), /policy\.yaml:\d+:\d+: .*resurce/);
	const old = await kill('uplink');
	await until('another uplink by the last good one', async () => {
		const now = worker(await status(unit.data), 'uplink');
		return now.state === 'running' && now.pid !== old;
	}, 30000);
	fs.writeFileSync(policyFile, good);
	await holdfast('policy', 'reload');
	await until('the first one again', async () => (await why()).policy === 'quick', 10000);
	assert.equal((await why()).policy_refused, null);
	await healthy();
});

test('one damaged copy of the device state is passed over and told, both are safe mode', async () => {
	const slot = (i) => path.join(unit.data, `state/device.${i}`);
	const spoil = (i) => {
		const bytes = fs.readFileSync(slot(i));
		bytes[100] ^= 0xff;
		fs.writeFileSync(slot(i), bytes);
	};
	let from = lastSeq();
	assert.equal((await unit.program.stop()).code, 0);
	spoil(0);
	await unit.restart();
	await healthy();
	await until('what was found', () => events('device_state', from).length > 0, 10000);
	assert.match(events('device_state', from)[0].attrs.device_0, /./);
	from = lastSeq();
	assert.equal((await unit.program.stop()).code, 0);
	spoil(0);
	spoil(1);
	await unit.restart();
	await until('safe mode', async () => (await status(unit.data)).state === 'safe_mode', 60000);
	assert.match((await status(unit.data)).reasons.join('\n'), /state_lost/);
	await until('what was found', () => events('device_state', from).length > 0, 10000);
	assert.equal(events('device_state', from)[0].attrs.found, 'lost');
	assert.equal((await holdfast('safe', 'clear', '--reason', 'card was damaged, budgets looked at')).code, 0);
	await healthy();
});

test('what the unit did is decided again from its trace', async () => {
	const trace = path.join(unit.data, 'run/trace.jsonl');
	const { stdout } = await run(bin('holdfast'), ['policy', 'simulate', '--policy', policyFile, trace]);
	assert.match(stdout, /worker_down|state_lost|starting/);
});
