#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// reference - what "holdfast detect" should print, by a second implementation.
//
// Usage    reference.mjs [--pack DIR] [--probe FILE] [--min-score N] [--fit] PICTURE...
// Input    pictures of any form ffmpeg reads; a model pack; tools/ort-probe.c
//          compiled ($CACHE/bin/ort-probe, where tools/model-import leaves it)
// Output   {"source","frame","detections":[{"class","score","box":[x,y,w,h]}]}
//
// A picture larger than the model's input is scaled down to fit, a smaller one
// is not scaled (with --fit it is scaled up); it lies at the top left, the rest is black. It shares nothing
// with the C worker but the model, so a difference points at one of the two.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

const CACHE =
	process.env.HOLDFAST_CACHE ??
	join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'holdfast');
const { values: options, positionals: pictures } = parseArgs({
	allowPositionals: true,
	options: {
		pack: { type: 'string', default: join(CACHE, 'model/person-480x288') },
		probe: { type: 'string', default: join(CACHE, 'bin/ort-probe') },
		'min-score': { type: 'string' },
		fit: { type: 'boolean' },
	},
});
const pack = JSON.parse(readFileSync(join(options.pack, 'model.json'), 'utf8'));
const minScore = Number(options['min-score'] ?? pack.score_threshold);
const { width, height } = pack.input;

function load(path) {
	const ppm = execFileSync(
		'ffmpeg',
		[
			'-v',
			'error',
			'-nostdin',
			'-i',
			path,
			'-vf',
			`scale='min(${options.fit ? 9 : 1},min(${width}/iw,${height}/ih))*iw':-1:flags=bicubic`,
			'-frames:v',
			'1',
			'-f',
			'image2pipe',
			'-c:v',
			'ppm',
			'-pix_fmt',
			'rgb24',
			'-',
		],
		{ maxBuffer: 1 << 28 },
	);
	const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(ppm.subarray(0, 64).toString('latin1'));
	const size = execFileSync('ffprobe', [
		'-v',
		'error',
		'-show_entries',
		'stream=width',
		'-of',
		'csv=p=0',
		path,
	]);
	return {
		w: +head[1],
		h: +head[2],
		rgb: ppm.subarray(head[0].length),
		scale: +head[1] / parseInt(size),
	};
}

function toInput({ w, h, rgb }) {
	const input = new Float32Array(3 * width * height);
	for (let c = 0; c < 3; c++)
		for (let y = 0; y < height; y++)
			for (let x = 0; x < width; x++) {
				const value = x < w && y < h ? rgb[(y * w + x) * 3 + 2 - c] : 0;
				input[(c * height + y) * width + x] =
					(value - pack.mean[c]) / pack.std[c];
			}
	return input;
}

function iou(a, b) {
	const w = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
	const h = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
	return w > 0 && h > 0 ? (w * h) / (a[2] * a[3] + b[2] * b[3] - w * h) : 0;
}

// The distance to one side: s * sum of j * softmax(logits)[j].
function expectation(logits) {
	const top = Math.max(...logits);
	const e = logits.map((l) => Math.exp(l - top));
	return e.reduce((sum, x, j) => sum + j * x, 0) / e.reduce((a, b) => a + b);
}

function decode(scores, dists, { w, h, scale }) {
	const found = [];
	let row = 0;
	for (const s of pack.strides)
		for (let y = 0; y < Math.ceil(height / s); y++)
			for (let x = 0; x < Math.ceil(width / s); x++, row++) {
				if (scores[row] < minScore) continue;
				const bins = pack.reg_max + 1;
				const [l, t, r, b] = [0, 1, 2, 3].map(
					(side) =>
						s *
						expectation(
							Array.from(
								dists.subarray(
									row * 4 * bins +
										side * bins,
									row * 4 * bins +
										(side + 1) * bins,
								),
							),
						),
				);
				const [cx, cy] = [(x + 0.5) * s, (y + 0.5) * s];
				const [x0, y0] = [Math.max(0, cx - l), Math.max(0, cy - t)];
				const box = [
					x0,
					y0,
					Math.min(w, cx + r) - x0,
					Math.min(h, cy + b) - y0,
				];
				if (box[2] > 0 && box[3] > 0)
					found.push({
						class: pack.classes[0],
						score: scores[row],
						box,
					});
			}
	found.sort((a, b) => b.score - a.score);
	const kept = [];
	for (const d of found)
		if (kept.every((k) => iou(k.box, d.box) <= pack.nms_iou)) kept.push(d);
	return kept.map((d) => ({
		...d,
		score: +d.score.toFixed(4),
		box: d.box.map((v) => +(v / scale).toFixed(1)),
	}));
}

const dir = mkdtempSync(join(tmpdir(), 'holdfast-detect-'));
try {
	const loaded = pictures.map(load);
	const file = openSync(join(dir, 'input.f32'), 'w');
	for (const picture of loaded) writeSync(file, Buffer.from(toInput(picture).buffer));
	closeSync(file);
	const report = execFileSync(options.probe, [
		join(options.pack, pack.file),
		join(dir, 'input.f32'),
		dir,
	]);
	console.error(report.toString().trim());
	const read = (name) =>
		new Float32Array(new Uint8Array(readFileSync(join(dir, `${name}.f32`))).buffer);
	const [scores, dists] = [read('scores'), read('dists')];
	const [, rows] = pack.outputs.scores.shape;
	loaded.forEach((picture, i) =>
		console.log(
			JSON.stringify({
				source: basename(pictures[i]),
				frame: 0,
				detections: decode(
					scores.subarray(i * rows, (i + 1) * rows),
					dists.subarray(i * rows * 44, (i + 1) * rows * 44),
					picture,
				),
			}),
		),
	);
} finally {
	rmSync(dir, { recursive: true });
}
