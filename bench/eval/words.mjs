// SPDX-License-Identifier: Apache-2.0
//
// words - a score as lines for people.
import { summary } from './score.mjs';

const n = (value, digits = 2) => (value === null ? '-' : value.toFixed(digits));
const place = (x) => [x.camera ?? x.cameraId, x.zone].filter(Boolean).join('/');

// What was missed and what was false, in order of time.
export function describe(truth, result) {
	const lines = [];
	for (const x of result.missed)
		lines.push([x.at, `missed  ${n(x.at, 1).padStart(6)} s  ${x.class}  ${place(x)}${x.who ? `  (${x.who})` : ''}`]);
	for (const e of result.extra)
		lines.push([e.t, `false   ${n(e.t, 1).padStart(6)} s  ${e.class}  ${place(e)}` +
			`${e.dwell !== undefined ? `  dwell ${n(e.dwell, 1)} s` : ''}  (line ${e.line})`]);
	for (const f of result.found)
		if (f.dwell_error_s !== null && Math.abs(f.dwell_error_s) > 1)
			lines.push([f.event.t, `dwell   ${n(f.event.t, 1).padStart(6)} s  ${f.event.class}  ${place(f.expected)}` +
				`  said ${n(f.event.dwell, 1)} s, off by ${n(f.dwell_error_s, 1)} s`]);
	return lines.sort((a, b) => a[0] - b[0]).map(([, text]) => text);
}

// A table: a row a class, and one for all.
export function figures(items, classes) {
	const head = ['', 'due', 'found', 'missed', 'false', 'recall', 'precision', 'false/camera-hour (95 % below)',
		'late p50 p95 s', 'dwell error p50 p95 s'];
	const rows = [...classes, null].map((cls) => {
		const s = summary(items, cls);
		return [cls ?? 'all', s.expected, s.found, s.missed, s.extra, n(s.recall, 3), n(s.precision, 3),
			`${n(s.false_per_camera_hour, 1)} (${n(s.false_per_camera_hour_upper, 1)})`,
			`${n(s.late_p50_s, 1)} ${n(s.late_p95_s, 1)}`, `${n(s.dwell_error_p50_s)} ${n(s.dwell_error_p95_s)}`].map(String);
	});
	const all = [head, ...rows];
	const widths = head.map((_, i) => Math.max(...all.map((row) => row[i].length)));
	return all.map((row) => row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ').trimEnd());
}
