// SPDX-License-Identifier: Apache-2.0
//
// reference - runs the original graph in TensorFlow.js itself, to have
// something to compare the converted one with that shares no code with it.
//
// Input   the folder with node_modules, the model, an input tensor, its size
// Output  { scores, dists }: as the converted model gives them
//
// The graph is frozen for 416x416. For another size its input's shape and the
// targets of its four resizes are rewritten; the weights are what they were.

import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

function resized(model, width, height) {
	const topology = structuredClone(model.json.modelTopology);
	const weights = Buffer.from(model.weights);
	const frozen = 416;
	topology.node.find((n) => n.op === 'Placeholder').attr.shape.shape.dim = [
		1,
		3,
		height,
		width,
	].map((size) => ({ size: String(size) }));
	const targets = new Set(
		topology.node.filter((n) => n.op === 'ResizeBilinear').map((n) => n.input[1]),
	);
	let at = 0;
	for (const w of model.json.weightsManifest[0].weights) {
		if (targets.has(w.name)) {
			weights.writeInt32LE((weights.readInt32LE(at) * height) / frozen, at);
			weights.writeInt32LE(
				(weights.readInt32LE(at + 4) * width) / frozen,
				at + 4,
			);
		}
		at += w.shape.reduce((a, b) => a * b, 1) * (w.quantization ? 2 : 4);
	}
	return { topology, weights };
}

export async function runReference(modulesDir, model, input, { width, height, classes }) {
	const require = createRequire(join(resolve(modulesDir), 'anything.js'));
	const tf = require('@tensorflow/tfjs-core');
	const { loadGraphModel } = require('@tensorflow/tfjs-converter');
	const wasm = require('@tensorflow/tfjs-backend-wasm');
	wasm.setWasmPaths(join(resolve(modulesDir), 'node_modules/@tensorflow/tfjs-backend-wasm/'));
	await tf.setBackend('wasm');

	const { topology, weights } = resized(model, width, height);
	const graph = await loadGraphModel({
		load: async () => ({
			format: model.json.format,
			modelTopology: topology,
			weightSpecs: model.json.weightsManifest[0].weights,
			weightData: weights.buffer.slice(
				weights.byteOffset,
				weights.byteOffset + weights.length,
			),
		}),
	});
	const outputs = graph.execute(tf.tensor(input, [1, 3, height, width]), model.outputs);
	const finestFirst = (channels) =>
		outputs
			.filter((o) => o.shape[2] === channels)
			.sort((a, b) => b.shape[1] - a.shape[1]);
	const scores = finestFirst(80).flatMap((o) => {
		const all = o.dataSync();
		return Array.from({ length: o.shape[1] }, (_, row) =>
			classes.map((c) => all[row * 80 + c]),
		).flat();
	});
	const dists = finestFirst(44).flatMap((o) => Array.from(o.dataSync()));
	return { scores: Float32Array.from(scores), dists: Float32Array.from(dists) };
}
