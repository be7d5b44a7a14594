// SPDX-License-Identifier: Apache-2.0
//
// convert - turns the NanoDet graph of TensorFlow.js into an ONNX graph.
//
// Method  Walk the graph from its outputs. Each tensor is known by its ONNX
//         name, its real shape (always N, C, H, W) and `axes`: the order in
//         which the TensorFlow graph believes its axes to be. A Transpose then
//         writes no node at all, it only changes the belief; all 80 of the
//         four-dimensional ones vanish. A Pad is held back and becomes a
//         property of the convolution or pooling that reads it. What is not
//         understood stops the import: there is no guessing.
//
// Size    The graph was frozen for 416x416. Three things in it depend on that:
//         the input's shape (ours to choose), the target size of each Resize
//         (written as a factor, which does not depend on it) and the shape of
//         each Reshape (its last axis is already left open).
//
// Classes The head gives 80 class scores for each cell. The channels of the
//         classes that are not wanted are cut out of the weights of the last
//         convolutions, so nothing is computed for them.

const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
const NCHW = [0, 1, 2, 3];
const NHWC = [0, 2, 3, 1];

class Converter {
	constructor(model, { width, height, classes }) {
		this.model = model;
		this.classes = classes;
		this.input = { name: 'input', shape: [1, 3, height, width] };
		this.values = new Map(); // "node:output" in the source -> value here
		this.nodes = [];
		this.tensors = [];
		this.headChannels = this.findHeads();
	}

	fail(node, why) {
		throw new Error(
			`node ${node.name} (${node.op}): ${why}; the importer must be taught this first`,
		);
	}

	constant(ref) {
		const name = ref.replace(/^\^/, '').split(':')[0];
		const known = this.model.constants.get(name);
		if (known) return known;
		const node = this.model.nodes.get(name);
		if (node.op === 'SparseToDense') {
			// always empty here: a roundabout "filled with a default"
			const [indices, shape, , fill] = node.inputs.map((i) => this.constant(i));
			if (indices.data.length !== 0)
				this.fail(node, 'its list of indices is not empty');
			const n = shape.data.reduce((a, b) => a * b, 1);
			return {
				shape: [...shape.data],
				data: new Int32Array(n).fill(fill.data[0]),
			};
		}
		if (node.op === 'AddV2') {
			const [a, b] = node.inputs.map((i) => this.constant(i));
			if (!same(a.shape, b.shape))
				this.fail(node, 'adds constants of different shapes');
			return { shape: a.shape, data: a.data.map((x, i) => x + b.data[i]) };
		}
		return this.fail(node, 'is expected to be a constant');
	}

	// A head is a convolution whose channels are then split into scores and
	// distances. Returns: name of the convolution -> channels to keep.
	findHeads() {
		const heads = new Map();
		for (const node of this.model.nodes.values()) {
			if (node.op !== 'SplitV') continue;
			let at = this.model.nodes.get(node.inputs[0]);
			while (at.op === 'Transpose' || at.op === 'Add')
				at = this.model.nodes.get(at.inputs[0]);
			if (at.op !== 'Conv2D')
				this.fail(
					node,
					`splits the output of ${at.op}, not of a convolution`,
				);
			const [scores, distances] = this.constant(node.inputs[1]).data;
			heads.set(at.name, [
				...this.classes,
				...Array.from({ length: distances }, (_, i) => scores + i),
			]);
		}
		return heads;
	}

	tensor(name, shape, data) {
		this.tensors.push({ name, shape, data });
		return name;
	}

	emit(source, op, inputs, outputs, attributes) {
		const name = source.name
			.replace(/^PartitionedCall\//, '')
			.replace('onnx_tf_prefix_', '');
		const node = {
			op,
			name,
			inputs,
			outputs: outputs.map((o) => (o === null ? name : `${name}_${o}`)),
			attributes,
		};
		this.nodes.push(node);
		return node;
	}

	// The value a reference names. Only Conv and MaxPool may ask for a padded one.
	value(ref, { padded = false } = {}) {
		const [name, port = '0'] = ref.split(':');
		if (!this.values.has(`${name}:0`)) this.convert(this.model.nodes.get(name));
		const value = this.values.get(`${name}:${port}`);
		if (value.pad && !padded)
			throw new Error(
				`${name}: a padded tensor is read by something that is neither Conv nor MaxPool`,
			);
		return value;
	}

	convert(node) {
		const method = this[`on${node.op}`];
		if (!method) this.fail(node, 'there is no rule for this operator');
		const results = method.call(this, node);
		(Array.isArray(results) ? results : [results]).forEach((v, i) =>
			this.values.set(`${node.name}:${i}`, v),
		);
	}

	onPlaceholder() {
		return { ...this.input, axes: NCHW };
	}

	onIdentity(node) {
		return this.value(node.inputs[0]);
	}

	onTranspose(node) {
		const perm = [...this.constant(node.inputs[1]).data];
		const x = this.value(node.inputs[0], { padded: true });
		if (perm.length === 4) return { ...x, axes: perm.map((p) => x.axes[p]) };
		const [name] = this.emit(node, 'Transpose', [x.name], [null], { perm }).outputs;
		return { name, shape: perm.map((p) => x.shape[p]), axes: [0, 1, 2] };
	}

	onPad(node, fill = 0) {
		const x = this.value(node.inputs[0]);
		const { data } = this.constant(node.inputs[1]);
		const before = [0, 0, 0, 0];
		const after = [0, 0, 0, 0];
		x.axes.forEach((axis, i) => {
			before[axis] = data[2 * i];
			after[axis] = data[2 * i + 1];
		});
		if (before[0] || after[0] || before[1] || after[1])
			this.fail(node, 'pads something else than height and width');
		return { ...x, pad: { before: before.slice(2), after: after.slice(2), fill } };
	}

	onPadV2(node) {
		return this.onPad(node, this.constant(node.inputs[2]).data[0]);
	}

	// Output height and width, and ONNX's pads (top, left, bottom, right).
	// Padding SAME would be asymmetric and depend on the size; this graph has
	// only VALID behind explicit pads.
	window(node, x, kernel, strides) {
		if (node.attr.padding !== 'VALID')
			this.fail(node, `padding ${node.attr.padding} instead of VALID`);
		const { before, after } = x.pad ?? { before: [0, 0], after: [0, 0] };
		const size = [0, 1].map(
			(i) =>
				Math.floor(
					(x.shape[2 + i] + before[i] + after[i] - kernel[i]) /
						strides[i],
				) + 1,
		);
		return { size, pads: [...before, ...after] };
	}

	onConv2D(node) {
		const x = this.value(node.inputs[0], { padded: true });
		const weights = this.constant(node.inputs[1]);
		if (node.attr.data_format !== 'NHWC' || !same(x.axes, NHWC))
			this.fail(node, 'its input is not in the order N, H, W, C');
		if (node.attr.dilations.some((d) => d !== 1)) this.fail(node, 'is dilated');
		if (x.pad && x.pad.fill !== 0)
			this.fail(node, `its input is padded with ${x.pad.fill} instead of 0`);
		const [kh, kw, cin, cout] = weights.shape;
		const keep =
			this.headChannels.get(node.name) ??
			Array.from({ length: cout }, (_, i) => i);
		const data = new Float32Array(keep.length * cin * kh * kw); // HWIO -> OIHW
		let at = 0;
		for (const o of keep)
			for (let i = 0; i < cin; i++)
				for (let hw = 0; hw < kh * kw; hw++)
					data[at++] = weights.data[(hw * cin + i) * cout + o];
		const strides = node.attr.strides.slice(1, 3);
		const { size, pads } = this.window(node, x, [kh, kw], strides);
		const w = this.tensor(
			`${node.name.replace(/^PartitionedCall\//, '')}_w`,
			[keep.length, cin, kh, kw],
			data,
		);
		const conv = this.emit(node, 'Conv', [x.name, w], [null], {
			kernel_shape: [kh, kw],
			pads,
			strides,
			dilations: [1, 1],
			group: { int: 1 },
		});
		return {
			name: conv.outputs[0],
			shape: [1, keep.length, ...size],
			axes: NHWC,
			conv,
			keep,
		};
	}

	onMaxPool(node) {
		const x = this.value(node.inputs[0], { padded: true });
		if (node.attr.data_format !== 'NHWC' || !same(x.axes, NHWC))
			this.fail(node, 'its input is not in the order N, H, W, C');
		if (x.pad && x.pad.fill !== -Infinity)
			// ONNX never lets padding win a maximum
			this.fail(
				node,
				`its input is padded with ${x.pad.fill} instead of minus infinity`,
			);
		const kernel = node.attr.ksize.slice(1, 3);
		const strides = node.attr.strides.slice(1, 3);
		const { size, pads } = this.window(node, x, kernel, strides);
		const pool = this.emit(node, 'MaxPool', [x.name], [null], {
			kernel_shape: kernel,
			pads,
			strides,
		});
		return { name: pool.outputs[0], shape: [1, x.shape[1], ...size], axes: NHWC };
	}

	// Either the bias of a convolution, which becomes its third input, or the
	// sum of two feature maps.
	onAdd(node) {
		const x = this.value(node.inputs[0]);
		const bias = this.model.constants.get(node.inputs[1]);
		if (bias) {
			if (!x.conv || x.conv.inputs.length !== 2 || x.axes[3] !== 1)
				this.fail(
					node,
					'adds a constant to something that is not a fresh convolution',
				);
			const data = Float32Array.from(x.keep, (c) => bias.data[c]);
			x.conv.inputs.push(this.tensor(`${x.conv.name}_b`, [data.length], data));
			return { name: x.name, shape: x.shape, axes: x.axes };
		}
		const y = this.value(node.inputs[1]);
		if (!same(x.axes, y.axes) || !same(x.shape, y.shape))
			this.fail(
				node,
				`adds ${x.shape} in order ${x.axes} and ${y.shape} in order ${y.axes}`,
			);
		return { ...x, name: this.emit(node, 'Add', [x.name, y.name], [null]).outputs[0] };
	}

	onLeakyRelu(node) {
		const x = this.value(node.inputs[0]);
		const relu = this.emit(node, 'LeakyRelu', [x.name], [null], {
			alpha: { float: node.attr.alpha },
		});
		return { ...x, name: relu.outputs[0] };
	}

	onSigmoid(node) {
		const x = this.value(node.inputs[0]);
		return { ...x, name: this.emit(node, 'Sigmoid', [x.name], [null]).outputs[0] };
	}

	onConcatV2(node) {
		const parts = node.inputs.slice(0, -1).map((i) => this.value(i));
		const axis = parts[0].axes[this.constant(node.inputs.at(-1)).data[0]];
		if (
			axis !== 1 ||
			parts.some(
				(p) =>
					!same(p.axes, parts[0].axes) ||
					!same(p.shape.slice(2), parts[0].shape.slice(2)),
			)
		)
			this.fail(
				node,
				'joins along another axis than channels, or maps that do not fit',
			);
		const concat = this.emit(
			node,
			'Concat',
			parts.map((p) => p.name),
			[null],
			{ axis: { int: 1 } },
		);
		const channels = parts.reduce((n, p) => n + p.shape[1], 0);
		return {
			name: concat.outputs[0],
			shape: [1, channels, ...parts[0].shape.slice(2)],
			axes: parts[0].axes,
		};
	}

	// The target size belongs to the frozen input size: what it meant is the
	// factor between the source's own two sizes, 2 or a half in this graph.
	onResizeBilinear(node) {
		const x = this.value(node.inputs[0]);
		if (!same(x.axes, NHWC) || !node.attr.half_pixel_centers || node.attr.align_corners)
			this.fail(node, 'is not a half-pixel resize of N, H, W, C');
		const target = this.constant(node.inputs[1]).data;
		const factors = [0, 1].map((i) => target[i] / this.sourceSize(node.inputs[0])[i]);
		const size = factors.map((f, i) => x.shape[2 + i] * f);
		if (size.some((n) => !Number.isInteger(n)))
			this.fail(
				node,
				`makes ${size[1]}x${size[0]} cells: width and height must be multiples of 32`,
			);
		const scales = this.tensor(
			`${node.name.split('/')[1]}_scales`,
			[4],
			Float32Array.of(1, 1, ...factors),
		);
		const resize = this.emit(node, 'Resize', [x.name, '', scales], [null], {
			mode: 'linear',
			coordinate_transformation_mode: 'half_pixel',
		});
		return { name: resize.outputs[0], shape: [1, x.shape[1], ...size], axes: NHWC };
	}

	// Height and width of a feature map in the frozen source: ours, scaled back.
	sourceSize(ref) {
		const frozen = this.model.json.signature.inputs['input_1:0'].tensorShape.dim.map(
			(d) => Number(d.size),
		);
		const x = this.value(ref);
		return [0, 1].map(
			(i) => (x.shape[2 + i] * frozen[2 + i]) / this.input.shape[2 + i],
		);
	}

	onSplitV(node) {
		const x = this.value(node.inputs[0]);
		const axis = x.axes[this.constant(node.inputs[2]).data[0]];
		const [, distances] = this.constant(node.inputs[1]).data;
		const sizes = [this.classes.length, distances];
		if (axis !== 1 || x.shape[1] !== sizes[0] + sizes[1])
			this.fail(node, `splits ${x.shape} along axis ${axis} into ${sizes}`);
		const s = this.tensor(
			`${node.name.split('/')[1].replace('onnx_tf_prefix_', '')}_sizes`,
			[2],
			BigInt64Array.from(sizes, BigInt),
		);
		const split = this.emit(node, 'Split', [x.name, s], [0, 1], { axis: { int: 1 } });
		return sizes.map((n, i) => ({
			name: split.outputs[i],
			shape: [1, n, ...x.shape.slice(2)],
			axes: x.axes,
		}));
	}

	onReshape(node) {
		const x = this.value(node.inputs[0]);
		const target = [...this.constant(node.inputs[1]).data];
		if (!same(x.axes, NCHW) || target.length !== 3 || target[2] !== -1)
			this.fail(node, `reshapes ${x.shape} in order ${x.axes} to ${target}`);
		const channels = x.shape[1]; // the source says 80 where we kept fewer
		const shape = this.tensor(
			`${node.name.split('/')[1].replace('onnx_tf_prefix_', '')}_shape`,
			[3],
			BigInt64Array.of(1n, BigInt(channels), -1n),
		);
		const reshape = this.emit(node, 'Reshape', [x.name, shape], [null]);
		return {
			name: reshape.outputs[0],
			shape: [1, channels, x.shape[2] * x.shape[3]],
			axes: [0, 1, 2],
		};
	}
}

/*
 * Returns { graph, strides, rows }: the ONNX graph, with outputs `scores`
 * [1, rows, classes] and `dists` [1, rows, 44]; rows go stride by stride,
 * finest first, and within a stride line by line.
 */
export function convert(model, options) {
	const c = new Converter(model, options);
	const outputs = model.outputs.map((name) => c.value(name));
	const join = (name, channels) => {
		const parts = outputs
			.filter((o) => o.shape[2] === channels)
			.sort((a, b) => b.shape[1] - a.shape[1]);
		c.emit(
			{ name },
			'Concat',
			parts.map((p) => p.name),
			[null],
			{ axis: { int: 1 } },
		);
		return {
			name,
			shape: [1, parts.reduce((n, p) => n + p.shape[1], 0), channels],
			parts,
		};
	};
	const scores = join('scores', options.classes.length);
	const dists = join('dists', 44);
	const strides = scores.parts.map((p) => {
		const stride = [8, 16, 32, 64].find(
			(s) =>
				p.shape[1] ===
				Math.ceil(options.width / s) * Math.ceil(options.height / s),
		);
		if (!stride)
			throw new Error(
				`an output has ${p.shape[1]} rows, which is no grid of ${options.width}x${options.height}`,
			);
		return stride;
	});
	return {
		strides,
		rows: scores.shape[1],
		graph: {
			name: 'nanodet',
			nodes: c.nodes,
			tensors: c.tensors,
			inputs: [c.input],
			outputs: [scores, dists],
		},
	};
}
