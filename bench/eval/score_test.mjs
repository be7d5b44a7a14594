// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Wrong, pair, poissonUpper, quantile, readEvents, readTruth, score, summary } from './score.mjs';

const ENTRY = 'pre_action_zone_entry', LOITERING = 'loitering_dwell_exceeded';
const START = '2026-03-19T14:20:00.000Z';

const truth = (expect, more = {}) => readTruth(JSON.stringify({ start: START, seconds: 60, cameras: ['gate', 'yard'],
	classes: [ENTRY, LOITERING], expect, ...more }));
const line = (t, more = {}) => JSON.stringify({ captured_at: new Date(Date.parse(START) + t * 1000).toISOString(),
	event_class: ENTRY, camera_name: 'gate', zone_id: 'door', dwell_seconds: null, attrs: {}, ...more });
const events = (...lines) => readEvents(lines.join('\n'), START);
const entry = (at, more = {}) => ({ class: ENTRY, camera: 'gate', zone: 'door', at, ...more });

test('an event in the window of an expected one is found', () => {
	const r = score(truth([entry(10)]), events(line(10.4)));
	assert.equal(r.found.length, 1);
	assert.ok(Math.abs(r.found[0].late_s - 0.4) < 1e-9);
	assert.deepEqual([r.missed.length, r.extra.length], [0, 0]);
});

test('an event before or after the window is false, and the expected one missed', () => {
	for (const t of [8.9, 12.1]) {
		const r = score(truth([entry(10)]), events(line(t)));
		assert.deepEqual([r.found.length, r.missed.length, r.extra.length], [0, 1, 1], `at ${t}`);
	}
	assert.equal(score(truth([entry(10, { early: 3, late: 3 })]), events(line(7.1), line(12.9))).found.length, 1);
});

test('the wrong camera, zone or class is no answer', () => {
	for (const wrong of [{ camera_name: 'yard' }, { zone_id: 'road' }, { event_class: LOITERING }]) {
		const r = score(truth([entry(10)]), events(line(10, wrong)));
		assert.deepEqual([r.found.length, r.missed.length, r.extra.length], [0, 1, 1], JSON.stringify(wrong));
	}
});

test('a camera is known by its id as well as by its name', () => {
	const r = score(truth([entry(10)]), events(line(10, { camera_name: 'Front gate', attrs: { camera: 'gate' } })));
	assert.equal(r.found.length, 1);
});

test('one event answers for one expected: the second of two is missed, the second event false', () => {
	const one = score(truth([entry(10), entry(10.5)]), events(line(10.2)));
	assert.deepEqual([one.found.length, one.missed.length, one.extra.length], [1, 1, 0]);
	const two = score(truth([entry(10)]), events(line(10.1), line(10.3)));
	assert.deepEqual([two.found.length, two.missed.length, two.extra.length], [1, 0, 1]);
	assert.equal(two.found[0].event.t, 10.1);
});

test('as many are paired as can be, even when the nearest is another one\'s only answer', () => {
	// The event at 11 is nearer to the first, but the second has no other.
	const r = score(truth([entry(10.8), entry(12.5, { early: 1.6, late: 0 })]), events(line(9.9), line(11)));
	assert.equal(r.found.length, 2);
	assert.deepEqual(r.found.map((f) => f.event.t), [9.9, 11]);
});

test('of all full pairings the one with the smallest differences is taken', () => {
	assert.deepEqual(pair([[1, 5], [2, 1]]), [0, 1]);
	assert.deepEqual(pair([[1, 2], [1, 9]]), [1, 0]);
	assert.deepEqual(pair([[1, null], [2, null]]).filter((j) => j === 0).length, 1);
	assert.deepEqual(pair([]), []);
	assert.deepEqual(pair([[]]), [-1]);
});

test('pairing by the cheapest path is as good as trying all ways', () => {
	let state = 7;
	const next = (n) => (state = (state * 1103515245 + 12345) & 0x7fffffff) % n;
	const best = (costs, i = 0, used = 0) => {
		if (i === costs.length) return [0, 0];
		let most = best(costs, i + 1, used);
		costs[i].forEach((c, j) => {
			if (c === null || used >> j & 1) return;
			const [pairs, cost] = best(costs, i + 1, used | 1 << j);
			if (pairs + 1 > most[0] || (pairs + 1 === most[0] && cost + c < most[1])) most = [pairs + 1, cost + c];
		});
		return most;
	};
	for (let round = 0; round < 300; round++) {
		const [n, m] = [1 + next(5), 1 + next(5)];
		const costs = Array.from({ length: n }, () => Array.from({ length: m }, () => (next(3) ? next(9) : null)));
		const pairs = pair(costs);
		const used = pairs.filter((j) => j >= 0);
		assert.equal(new Set(used).size, used.length, 'no event twice');
		const cost = pairs.reduce((sum, j, i) => sum + (j >= 0 ? costs[i][j] : 0), 0);
		assert.deepEqual([used.length, cost], best(costs), JSON.stringify(costs));
	}
});

test('attributes that the truth names must agree, others may be there', () => {
	const t = truth([{ class: 'camera_fault_raised', at: 30, attrs: { fault: 'frozen' } }], { classes: ['camera_fault_raised'] });
	const fault = (attrs) => events(line(30, { event_class: 'camera_fault_raised', zone_id: null, attrs }));
	assert.equal(score(t, fault({ fault: 'frozen', tile: 3 })).found.length, 1);
	assert.equal(score(t, fault({ fault: 'black' })).extra.length, 1);
});

test('what the truth says to ignore is neither found nor false', () => {
	const t = truth([], { ignore: [{ classes: [ENTRY], camera: 'gate', from: 5, to: 9, why: 'on the line' }] });
	const r = score(t, events(line(7), line(9.5), line(8, { event_class: LOITERING })));
	assert.equal(r.ignored.length, 1);
	assert.equal(r.ignored[0].why, 'on the line');
	assert.equal(r.extra.length, 2);
});

test('an optional one may come once and is not missed when it does not', () => {
	const t = truth([entry(10, { optional: true })]);
	assert.deepEqual(score(t, []).missed, []);
	const r = score(t, events(line(10), line(10.5)));
	assert.deepEqual([r.found.length, r.ignored.length, r.extra.length], [0, 1, 1]);
});

test('an optional one does not take the answer of one that is demanded', () => {
	const r = score(truth([entry(10, { optional: true }), entry(10.5)]), events(line(10)));
	assert.deepEqual([r.found.length, r.missed.length], [1, 0]);
});

test('events of other classes are not judged', () => {
	const r = score(truth([entry(10)]), events(line(3, { event_class: 'unit_started' })));
	assert.deepEqual([r.unjudged, r.extra.length], [1, 0]);
});

test('dwell is held against the time of the event, without what was blind', () => {
	const expect = [{ class: LOITERING, camera: 'gate', zone: 'door', at: 25, since: 5, blind: [[10, 15], [40, 50]] }];
	const r = score(truth(expect), events(line(25.5, { event_class: LOITERING, dwell_seconds: 15.2 })));
	assert.ok(Math.abs(r.found[0].dwell_error_s - -0.3) < 1e-9, `${r.found[0].dwell_error_s}`);
	const none = score(truth(expect), events(line(25.5, { event_class: LOITERING })));
	assert.equal(none.found[0].dwell_error_s, null);
});

test('the bound on a count is the exact one', () => {
	// From tables of the chi-square distribution: half its 0.95 quantile with 2 (k + 1) degrees.
	for (const [k, bound] of [[0, 2.9957], [1, 4.7439], [2, 6.2958], [5, 10.5130], [10, 16.9622]])
		assert.ok(Math.abs(poissonUpper(k) - bound) < 5e-4, `${k}: ${poissonUpper(k)}`);
	assert.ok(Math.abs(poissonUpper(0, 0.5) - Math.log(2)) < 1e-9);
});

test('a quantile is one of the values', () => {
	assert.equal(quantile([], 0.5), null);
	assert.equal(quantile([3], 0.95), 3);
	assert.equal(quantile([4, 1, 3, 2], 0.5), 2);
	assert.equal(quantile(Array.from({ length: 20 }, (_, i) => i + 1), 0.95), 19);
});

test('a summary adds up clips, by class and by camera and hour', () => {
	const t = truth([entry(10), entry(30)]);
	const items = [{ truth: t, result: score(t, events(line(10), line(50))) },
		{ truth: t, result: score(t, events(line(10), line(30), line(20, { event_class: LOITERING }))) }];
	const all = summary(items);
	assert.deepEqual([all.expected, all.found, all.missed, all.extra], [4, 3, 1, 2]);
	assert.equal(all.recall, 0.75);
	assert.equal(all.precision, 0.6);
	assert.ok(Math.abs(all.camera_hours - 4 / 60) < 1e-12);
	assert.ok(Math.abs(all.false_per_camera_hour - 30) < 1e-9);
	assert.equal(summary(items, ENTRY).extra, 1);
	assert.equal(summary(items, LOITERING).recall, null);
});

test('a summary of nothing raised has no precision', () => {
	const t = truth([entry(10)]);
	const s = summary([{ truth: t, result: score(t, []) }]);
	assert.deepEqual([s.recall, s.precision, s.dwell_error_p95_s], [0, null, null]);
});

test('a malformed truth or line is refused, and the words say where', () => {
	const refused = (text, words) => assert.throws(() => readTruth(text, 'my.json'),
		(e) => e instanceof Wrong && e.message.includes(words), text);
	refused('{', 'my.json: not JSON');
	refused('[]', 'must be an object');
	refused('{}', '"start"');
	refused(JSON.stringify({ start: START, seconds: 0 }), '"seconds"');
	refused(JSON.stringify({ start: START, seconds: 9, cameras: ['a'], expect: [{ at: 3 }] }), 'expect 1');
	refused(JSON.stringify({ start: START, seconds: 9, cameras: ['a'], expect: [{ class: 'x', at: 3, camera: 'b' }] }), 'camera "b"');
	refused(JSON.stringify({ start: START, seconds: 9, cameras: ['a'], expect: [] }), '"classes"');
	refused(JSON.stringify({ start: START, seconds: 9, cameras: ['a'], expect: [], classes: ['x'], ignore: [{ from: 1 }] }), 'ignore 1');
	assert.throws(() => readEvents('{"captured_at":"nonsense","event_class":"x"}', START, 'e'), /e, line 1/);
	assert.throws(() => readEvents(`${line(1)}\ngarbage`, START), /line 2/);
});
