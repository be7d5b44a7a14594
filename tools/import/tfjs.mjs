// SPDX-License-Identifier: Apache-2.0
//
// tfjs - reads a TensorFlow.js graph model: NAME.json beside its weights.
//
// Input   the path of the .json file
// Output  { nodes: Map(name -> {name, op, inputs, attr}), constants: Map(name
//         -> {shape, data}), outputs, json, weights } with all float weights
//         widened from half precision to float, exactly

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

function halfToFloat(h) {
	const sign = h & 0x8000 ? -1 : 1;
	const exponent = (h >> 10) & 0x1f;
	const fraction = h & 0x3ff;
	if (exponent === 0) return sign * fraction * 2 ** -24;
	if (exponent === 31) return fraction ? NaN : sign * Infinity;
	return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function readConstants(specs, weights) {
	const constants = new Map();
	let at = 0;
	for (const { name, shape, dtype, quantization } of specs) {
		const n = shape.reduce((a, b) => a * b, 1);
		let data;
		if (dtype === 'int32') {
			data = Int32Array.from({ length: n }, (_, i) =>
				weights.readInt32LE(at + 4 * i),
			);
			at += 4 * n;
		} else if (dtype === 'float32' && quantization?.dtype === 'float16') {
			data = Float32Array.from({ length: n }, (_, i) =>
				halfToFloat(weights.readUInt16LE(at + 2 * i)),
			);
			at += 2 * n;
		} else {
			throw new Error(
				`weight ${name}: ${dtype} stored as ${quantization?.dtype ?? dtype} is not ` +
					'one of the two forms this importer knows (int32; float32 stored as float16)',
			);
		}
		constants.set(name, { shape, data });
	}
	if (at !== weights.length)
		throw new Error(
			`the weights file has ${weights.length} bytes and its index names ${at}`,
		);
	return constants;
}

// Attributes come as protobuf-JSON: integers are strings, text is base64.
function plainAttribute(value) {
	if ('s' in value) return Buffer.from(value.s, 'base64').toString();
	if ('i' in value) return Number(value.i);
	if ('list' in value) return (value.list.i ?? []).map(Number);
	return value.f ?? value.b ?? value;
}

export function readGraphModel(path) {
	const json = JSON.parse(readFileSync(path, 'utf8'));
	if (json.format !== 'graph-model')
		throw new Error(
			`${path}: format is "${json.format}", expected a TensorFlow.js "graph-model"`,
		);
	const [manifest] = json.weightsManifest;
	const weights = readFileSync(join(dirname(path), manifest.paths[0]));
	const nodes = new Map();
	for (const node of json.modelTopology.node) {
		const attr = {};
		for (const [k, v] of Object.entries(node.attr ?? {})) attr[k] = plainAttribute(v);
		nodes.set(node.name, {
			name: node.name,
			op: node.op,
			inputs: node.input ?? [],
			attr,
		});
	}
	const outputs = Object.keys(json.signature.outputs).map((name) => name.replace(/:0$/, ''));
	return {
		json,
		weights,
		nodes,
		outputs,
		constants: readConstants(manifest.weights, weights),
	};
}
