// SPDX-License-Identifier: Apache-2.0
//
// SIGKILL of random processes, the supervisor among them, again and again. Afterwards: no
// committed event lost, no origin twice, no stay fired twice, everything at the hub in order.
//
// KILLS=n (20), SEED=n (drawn and printed): a failing seed can be run again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audit, hubEvents, outboxLines, sleep, status, until, worker } from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

const KILLS = Number(process.env.KILLS ?? 20);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

// mulberry32: small, and the same everywhere
function random(seed) {
	return () => {
		seed = (seed + 0x6d2b79f5) | 0;
		let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

test(`${KILLS} processes killed at random, seed ${SEED}`, async (t) => {
	const next = random(SEED);
	const unit = await startSmallUnit();
	t.after(() => unit.end());
	const seen = new Map(); // number -> line, as read while the unit ran: what was once there stays
	const killed = {};

	for (let i = 0; i < KILLS; i++) {
		await sleep(300 + next() * 2200);
		for (const line of outboxLines(unit.data))
			if (!line.bad) seen.set(line.local_seq, line.text);
		const state = await status(unit.data).catch(() => null);
		const victims = [['supervisor', unit.program.pid], ...(state?.workers ?? [])
			.filter((w) => w.pid).map((w) => [w.role, w.pid])];
		const [role, pid] = victims[Math.floor(next() * victims.length)];
		killed[role] = (killed[role] ?? 0) + 1;
		try { process.kill(pid, 'SIGKILL'); } catch { /* it had just ended */ }
		if (role === 'supervisor') {
			await unit.program.ended;
			await unit.restart(); // what a service manager would do
			await until('the unit to answer again', () => {
				if (unit.program.how) throw new Error(unit.program.log().slice(-600));
				return status(unit.data);
			}, 30000);
		}
	}
	t.diagnostic(`killed ${JSON.stringify(killed)}`);

	await until('a healthy unit', async () => (await status(unit.data)).state === 'healthy', 90000, 250);
	const goal = worker(await status(unit.data), 'keeper').stats?.local_seq ?? 0;
	await until('the drain', async () => {
		const uplink = worker(await status(unit.data), 'uplink').stats;
		return uplink.acked >= goal && uplink.acked > 0;
	}, 90000, 250);

	const acked = worker(await status(unit.data), 'uplink').stats.acked;
	const lines = outboxLines(unit.data);
	const now = new Map(lines.map((l) => [l.local_seq, l.text]));
	for (const [seq, text] of seen)
		assert.equal(now.get(seq), text, `line ${seq} was there and is gone or altered (seed ${SEED})`);
	const { written, delivered, ...faults } = audit(lines, await hubEvents(unit.hub.url, 'it-unit'), acked);
	t.diagnostic(`${written} events written, ${delivered} delivered`);
	assert.ok(written > KILLS, `only ${written} events`);
	assert.equal(written, delivered);
	for (const [fault, count] of Object.entries(faults))
		assert.equal(count, 0, `${fault} (seed ${SEED})`);
});
