// SPDX-License-Identifier: Apache-2.0
//
// chart - draws what the append benchmark measured: durable events a second as multiples of the
// disk's own write + flush, with 1 and with 16 producers, and what reaches the device.
//
// Input    figures: subject_waiting -> medians; peers: name -> {label, ...}
// Output   SVG text that reads on light and on dark paper
const WIDTH = 880, LEFT = 196, RIGHT = 24, ROW = 34, BAR = 12, GAP = 20;
const HALF = (WIDTH - LEFT - RIGHT - GAP) * 0.56; // of the bars of the rate; the rest is for bytes
const SECOND = LEFT + HALF + GAP + 46;

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

// A round number at or above: where the axis ends.
function ceiling(number) {
	const power = 10 ** Math.floor(Math.log10(number));
	return [1, 2, 3, 4, 5, 6, 8, 10].map((n) => n * power).find((n) => n >= number);
}

function rows(figures, peers) {
	// Through the real message path where there is one; others as people reach them.
	const known = [
		['keeper_ring', 'holdfast, ring', 'ours'], ['keeper_file', 'holdfast, plain file', 'ours'],
		['sqlite_socket', 'SQLite behind a socket', 'theirs'],
		...Object.entries(peers).map(([name, peer]) => [name, peer.label, peer.durable ? 'theirs' : 'weak']),
	];
	return known.filter(([name]) => figures.has(`${name}_1`) && figures.has(`${name}_16`))
		.sort((a, b) => (a[2] === 'weak') - (b[2] === 'weak'))
		.map(([name, label, kind]) => ({ label, kind, one: figures.get(`${name}_1`), many: figures.get(`${name}_16`) }));
}

export function outboxChart({ figures, peers }) {
	const list = rows(figures, peers);
	const honest = list.filter((row) => row.kind !== 'weak');
	const top = 92, height = top + list.length * ROW + 74;
	const rateMax = ceiling(Math.max(...honest.map((row) => row.many.ratio), 1));
	const bytesMax = ceiling(Math.max(...honest.map((row) => row.one.bytes ?? 0), 1) / 1000) * 1000;
	const rateX = (ratio) => Math.min(ratio / rateMax, 1) * (HALF - 62);
	const bytesWidth = WIDTH - RIGHT - SECOND - 40;
	const bytesX = (bytes) => Math.min(bytes / bytesMax, 1) * bytesWidth;
	const times = (ratio) => `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`;
	const kilo = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
	const parts = [];
	list.forEach((row, i) => {
		const y = top + i * ROW;
		const bar = (x, dy, width, kind, text) => {
			parts.push(`<rect class="${row.kind} ${kind}" x="${x}" y="${y + dy}" width="${Math.max(width, 1).toFixed(1)}" height="${BAR}" rx="1.5"/>`);
			if (text) parts.push(`<text class="value" x="${(x + width + 5).toFixed(1)}" y="${y + dy + 10}">${text}</text>`);
		};
		parts.push(`<text class="name" x="${LEFT - 10}" y="${y + 17}" text-anchor="end">${escape(row.label)}${row.kind === 'weak' ? ' *' : ''}</text>`);
		const clipped = (ratio) => (ratio > rateMax ? '→ ' : '') + times(ratio);
		bar(LEFT, 0, rateX(row.one.ratio), 'one', clipped(row.one.ratio));
		bar(LEFT, BAR + 1, rateX(row.many.ratio), 'many', clipped(row.many.ratio));
		if (row.kind === 'weak') {
			parts.push(`<text class="value" x="${SECOND}" y="${y + 17}">not flushed when it answers</text>`);
		} else if (row.one.bytes !== null) {
			bar(SECOND, 0, bytesX(row.one.bytes), 'one', kilo(row.one.bytes));
			bar(SECOND, BAR + 1, bytesX(row.many.bytes), 'many', kilo(row.many.bytes));
		}
	});
	const end = top + list.length * ROW + 4;
	const limit = (LEFT + rateX(1)).toFixed(1);
	const legend = (x, kind, text) => `<rect class="ours ${kind}" x="${x}" y="38" width="22" height="12" rx="1.5"/><text x="${x + 28}" y="48">${text}</text>`;
	const weak = list.filter((row) => row.kind === 'weak').map((row) => row.label);
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Durable events a second and bytes on the device, holdfast beside other logs">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a; }
.title { font-size: 15px; font-weight: 600; fill: #24292f; }
.name { font-size: 13px; fill: #24292f; }
.head { font-weight: 600; }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }
.one.ours { fill: #0969da; } .many.ours { fill: #0969da; opacity: .6; }
.one.theirs { fill: #6e7781; } .many.theirs { fill: #6e7781; opacity: .6; }
.one.weak { fill: #bf8700; opacity: .5; } .many.weak { fill: #bf8700; opacity: .3; }
.limit { stroke: #cf222e; fill: none; stroke-width: 1.2; stroke-dasharray: 4 3; }
.limitlabel { fill: #cf222e; }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1; } .title { fill: #f0f6fc; } .name { fill: #d1d7e0; } .value { stroke: #0d1117; }
.one.ours, .many.ours { fill: #4493f8; } .one.theirs, .many.theirs { fill: #9198a1; }
.one.weak, .many.weak { fill: #d29922; } .limit { stroke: #f85149; } .limitlabel { fill: #f85149; }
}
</style>
<text class="title" x="${LEFT}" y="22">Durable events of 600 bytes: acknowledged after they are on the disk</text>
${legend(LEFT, 'one', '1 producer')}
${legend(LEFT + 124, 'many', '16 producers')}
<text class="head" x="${LEFT}" y="76">events a second, × the disk's own write + flush</text>
<text class="head" x="${SECOND}" y="76">bytes on the device an event</text>
<path class="limit" d="M${limit},${top - 8}V${end}"/>
${parts.join('\n')}
<text class="limitlabel" x="${limit}" y="${end + 14}" text-anchor="middle">1 × = one line written and flushed at a time</text>
<text x="${LEFT}" y="${end + 36}">${escape('Journalled ext4, counters of the block device, each commit paired with one of the limit; medians.')}</text>
${weak.length === 0 ? '' : `<text x="${LEFT}" y="${end + 54}">${escape(`* ${weak.join(' and ')}: the answer comes before the event is on the disk.`)}</text>`}
</svg>
`;
}
