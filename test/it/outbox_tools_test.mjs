// SPDX-License-Identifier: Apache-2.0
//
// `holdfast outbox` beside a running unit and on copies of its folder: replay through the uplink
// and through the cursor's file, export, and every event of a card pulled in mid-write read with
// stock tools.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { audit, bin, getJson, hubEvents, outboxLines, status, until, worker } from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

const DEVICE = 'it-unit';
let unit;
before(async () => { unit = await startSmallUnit(); });
after(() => unit?.end());

const outbox = (...args) => {
	const done = spawnSync(bin('holdfast'), ['outbox', ...args], { encoding: 'utf8' });
	return { code: done.status, out: done.stdout, err: done.stderr };
};
const cursor = () => Number(fs.readFileSync(path.join(unit.data, 'meta/ack_local_seq'), 'utf8'));
const acked = async () => worker(await status(unit.data), 'uplink').stats?.acked ?? 0;
// Once more where the hub has just closed the connection that was kept.
const devices = () => getJson(`${unit.hub.url}/v1/devices`).catch(() => getJson(`${unit.hub.url}/v1/devices`));
const duplicates = async () => (await devices()).devices
	.filter((d) => d.device_id === DEVICE).reduce((sum, d) => sum + d.duplicates, 0);
const requests = () => outboxLines(unit.data).filter((l) => l.event_class === 'outbox_replay_requested');

test('replay through the running unit: exactly those are sent again, and the log says who asked', async () => {
	await until('events to be delivered', async () => await acked() >= 12 && cursor() >= 12, 60000, 200);
	const before = { duplicates: await duplicates(), acked: await acked() };
	const done = outbox('replay', '--from', '3', '--through', '7', '--channel', 'hub', '--yes', '--json', unit.data);
	assert.equal(done.code, 0, done.err);
	assert.deepEqual(JSON.parse(done.out), { ok: true, channel: 'hub', from: 3, through: 7, by: 'unit' });
	await until('the twins at the hub', async () => await duplicates() >= before.duplicates + 5, 20000, 100);
	await until('the cursor to be back', async () => await acked() >= before.acked && cursor() >= before.acked, 20000, 100);
	assert.equal(await duplicates(), before.duplicates + 5);
	await until('the event', () => requests().length === 1, 10000, 100);
	assert.deepEqual(requests()[0].attrs, { channel: 'hub', from: 3, through: 7, by_uid: process.getuid() });
	const seen = audit(outboxLines(unit.data), await hubEvents(unit.hub.url, DEVICE), before.acked);
	assert.equal(seen.twins_at_hub, 0);
	assert.equal(seen.dropped, 0);
});

test('replay asks first, and refuses what cannot be', async () => {
	const at = cursor();
	const unasked = outbox('replay', '--from', '3', '--channel', 'hub', unit.data);
	assert.equal(unasked.code, 2);
	assert.match(unasked.err, /events, 3 to \d+, will be sent to the channel "hub" again/);
	assert.match(unasked.err, /--yes/);
	const channel = outbox('replay', '--from', '3', '--channel', 'fax', '--yes', unit.data);
	assert.equal(channel.code, 2);
	assert.match(channel.err, /there is no channel "fax"; there is: hub/);
	const ahead = outbox('replay', '--from', '900000', '--channel', 'hub', '--yes', unit.data);
	assert.equal(ahead.code, 1);
	assert.match(ahead.err, /there is no line 900000/);
	assert.ok(cursor() >= at);
	assert.equal(requests().length, 1);
});

test('what the hub has countersigned proves the log; a line taken out of a copy is named', async () => {
	const proven = await until('a receipt', () => {
		const done = outbox('verify', '--chain', '--json', unit.data);
		return done.code === 0 && JSON.parse(done.out).chain.proven_through;
	}, 30000, 300);
	const copy = path.join(unit.folder, 'copy');
	fs.cpSync(unit.data, copy, { recursive: true, filter: (from) => !from.endsWith('/control') });
	// Numbers are not missing if the forger thinks of a gap event: here he does not.
	const gone = outboxLines(copy).findLast((l) => l.local_seq < proven && l.event_class !== 'outbox_file_opened');
	const day = path.join(copy, 'outbox', gone.file);
	fs.writeFileSync(day, fs.readFileSync(day, 'utf8').replace(`${gone.text}\n`, ''));
	fs.rmSync(path.join(copy, 'outbox/.ring'));
	const done = outbox('verify', '--chain', '--json', copy);
	assert.equal(done.code, 1);
	const { chain } = JSON.parse(done.out);
	assert.ok(chain.altered_from <= gone.local_seq && gone.local_seq <= chain.altered_through, done.out);
	assert.ok((chain.proven_through ?? 0) < gone.local_seq);
	// Another machine pins no key of its own: one that is given must be the hub's.
	assert.equal(outbox('verify', '--hub-key', chain.hub_key, unit.data).code, 0);
	assert.equal(outbox('verify', '--hub-key', 'ab'.repeat(32), unit.data).code, 5);
});

test('a card pulled in mid-write: stock tools and the tools here read the same events', async () => {
	const all = [worker(await status(unit.data), 'keeper').pid, unit.program.pid];
	for (const pid of all) process.kill(pid, 'SIGKILL');
	await unit.program.ended;
	const card = path.join(unit.folder, 'card');
	fs.cpSync(unit.data, card, { recursive: true, filter: (from) => !from.endsWith('/control') });
	const folder = path.join(card, 'outbox');
	const whole = JSON.parse(outbox('verify', '--json', card).out);
	assert.equal(whole.problems, 0);
	const day = path.join(folder, whole.days.at(-1).file);
	/* What the power may take of a day file when the ring has its lines: the end. */
	fs.truncateSync(day, fs.statSync(day).size - 1500);
	// The ring is mostly empty lines: jq alone takes seconds over them.
	const stock = execFileSync('sh', ['-c', 'cat "$1"/*.jsonl "$1"/.ring | grep -a "{" | ' +
		`jq -cR 'fromjson? | .local_seq' | sort -nu`, 'sh', folder], { encoding: 'utf8' })
		.trim().split('\n').map(Number);
	const numbers = (text) => text.trim().split('\n').map((l) => JSON.parse(l).local_seq);
	const exported = outbox('export', '--from', '1', folder);
	assert.equal(exported.code, 0, exported.err);
	assert.deepEqual(numbers(exported.out), stock);
	assert.equal(stock.at(-1), whole.last_seq);
	const after = JSON.parse(outbox('verify', '--json', card).out);
	assert.equal(after.problems, 0);
	assert.equal(after.lines, whole.lines);
	assert.ok(after.ring.lines_only_there >= 2);
	assert.equal(after.ring.lines_only_there, after.lines - outboxLines(card).filter((l) => !l.bad).length);
	assert.deepEqual(numbers(outbox('tail', '-n', '5', card).out), stock.slice(-5));
	const stat = JSON.parse(outbox('stat', '--json', card).out);
	assert.equal(stat.last_seq, whole.last_seq);
	assert.equal(stat.channels[0].acked_through, cursor());
});

test('replay without a unit moves the cursor; the next start sends', async () => {
	const before = await duplicates();
	const at = cursor();
	const bounded = outbox('replay', '--from', '2', '--through', '5', '--channel', 'hub', '--yes', unit.data);
	assert.equal(bounded.code, 1);
	assert.match(bounded.err, /leave out --through/);
	const done = outbox('replay', '--from', '2', '--channel', 'hub', '--yes', unit.data);
	assert.equal(done.code, 0, done.err);
	assert.equal(cursor(), 1);
	await unit.restart();
	await until('all of it to be sent again', async () => await duplicates() >= before + at - 1, 60000, 200);
	await until('the cursor to be back', () => cursor() >= at, 20000, 100);
});
