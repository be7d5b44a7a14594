// SPDX-License-Identifier: Apache-2.0
//
// people - the empty square of vtest.avi, and people cut out of it.
//
// Method   The background is the median over time. A person is what differs from it within
//          the marked box: pixels that differ much, and those that differ a little and hang
//          together with them. Ground that is only darker than it was is the person's shadow
//          and darkens the new ground likewise. The edge is softened, and what shines through it
//          of the old background is taken out of its colour, so that it can stand on another.
//          Marks (people.json) were made by eye on a detector's finds: only sequences in which
//          a person touches nobody and nothing. What is cut does not depend on any detector.
//
// Shape    A sequence: {name, heading, pace, foot, height, frames}: heading 1 is to the right;
//          pace is the ground covered in a second, in pixels of the source; foot and height are
//          those of where it was filmed. A frame: {width, height, rgba (Float32, premultiplied),
//          left, right, top, bottom (of the body), footX, footY, ground}: the foot's place within
//          it, and the line of the source that it stood on.
import fs from 'node:fs';
import { framesOf, picture } from './picture.mjs';

export const SOURCE = { width: 768, height: 576, fps: 10 };
const MARGIN = 10;      // around the marked box
const REACH = 3;        // how far a person reaches beyond it, except for the shadow
const SHADOW = [0.6, 0.93]; // share of its light that ground in the shadow keeps
const SHADOW_HUE = 0.07;    // how much the shares of red, green and blue may differ there
const LEGS = 0.62;          // shadows lie in the lower part of the box, from here on
const STRONG = 36;      // levels of difference that belong to a person in any case
const WEAK = 15;        // and that belong to one where they hang together with such
const EVERY = 10;       // frames of the clip for the median
const HOLE_PIXELS = 30; // smaller ones are closed; between legs and arms they stay open

const marks = JSON.parse(fs.readFileSync(new URL('people.json', import.meta.url), 'utf8'));

// How tall people are where their feet stand, in pixels of the source (a line through all
// marked boxes).
export const heightAt = (footY) => 18.6 + 0.231 * footY;

// The camera looks down: a step towards it covers fewer lines than one across covers columns.
export const ground = (dx, dy) => Math.hypot(dx, 2.2 * dy);

function median(frames) {
	const out = picture(SOURCE.width, SOURCE.height);
	const count = new Uint16Array(256);
	for (let i = 0; i < out.data.length; i++) {
		count.fill(0);
		for (const frame of frames) count[frame.data[i]]++;
		let sum = 0, level = 0;
		for (; sum + count[level] <= frames.length / 2; level++) sum += count[level];
		out.data[i] = level;
	}
	return out;
}

// The marked box in a frame: marks stand every few frames, in between they are in between.
function boxAt(boxes, frame) {
	const i = boxes.findIndex((b) => b[0] >= frame);
	const b = boxes[i], a = boxes[Math.max(0, i - 1)];
	const share = b[0] === a[0] ? 0 : (frame - a[0]) / (b[0] - a[0]);
	return [1, 2, 3, 4].map((n) => a[n] + (b[n] - a[n]) * share);
}

function labels(mask, width, height, want) {
	const label = new Int32Array(width * height), sizes = [0];
	for (let start = 0; start < mask.length; start++) {
		if (mask[start] !== want || label[start]) continue;
		const stack = [start];
		label[start] = sizes.length;
		let size = 0;
		while (stack.length) {
			const at = stack.pop(), x = at % width;
			size++;
			for (const next of [x > 0 ? at - 1 : -1, x < width - 1 ? at + 1 : -1, at - width, at + width])
				if (next >= 0 && next < mask.length && mask[next] === want && !label[next]) {
					label[next] = sizes.length;
					stack.push(next);
				}
		}
		sizes.push(size);
	}
	return { label, sizes };
}

function blur(values, width, height) {
	const out = new Float32Array(values.length);
	for (let y = 0; y < height; y++)
		for (let x = 0; x < width; x++) {
			let sum = 0, n = 0;
			for (let dy = -1; dy <= 1; dy++)
				for (let dx = -1; dx <= 1; dx++) {
					if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) continue;
					const w = (2 - Math.abs(dx)) * (2 - Math.abs(dy));
					sum += w * values[(y + dy) * width + x + dx];
					n += w;
				}
			out[y * width + x] = sum / n;
		}
	return out;
}

// Which share of its light the ground keeps at a pixel; 1 where it is no shadow.
function shadowAt(frame, background, at) {
	const shares = [0, 1, 2].map((c) => frame.data[at + c] / Math.max(1, background.data[at + c]));
	const share = (shares[0] + shares[1] + shares[2]) / 3;
	return share >= SHADOW[0] && share <= SHADOW[1] &&
		Math.max(...shares) - Math.min(...shares) < SHADOW_HUE ? share : 1;
}

// 1 where the person is, in a rectangle around its box.
function matte(frame, background, x0, y0, width, height, box) {
	const difference = new Float32Array(width * height);
	for (let y = 0; y < height; y++)
		for (let x = 0; x < width; x++) {
			const at = ((y0 + y) * SOURCE.width + x0 + x) * 3;
			let most = 0;
			for (let c = 0; c < 3; c++)
				most = Math.max(most, Math.abs(frame.data[at + c] - background.data[at + c]));
			const away = x0 + x < box[0] - REACH || x0 + x > box[0] + box[2] + REACH ||
				y0 + y < box[1] - REACH || y0 + y > box[1] + box[3] + REACH;
			const shadow = y0 + y > box[1] + LEGS * box[3] && shadowAt(frame, background, at) < 1;
			difference[y * width + x] = away || shadow ? 0 : most;
		}
	const smooth = blur(difference, width, height);
	const mask = Uint8Array.from(smooth, (d) => (d > WEAK ? 1 : 0));
	const found = labels(mask, width, height, 1);
	const strong = new Uint32Array(found.sizes.length);
	smooth.forEach((d, i) => { if (d > STRONG) strong[found.label[i]]++; });
	// The person, and what is large enough to be a part of it (a foot over a kerb of its own colour).
	const best = strong.indexOf(Math.max(...strong.subarray(1)), 1);
	for (let i = 0; i < mask.length; i++)
		mask[i] = found.label[i] === best || strong[found.label[i]] > 25 ? mask[i] : 0;
	const holes = labels(mask, width, height, 0);
	for (let i = 0; i < mask.length; i++)
		if (!mask[i] && holes.sizes[holes.label[i]] < HOLE_PIXELS) mask[i] = 1;
	return mask;
}

function cut(frame, background, box) {
	const x0 = Math.max(0, Math.round(box[0]) - MARGIN), y0 = Math.max(0, Math.round(box[1]) - MARGIN);
	const width = Math.min(SOURCE.width, Math.round(box[0] + box[2]) + MARGIN) - x0;
	const height = Math.min(SOURCE.height, Math.round(box[1] + box[3]) + MARGIN) - y0;
	const mask = matte(frame, background, x0, y0, width, height, box);
	const alpha = blur(Float32Array.from(mask), width, height);
	const shade = new Float32Array(width * height);
	for (let y = Math.max(0, Math.round(box[1] + LEGS * box[3]) - y0); y < height; y++)
		for (let x = 0; x < width; x++)
			shade[y * width + x] = mask[y * width + x] ? 0
				: 1 - shadowAt(frame, background, ((y0 + y) * SOURCE.width + x0 + x) * 3);
	const soft = blur(shade, width, height);
	const rgba = new Float32Array(width * height * 4);
	for (let y = 0; y < height; y++)
		for (let x = 0; x < width; x++) {
			const i = y * width + x, a = alpha[i], at = ((y0 + y) * SOURCE.width + x0 + x) * 3;
			for (let c = 0; c < 3; c++)
				rgba[i * 4 + c] = Math.min(255 * a,
					Math.max(0, frame.data[at + c] - (1 - a) * background.data[at + c]));
			rgba[i * 4 + 3] = a + (1 - a) * soft[i];
		}
	let left = width, right = 0, top = height, bottom = 0;
	for (let i = 0; i < mask.length; i++)
		if (mask[i]) {
			left = Math.min(left, i % width);
			right = Math.max(right, i % width);
			top = Math.min(top, Math.floor(i / width));
			bottom = Math.max(bottom, Math.floor(i / width));
		}
	return { width, height, rgba, left, right, top, bottom, x0, y0 };
}

// The feet swing to and fro with each step; the middle of the body does not.
function steady(frames) {
	const smooth = (value) => frames.map((_, i) => {
		const near = frames.slice(Math.max(0, i - 4), i + 5);
		return near.reduce((sum, f) => sum + value(f), 0) / near.length;
	});
	const x = smooth((f) => f.x0 + (f.left + f.right + 1) / 2);
	const y = smooth((f) => f.y0 + f.bottom + 1);
	frames.forEach((f, i) => {
		f.footX = x[i] - f.x0;
		f.footY = y[i] - f.y0;
		f.ground = y[i];
	});
	return { x, y };
}

function sequence(mark, frames) {
	const { x, y } = steady(frames);
	const seconds = (frames.length - 1) / SOURCE.fps, last = frames.length - 1;
	const heights = frames.map((f) => f.bottom - f.top + 1).sort((a, b) => a - b);
	return {
		name: mark.name,
		person: mark.person,
		stands: mark.stands === true,
		heading: Math.sign(x[last] - x[0]),
		pace: ground(x[last] - x[0], y[last] - y[0]) / seconds,
		foot: y.reduce((a, b) => a + b) / y.length,
		height: heights[Math.floor(heights.length / 2)],
		frames,
	};
}

// The background and every sequence, from the clip. `names`: only these.
export async function castOf(vtest, names = null) {
	const wanted = marks.filter((m) => !names || names.has(m.name));
	const sample = [], kept = new Map();
	let n = 0;
	for await (const frame of framesOf(vtest, SOURCE.width, SOURCE.height)) {
		if (n % EVERY === 0) sample.push(frame);
		if (wanted.some((m) => n >= m.boxes[0][0] && n <= m.boxes.at(-1)[0])) kept.set(n, frame);
		n++;
	}
	const background = median(sample);
	const cast = new Map();
	for (const mark of wanted) {
		const frames = [];
		for (let f = mark.boxes[0][0]; f <= mark.boxes.at(-1)[0]; f++)
			frames.push(cut(kept.get(f), background, boxAt(mark.boxes, f)));
		cast.set(mark.name, sequence(mark, frames));
	}
	return { background, cast };
}
