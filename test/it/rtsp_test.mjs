// SPDX-License-Identifier: Apache-2.0
//
// Network cameras and several sources on one real unit: a real RTSP server (GStreamer's) that is
// killed, stopped and started again; sources that die beside others that must not notice; and
// servers that lie. A password in an address is in nothing that is written or shown.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { QUICK_POLICY, ROOT, bin, fallen, outboxLines, run, startUnit, status, until, worker } from '../../tools/harness.mjs';
import { FORMS, startHostile } from './rtsp_hostile.mjs';

const PATIENCE = 60000;
const PASSWORD = 'pa55-w0rd';
const VTEST = process.env.HOLDFAST_VTEST ?? '/usr/share/doc/opencv-doc/examples/data/vtest.avi';
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-rtsp-'));
const at = (...names) => path.join(home, ...names);
const running = [];

after(async () => {
	for (const program of running) {
		program.kill('SIGKILL');
		await program.ended;
	}
	if (!process.env.KEEP_IT) fs.rmSync(home, { recursive: true, force: true });
});
process.once('SIGTERM', () => {
	for (const program of running) program.kill('SIGKILL');
	process.exit(1);
});

function clip(name, ...options) {
	const file = at(name);
	execFileSync('ffmpeg', ['-v', 'error', '-i', VTEST, ...options, file], { stdio: ['ignore', 'inherit', 'inherit'] });
	return file;
}

function config(name, sources) {
	const file = at(`${name}.yaml`);
	fs.writeFileSync(file, `device: {id: rtsp-${name}}
infer: {workers: 1}
policy: {path: "${QUICK_POLICY}"}
supervisor: {heartbeat_timeout: 3s}
sources:
${sources.map((s) => `  - {id: ${s.id}, type: ${s.type ?? 'rtsp'}, url: "${s.url}", layout: 1x1, ${s.more ?? 'timeout: 1s'}}`).join('\n')}
cameras:
${sources.map((s) => `  - {id: c-${s.id}, name: ${s.id.toUpperCase()}, source: ${s.id}, tile: 1}`).join('\n')}
zones:
${sources.map((s) => `  - {id: z-${s.id}, camera: c-${s.id}, cooldown: 1s, points: [[0.02, 0.1], [0.98, 0.1], [0.98, 0.99], [0.02, 0.99]]}`).join('\n')}
`, { mode: 0o600 });
	return file;
}

function unit(name, sources) {
	const program = startUnit(at(name), config(name, sources));
	running.push(program);
	return Object.assign(program, { data: at(name), index: Object.fromEntries(sources.map((s, i) => [s.id, i])) });
}
const awaits = (u, what, probe) => Promise.race([until(what, probe, PATIENCE),
	u.ended.then(() => { throw new Error(`the unit ended before ${what}: ${u.log().slice(-2000)}`); })]);
const events = (u, cls, source) => outboxLines(u.data)
	.filter((l) => l.event_class === cls && (!source || l.attrs.source === source));
const ingest = async (u, source) => worker(await status(u.data), 'ingest', u.index[source]);
const stats = async (u, source) => (await ingest(u, source))?.stats;
const fits = (text, says) => (says instanceof RegExp ? says.test(text) : text.includes(says));
const lost = (u, source, says, count = 1) => awaits(u, `source_lost ${source} "${says}"`, () => {
	const list = events(u, 'source_lost', source);
	return list.length >= count && fits(list.at(-1).attrs.error, says) && list.at(-1);
});
const back = (u, source, count) => awaits(u, `source_back ${source} (${count})`, () => events(u, 'source_back', source).length >= count);
const state = (u, wanted) => awaits(u, wanted, async () => {
	const now = await status(u.data);
	return now.state === wanted && now;
});
const goesOn = async (u, source) => {
	const from = (await stats(u, source)).frames;
	await awaits(u, `more frames of ${source}`, async () => (await stats(u, source)).frames > from + 10);
};

// Nothing of this source was lost since then: the same process, every tick and every job.
async function unharmed(u, source, since) {
	const now = await ingest(u, source);
	assert.equal(now.pid, since.pid);
	for (const key of ['ticks_dropped', 'jobs_lost', 'decode_errors'])
		assert.equal(now.stats[key], since.stats[key], `${source}: ${key}`);
	assert.deepEqual([...events(u, 'source_lost', source), ...events(u, 'source_damaged', source)], []);
	assert.ok(now.stats.frames > since.stats.frames, `${source} goes on`);
}

async function holdsNoSecret(u) {
	const shown = [u.log(), JSON.stringify(await status(u.data)),
		(await run(bin('holdfast'), ['status', '--data', u.data]).catch((e) => e)).stdout];
	for (const args of [['show'], ['show', '--json'], ['check']]) {
		const { stdout, stderr } = await run(bin('holdfast'), ['config', args[0], `${u.data}.yaml`, ...args.slice(1)]).catch((e) => e);
		shown.push(stdout, stderr);
	}
	for (const file of fs.readdirSync(u.data, { recursive: true, withFileTypes: true }))
		if (file.isFile()) shown.push(fs.readFileSync(path.join(file.path ?? u.data, file.name), 'latin1'));
	for (const text of shown) assert.ok(!text?.includes(PASSWORD), text?.slice(0, 2000));
}

// ---------------------------------------------------------------------------------------------

const GSTREAMER = spawnSync('/usr/bin/python3', ['-c',
	'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer']).status === 0;

async function camera(streams, port = 0) {
	const child = spawn('/usr/bin/python3', [path.join(ROOT, 'test/it/rtsp_server.py'), `${port}`, `viewer:${PASSWORD}`, ...streams], { stdio: ['pipe', 'pipe', 'inherit'] });
	const program = {
		child,
		kill(signal) { child.kill(signal); },
		ended: new Promise((done) => child.once('exit', done)),
	};
	running.push(program);
	program.port = await new Promise((done, fail) => {
		child.stdout.once('data', (data) => done(Number(/listening (\d+)/.exec(data)[1])));
		child.once('exit', () => fail(new Error('the RTSP server ended')));
	});
	return program;
}

describe('a real server', { skip: !GSTREAMER && 'GStreamer\'s RTSP server is not here' }, () => {
	let u, server, streams, file;
	before(async () => {
		streams = [`/h264=${clip('a.h264.mp4', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '20', '-bf', '0')}`,
			// RTP knows the standard Huffman tables only.
			`/jpeg=${clip('c.mjpeg.avi', '-c:v', 'mjpeg', '-huffman', 'default', '-pix_fmt', 'yuvj420p', '-q:v', '5')}`,
			`/h265=${clip('b.h265.mp4', '-t', '40', '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:keyint=20:bframes=0', '-tag:v', 'hvc1')}`];
		file = at('c.mjpeg.avi');
		server = await camera(streams);
		const url = (name) => `rtsp://viewer:${PASSWORD}@127.0.0.1:${server.port}/${name}`;
		u = unit('real', [{ id: 'h264', url: url('h264') }, { id: 'jpeg', url: url('jpeg') },
			{ id: 'h265', url: url('h265'), more: 'timeout: 1s, transport: udp' },
			{ id: 'file', type: 'file', url: file, more: 'loop: true' }]);
	});
	after(() => u.how ?? u.stop());

	for (const [source, codec] of [['h264', 'h264'], ['jpeg', 'mjpeg'], ['h265', 'hevc'], ['file', 'mjpeg']])
		test(`${source}: frames arrive, people are found, the event names camera and source`, async () => {
			await awaits(u, `an event of ${source}`, () => events(u, 'pre_action_zone_entry', source).length > 0);
			const [event] = events(u, 'pre_action_zone_entry', source);
			assert.equal(event.camera_name, source.toUpperCase());
			const now = await stats(u, source);
			assert.deepEqual([now.codec, now.width, now.height], [codec, 768, 576]);
		});

	test('all are there, in the status too, and nothing was lost yet', async () => {
		const now = await state(u, 'healthy');
		assert.equal(events(u, 'source_lost').length, 0);
		const { stdout } = await run(bin('holdfast'), ['status', '--data', u.data]);
		for (const source of Object.keys(u.index)) assert.match(stdout, new RegExp(`source +${source};`));
		assert.equal(now.workers.filter((w) => w.role === 'ingest').length, 4);
	});

	test('an ingest that is killed costs the other sources nothing', async () => {
		const others = ['h264', 'jpeg', 'file'];
		const since = Object.fromEntries(await Promise.all(others.map(async (s) => [s, await ingest(u, s)])));
		const { pid } = await ingest(u, 'h265');
		process.kill(pid, 'SIGKILL');
		await awaits(u, 'another ingest', async () => {
			const now = await ingest(u, 'h265');
			return now.pid !== pid && now.stats?.frames > 10;
		});
		for (const source of others) await goesOn(u, source);
		for (const source of others) await unharmed(u, source, since[source]);
	});

	test('a server that is killed is lost, with the reason; started again it is back; the file goes on', async () => {
		const since = await ingest(u, 'file');
		server.kill('SIGKILL');
		for (const source of ['h264', 'jpeg', 'h265'])
			assert.match((await lost(u, source, 'nobody listens there')).attrs.error, /^rtsp:\/\/\*\*\*@127/);
		const now = await state(u, 'degraded');
		assert.match(now.reasons.join('\n'), /source_lost jpeg: rtsp:\/\/\*\*\*@127.*nobody listens there/);
		await goesOn(u, 'file');
		server = await camera(streams, server.port);
		for (const source of ['h264', 'jpeg', 'h265']) await back(u, source, 1);
		await state(u, 'healthy');
		for (const source of Object.keys(u.index)) await goesOn(u, source);
		await unharmed(u, 'file', since);
	});

	test('a server that stalls is lost, and back when it goes on', async () => {
		const since = await ingest(u, 'file');
		const count = Object.fromEntries(['h264', 'jpeg', 'h265'].map((s) => [s, events(u, 'source_lost', s).length]));
		server.kill('SIGSTOP');
		for (const source of ['h264', 'jpeg', 'h265']) await lost(u, source, 'within 1000 ms', count[source] + 1);
		server.kill('SIGCONT');
		for (const source of ['h264', 'jpeg', 'h265']) await back(u, source, 2);
		await state(u, 'healthy');
		await unharmed(u, 'file', since);
		// The one that was killed above, and no other.
		assert.deepEqual(fallen(u.log(), 'source_lost'), [`ingest.${u.index.h265}: killed by signal 9 (KILL)`]);
	});

	test('the password is in nothing that is written or shown', async () => {
		await holdsNoSecret(u);
		assert.equal((await u.stop()).code, 0);
		assert.ok(!u.log().includes(PASSWORD));
	});
});

// ---------------------------------------------------------------------------------------------

describe('servers that lie', () => {
	test('holdfastd --check tries a camera, and says what it heard; that is a warning', async () => {
		const server = await startHostile('wants a password');
		const file = config('check', [{ id: 'cam', url: `rtsp://u:${PASSWORD}@127.0.0.1:${server.port}/x` }]);
		const { stdout, stderr } = await run(bin('holdfastd'), ['--check', file]);
		server.end();
		assert.match(stdout, /is fine: 1 source/);
		assert.match(stderr, /warning: source cam: rtsp:\/\/\*\*\*@127.*wants a user and password/);
		assert.ok(!stderr.includes(PASSWORD));
	});
	const names = Object.keys(FORMS);
	before(() => clip('good.avi', '-t', '10', '-vf', 'scale=384:288', '-c:v', 'mjpeg', '-q:v', '5'));
	for (let first = 0; first < names.length; first += 3) {
		const forms = names.slice(first, first + 3);
		test(`${forms.join('; ')}: each is told once with the reason, and costs nobody else anything`, async () => {
			const servers = await Promise.all(forms.map(startHostile));
			const u = unit(`lies-${first}`, [{ id: 'good', type: 'file', url: at('good.avi'), more: 'loop: true' },
				...forms.map((_, i) => ({ id: `bad${i}`, url: `rtsp://u:${PASSWORD}@127.0.0.1:${servers[i].port}/x?password=${PASSWORD}` }))]);
			try {
				await awaits(u, 'frames of the good source', async () => (await stats(u, 'good')).frames > 0);
				const since = await ingest(u, 'good');
				for (const [i, form] of forms.entries())
					assert.match((await lost(u, `bad${i}`, FORMS[form][1])).attrs.error, /^rtsp:\/\/\*\*\*@127/);
				await goesOn(u, 'good');
				await unharmed(u, 'good', since);
				assert.deepEqual(fallen(u.log(), 'source_lost'), []);
				for (const [i] of forms.entries()) {
					const told = events(u, 'source_lost', `bad${i}`).map((l) => l.attrs.error);
					assert.equal(new Set(told).size, told.length, told.join('\n'));
					assert.equal(events(u, 'source_back', `bad${i}`).length, 0);
				}
				await holdsNoSecret(u);
			} finally {
				await u.stop();
				for (const server of servers) server.end();
			}
		});
	}
});
