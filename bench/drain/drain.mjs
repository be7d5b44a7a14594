#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// drain - how fast what a unit queued during an outage arrives, against a bare receiver: the same
// HTTP library and the same commits into SQLite, without checks, identity or duplicates. 100 events
// a request, one after the other, on loopback without TLS.
//
//   hub     one client sends the same queue to the hub and to the bare receiver, in turn; and those of
//           64 units, a request of each in turn
//   unit    the real uplink drains a real outbox to the hub, against that client and the bare receiver
//   killed  the same, uplink and hub killed again and again: nothing lost, doubled, altered or out of
//           order at the hub
//
// Usage    bench/drain/run [--json] [--only hub|unit|killed]
//          BUILD=folder (build), ROUNDS=n (7), SEED=n, FULL=1: 1,000,000 events too, and killed over them
//
// Medians. The goal is 0.8 of the bare receiver, and none for killed but zeros.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const BUILD = path.resolve(ROOT, process.env.BUILD || 'build');
const ROUNDS = Number(process.env.ROUNDS || 7);
const FULL = process.env.FULL === '1';
const SEED = Number(process.env.SEED || 1);
const JSON_OUT = process.argv.includes('--json');
const ONLY = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : null;
const GOAL = 0.8;
const LINE_BYTES = 600;

const program = (name) => path.join(BUILD, name);
const started = new Set();
process.on('exit', () => { for (const child of started) child.kill('SIGKILL'); });
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const wanted = (name) => ONLY === null || ONLY === name;

function start(name, args, stream, pattern) {
	const child = spawn(program(name), args, { stdio: ['ignore', 'pipe', 'pipe'] });
	started.add(child);
	child.ended = new Promise((done) => child.on('exit', (code) => { started.delete(child); done(code); }));
	return new Promise((done, fail) => {
		child.on('error', fail);
		child.ended.then((code) => fail(new Error(`${name} left with ${code}`)));
		let heard = '';
		child[stream].on('data', (data) => {
			heard += data;
			const found = pattern.exec(heard);
			if (!found) return;
			child.url = found[1].startsWith('http') ? found[1] : `http://127.0.0.1:${found[1]}`;
			child.url = child.url.replace(/\/$/, '');
			done(child);
		});
		child[stream === 'stdout' ? 'stderr' : 'stdout'].resume();
	});
}
async function stop(child, signal = 'SIGTERM') {
	child.kill(signal);
	await child.ended;
}
const startHub = (folder, listen = '127.0.0.1:0') => start('src/hub/holdfast-hub',
	['--data', folder, '--listen', listen], 'stderr', /listening on (\S+)\n/);
function startBare(folder) {
	fs.mkdirSync(folder);
	return start('bench/drain/drain-bare', [folder], 'stdout', /^(\d+)\n/);
}
const send = (url, queues, count, turns = false) =>
	execFileSync(program('bench/drain/drain-client'), [url, String(queues), String(count), ...(turns ? ['turns'] : [])],
		{ encoding: 'utf8' }).trim().split('\n').map(Number);

const figures = [];
function figure(name, count, seconds, bareSeconds) {
	const value = count / seconds, limit = count / bareSeconds;
	figures.push({ bench: 'drain', figure: name, value: Math.round(value), unit: 'events/s',
		limit: Math.round(limit), ratio: Number((value / limit).toFixed(2)) });
}

// --- the hub alone ---

// turns: a request of each queue in turn, as from a fleet that comes back at once.
async function measureHub(folder, count, queues, rounds, turns = false) {
	const bare = await startBare(path.join(folder, 'bare'));
	const hub = await startHub(path.join(folder, 'hub'));
	const times = { bare: [], hub: [] };
	send(bare.url, 1, Math.min(count, 10000));
	send(hub.url, 1, Math.min(count, 10000));
	for (let round = 0; round < rounds; round++) {
		times.bare.push(...send(bare.url, queues, count, turns));
		times.hub.push(...send(hub.url, queues, count, turns));
	}
	await stop(bare);
	await stop(hub);
	figure(turns ? `hub_${count}_of_${queues}_units` : `hub_${count}`, count, median(times.hub), median(times.bare));
}

// --- a unit ---

function makeLog(folder, count) {
	fs.mkdirSync(folder);
	return JSON.parse(execFileSync(program('bench/outbox/outbox-make-log'),
		[folder, String(count * LINE_BYTES), String(Math.max(1, Math.round(count / 100000)))], { encoding: 'utf8' })).events;
}
function forgetDelivery(data) {
	for (const name of fs.readdirSync(path.join(data, 'meta')))
		if (name.startsWith('ack_') || name.startsWith('retry_') || fs.statSync(path.join(data, 'meta', name)).isDirectory())
			fs.rmSync(path.join(data, 'meta', name), { recursive: true });
}
function drain(data, url, last, kill = []) {
	const run = path.join(data, '../run');
	fs.rmSync(run, { recursive: true, force: true });
	fs.mkdirSync(run);
	const log = fs.openSync(path.join(data, '../uplink.log'), 'a');
	const child = spawn(program('bench/drain/drain-unit'),
		[program('src/proc/uplink/uplink'), data, run, url, String(last), ...kill.map(String)],
		{ stdio: ['ignore', 'pipe', log] });
	fs.closeSync(log);
	started.add(child);
	let text = '';
	child.stdout.on('data', (data) => { text += data; });
	return new Promise((done, fail) => child.on('close', (code) => {
		started.delete(child);
		if (code === 0) done(JSON.parse(text));
		else fail(new Error(`drain-unit left with ${code}: ${fs.readFileSync(path.join(data, '../uplink.log'), 'utf8').slice(-500)}`));
	}));
}
const audit = (data, db) =>
	JSON.parse(execFileSync(program('bench/drain/drain-audit'), [data, db], { encoding: 'utf8' }));
function judge(found) {
	if (found.stored !== found.events || found.lost + found.twice + found.disordered + found.altered !== 0)
		throw new Error(`at the hub: ${JSON.stringify(found)}`);
}

async function measureUnit(folder, count, rounds) {
	const data = path.join(folder, 'data');
	const last = makeLog(data, count);
	const bare = await startBare(path.join(folder, 'bare'));
	const times = { bare: [], unit: [] };
	for (let round = 0; round <= rounds; round++) {
		const hubFolder = path.join(folder, `hub-${round}`);
		const bareTimes = send(bare.url, 1, last);
		const hub = await startHub(hubFolder);
		forgetDelivery(data);
		const { started_ms } = await drain(data, hub.url, last);
		await stop(hub);
		const found = audit(data, path.join(hubFolder, 'hub.db'));
		judge(found);
		fs.rmSync(hubFolder, { recursive: true });
		if (round === 0 && rounds > 1) continue;
		times.bare.push(...bareTimes);
		times.unit.push((found.last_received_ms - started_ms) / 1000);
	}
	await stop(bare);
	figure(`unit_${count}`, last, median(times.unit), median(times.bare));
}

// --- killed ---

async function measureKilled(folder, count) {
	const data = path.join(folder, 'data'), hubFolder = path.join(folder, 'hub');
	const last = makeLog(data, count);
	let hub = await startHub(hubFolder);
	const { url } = hub;
	let chance = BigInt(SEED), over = false, hubKills = 0;
	const draw = (below) => {
		chance = BigInt.asUintN(64, chance * 6364136223846793005n + 1442695040888963407n);
		return Number((chance >> 33n) % BigInt(below));
	};
	const begun = Date.now();
	// An uplink stores its cursor once a second: one that never lives so long gets nowhere, and should not.
	const drained = drain(data, url, last, [count > 100000 ? 5000 : 1600, SEED]).finally(() => { over = true; });
	while (!over) {
		await Promise.race([drained.catch(() => null), sleep(50 + draw(count > 100000 ? 3000 : 600))]);
		if (over) break;
		await stop(hub, 'SIGKILL');
		hubKills++;
		hub = await startHub(hubFolder, url.replace('http://', ''));
	}
	const { kills } = await drained;
	const seconds = (Date.now() - begun) / 1000;
	await stop(hub);
	const found = audit(data, path.join(hubFolder, 'hub.db'));
	figures.push({ bench: 'drain', figure: `killed_${count}_lost_or_doubled`,
		value: found.lost + found.twice + found.disordered + found.altered + Math.abs(found.events - found.stored),
		unit: 'events', limit: 0, ratio: null, seed: SEED,
		note: `uplink killed ${kills} times, hub ${hubKills} times, ${found.stored} of ${found.events} stored in ${seconds.toFixed(0)} s` });
	judge(found);
}

// Beside the build, not in /tmp: that may be memory, where a commit costs nothing.
const folder = fs.mkdtempSync(path.join(BUILD, 'drain-'));
const sub = (name) => {
	const made = path.join(folder, name);
	fs.mkdirSync(made);
	return made;
};
const rid = (name) => fs.rmSync(path.join(folder, name), { recursive: true, force: true });
try {
	for (const [count, queues, rounds] of [[55, 20, ROUNDS], [10000, 1, ROUNDS], ...(FULL ? [[1000000, 1, 3]] : [])]) {
		if (wanted('hub')) await measureHub(sub(`h${count}`), count, queues, rounds);
		rid(`h${count}`);
		// The hub stamps a request to the millisecond: too coarse for one alone.
		if (wanted('unit') && count > 100) await measureUnit(sub(`u${count}`), count, rounds);
		rid(`u${count}`);
	}
	if (wanted('hub')) await measureHub(sub('fleet'), 200, 64, ROUNDS, true);
	rid('fleet');
	if (wanted('killed')) await measureKilled(sub('killed'), FULL ? 1000000 : 10000);
} finally {
	for (const child of [...started]) {
		child.kill('SIGKILL');
		await child.ended;
	}
	fs.rmSync(folder, { recursive: true, force: true });
}
if (JSON_OUT) {
	for (const line of figures) console.log(JSON.stringify(line));
} else {
	console.log(`figure                        events/s      bare     ratio (goal: at least ${GOAL})`);
	for (const f of figures)
		console.log(f.note ? `${f.figure.padEnd(28)} ${String(f.value).padStart(9)}  ${f.note}; SEED=${f.seed}`
			: `${f.figure.padEnd(28)} ${String(f.value).padStart(9)} ${String(f.limit).padStart(9)}  ${f.ratio}`);
}
process.exitCode = figures.some((f) => f.ratio !== null && f.ratio < GOAL) ? 1 : 0;
