// SPDX-License-Identifier: Apache-2.0
//
// One name, two histories: cloned cards, restored backups, altered logs. The real keeper, uplink
// and hub; spine.c plays the rest of the unit.
//
// What must hold each time: every line that a unit wrote is at the hub under (device, the epoch it
// is delivered under, its number), byte for byte; nothing there was overwritten; each redraw is
// told by one epoch_redrawn.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import fs from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { crc32c, folder, get, start } from './hub_lib.mjs';
import { outboxLines, sleep, until } from '../../tools/harness.mjs';

const { HOLDFAST_SPINE: SPINE, HOLDFAST_KEEPER: KEEPER, HOLDFAST_UPLINK: UPLINK } = process.env;
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
let runs = 0;

class Unit {
	constructor(t, data, hub, hardware = '') {
		this.data = data;
		this.said = [];
		this.log = '';
		this.child = spawn(SPINE, [KEEPER, UPLINK, data, hub.url, '1', String(++runs), hardware]);
		this.ended = new Promise((done) => this.child.on('exit', done));
		let rest = '';
		this.child.stderr.on('data', (text) => { this.log += text; });
		this.child.stdout.on('data', (text) => {
			const lines = (rest + text).split('\n');
			rest = lines.pop();
			for (const line of lines) this.said.push(JSON.parse(line));
		});
		t.after(async () => {
			this.child.kill('SIGKILL');
			await this.ended;
		});
	}
	say(text) { this.child.stdin.write(`${text}\n`); }
	async commit(count) {
		const before = this.said.filter((s) => s.committed).length;
		this.say(`commit ${count}`);
		const { committed } = await until('a commit',
			() => this.said.filter((s) => s.committed)[before], 20000, 20);
		// The day's file shows a line a moment after the ring has it.
		await until('the lines', () => this.last() >= committed, 20000, 20);
	}
	stats(role) { return this.said.findLast((s) => s.stats === role)?.text; }
	last() { return outboxLines(this.data).at(-1)?.local_seq ?? 0; }
	async drained() {
		await until(`the drain (${this.data})`, () => {
			const cursor = Number(fs.readFileSync(path.join(this.data, 'meta/ack_local_seq'), 'utf8'));
			return cursor > 0 && cursor >= this.last();
		}, 20000, 50);
	}
	async stop() {
		this.child.stdin.end();
		await this.ended;
	}
	forks() {
		const file = path.join(this.data, 'meta/forks');
		if (!fs.existsSync(file)) return [];
		return fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => {
			const [next, left, from, reason, at, told] = line.split(' ');
			return { next, left, from: Number(from), reason, at: Number(at), told: told === '1' };
		});
	}
	// The epoch a line is delivered under.
	stream(line) {
		let epoch = line.epoch;
		for (const fork of this.forks())
			if (fork.left === epoch && line.local_seq >= fork.from) epoch = fork.next;
		return epoch;
	}
}

const copy = (from, to) => fs.cpSync(from, to, { recursive: true });
const redrawn = (unit) => outboxLines(unit.data).filter((l) => l.event_class === 'epoch_redrawn');

// The hub's own table, as anyone may read it.
async function hubLines(hub) {
	const events = [];
	for (let after = 0; ;) {
		const page = await get(hub, `/v1/events?after=${after}&limit=1000`);
		if (page.events.length === 0) return events;
		events.push(...page.events);
		after = page.after;
	}
}

// Everything of these units is at the hub, as bytes: origin, number and chain say which line it is.
async function allThere(hub, units) {
	const there = new Map();
	for (const e of await hubLines(hub)) there.set(`${e.epoch} ${e.local_seq} ${e.chain}`, e);
	for (const unit of units)
		for (const line of outboxLines(unit.data).filter((l) => !l.bad))
			assert.ok(there.has(`${line.epoch} ${line.local_seq} ${line.chain}`),
				`${path.basename(unit.data)}: ${line.local_seq} ${line.event_class} of ${line.epoch} is not at the hub`);
}

async function streams(hub) {
	return Object.fromEntries((await get(hub, '/v1/devices')).devices.map((d) => [d.epoch, d]));
}

test('two units on copies of one card both deliver everything', async (t) => {
	const dir = folder(t);
	const hub = await start(t, path.join(dir, 'hub'));
	const a = new Unit(t, path.join(dir, 'a'), hub);
	await a.commit(20);
	await a.drained();
	await a.stop();
	copy(a.data, path.join(dir, 'b'));
	const one = new Unit(t, a.data, hub);
	await one.commit(10);
	await one.drained();
	const two = new Unit(t, path.join(dir, 'b'), hub);
	await two.commit(15);
	await two.drained();
	for (let i = 0; i < 3; i++) {
		await one.commit(5);
		await two.commit(5);
	}
	await Promise.all([one.drained(), two.drained()]);
	await sleep(1500);
	await Promise.all([one.drained(), two.drained()]);
	await allThere(hub, [one, two]);
	assert.equal(redrawn(one).length, 0, 'the first one has the epoch');
	assert.equal(redrawn(two).length, 1);
	const [fork] = two.forks();
	assert.equal(fork.reason, 'conflict');
	assert.ok(fork.told);
	assert.equal(redrawn(two)[0].attrs.new, fork.next);
	assert.equal(fs.readFileSync(path.join(two.data, 'identity/epoch'), 'utf8').trim(), fork.next);
	const all = await streams(hub);
	assert.equal(Object.keys(all).length, 2);
	assert.equal(all[fork.left].conflicts, 1, 'no second conflict');
	assert.equal(all[fork.next].forked_from, fork.left);
	assert.equal(all[fork.next].forks + all[fork.left].forks, 0);
	assert.equal(all[fork.next].unchecked + all[fork.left].unchecked, 0, 'every chain was checked');
	assert.equal((await get(hub, '/v1/gaps')).gaps.length, 0);
	// Under no number of a stream are there two lines, and none was replaced.
	const receipts = fs.readFileSync(path.join(two.data, `identity/receipts/${fork.next}.jsonl`), 'utf8')
		.trim().split('\n').map((l) => JSON.parse(l));
	const mine = new Map(outboxLines(two.data).map((l) => [l.local_seq, l]));
	assert.ok(receipts.length > 0);
	for (const r of receipts) assert.equal(r.chain, mine.get(r.seq).chain);
	assert.equal(receipts.at(-1).seq, two.last(), 'the last receipt is kept');
	assert.equal(receipts[0].key, (await get(hub, '/v1/key')).key);
	await Promise.all([one.stop(), two.stop()]);
});

test('a copy of a copy leaves the epoch that the copy had drawn', async (t) => {
	const dir = folder(t);
	const hub = await start(t, path.join(dir, 'hub'));
	const a = new Unit(t, path.join(dir, 'a'), hub);
	await a.commit(5);
	await a.drained();
	await a.stop();
	copy(a.data, path.join(dir, 'b'));
	const one = new Unit(t, a.data, hub);
	await one.commit(8);
	await one.drained();
	// The copy writes on without a hub; so does a copy of it, from a later line on.
	const nowhere = { url: 'http://127.0.0.1:9' };
	const alone = new Unit(t, path.join(dir, 'b'), nowhere);
	await alone.commit(4);
	await alone.stop();
	copy(alone.data, path.join(dir, 'c'));
	const two = new Unit(t, alone.data, hub);
	await two.commit(4);
	await two.drained();
	await until('the redraw', () => redrawn(two).length === 1, 10000);
	await two.drained();
	await two.stop();
	// It also has the second one's epoch and its entry, as if the card had been copied after that.
	for (const name of ['meta/forks', 'identity/epoch'])
		fs.copyFileSync(path.join(two.data, name), path.join(dir, 'c', name));
	const three = new Unit(t, path.join(dir, 'c'), hub);
	await three.commit(6);
	await three.drained();
	await until('the redraw', () => three.forks().length === 2, 10000);
	await three.commit(1);
	await three.drained();
	await three.stop();
	await allThere(hub, [one, two, three]);
	const [first, second] = three.forks();
	assert.equal(second.left, first.next);
	const old = outboxLines(three.data).filter((l) => l.epoch === first.left && l.local_seq >= first.from);
	assert.ok(old.length > 0);
	assert.deepEqual(new Set(old.filter((l) => l.local_seq >= second.from).map((l) => three.stream(l))),
		new Set(second.from > old.at(-1).local_seq ? [] : [second.next]));
	assert.equal(Object.keys(await streams(hub)).length, 3);
});

test('a restored backup delivers all that is new and overwrites nothing', async (t) => {
	const dir = folder(t);
	const hub = await start(t, path.join(dir, 'hub'));
	const before = new Unit(t, path.join(dir, 'unit'), hub);
	await before.commit(10);
	await before.drained();
	await before.stop();
	copy(before.data, path.join(dir, 'backup'));
	const lost = new Unit(t, before.data, hub);
	await lost.commit(12);
	await lost.drained();
	await lost.stop();
	const kept = await hubLines(hub);
	fs.renameSync(before.data, path.join(dir, 'lost'));
	copy(path.join(dir, 'backup'), before.data);
	const restored = new Unit(t, before.data, hub);
	await restored.commit(8);
	await restored.drained();
	await restored.stop();
	await allThere(hub, [restored]);
	assert.deepEqual((await hubLines(hub)).slice(0, kept.length), kept);
	assert.equal(redrawn(restored).length, 1);
});

test('a backup whose next numbers the hub never saw is noticed by its mark', async (t) => {
	const dir = folder(t);
	const hub = await start(t, path.join(dir, 'hub'));
	const before = new Unit(t, path.join(dir, 'unit'), hub);
	await before.commit(10);
	await before.drained();
	await before.stop();
	copy(before.data, path.join(dir, 'backup'));
	const lost = new Unit(t, before.data, hub);
	await lost.commit(12);
	await lost.drained();
	await lost.stop();
	fs.rmSync(before.data, { recursive: true });
	copy(path.join(dir, 'backup'), before.data);
	// The cursor of the backup is behind its log, as after a kill: the first answer is about old lines.
	fs.writeFileSync(path.join(before.data, 'meta/ack_local_seq'), '4\n');
	const restored = new Unit(t, before.data, hub);
	await until('the redraw', () => redrawn(restored).length > 0, 15000, 20);
	assert.equal(restored.forks()[0].reason, 'hub_ahead');
	await restored.commit(5);
	await restored.drained();
	await restored.stop();
	await allThere(hub, [restored]);
	assert.equal(redrawn(restored).length, 1);
	const all = await streams(hub);
	assert.equal(all[restored.forks()[0].left].conflicts, 0, 'before anything was refused');
});

test('a cursor ahead of the log redraws the epoch at the start', async (t) => {
	const dir = folder(t);
	const hub = await start(t, path.join(dir, 'hub'));
	const unit = new Unit(t, path.join(dir, 'unit'), hub);
	await unit.commit(5);
	await unit.drained();
	await unit.stop();
	fs.writeFileSync(path.join(unit.data, 'meta/ack_local_seq'), '500\n');
	const again = new Unit(t, unit.data, hub);
	await again.commit(5);
	await again.drained();
	await again.stop();
	const [fork] = again.forks();
	assert.equal(fork.reason, 'cursor_ahead');
	assert.equal(redrawn(again).length, 1);
	const fresh = outboxLines(again.data).filter((l) => l.local_seq > 500);
	assert.ok(fresh.some((l) => l.epoch === fork.next));
	const third = new Unit(t, unit.data, hub);
	await third.commit(1);
	await third.stop();
	assert.equal(redrawn(third).length, 1, 'once');
});

test('another machine under the same card redraws before it writes', async (t) => {
	const dir = folder(t);
	const hub = await start(t, path.join(dir, 'hub'));
	const unit = new Unit(t, path.join(dir, 'unit'), hub, 'SERIAL-A1');
	await unit.commit(5);
	await unit.drained();
	await unit.stop();
	for (const serial of ['SERIAL-A1', 'SERIAL-B2', 'SERIAL-B2', '']) {
		const next = new Unit(t, unit.data, hub, serial);
		await next.commit(3);
		await next.drained();
		await next.stop();
	}
	assert.deepEqual(unit.forks().map((f) => f.reason), ['hardware']);
	assert.equal(redrawn(unit).length, 1);
	assert.equal(fs.readFileSync(path.join(unit.data, 'identity/hardware'), 'utf8'), 'SERIAL-B2\n');
	assert.equal((await streams(hub))[unit.forks()[0].left].conflicts, 0);
	await allThere(hub, [unit]);
});

// A line with another content, and a right CRC; with its own chain value made anew, or as it was.
function altered(lines, index, rechain) {
	let head = lines[index].replace(/,"chain".*/, '').replace('"camera_name":"gate"', '"camera_name":"yard"');
	assert.notEqual(head, lines[index].replace(/,"chain".*/, ''));
	const chain = rechain
		? createHash('sha256').update(Buffer.from(JSON.parse(lines[index - 1]).chain, 'hex')).update(head).digest('hex')
		: JSON.parse(lines[index]).chain;
	head += `,"chain":"${chain}"`;
	return `${head},"crc32c":"${crc32c(head)}"}`;
}

for (const rechain of [false, true])
	test(`a line altered before it was delivered is a fork (${rechain ? 'chain and CRC' : 'CRC'} made anew)`, async (t) => {
		const dir = folder(t);
		const hub = await start(t, path.join(dir, 'hub'));
		const unit = new Unit(t, path.join(dir, 'unit'), hub);
		await unit.commit(5);
		await unit.drained();
		await unit.stop();
		hub.child.kill('SIGTERM');
		await hub.exited;
		const away = new Unit(t, unit.data, { url: hub.url });
		await away.commit(20);
		await away.stop();
		const file = path.join(unit.data, 'outbox', outboxLines(unit.data).at(-1).file);
		const lines = fs.readFileSync(file, 'utf8').split('\n').map((l) => l.trimEnd());
		const index = lines.findIndex((l) => l.includes('"local_seq":15,'));
		const text = altered(lines, index, rechain);
		const whole = fs.readFileSync(file, 'utf8');
		const old = lines[index];
		assert.equal(Buffer.byteLength(text), Buffer.byteLength(old));
		fs.writeFileSync(file, whole.replace(old, text));
		const back = await start(t, path.join(dir, 'hub'));
		const again = new Unit(t, unit.data, back);
		await until('the redraw', () => redrawn(again).length > 0, 15000, 20);
		await again.commit(3);
		await again.drained();
		await again.stop();
		const [fork] = again.forks();
		assert.equal(fork.reason, 'chain_fork');
		assert.equal(fork.from, rechain ? 16 : 15);
		assert.equal(redrawn(again).length, 1);
		const all = await streams(back);
		assert.equal(all[fork.left].forks, 1);
		assert.equal(all[fork.left].mark, fork.from - 1);
		await allThere(back, [again]);
	});

// Each state that a keeper can leave when it dies between two steps of a redraw (keeper/epoch.h).
test('a redraw that was cut short between any two of its steps is finished once', async (t) => {
	const dir = folder(t);
	const hub = await start(t, path.join(dir, 'hub'));
	const a = new Unit(t, path.join(dir, 'a'), hub);
	await a.commit(5);
	await a.drained();
	await a.stop();
	const states = ['entry', 'epoch', 'lines_before', 'event'];
	copy(a.data, path.join(dir, 'whole'));
	for (const state of states) copy(a.data, path.join(dir, state));
	const first = new Unit(t, a.data, hub);
	await first.commit(4);
	await first.drained();
	await first.stop();
	const whole = new Unit(t, path.join(dir, 'whole'), hub);
	await whole.commit(3);
	await whole.drained();
	await whole.stop();
	const untold = fs.readFileSync(path.join(whole.data, 'meta/forks'), 'utf8').replace(/1\n$/, '0\n');
	const [, left, from, , at] = untold.split(' ');
	for (const [i, state] of states.entries()) {
		const data = path.join(dir, state);
		const next = `${i}`.repeat(16);
		if (state === 'event') {
			fs.rmSync(data, { recursive: true });
			copy(whole.data, data);
			fs.writeFileSync(path.join(data, 'meta/forks'), untold);
		} else {
			fs.writeFileSync(path.join(data, 'meta/forks'), `${next} ${left} ${from} conflict ${at} 0\n`);
		}
		if (state === 'epoch') fs.writeFileSync(path.join(data, 'identity/epoch'), `${next}\n`);
		if (state === 'lines_before') {
			// The entry was decided, and the old epoch went on for a while: its file could not be opened.
			fs.rmSync(path.join(data, 'meta/forks'));
			const alone = new Unit(t, data, { url: 'http://127.0.0.1:9' });
			await alone.commit(4);
			await alone.stop();
			fs.writeFileSync(path.join(data, 'meta/forks'), `${next} ${left} ${from} conflict ${at} 0\n`);
		}
		const unit = new Unit(t, data, hub);
		await unit.commit(3);
		await unit.drained();
		await unit.stop();
		const wanted = state === 'event' ? untold.split(' ')[0] : next;
		assert.equal(redrawn(unit).length, 1, state);
		assert.equal(redrawn(unit)[0].attrs.new, wanted, state);
		assert.deepEqual(unit.forks().map((f) => [f.next, f.told]), [[wanted, true]], state);
		assert.equal(fs.readFileSync(path.join(data, 'identity/epoch'), 'utf8'), `${wanted}\n`, state);
		const again = new Unit(t, data, hub);
		await again.commit(1);
		await again.drained();
		await again.stop();
		assert.equal(redrawn(again).length, 1, state);
		await allThere(hub, [again]);
	}
	// Which asks again when its keeper takes longer over the redraw than its backoff lasts.
	const { conflicts } = (await streams(hub))[left];
	assert.ok(conflicts >= 1 && conflicts <= 2, `${conflicts} conflicts: only the one that was not cut short`);
});

test(`killed around the redraw it ends in the same place, seed ${SEED}`, async (t) => {
	const dir = folder(t);
	const hub = await start(t, path.join(dir, 'hub'));
	const ROUNDS = Number(process.env.ROUNDS ?? 8);
	const a = new Unit(t, path.join(dir, 'a'), hub);
	await a.commit(5);
	await a.drained();
	await a.stop();
	for (let round = 0; round < ROUNDS; round++) copy(a.data, path.join(dir, `b${round}`));
	const first = new Unit(t, a.data, hub);
	await first.commit(4);
	await first.drained();
	await first.stop();
	let seed = SEED;
	const random = (n) => {
		seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
		return (seed >>> 8) % n;
	};
	const twins = [];
	const early = { none: 0, entry: 0, event: 0 };
	for (let round = 0; round < ROUNDS; round++) {
		const twin = new Unit(t, path.join(dir, `b${round}`), hub);
		// The commit brings the conflict, and the conflict the redraw, within milliseconds.
		twin.say(`arm ${round % 4 === 3 ? 'uplink' : 'keeper'} ${random(6000)}`);
		twin.say('commit 3');
		await until('the kill', () => twin.said.some((s) => s.killed), 10000, 5);
		if (twin.forks().length === 0) early.none++;
		else if (redrawn(twin).length === 0) early.entry++;
		else early.event++;
		await twin.commit(2);
		await twin.drained();
		await twin.stop();
		assert.equal(redrawn(twin).length, 1, `round ${round}: one redraw`);
		assert.equal(twin.forks().length, 1);
		assert.ok(twin.forks()[0].told);
		twins.push(twin);
	}
	t.diagnostic(`killed when this was stored: ${JSON.stringify(early)}`);
	await allThere(hub, [first, ...twins]);
	const numbers = new Set();
	for (const e of await hubLines(hub)) numbers.add(`${e.epoch} ${e.local_seq} ${e.chain}`);
	assert.equal(numbers.size, (await hubLines(hub)).length, 'no line twice');
});

// A hub of node's own, for what the real one never says. answer(lines, headers) -> [status, object]
async function fakeHub(t, answer) {
	const server = createServer((request, response) => {
		let body = '';
		request.on('data', (text) => { body += text; });
		request.on('end', () => {
			const lines = body.split('\n').slice(0, -1).map((l) => JSON.parse(l));
			const h = request.headers;
			const echo = {
				device_id: h['holdfast-device'], epoch: h['holdfast-epoch'], nonce: h['holdfast-nonce'],
				acked_through: lines.at(-1).local_seq,
			};
			const [status, object] = answer(lines, echo);
			response.writeHead(status, { 'Content-Type': 'application/json' });
			response.end(JSON.stringify(object));
		});
	});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	t.after(() => server.close());
	return { url: `http://127.0.0.1:${server.address().port}` };
}

test('a hub that refuses everything does not make the unit redraw again and again', async (t) => {
	let requests = 0;
	const hub = await fakeHub(t, (lines) => {
		requests++;
		return [409, { error: 'conflict', message: 'no', seq: lines[0].local_seq }];
	});
	const unit = new Unit(t, path.join(folder(t), 'unit'), hub);
	await unit.commit(3);
	await until('some refusals', () => requests >= 6, 20000);
	await unit.stop();
	assert.equal(unit.forks().length, 1);
	assert.equal(redrawn(unit).length, 1);
});

const secret = generateKeyPairSync('ed25519');
const publicHex = secret.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
function signed(echo, seq, chain) {
	const at = new Date().toISOString();
	const text = `holdfast-receipt-1\n${echo.device_id}\n${echo.epoch}\n${seq}\n${chain}\n${at}\n`;
	return { seq, chain, at, key: publicHex, sig: sign(null, Buffer.from(text), secret.privateKey).toString('hex') };
}
const receiptsOf = (unit) => {
	const where = path.join(unit.data, 'identity/receipts');
	return fs.readdirSync(where).filter((n) => n.endsWith('.jsonl'))
		.flatMap((n) => fs.readFileSync(path.join(where, n), 'utf8').trim().split('\n').map((l) => JSON.parse(l)));
};

test('a receipt that is malformed or badly signed is not kept and delays nothing', async (t) => {
	const bad = [
		'yes', {}, { seq: 1 }, null, [],
		(r) => ({ ...r, sig: '0'.repeat(128) }), (r) => ({ ...r, at: 'now' }), (r) => ({ ...r, seq: r.seq + 1 }),
		(r) => ({ ...r, key: r.key.slice(2) }), (r) => ({ ...r, chain: r.chain.toUpperCase() }),
	];
	let n = 0;
	const hub = await fakeHub(t, (lines, echo) => {
		const one = bad[n++ % bad.length];
		const good = signed(echo, lines.at(-1).local_seq, lines.at(-1).chain);
		return [200, { ...echo, mark: 'high', receipt: typeof one === 'function' ? one(good) : one }];
	});
	const unit = new Unit(t, path.join(folder(t), 'unit'), hub);
	for (let i = 0; i < bad.length + 1; i++) {
		await unit.commit(1);
		await until('delivery', () => n > i, 10000, 20);
	}
	await unit.drained();
	await until('the count', () => unit.stats('uplink').receipts_bad >= 5, 5000, 50);
	await unit.stop();
	assert.equal(fs.existsSync(path.join(unit.data, 'identity/receipts/hub.key')), false);
	assert.deepEqual(receiptsOf(unit), []);
	assert.equal(unit.forks().length, 0);
});

test('a receipt for another line than ours is an event and redraws the epoch once', async (t) => {
	let lie = false;
	const hub = await fakeHub(t, (lines, echo) => {
		const chain = lie ? 'ab'.repeat(32) : lines.at(-1).chain;
		return [200, { ...echo, receipt: signed(echo, lines.at(-1).local_seq, chain) }];
	});
	const unit = new Unit(t, path.join(folder(t), 'unit'), hub);
	await unit.commit(2);
	await unit.drained();
	await until('a receipt', () => receiptsOf(unit).length > 0, 10000, 20);
	lie = true;
	for (let i = 0; i < 4; i++) {
		await unit.commit(1);
		await unit.drained();
	}
	await until('the redraw', () => redrawn(unit).length > 0, 10000, 20);
	await unit.drained();
	await unit.stop();
	assert.deepEqual(unit.forks().map((f) => f.reason), ['receipt']);
	assert.equal(outboxLines(unit.data).filter((l) => l.event_class === 'hub_receipt_differs').length, 1);
});

test('the first key is pinned, another one later is an event and is kept beside it', async (t) => {
	const dir = folder(t);
	const hub = await start(t, path.join(dir, 'hub'));
	const { key } = await get(hub, '/v1/key');
	const unit = new Unit(t, path.join(dir, 'unit'), hub);
	await unit.commit(2);
	await unit.drained();
	await unit.stop();
	hub.child.kill('SIGTERM');
	await hub.exited;
	fs.rmSync(path.join(dir, 'hub/hub.key'));
	const other = await start(t, path.join(dir, 'hub'));
	const again = new Unit(t, unit.data, other);
	for (let i = 0; i < 3; i++) {
		await again.commit(1);
		await again.drained();
		await sleep(1100);
	}
	await again.stop();
	assert.equal(fs.readFileSync(path.join(unit.data, 'identity/receipts/hub.key'), 'utf8'), `${key}\n`);
	const changed = outboxLines(unit.data).filter((l) => l.event_class === 'hub_key_changed');
	assert.equal(changed.length, 1);
	assert.equal(changed[0].attrs.pinned, key);
	assert.equal(changed[0].attrs.key, (await get(other, '/v1/key')).key);
	assert.equal(new Set(receiptsOf(unit).map((r) => r.key)).size, 2);
	assert.equal(unit.forks().length, 0);
});
