#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// drain - how long the hub takes to receive what a unit queued during an outage, against a bare
// receiver: the same HTTP library and the same commits into SQLite, without checks, identity or
// duplicates. One client for both, batches of 100, on loopback without TLS.
//
// Usage    bench/drain/run [--json]     BUILD=folder (build), ROUNDS=n (9)
//
// Hub and bare receiver are measured in turn, round by round, each queue from another device:
// the median of each. The goal is a ratio of at most 2.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const BUILD = path.resolve(ROOT, process.env.BUILD ?? 'build');
const ROUNDS = Number(process.env.ROUNDS ?? 9);
const JSON_OUT = process.argv.includes('--json');
const GOAL = 2;

const started = [];
function start(program, args, stream, pattern) {
	const child = spawn(path.join(BUILD, program), args, { stdio: ['ignore', 'pipe', 'pipe'] });
	started.push(child);
	return new Promise((done, fail) => {
		child.on('error', fail);
		child.on('exit', (code) => fail(new Error(`${program} left with ${code}`)));
		child[stream].on('data', (data) => {
			const found = pattern.exec(data);
			if (found) done(found[1].startsWith('http') ? found[1] : `http://127.0.0.1:${found[1]}`);
		});
	});
}

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const send = (url, queues, count) =>
	execFileSync(path.join(BUILD, 'bench/drain/drain-client'), [url, String(queues), String(count)],
		{ encoding: 'utf8' }).trim().split('\n').map(Number);

// Beside the build, not in /tmp: that may be memory, where a commit costs nothing.
const folder = fs.mkdtempSync(path.join(BUILD, 'drain-'));
try {
	fs.mkdirSync(path.join(folder, 'bare'));
	const bare = await start('bench/drain/drain-bare', [path.join(folder, 'bare')], 'stdout', /^(\d+)/);
	const hub = await start('src/hub/holdfast-hub', ['--data', path.join(folder, 'hub'), '--listen',
		'127.0.0.1:0'], 'stderr', /listening on (\S+)/);
	const figures = [];
	for (const [count, queues] of [[55, 20], [10000, 1]]) {
		send(bare, 1, count);
		send(hub, 1, count);
		const times = { bare: [], hub: [] };
		for (let round = 0; round < ROUNDS; round++) {
			times.bare.push(...send(bare, queues, count));
			times.hub.push(...send(hub, queues, count));
		}
		const value = median(times.hub) * 1000, limit = median(times.bare) * 1000;
		figures.push({ bench: 'drain', figure: `drain_${count}_events`, value: Number(value.toFixed(3)),
			unit: 'ms', limit: Number(limit.toFixed(3)), ratio: Number((value / limit).toFixed(2)) });
	}
	if (JSON_OUT) {
		for (const figure of figures) console.log(JSON.stringify(figure));
	} else {
		console.log('figure                     hub        bare       ratio (goal: at most 2)');
		for (const f of figures)
			console.log(`${f.figure.padEnd(22)} ${`${f.value} ms`.padStart(12)} ${`${f.limit} ms`.padStart(12)}  ${f.ratio}`);
	}
	process.exitCode = figures.some((f) => f.ratio > GOAL) ? 1 : 0;
} finally {
	for (const child of started) {
		child.removeAllListeners('exit');
		child.kill('SIGTERM');
		await new Promise((done) => (child.exitCode === null ? child.on('exit', done) : done()));
	}
	fs.rmSync(folder, { recursive: true, force: true });
}
