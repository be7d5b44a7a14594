// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENTRY, LOITERING, depthIn, impossible, stays, truthOf } from './truth.mjs';

const ZONE = [[100, 100], [200, 100], [200, 200], [100, 200]];
const FRAME = { footX: 10, footY: 60, left: 0, right: 19, top: 0, bottom: 59, width: 20, height: 60 };

// Somebody who is where place(t) says, or nowhere.
const somebody = (place, begin = 0, end = 1000) => ({ who: 'x', begin, end, pose: (t) => {
	const at = t >= begin && t < end ? place(t) : null;
	return at && { x: at[0], y: at[1], frame: FRAME, mirrored: false, scale: 1 };
} });
const IN = [150, 150], OUT = [300, 150];
const between = (from, to) => (t) => (t >= from && t < to ? IN : OUT);

const scene = (who, more = {}, camera = {}, loitering = 20) => ({ name: 'test', about: '', fps: 5, seconds: 100,
	cameras: [{ id: 'gate', crop: { x: 0, y: 0, width: 768, height: 432 }, actors: [who],
		zones: [{ id: 'door', points: ZONE, loitering }], ...camera }], ...more });
const of = (truth, cls) => truth.expect.filter((x) => x.class === cls);

test('depth is the distance to the border, positive inside', () => {
	assert.equal(depthIn(ZONE, 150, 130), 30);
	assert.equal(depthIn(ZONE, 230, 150), -30);
	assert.equal(depthIn(ZONE, 203, 204), -5);
});

test('who is back within ten seconds is the same visitor, later another one', () => {
	const place = (gap) => somebody((t) => ((t >= 10 && t < 20) || (t >= 20 + gap && t < 60) ? IN : OUT));
	assert.equal(stays(place(5), ZONE, 100).length, 1);
	assert.equal(stays(place(12), ZONE, 100).length, 2);
});

test('an entry is due when the feet come in, a loitering when the threshold is reached', () => {
	const truth = truthOf(scene(somebody(between(10, 45))), 0);
	assert.ok(Math.abs(of(truth, ENTRY)[0].at - 10) < 0.1);
	const [loitering] = of(truth, LOITERING);
	assert.ok(Math.abs(loitering.at - 30) < 0.2 && Math.abs(loitering.since - 10) < 0.1);
	assert.equal(of(truth, LOITERING).length, 1);
});

test('who leaves before the threshold does not loiter', () => {
	assert.equal(of(truthOf(scene(somebody(between(10, 25))), 0), LOITERING).length, 0);
});

test('a stay that just reaches the threshold is left to whoever judges', () => {
	const truth = truthOf(scene(somebody(between(10, 31))), 0);
	assert.equal(of(truth, LOITERING).length, 0);
	assert.deepEqual(truth.ignore.map((r) => r.classes), [[LOITERING]]);
});

test('a stall is not time in the zone', () => {
	const truth = truthOf(scene(somebody(between(10, 60)), { stalls: [{ at: 15, seconds: 5 }] }), 0);
	assert.ok(Math.abs(of(truth, LOITERING)[0].at - 35) < 0.2);
	assert.deepEqual(of(truth, LOITERING)[0].blind, [[15, 20]]);
});

test('twice the threshold may be told and need not be', () => {
	const [first, second] = of(truthOf(scene(somebody(between(10, 60))), 0), LOITERING);
	assert.deepEqual([first.optional, second.optional], [undefined, true]);
});

test('who is hidden when he comes in is due when he can be seen', () => {
	const board = { foot: 400, box: (t) => (t < 14 ? { x: 120, y: 50, width: 60, height: 120 } : null) };
	const truth = truthOf(scene(somebody(between(10, 45)), {}, { things: [board] }), 0);
	assert.ok(Math.abs(of(truth, ENTRY)[0].at - 14) < 0.1);
	// What he is in front of hides nothing.
	const wall = { ...board, foot: 100 };
	assert.ok(Math.abs(of(truthOf(scene(somebody(between(10, 45)), {}, { things: [wall] }), 0), ENTRY)[0].at - 10) < 0.1);
});

test('a moment in the zone, or feet beside its line, are left to whoever judges', () => {
	const moment = truthOf(scene(somebody(between(10, 10.6))), 0);
	assert.deepEqual([of(moment, ENTRY).length, moment.ignore.length], [0, 1]);
	const beside = truthOf(scene(somebody((t) => (t >= 10 && t < 12 ? [203, 150] : OUT))), 0);
	assert.deepEqual([of(beside, ENTRY).length, beside.ignore.length], [0, 1]);
	assert.equal(truthOf(scene(somebody(() => OUT)), 0).ignore.length, 0);
});

test('of a frozen camera nothing is due after it froze but the fault', () => {
	const froze = (at) => truthOf(scene(somebody(between(10, 90)), { faults: [{ camera: 'gate', fault: 'frozen', at }] },
		{ frozen: at }), 0);
	assert.deepEqual(froze(20).expect.map((x) => x.class), [ENTRY, 'camera_fault_raised']);
	assert.deepEqual(froze(5).expect.map((x) => x.class), ['camera_fault_raised']);
});

test('who appears in full sight, or walks through another, is no scene', () => {
	const across = (y, begin) => somebody((t) => [-40 + (t - begin) * 50, y], begin, begin + 17);
	const both = (a, b) => impossible({ ...scene(a), cameras: [{ ...scene(a).cameras[0], actors: [a, b] }] });
	assert.deepEqual(both(across(150, 5), across(150, 20)), []);
	assert.deepEqual(both(across(150, 5), across(180, 5)), []);
	assert.match(both(across(150, 5), across(155, 5))[0], /walks through/);
	assert.match(impossible(scene(somebody(() => IN, 5, 200)))[0], /x is there from or until 5.0 s/);
	assert.deepEqual(impossible(scene(somebody(() => IN, -1, 200))), []);
});
