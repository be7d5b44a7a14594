#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// unit - what a whole unit costs and how fast it is: 16 cameras at 5 frames a second, two
// detectors, the demo's screen, a real hub.
//
// Usage    bench/unit/run [--json]     RUN_S=n (45; 600 for the memory figures that count)
//
// Figures and the limit each is held against, measured in the same run where there is one:
//   pipeline_cpu        CPU of all but the detectors, of one core · 0.05 of a core
//   moving_gap_p95      time between two looks at a tile that moves · 500 ms (twice a second)
//   tiles_dropped       moving tiles replaced by a newer one before a detector was free, share of looks
//   event_latency_p99   capture of the frame on which the rule fires -> flushed · 300 ms
//   pss_*               proportional resident memory
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { QUICK_POLICY, ROOT, sleep, startHub, startUnit, status, unitConfig, until, worker } from '../../tools/harness.mjs';

const JSON_OUT = process.argv.includes('--json');
const SECONDS = Number(process.env.RUN_S ?? 45);

// The scheduler's own account, thread by thread: ticks are too coarse for a hundredth of a core.
const cpuSeconds = (pid) => fs.readdirSync(`/proc/${pid}/task`).reduce((sum, task) =>
	sum + Number(fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e9, 0);
const pssMb = (pid) => Number(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
	.match(/^Pss:\s+(\d+) kB/m)[1]) / 1024;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-bench-'));
const clip = execFileSync(path.join(ROOT, 'tools/make-screen'), [], {
	encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'],
}).trim().split('\n').at(-1);
const screen = JSON.parse(fs.readFileSync(clip.replace(/\.avi$/, '.json'), 'utf8'));
const hub = await startHub(path.join(folder, 'hub'));
const config = path.join(folder, 'holdfast.yaml');
const data = path.join(folder, 'unit');
fs.writeFileSync(config, unitConfig({
	policy: QUICK_POLICY,
	device: 'bench-unit', clip, hubUrl: hub.url, cooldown: '10s', extra: 'mask: {bottom: 0.09}\n',
	cameras: screen.tiles.map((t) => ({ id: `c${t.tile + 1}`, name: t.camera, tile: t.tile + 1 })),
	zone: [[0.15, 0.35], [0.85, 0.35], [0.95, 0.98], [0.05, 0.98]],
}));
const unit = startUnit(data, config);
let exit = 0;
try {
	await until('a healthy unit', async () => (await status(data)).state === 'healthy', 60000, 250);
	await sleep(10000);
	const cost = (state) => Object.fromEntries([['supervisor', unit.pid],
		...state.workers.map((w) => [`${w.role}.${w.index}`, w.pid])].map(([n, pid]) => [n, cpuSeconds(pid)]));
	const first = await status(data);
	const from = { at: Date.now(), cpu: cost(first) };
	await sleep(SECONDS * 1000);
	const state = await status(data);
	const seconds = (Date.now() - from.at) / 1000;
	const cpu = cost(state);
	const share = (filter) => Object.keys(cpu).filter(filter)
		.reduce((sum, n) => sum + cpu[n] - from.cpu[n], 0) / seconds;
	const ingest = worker(state, 'ingest').stats;
	const respond = worker(state, 'respond').stats;
	const pss = Object.fromEntries([['supervisor', unit.pid],
		...state.workers.map((w) => [`${w.role}.${w.index}`, w.pid])].map(([n, pid]) => [n, pssMb(pid)]));
	const figures = [
		['pipeline_cpu', share((n) => !n.startsWith('infer')), 'cores', 0.05],
		['detector_cpu', share((n) => n.startsWith('infer')), 'cores', os.cpus().length],
		['moving_gap_p95', ingest.moving_gap_p95_ms, 'ms', 500],
		['tiles_dropped', ingest.jobs_dropped / Math.max(1, ingest.jobs_sent + ingest.jobs_dropped), 'share', null],
		['event_latency_p50', respond.latency_ms.p50, 'ms', null],
		['event_latency_p99', respond.latency_ms.p99, 'ms', 300],
		['pss_supervisor', pss.supervisor, 'MB', 6],
		['pss_keeper', pss['keeper.0'], 'MB', 4],
		['pss_all', Object.values(pss).reduce((a, b) => a + b, 0), 'MB', 350],
	];
	for (const [figure, value, unitName, limit] of figures) {
		const ratio = limit === null ? null : value / limit;
		if (JSON_OUT)
			console.log(JSON.stringify({ bench: 'unit', figure, value, unit: unitName, limit, ratio }));
		else
			console.log(`${figure.padEnd(20)} ${value.toFixed(3).padStart(9)} ${unitName.padEnd(6)}` +
				(limit === null ? '' : `  limit ${limit}  ratio ${ratio.toFixed(2)}`));
	}
	if (!JSON_OUT)
		console.log(`(${seconds.toFixed(0)} s, ${ingest.jobs_sent} looks, ${respond.events} events; ` +
			`PSS ${Object.entries(pss).map(([n, mb]) => `${n} ${mb.toFixed(1)}`).join(', ')} MB; ` +
			`CPU ${Object.keys(cpu).map((n) => `${n} ${(100 * (cpu[n] - from.cpu[n]) / seconds).toFixed(2)}`).join(', ')} %)`);
} catch (error) {
	console.error(`bench unit: ${error.message}\n${unit.log().split('\n').slice(-5).join('\n')}`);
	exit = 1;
}
await unit.stop();
await hub.stop();
fs.rmSync(folder, { recursive: true, force: true });
process.exit(exit);
