// SPDX-License-Identifier: Apache-2.0
//
// stage - one camera: the empty square, people who walk and stand on it, things they vanish
// behind, the light, the noise.
//
// Shape    Places are pixels of the source clip, before mirroring: a foot at (x, y) stands on
//          the ground there. Times are seconds of the scene.
//          A camera: {id, crop: {x, y, width, height}, mirrored, noise (levels), actors, things,
//          light(t) or null}. What light(t) gives: {gain, lift (levels), grey (0..1),
//          spots: [{x, y, radius, level}] (fractions of the tile)}.
//
// Physics  A person is as tall as people were where his feet stand, walks with the steps he was
//          filmed with at the speed he was filmed at, and hides what is behind him: nearer feet
//          are drawn later. The lamp post of the square stands in front of who walks behind it.
import { ground, heightAt } from './people.mjs';
import { chance, gaussian, picture, shrink, shrinkTaps } from './picture.mjs';

const SPRITE_FPS = 10;

// Part of the background that people pass behind: rectangles, and where it stands.
const POST = { foot: 390, parts: [[424, 22, 17, 368], [413, 202, 32, 42]] };

// ---- people ------------------------------------------------------------------------------

const at = (a, b, share) => [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];

// A scale at which a figure filmed with its feet at one line stands at another.
const scaleFor = (figure, y) => heightAt(y) / heightAt(figure.foot);

// How long a figure takes from a to b at the pace he was filmed with.
function walkSeconds(figure, a, b, pace) {
	const steps = 16;
	let seconds = 0;
	for (let i = 0; i < steps; i++) {
		const p = at(a, b, i / steps), q = at(a, b, (i + 1) / steps);
		seconds += ground(q[0] - p[0], q[1] - p[1]) /
			(figure.pace * scaleFor(figure, (p[1] + q[1]) / 2) * pace);
	}
	return seconds;
}

// Where somebody is at any time: steps are {walk: name, to: [x, y], pace}, {stand: name,
// seconds} or {stand: name, until}; from is where the first one begins, at time `at`.
export function actor(cast, { who, from, at: begin, steps }) {
	const legs = [];
	let place = from, t = begin;
	for (const step of steps) {
		const figure = cast.get(step.walk ?? step.stand);
		if (!figure) throw new Error(`nobody is called ${step.walk ?? step.stand}`);
		const pace = step.pace ?? 1;
		const to = step.to ?? place;
		const seconds = step.walk ? walkSeconds(figure, place, to, pace)
			: step.seconds ?? step.until - t;
		if (!(seconds > 0)) throw new Error(`${who}: a step of ${seconds} s`);
		legs.push({ figure, begin: t, end: t + seconds, from: place, to, pace: step.walk ? pace : 1,
			stands: !step.walk, mirrored: step.walk
				? Math.abs(to[0] - place[0]) > 12 && Math.sign(to[0] - place[0]) !== figure.heading
				: step.mirrored === true });
		place = to;
		t += seconds;
	}
	return {
		who, begin, end: t,
		legs,
		pose(now) {
			const leg = legs.find((l) => now >= l.begin && now < l.end);
			if (!leg) return null;
			const [x, y] = at(leg.from, leg.to, (now - leg.begin) / (leg.end - leg.begin));
			const n = leg.figure.frames.length;
			let step = Math.floor((now - leg.begin) * SPRITE_FPS * leg.pace);
			// Who stands has no step to lose: to and fro, without a jump.
			if (leg.stands) step = step % (2 * n - 2) < n ? step % (2 * n - 2) : 2 * n - 2 - step % (2 * n - 2);
			const frame = leg.figure.frames[step % n];
			return { x, y, frame, mirrored: leg.mirrored, scale: heightAt(y) / heightAt(frame.ground) };
		},
	};
}

// The body of a pose in pixels of the source, as one would mark it.
export function boxOf({ x, y, frame, mirrored, scale }) {
	const left = mirrored ? frame.footX - frame.right - 1 : frame.left - frame.footX;
	const right = mirrored ? frame.footX - frame.left : frame.right + 1 - frame.footX;
	return { x0: x + left * scale, x1: x + right * scale,
		y0: y + (frame.top - frame.footY) * scale, y1: y + (frame.bottom + 1 - frame.footY) * scale };
}

function drawFigure(canvas, { x, y, frame, mirrored, scale }, dirty) {
	const x0 = Math.floor(x - (mirrored ? frame.width - frame.footX : frame.footX) * scale);
	const y0 = Math.floor(y - frame.footY * scale);
	const x1 = Math.ceil(x0 + frame.width * scale + 1), y1 = Math.ceil(y0 + frame.height * scale + 1);
	for (let py = Math.max(0, y0); py < Math.min(canvas.height, y1); py++) {
		const v = (py + 0.5 - y) / scale + frame.footY - 0.5;
		const v0 = Math.floor(v), fv = v - v0;
		for (let px = Math.max(0, x0); px < Math.min(canvas.width, x1); px++) {
			const h = (px + 0.5 - x) / scale;
			const u = (mirrored ? frame.footX - h : frame.footX + h) - 0.5;
			const u0 = Math.floor(u), fu = u - u0;
			let r = 0, g = 0, b = 0, a = 0;
			for (let j = 0; j < 2; j++)
				for (let i = 0; i < 2; i++) {
					if (u0 + i < 0 || u0 + i >= frame.width || v0 + j < 0 || v0 + j >= frame.height) continue;
					const w = (i ? fu : 1 - fu) * (j ? fv : 1 - fv);
					const from = ((v0 + j) * frame.width + u0 + i) * 4;
					r += w * frame.rgba[from];
					g += w * frame.rgba[from + 1];
					b += w * frame.rgba[from + 2];
					a += w * frame.rgba[from + 3];
				}
			if (a < 0.004) continue;
			const to = (py * canvas.width + px) * 3;
			canvas.data[to] = Math.min(255, r + (1 - a) * canvas.data[to] + 0.5);
			canvas.data[to + 1] = Math.min(255, g + (1 - a) * canvas.data[to + 1] + 0.5);
			canvas.data[to + 2] = Math.min(255, b + (1 - a) * canvas.data[to + 2] + 0.5);
		}
	}
	dirty.push({ x0, y0, x1, y1 });
}

// ---- things ------------------------------------------------------------------------------

// A board, a van, an insect in front of the lens: {foot, box(t) -> {x, y, width, height} or
// null, paint: 'brick' | 'van' | 'moth'}.
const BRICKS = { x: 330, y: 2, width: 200, height: 28 }; // where the background has a brick wall

function drawThing(canvas, background, thing, box, dirty) {
	const x0 = Math.max(0, Math.round(box.x)), x1 = Math.min(canvas.width, Math.round(box.x + box.width));
	const y0 = Math.max(0, Math.round(box.y)), y1 = Math.min(canvas.height, Math.round(box.y + box.height));
	for (let y = y0; y < y1; y++)
		for (let x = x0; x < x1; x++) {
			const to = (y * canvas.width + x) * 3;
			const u = (x - box.x) / box.width, v = (y - box.y) / box.height;
			if (thing.paint === 'brick') {
				const from = ((BRICKS.y + (y - y0) % BRICKS.height) * background.width +
					BRICKS.x + (x - x0) % BRICKS.width) * 3;
				for (let c = 0; c < 3; c++)
					canvas.data[to + c] = background.data[from + c] * (0.85 + 0.15 * Math.cos(3 * (u - 0.3)));
			} else if (thing.paint === 'van') {
				const glass = v > 0.12 && v < 0.42 && ((u > 0.06 && u < 0.2) || (u > 0.25 && u < 0.4));
				const tyre = v > 0.84 && (Math.abs(u - 0.2) < 0.09 || Math.abs(u - 0.8) < 0.09);
				const level = tyre ? 28 : glass ? 55 : v > 0.93 ? 40 : 225 - 45 * v;
				canvas.data[to] = level;
				canvas.data[to + 1] = level + 2;
				canvas.data[to + 2] = level + 5;
			} else { // out of focus, lit by the infrared lamp
				const far = Math.hypot(u - 0.5, v - 0.5) * 2;
				const glow = Math.max(0, 1 - far * far) * 0.8;
				for (let c = 0; c < 3; c++)
					canvas.data[to + c] += (235 - canvas.data[to + c]) * glow;
			}
		}
	dirty.push({ x0, y0, x1, y1 });
}

function redrawPost(canvas, background, dirty) {
	for (const [x, y, width, height] of POST.parts) {
		for (let row = y; row < y + height; row++) {
			const begin = (row * canvas.width + x) * 3;
			canvas.data.set(background.data.subarray(begin, begin + width * 3), begin);
		}
		dirty.push({ x0: x, y0: y, x1: x + width, y1: y + height });
	}
}

// ---- the camera --------------------------------------------------------------------------

const NOISE_BANK = 1 << 18;

function noiseBank(seed) {
	const random = chance(seed), bank = new Float32Array(NOISE_BANK);
	for (let i = 0; i < bank.length; i++) bank[i] = gaussian(random);
	return bank;
}

// Draws one camera at one size. draw(t) gives the picture; it is the caller's until the next.
export class Lens {
	constructor(camera, background, width, height, seed) {
		this.camera = camera;
		this.background = background;
		this.random = chance(seed);
		this.bank = noiseBank(seed ^ 0x5eed);
		const { crop } = camera;
		const taps = shrinkTaps(crop.width, width)
			.map((tap) => ({ first: tap.first + crop.x, weights: tap.weights }));
		this.tapsX = camera.mirrored ? taps.reverse() : taps;
		this.tapsY = shrinkTaps(crop.height, height)
			.map((tap) => ({ first: tap.first + crop.y, weights: tap.weights }));
		this.canvas = picture(background.width, background.height, background.data.slice());
		this.base = picture(width, height);
		shrink(background, this.base, this.tapsX, this.tapsY, { x0: 0, y0: 0, x1: width, y1: height });
		this.clean = this.base.data.slice();
		this.out = picture(width, height);
		this.dirty = [];
	}

	restore() {
		for (const { x0, y0, x1, y1 } of this.dirty)
			for (let y = Math.max(0, y0); y < Math.min(this.canvas.height, y1); y++) {
				const begin = (y * this.canvas.width + Math.max(0, x0)) * 3;
				const end = (y * this.canvas.width + Math.min(this.canvas.width, x1)) * 3;
				if (end > begin) this.canvas.data.set(this.background.data.subarray(begin, end), begin);
			}
	}

	// The part of the tile that a part of the source falls into.
	tileRect({ x0, y0, x1, y1 }) {
		const { crop, mirrored } = this.camera, { width, height } = this.base;
		const sx = width / crop.width, sy = height / crop.height;
		const left = mirrored ? width - (x1 - crop.x) * sx : (x0 - crop.x) * sx;
		const right = mirrored ? width - (x0 - crop.x) * sx : (x1 - crop.x) * sx;
		const clamp = (n, most) => Math.max(0, Math.min(most, n));
		return { x0: clamp(Math.floor(left) - 1, width), x1: clamp(Math.ceil(right) + 1, width),
			y0: clamp(Math.floor((y0 - crop.y) * sy) - 1, height),
			y1: clamp(Math.ceil((y1 - crop.y) * sy) + 1, height) };
	}

	draw(t) {
		const before = this.dirty;
		this.restore();
		this.dirty = [];
		const layers = [];
		for (const a of this.camera.actors ?? []) {
			const pose = a.pose(t);
			if (pose) layers.push({ foot: pose.y, draw: () => drawFigure(this.canvas, pose, this.dirty) });
		}
		for (const thing of this.camera.things ?? []) {
			const box = thing.box(t);
			if (box) layers.push({ foot: thing.foot,
				draw: () => drawThing(this.canvas, this.background, thing, box, this.dirty) });
		}
		if (layers.some((l) => l.foot < POST.foot))
			layers.push({ foot: POST.foot, draw: () => redrawPost(this.canvas, this.background, this.dirty) });
		layers.sort((a, b) => a.foot - b.foot).forEach((l) => l.draw());
		for (const rect of [...before, ...this.dirty])
			shrink(this.canvas, this.base, this.tapsX, this.tapsY, this.tileRect(rect));
		this.expose(t);
		return this.out;
	}

	expose(t) {
		const { data } = this.base, { width, height } = this.out, out = this.out.data;
		const light = this.camera.light?.(t) ?? null;
		const gain = light?.gain ?? 1, lift = light?.lift ?? 0, grey = light?.grey ?? 0;
		const noise = typeof this.camera.noise === 'function' ? this.camera.noise(t) : this.camera.noise;
		for (let y = 0, at = 0; y < height; y++) {
			let n = Math.floor(this.random() * NOISE_BANK);
			for (let x = 0; x < width; x++, at += 3) {
				let glow = lift;
				for (const spot of light?.spots ?? []) {
					const dx = (x / width - spot.x) / spot.radius, dy = (y / height - spot.y) * 0.56 / spot.radius;
					const far = dx * dx + dy * dy;
					if (far < 9) glow += spot.level * Math.exp(-far);
				}
				const grain = noise * this.bank[n++ & (NOISE_BANK - 1)] + glow + 0.5;
				const luma = grey ? 0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2] : 0;
				for (let c = 0; c < 3; c++) {
					const level = (data[at + c] + (luma - data[at + c]) * grey) * gain + grain;
					out[at + c] = level < 0 ? 0 : level > 255 ? 255 : level;
				}
			}
		}
	}
}
