// SPDX-License-Identifier: Apache-2.0
//
// picture - pictures as plain bytes, in and out through ffmpeg, and the random numbers.
//
// Shape    A picture is {width, height, data}: Uint8Array of RGB, rows packed, top row first.
import { spawn } from 'node:child_process';

export const picture = (width, height, data = new Uint8Array(width * height * 3)) => ({ width, height, data });

// Numbers in [0, 1) that are the same everywhere for the same seed (mulberry32).
export function chance(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let z = state;
		z = Math.imul(z ^ (z >>> 15), z | 1);
		z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
		return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
	};
}

export function gaussian(random) {
	return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function ffmpeg(args, stdio) {
	const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', ...args], { stdio });
	const words = [];
	child.stderr.on('data', (bytes) => words.push(String(bytes)));
	const code = new Promise((done) => {
		child.on('error', (error) => {
			words.push(error.message);
			done(-1);
		});
		child.on('close', done);
	});
	// What ffmpeg says is worth more than that it is gone.
	const good = async (what) => {
		const status = await code;
		if (status !== 0) throw new Error(`${what}: ${words.join('').trim() || `ffmpeg ended with ${status}`}`);
	};
	return { child, good };
}

// Every frame of a clip, one after the other; a frame's data is the caller's.
export async function* framesOf(file, width, height) {
	const { child, good } = ffmpeg(['-i', file, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'],
		['ignore', 'pipe', 'pipe']);
	const bytes = width * height * 3;
	let frame = new Uint8Array(bytes), have = 0;
	for await (const chunk of child.stdout)
		for (let at = 0; at < chunk.length;) {
			const n = Math.min(bytes - have, chunk.length - at);
			frame.set(chunk.subarray(at, at + n), have);
			have += n;
			at += n;
			if (have < bytes) continue;
			yield picture(width, height, frame);
			frame = new Uint8Array(bytes);
			have = 0;
		}
	await good(file);
}

// A clip to be written frame by frame: write(picture) and end().
export function clipWriter(file, width, height, fps, args) {
	const { child, good } = ffmpeg(['-y', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`,
		'-r', String(fps), '-i', '-', ...args, file], ['pipe', 'ignore', 'pipe']);
	child.stdin.on('error', () => {}); // its end says it
	return {
		async write(frame) {
			// A copy: the caller draws into the same bytes again.
			const error = await new Promise((done) => child.stdin.write(Buffer.from(frame.data), done));
			if (error) {
				await good(file);
				throw error;
			}
		},
		async end() {
			child.stdin.end();
			await good(file);
		},
	};
}

export async function writePng(file, image) {
	const writer = clipWriter(file, image.width, image.height, 1, ['-frames:v', '1']);
	await writer.write(image);
	await writer.end();
}

// A part of a picture, mirrored if wanted.
export function crop(image, { x, y, width, height }, mirrored = false) {
	const out = picture(width, height);
	for (let row = 0; row < height; row++)
		for (let column = 0; column < width; column++) {
			const from = ((y + row) * image.width + x + (mirrored ? width - 1 - column : column)) * 3;
			const to = (row * width + column) * 3;
			out.data[to] = image.data[from];
			out.data[to + 1] = image.data[from + 1];
			out.data[to + 2] = image.data[from + 2];
		}
	return out;
}

// What each pixel of the smaller side is made of: first source pixel and weights.
export function shrinkTaps(from, to) {
	const step = from / to, taps = [];
	for (let i = 0; i < to; i++) {
		const first = Math.floor(i * step), weights = [];
		for (let s = first; s < Math.min(from, Math.ceil((i + 1) * step)); s++)
			weights.push((Math.min(s + 1, (i + 1) * step) - Math.max(s, i * step)) / step);
		taps.push({ first, weights });
	}
	return taps;
}

// Shrinks by area, only the pixels of `into` within the rectangle {x0, y0, x1, y1}.
export function shrink(image, into, tapsX, tapsY, { x0, y0, x1, y1 }) {
	for (let y = y0; y < y1; y++) {
		const v = tapsY[y];
		for (let x = x0; x < x1; x++) {
			const h = tapsX[x];
			let r = 0, g = 0, b = 0;
			for (let j = 0; j < v.weights.length; j++) {
				let at = ((v.first + j) * image.width + h.first) * 3;
				for (let i = 0; i < h.weights.length; i++, at += 3) {
					const w = v.weights[j] * h.weights[i];
					r += w * image.data[at];
					g += w * image.data[at + 1];
					b += w * image.data[at + 2];
				}
			}
			const to = (y * into.width + x) * 3;
			into.data[to] = r + 0.5;
			into.data[to + 1] = g + 0.5;
			into.data[to + 2] = b + 0.5;
		}
	}
}
