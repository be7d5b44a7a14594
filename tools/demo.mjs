#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// demo - the main job on real video: a unit watches a 16-camera recorder screen, its uplink is
// really cut for half a minute and comes back, and a report says whether every promise held.
//
// Usage    tools/demo.mjs [--keep]        (make demo, make demo KEEP=1)
// Output   progress and a report on stdout; demo/ with the outbox, the hub's database, the logs
//          screen.png, the recorder's picture with what was found on it, and run.svg, a
//          chart of the run
// Exit     0 all of it held, 1 something did not, 2 the demo itself could not run
//
// The wire is a veth pair into a network namespace of the demo's own, and the cut is taking it
// down. Without the right to make one (not root) it is a relay process, and the cut is its end.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {
	ROOT, audit, bin, getJson, hubEvents, isRoot, outboxLines, sleep, startHub, startUnit, status,
	unitConfig, until, worker,
} from './harness.mjs';
import { runChart } from './chart.mjs';

const KEEP = process.argv.includes('--keep');
const CUT_S = 30;
const FOLDER = path.join(ROOT, 'demo');
const DATA = path.join(FOLDER, 'unit');
const DEVICE = 'demo-unit';
const TTY = process.stdout.isTTY;
const COLOUR = TTY && !process.env.NO_COLOR;
const paint = (code, text) => (COLOUR ? `\x1b[${code}m${text}\x1b[0m` : text);
const say = (text) => process.stdout.write(`${TTY ? '\r\x1b[K' : ''}${text}\n`);

const undo = []; // what has to be taken back, last first
let leaving = false;
async function leave(code) {
	if (leaving) return;
	leaving = true;
	for (const step of undo.reverse()) {
		try { await step(); } catch (error) { console.error(`demo: ${error.message}`); }
	}
	process.exit(code);
}
process.on('SIGINT', () => leave(130));
process.on('SIGTERM', () => leave(143));
process.on('SIGHUP', () => leave(129));
process.stdout.on('error', () => leave(2)); // `tools/demo.mjs | head`

// ---- the wire --------------------------------------------------------------------------------

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });

// What a demo left that was killed: its number is in the name, and nobody has it any more.
function removeStale() {
	for (const [name, pid] of ip('netns', 'list').toString().matchAll(/^holdfast-(\d+)/gm))
		if (!fs.existsSync(`/proc/${pid}`)) ip('netns', 'del', name);
}

// The hub's end of the veth stays here, so that a browser here can open the hub's page.
function vethWire() {
	const tag = process.pid;
	const [namespace, near, far] = [`holdfast-${tag}`, `hfh${tag}`, `hfu${tag}`];
	const net = `10.213.${tag % 250}`;
	try {
		removeStale();
		ip('netns', 'add', namespace);
		undo.push(() => ip('netns', 'del', namespace));
		ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', namespace);
		ip('addr', 'add', `${net}.1/30`, 'dev', near);
		ip('link', 'set', near, 'up');
		for (const args of [['addr', 'add', `${net}.2/30`, 'dev', far], ['link', 'set', far, 'up'],
			['link', 'set', 'lo', 'up']])
			ip('-n', namespace, ...args);
	} catch (error) {
		return null;
	}
	return {
		what: `veth pair ${near} into network namespace ${namespace}`,
		hubListen: `${net}.1:0`,
		unitPrefix: ['ip', 'netns', 'exec', namespace],
		connect: async (hubUrl) => hubUrl,
		cut: async () => { ip('link', 'set', near, 'down'); return `ip link set ${near} down`; },
		mend: async () => { ip('link', 'set', near, 'up'); return `ip link set ${near} up`; },
	};
}

function relayWire() {
	let port = 0;
	let relay;
	let target;
	const open = async () => {
		relay = spawn(process.execPath, [path.join(ROOT, 'tools/relay.mjs'), String(port),
			target.hostname, target.port], { stdio: ['ignore', 'pipe', 'inherit'] });
		port = Number(await new Promise((line, fail) => {
			relay.stdout.once('data', line);
			relay.once('exit', () => fail(new Error('the relay did not start')));
		}));
	};
	undo.push(() => relay?.kill('SIGKILL'));
	return {
		what: 'a relay process (no network namespaces without root)',
		hubListen: '127.0.0.1:0',
		unitPrefix: [],
		connect: async (hubUrl) => {
			target = new URL(hubUrl);
			await open();
			return `http://127.0.0.1:${port}`;
		},
		cut: async () => { relay.kill('SIGKILL'); return `kill -9 ${relay.pid} (the relay)`; },
		mend: async () => { await open(); return `the relay started again as ${relay.pid}`; },
	};
}

// ---- showing how it goes ---------------------------------------------------------------------

const samples = []; // for the chart
const began = Date.now();
const sinceStart = () => (Date.now() - began) / 1000;

let lastLineAt = 0;
function progress(label, seconds, state) {
	const keeper = worker(state, 'keeper')?.stats;
	const uplink = worker(state, 'uplink')?.stats;
	const ingest = worker(state, 'ingest')?.stats;
	if (keeper && uplink)
		// Each worker tells its figures once a second: the hub's may be younger than keeper's.
		samples.push({ t: sinceStart(), committed: Math.max(keeper.local_seq, uplink.acked),
			delivered: uplink.acked });
	const text = `${label.padEnd(22)} ${String(seconds).padStart(3)} s  ` +
		`${paint(state?.state === 'healthy' ? 32 : 33, (state?.state ?? 'starting').padEnd(10))} ` +
		`cameras ${String(ingest?.moving ?? 0).padStart(2)} moving  ` +
		`events ${String(keeper?.local_seq ?? 0).padStart(4)}  ` +
		`outbox ${String(uplink?.pending ?? 0).padStart(3)} waiting  ` +
		`link ${uplink?.link ?? '?'}`;
	if (TTY) process.stdout.write(`\r\x1b[K${text}`);
	else if (Date.now() - lastLineAt > 4900) {
		lastLineAt = Date.now();
		console.log(text);
	}
}

async function watch(label, timeoutMs, enough) {
	const start = Date.now();
	lastLineAt = 0;
	for (;;) {
		const state = await status(DATA).catch(() => null);
		const seconds = Math.round((Date.now() - start) / 1000);
		progress(label, seconds, state);
		if (state && enough(state, Date.now() - start)) break;
		if (Date.now() - start > timeoutMs) {
			if (TTY) console.log();
			throw new Error(`${label}: not there after ${timeoutMs / 1000} s; see ${FOLDER}/unit.log`);
		}
		await sleep(500);
	}
	if (TTY) console.log();
	return { ms: Date.now() - start, state: await status(DATA) };
}

// ---- the picture -----------------------------------------------------------------------------

// What the detector finds on one moment of the screen, drawn on it with names.
function drawScreen(clip, screen, seconds) {
	const folder = fs.mkdtempSync(path.join(FOLDER, 'tiles-'));
	const picture = path.join(FOLDER, 'screen.png');
	const ffmpeg = (...args) => execFileSync('ffmpeg', ['-v', 'error', '-y', ...args],
		{ stdio: ['ignore', 'ignore', 'inherit'] });
	const splits = screen.tiles.map((t) =>
		`[s${t.tile}]crop=${t.w}:${t.h}:${t.x}:${t.y}[t${t.tile}]`);
	ffmpeg('-ss', String(seconds), '-i', clip, '-frames:v', '1', '-filter_complex',
		`split=${screen.tiles.length}${screen.tiles.map((t) => `[s${t.tile}]`).join('')};${splits.join(';')}`,
		...screen.tiles.flatMap((t) => ['-map', `[t${t.tile}]`, '-frames:v', '1',
			path.join(folder, `${t.tile}.png`)]));
	const files = screen.tiles.map((t) => path.join(folder, `${t.tile}.png`));
	const found = spawnSync(bin('holdfast'), ['detect', ...files], { encoding: 'utf8' });
	if (found.status !== 0) throw new Error(`holdfast detect: ${found.stderr.trim()}`);
	let people = 0;
	const boxes = found.stdout.trim().split('\n').map((line) => JSON.parse(line)).flatMap((r) => {
		const tile = screen.tiles[files.indexOf(r.source)];
		return r.detections.map((d) => {
			const [x, y, w, h] = d.box.map(Math.round);
			people++;
			return `drawbox=x=${tile.x + x}:y=${tile.y + y}:w=${w}:h=${h}:color=0x35e0a1:t=2,` +
				`drawtext=text='${d.class} ${d.score.toFixed(2)}':x=${tile.x + x}:` +
				`y=${Math.max(0, tile.y + y - 13)}:fontsize=12:fontcolor=0x35e0a1:box=1:boxcolor=black@0.5`;
		});
	});
	ffmpeg('-ss', String(seconds), '-i', clip, '-frames:v', '1', '-vf', boxes.join(',') || 'null', picture);
	fs.rmSync(folder, { recursive: true });
	return { picture, people };
}

// ---- the story -------------------------------------------------------------------------------

function makeClip() {
	const made = spawnSync(path.join(ROOT, 'tools/make-screen'), [], {
		stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8',
	});
	if (made.status !== 0) throw new Error('tools/make-screen failed');
	const clip = made.stdout.trim().split('\n').at(-1);
	return { clip, screen: JSON.parse(fs.readFileSync(clip.replace(/\.avi$/, '.json'), 'utf8')) };
}

const cameraId = (t) => t.camera.toLowerCase().replace(/[^a-z0-9]+/g, '-');

function writeConfig(clip, screen, hubUrl) {
	const file = path.join(FOLDER, 'holdfast.yaml');
	const cameras = screen.tiles.map((t) => ({ id: cameraId(t), name: t.camera, tile: t.tile + 1 }));
	// The lower middle of each picture. Short waits, so that half a minute shows something.
	fs.writeFileSync(file, unitConfig({
		device: DEVICE, clip, hubUrl, cameras, cooldown: '5s', extra: 'mask: {bottom: 0.09} # clocks\n',
		zone: [[0.15, 0.35], [0.85, 0.35], [0.95, 0.98], [0.05, 0.98]],
		hub: { insecure: true, connect_timeout: '2s', total_timeout: '5s', backoff_min: '1s', backoff_max: '5s' },
	}));
	return file;
}

function report(rows) {
	const width = Math.max(...rows.map((r) => r.what.length));
	say('');
	say(paint(1, 'Report'));
	for (const r of rows) {
		const mark = r.held === undefined ? '     ' : r.held ? paint(32, 'held ') : paint(31, 'BROKE');
		say(`  ${mark}  ${r.what.padEnd(width)}  ${r.value}`);
	}
	return rows.every((r) => r.held !== false);
}

const seqOf = (state) => worker(state, 'keeper')?.stats?.local_seq ?? 0;
const looksOf = (state) => state.workers.filter((w) => w.role === 'infer')
	.reduce((sum, w) => sum + (w.stats?.jobs ?? 0), 0);

async function main() {
	if (await status(DATA).then(() => true, () => false))
		throw new Error(`a unit still runs in ${DATA}: end that demo with Ctrl-C, or, if its ` +
			`script was killed, the unit with: kill $(cat ${DATA}/.lock)`);
	fs.rmSync(FOLDER, { recursive: true, force: true });
	fs.mkdirSync(FOLDER, { recursive: true });
	say(paint(1, 'holdfast demo') + ': 16 cameras, a cut uplink, every event once and in order');
	const { clip, screen } = makeClip();
	say(`screen     ${clip}`);

	const wire = (isRoot && vethWire()) || relayWire();
	const hub = await startHub(path.join(FOLDER, 'hub'), wire.hubListen);
	undo.push(() => hub.stop());
	const config = writeConfig(clip, screen, await wire.connect(hub.url));
	const unit = startUnit(DATA, config, { prefix: wire.unitPrefix });
	undo.push(() => unit.stop());
	say(`hub        ${hub.url}`);
	say(`unit       pid ${unit.pid}, data in ${DATA}`);
	say(`wire       ${wire.what}`);
	say(`look       tail -f ${DATA}/outbox/*.jsonl    stage/bin/holdfast status --data ${DATA}`);
	say('');
	await until('the unit to start', async () => {
		if (unit.how) throw new Error(`holdfastd ended: ${unit.log().trim().split('\n').at(-1)}`);
		return (await status(DATA)).workers.length > 0;
	}, 20000);

	// The screen has a camera without a signal and one that is frozen: the unit says so.
	await watch('link up', 60000, (s, ms) => ms > 15000 && ['healthy', 'degraded'].includes(s.state) &&
		seqOf(s) >= 8 && worker(s, 'uplink')?.stats?.acked >= 5);
	const before = await status(DATA);
	const cut = { from: sinceStart() };
	say(`${paint(33, 'cut')}        ${await wire.cut()}`);
	const during = (await watch('link cut', (CUT_S + 10) * 1000, (s, ms) => ms >= CUT_S * 1000)).state;
	const deepest = worker(during, 'uplink')?.stats?.pending ?? 0;
	cut.to = sinceStart();
	say(`${paint(32, 'mended')}     ${await wire.mend()}`);
	const drained = await watch('draining', 60000, (s) => {
		const uplink = worker(s, 'uplink')?.stats;
		return uplink && uplink.pending === 0 && uplink.acked >= seqOf(during);
	});

	await watch('link up again', 20000, (s, ms) => ms > 5000);

	const through = worker(drained.state, 'uplink').stats.acked;
	const result = audit(outboxLines(DATA), await hubEvents(hub.url, DEVICE), through);
	const gaps = (await getJson(`${hub.url}/v1/gaps?device=${DEVICE}`)).gaps.length;
	const verify = spawnSync(bin('holdfast'), ['outbox', 'verify', DATA], { encoding: 'utf8' });
	const { picture, people } = drawScreen(clip, screen, 20);
	const zero = samples[0].t;
	fs.writeFileSync(path.join(FOLDER, 'run.svg'), runChart(samples.map((s) => ({ ...s, t: s.t - zero })),
		{ from: cut.from - zero, to: cut.to - zero }));
	const latency = worker(drained.state, 'respond')?.stats?.latency_ms;
	const held = report([
		{ what: 'events committed during the cut', value: seqOf(during) - seqOf(before), held: seqOf(during) > seqOf(before) },
		{ what: 'tiles looked at during the cut', value: looksOf(during) - looksOf(before), held: looksOf(during) > looksOf(before) },
		{ what: 'outbox at its deepest', value: `${deepest} waiting`, held: deepest > 0 },
		{ what: 'drain after the link was back', value: `${(drained.ms / 1000).toFixed(1)} s, the wait for the next attempt included` },
		{ what: 'dropped', value: `${result.dropped} of ${result.written}`, held: result.dropped === 0 && result.written > 0 },
		{ what: 'duplicates by origin', value: result.twin_origins, held: result.twin_origins === 0 },
		{ what: 'duplicates by stay', value: result.twin_stays, held: result.twin_stays === 0 },
		{ what: 'stored twice at the hub', value: result.twins_at_hub, held: result.twins_at_hub === 0 },
		{ what: 'out of order at the hub', value: result.out_of_order, held: result.out_of_order === 0 },
		{ what: 'gaps', value: `${gaps} at the hub, ${result.holes} in the file`, held: gaps === 0 && result.holes === 0 },
		{ what: 'holdfast outbox verify', value: `exit ${verify.status}`, held: verify.status === 0 },
		{ what: 'capture to commit', value: latency ? `p50 ${latency.p50} ms, p99 ${latency.p99} ms` : 'not measured' },
		{ what: 'people on the picture', value: `${people}, see ${path.relative(process.cwd(), picture)}` },
		{ what: 'the run as a picture', value: path.relative(process.cwd(), path.join(FOLDER, 'run.svg')) },
	]);
	say('');
	say(held ? paint(32, 'All of it held.') : paint(31, 'Something did not hold; the logs are in demo/.'));
	if (KEEP) {
		say('');
		say(`Left running: the hub's page ${hub.url}/`);
		say(`              stage/bin/holdfast status --data ${DATA} --watch`);
		say('              Ctrl-C ends both.');
		await new Promise(() => { setInterval(() => {}, 1 << 30); });
	}
	await leave(held ? 0 : 1);
}

main().catch(async (error) => {
	console.error(`\ndemo: ${error.message}`);
	await leave(2);
});
