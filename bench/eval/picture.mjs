// SPDX-License-Identifier: Apache-2.0
//
// picture - draws what was due and what came, a band a clip, a line a zone and class.
//
// Input    items [{truth, result}] of score.mjs
// Output   SVG text that reads on light and on dark paper
const ROW = 17, LEFT = 250, RIGHT = 20, WIDTH = 1120;
const escape = (text) => String(text).replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);

function rowsOf({ truth, result }) {
	const rows = new Map();
	const row = (x, cls) => {
		const camera = x.cameraId ?? x.camera;
		const key = `${x.zone ?? camera ?? ''} ${cls.replace('pre_action_', '').replace('_dwell_exceeded', '')}`;
		if (!rows.has(key)) rows.set(key, { camera, zone: x.zone, cls, due: [], marks: [], ignore: [] });
		return rows.get(key);
	};
	// Sorted by name, whatever happened first.
	const sorted = [...truth.expect, ...result.extra, ...result.ignored.map((i) => i.event)]
		.sort((a, b) => `${a.zone} ${a.class}`.localeCompare(`${b.zone} ${b.class}`));
	for (const x of sorted) row(x, x.class);
	for (const f of result.found) {
		row(f.expected, f.expected.class).due.push({ ...f.expected, is: 'found' });
		row(f.expected, f.expected.class).marks.push({ t: f.event.t, is: 'found' });
	}
	for (const x of result.missed) row(x, x.class).due.push({ ...x, is: 'missed' });
	for (const e of result.extra) row(e, e.class).marks.push({ t: e.t, is: 'false' });
	for (const i of result.ignored) row(i.event, i.event.class).marks.push({ t: i.event.t, is: 'ignored' });
	for (const r of truth.ignore)
		for (const own of rows.values())
			if ((!r.classes || r.classes.includes(own.cls)) && (!r.camera || r.camera === own.camera) &&
				(!r.zone || r.zone === own.zone)) own.ignore.push(r);
	return rows;
}

function band(item, top) {
	const { truth } = item, rows = rowsOf(item), out = [];
	const x = (t) => (LEFT + (Math.min(Math.max(t, 0), truth.seconds) / truth.seconds) * (WIDTH - LEFT - RIGHT)).toFixed(1);
	out.push(`<text class="title" x="12" y="${top + 16}">${escape(truth.scene ?? 'clip')}</text>` +
		`<text x="${LEFT}" y="${top + 16}">${escape(truth.about ?? '')}</text>`);
	let y = top + 24;
	for (const [key, row] of rows) {
		out.push(`<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escape(key)}</text>` +
			`<path class="grid" d="M${LEFT},${y + ROW - 0.5}H${WIDTH - RIGHT}"/>`);
		for (const r of row.ignore)
			out.push(`<rect class="ignore" x="${x(r.from)}" y="${y + 1}" width="${Math.max(1, x(r.to) - x(r.from)).toFixed(1)}" height="${ROW - 3}"><title>${escape(r.why ?? '')}</title></rect>`);
		for (const d of row.due) {
			const from = x(d.at - d.early), to = x(d.at + d.late);
			out.push(`<rect class="due ${d.is}" x="${from}" y="${y + 3}" width="${Math.max(2, to - from).toFixed(1)}" height="${ROW - 7}"><title>${escape(`${d.who ?? ''} due ${d.at} s`)}</title></rect>`);
		}
		for (const m of row.marks)
			out.push(`<path class="mark ${m.is}" d="M${x(m.t)},${y + 1}v${ROW - 3}"><title>${escape(`${m.is} ${m.t.toFixed(2)} s`)}</title></path>`);
		y += ROW;
	}
	const step = truth.seconds > 300 ? 60 : truth.seconds > 100 ? 20 : 10;
	for (let t = 0; t <= truth.seconds; t += step)
		out.push(`<text class="tick" x="${x(t)}" y="${y + 11}" text-anchor="middle">${t} s</text>`);
	return { out, bottom: y + 24 };
}

export function timeline(items) {
	let y = 34;
	const bands = [];
	for (const item of items) {
		const { out, bottom } = band(item, y);
		bands.push(...out);
		y = bottom;
	}
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="Events that were due and events that came, scene by scene">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a; }
.title { font-weight: 600; fill: #24292f; } .tick { font-size: 10px; }
.grid { stroke: #d0d7de; stroke-width: .6; }
.ignore { fill: #8c959f; opacity: .22; }
.due.found { fill: #1a7f37; opacity: .25; } .due.missed { fill: #cf222e; opacity: .3; stroke: #cf222e; }
.mark { stroke-width: 2.4; } .mark.found { stroke: #1a7f37; } .mark.false { stroke: #cf222e; } .mark.ignored { stroke: #8c959f; }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1; } .title { fill: #f0f6fc; } .grid { stroke: #3d444d; }
.due.found { fill: #3fb950; } .mark.found { stroke: #3fb950; } .due.missed { fill: #f85149; stroke: #f85149; } .mark.false { stroke: #f85149; }
}
</style>
<rect class="due found" x="12" y="10" width="22" height="10"/><text x="40" y="19">due, and came</text>
<rect class="due missed" x="150" y="10" width="22" height="10"/><text x="178" y="19">due, and missed</text>
<path class="mark found" d="M300,8v14"/><text x="308" y="19">event</text>
<path class="mark false" d="M370,8v14"/><text x="378" y="19">false event</text>
<rect class="ignore" x="470" y="10" width="22" height="10"/><path class="mark ignored" d="M486,8v14"/><text x="500" y="19">not judged: nobody could say</text>
${bands.join('\n')}
</svg>
`;
}
