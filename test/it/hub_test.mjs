// SPDX-License-Identifier: Apache-2.0
// The real hub, on a free loopback port, through its wire. Run by meson, or by hand:
//   HOLDFAST_HUB=build/src/hub/holdfast-hub node --test test/it/hub_test.mjs
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { createPublicKey, verify } from 'node:crypto';
import { EPOCH, HUB, NONCE, folder, get, line, post, start } from './hub_lib.mjs';

const range = (first, last, over) =>
	Array.from({ length: last - first + 1 }, (_, i) => line('unit-1', first + i, over)).join('');

// Two requests with the same numbers must carry the same bytes.
const at = (seq) => ({ captured_at: new Date(1770000000000 + seq * 1000).toISOString() });
const fixed = (first, last) =>
	Array.from({ length: last - first + 1 }, (_, i) =>
		line('unit-1', first + i, at(first + i))).join('');

// A public Ed25519 key as node takes it: its 32 bytes behind what says so.
const publicKey = (hex) => createPublicKey({
	key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(hex, 'hex')]),
	format: 'der', type: 'spki',
});
const signed = (device, epoch, r) => verify(null,
	Buffer.from(`holdfast-receipt-1\n${device}\n${epoch}\n${r.seq}\n${r.chain}\n${r.at}\n`),
	publicKey(r.key), Buffer.from(r.sig, 'hex'));

test('events are stored as they were sent and acknowledged through the last', async (t) => {
	const hub = await start(t, folder(t));
	const body = range(1, 3);
	const answer = await post(hub, body);
	assert.equal(answer.status, 200);
	assert.equal(answer.headers.get('content-type'), 'application/json');
	assert.equal(answer.headers.get('cache-control'), 'no-store');
	assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
	assert.match(answer.headers.get('content-security-policy'), /default-src 'none'/);
	const { receipt, ...rest } = await answer.json();
	assert.deepEqual(rest, {
		device_id: 'unit-1', epoch: EPOCH, nonce: NONCE, acked_through: 3, mark: 3,
	});
	const last = JSON.parse(body.split('\n').at(-2));
	assert.equal(receipt.seq, 3);
	assert.equal(receipt.chain, last.chain);
	assert.equal(receipt.key, (await get(hub, '/v1/key')).key);
	assert.ok(hub.stderr.includes(receipt.key), 'the public key is in the log');
	assert.ok(signed('unit-1', EPOCH, receipt), 'the signature is good');
	assert.ok(!signed('unit-2', EPOCH, receipt), 'for this device only');
	const { events, after, before } = await get(hub, '/v1/events');
	assert.deepEqual(events.map((e) => [e.local_seq, e.hub_row]), [[1, 1], [2, 2], [3, 3]]);
	assert.equal(after, 3);
	assert.equal(before, null);
	const sent = body.split('\n').slice(0, -1).map((text) => JSON.parse(text));
	for (const [i, event] of events.entries()) {
		assert.match(event.received_at, /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/);
		delete event.received_at;
		delete event.hub_row;
		assert.deepEqual(event, sent[i]);
	}
	const { devices } = await get(hub, '/v1/devices');
	assert.equal(devices.length, 1);
	assert.equal(devices[0].mark, 3);
	assert.equal(devices[0].state, 'healthy');
});

test('the address for scripts is there while the hub runs and gone after', async (t) => {
	const dir = folder(t);
	const hub = await start(t, dir);
	assert.equal(fs.readFileSync(path.join(dir, 'listen'), 'utf8'), `${hub.url}\n`);
	hub.child.kill('SIGTERM');
	assert.deepEqual(await hub.exited, { code: 0, signal: null });
	assert.equal(fs.existsSync(path.join(dir, 'listen')), false);
	assert.equal(fs.existsSync(path.join(dir, 'hub.db-wal')), false, 'checkpointed');
});

test('the same events again are acknowledged again and stored once', async (t) => {
	const hub = await start(t, folder(t));
	assert.equal((await post(hub, fixed(1, 4))).status, 200);
	const answer = await post(hub, fixed(2, 6));
	assert.equal((await answer.json()).acked_through, 6);
	assert.equal((await get(hub, '/v1/events')).events.length, 6);
	const { devices } = await get(hub, '/v1/devices');
	assert.equal(devices[0].duplicates, 3);
});

test('another event under a stored number is 409 and stores nothing', async (t) => {
	const hub = await start(t, folder(t));
	await post(hub, fixed(1, 3));
	const answer = await post(hub, range(3, 5, { camera_name: 'a clone' }));
	assert.equal(answer.status, 409);
	const { error, message, seq } = await answer.json();
	assert.equal(error, 'conflict');
	assert.match(message, /unit-1/);
	assert.equal(seq, 3);
	assert.equal((await get(hub, '/v1/events')).events.length, 3);
	assert.equal((await get(hub, '/v1/devices')).devices[0].conflicts, 1);
});

test('a line that does not continue what is stored is 409 and comes in under a new epoch', async (t) => {
	const hub = await start(t, folder(t));
	await post(hub, fixed(1, 3));
	const forked = line('unit-1', 4, { chain_previous: 'a'.repeat(64) });
	const answer = await post(hub, forked);
	assert.equal(answer.status, 409);
	const { error, message, seq } = await answer.json();
	assert.equal(error, 'chain_fork');
	assert.match(message, /does not continue/);
	assert.equal(seq, 4);
	let { devices } = await get(hub, '/v1/devices');
	assert.equal(devices[0].mark, 3);
	assert.equal(devices[0].forks, 1);
	const anew = { 'Holdfast-Epoch': 'e2', 'Holdfast-Forked-From': EPOCH };
	const taken = await post(hub, forked, anew);
	assert.equal(taken.status, 200);
	assert.equal((await taken.json()).epoch, 'e2');
	({ devices } = await get(hub, '/v1/devices'));
	assert.equal(devices.find((d) => d.epoch === 'e2').forked_from, EPOCH);
	assert.equal(devices.find((d) => d.epoch === 'e2').unchecked, 1);
	assert.equal((await post(hub, forked, { ...anew, 'Holdfast-Forked-From': 'e2' })).status, 400);
});

test('the key stays the same over a restart, and a damaged one stops the hub', async (t) => {
	const dir = folder(t);
	const first = await start(t, dir);
	const { key } = await get(first, '/v1/key');
	assert.equal(fs.statSync(path.join(dir, 'hub.key')).mode & 0o777, 0o600);
	first.child.kill('SIGTERM');
	await first.exited;
	const second = await start(t, dir);
	assert.equal((await get(second, '/v1/key')).key, key);
	second.child.kill('SIGTERM');
	await second.exited;
	fs.writeFileSync(path.join(dir, 'hub.key'), 'rubbish\n');
	await assert.rejects(start(t, dir), /hub\.key does not hold a key/);
});

test('missing numbers are a gap until they come', async (t) => {
	const hub = await start(t, folder(t));
	const lines = fixed(1, 6).split('\n').map((text) => `${text}\n`);
	await post(hub, lines.slice(0, 2).join(''));
	await post(hub, lines[5]);
	let { gaps } = await get(hub, '/v1/gaps?device=unit-1');
	assert.deepEqual(gaps.map((g) => [g.first, g.last, g.count]), [[3, 5, 3]]);
	assert.deepEqual((await get(hub, '/v1/gaps?device=other')).gaps, []);
	await post(hub, lines.slice(2, 5).join(''));
	({ gaps } = await get(hub, '/v1/gaps'));
	assert.deepEqual(gaps, []);
});

test('a batch with one bad line is refused as a whole and the line is named', async (t) => {
	const hub = await start(t, folder(t));
	const good = line('unit-1', 1), bad = line('unit-1', 2).replace('gate', 'gat3');
	const answer = await post(hub, good + bad + line('unit-1', 3));
	assert.equal(answer.status, 422);
	const body = await answer.json();
	assert.equal(body.error, 'crc_mismatch');
	assert.equal(body.seq, 2);
	assert.equal(body.line, 2);
	assert.equal((await get(hub, '/v1/events')).events.length, 0);
	for (const [text, word] of [
		[line('unit-2', 1), 'wrong_device'], [line('unit-1', 1, { epoch: 'x' }), 'wrong_epoch'],
		[good.slice(0, -1), 'not_a_line'], ['{}\n', 'not_a_line'], ['', 'empty'],
		[line('unit-1', 5) + line('unit-1', 4), 'out_of_order'],
	]) {
		const refused = await post(hub, text);
		assert.equal(refused.status, 422, word);
		assert.equal((await refused.json()).error, word);
	}
	assert.equal((await get(hub, '/v1/devices')).devices.length, 0);
});

test('requests that break the wire get the status that says how', async (t) => {
	const hub = await start(t, folder(t));
	for (const header of ['Holdfast-Device', 'Holdfast-Epoch', 'Holdfast-Nonce']) {
		const answer = await post(hub, line('unit-1', 1), { [header]: null });
		assert.equal(answer.status, 400, header);
		assert.match((await answer.json()).message, new RegExp(header));
	}
	assert.equal((await post(hub, line('unit-1', 1), { 'Content-Type': 'text/plain' })).status, 415);
	assert.equal((await get(hub, '/nothing', 404)).error, 'not_found');
	assert.equal((await get(hub, '/v1/thumbs/../../etc/passwd', 404)).error, 'not_found');
	const put = await fetch(`${hub.url}/v1/events`, { method: 'PUT', body: 'x' });
	assert.equal(put.status, 405);
	assert.equal(put.headers.get('allow'), 'GET, HEAD, POST');
	assert.equal((await fetch(hub.url, { method: 'DELETE' })).status, 405);
	for (const query of ['limit=0', 'limit=1001', 'limit=x', 'after=-1', 'after=1&before=2',
		'colour=red', 'after=1&after=2', 'device', 'limit=1e3', 'after=99999999999999999999'])
		assert.equal((await get(hub, `/v1/events?${query}`, 400)).error, 'bad_query', query);
});

test('a body over 1 MiB is 413, told or streamed', async (t) => {
	const hub = await start(t, folder(t));
	const big = 'x'.repeat((1 << 20) + 1);
	assert.equal((await post(hub, big)).status, 413);
	const stream = new ReadableStream({
		start(controller) {
			controller.enqueue(Buffer.from(big));
			controller.close();
		},
	});
	const answer = await fetch(`${hub.url}/v1/events`, {
		method: 'POST', body: stream, duplex: 'half',
		headers: { 'Content-Type': 'application/x-ndjson' },
	});
	assert.equal(answer.status, 413);
	assert.equal((await get(hub, '/healthz')).status, 'ok');
});

test('with a token nothing is read or written without it', async (t) => {
	const dir = folder(t), token = 'a-token-of-some-length';
	fs.writeFileSync(path.join(dir, 'token'), `${token}\n`, { mode: 0o600 });
	const hub = await start(t, dir, ['--token-file', path.join(dir, 'token')]);
	assert.equal((await post(hub, line('unit-1', 1))).status, 401);
	const wrong = await post(hub, line('unit-1', 1), { Authorization: 'Bearer a-token-of-some-lengtx' });
	assert.equal(wrong.status, 401);
	assert.equal(wrong.headers.get('www-authenticate'), 'Bearer');
	for (const where of ['/v1/events', '/v1/devices', '/v1/gaps', `/v1/thumbs/${'0'.repeat(64)}`])
		assert.equal((await get(hub, where, 401)).error, 'unauthorized');
	const right = { Authorization: `Bearer ${token}` };
	assert.equal((await post(hub, line('unit-1', 1), right)).status, 200);
	assert.equal((await get(hub, '/v1/events', 200, right)).events.length, 1);
	assert.equal((await get(hub, '/healthz')).status, 'ok');
	assert.equal((await fetch(hub.url)).status, 200, 'the page asks for the token itself');
});

test('a thumbnail is taken under its own digest only, and comes back whole', async (t) => {
	const hub = await start(t, folder(t));
	const picture = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(3000, 7)]);
	const name = createHash('sha256').update(picture).digest('hex');
	const where = `${hub.url}/v1/thumbs/${name}`;
	const put = (to, body) => fetch(to, { method: 'PUT', body });
	assert.equal((await fetch(where, { method: 'HEAD' })).status, 404);
	assert.equal((await put(where, picture)).status, 201);
	assert.equal((await put(where, picture)).status, 200);
	const head = await fetch(where, { method: 'HEAD' });
	assert.equal(head.status, 200);
	assert.equal(head.headers.get('content-length'), String(picture.length));
	const back = await fetch(where);
	assert.equal(back.headers.get('content-type'), 'image/jpeg');
	assert.ok(Buffer.from(await back.arrayBuffer()).equals(picture));
	assert.equal((await put(where, picture.subarray(1))).status, 422);
	const text = Buffer.from('<svg onload="alert(1)">');
	const textName = createHash('sha256').update(text).digest('hex');
	assert.equal((await put(`${hub.url}/v1/thumbs/${textName}`, text)).status, 422);
	assert.equal((await put(`${hub.url}/v1/thumbs/nothex`, picture)).status, 400);
	assert.equal((await put(where, Buffer.alloc((1 << 20) + 1))).status, 413);
});

test('lists can be followed, filtered and looked back through', async (t) => {
	const hub = await start(t, folder(t));
	await post(hub, fixed(1, 5));
	await post(hub, line('unit-2', 1, { event_class: 'loitering' }), { 'Holdfast-Device': 'unit-2' });
	const seqs = async (query) =>
		(await get(hub, `/v1/events?${query}`)).events.map((e) => `${e.device_id}:${e.local_seq}`);
	assert.deepEqual(await seqs('after=4'), ['unit-1:5', 'unit-2:1']);
	assert.deepEqual(await seqs('device=unit-2'), ['unit-2:1']);
	assert.deepEqual(await seqs('class=loitering'), ['unit-2:1']);
	assert.deepEqual(await seqs('device=unit-1&limit=2'), ['unit-1:4', 'unit-1:5']);
	assert.deepEqual(await seqs('before=3'), ['unit-1:1', 'unit-1:2']);
	assert.deepEqual(await seqs("device=' OR 1=1 --"), []);
});

test('what was acknowledged is there after a kill in the middle of the load', async (t) => {
	const dir = folder(t);
	let acked = 0, seq = 1;
	for (let round = 0; round < 3; round++) {
		const hub = await start(t, dir);
		const load = (async () => {
			for (;;) {
				const answer = await post(hub, fixed(seq, seq + 9));
				assert.equal(answer.status, 200);
				acked = (await answer.json()).acked_through;
				seq = acked + 1;
			}
		})().catch((error) => assert.ok(!(error instanceof assert.AssertionError), error));
		const first = acked;
		while (acked < first + 300) await new Promise((done) => setImmediate(done));
		hub.child.kill('SIGKILL');
		await Promise.all([hub.exited, load]);
	}
	const hub = await start(t, dir);
	const seen = [];
	for (let after = 0; ;) {
		const page = await get(hub, `/v1/events?after=${after}&limit=500`);
		if (page.events.length === 0) break;
		seen.push(...page.events.map((e) => e.local_seq));
		after = page.after;
	}
	assert.ok(seen.length >= acked, `${seen.length} stored, ${acked} acknowledged`);
	assert.deepEqual(seen, Array.from({ length: seen.length }, (_, i) => i + 1));
	assert.deepEqual((await get(hub, '/v1/gaps')).gaps, []);
	// The answer to the last request may have been lost with the hub: the same again is right.
	const again = await post(hub, fixed(seq, seq + 9));
	assert.equal(again.status, 200);
});

test('a full disk is 503 with Retry-After, and the same events are taken once there is room', async (t) => {
	const dir = folder(t);
	// 2,048 blocks of 512 bytes: the log of the database hits the limit after about 1 MB.
	const hub = await start(t, dir, [], 'ulimit -S -f 2048');
	let seq = 1, answer;
	for (; seq < 20000; seq += 50) {
		answer = await post(hub, fixed(seq, seq + 49));
		if (answer.status !== 200) break;
	}
	assert.equal(answer.status, 503);
	assert.match(answer.headers.get('retry-after'), /^\d+$/);
	const { error, message } = await answer.json();
	assert.equal(error, 'storage');
	assert.match(message, /hub\.db/);
	assert.equal((await fetch(`${hub.url}/healthz`)).status, 503);
	execFileSync('prlimit', ['--pid', String(hub.child.pid), '--fsize=unlimited:unlimited']);
	assert.equal((await post(hub, fixed(seq, seq + 49))).status, 200);
	assert.equal((await get(hub, '/healthz')).status, 'ok');
	const { devices } = await get(hub, '/v1/devices');
	assert.equal(devices[0].events, seq + 49);
	assert.equal(devices[0].missing, 0);
});

const strace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

test('a medium that fails to flush is 503, and nothing acknowledged is lost', {
	skip: strace ? false : 'strace cannot be used here',
}, async (t) => {
	const dir = folder(t);
	// From the tenth on, every seventh flush of the hub fails with EIO. -D: the child is the hub.
	const hub = await start(t, dir, [], `set -- "$0" "$@"; set -- strace -D -f -o /dev/null ` +
		'-e trace=fdatasync,fsync -e inject=fdatasync,fsync:error=EIO:when=10+7 "$@"; exec "$@"');
	let seq = 1, failures = 0;
	for (let tries = 0; tries < 120; tries++) {
		const answer = await post(hub, fixed(seq, seq + 4));
		if (answer.status === 200) {
			seq = (await answer.json()).acked_through + 1;
		} else {
			assert.equal(answer.status, 503);
			assert.match(answer.headers.get('retry-after'), /^\d+$/);
			failures++;
		}
	}
	assert.ok(failures >= 5, `${failures} failures were seen`);
	assert.ok(seq > 200, `${seq} got through in between`);
	hub.child.kill('SIGKILL');
	await hub.exited;
	const after = await start(t, dir);
	const { devices } = await get(after, '/v1/devices');
	assert.equal(devices[0].missing, 0);
	assert.ok(devices[0].mark >= seq - 1, `${devices[0].mark} stored, ${seq - 1} acknowledged`);
	assert.equal(devices[0].events, devices[0].mark);
});

test('a second hub on the same folder is refused with 75 and the first goes on', async (t) => {
	const dir = folder(t);
	const hub = await start(t, dir);
	const second = spawnSync(HUB, ['--data', dir, '--listen', '127.0.0.1:0'], { encoding: 'utf8' });
	assert.equal(second.status, 75);
	assert.match(second.stderr, new RegExp(`another holdfast-hub \\(pid ${hub.child.pid}\\)`));
	assert.equal((await get(hub, '/healthz')).status, 'ok');
	assert.ok(fs.existsSync(path.join(dir, 'listen')));
});

test('a port in use is refused with 75', async (t) => {
	const hub = await start(t, folder(t));
	const port = new URL(hub.url).port;
	const second = spawnSync(HUB, ['--data', folder(t), '--listen', `127.0.0.1:${port}`],
		{ encoding: 'utf8' });
	assert.equal(second.status, 75);
	assert.match(second.stderr, new RegExp(`${port}.*in use`));
});

test('wrong usage and folders that cannot be used say what to do', async (t) => {
	const dir = folder(t);
	const run = (...args) => spawnSync(HUB, args, { encoding: 'utf8', timeout: 20000 });
	assert.equal(run().status, 2);
	assert.match(run().stderr, /--data/);
	assert.equal(run('--data', dir, '--listne', 'x').status, 2);
	assert.equal(run('--data', dir, 'extra').status, 2);
	assert.equal(run('--help').status, 0);
	assert.match(run('--help').stdout, /usage: holdfast-hub/);
	for (const listen of ['8080', '127.0.0.1:', '127.0.0.1:70000', ':1', '203.0.113.7:0']) {
		const result = run('--data', dir, '--listen', listen);
		assert.equal(result.status, 1, listen);
		assert.match(result.stderr, /--listen/);
	}
	assert.match(run('--data', '/proc/hub').stderr, /--data \/proc\/hub/);
	assert.equal(run('--data', '/proc/hub').status, 1);
	fs.writeFileSync(path.join(dir, 'short'), 'abc');
	assert.match(run('--data', dir, '--token-file', path.join(dir, 'short')).stderr, /at least 16/);
	assert.match(run('--data', dir, '--token-file', path.join(dir, 'none')).stderr, /--token-file/);
	fs.writeFileSync(path.join(dir, 'hub.db'), 'no database at all, but quite some text in here');
	const damaged = run('--data', dir);
	assert.equal(damaged.status, 1);
	assert.match(damaged.stderr, /damaged.*Restore a copy/);
});

test('half a request costs the hub nothing and the next one is served', async (t) => {
	const hub = await start(t, folder(t));
	const { port } = new URL(hub.url);
	const half = net.connect(port, '127.0.0.1');
	half.on('error', () => {});
	await new Promise((done) => half.on('connect', done));
	half.write('POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{"half":');
	assert.equal((await post(hub, line('unit-1', 1))).status, 200);
	half.destroy();
	const rubbish = net.connect(port, '127.0.0.1');
	rubbish.on('error', () => {});
	await new Promise((done) => rubbish.write('\0\x01\x02 not http at all\r\n\r\n', done));
	assert.equal((await get(hub, '/v1/events')).events.length, 1);
	rubbish.destroy();
});

test('the page and its parts come from the hub and from nowhere else', async (t) => {
	const hub = await start(t, folder(t));
	const page = await fetch(hub.url);
	assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
	const html = await page.text();
	for (const [, where] of html.matchAll(/(?:src|href)="([^"#]+)"/g)) {
		assert.match(where, /^\/[^/]/, where);
		assert.equal((await fetch(hub.url + where)).status, 200, where);
	}
	assert.doesNotMatch(html, /<script>|style=|\son[a-z]+="/);
});
