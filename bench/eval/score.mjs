// SPDX-License-Identifier: Apache-2.0
//
// score - holds events against the truth, one to one. Pure: no file, no clock, no process.
//
// Shape    truth and events as bench/eval/README.md says; times in seconds of the clip.
//
// Method   An event can answer an expected one when class, camera, zone and attributes agree
//          and its time lies within the expected one's window. Of all ways to pair them the one
//          with the most pairs counts, and of those the one with the smallest differences of
//          time. What is left over of the expected is missed; of the events, false, unless
//          something is said about it in the truth's ignore list. Events of other classes than
//          the truth names are not judged.
//
// Source   The bound on a rate is the exact one for a Poisson count (Garwood 1936).

// ---- figures -----------------------------------------------------------------------------

// P(N <= k) for a Poisson count with this mean.
function atMost(k, mean) {
	let term = Math.exp(-mean), sum = term;
	for (let i = 1; i <= k; i++) sum += term *= mean / i;
	return Math.min(1, sum);
}

// The largest mean that still gives k events or fewer with probability 1 - confidence: above it
// lies the true mean in no more than 1 - confidence of all cases.
export function poissonUpper(k, confidence = 0.95) {
	let low = k, high = k + 10 * Math.sqrt(k + 1) + 10;
	for (let i = 0; i < 100; i++) {
		const middle = (low + high) / 2;
		if (atMost(k, middle) > 1 - confidence) low = middle;
		else high = middle;
	}
	return (low + high) / 2;
}

// The smallest value that a share q of all do not exceed; null of none.
export function quantile(values, q) {
	if (values.length === 0) return null;
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}

// ---- pairing -----------------------------------------------------------------------------

const subset = (wanted, has) => Object.entries(wanted ?? {}).every(([key, value]) =>
	value !== null && typeof value === 'object' ? subset(value, has?.[key] ?? {}) : has?.[key] === value);

// A camera goes by its id or by the name people call it.
const isCamera = (wanted, event) => wanted === undefined || wanted === event.camera || wanted === event.cameraId;

function canAnswer(expected, event) {
	return event.class === expected.class && isCamera(expected.camera, event) &&
		(expected.zone === undefined || expected.zone === event.zone) && subset(expected.attrs, event.attrs) &&
		event.t >= expected.at - expected.early - 1e-6 && event.t <= expected.at + expected.late + 1e-6;
}

const MISSED = 1e6; // what it costs to leave an expected one without an event: more than any time

// Successive cheapest paths. costs[i][j]: of event j as the answer to expected i, null if it is
// none; missed[i]: of no answer to i. Returns the event of each i, or -1.
export function pair(given, missed = given.map(() => MISSED)) {
	// To have no answer is an answer that nobody else can have.
	const own = (i) => given.map((_, k) => (k === i ? missed[i] : null));
	const costs = given.map((row, i) => [...row, ...own(i)]), events = given[0]?.length ?? 0;
	const n = costs.length, m = costs[0]?.length ?? 0;
	const eventOf = new Array(n).fill(-1), expectedOf = new Array(m).fill(-1);
	for (let start = 0; start < n; start++) {
		// Bellman-Ford over the expected: what it costs to free one by giving others other events.
		const cost = new Array(n).fill(Infinity), via = new Array(m).fill(-1);
		const reach = new Array(m).fill(Infinity);
		cost[start] = 0;
		for (let changed = true; changed;) {
			changed = false;
			for (let i = 0; i < n; i++) {
				if (cost[i] === Infinity) continue;
				for (let j = 0; j < m; j++) {
					if (costs[i][j] === null || eventOf[i] === j || cost[i] + costs[i][j] >= reach[j] - 1e-9) continue;
					reach[j] = cost[i] + costs[i][j];
					via[j] = i;
					const owner = expectedOf[j];
					if (owner >= 0 && reach[j] - costs[owner][j] < cost[owner] - 1e-9) {
						cost[owner] = reach[j] - costs[owner][j];
						changed = true;
					}
				}
			}
		}
		let j = -1;
		for (let e = 0; e < m; e++)
			if (expectedOf[e] < 0 && reach[e] < Infinity && (j < 0 || reach[e] < reach[j])) j = e;
		while (j >= 0) {
			const i = via[j], before = eventOf[i];
			eventOf[i] = j;
			expectedOf[j] = i;
			j = i === start ? -1 : before;
		}
	}
	return eventOf.map((j) => (j < events ? j : -1));
}

// ---- one clip ----------------------------------------------------------------------------

const overlap = ([from, to], a, b) => Math.max(0, Math.min(to, b) - Math.max(from, a));

// How long it truly was at the time of the event, and how far off the event is.
function dwellError(expected, event) {
	if (expected.since === undefined || typeof event.dwell !== 'number') return null;
	const blind = (expected.blind ?? []).reduce((sum, b) => sum + overlap(b, expected.since, event.t), 0);
	return event.dwell - (event.t - expected.since - blind);
}

const ignores = (rule, event) => (rule.classes === undefined || rule.classes.includes(event.class)) &&
	isCamera(rule.camera, event) && (rule.zone === undefined || rule.zone === event.zone) &&
	event.t >= rule.from && event.t <= rule.to;

// Returns what became of each expected and of each event:
//   found [{expected, event, late_s, dwell_error_s}], missed, extra, ignored, unjudged
export function score(truth, events) {
	const judged = events.filter((e) => truth.classes.includes(e.class));
	const costs = truth.expect.map((x) => judged.map((e) => (canAnswer(x, e) ? Math.abs(e.t - x.at) : null)));
	// One that is only allowed does not take the answer of one that is demanded.
	const pairs = pair(costs, truth.expect.map((x) => (x.optional ? MISSED / 1000 : MISSED)));
	const result = { found: [], missed: [], extra: [], ignored: [], unjudged: events.length - judged.length };
	truth.expect.forEach((expected, i) => {
		const event = judged[pairs[i]];
		if (event) {
			if (expected.optional) result.ignored.push({ event, why: 'optional' });
			else result.found.push({ expected, event, late_s: event.t - expected.at,
				dwell_error_s: dwellError(expected, event) });
		} else if (!expected.optional) {
			result.missed.push(expected);
		}
	});
	judged.forEach((event, j) => {
		if (pairs.includes(j)) return;
		const rule = truth.ignore.find((r) => ignores(r, event));
		if (rule) result.ignored.push({ event, why: rule.why });
		else result.extra.push(event);
	});
	return result;
}

// ---- all together ------------------------------------------------------------------------

// items: [{truth, result}]. Figures of one class, or of all with cls null.
export function summary(items, cls = null) {
	const of = (list, key) => list.filter((x) => cls === null || key(x) === cls);
	let found = [], missed = 0, extra = 0, hours = 0;
	for (const { truth, result } of items) {
		found = found.concat(of(result.found, (f) => f.event.class));
		missed += of(result.missed, (x) => x.class).length;
		extra += of(result.extra, (e) => e.class).length;
		hours += (truth.cameras.length * truth.seconds) / 3600;
	}
	const expected = found.length + missed, raised = found.length + extra;
	const dwell = found.map((f) => f.dwell_error_s).filter((d) => d !== null).map(Math.abs);
	const late = found.map((f) => f.late_s);
	return {
		expected, found: found.length, missed, extra,
		recall: expected ? found.length / expected : null,
		precision: raised ? found.length / raised : null,
		camera_hours: hours,
		false_per_camera_hour: hours ? extra / hours : null,
		false_per_camera_hour_upper: hours ? poissonUpper(extra) / hours : null,
		dwell_error_p50_s: quantile(dwell, 0.5), dwell_error_p95_s: quantile(dwell, 0.95),
		late_p50_s: quantile(late, 0.5), late_p95_s: quantile(late, 0.95),
	};
}

// ---- what comes from outside -------------------------------------------------------------

class Wrong extends Error {}
export { Wrong };

const need = (condition, where, what) => { if (!condition) throw new Wrong(`${where}: ${what}`); };
const isNumber = (n) => typeof n === 'number' && Number.isFinite(n);

// A truth file's text, checked and with its defaults filled in.
export function readTruth(text, name = 'truth') {
	let truth;
	try {
		truth = JSON.parse(text);
	} catch (error) {
		throw new Wrong(`${name}: not JSON: ${error.message}`);
	}
	need(truth !== null && typeof truth === 'object' && !Array.isArray(truth), name, 'it must be an object');
	need(typeof truth.start === 'string' && !Number.isNaN(Date.parse(truth.start)), name,
		'"start" must say when the clip begins, e.g. "2026-03-19T14:20:00Z"');
	need(isNumber(truth.seconds) && truth.seconds > 0, name, '"seconds" must be the length of the clip');
	need(Array.isArray(truth.cameras) && truth.cameras.length > 0, name, '"cameras" must list what is watched');
	need(Array.isArray(truth.expect), name, '"expect" must be a list, which may be empty');
	const out = { ...truth, ignore: truth.ignore ?? [] };
	out.expect = truth.expect.map((x, i) => {
		const where = `${name}: expect ${i + 1}`;
		need(typeof x?.class === 'string', where, '"class" is missing');
		need(isNumber(x.at), where, '"at" must be a time in seconds');
		need(x.camera === undefined || truth.cameras.includes(x.camera), where, `camera "${x.camera}" is not in "cameras"`);
		for (const key of ['early', 'late', 'since'])
			need(x[key] === undefined || isNumber(x[key]), where, `"${key}" must be a number of seconds`);
		return { early: 1, late: 2, ...x };
	});
	need(Array.isArray(out.ignore), name, '"ignore" must be a list');
	out.ignore.forEach((r, i) => need(isNumber(r?.from) && isNumber(r?.to), `${name}: ignore ${i + 1}`,
		'"from" and "to" must be seconds'));
	out.classes = truth.classes ?? [...new Set(out.expect.map((x) => x.class))];
	need(out.classes.length > 0, name, 'name the "classes" to be judged where nothing is expected');
	return out;
}

// Event lines as an outbox has them; times become seconds since the clip's start.
export function readEvents(text, start, name = 'events') {
	const begin = Date.parse(start), events = [];
	text.split('\n').forEach((line, n) => {
		if (line.trim() === '') return;
		let e;
		try {
			e = JSON.parse(line);
		} catch (error) {
			throw new Wrong(`${name}, line ${n + 1}: not JSON: ${error.message}`);
		}
		const at = Date.parse(e?.captured_at);
		need(typeof e?.event_class === 'string' && !Number.isNaN(at), `${name}, line ${n + 1}`,
			'not an event: event_class or captured_at is missing');
		events.push({ class: e.event_class, t: (at - begin) / 1000, camera: e.camera_name ?? undefined,
			cameraId: e.attrs?.camera, zone: e.zone_id ?? undefined, dwell: e.dwell_seconds ?? undefined,
			attrs: e.attrs ?? {}, line: n + 1 });
	});
	return events;
}
