// SPDX-License-Identifier: Apache-2.0
//
// scenes - what happens in each scene: who walks where and when, what the light does, what
// breaks. Nothing here knows how the events are found.
//
// Shape    A scene: {name, about, fps, seconds, codec, tile: [width, height], cameras, and
//          where needed stalls, views, faults, settings}. A camera as in stage.mjs, with zones:
//          {id, points (pixels of the source), loitering (seconds; 0: off)} and frozen (s).
//          views: what the screen shows from when on: [{at, side, cameras: [id]}].
//          stalls: no frames, and then the clock has gone on: [{at, seconds}].
//          optional: events that may come and need not: a camera's number in a view of one
//          camera is known only to who can read its name.
import { actor } from './stage.mjs';
import { stays } from './truth.mjs';

const WIDE = { x: 0, y: 0, width: 768, height: 432 };
const CROPS = [WIDE, { x: 40, y: 20, width: 720, height: 405 }, { x: 128, y: 0, width: 640, height: 360 },
	{ x: 96, y: 40, width: 672, height: 378 }];

// The open part of the road, right of the lamp post.
const YARD = [[490, 205], [680, 165], [710, 320], [490, 320]];
const yard = (loitering = 0) => ({ id: 'yard', points: YARD, loitering });

const smooth = (x) => { const s = Math.min(1, Math.max(0, x)); return s * s * (3 - 2 * s); };

// Infrared: the colours go, the exposure hunts for a moment, the lamp lights the middle.
const infrared = (begin, seconds, back = false) => (t) => {
	const way = smooth((t - begin) / seconds), on = back ? 1 - way : way;
	return { grey: on, gain: 1 - 0.28 * on - 0.45 * way * (1 - way) * 4 * 0.5, lift: 6 * on,
		spots: [{ x: 0.5, y: 0.6, radius: 0.42, level: 26 * on }] };
};

// A car's lights go across a dark picture: two spots and what they lighten all around.
const night = { gain: 0.34, lift: 3, grey: 0.6 };
const headlights = (sweeps) => (t) => {
	const spots = [];
	let gain = night.gain;
	for (const { at, seconds, from, to, y } of sweeps) {
		const share = (t - at) / seconds;
		if (share < -0.1 || share > 1.1) continue;
		const x = from + (to - from) * share, power = smooth(1.3 - 2.2 * Math.abs(share - 0.5));
		spots.push({ x: x - 0.05, y, radius: 0.07, level: 190 * power },
			{ x: x + 0.06, y, radius: 0.07, level: 180 * power },
			{ x, y: y + 0.12, radius: 0.3, level: 70 * power });
		gain += 0.12 * power;
	}
	return { ...night, gain, spots };
};

function walkThrough(cast) {
	const go = (who, walk, at, ...path) => actor(cast, { who, at, from: path[0],
		steps: path.slice(1).map((to) => ({ walk, to })) });
	return {
		name: 'walk-through', about: 'eight people cross two zones, one walks past both',
		fps: 5, seconds: 80, codec: 'h264', tile: [768, 432],
		cameras: [{
			id: 'square', crop: WIDE, noise: 2.5,
			zones: [
				{ id: 'west', points: [[120, 196], [330, 200], [330, 285], [120, 258]], loitering: 0 },
				{ id: 'east', points: YARD, loitering: 0 },
			],
			actors: [
				go('blue', 'blue-walks', 2, [820, 285], [440, 240], [-50, 222]),
				go('young', 'young-strides', 9, [-50, 248], [400, 262], [820, 312]),
				go('red', 'red-walks', 21, [820, 262], [-50, 226]),
				// His body covers the zone, his feet never stand in it.
				go('papers', 'papers-walks', 27, [820, 424], [470, 400], [-50, 380]),
				go('bald', 'bald-walks', 38, [820, 300], [430, 256], [-50, 234]),
				go('blue again', 'blue-walks', 41, [820, 270], [430, 234], [-50, 212]),
				go('young turning', 'young-walks', 52, [820, 250], [570, 255], [720, 100], [830, 95]),
				go('papers striding', 'papers-strides', 56, [-50, 254], [400, 270], [820, 315]),
			],
		}],
	};
}

function loiter(cast) {
	return {
		name: 'loiter', about: 'one stands and paces in the zone, four pass through it',
		fps: 5, seconds: 84, codec: 'h264', tile: [768, 432],
		cameras: [{
			id: 'square', crop: WIDE, noise: 2.5, zones: [yard(20)],
			actors: [
				actor(cast, { who: 'bald', at: 4, from: [820, 310], steps: [
					{ walk: 'bald-walks', to: [620, 250] }, { stand: 'bald-stands', seconds: 9 },
					{ walk: 'bald-walks', to: [665, 235] }, { walk: 'bald-walks', to: [570, 255] },
					{ stand: 'bald-stands', seconds: 6, mirrored: true },
					{ walk: 'bald-walks', to: [640, 250] }, { stand: 'bald-stands', until: 40 },
					{ walk: 'bald-walks', to: [820, 330] }] }),
				actor(cast, { who: 'young', at: 12, from: [-50, 232],
					steps: [{ walk: 'young-strides', to: [820, 292] }] }),
				actor(cast, { who: 'red', at: 30, from: [820, 225],
					steps: [{ walk: 'red-walks', to: [-50, 226] }] }),
				actor(cast, { who: 'blue', at: 50, from: [820, 290],
					steps: [{ walk: 'blue-walks', to: [-50, 230] }] }),
				actor(cast, { who: 'papers', at: 60, from: [-50, 254],
					steps: [{ walk: 'papers-strides', to: [820, 320] }] }),
			],
		}],
	};
}

function hidden(cast) {
	return {
		name: 'hidden', about: 'a stay during which a pillar hides him twice, and another person once',
		fps: 5, seconds: 76, codec: 'h264', tile: [768, 432],
		cameras: [{
			id: 'square', crop: WIDE, noise: 2.5, zones: [yard(20)],
			things: [{ foot: 330, paint: 'brick', box: () => ({ x: 592, y: 130, width: 58, height: 200 }) }],
			actors: [
				actor(cast, { who: 'papers', at: 0, from: [-50, 232], steps: [
					{ walk: 'papers-strides', to: [555, 262] }, { stand: 'papers-stands', seconds: 6 },
					{ walk: 'papers-strides', to: [621, 255] }, { stand: 'papers-stands', seconds: 2.2 },
					{ walk: 'papers-strides', to: [685, 250] }, { stand: 'papers-stands', seconds: 5 },
					{ walk: 'papers-strides', to: [621, 255] }, { stand: 'papers-stands', seconds: 1.5 },
					{ walk: 'papers-strides', to: [545, 262] }, { stand: 'papers-stands', until: 53 },
					{ walk: 'papers-strides', to: [350, 250] }, { walk: 'papers-strides', to: [-50, 230] }] }),
				actor(cast, { who: 'bald', at: 36, from: [470, 640], steps: [
					{ walk: 'bald-walks', to: [547, 296] }, { stand: 'bald-stands', seconds: 2.5 },
					{ walk: 'bald-walks', to: [830, 400] }] }),
			],
		}],
	};
}

function stall(cast) {
	const van = (at) => ({ foot: 345, paint: 'van',
		box: (t) => (t < at || t > at + 14 ? null : { x: 800 - (t - at) * 85, y: 175, width: 270, height: 165 }) });
	return {
		name: 'stall', about: 'a van hides him three times for up to 3 s, and the video stalls for 5 s',
		fps: 5, seconds: 76, codec: 'h264', tile: [768, 432],
		stalls: [{ at: 36, seconds: 5 }],
		cameras: [{
			id: 'square', crop: WIDE, noise: 2.5, zones: [yard(30)],
			things: [van(11), van(23), van(46)],
			actors: [actor(cast, { who: 'coat', at: 2, from: [780, 300], steps: [
				{ walk: 'coat-away', to: [600, 285], pace: 2 }, { stand: 'coat-stands', seconds: 18 },
				// Out of sight he takes a step.
				{ walk: 'coat-away', to: [617, 282] }, { stand: 'coat-idles', seconds: 9 },
				{ walk: 'coat-away', to: [594, 284] }, { stand: 'coat-stands', until: 62 },
				{ walk: 'coat-away', to: [720, 140], pace: 2 }, { walk: 'coat-away', to: [830, 130], pace: 2 }] })],
		}],
	};
}

function visitors(cast) {
	const table = { id: 'table', points: [[515, 205], [650, 190], [668, 295], [515, 295]], loitering: 15 };
	const list = [];
	// Each comes so that the zone is empty for a few seconds before; stay: seconds in the zone.
	const visit = (who, gap, build) => {
		const found = (at) => {
			const a = actor(cast, { who, at, ...build });
			return { a, stay: stays(a, table.points, 300)[0] };
		};
		const first = found(0);
		const free = list.length ? list.at(-1).stay.to + gap : 6;
		list.push(found(Math.max(0, free - first.stay.from)));
	};
	visit('bald', 0, { from: [820, 300], steps: [{ walk: 'bald-walks', to: [590, 255] },
		{ stand: 'bald-stands', seconds: 21 }, { walk: 'bald-walks', to: [820, 310] }] });
	visit('red', 4, { from: [820, 260], steps: [{ walk: 'red-walks', to: [600, 250] },
		{ walk: 'red-walks', to: [570, 255], pace: 0.6 }, { walk: 'red-walks', to: [420, 250] },
		{ walk: 'red-walks', to: [-50, 230] }] });
	visit('coat', 3, { from: [820, 285], steps: [{ walk: 'coat-away', to: [585, 262], pace: 2 },
		{ stand: 'coat-stands', seconds: 20 }, { walk: 'coat-away', to: [700, 150], pace: 2 }, { walk: 'coat-away', to: [830, 130], pace: 2 }] });
	visit('blue', 5, { from: [820, 280], steps: [{ walk: 'blue-walks', to: [590, 255] },
		{ walk: 'blue-walks', to: [560, 258], pace: 0.5 }, { walk: 'blue-walks', to: [820, 285] }] });
	visit('papers', 4, { from: [-50, 232], steps: [{ walk: 'papers-strides', to: [590, 258] },
		{ stand: 'papers-stands', seconds: 22 }, { walk: 'papers-strides', to: [820, 310] }] });
	visit('young', 3, { from: [820, 275], steps: [{ walk: 'young-walks', to: [575, 258] },
		{ walk: 'young-walks', to: [600, 262], pace: 0.5 }, { walk: 'young-walks', to: [440, 250] },
		{ walk: 'young-walks', to: [-50, 230] }] });
	return {
		name: 'visitors', about: 'six come to a table in turn: three stay long, three do not',
		fps: 5, seconds: Math.ceil(list.at(-1).stay.to + 6), codec: 'h264', tile: [768, 432],
		cameras: [{ id: 'square', crop: WIDE, noise: 2.5, zones: [table], actors: list.map((v) => v.a) }],
	};
}

function dark(cast) {
	return {
		name: 'dark', about: 'a dark, noisy picture: one loiters, three pass',
		fps: 5, seconds: 60, codec: 'h264', tile: [768, 432],
		cameras: [{
			id: 'square', crop: WIDE, noise: 8, light: () => ({ gain: 0.36, lift: 5, grey: 0.7 }),
			zones: [yard(15)],
			actors: [
				actor(cast, { who: 'blue', at: 1, from: [820, 290],
					steps: [{ walk: 'blue-walks', to: [-50, 230] }] }),
				actor(cast, { who: 'bald', at: 12, from: [820, 300], steps: [
					{ walk: 'bald-walks', to: [600, 255] }, { stand: 'bald-stands', seconds: 20 },
					{ walk: 'bald-walks', to: [820, 310] }] }),
				actor(cast, { who: 'young', at: 34, from: [-50, 235],
					steps: [{ walk: 'young-strides', to: [820, 290] }] }),
				actor(cast, { who: 'red', at: 36, from: [820, 240],
					steps: [{ walk: 'red-walks', to: [300, 240] }, { walk: 'red-walks', to: [-50, 228] }] }),
			],
		}],
	};
}

const stayer = (cast, { who = 'coat', at, until, mirrored = false }) => actor(cast, { who, at, from: [820, 290],
	steps: [{ walk: who === 'coat' ? 'coat-away' : `${who}-walks`, to: [605, 262], pace: who === 'coat' ? 2 : 1 },
		{ stand: `${who}-stands`, until, mirrored },
		{ walk: who === 'coat' ? 'coat-away' : `${who}-walks`, to: [830, 320], pace: who === 'coat' ? 2 : 1 }] });

const passer = (cast, walk, at, y = 265) => actor(cast, { who: walk.split('-')[0], at,
	from: cast.get(walk).heading > 0 ? [-50, 248] : [820, y + 10],
	steps: [{ walk, to: [440, y - 15] }, { walk, to: cast.get(walk).heading > 0 ? [820, y + 10] : [-50, 218] }] });

function infraredSwitch(cast) {
	return {
		name: 'infrared', about: 'cameras go to infrared and back, with somebody in the zone and without',
		fps: 5, seconds: 60, codec: 'mjpeg', tile: [480, 270],
		cameras: [
			{ id: 'north', crop: CROPS[0], noise: 3, zones: [yard(20)], actors: [], light: infrared(18, 1.5) },
			{ id: 'east', crop: CROPS[1], noise: 3, zones: [yard(20)], light: infrared(24, 1.2),
				actors: [stayer(cast, { who: 'bald', at: 8, until: 44 })] },
			{ id: 'south', crop: CROPS[2], mirrored: true, noise: 3, zones: [yard(20)], actors: [],
				light: infrared(33, 2, true) },
			{ id: 'west', crop: CROPS[3], noise: 3, zones: [yard(20)], light: infrared(40, 0.4),
				actors: [passer(cast, 'blue-walks', 36), passer(cast, 'young-strides', 42, 285)] },
		],
	};
}

function headlightSweep() {
	const camera = (id, crop, mirrored, sweeps) => ({ id, crop: CROPS[crop], mirrored, noise: 5,
		zones: [yard(10)], actors: [], light: headlights(sweeps) });
	return {
		name: 'headlights', about: 'nobody there; cars sweep their lights over four dark pictures',
		fps: 5, seconds: 60, codec: 'mjpeg', tile: [480, 270],
		cameras: [
			camera('north', 0, false, [{ at: 12, seconds: 3, from: -0.2, to: 1.2, y: 0.5 },
				{ at: 40, seconds: 5, from: 1.2, to: -0.2, y: 0.45 }]),
			camera('east', 1, true, [{ at: 20, seconds: 1.6, from: 1.2, to: -0.2, y: 0.6 },
				{ at: 23, seconds: 1.6, from: 1.2, to: -0.2, y: 0.6 }]),
			// One turns in and stops with its lights on the zone.
			camera('south', 2, false, [{ at: 15, seconds: 8, from: -0.3, to: 0.75, y: 0.55 }]),
			camera('west', 3, false, [{ at: 30, seconds: 2.5, from: -0.2, to: 1.2, y: 0.4 },
				{ at: 33, seconds: 2.5, from: 1.2, to: -0.2, y: 0.6 }]),
		],
	};
}

function frozen(cast) {
	return {
		name: 'frozen', about: 'one camera is frozen from the start, one freezes with somebody in the zone',
		fps: 5, seconds: 112, codec: 'mjpeg', tile: [480, 270],
		cameras: [
			{ id: 'north', crop: CROPS[0], noise: 3, zones: [yard(30)], frozen: 0,
				actors: [actor(cast, { who: 'coat', at: -1, from: [600, 262],
					steps: [{ stand: 'coat-stands', seconds: 300 }] })] },
			{ id: 'east', crop: CROPS[1], noise: 3, zones: [yard(30)], frozen: 25,
				actors: [stayer(cast, { who: 'bald', at: 14, until: 300 })] },
			{ id: 'south', crop: CROPS[2], mirrored: true, noise: 3, zones: [yard(30)],
				actors: [passer(cast, 'blue-walks', 6), passer(cast, 'young-strides', 23),
					passer(cast, 'red-walks', 95)] },
			// Nobody, a still picture and a good sensor: sound all the same.
			{ id: 'west', crop: CROPS[3], noise: 1.2, zones: [yard(30)], actors: [] },
		],
		faults: [{ camera: 'north', fault: 'frozen', at: 0 }, { camera: 'east', fault: 'frozen', at: 25 }],
	};
}

const NAMES = ['gate', 'front', 'park', 'path', 'bay', 'drive', 'fence', 'shed', 'entrance', 'lawn', 'sign',
	'rear', 'crossing', 'office', 'south', 'corner'];

function layoutSwitch(cast) {
	const walkers = { front: [passer(cast, 'blue-walks', 6)], drive: [stayer(cast, { who: 'bald', at: 3, until: 62 })],
		sign: [passer(cast, 'young-strides', 12.5), passer(cast, 'red-walks', 36)],
		lawn: [passer(cast, 'young-walks', 43)], corner: [passer(cast, 'papers-strides', 54)] };
	const side = (n, ...cameras) => ({ side: n, cameras });
	return {
		name: 'layouts', about: '4x4, one camera alone, 4x4, a page of 2x2, 4x4, with somebody in the zone',
		fps: 5, seconds: 72, codec: 'mjpeg', tile: [480, 270],
		views: [
			{ at: 0, ...side(4, ...NAMES) }, { at: 20, ...side(1, 'sign') }, { at: 27, ...side(4, ...NAMES) },
			{ at: 42, ...side(2, 'bay', 'drive', 'lawn', 'sign') }, { at: 49, ...side(4, ...NAMES) },
		],
		cameras: NAMES.map((id, n) => ({ id, crop: CROPS[n % 4], mirrored: n % 3 === 1, noise: 3,
			zones: [yard(28)], actors: walkers[id] ?? [] })),
	};
}

function empty() {
	const cloud = (period, depth, phase) => (t) => ({ gain: 1 - depth * (0.5 + 0.5 * Math.sin(t / period * 2 * Math.PI + phase)) });
	const moth = (at, way, y) => ({ foot: 1000, paint: 'moth', box: (t) => (t < at || t > at + 6 ? null
		: { x: 400 + way * (t - at) * 90, y: y + 25 * Math.sin(t * 5), width: 38, height: 30 }) });
	const light = [() => null, cloud(40, 0.3, 0), cloud(90, 0.4, 1), infrared(60, 1.5), cloud(15, 0.15, 2),
		infrared(120, 1.2, true), headlights([{ at: 30, seconds: 3, from: -0.2, to: 1.2, y: 0.5 },
			{ at: 150, seconds: 4, from: 1.2, to: -0.2, y: 0.55 }]), () => night, () => null,
		(t) => ({ gain: t % 50 < 25 ? 1 : 0.7 }), cloud(70, 0.5, 3), () => ({ gain: 1.15, lift: 8 }),
		headlights([{ at: 90, seconds: 2, from: -0.2, to: 1.2, y: 0.45 }]), cloud(25, 0.2, 4), infrared(200, 1.8),
		// A lamp that flickers.
		(t) => ({ gain: 0.8 + 0.08 * Math.sin(t * 11) })];
	return {
		name: 'empty', about: 'sixteen cameras, nobody: clouds, lamps, infrared, headlights, insects',
		fps: 3, seconds: 230, codec: 'h264', crf: 28, tile: [480, 270],
		cameras: NAMES.map((id, n) => ({ id, crop: CROPS[(n + 1) % 4], mirrored: n % 2 === 1,
			noise: [1.5, 3, 5, 8][n % 4], zones: [yard(15)], actors: [], light: light[n],
			things: id === 'path' || id === 'shed' || id === 'office'
				? [moth(100, 1, 200), moth(160, -1, 240)] : [] })),
	};
}

export const SCENES = { 'walk-through': walkThrough, loiter, hidden, stall, visitors, dark,
	infrared: infraredSwitch, headlights: headlightSweep, frozen, layouts: layoutSwitch, empty };
