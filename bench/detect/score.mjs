#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// score - how many of the marked people a detector found, and what else.
//
// Usage    score.mjs [--curve] [--json] [--min-recall N] [--min-precision N] [FILE]
// Input    JSON lines as "holdfast detect" prints them (FILE or stdin), for
//          pictures that bench/detect/cut made; truth.json beside this
// Output   recall and precision at IoU 0.5 and 0.4, all views together and each
//          alone, and recall by height. --curve: at every score threshold.
//          Exit 1 if a minimum at IoU 0.5 is not reached.
//
// One detection answers for one person: the best scores choose first, each takes
// the free person it overlaps most. People under height_min pixels in the tile,
// or with less than visible_min of their box inside the view, are ignored like
// those marked so: missing them costs nothing, finding them gains nothing.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

const {
	values: options,
	positionals: [file = '/dev/stdin'],
} = parseArgs({
	allowPositionals: true,
	options: {
		curve: { type: 'boolean' },
		json: { type: 'boolean' },
		'min-recall': { type: 'string', default: '0' },
		'min-precision': { type: 'string', default: '0' },
	},
});
const truth = JSON.parse(readFileSync(new URL('truth.json', import.meta.url), 'utf8'));

const area = (b) => b[2] * b[3];
function overlap(a, b) {
	const w = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
	const h = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
	return w > 0 && h > 0 ? w * h : 0;
}
const iou = (a, b) => overlap(a, b) / (area(a) + area(b) - overlap(a, b));

// A box of the source as the tile shows it, and how much of it is to be seen.
function project(box, view) {
	const [cx, cy, cw, ch] = view.crop;
	const scale = view.size[0] / cw;
	const left = Math.max(box[0], cx),
		top = Math.max(box[1], cy);
	const w = Math.min(box[0] + box[2], cx + cw) - left,
		h = Math.min(box[1] + box[3], cy + ch) - top;
	const at = view.size.map((n, i) => (truth.tile[i] - n) / 2);
	return {
		box: [
			(left - cx) * scale + at[0],
			(top - cy) * scale + at[1],
			w * scale,
			h * scale,
		],
		visible: w > 0 && h > 0 ? (w * h) / area(box) : 0,
	};
}

// picture name -> what is in it
const pictures = new Map();
for (const { frame, people, ignore } of truth.frames)
	for (const view of truth.views) {
		const picture = { view: view.name, people: [], ignore: [], detections: null };
		for (const box of people) {
			const p = project(box, view);
			if (p.visible === 0) continue;
			const counts =
				p.visible >= truth.visible_min && p.box[3] >= truth.height_min;
			(counts ? picture.people : picture.ignore).push(p.box);
		}
		picture.ignore.push(
			...ignore
				.map((box) => project(box, view))
				.filter((p) => p.visible > 0)
				.map((p) => p.box),
		);
		pictures.set(`f${String(frame).padStart(4, '0')}-${view.name}`, picture);
	}

for (const line of readFileSync(file, 'utf8').split('\n')) {
	if (!line.trim()) continue;
	const { source, detections } = JSON.parse(line);
	const picture = pictures.get(basename(source).replace(/\.[^.]*$/, ''));
	if (!picture) {
		console.error(
			`score: ${source} is not a picture of this benchmark (bench/detect/cut makes them)`,
		);
		process.exit(2);
	}
	picture.detections = detections
		.filter((d) => d.class === 'person')
		.sort((a, b) => b.score - a.score);
}
const absent = [...pictures].filter(([, p]) => !p.detections).map(([name]) => name);
if (absent.length) {
	console.error(
		`score: no line for ${absent.length} of ${pictures.size} pictures, the first is ${absent[0]}`,
	);
	process.exit(2);
}

const HEIGHTS = [25, 35, 45, 55, Infinity];

function measure(chosen, threshold, iouMin) {
	const sum = {
		people: 0,
		found: 0,
		wrong: 0,
		heights: HEIGHTS.slice(1).map(() => ({ people: 0, found: 0 })),
	};
	for (const p of chosen) {
		const free = new Set(p.people);
		const bin = (box) => sum.heights[HEIGHTS.findIndex((h) => box[3] < h) - 1];
		for (const box of p.people) {
			sum.people++;
			bin(box).people++;
		}
		for (const d of p.detections) {
			if (d.score < threshold) break;
			const [best] = [...free]
				.filter((box) => iou(box, d.box) >= iouMin)
				.sort((a, b) => iou(b, d.box) - iou(a, d.box));
			if (best) {
				free.delete(best);
				sum.found++;
				bin(best).found++;
			} else if (
				!p.ignore.some(
					(box) =>
						overlap(box, d.box) >= 0.5 * area(d.box) ||
						iou(box, d.box) >= iouMin,
				)
			) {
				sum.wrong++;
			}
		}
	}
	sum.recall = sum.found / sum.people;
	sum.precision = sum.found + sum.wrong ? sum.found / (sum.found + sum.wrong) : 1;
	return sum;
}

const all = [...pictures.values()];
const row = (name, m) =>
	console.log(
		`${name.padEnd(14)} recall ${m.recall.toFixed(3)}  precision ${m.precision.toFixed(3)}  ` +
			`(${m.found} of ${m.people} found, ${m.wrong} wrong)`,
	);

const result = measure(all, 0, 0.5);
if (options.json) {
	console.log(JSON.stringify({ iou_0_5: result, iou_0_4: measure(all, 0, 0.4) }));
} else if (options.curve) {
	console.log('score   recall precision   recall precision (IoU 0.4)');
	for (let t = 0.2; t < 0.701; t += 0.025) {
		const [a, b] = [measure(all, t, 0.5), measure(all, t, 0.4)];
		console.log(
			`${t.toFixed(3)}   ${a.recall.toFixed(3)}  ${a.precision.toFixed(3)}       ${b.recall.toFixed(3)}  ${b.precision.toFixed(3)}`,
		);
	}
} else {
	row('IoU 0.5', result);
	row('IoU 0.4', measure(all, 0, 0.4));
	for (const view of truth.views)
		row(
			`  ${view.name}`,
			measure(
				all.filter((p) => p.view === view.name),
				0,
				0.5,
			),
		);
	result.heights.forEach(
		(h, i) =>
			h.people &&
			console.log(
				`  ${HEIGHTS[i]}${HEIGHTS[i + 1] === Infinity ? ' px and more' : ` to ${HEIGHTS[i + 1]} px`}`.padEnd(
					20,
				) +
					`recall ${(h.found / h.people).toFixed(3)}  (${h.found} of ${h.people})`,
			),
	);
}
if (result.recall < +options['min-recall'] || result.precision < +options['min-precision']) {
	console.error(
		`score: wanted recall ${options['min-recall']} and precision ${options['min-precision']} at IoU 0.5, ` +
			`got ${result.recall.toFixed(3)} and ${result.precision.toFixed(3)}`,
	);
	process.exit(1);
}
