#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// outbox - what a durable append costs, beside the limits of the disk and beside what people would
// pick instead; what a start costs over a large log; what keeper holds in memory.
//
// Usage    bench/outbox/run [--json] [--svg FILE (or SVG=file)] [--only append|start]
//          PEERS=1   PostgreSQL, Redis, Mosquitto, NATS and rsyslog too; they are installed when missing
//          FULL=1    more rounds; start-up over 10 GB (else 300 MB), which takes some minutes and 24 GB
//          BUILD=folder (build)   FOLDER=dir on the disk in question (BUILD)   ROUNDS=n   LAP_MS=n
//
// Everything lies on a journalled ext4 of its own on a loop device in FOLDER, as root; else in
// FOLDER itself, without the device's counters. See append_bench.c for the method of the laps,
// start_bench.c for that of the starts. Of the laps, medians are shown, with the spread of the
// middle half where it says so.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { outboxChart } from './chart.mjs';
import { openDevice } from './device.mjs';
import { installPeers, startPeers, stopPeers } from './peers.mjs';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const BUILD = path.resolve(ROOT, process.env.BUILD || 'build');
const FOLDER = path.resolve(process.env.FOLDER || BUILD);
const FULL = process.env.FULL === '1';
const ROUNDS = Number(process.env.ROUNDS || (FULL ? 31 : 15));
const LAP_MS = Number(process.env.LAP_MS || 80);
const STARTS = FULL ? 15 : 7;
const LOG_BYTES = FULL ? 10e9 : 300e6;
const LOG_FILES = 365;
const LINE_BYTES = 600;
const MEMORY_GOAL = 6e6;
const JSON_OUT = process.argv.includes('--json');
const option = (name) => {
	const at = process.argv.indexOf(name);
	return at < 0 ? null : process.argv[at + 1];
};
const SVG = option('--svg') || process.env.SVG;
const ONLY = option('--only');
const KEEPER = path.join(BUILD, 'src/proc/keeper/keeper');
const program = (name) => path.join(BUILD, 'bench/outbox', name);

const say = (text) => (JSON_OUT ? console.error : console.log)(text);
const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const at = (numbers, share) => sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))];
const median = (numbers) => at(numbers, 0.5);
const round = (number, digits = 3) => Number(number.toPrecision(digits));

const results = [];
function result(figure, value, unit, limit, ratio = value / limit) {
	results.push({ bench: 'outbox', figure, value: round(value, 6), unit, limit: round(limit, 6), ratio: round(ratio) });
}

const LABELS = {
	ring: 'holdfast, ring', file: 'holdfast, file', sqlite: 'SQLite WAL FULL', growing: 'bare, growing file',
	cal_block: 'bare, 4096-byte blocks', echo: 'bare behind a socket', sqlite_socket: 'SQLite behind a socket',
	keeper_ring: 'holdfast keeper, ring', keeper_file: 'holdfast keeper, file',
};

// What it must reach; printed at the end.
const goals = [];
const goal = (what, value, text, good) => goals.push([what, value, text, good ? 'reached' : 'missed']);

// --- appends ---

async function runLaps(device, peers) {
	const laps = [];
	const folder = path.join(device.folder, 'laps');
	fs.mkdirSync(folder);
	const args = [folder, '--rounds', String(ROUNDS), '--lap-ms', String(LAP_MS),
		'--with', `keeper_ring=${KEEPER}`, '--with', `keeper_file=${KEEPER}`];
	if (device.stat) args.push('--stat', device.stat);
	for (const [name, peer] of Object.entries(peers)) args.push('--with', `${name}=${peer.address}`);
	const log = fs.openSync(path.join(BUILD, 'bench/outbox/laps.log'), 'w');
	const child = spawn(program('outbox-bench'), args, { stdio: ['ignore', 'pipe', log] });
	fs.closeSync(log);
	const ended = new Promise((done) => child.on('exit', done));
	for await (const line of readline.createInterface({ input: child.stdout })) laps.push(JSON.parse(line));
	const code = await ended;
	if (code !== 0)
		throw new Error(`outbox-bench left with ${code}, see ${path.join(BUILD, 'bench/outbox/laps.log')}`);
	return laps;
}

// subject.waiting -> medians, and medians of the ratios of each lap to its own limits.
function summarize(laps) {
	const figures = new Map();
	const of = (list, pick) => median(list.map(pick));
	for (const lap of laps) {
		const key = `${lap.subject}_${lap.waiting}`;
		if (!figures.has(key)) figures.set(key, []);
		figures.get(key).push(lap);
	}
	return new Map([...figures].map(([key, all]) => {
		const list = all.filter((lap) => lap.rate !== undefined), wear = all.filter((lap) => lap.bytes !== undefined);
		const ratios = list.map((lap) => lap.rate / lap.limits.cal_1.rate);
		const other = Object.keys(list[0].limits).find((name) => name !== 'cal_1');
		return [key, {
			subject: list[0].subject, waiting: list[0].waiting,
			rate: of(list, (l) => l.rate), p50: of(list, (l) => l.p50_us), p99: of(list, (l) => l.p99_us),
			bytes: wear.length === 0 ? null : of(wear, (l) => l.bytes),
			flushes: wear.length === 0 ? null : of(wear, (l) => l.flushes),
			cal: of(list, (l) => l.limits.cal_1.rate), ratio: median(ratios),
			low: at(ratios, 0.25), high: at(ratios, 0.75),
			cal50: of(list, (l) => l.limits.cal_1.p50_us), cal99: of(list, (l) => l.limits.cal_1.p99_us),
			p50Ratio: of(list, (l) => l.p50_us / l.limits.cal_1.p50_us),
			p99Ratio: of(list, (l) => l.p99_us / l.limits.cal_1.p99_us),
			other, otherRate: other && of(list, (l) => l.limits[other].rate),
			otherRatio: other && of(list, (l) => l.rate / l.limits[other].rate),
		}];
	}));
}

function reportLaps(figures) {
	for (const [key, f] of figures) {
		result(`${key}_rate`, f.rate, 'events/s', f.cal, f.ratio);
		result(`${key}_p50`, f.p50, 'us', f.cal50, f.p50Ratio);
		result(`${key}_p99`, f.p99, 'us', f.cal99, f.p99Ratio);
		if (f.other) result(`${key}_rate_of_${f.other}`, f.rate, 'events/s', f.otherRate, f.otherRatio);
		if (f.bytes === null) continue;
		result(`${key}_device_bytes`, f.bytes, 'bytes/event', LINE_BYTES);
		result(`${key}_flushes`, f.flushes, 'flushes/event', 1 / f.waiting);
	}
}

function table(head, rows) {
	const width = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i].length)));
	const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(width[i]) : cell.padStart(width[i]))).join('  ');
	for (const row of [head, ...rows]) say(line(row).trimEnd());
}

function printLaps(figures, peers) {
	const cal = median([...figures.values()].map((f) => f.cal));
	say(`\nevents of ${LINE_BYTES} bytes; 1 × = write + fdatasync of one line on a pre-written file, ` +
		`here ${Math.round(cal)}/s; medians of ${ROUNDS} laps in turn with their limits`);
	table(['', 'waiting', 'events/s', '× limit', 'middle half', 'p50 ×', 'p99 ×', 'bytes/event', 'flushes/event', 'of'],
		[...figures.values()].map((f) => [peers[f.subject]?.label ?? LABELS[f.subject], String(f.waiting),
			String(Math.round(f.rate)), f.ratio.toFixed(2), `${f.low.toFixed(2)}-${f.high.toFixed(2)}`,
			f.p50Ratio.toFixed(2), f.p99Ratio.toFixed(2), f.bytes === null ? '-' : String(Math.round(f.bytes)),
			f.flushes === null ? '-' : f.flushes.toFixed(3),
			f.other ? `${f.otherRatio.toFixed(2)} ${f.other}` : '']));
	for (const peer of Object.values(peers)) say(`${peer.label} ${peer.version}: ${peer.note}`);
}

function judgeLaps(figures) {
	const f = (key) => figures.get(key);
	const ring = f('ring_1'), path = f('keeper_ring_1'), sqlite = f('sqlite_socket_1');
	const group = f('keeper_ring_16').ratio / f('ring_16').ratio;
	goal('in process, 1 producer', `${ring.ratio.toFixed(2)} ×`, 'at least 0.95 × the limit', ring.ratio >= 0.95);
	goal('  its p99', `${ring.p99Ratio.toFixed(2)} ×`, "at most 1.2 × the limit's", ring.p99Ratio <= 1.2);
	goal('keeper, 1 producer', `${path.otherRatio.toFixed(2)} ×`, 'at least 0.90 × bare behind a socket', path.otherRatio >= 0.9);
	goal('  beside SQLite there', `${(path.otherRatio / sqlite.otherRatio).toFixed(2)} ×`, 'above 1', path.otherRatio > sqlite.otherRatio);
	goal('keeper, 16 producers', `${group.toFixed(2)} ×`, 'at least 0.6 × 16 a flush in process', group >= 0.6);
	if (ring.bytes === null) return;
	goal('device bytes/event, 1 waiting', `${(ring.bytes / 1000).toFixed(2)} kB`, 'at most 5.5 kB', ring.bytes <= 5500);
	for (const waiting of [64, 256]) {
		const ratio = f(`ring_${waiting}`).bytes / LINE_BYTES;
		goal(`  ${waiting} waiting`, `${ratio.toFixed(2)} ×`, 'at most 1.2 × the event', ratio <= 1.2);
	}
}

async function append() {
	const device = openDevice(FOLDER, process.env.PEERS === '1' ? 4096 : 2048);
	let peers = {};
	if (device.why) say(`no loop device (${device.why}): in ${device.folder}, without the device's counters`);
	try {
		if (process.env.PEERS === '1') {
			installPeers(say);
			peers = await startPeers(device.folder, say);
		}
		const figures = summarize(await runLaps(device, peers));
		reportLaps(figures);
		printLaps(figures, peers);
		judgeLaps(figures);
		return { figures, peers };
	} finally {
		await stopPeers();
		device.close();
	}
}

// --- start and memory ---

let boot = 1000;
function startOnce(folder, runFolder, commit, batches = []) {
	// What is gone with the power.
	fs.rmSync(runFolder, { recursive: true, force: true });
	fs.mkdirSync(runFolder);
	const log = path.join(BUILD, 'bench/outbox/start.log');
	return JSON.parse(execFileSync(program('outbox-start'), [KEEPER, folder, runFolder, String(++boot), commit,
		...batches], { encoding: 'utf8', stdio: ['ignore', 'pipe', fs.openSync(log, 'a')] }));
}

function measureStarts(device, folders, runFolder, commit, cold) {
	const times = { empty: [], large: [] };
	for (let i = 0; i <= STARTS; i++)
		for (const name of i % 2 === 0 ? ['empty', 'large'] : ['large', 'empty']) {
			if (cold && !device.cool()) return null;
			const started = startOnce(folders[name], runFolder, commit);
			// The first of each still has something to settle: a header, a ring.
			if (i > 0) times[name].push(started.answer_ms);
		}
	return { empty: median(times.empty), large: median(times.large) };
}

function start() {
	const device = openDevice(FOLDER, Math.ceil(LOG_BYTES * 2.2 / (1 << 20)) + 512, { sparse: true });
	const runFolder = path.join(device.folder, '../run');
	if (device.why) say(`no loop device (${device.why}): in ${device.folder}, warm only`);
	try {
		const rows = [];
		for (const commit of ['ring', 'file']) {
			const folders = { empty: path.join(device.folder, `empty-${commit}`), large: path.join(device.folder, 'large') };
			fs.mkdirSync(folders.empty);
			startOnce(folders.empty, runFolder, commit);
			if (!fs.existsSync(folders.large)) {
				fs.mkdirSync(folders.large);
				execFileSync(program('outbox-make-log'), [folders.large, String(LOG_BYTES), String(LOG_FILES)]);
				execFileSync('sync', ['-f', folders.large]);
			}
			for (const cold of [true, false]) {
				const times = measureStarts(device, folders, runFolder, commit, cold);
				if (times === null) continue;
				const name = `start_${commit}_${cold ? 'cold' : 'warm'}`;
				result(name, times.large, 'ms', times.empty);
				if (commit === 'ring')
					goal(`start, ${cold ? 'cold' : 'warm'}`, `${(times.large / times.empty).toFixed(2)} ×`,
						'at most 1.2 × an empty log', times.large <= 1.2 * times.empty);
				rows.push([`start, ${commit}, ${cold ? 'cold' : 'warm'}`, `${times.large.toFixed(1)} ms`,
					`${times.empty.toFixed(1)} ms`, (times.large / times.empty).toFixed(2)]);
			}
			for (const [name, folder] of Object.entries(folders)) {
				const m = startOnce(folder, runFolder, commit, ['400']);
				const rss = m.anon + m.file + m.shmem;
				result(`memory_${commit}_${name}`, rss, 'bytes', MEMORY_GOAL);
				if (commit === 'ring')
					goal(`memory, ${name} log`, `${(rss / 1e6).toFixed(1)} MB`, 'at most 6 MB', rss <= MEMORY_GOAL);
				rows.push([`memory, ${commit}, ${name} log`, `${(rss / 1e6).toFixed(2)} MB`, '6.00 MB',
					(rss / MEMORY_GOAL).toFixed(2)]);
			}
		}
		say(`\nfrom the start of keeper to its first answer, ${LOG_BYTES / 1e9} GB in ${LOG_FILES} files against a log ` +
			`that holds a header; medians of ${STARTS}; cold: the file system mounted anew\nmemory: all that is ` +
			'resident, libraries included, after 400 full batches from 16 producers');
		table(['', 'value', 'limit', 'ratio'], rows);
	} finally {
		device.close();
	}
}

let appended = null;
if (ONLY !== 'start') appended = await append();
if (ONLY !== 'append') start();
say('');
table(['goals', 'measured', '', ''], goals);
if (JSON_OUT) for (const line of results) console.log(JSON.stringify(line));
if (SVG && appended) fs.writeFileSync(SVG, outboxChart(appended));
