// SPDX-License-Identifier: Apache-2.0
//
// How a unit ends, and starts again: told to at any moment, twice, with a worker that hangs, by
// a signal to everybody, by SIGKILL; held up itself; under a parent that ignores its children.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Program, outboxLines, sleep, startUnit, status, until, worker } from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

let unit;
before(async () => { unit = await startSmallUnit({ withHub: false }); });
after(() => unit?.end());

const healthy = () => until('a healthy unit', async () => {
	if (unit.program.how) throw new Error(unit.program.log());
	return (await status(unit.data)).state === 'healthy';
}, 60000, 100);
const pids = async () => (await status(unit.data)).workers.map((w) => w.pid);
// A zombie is dead: whoever adopted it has not looked yet.
const lives = (pid) => {
	try {
		return !/\) [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
	} catch {
		return false;
	}
};
const lastClass = () => outboxLines(unit.data).at(-1)?.event_class;
const ended = async (timeoutMs) => {
	const how = await Promise.race([unit.program.ended, sleep(timeoutMs).then(() => null)]);
	assert.ok(how, `it did not end in ${timeoutMs} ms`);
	return how;
};

test('SIGKILL of the supervisor: its workers end within a second, the next start works at once', async () => {
	const workers = await pids();
	unit.program.kill('SIGKILL');
	await unit.program.ended;
	await until('the workers to end', () => !workers.some(lives), 1000, 20);
	await unit.restart();
	await healthy();
});

test('SIGTERM to everybody at once is an orderly end', async () => {
	const all = [...await pids(), unit.program.pid];
	for (const pid of all) process.kill(pid, 'SIGTERM');
	assert.deepEqual(await ended(10000), { code: 0, signal: null });
	assert.equal(lastClass(), 'unit_stopped');
	assert.ok(!all.some(lives));
	await unit.restart();
	await healthy();
});

for (const role of ['ingest', 'respond', 'keeper']) {
	test(`SIGTERM, and again, while ${role} hangs: it ends all the same`, async () => {
		const workers = await pids();
		process.kill(worker(await status(unit.data), role).pid, 'SIGSTOP');
		unit.program.kill('SIGTERM');
		await sleep(300);
		unit.program.kill('SIGTERM');
		assert.deepEqual(await ended(15000), { code: 0, signal: null });
		assert.ok(!workers.some(lives));
		if (role !== 'keeper') assert.equal(lastClass(), 'unit_stopped');
		await unit.restart();
		await healthy();
	});
}

test('SIGTERM at any moment of the start ends it, and leaves nothing behind', async () => {
	await unit.program.stop();
	for (const ms of [1, 10, 30, 60, 100, 200, 400, 800]) {
		const program = startUnit(unit.data, unit.config);
		await sleep(ms);
		program.kill('SIGTERM');
		const how = await Promise.race([program.ended, sleep(15000).then(() => null)]);
		assert.ok(how && (how.code === 0 || how.signal === 'SIGTERM'), `after ${ms} ms: ${JSON.stringify(how)}`);
	}
	await unit.restart();
	await healthy();
});

test('a supervisor that was held up for longer than the heartbeat limit blames nobody', async () => {
	const before = await pids();
	for (const pid of [unit.program.pid, ...before]) process.kill(pid, 'SIGSTOP');
	await sleep(4500);
	// The supervisor first: it finds everybody silent.
	unit.program.kill('SIGCONT');
	await sleep(500);
	for (const pid of before) process.kill(pid, 'SIGCONT');
	await until('the log to tell of it', () => unit.program.log().includes('supervisor_was_held_up'), 5000);
	await sleep(4000);
	assert.deepEqual(await pids(), before);
});

test('a parent that ignores its children does not keep a worker from being replaced', async () => {
	await unit.program.stop();
	unit.program = startUnit(unit.data, unit.config, { prefix: ['env', '--ignore-signal=CHLD'] });
	await healthy();
	const old = worker(await status(unit.data), 'uplink').pid;
	process.kill(old, 'SIGKILL');
	await until('a new uplink', async () => {
		const now = worker(await status(unit.data), 'uplink');
		return now.state === 'running' && now.pid !== old;
	}, 20000);
	assert.equal(worker(await status(unit.data), 'uplink').last_exit, 'killed by signal 9 (KILL)');
});

test('a run folder too long for a socket is refused with what to do', async () => {
	await unit.program.stop();
	const run = path.join(unit.folder, 'r'.repeat(120));
	const program = new Program('holdfastd', ['--config', unit.config, '--data', unit.data, '--run', run],
		path.join(unit.folder, 'long.log'));
	assert.equal((await program.ended).code, 1);
	assert.match(program.log(), /too long for a socket .* shorter --run/);
});

test('what is in run/ from a unit that was killed does no harm', async () => {
	fs.writeFileSync(path.join(unit.data, 'run/control.new'), 'x');
	fs.writeFileSync(path.join(unit.data, 'run/respond.00000000-0000-0000-0000-000000000000'), 'old');
	fs.mkdirSync(path.join(unit.data, 'run/gen/1'), { recursive: true });
	fs.rmSync(path.join(unit.data, 'run/control'), { force: true });
	execFileSync('python3', ['-c', 'import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])',
		path.join(unit.data, 'run/control')]);
	await unit.restart();
	await healthy();
	assert.ok(!fs.existsSync(path.join(unit.data, 'run/gen/1')));
	assert.ok(!fs.existsSync(path.join(unit.data, 'run/respond.00000000-0000-0000-0000-000000000000')));
});
