// SPDX-License-Identifier: Apache-2.0
//
// onnx - writes an ONNX file.
//
// An ONNX model is one protobuf message. The part of it that a fixed float
// network needs is so small that a writer of a hundred lines is easier to
// trust than a dependency. Field numbers are those of onnx.proto (IR 7).
//
// Input   a plain description of the graph (see encodeModel)
// Output  the bytes of the file; the same description gives the same bytes

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

export const FLOAT = 1; // TensorProto.DataType
export const INT64 = 7;

function varint(value) {
	let n = BigInt.asUintN(64, BigInt(value)); // negative numbers take ten bytes
	const out = [];
	do {
		const low = Number(n & 0x7fn);
		n >>= 7n;
		out.push(n ? low | 0x80 : low);
	} while (n);
	return Buffer.from(out);
}

const key = (field, type) => varint((field << 3) | type);
const int = (field, value) => Buffer.concat([key(field, VARINT), varint(value)]);

function float(field, value) {
	const b = Buffer.alloc(4);
	b.writeFloatLE(value);
	return Buffer.concat([key(field, FIXED32), b]);
}

function bytes(field, data) {
	const b = Buffer.isBuffer(data) ? data : Buffer.from(data, 'utf8');
	return Buffer.concat([key(field, BYTES), varint(b.length), b]);
}

const message = (field, parts) => bytes(field, Buffer.concat(parts));

// An attribute's type follows from the value: a string, {int}, {float},
// or an array of integers. JavaScript alone cannot tell 1 from 1.0.
function encodeAttribute(name, value) {
	if (typeof value === 'string') return [bytes(1, name), bytes(4, value), int(20, 3)];
	if (Array.isArray(value))
		return [bytes(1, name), ...value.map((v) => int(8, v)), int(20, 7)];
	if ('float' in value) return [bytes(1, name), float(2, value.float), int(20, 1)];
	return [bytes(1, name), int(3, value.int), int(20, 2)];
}

function encodeNode(node) {
	return [
		...node.inputs.map((name) => bytes(1, name)),
		...node.outputs.map((name) => bytes(2, name)),
		bytes(3, node.name),
		bytes(4, node.op),
		...Object.entries(node.attributes ?? {}).map(([name, value]) =>
			message(5, encodeAttribute(name, value)),
		),
	];
}

// A tensor: {name, shape, data}, data being a Float32Array or BigInt64Array.
function encodeTensor(tensor) {
	const type = tensor.data instanceof Float32Array ? FLOAT : INT64;
	const { buffer, byteOffset, byteLength } = tensor.data;
	return [
		...tensor.shape.map((n) => int(1, n)),
		int(2, type),
		bytes(8, tensor.name),
		bytes(9, Buffer.from(buffer, byteOffset, byteLength)), // little-endian, as every host here
	];
}

function encodeValue(value) {
	const dims = value.shape.map((n) => message(1, [int(1, n)]));
	const tensorType = [int(1, FLOAT), message(2, dims)];
	return [bytes(1, value.name), message(2, [message(1, tensorType)])];
}

/*
 * model = { producer, version, opset, metadata: {key: text},
 *           graph: { name, nodes, tensors, inputs, outputs } }
 * nodes = [{ name, op, inputs, outputs, attributes }], in order of execution
 */
export function encodeModel(model) {
	const { graph } = model;
	return Buffer.concat([
		int(1, 7), // IR version: the one that belongs to operator set 13
		bytes(2, model.producer),
		bytes(3, model.version),
		message(7, [
			...graph.nodes.map((n) => message(1, encodeNode(n))),
			bytes(2, graph.name),
			...graph.tensors.map((t) => message(5, encodeTensor(t))),
			...graph.inputs.map((v) => message(11, encodeValue(v))),
			...graph.outputs.map((v) => message(12, encodeValue(v))),
		]),
		message(8, [bytes(1, ''), int(2, model.opset)]),
		...Object.entries(model.metadata).map(([k, v]) =>
			message(14, [bytes(1, k), bytes(2, v)]),
		),
	]);
}
