// SPDX-License-Identifier: Apache-2.0
//
// chart - draws one run of the demo: events committed, events at the hub, and the cut.
//
// Input    samples [{t (s), committed, delivered}], cut {from, to} in the same seconds
// Output   SVG text that reads on light and on dark paper
export function runChart(samples, cut) {
	const [width, height, left, right, top, bottom] = [880, 340, 56, 24, 64, 44];
	const tMax = Math.max(...samples.map((s) => s.t), cut.to + 5);
	const yMax = Math.max(10, ...samples.map((s) => s.committed)) * 1.08;
	const x = (t) => (left + (t / tMax) * (width - left - right)).toFixed(1);
	const y = (n) => (height - bottom - (n / yMax) * (height - top - bottom)).toFixed(1);
	// Counts are steps, not slopes.
	const steps = (key) => samples.map((s, i) => (i === 0 ? `M${x(s.t)},${y(s[key])}`
		: `H${x(s.t)}V${y(s[key])}`)).join('');
	const between = `${steps('committed')}${[...samples].reverse().map((s, i, all) =>
		(i === 0 ? `L${x(s.t)},${y(s.delivered)}` : `V${y(s.delivered)}H${x(s.t)}`)).join('')}Z`;
	const grid = [];
	const yStep = 10 ** Math.floor(Math.log10(yMax / 2)) * (yMax / 2 >= 5 * 10 ** Math.floor(Math.log10(yMax / 2)) ? 5 : 2);
	for (let n = 0; n <= yMax; n += yStep)
		grid.push(`<path class="grid" d="M${left},${y(n)}H${width - right}"/>` +
			`<text x="${left - 8}" y="${Number(y(n)) + 4}" text-anchor="end">${n}</text>`);
	for (let t = 0; t <= tMax; t += 10)
		grid.push(`<text x="${x(t)}" y="${height - bottom + 18}" text-anchor="middle">${t} s</text>`);
	const waiting = Math.max(...samples.map((s) => s.committed - s.delivered));
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Events committed and delivered during a demo run with a cut uplink">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a; }
.title { font-size: 15px; font-weight: 600; fill: #24292f; }
.grid { stroke: #d0d7de; fill: none; stroke-width: .6; }
.cut { fill: #cf222e; opacity: .09; }
.cutlabel { fill: #cf222e; font-weight: 600; }
.waiting { fill: #bf8700; opacity: .22; }
.committed { stroke: #0969da; fill: none; stroke-width: 2.2; }
.delivered { stroke: #1a7f37; fill: none; stroke-width: 2.2; }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1; } .title { fill: #f0f6fc; } .grid { stroke: #3d444d; }
.committed { stroke: #4493f8; } .delivered { stroke: #3fb950; } .cutlabel { fill: #f85149; } .cut { fill: #f85149; }
}
</style>
<text class="title" x="${left}" y="22">One demo run: the uplink is cut, detection goes on, the backlog drains in order</text>
<path class="committed" d="M${left},40h22"/><text x="${left + 28}" y="44">committed on the unit</text>
<path class="delivered" d="M${left + 184},40h22"/><text x="${left + 212}" y="44">acknowledged by the hub</text>
<rect class="waiting" x="${left + 376}" y="34" width="22" height="12"/><text x="${left + 404}" y="44">waiting in the outbox, ${waiting} at most</text>
${grid.join('\n')}
<rect class="cut" x="${x(cut.from)}" y="${top}" width="${(x(cut.to) - x(cut.from)).toFixed(1)}" height="${height - top - bottom}"/>
<text class="cutlabel" x="${(Number(x(cut.from)) + Number(x(cut.to))) / 2}" y="${top + 16}" text-anchor="middle">uplink cut</text>
<path class="waiting" d="${between}"/>
<path class="committed" d="${steps('committed')}"/>
<path class="delivered" d="${steps('delivered')}"/>
</svg>
`;
}
