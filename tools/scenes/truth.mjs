// SPDX-License-Identifier: Apache-2.0
//
// truth - what should be reported of a scene, from where its people stand and nothing else.
//
// Rules    An entry is due when the feet come into the zone, a loitering when the time in the
//          zone reaches its threshold. Who leaves and is back soon is the same visitor. Time in
//          which the screen showed nothing of the camera does not count as time in the zone.
//          Where it cannot be told by looking (feet on the line, a visit of a moment, a stay
//          that just reaches the threshold) nothing is demanded and nothing held against
//          whoever reports it.
import { ground, heightAt } from './people.mjs';
import { boxOf } from './stage.mjs';

export const ENTRY = 'pre_action_zone_entry', LOITERING = 'loitering_dwell_exceeded';
export const FAULT = 'camera_fault_raised', VIEW = 'view_changed';

const STEP = 0.05;
const DEPTH_SURE = 6;     // pixels of the source within the zone: surely in it
const DEPTH_NEAR = 5;     // outside, but so near that it may look like in
const INSIDE_SURE = 1.2;  // seconds in the zone that make a visit
const REARM = 10;         // seconds outside after which it is another visit
const THRESHOLD_NEAR = 2; // seconds about the threshold within which nobody can be held to it
const SHOWN_SURE = 0.6;   // share of the body that is to be seen
const BODY = 0.3;         // people's feet are at least so many heights apart: half a metre

const WINDOWS = {
	[ENTRY]: { early: 1, late: 2 },
	[LOITERING]: { early: 1.5, late: 2 },
	[VIEW]: { early: 0, late: 1 },
	// A minute, and the tolerance of the clearing time.
	[FAULT]: { early: 55, late: 10 },
};

// Distance to the border in pixels; positive inside.
export function depthIn(points, x, y) {
	let inside = false, nearest = Infinity;
	for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
		const [ax, ay] = points[i], [bx, by] = points[j];
		if (ay > y !== by > y && x < ax + ((bx - ax) * (y - ay)) / (by - ay)) inside = !inside;
		const along = Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) /
			((bx - ax) ** 2 + (by - ay) ** 2)));
		nearest = Math.min(nearest, Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)));
	}
	return inside ? nearest : -nearest;
}

// Runs of time for which test(t) is true, up to a gap.
function runs(from, to, gap, test) {
	const list = [];
	for (let n = Math.ceil(from / STEP - 1e-9); n * STEP < to; n++) {
		const t = Math.round(n * STEP * 1000) / 1000;
		if (!test(t)) continue;
		if (list.length && t - list.at(-1).to <= gap + STEP * 1.5) list.at(-1).to = t + STEP;
		else list.push({ from: t, to: t + STEP });
	}
	return list;
}

// When somebody is in a zone; leaving for less than REARM does not end a stay.
export function stays(who, points, seconds) {
	return runs(Math.max(0, who.begin), Math.min(seconds, who.end), REARM - STEP, (t) => {
		const pose = who.pose(t);
		return pose && depthIn(points, pose.x, pose.y) > 0;
	});
}

// The share of the body that nothing hides and the picture does not cut off: boxes, not outlines.
function shown(camera, who, t) {
	const pose = who.pose(t);
	if (!pose) return 0;
	const box = boxOf(pose), area = (box.x1 - box.x0) * (box.y1 - box.y0);
	const overlap = (b) => Math.max(0, Math.min(box.x1, b.x1) - Math.max(box.x0, b.x0)) *
		Math.max(0, Math.min(box.y1, b.y1) - Math.max(box.y0, b.y0)) / area;
	const { x, y, width, height } = camera.crop;
	let share = overlap({ x0: x, x1: x + width, y0: y, y1: y + height });
	for (const thing of camera.things ?? []) {
		const b = thing.foot > pose.y && thing.box(t);
		if (b) share -= overlap({ x0: b.x, x1: b.x + b.width, y0: b.y, y1: b.y + b.height });
	}
	return share;
}

const within = (list, t) => list.some((r) => t >= r.from && t < r.to);

// When the screen shows nothing of a camera, or not in its place.
function blindOf(scene, camera) {
	const list = (scene.stalls ?? []).map((s) => ({ from: s.at, to: s.at + s.seconds }));
	(scene.views ?? []).forEach((view, n, all) => {
		if (n > 0 && view.side !== all[0].side)
			list.push({ from: view.at, to: all[n + 1]?.at ?? scene.seconds });
	});
	if (camera.frozen !== undefined) list.push({ from: camera.frozen, to: scene.seconds });
	return list;
}

function judgeStay(scene, camera, zone, who, stay, truth) {
	const blind = blindOf(scene, camera);
	const depth = (t) => { const p = who.pose(t); return p ? depthIn(zone.points, p.x, p.y) : -Infinity; };
	const common = { camera: camera.id, zone: zone.id, who: who.who };
	const sure = runs(stay.from, stay.to, 0, (t) => depth(t) > 0 && !within(blind, t) &&
		shown(camera, who, t) >= SHOWN_SURE);
	const seen = sure.find((r) => r.to - r.from >= INSIDE_SURE &&
		runs(r.from, r.to, 0, (t) => depth(t) >= DEPTH_SURE).length > 0);
	// Frozen with somebody in it from the first frame: for the first seconds nobody can know.
	const doubtful = camera.frozen === 0;
	if (!seen || doubtful) {
		truth.ignore.push({ ...common, classes: doubtful ? [ENTRY] : [ENTRY, LOITERING], from: Math.max(0, stay.from - 1),
			to: doubtful ? 10 : stay.to + 3, why: doubtful ? 'frozen from the start' : 'hardly in the zone' });
		return;
	}
	const round = (t) => Math.round(t * 100) / 100;
	truth.expect.push({ class: ENTRY, ...common, at: round(seen.from), ...WINDOWS[ENTRY] });
	if (!zone.loitering) return;
	let dwell = 0;
	const reached = {};
	for (let t = stay.from; t < Math.min(stay.to, scene.seconds); t += STEP) {
		if (depth(t) <= 0 || within(blind, t)) continue;
		dwell += STEP;
		for (const times of [1, 2])
			if (dwell >= times * zone.loitering && reached[times] === undefined) reached[times] = t + STEP;
	}
	const due = (times) => ({ class: LOITERING, ...common, at: round(reached[times]), ...WINDOWS[LOITERING],
		since: round(stay.from), blind: blind.filter((b) => b.to > stay.from && b.from < stay.to)
			.map((b) => [b.from, b.to]) });
	const near = (times) => Math.abs(dwell - times * zone.loitering) < THRESHOLD_NEAR ||
		reached[times] > scene.seconds - 2;
	if (near(1))
		truth.ignore.push({ ...common, classes: [LOITERING], from: stay.from, to: scene.seconds,
			why: 'a stay that just reaches the threshold' });
	else if (reached[1] !== undefined)
		truth.expect.push(due(1));
	// Some systems raise it again at twice the time.
	if (reached[2] !== undefined || near(2))
		truth.expect.push({ ...due(2), at: round(reached[2] ?? stay.to), optional: true });
}

// Feet that come near the line from outside and do not cross it.
function nearMisses(camera, zone, who, scene, truth) {
	for (const run of runs(Math.max(0, who.begin), Math.min(scene.seconds, who.end), 0.3, (t) => {
		const p = who.pose(t);
		const depth = p ? depthIn(zone.points, p.x, p.y) : -Infinity;
		return depth <= 0 && depth > -DEPTH_NEAR;
	})) {
		const crossed = stays(who, zone.points, scene.seconds)
			.some((s) => s.from <= run.to + 2 && s.to >= run.from - 2);
		if (!crossed && run.to - run.from > 0.3)
			truth.ignore.push({ camera: camera.id, zone: zone.id, who: who.who, classes: [ENTRY],
				from: run.from - 1, to: run.to + 2, why: 'feet beside the line' });
	}
}

// In a view of one camera nobody says which it is: who can tell by its name may report.
function strangeViews(scene, truth) {
	for (const [n, view] of (scene.views ?? []).entries()) {
		if (n === 0 || view.side === scene.views[0].side) continue;
		for (const id of view.cameras)
			truth.ignore.push({ camera: id, classes: [ENTRY, LOITERING], from: view.at, to: scene.views[n + 1]?.at ?? scene.seconds,
				why: 'shown, but not in its place' });
	}
}

// What cannot be: people who walk through one another, appear from nowhere or vanish. Nobody
// could be held to see that right.
export function impossible(scene) {
	const words = [];
	for (const camera of scene.cameras) {
		const { x, y, width, height } = camera.crop;
		for (const who of camera.actors)
			for (const t of [who.begin, who.end - 0.01]) {
				if (t < 0 || t >= Math.min(scene.seconds, camera.frozen ?? Infinity)) continue;
				const box = boxOf(who.pose(t));
				if (box.x1 > x && box.x0 < x + width && box.y1 > y && box.y0 < y + height)
					words.push(`${scene.name}: ${camera.id}: ${who.who} is there from or until ${t.toFixed(1)} s, in full sight`);
			}
		camera.actors.forEach((a, i) => camera.actors.slice(i + 1).forEach((b) => {
			const [run] = runs(Math.max(0, a.begin, b.begin), Math.min(scene.seconds, a.end, b.end), 0.2, (t) => {
				const p = a.pose(t), q = b.pose(t);
				return p && q && ground(p.x - q.x, p.y - q.y) < BODY * heightAt((p.y + q.y) / 2);
			});
			if (run) words.push(`${scene.name}: ${camera.id}: ${a.who} walks through ${b.who} at ${run.from.toFixed(1)} s`);
		}));
	}
	return words;
}

export function truthOf(scene, start) {
	const truth = {
		v: 1, scene: scene.name, about: scene.about, start: new Date(start * 1000).toISOString(),
		seconds: scene.seconds, fps: scene.fps, cameras: scene.cameras.map((c) => c.id),
		classes: [ENTRY, LOITERING, FAULT, VIEW], expect: [], ignore: [],
	};
	for (const camera of scene.cameras)
		for (const zone of camera.zones)
			for (const who of camera.actors) {
				for (const stay of stays(who, zone.points, scene.seconds))
					judgeStay(scene, camera, zone, who, stay, truth);
				nearMisses(camera, zone, who, scene, truth);
			}
	for (const { camera, fault, at } of scene.faults ?? [])
		truth.expect.push({ class: FAULT, camera, attrs: { fault }, at: at + 60, ...WINDOWS[FAULT] });
	for (const view of (scene.views ?? []).slice(1))
		truth.expect.push({ class: VIEW, attrs: { to: `${view.side}x${view.side}-std` }, at: view.at, ...WINDOWS[VIEW] });
	strangeViews(scene, truth);
	truth.expect.sort((a, b) => a.at - b.at);
	return truth;
}
