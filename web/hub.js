// SPDX-License-Identifier: Apache-2.0
// The hub's page: asks /v1/events for what is new once a second and shows it, newest on top.
// Everything that comes from a unit is untrusted and reaches the page as text only.
'use strict';

const POLL_MS = 1000;           // while the page is looked at
const POLL_HIDDEN_MS = 10000;
const FLEET_MS = 4000;          // units and gaps
const RETRY_MAX_MS = 10000;
const ROWS_MAX = 400;           // older rows leave the page, not the hub
const PAGE_ROWS = 50;
const LATE_MS = 60000;
const SEARCH_PAGES = 8;         // stretches looked through for a rare class at one click

const STATES = ['safe_mode', 'rolled_back', 'recovering', 'degraded', 'healthy'];
const CLASSES = {
	pre_action_zone_entry: 'Zone entry',
	outbox_file_opened: 'New day file',
};

const $ = (id) => document.getElementById(id);

const view = {
	after: 0, before: null,
	device: '', eventClass: '',
	classes: new Set(),
	clockSkewMs: 0,             // hub's clock minus this machine's
	round: 0,                   // rises when the filter changes: answers to older questions are dropped
	loaded: false, busy: false,
	unseen: 0,
	fleetAt: 0,
	failures: 0, lostSince: null,
	troubleKey: '',
	fleet: [],
};
let timer = 0;

// ---- small tools ----

function el(tag, attributes = {}, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (value === null || value === undefined) continue;
		if (name === 'on') for (const [what, run] of Object.entries(value)) node.addEventListener(what, run);
		else node.setAttribute(name, value);
	}
	node.append(...children.filter((child) => child !== null));
	return node;
}

function icon(name) {
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
	use.setAttribute('href', `#i-${name}`);
	svg.setAttribute('aria-hidden', 'true');
	svg.append(use);
	return svg;
}

const text = (value) => (typeof value === 'string' ? value : '');
const known = (state) => (STATES.includes(state) ? state : null);
const words = (name) => text(name).replaceAll('_', ' ').trim();
const titleOf = (name) => CLASSES[name] ??
	(words(name).charAt(0).toUpperCase() + words(name).slice(1) || 'Event');
const plural = (n, one, many = `${one}s`) => `${n.toLocaleString()} ${n === 1 ? one : many}`;
const hubNow = () => Date.now() + view.clockSkewMs;

function span(ms) {
	const s = Math.max(0, Math.round(ms / 1000));
	if (s < 60) return `${s} s`;
	if (s < 3600) return `${Math.floor(s / 60)} m`;
	if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} m`;
	return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

const clockFormat = new Intl.DateTimeFormat(undefined,
	{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const dayTimeFormat = new Intl.DateTimeFormat(undefined,
	{ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });

function timeOf(iso, format = clockFormat) {
	const ms = Date.parse(iso);
	if (!Number.isFinite(ms)) return el('time', { title: 'the unit sent no readable time' }, text(iso).slice(0, 30));
	return el('time', { datetime: new Date(ms).toISOString(), title: `${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')} UTC` },
		format.format(ms));
}

function dayOf(ms) {
	const start = (when) => new Date(when).setHours(0, 0, 0, 0);
	const days = Math.round((start(Date.now()) - start(ms)) / 86400000);
	if (days === 0) return 'Today';
	return days === 1 ? 'Yesterday' : dayFormat.format(ms);
}

// ---- talking to the hub ----

class Refused extends Error {}

async function ask(where) {
	const token = sessionStorage.getItem('token');
	const answer = await fetch(where, {
		headers: token ? { Authorization: `Bearer ${token}` } : {},
		signal: AbortSignal.timeout(10000),
	});
	if (answer.status === 401) throw new Refused();
	if (!answer.ok) {
		const body = await answer.json().catch(() => ({}));
		throw new Error(text(body.message) || `the hub answered ${answer.status}`);
	}
	return answer;
}

const askJson = async (where) => (await ask(where)).json();

function eventsPath(extra) {
	const query = new URLSearchParams(extra);
	if (view.device) query.set('device', view.device);
	if (view.eventClass) query.set('class', view.eventClass);
	return `/v1/events?${query}`;
}

// ---- thumbnails: asked for when they come into sight, again while they are on their way ----

const pictures = new Map(); // digest -> object URL; bounded
const waiting = new Map();  // node -> { digest, tries }

function digestOf(event) {
	const found = /([0-9a-f]{64})\.jpg$/.exec(text(event.thumb_path));
	return found ? found[1] : null;
}

async function loadPicture(node) {
	const job = waiting.get(node);
	if (!job || job.busy || !node.isConnected) return;
	job.busy = true;
	try {
		let url = pictures.get(job.digest);
		if (!url) {
			url = URL.createObjectURL(await (await ask(`/v1/thumbs/${job.digest}`)).blob());
			pictures.set(job.digest, url);
			while (pictures.size > 600) {
				const [oldest, oldestUrl] = pictures.entries().next().value;
				pictures.delete(oldest);
				URL.revokeObjectURL(oldestUrl);
			}
		}
		const img = el('img', { src: url, alt: '' });
		await img.decode();
		node.replaceChildren(img);
		waiting.delete(node);
	} catch {
		job.busy = false;
		job.tries++;
		if (job.tries < 40) setTimeout(() => loadPicture(node), Math.min(1000 * job.tries, 15000));
		else waiting.delete(node);
	}
}

const sight = new IntersectionObserver((entries) => {
	for (const entry of entries)
		if (entry.isIntersecting) {
			sight.unobserve(entry.target);
			loadPicture(entry.target);
		}
}, { rootMargin: '300px' });

function pictureOf(event, lazy = true) {
	const digest = digestOf(event);
	const node = el('div', { class: 'picture', title: digest ? 'the picture comes after its event' : 'no picture' }, icon('camera'));
	if (!digest) return node;
	waiting.set(node, { digest, tries: 0, busy: false });
	if (lazy) sight.observe(node);
	else queueMicrotask(() => loadPicture(node));
	return node;
}

// ---- events ----

const capturedMs = (event) => {
	const ms = Date.parse(event.captured_at);
	return event.clock !== 'unsynced' && Number.isFinite(ms) ? ms : Date.parse(event.received_at);
};

function badgesOf(event) {
	const badges = [];
	const late = Date.parse(event.received_at) - Date.parse(event.captured_at);
	if (event.clock === 'unsynced')
		badges.push(el('span', { class: 'badge', title: 'the unit had no right time yet: the time shown is that of arrival' }, 'clock not set'));
	else if (late > LATE_MS)
		badges.push(el('span', { class: 'badge late', title: `seen ${text(event.captured_at)}, arrived ${text(event.received_at)}` }, `late ${span(late)}`));
	if (event.state !== 'healthy')
		badges.push(el('span', { class: 'badge', 'data-state': known(event.state) }, words(event.state) || 'state unknown'));
	return badges;
}

// What a unit says about itself, in short: the first plain values among the attributes.
function attrsOf(event) {
	return Object.entries(event.attrs ?? {})
		.filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
		.slice(0, 3)
		.map(([name, value]) => `${words(name)} ${String(value).slice(0, 40)}`)
		.join(' · ');
}

function rowOf(event) {
	const open = { click: () => showDetail(event) };
	const ms = capturedMs(event);
	const sameDay = dayOf(ms) === dayOf(Date.parse(event.received_at));
	const when = timeOf(new Date(ms).toISOString(), sameDay ? clockFormat : dayTimeFormat);
	if (!text(event.camera_name))
		return el('button', { class: 'minor', type: 'button', on: open },
			icon('unit'),
			el('span', { class: 'what' },
				el('span', { class: 'title' }, titleOf(event.event_class)),
				el('span', {}, text(event.device_id)),
				el('span', {}, attrsOf(event)), ...badgesOf(event)),
			when);
	const zone = text(event.zone_id);
	const dwell = typeof event.dwell_seconds === 'number' ? `${event.dwell_seconds.toFixed(1)} s` : '';
	const place = [zone, dwell].filter(Boolean).join(' · ');
	return el('button', { class: 'event', type: 'button', on: open },
		pictureOf(event),
		el('span', { class: 'what' },
			el('span', { class: 'first' },
				el('span', { class: 'title' }, titleOf(event.event_class)), when),
			el('span', { class: 'where' }, text(event.camera_name),
				place ? el('em', {}, ` · ${place}`) : null),
			el('span', { class: 'from' },
				el('span', { class: 'unit-id' }, text(event.device_id)), ...badgesOf(event))));
}

function addRow(event, where, isNew) {
	const list = $('list');
	const row = rowOf(event);
	row.dataset.day = dayOf(Date.parse(event.received_at));
	row.dataset.row = event.hub_row;
	if (isNew) row.classList.add('new');
	if (where === 'top') list.prepend(row);
	else list.append(row);
	view.classes.add(text(event.event_class));
}

// Rows stand in the order of arrival, and so do the days above them.
function putDays() {
	for (const heading of $('list').querySelectorAll('.day')) heading.remove();
	let day = '';
	for (const row of [...$('list').children])
		if (row.dataset.day !== day) {
			day = row.dataset.day;
			row.before(el('h3', { class: 'day' }, day));
		}
}

function trimRows() {
	const rows = $('list').querySelectorAll('button');
	if (rows.length <= ROWS_MAX) return;
	for (let i = ROWS_MAX; i < rows.length; i++) rows[i].remove();
	view.before = Number(rows[ROWS_MAX - 1].dataset.row);
	$('older').hidden = false;
}

function afterRows() {
	putDays();
	putClasses();
	showEmpty();
}

async function loadNewest() {
	const round = view.round;
	const page = await askJson(eventsPath({ limit: PAGE_ROWS }));
	if (round !== view.round) return;
	$('list').replaceChildren();
	view.after = page.after;
	view.loaded = true;
	await takeOlder(page, round);
}

// Older events may need several looks: each is a bounded stretch of the hub's rows.
async function takeOlder(page, round) {
	let found = 0;
	for (let looks = 1; round === view.round; looks++) {
		for (const event of page.events.reverse()) addRow(event, 'bottom', false);
		found += page.events.length;
		view.before = page.before;
		if (found >= PAGE_ROWS || page.before === null || looks >= SEARCH_PAGES) break;
		page = await askJson(eventsPath({ limit: PAGE_ROWS, before: page.before }));
	}
	if (round !== view.round) return;
	$('older').hidden = view.before === null;
	afterRows();
}

async function loadNew() {
	const round = view.round;
	let added = 0;
	for (let pages = 0; pages < 10; pages++) {
		const page = await askJson(eventsPath({ limit: 100, after: view.after }));
		if (round !== view.round) return;
		if (page.after < view.after) { // the hub began anew
			await loadNewest();
			return;
		}
		for (const event of page.events) addRow(event, 'top', true);
		added += page.events.length;
		const done = page.after === view.after || page.events.length < 100;
		view.after = page.after;
		if (done) break;
	}
	if (added === 0) return;
	view.fleetAt = -FLEET_MS; // their unit has changed too
	trimRows();
	afterRows();
	$('announce').textContent = plural(added, 'new event');
	if (document.hidden) view.unseen += added;
	putTitle();
}

function putTitle() {
	document.title = `${view.unseen > 0 ? `(${view.unseen}) ` : ''}holdfast hub`;
}

function showEmpty() {
	const box = $('empty');
	box.hidden = $('list').childElementCount > 0;
	if (box.hidden) return;
	if (view.device || view.eventClass) {
		box.replaceChildren(el('h3', {}, 'Nothing that fits'),
			el('p', {}, view.before === null ? 'No event on this hub matches the filter.' :
				'Nothing in the newest events. "Show older events" looks further back.'));
		return;
	}
	box.replaceChildren(
		el('h3', {}, 'No events yet'),
		el('p', {}, 'Point a unit here: in its holdfast.yaml'),
		el('pre', {}, `hub:\n  url: ${location.origin}`),
		el('p', {}, 'Its events are already waiting in its outbox and appear here within seconds, oldest first, each once, however often the link breaks.'),
		el('p', {}, 'Nothing comes? ', el('code', {}, 'holdfast status'), ' on the unit says what the link is waiting for.'));
}

// ---- one event ----

function showDetail(event) {
	const { hub_row: row, received_at: received, ...line } = event;
	const facts = [
		['Unit', text(event.device_id)],
		['Camera', text(event.camera_name)],
		['Zone', text(event.zone_id)],
		['Stay', typeof event.dwell_seconds === 'number' ? `${event.dwell_seconds.toFixed(1)} s` : ''],
		['Seen', timeOf(event.captured_at, fullFormat)],
		['Arrived', timeOf(received, fullFormat)],
		['Clock', words(event.clock)],
		['State', words(event.state)],
		['Model', text(event.model_tag)],
		['Release', text(event.release)],
		['Number', `${event.local_seq} (epoch ${text(event.epoch)}), row ${row} of this hub`],
	];
	const body = [];
	if (digestOf(event)) body.push(pictureOf(event, false));
	body.push(el('dl', {}, ...facts.filter(([, value]) => value !== '')
		.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])));
	body.push(el('details', {}, el('summary', {}, 'The line as the unit wrote it'),
		el('pre', {}, JSON.stringify(line, null, 2))));
	$('detail-title').textContent = titleOf(event.event_class);
	$('detail-body').replaceChildren(...body);
	$('detail').showModal();
}

// ---- units, gaps ----

// One entry a unit: the row of its newest epoch, what is wrong summed over all of them.
function unitsOf(rows) {
	const units = new Map();
	for (const row of rows) {
		const unit = units.get(row.device_id);
		if (!unit) units.set(row.device_id, { ...row });
		else for (const count of ['events', 'conflicts', 'forks', 'missing']) unit[count] += row[count];
	}
	const rank = (unit) => (STATES.indexOf(unit.state) + STATES.length) % STATES.length;
	return [...units.values()].sort((a, b) => rank(a) - rank(b) || (a.device_id < b.device_id ? -1 : 1));
}

function putUnits() {
	const focused = document.activeElement?.dataset?.device;
	$('units').replaceChildren(...view.fleet.map((unit) => {
		const marks = [];
		if (unit.missing > 0) marks.push(el('span', { class: 'badge gap' }, `${unit.missing.toLocaleString()} missing`));
		if (unit.conflicts > 0) marks.push(el('span', { class: 'badge bad' }, plural(unit.conflicts, 'conflict')));
		if (unit.forks > 0) marks.push(el('span', { class: 'badge bad' }, plural(unit.forks, 'fork')));
		const ago = hubNow() - Date.parse(unit.last_seen);
		const last = ago < 5000 ? 'just now' : `${span(ago)} ago`;
		const button = el('button', {
			class: 'unit', type: 'button', 'data-state': known(unit.state) ?? 'none', 'data-device': unit.device_id,
			'aria-pressed': String(view.device === unit.device_id),
			title: `release ${unit.release}\nlast heard ${unit.last_seen}`,
			on: { click: () => setFilter(view.device === unit.device_id ? '' : unit.device_id, view.eventClass) },
		},
			el('span', { class: 'name' }, el('span', { class: 'dot' }), el('span', {}, unit.device_id)),
			el('span', { class: 'facts' }, el('span', { class: 'word' }, words(unit.state) || 'unknown'), el('span', {}, last)),
			el('span', { class: 'facts' }, el('span', {}, plural(unit.events, 'event')), el('span', {}, `latest no. ${unit.mark.toLocaleString()}`)),
			marks.length > 0 ? el('span', { class: 'marks' }, ...marks) : null);
		return el('li', {}, button);
	}));
	if (focused !== undefined)
		for (const button of $('units').querySelectorAll('button'))
			if (button.dataset.device === focused) button.focus({ preventScroll: true });
	$('tally').replaceChildren(...STATES.map((state) => [state, view.fleet.filter((unit) => unit.state === state).length])
		.filter(([, count]) => count > 0)
		.map(([state, count]) => el('span', {}, el('i', { class: 'dot', 'data-state': state }), `${count} ${words(state)}`)));
	if (view.fleetAt > 0 && view.fleet.length === 0) $('tally').textContent = 'none has called yet';
	putOptions($('by-device'), 'all units', view.fleet.map((unit) => [unit.device_id, unit.device_id]), view.device);
}

function putTrouble(gaps) {
	const conflicts = view.fleet.filter((unit) => unit.conflicts > 0);
	const forks = view.fleet.filter((unit) => unit.forks > 0);
	const missing = gaps.reduce((sum, gap) => sum + gap.count, 0);
	const key = JSON.stringify([gaps.map((gap) => [gap.device_id, gap.epoch, gap.first, gap.last]),
		conflicts.map((unit) => [unit.device_id, unit.conflicts]), forks.map((unit) => [unit.device_id, unit.forks])]);
	view.troubleKey = key;
	$('trouble').hidden = (gaps.length === 0 && conflicts.length === 0 && forks.length === 0) ||
		localStorage.getItem('trouble-seen') === key;
	const heads = [];
	if (conflicts.length > 0) heads.push('Two units seem to share one identity.');
	if (forks.length > 0) heads.push('A history does not continue what is stored.');
	if (gaps.length > 0) heads.push(`${plural(missing, 'event')} never came.`);
	$('trouble-what').textContent = heads.join(' ');
	const lines = conflicts.map((unit) => el('li', {}, el('b', {}, unit.device_id),
		`: ${plural(unit.conflicts, 'request')} refused: other bytes under numbers that are stored. A copied card, or a restored backup.`));
	for (const unit of forks)
		lines.push(el('li', {}, el('b', {}, unit.device_id),
			`: the chain broke ${plural(unit.forks, 'time')}. A copied card, a restored backup, or a log that was altered; what came after stands under a new epoch.`));
	for (const gap of gaps.slice(0, 4)) {
		const range = gap.first === gap.last ? `no. ${gap.first.toLocaleString()}` :
			`nos. ${gap.first.toLocaleString()} to ${gap.last.toLocaleString()}`;
		lines.push(el('li', {}, el('b', {}, gap.device_id), `: ${range}, noticed `, timeOf(gap.noticed_at, fullFormat)));
	}
	if (gaps.length > 4) lines.push(el('li', {}, `and ${plural(gaps.length - 4, 'more gap')} at /v1/gaps`));
	$('trouble-list').replaceChildren(...lines);
}

async function loadFleet() {
	const [devices, gaps] = await Promise.all([askJson('/v1/devices'), askJson('/v1/gaps')]);
	view.clockSkewMs = Date.parse(devices.now) - Date.now();
	view.fleet = unitsOf(devices.devices);
	view.fleetAt = performance.now();
	putUnits();
	putTrouble(gaps.gaps);
}

// ---- filters: they live in the address, so that a link shows the same ----

function putOptions(select, all, options, chosen) {
	const wanted = [['', all], ...options];
	if (chosen && !options.some(([value]) => value === chosen)) wanted.push([chosen, chosen]);
	select.classList.toggle('on', chosen !== '');
	const same = select.options.length === wanted.length &&
		wanted.every(([value], i) => select.options[i].value === value);
	if (!same) select.replaceChildren(...wanted.map(([value, label]) => el('option', { value }, label)));
	select.value = chosen;
}

function putClasses() {
	putOptions($('by-class'), 'all classes',
		[...view.classes].filter(Boolean).sort().map((name) => [name, titleOf(name)]), view.eventClass);
}

function setFilter(device, eventClass) {
	const query = new URLSearchParams();
	if (device) query.set('device', device);
	if (eventClass) query.set('class', eventClass);
	location.hash = query.toString();
}

function readFilter() {
	const query = new URLSearchParams(location.hash.slice(1));
	view.device = query.get('device') ?? '';
	view.eventClass = query.get('class') ?? '';
	putUnits();
	putClasses();
}

// ---- the beat ----

function showLink(error) {
	const lost = error !== null;
	view.failures = lost ? view.failures + 1 : 0;
	if (!lost) view.lostSince = null;
	else view.lostSince ??= Date.now();
	// One slow answer is not an outage: it is shown from the second on.
	const shown = view.failures > 1;
	document.body.classList.toggle('stale', shown);
	$('pulse').dataset.link = shown ? 'lost' : lost ? 'wait' : 'live';
	$('pulse-text').textContent = shown ? 'no connection' : lost ? 'waiting' : 'live';
	$('lost').hidden = !shown;
	if (!shown) return;
	$('lost-what').textContent = `No answer from the hub for ${span(Date.now() - view.lostSince)}.`;
	$('lost-why').textContent = `${error instanceof TypeError ? 'It cannot be reached.' : `It says: ${error.message}.`} ` +
		'Units keep their events meanwhile. This page goes on trying.';
}

async function beat() {
	clearTimeout(timer);
	if (view.busy) return; // the one in flight sets the next
	view.busy = true;
	try {
		if (view.loaded) await loadNew();
		else await loadNewest();
		if (view.fleetAt <= 0 || performance.now() - view.fleetAt > FLEET_MS) await loadFleet();
		showLink(null);
	} catch (error) {
		if (error instanceof Refused) {
			$('pulse-text').textContent = 'locked';
			document.body.classList.add('locked');
			if ($('token').hidden) {
				$('token').hidden = false;
				$('token-value').focus();
			}
			return; // until a token is given
		}
		showLink(error);
	} finally {
		view.busy = false;
	}
	const wait = document.hidden ? POLL_HIDDEN_MS : POLL_MS;
	const slowed = Math.min(wait * 2 ** Math.min(view.failures, 4), Math.max(wait, RETRY_MAX_MS));
	clearTimeout(timer);
	timer = setTimeout(beat, view.loaded || view.failures > 0 ? slowed : 0);
}

function tick() {
	const now = new Date(hubNow());
	$('clock').replaceChildren(clockFormat.format(now));
	$('clock').title = `${now.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function reload() {
	view.round++;
	view.loaded = false;
	readFilter();
	beat();
}

$('by-device').addEventListener('change', (change) => setFilter(change.target.value, view.eventClass));
$('by-class').addEventListener('change', (change) => setFilter(view.device, change.target.value));
$('older').addEventListener('click', async () => {
	const round = view.round;
	$('older').disabled = true;
	try {
		await takeOlder(await askJson(eventsPath({ limit: PAGE_ROWS, before: view.before })), round);
	} catch (error) {
		showLink(error);
	}
	$('older').disabled = false;
});
$('trouble-seen').addEventListener('click', () => {
	localStorage.setItem('trouble-seen', view.troubleKey);
	$('trouble').hidden = true;
});
$('token').addEventListener('submit', (submit) => {
	submit.preventDefault();
	sessionStorage.setItem('token', $('token-value').value.trim());
	$('token-value').value = '';
	$('token').hidden = true;
	document.body.classList.remove('locked');
	beat();
});
$('detail-close').addEventListener('click', () => $('detail').close());
$('detail').addEventListener('click', (click) => { if (click.target === $('detail')) $('detail').close(); });
window.addEventListener('hashchange', reload);
document.addEventListener('visibilitychange', () => {
	if (document.hidden) return;
	view.unseen = 0;
	putTitle();
	beat();
});

readFilter();
setInterval(tick, 1000);
setInterval(putUnits, 15000);
tick();
beat();
