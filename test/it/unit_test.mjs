// SPDX-License-Identifier: Apache-2.0
//
// The whole unit: what it does when a worker dies, hangs, or a second daemon comes.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Program, audit, bin, hubEvents, outboxLines, run, status, until, worker }
	from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

let unit;
before(async () => { unit = await startSmallUnit(); });
after(() => unit?.end());

const pids = (state) => Object.fromEntries(state.workers.map((w) => [`${w.role}.${w.index}`, w.pid]));
const healthyAgain = (what) => until(`the unit to be healthy after ${what}`,
	async () => (await status(unit.data)).state === 'healthy', 60000, 250);
const moreEvents = async (what) => {
	const from = worker(await status(unit.data), 'keeper').stats?.local_seq ?? 0;
	await until(`events after ${what}`, async () =>
		(worker(await status(unit.data), 'keeper').stats?.local_seq ?? 0) > from + 1, 60000, 250);
};

test('people are found, events reach the hub, each with a thumbnail that hashes to its name', async () => {
	await moreEvents('the start');
	const event = await until('an event with a thumbnail at the hub', async () =>
		(await hubEvents(unit.hub.url, 'it-unit')).find((e) => e.event_class === 'pre_action_zone_entry' &&
			e.thumb_path), 60000, 500);
	assert.match(event.model_tag, /^person-/);
	assert.equal(event.layout_id, '4x4-std');
	assert.ok(fs.existsSync(event.thumb_path), event.thumb_path);
	const sum = (await run('sha256sum', [event.thumb_path])).stdout.split(' ')[0];
	assert.equal(path.basename(event.thumb_path), `${sum}.jpg`);
});

for (const role of ['infer', 'ingest', 'respond', 'uplink', 'keeper']) {
	test(`${role} killed: it comes back, its peers were not restarted, events go on`, async () => {
		const old = pids(await status(unit.data));
		process.kill(old[`${role}.0`], 'SIGKILL');
		await until(`a new ${role}`, async () => {
			const now = worker(await status(unit.data), role);
			return now.state === 'running' && now.pid !== old[`${role}.0`];
		}, 60000);
		await healthyAgain(`${role} died`);
		await moreEvents(`${role} died`);
		const now = pids(await status(unit.data));
		for (const name of Object.keys(old))
			if (name !== `${role}.0`) assert.equal(now[name], old[name], `${name} kept its process`);
	});
}

test('a detector stopped in mid-work is killed and replaced, the other carries on', async () => {
	const old = pids(await status(unit.data));
	process.kill(old['infer.1'], 'SIGSTOP');
	await until('a new infer.1', async () => {
		const now = worker(await status(unit.data), 'infer', 1);
		return now.pid && now.pid !== old['infer.1'] && now.state === 'running';
	}, 60000);
	assert.match(worker(await status(unit.data), 'infer', 1).last_exit, /killed: (no heartbeat|busy past)/);
	await healthyAgain('infer.1 hung');
	assert.equal(pids(await status(unit.data))['infer.0'], old['infer.0']);
});

test('a second daemon on the same data is refused and does no harm', async () => {
	const second = new Program('holdfastd', ['--config', unit.config, '--data', unit.data],
		path.join(unit.folder, 'second.log'));
	assert.equal((await second.ended).code, 75);
	assert.match(second.log(), new RegExp(`in use by another holdfastd, process ${unit.program.pid}`));
	assert.equal((await status(unit.data)).state, 'healthy');
});

test('the command line: status is readable, the outbox verifies while the unit runs', async () => {
	const { stdout } = await run(bin('holdfast'), ['status', '--data', unit.data]);
	assert.match(stdout, /healthy/);
	const verified = JSON.parse((await run(bin('holdfast'), ['outbox', 'verify', unit.data, '--json'])).stdout);
	assert.ok(verified);
});

test('after all that: nothing lost, nothing twice, in order', async () => {
	await until('the outbox to drain', async () => {
		const uplink = worker(await status(unit.data), 'uplink').stats;
		return uplink.pending === 0 && uplink.acked > 0;
	}, 60000, 250);
	const acked = worker(await status(unit.data), 'uplink').stats.acked;
	const result = audit(outboxLines(unit.data), await hubEvents(unit.hub.url, 'it-unit'), acked);
	assert.ok(result.written > 10, `${result.written} events`);
	const { written, delivered, ...faults } = result;
	assert.equal(written, delivered);
	for (const [fault, count] of Object.entries(faults)) assert.equal(count, 0, fault);
});

test('SIGTERM ends it cleanly and says so in the outbox', async () => {
	const how = await unit.program.stop();
	assert.equal(how.code, 0);
	assert.equal(outboxLines(unit.data).at(-1).event_class, 'unit_stopped');
});
