// SPDX-License-Identifier: Apache-2.0
//
// Bad input, on the whole real unit: videos, models, configurations, disks, damaged outboxes,
// dead and dumb hubs, rubbish on the control socket. Each has a message that names what, why and
// what to do, or an event; the unit stays up; nothing that was acknowledged is lost.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { QUICK_POLICY, STAGE, audit, bin, fallen, getJson, hubEvents, isRoot, outboxLines, sleep, startHub, startUnit,
	status, until, worker } from '../../tools/harness.mjs';
import { shortClip } from './small_unit.mjs';

const PATIENCE = 60000;
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-bad-'));
const { clip } = shortClip();
const running = []; // units and hubs, ended whatever happens
const mounts = []; // where, and who takes it away when this process ends in whatever way

after(async () => {
	for (const program of running) {
		program.kill('SIGKILL');
		await program.ended;
	}
	for (const guard of mounts) {
		guard.stdin.end();
		await new Promise((done) => guard.once('exit', done));
	}
	if (!process.env.KEEP_IT) fs.rmSync(home, { recursive: true, force: true });
});
process.once('SIGTERM', () => { // too late: end at least what was started
	for (const program of running) program.kill('SIGKILL');
	process.exit(1);
});

const at = (...names) => path.join(home, ...names);
const write = (name, data) => {
	fs.mkdirSync(path.dirname(at(name)), { recursive: true });
	fs.writeFileSync(at(name), data);
	return at(name);
};
const point = (x, y) => `[${x}, ${y}]`;
const WHOLE = [[0.05, 0.2], [0.95, 0.2], [0.95, 0.98], [0.05, 0.98]];
const zone = (id, points = WHOLE) =>
	`  - {id: ${id}, camera: c1, cooldown: 1s, points: [${points.map((p) => point(...p)).join(', ')}]}`;

// Small and quick: one detector, restarts within a second. over: whole top-level blocks.
function config(name, { url = clip, hub = '', extra = '', sources = '', zones = zone('z1') } = {}) {
	return write(`${name}.yaml`, `device: {id: bad-input}
hub: {url: "${hub}", backoff_min: 200ms, backoff_max: 1s, connect_timeout: 1s, total_timeout: 2s}
infer: {workers: 1}
policy: {path: "${QUICK_POLICY}"}
supervisor: {heartbeat_timeout: 3s}
sources:
  - {id: dvr, type: file, url: "${url}", loop: true}
${sources}cameras:
  - {id: c1, name: GATE, source: dvr, tile: 1}
zones:
${zones}
${extra}`);
}

// A daemon that is expected to end by itself.
function daemon(...args) {
	const { status: code, stdout, stderr } = spawnSync(bin('holdfastd'), args,
		{ encoding: 'utf8', timeout: 30000, env: { ...process.env, NO_COLOR: '1' } });
	return { code, stdout, stderr };
}

function unit(name, configFile, data = at(name)) {
	const program = startUnit(data, configFile);
	running.push(program);
	return Object.assign(program, { data });
}
async function hub(name, listen) {
	const program = await startHub(at(name), listen);
	running.push(program);
	return program;
}
// Nothing is waited for that a unit which has ended cannot do any more.
const awaits = (u, what, probe) => Promise.race([until(what, probe, PATIENCE),
	u.ended.then(() => { throw new Error(`the unit ended before ${what}: ${u.log().slice(-2000)}`); })]);
const state = (u, wanted, what = '') => awaits(u, `${wanted} ${what}`, async () => {
	const now = await status(u.data);
	return now.state === wanted && now;
});
const stats = async (u, role) => worker(await status(u.data), role)?.stats;
const events = (u, cls) => outboxLines(u.data).filter((l) => l.event_class === cls);
const event = (u, cls, probe = () => true) => awaits(u, `an event ${cls}`,
	() => events(u, cls).find((l) => probe(l.attrs, l)));
const numbersOf = (u) => outboxLines(u.data).filter((l) => !l.bad).map((l) => l.local_seq);
const more = async (u, what) => {
	const from = Math.max(0, ...numbersOf(u));
	await awaits(u, `more events ${what}`, () => Math.max(...numbersOf(u)) > from + 1);
};
const all = (text, ...parts) => { for (const part of parts) assert.ok(text.includes(part), `"${part}" is not in: ${text}`); };
const outboxFile = (u) => path.join(u.data, 'outbox',
	fs.readdirSync(path.join(u.data, 'outbox')).filter((n) => n.endsWith('.jsonl')).sort().at(-1));

// ---------------------------------------------------------------------------------------------
// Before anything runs

describe('holdfastd --check and a start that cannot be', () => {
	test('a missing video is named with its source, and what to do', () => {
		const { code, stderr } = daemon('--check', config('missing', { url: at('not-there.avi') }));
		assert.equal(code, 1);
		all(stderr, 'source dvr', at('not-there.avi'), 'No such file', 'correct its url');
	});

	for (const [name, make, says] of [
		['a text file called .avi', (p) => fs.writeFileSync(p, 'this is not a video\n'), 'not a video'],
		['an empty file', (p) => fs.writeFileSync(p, ''), 'empty'],
		['a directory', (p) => fs.mkdirSync(p), 'not a'],
		['a video cut in its header', (p) => fs.writeFileSync(p, fs.readFileSync(clip).subarray(0, 2000)), 'cut short'],
		['a video of rubbish', (p) => fs.writeFileSync(p, Buffer.concat([
			fs.readFileSync(clip).subarray(0, 20000), Buffer.alloc(1000000)])), 'not one picture'],
	])
		test(`${name} is found, before anything runs`, () => {
			const file = at(`${name.replace(/\W/g, '-')}.avi`);
			make(file);
			const { code, stderr } = daemon('--check', config('video', { url: file }));
			assert.equal(code, 1);
			all(stderr, 'source dvr', file, says, 'correct its url');
		});

	test('a model that is missing or damaged is found, and the way out is named', () => {
		let { code, stderr } = daemon('--check', config('model', { extra: `model: {path: ${at('nowhere')}}` }));
		assert.equal(code, 1);
		all(stderr, at('nowhere'), 'model.path');
		const pack = modelCopy('damaged');
		flip(path.join(pack, 'model.onnx'), 5000000);
		({ code, stderr } = daemon('--check', config('model', { extra: `model: {path: ${pack}}` })));
		assert.equal(code, 1);
		all(stderr, path.join(pack, 'model.onnx'), 'damaged', 'leave model.path empty');
	});

	test('a good configuration passes, its video and model were tried', () => {
		const { code, stdout, stderr } = daemon('--check', config('good'));
		assert.equal(code, 0, stderr);
		assert.match(stdout, /is fine: 1 source, 1 camera, 1 zone/);
	});

	const outside = zone('out', [[0.1, 0.1], [1.2, 0.1], [0.9, 0.9]]);
	const crossing = zone('cross', [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]);
	const faulty = () => config('faulty', { zones: `${outside}\n${crossing}`, extra: 'outbox: {retention_day: 3}' });
	for (const args of [['--check'], ['--data', at('untouched'), '--config']])
		test(`${args.at(-1)}: every mistake of a configuration with its place, nothing is made`, () => {
			const file = faulty();
			const { code, stderr } = daemon(...args, file);
			const text = fs.readFileSync(file, 'utf8').split('\n');
			const place = (part) => { // of the first character of what is wrong
				const line = text.findIndex((l) => l.includes(part));
				return `${file}:${line + 1}:`;
			};
			assert.equal(code, 2);
			all(stderr, `${place('id: out')}`, 'from 0 to 1', `${place('id: cross')}`, 'cross',
				`${place('retention_day')}`, 'did you mean "retention_days"?');
			for (const line of stderr.trim().split('\n').slice(0, 3))
				assert.match(line, /faulty\.yaml:\d+:\d+: /);
			assert.ok(!fs.existsSync(at('untouched')), 'the data folder is not made');
		});

	test('a configuration that is missing, a folder, a video or not YAML says so', () => {
		for (const [file, says] of [[at('none.yaml'), 'No such file'], [home, 'directory'], [clip, 'YAML'],
			[write('broken.yaml', 'sources: ['), ':2:1: not YAML']]) {
			const { code, stderr } = daemon('--check', file);
			assert.equal(code, 2);
			all(stderr, file, says);
		}
	});

	test('a data path that is a file, or under one, is refused', () => {
		const file = write('plain', 'mine');
		for (const data of [file, path.join(file, 'below')]) {
			const { code, stderr } = daemon('--config', config('ok'), '--data', data);
			assert.equal(code, 2);
			all(stderr, `data folder ${data}`, `${file} exists and is not a folder`);
		}
		assert.equal(fs.readFileSync(file, 'utf8'), 'mine');
	});

	test('a read-only data folder is refused, in the words of who has to mend it', (t) => {
		const folder = mountTmpfs(t, 'readonly', '4m');
		if (!folder) return;
		execFileSync('mount', ['-o', 'remount,ro', folder]);
		const { code, stderr } = daemon('--config', config('ok'), '--data', folder);
		assert.equal(code, 1);
		all(stderr, `data folder ${folder}`, 'mounted read-only', "kernel's log");
	});
});

function mountTmpfs(t, name, size) {
	fs.mkdirSync(at(name), { recursive: true });
	if (!isRoot) return t.skip('mounting needs root'), null;
	const { status: code, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', at(name)],
		{ encoding: 'utf8' });
	if (code !== 0) return t.skip(`mounting is not permitted here: ${stderr.trim()}`), null;
	mounts.push(spawn('sh', ['-c', 'cat; umount -l "$0"', at(name)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true }));
	return at(name);
}

function modelCopy(name) {
	const folder = at(`model-${name}`);
	fs.cpSync(path.join(STAGE, 'share/holdfast/model'), folder, { recursive: true, dereference: true });
	for (const file of fs.readdirSync(folder, { withFileTypes: true }))
		if (file.isFile()) fs.chmodSync(path.join(folder, file.name), 0o644);
	return folder;
}

function flip(file, offset) {
	const fd = fs.openSync(file, 'r+');
	const byte = Buffer.alloc(1);
	fs.readSync(fd, byte, 0, 1, offset);
	byte[0] ^= 0x11;
	fs.writeSync(fd, byte, 0, 1, offset);
	fs.closeSync(fd);
}

// ---------------------------------------------------------------------------------------------

describe('video, while the unit runs', () => {
	let u;
	const bad = at('second.avi');
	const good = fs.readFileSync(clip);
	const put = (data) => { // as a whole, as rename does
		fs.writeFileSync(`${bad}.new`, data);
		fs.renameSync(`${bad}.new`, bad);
	};
	before(() => {
		u = unit('video', config('video-unit', {
			sources: `  - {id: second, type: file, url: "${bad}", loop: true}\n` }));
	});
	after(() => u.how ?? u.stop());
	const lost = (says) => event(u, 'source_lost', (a) => a.source === 'second' && a.error.includes(says));

	test('a source that is missing at the start degrades the unit, with file and reason; the other one is watched', async () => {
		await lost('No such file');
		const now = await state(u, 'degraded');
		all(now.reasons.join('\n'), 'source_lost second', bad, 'No such file');
		await until('frames of the other source', async () => (await stats(u, 'ingest')).frames > 10, PATIENCE);
	});

	for (const [name, data, says] of [
		['a text file', 'not a video at all\n', 'not a video'],
		['an empty file', '', 'is empty'],
		['a header cut short', good.subarray(0, 2000), 'or is cut short'],
		['a header with rubbish behind it', Buffer.concat([good.subarray(0, 20000), Buffer.alloc(1000000)]),
			'not one picture'],
	])
		test(`${name} in its place is named in an event, once, and in the reasons`, async () => {
			const before_ = events(u, 'source_lost').length;
			put(data);
			const found = await until('an event', () => events(u, 'source_lost').at(before_), PATIENCE);
			all(found.attrs.error, bad, says);
			const reasons = await until('the new reason', async () => (await status(u.data)).reasons
				.find((r) => r.includes(says)), PATIENCE);
			all(reasons, 'source_lost second', bad);
			await sleep(2500); // at least one more attempt: it must not be news
			assert.equal(events(u, 'source_lost').length, before_ + 1);
			assert.equal(events(u, 'source_back').length, 0, 'back only with a picture');
		});

	test('a clip cut in its middle is watched, and an event says that it is damaged', async () => {
		put(good.subarray(0, 5000000));
		await event(u, 'source_back', (a) => a.source === 'second');
		await state(u, 'healthy', 'with the good part');
		const damaged = await event(u, 'source_damaged', (a) => a.source === 'second');
		all(damaged.attrs.error, 'cut short');
		assert.equal(damaged.attrs.url, bad);
	});

	test('a source that vanishes while running is lost and comes back; nothing else was restarted', async () => {
		fs.rmSync(bad);
		await until('the second loss', () => events(u, 'source_lost')
			.filter((l) => l.attrs.error.includes('No such file')).length === 2, PATIENCE);
		await state(u, 'degraded', 'without it');
		const frames = (await stats(u, 'ingest')).frames;
		put(good);
		await until('back again', () => events(u, 'source_back').length === 2, PATIENCE);
		const now = await state(u, 'healthy', 'again');
		assert.ok(worker(now, 'ingest').stats.frames > frames, 'the other source went on');
		assert.deepEqual(fallen(u.log(), 'source_lost'), []);
		for (const w of now.workers)
			if (w.role !== 'ingest' || w.index === 0) assert.equal(w.restarts, 0, `${w.role}.${w.index}`);
	});

	test('an ingest that dies while its source is away does not leave the unit degraded for ever', async () => {
		fs.rmSync(bad);
		await state(u, 'degraded', 'without it');
		const pid = worker(await status(u.data), 'ingest', 1).pid;
		process.kill(pid, 'SIGKILL');
		await until('another ingest', async () => {
			const w = worker(await status(u.data), 'ingest', 1);
			return w.state === 'running' && w.pid !== pid;
		}, PATIENCE);
		put(good);
		await state(u, 'healthy', 'with the source back');
	});

	test('rubbish on the control socket costs nobody anything', async () => {
		// Node has no SOCK_SEQPACKET; perl is part of every Debian.
		const script = `use Socket; my @all;
			sub to { socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die; setsockopt($s, SOL_SOCKET, SO_SNDBUF, 400000);
				connect($s, pack_sockaddr_un($ARGV[0])) or die "connect: $!"; push @all, $s; return $s; }
			$SIG{PIPE} = 'IGNORE';
			send(to(), "GET / HTTP/1.1\\r\\n\\r\\n", 0); send(to(), "\\0" x 12, 0); send(to(), "x", 0);
			send(to(), "y" x 150000, 0); send(to(), pack("LLL", 0x48464d31, 9999, 0), 0);
			send(to(), pack("LLL", 0x48464d31, 17, 4000000000), 0); send(to(), pack("LLL", 0x48464d31, 0, 0), 0);
			to() for 1..50; $| = 1; print "there\\n"; sleep 60;`;
		const perl = spawn('perl', ['-e', script, path.join(u.data, 'run/control')], { stdio: ['ignore', 'pipe', 'inherit'] });
		try {
			await new Promise((done, fail) => { perl.stdout.once('data', done); perl.once('exit', () => fail(new Error('perl ended'))); });
			for (let i = 0; i < 5; i++) assert.equal((await status(u.data)).state, 'healthy');
			const open = fs.readdirSync(`/proc/${u.pid}/fd`).length;
			assert.ok(open < 100, `${open} descriptors are open`);
		} finally {
			perl.kill('SIGKILL');
		}
		assert.equal((await status(u.data)).state, 'healthy');
		assert.match(u.log(), /control_client_refused/);
	});
});

describe('model', () => {
	test('each wrong model is an event that says what to do; the right one is taken without a restart', async () => {
		const pack = modelCopy('unit');
		const right = modelCopy('right');
		fs.rmSync(pack, { recursive: true });
		const file = config('model-unit', { extra: `model: {path: ${pack}}` });
		let u = unit('model', file);
		const failed = (says) => event(u, 'model_failed', (a) => a.error.includes(says));

		all((await failed('model.json is missing')).attrs.error, pack, 'leave model.path empty');
		all((await state(u, 'degraded')).reasons.join('\n'), 'model_failed', pack);

		// In one step: a detector that starts meanwhile must not find it before it is damaged.
		const damaged = modelCopy('damaged');
		flip(path.join(damaged, 'model.onnx'), 4000000);
		fs.renameSync(damaged, pack);
		all((await failed('SHA-256')).attrs.error, path.join(pack, 'model.onnx'), 'damaged', 'import it again');

		const rubbish = Buffer.concat([Buffer.from('\x08\x07\x12\x07pytorch'), crypto.randomBytes(100000)]);
		const about = JSON.parse(fs.readFileSync(path.join(pack, 'model.json'), 'utf8'));
		about.sha256 = crypto.createHash('sha256').update(rubbish).digest('hex');
		fs.writeFileSync(path.join(pack, 'model.onnx'), rubbish);
		fs.writeFileSync(path.join(pack, 'model.json'), JSON.stringify(about));
		all((await failed('cannot load')).attrs.error, path.join(pack, 'model.onnx'), 'leave model.path empty');

		const count = events(u, 'model_failed').length;
		await until('more attempts', async () => worker(await status(u.data), 'infer').restarts >
			count + 3, PATIENCE);
		assert.ok(events(u, 'model_failed').length <= count + 1, 'the same words again are no news');

		fs.cpSync(right, pack, { recursive: true });
		await event(u, 'model_ok');
		await state(u, 'healthy', 'with the right model');
		await event(u, 'pre_action_zone_entry');
		assert.equal((await u.stop()).code, 0);

		u = unit('model', file);
		await state(u, 'healthy', 'after a restart');
		assert.equal((await u.stop()).code, 0);
	});
});

describe('a full disk', () => {
	test('watching goes on, nothing acknowledged is lost, no line is damaged, numbers go on', async (t) => {
		const folder = mountTmpfs(t, 'small', '12m');
		if (!folder) return;
		// With the ring, room for thousands of events is kept: nothing would be felt for hours.
		const u = unit('full', config('full', { extra: 'outbox: {commit: file}\n' }), path.join(folder, 'data'));
		await state(u, 'healthy');
		await event(u, 'pre_action_zone_entry');
		const fillUp = () => { // to the last page; throws ENOSPC
			const fd = fs.openSync(path.join(folder, 'fill'), 'a');
			try { for (;;) fs.writeSync(fd, Buffer.alloc(4096)); } catch (error) {
				if (error.code !== 'ENOSPC') throw error;
			} finally { fs.closeSync(fd); }
		};
		const degraded = await until('the disk to be full for the outbox', async () => {
			fillUp();
			const now = await status(u.data);
			return now.state === 'degraded' && now;
		}, PATIENCE, 500);
		all(degraded.reasons.join('\n'), 'outbox_full', path.join(u.data, 'outbox'), 'free some space');
		const before_ = new Map(outboxLines(u.data).map((l) => [l.local_seq, l.text]));
		assert.ok(outboxLines(u.data).every((l) => !l.bad), 'no line is damaged');
		const frames = (await stats(u, 'ingest')).frames;
		const seen = (await stats(u, 'respond')).events;
		await until('frames, and events that wait', async () => (await stats(u, 'ingest')).frames > frames + 10 &&
			(await stats(u, 'respond')).events > seen && (await stats(u, 'respond')).pending_offers > 0, PATIENCE);

		fs.rmSync(path.join(folder, 'fill'));
		await event(u, 'outbox_ok');
		await state(u, 'healthy', 'with space again');
		await until('what waited', async () => (await stats(u, 'respond')).pending_offers === 0, PATIENCE);
		// A page that something else gives back while the disk is full may store another event or two.
		const told = await until('both ends of it', () => [events(u, 'outbox_full').length, events(u, 'outbox_ok').length]
			.every((count, i, both) => count > 0 && count === both[1 - i]) && events(u, 'outbox_full').length, PATIENCE);
		assert.ok(told <= 3, `told ${told} times`);
		const lines = outboxLines(u.data);
		const now = new Map(lines.map((l) => [l.local_seq, l.text]));
		for (const [seq, text] of before_) assert.equal(now.get(seq), text, `line ${seq}`);
		const { bad_lines, holes, twin_numbers, twin_origins, twin_stays } = audit(lines, []);
		assert.deepEqual({ bad_lines, holes, twin_numbers, twin_origins, twin_stays },
			{ bad_lines: 0, holes: 0, twin_numbers: 0, twin_origins: 0, twin_stays: 0 });
		const origins = lines.filter((l) => l.origin.includes('.r.')).map((l) => Number(l.origin.split('.').at(-1)));
		origins.sort((a, b) => a - b);
		assert.deepEqual(origins, origins.map((_, i) => i + 1), 'every event of respond, each once');
		await u.stop();
	});
});

// ---------------------------------------------------------------------------------------------
// One unit and one hub, in the order of the story: first no hub, then a dumb one, then damage.

describe('hub and outbox', () => {
	let u, h, port, file;
	before(async () => {
		const probe = net.createServer().listen(0, '127.0.0.1');
		await new Promise((done) => probe.once('listening', done));
		({ port } = probe.address());
		await new Promise((done) => probe.close(done));
		// Without the ring, which would mend most of what is done to the file here.
		file = config('outbox', { hub: `http://127.0.0.1:${port}`, extra: 'outbox: {commit: file}\n' });
		u = unit('outbox', file);
	});
	after(() => u.how ?? u.stop());
	const start = async () => { u = unit('outbox', file); await state(u, 'healthy', 'after the start'); };
	const stop = async () => { assert.equal((await u.stop()).code, 0); };
	const drained = () => until('everything at the hub', async () => {
		const uplink = await stats(u, 'uplink');
		return uplink?.pending === 0 && uplink.acked >= Math.max(...numbersOf(u)) - 1;
	}, PATIENCE);
	const atHub = () => hubEvents(h.url, 'bad-input');
	const inOrder = (list) => list.every((e, i) => i === 0 || e.local_seq > list[i - 1].local_seq);

	test('a hub that is down at the start: detection and commits go on, the link is no matter of health', async () => {
		await state(u, 'healthy');
		const down = await event(u, 'link_down');
		all(down.attrs.error, '127.0.0.1');
		await event(u, 'pre_action_zone_entry');
		await more(u, 'without a hub');
		assert.ok((await stats(u, 'uplink')).pending > 3);
	});

	test('a hub that accepts and never answers: commits go on', async () => {
		const sockets = [];
		const dumb = net.createServer((s) => { sockets.push(s); s.on('error', () => {}); }).listen(port, '127.0.0.1');
		await new Promise((done) => dumb.once('listening', done));
		// Closed whatever comes: the tests that follow need the port.
		try {
			await until('a connection', () => sockets.length > 0, PATIENCE);
			const pending = (await stats(u, 'uplink')).pending;
			await more(u, 'with a dumb hub');
			await until('more to deliver', async () => (await stats(u, 'uplink')).pending > pending, PATIENCE);
			await state(u, 'healthy');
		} finally {
			dumb.close();
			for (const socket of sockets) socket.destroy();
		}
	});

	test('then the real hub comes: everything is delivered, in order, each once', async () => {
		h = await hub('hub', `127.0.0.1:${port}`);
		await drained();
		await event(u, 'link_up');
		await drained();
		const acked = (await stats(u, 'uplink')).acked;
		const { dropped, holes, twin_numbers, twin_origins, twins_at_hub, out_of_order } =
			audit(outboxLines(u.data), await atHub(), acked);
		assert.deepEqual({ dropped, holes, twin_numbers, twin_origins, twins_at_hub, out_of_order },
			{ dropped: 0, holes: 0, twin_numbers: 0, twin_origins: 0, twins_at_hub: 0, out_of_order: 0 });
	});

	const halfLine = () => outboxLines(u.data).at(-1).text.slice(0, 200)
		.replace(/"local_seq":(\d+)/, (_, n) => `"local_seq":${Number(n) + 1}`);
	for (const [name, tail, powerCut] of [
		['half a line after a power cut', halfLine, true],
		['a run of NUL after a power cut', () => Buffer.alloc(3000), true],
		['half a line after a crash', halfLine, false],
	])
		test(`${name} is set aside and told; no number that may have been seen is used again`, async () => {
			await stop();
			// What this boot has committed lies in memory: a power cut takes it along.
			if (powerCut) fs.rmSync(path.join(u.data, 'run/committed'));
			const folder = path.join(u.data, 'quarantine');
			const pieces = () => (fs.existsSync(folder) ? fs.readdirSync(folder) : []);
			const last = Math.max(...numbersOf(u));
			const held = pieces().length, told = events(u, 'outbox_tail_cut').length;
			const bytes = Buffer.from(tail());
			fs.appendFileSync(outboxFile(u), bytes);
			await start();
			const cut = await until('an event about it', () => events(u, 'outbox_tail_cut').at(told), PATIENCE);
			assert.equal(cut.attrs.bytes, bytes.length);
			assert.equal((await until('its count', () => stats(u, 'keeper'), PATIENCE)).torn_bytes, bytes.length);
			assert.equal(pieces().length, held + 1);
			assert.ok(pieces().some((n) => fs.readFileSync(path.join(folder, n)).equals(bytes)), 'byte for byte');
			const next = outboxLines(u.data).find((l) => l.local_seq > last).local_seq;
			if (powerCut) {
				const gap = await event(u, 'outbox_gap', (a) => a.from === last + 1);
				assert.equal(gap.attrs.through, next - 1);
			} else {
				assert.equal(next, last + 1, 'nobody was told of it, so there is no gap');
			}
			assert.equal(outboxLines(u.data).filter((l) => l.bad).length, 0);
			await drained();
		});

	test('rot in the middle: that line alone is passed over, an event says so, the hub shows the gap', async () => {
		await h.stop();
		const from = Math.max(...numbersOf(u));
		await until('events behind the cursor', () => Math.max(...numbersOf(u)) > from + 4, PATIENCE);
		await stop();
		const name = outboxFile(u);
		const text = fs.readFileSync(name, 'latin1');
		const rotten = from + 2;
		const offset = text.indexOf(`"local_seq":${rotten},`);
		flip(name, offset + 40);
		const told = events(u, 'outbox_line_unreadable').length;
		await start();
		const rot = await event(u, 'outbox_rot_found');
		assert.equal(rot.attrs.lines_bad, 1);
		h = await hub('hub', `127.0.0.1:${port}`);
		const passed = await until('an event of the uplink', () => events(u, 'outbox_line_unreadable').at(told), PATIENCE);
		assert.equal(passed.attrs.lines, 1);
		await drained();
		const list = await atHub();
		const mine = new Set(list.map((e) => e.local_seq));
		assert.ok(inOrder(list));
		assert.ok(!mine.has(rotten) && mine.has(rotten - 1) && mine.has(rotten + 1) && mine.has(rot.local_seq));
		const { gaps } = await getJson(`${h.url}/v1/gaps?device=bad-input`);
		assert.ok(gaps.some((g) => g.first <= rotten && g.last >= rotten), JSON.stringify(gaps));
	});

	const damage = [
		['the cursor holds garbage', 'meta/ack_local_seq', () => 'x\u0001\u0002', /cursor_unreadable.*sending from the beginning/],
		['the retry state holds garbage', 'meta/retry_state', () => 'attempts=many', /retry_state_unreadable.*as if nothing had failed/],
		['the reserved number is missing', 'meta/local_seq', () => null, null],
	];
	test('garbage in, or no, meta files: said in the log, nothing lost, nothing twice, numbers go on', async () => {
		await stop();
		const last = Math.max(...numbersOf(u));
		const before_ = (await atHub()).length;
		for (const [, name, data] of damage) {
			const where = path.join(u.data, name);
			if (data() === null) fs.rmSync(where);
			else fs.writeFileSync(where, data());
		}
		const logged = u.log().length;
		await start();
		await more(u, 'with garbage');
		for (const [what, , , says] of damage)
			if (says) assert.match(u.log().slice(logged), says, what);
		assert.equal(outboxLines(u.data).find((l) => l.local_seq > last).local_seq, last + 1);
		await drained();
		const list = await atHub();
		assert.ok(list.length > before_);
		assert.ok(inOrder(list));
		assert.equal(new Set(list.map((e) => e.local_seq)).size, list.length);
		assert.ok(fs.existsSync(path.join(u.data, 'meta/local_seq')));
	});

	test('a cursor ahead of the log: numbers go on above it, with a gap that is told, and all is delivered', async () => {
		await stop();
		const last = Math.max(...numbersOf(u));
		const ahead = last + 40;
		fs.writeFileSync(path.join(u.data, 'meta/ack_local_seq'), `${ahead}\n`);
		await start();
		await more(u, 'behind the cursor');
		const gap = await event(u, 'outbox_gap', (a) => a.from === last + 1);
		assert.ok(gap.attrs.through >= ahead);
		assert.ok(outboxLines(u.data).find((l) => l.local_seq > last).local_seq > ahead);
		await drained();
		const mine = new Set((await atHub()).map((e) => e.local_seq));
		for (const seq of numbersOf(u).filter((n) => n > ahead && n <= gap.local_seq)) assert.ok(mine.has(seq), `${seq}`);
	});
});
