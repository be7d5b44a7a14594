// SPDX-License-Identifier: Apache-2.0
//
// run - the rules' benchmark: makes scenes of which it is known what happens in them, lets
// holdfast analyze say what it finds, and holds one against the other.
//
// Usage    bench/eval/run [--json] [--keep DIR] [SCENE...]       (tools/make-scenes --list)
//          --keep DIR: leave each scene's events, and timelines.svg, in DIR
//          HOLDFAST_STAGE: the installed tree to judge (stage/)
// Output   what was missed and what was false, scene by scene; figures by class; each goal and
//          whether it was met. --json: one line a figure instead. Exit 0 when all goals were
//          met, 1 when one was not or a scene could not be analysed.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { ROOT, bin } from '../../tools/harness.mjs';
import { timeline } from './picture.mjs';
import { readEvents, readTruth, score, summary } from './score.mjs';
import { describe, figures } from './words.mjs';

const run = promisify(execFile);
const ENTRY = 'pre_action_zone_entry', LOITERING = 'loitering_dwell_exceeded';
const FAULT = 'camera_fault_raised', VIEW = 'view_changed';
const MADE_S = 600, ANALYSED_S = 600;

// The scenes' folders, made where they are not yet.
export async function makeScenes(names) {
	const { stdout } = await run(path.join(ROOT, 'tools/make-scenes'), names,
		{ timeout: MADE_S * 1000 * Math.max(1, names.length) });
	return stdout.trim().split('\n');
}

// What analyze says of a scene, held against its truth.
export async function judge(folder, keep = null) {
	const truth = readTruth(fs.readFileSync(path.join(folder, 'truth.json'), 'utf8'), path.join(folder, 'truth.json'));
	const begun = Date.now();
	const { stdout } = await run(bin('holdfast'), ['analyze', '--config', path.join(folder, 'scene.yaml'), '--json',
		path.join(folder, 'scene.mp4')], { timeout: ANALYSED_S * 1000, maxBuffer: 1 << 26 });
	if (keep) fs.writeFileSync(path.join(keep, `${truth.scene}.jsonl`), stdout);
	return { truth, seconds: (Date.now() - begun) / 1000,
		result: score(truth, readEvents(stdout, truth.start, truth.scene)) };
}

const ofScene = (items, name) => items.filter((i) => i.truth.scene === name);
const people = (events) => events.filter((e) => e.class === ENTRY || e.class === LOITERING);

// {goal, value, unit, limit, least or most}: value null where none of its scenes was run.
export function goals(items) {
	const list = [];
	const add = (goal, value, unit, kind, limit, has = true) => {
		if (has && value !== null) list.push({ goal, value, unit, kind, limit,
			met: kind === 'least' ? value >= limit : kind === 'most' ? value <= limit : value === limit });
	};
	for (const [cls, word] of [[ENTRY, 'entry'], [LOITERING, 'loitering']]) {
		const s = summary(items, cls);
		add(`${word}_recall`, s.recall, 'share', 'least', 0.95);
		add(`${word}_precision`, s.precision, 'share', 'least', 0.95);
	}
	add('dwell_error_p95', summary(items, LOITERING).dwell_error_p95_s, 's', 'most', 1);
	const scene = (name) => ({ is: ofScene(items, name).length > 0, items: ofScene(items, name) });
	const count = (of, pick) => of.reduce((sum, i) => sum + pick(i.result), 0);

	const visitors = scene('visitors');
	add('visitors_loitering', count(visitors.items, (r) => r.found.filter((f) => f.event.class === LOITERING).length +
		r.extra.filter((e) => e.class === LOITERING).length), 'events', 'exactly', 3, visitors.is);
	const layouts = scene('layouts');
	add('layout_switches_missed', count(layouts.items, (r) => r.missed.filter((x) => x.class === VIEW).length),
		'events', 'most', 0, layouts.is);
	// An event may be dated back to when it began; the frame says when it was known.
	const known = layouts.items.flatMap(({ truth, result }) => result.found.filter((f) => f.event.class === VIEW)
		.map((f) => Math.max(f.late_s, (f.event.attrs.frame ?? 0) / truth.fps - f.expected.at)));
	add('layout_switch_slowest', Math.max(0, ...known), 's', 'most', 1, known.length > 0);
	add('layout_wrong_camera', count(layouts.items, (r) => people(r.extra).length), 'events', 'most', 0, layouts.is);
	add('false_switches', count(items, (r) => r.extra.filter((e) => e.class === VIEW).length), 'events', 'most', 0);

	const frozen = scene('frozen');
	add('frozen_missed', count(frozen.items, (r) => r.missed.filter((x) => x.class === FAULT).length),
		'events', 'most', 0, frozen.is);
	add('frozen_slowest', Math.max(0, ...frozen.items.flatMap((i) => i.result.found)
		.filter((f) => f.event.class === FAULT).map((f) => 60 + f.late_s)), 's', 'most', 60,
	frozen.items.some((i) => i.result.found.some((f) => f.event.class === FAULT)));
	const dead = new Set(frozen.items.flatMap((i) => i.truth.expect)
		.filter((x) => x.class === FAULT).map((x) => x.camera));
	add('frozen_people', count(frozen.items, (r) => people(r.extra).filter((e) => dead.has(e.cameraId ?? e.camera)).length),
		'events', 'most', 0, frozen.is);
	add('false_faults', count(items, (r) => r.extra.filter((e) => e.class === FAULT).length), 'events', 'most', 0);
	for (const name of ['headlights', 'empty']) {
		const nobody = scene(name);
		add(`${name}_people`, count(nobody.items, (r) => people(r.extra).length), 'events', 'most', 0, nobody.is);
	}
	return list;
}

function print(items, list) {
	const classes = [ENTRY, LOITERING, FAULT, VIEW];
	for (const line of figures(items, classes)) console.log(line);
	const all = summary(items);
	console.log(`\nover ${all.camera_hours.toFixed(2)} camera-hours of clip`);
	for (const g of list) {
		const limit = { least: '>=', most: '<=', exactly: ' =' }[g.kind];
		const value = Number.isInteger(g.value) ? String(g.value) : g.value.toFixed(3);
		console.log(`${g.met ? '  met   ' : '  MISSED'}  ${g.goal.padEnd(24)} ${value.padStart(7)} ${g.unit.padEnd(6)} ${limit} ${g.limit}`);
	}
}

function printJson(items, list) {
	const line = (figure, value, unit, limit = null) => console.log(JSON.stringify({ bench: 'eval', figure, value, unit,
		limit, ratio: limit ? value / limit : null }));
	for (const g of list) line(g.goal, g.value, g.unit, g.limit);
	for (const [cls, word] of [[ENTRY, 'entry'], [LOITERING, 'loitering']]) {
		const s = summary(items, cls);
		line(`${word}_false_per_camera_hour`, s.false_per_camera_hour, '1/h');
		line(`${word}_false_per_camera_hour_upper`, s.false_per_camera_hour_upper, '1/h');
		if (s.late_p95_s !== null) line(`${word}_late_p95`, s.late_p95_s, 's');
	}
}

async function main() {
	const { values, positionals } = parseArgs({ allowPositionals: true,
		options: { json: { type: 'boolean' }, keep: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
	if (values.help) {
		console.log('usage: bench/eval/run [--json] [--keep DIR] [SCENE...]');
		return 0;
	}
	if (values.keep) fs.mkdirSync(values.keep, { recursive: true });
	const items = [];
	let failed = false;
	for (const folder of await makeScenes(positionals)) {
		const name = path.basename(folder).replace(/^scene-(.*)-[0-9a-f]+$/, '$1');
		try {
			const item = await judge(folder, values.keep);
			items.push(item);
			if (values.json) continue;
			const s = summary([item]);
			console.log(`${name}: ${item.truth.about} (${item.seconds.toFixed(0)} s)`);
			console.log(`  ${s.expected} due, ${s.found} found, ${s.missed} missed, ${s.extra} false`);
			for (const words of describe(item.truth, item.result)) console.log(`    ${words}`);
		} catch (error) {
			failed = true;
			console.error(`eval: ${name} could not be analysed: ${(error.stderr || error.message).trim()}`);
		}
	}
	if (items.length === 0) return 1;
	const list = goals(items);
	if (values.json) {
		printJson(items, list);
	} else {
		console.log();
		print(items, list);
	}
	if (values.keep) fs.writeFileSync(path.join(values.keep, 'timelines.svg'), timeline(items));
	return failed || list.some((g) => !g.met) ? 1 : 0;
}

if (process.argv[1] === new URL(import.meta.url).pathname) process.exitCode = await main();
