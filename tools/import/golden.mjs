// SPDX-License-Identifier: Apache-2.0
//
// golden - a picture anybody can draw, and what a network must say to it.
//
// Input   the input's size; the network's outputs for that picture
// Output  goldenPicture(): BGR bytes. goldenOf(): what model.json holds of one output
//
// The picture is recipe "figures-1": whole numbers only, so that src/infer/golden.c draws the same
// bytes. A gradient with noise, and six upright figures of different sizes on it: a flat picture
// would leave most of a network idle.

const FIGURES = 6;
const POINTS = 48;

function fill(picture, { width, height }, left, top, right, bottom, level) {
	for (let y = Math.max(top, 0); y < Math.min(bottom, height); y++)
		for (let x = Math.max(left, 0); x < Math.min(right, width); x++)
			for (let c = 0; c < 3; c++) {
				const at = (y * width + x) * 3 + c;
				picture[at] = (picture[at] >> 4) + level + 8 * c;
			}
}

export function goldenPicture({ width, height }) {
	const picture = new Uint8Array(3 * width * height);
	const whole = Math.floor;
	let state = 1;
	for (let y = 0; y < height; y++)
		for (let x = 0; x < width; x++)
			for (let c = 0; c < 3; c++) {
				state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
				picture[(y * width + x) * 3 + c] =
					96 + whole((64 * y) / height) + 16 * c + (state >>> 27);
			}
	for (let k = 0; k < FIGURES; k++) {
		const tall = whole((height * (3 + k)) / 12);
		const unit = Math.max(whole(tall / 8), 1);
		const middle = whole((width * (2 * k + 1)) / (2 * FIGURES));
		const top = whole((height - tall) / 2);
		const half = Math.max(whole(unit / 2), 1);
		fill(picture, { width, height }, middle - half, top, middle + half, top + unit, 140);
		fill(picture, { width, height }, middle - unit, top + unit, middle + unit, top + 4 * unit, 20);
		fill(picture, { width, height }, middle - unit, top + 4 * unit, middle - half, top + 8 * unit, 50);
		fill(picture, { width, height }, middle + half, top + 4 * unit, middle + unit, top + 8 * unit, 50);
	}
	return picture;
}

// Half of the points evenly spread, half where the values are greatest; and the mean of all.
export function goldenOf(values, tolerance) {
	const half = Math.min(POINTS / 2, values.length);
	const at = new Set(Array.from({ length: half }, (_, i) => Math.floor((i * values.length) / half)));
	const order = Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
	for (let i = 0; at.size < Math.min(POINTS, values.length); i++) at.add(order[i]);
	const points = [...at].sort((a, b) => a - b);
	const rounded = (value) => Number(value.toPrecision(7));
	return {
		tolerance,
		mean: rounded(values.reduce((a, b) => a + b, 0) / values.length),
		at: points,
		values: points.map((i) => rounded(values[i])),
	};
}
