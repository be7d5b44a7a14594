// SPDX-License-Identifier: Apache-2.0
//
// harness - starts a real hub and a real unit, asks them how they are, and audits what one
// wrote against what the other has. Used by the demo and by the tests in test/it.
//
// Nothing here is a fake: the programs are those of stage/ (or of a build folder), the files
// are read as a technician would read them, the hub is asked over HTTP.
import { spawn, execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const STAGE = process.env.HOLDFAST_STAGE ?? path.join(ROOT, 'stage');
export const bin = (name) => path.join(STAGE, 'bin', name);
export const run = promisify(execFile);
export const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

// Wait until probe() gives something true; a probe that throws is one that said no.
export async function until(what, probe, timeoutMs, everyMs = 100) {
	const end = Date.now() + timeoutMs;
	let last;
	for (;;) {
		try {
			const value = await probe();
			if (value) return value;
		} catch (error) {
			last = error;
		}
		if (Date.now() > end)
			throw new Error(`gave up after ${timeoutMs / 1000} s waiting for ${what}` +
				(last ? ` (${last.message})` : ''));
		await sleep(everyMs);
	}
}

const living = new Set();
// Whatever ends this script, nothing that it started goes on without it.
process.on('exit', () => { for (const child of living) child.kill('SIGKILL'); });

// A program of ours with its log in a file. prefix: e.g. ["ip", "netns", "exec", NAME].
export class Program {
	constructor(name, args, logFile, { prefix = [], env = {} } = {}) {
		const command = [...prefix, bin(name), ...args];
		this.logFile = logFile;
		const log = fs.openSync(logFile, 'a');
		this.child = spawn(command[0], command.slice(1), {
			stdio: ['ignore', log, log],
			env: { ...process.env, NO_COLOR: '1', ...env },
		});
		fs.closeSync(log);
		living.add(this.child);
		this.ended = new Promise((done) => {
			this.child.on('exit', (code, signal) => done({ code, signal }));
			this.child.on('error', (error) => done({ code: -1, signal: null, error }));
		});
		this.ended.then((how) => {
			this.how = how;
			living.delete(this.child);
		});
	}
	get pid() { return this.child.pid; }
	log() { return fs.readFileSync(this.logFile, 'utf8'); }
	kill(signal = 'SIGKILL') { if (!this.how) this.child.kill(signal); }
	async stop(timeoutMs = 15000) {
		this.kill('SIGTERM');
		const how = await Promise.race([this.ended, sleep(timeoutMs).then(() => null)]);
		if (how) return how;
		this.kill('SIGKILL');
		throw new Error(`pid ${this.pid} did not end in ${timeoutMs / 1000} s, see ${this.logFile}`);
	}
}

export async function startHub(folder, listen = '127.0.0.1:0', args = []) {
	fs.mkdirSync(folder, { recursive: true });
	const listenFile = path.join(folder, 'listen');
	fs.rmSync(listenFile, { force: true });
	const hub = new Program('holdfast-hub', ['--data', folder, '--listen', listen, ...args],
		path.join(folder, 'hub.log'));
	const url = await until('the hub to listen', () => {
		if (hub.how) throw new Error(`the hub ended: ${hub.log().trim()}`);
		const text = fs.readFileSync(listenFile, 'utf8').trim();
		return text && (text.startsWith('http') ? text : `http://${text}`);
	}, 15000);
	await until('the hub to answer', async () => (await fetch(`${url}/healthz`)).ok, 15000);
	return Object.assign(hub, { url: url.replace(/\/$/, '') });
}

export function startUnit(folder, configFile, options = {}) {
	fs.mkdirSync(folder, { recursive: true });
	return new Program('holdfastd', ['--config', configFile, '--data', folder],
		path.join(folder, '..', `${path.basename(folder)}.log`), options);
}

export async function status(dataFolder) {
	// 0 healthy, 4 degraded: both answer. Anything else has nothing to say.
	try {
		return JSON.parse((await run(bin('holdfast'), ['status', '--data', dataFolder, '--json'])).stdout);
	} catch (error) {
		if (error.code === 4) return JSON.parse(error.stdout);
		throw error;
	}
}

export const worker = (state, role, index = 0) =>
	state?.workers?.find((w) => w.role === role && w.index === index);

// The workers that ended in a unit's log, but for those that the policy had replaced for one of these
// reasons: the reader of a source that gives nothing is started anew, and that is no crash.
export const fallen = (log, ...reasons) =>
	[...log.matchAll(/worker_ended worker=(\S+) how="([^"]*)"/g)]
		.filter(([, , how]) => !reasons.some((reason) => how === `killed: ${reason}`))
		.map(([, name, how]) => `${name}: ${how}`);

// Every whole line of every day file, in the order of their numbers. A torn last line (the
// one thing a crash may leave) is not a line.
export function outboxLines(dataFolder) {
	const folder = path.join(dataFolder, 'outbox');
	const lines = [];
	if (!fs.existsSync(folder)) return lines;
	for (const name of fs.readdirSync(folder).filter((n) => n.endsWith('.jsonl'))) {
		for (const text of fs.readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1)) {
			try {
				lines.push({ ...JSON.parse(text), text, file: name });
			} catch {
				lines.push({ local_seq: NaN, text, file: name, bad: true });
			}
		}
	}
	return lines.sort((a, b) => a.local_seq - b.local_seq);
}

export async function getJson(url) {
	const answer = await fetch(url);
	if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
	return answer.json();
}

// All events of a device at the hub, in the order in which the hub stored them.
export async function hubEvents(url, device) {
	const events = [];
	for (let after = 0; ;) {
		const page = await getJson(`${url}/v1/events?device=${encodeURIComponent(device)}` +
			`&after=${after}&limit=1000`);
		if (page.events.length === 0) return events;
		events.push(...page.events);
		after = page.after;
	}
}

const countTwins = (keys) => {
	const seen = new Map();
	for (const key of keys) seen.set(key, (seen.get(key) ?? 0) + 1);
	return [...seen.values()].reduce((sum, n) => sum + n - 1, 0);
};

const stayKey = (e) => e.attrs?.stay && `${e.event_class} ${e.camera_name} ${e.zone_id} ${e.attrs.stay} ${e.attrs.escalation ?? 0}`;

// What the device wrote against what the hub has, up to a number (the cursor, say).
export function audit(lines, events, through = Infinity) {
	const mine = lines.filter((l) => l.local_seq <= through);
	const theirs = events.filter((e) => e.local_seq <= through);
	const have = new Set(theirs.map((e) => e.local_seq));
	let holes = 0;
	for (let i = 1; i < mine.length; i++)
		holes += mine[i].local_seq - mine[i - 1].local_seq - 1;
	return {
		written: mine.length,
		delivered: theirs.length,
		bad_lines: lines.filter((l) => l.bad).length,
		dropped: mine.filter((l) => !have.has(l.local_seq)).length,
		holes,
		twin_numbers: countTwins(mine.map((l) => `${l.epoch} ${l.local_seq}`)),
		twin_origins: countTwins(mine.map((l) => l.origin)),
		twin_stays: countTwins(mine.map(stayKey).filter(Boolean)),
		twins_at_hub: countTwins(theirs.map((e) => e.local_seq)),
		out_of_order: theirs.filter((e, i) => i > 0 && e.local_seq <= theirs[i - 1].local_seq).length,
	};
}

export const isRoot = process.getuid() === 0;

// What a fault does to a unit under test is over in seconds; see there.
export const QUICK_POLICY = path.join(ROOT, 'test/data/quick-policy.yaml');

// A unit's configuration as text. cameras: [{id, name, tile}]; every camera gets one zone.
// policy: the path of one; null: the installed one. Under one of its own a unit is given time, too:
// machines that run tests are busy, and the code may be instrumented.
export function unitConfig({ device, clip, hubUrl, cameras, zone, cooldown = '10s', extra = '', hub = {},
	policy = null }) {
	const quote = (text) => JSON.stringify(text);
	const hubLines = Object.entries(hub).map(([key, value]) => `  ${key}: ${value}\n`).join('');
	return `# Written by tools/harness.mjs
device:
  id: ${quote(device)}
hub:
  url: ${quote(hubUrl)}
${hubLines}${policy ? `policy:\n  path: ${quote(policy)}\n` : ''}${
	policy && !extra.includes('supervisor:') ? 'supervisor:\n  heartbeat_timeout: 3s\n' : ''}${
	policy && !extra.includes('infer:') ? 'infer:\n  deadline: 10s\n' : ''}sources:
  - id: dvr
    type: file
    url: ${quote(clip)}
    loop: true
cameras:
${cameras.map((c) => `  - {id: ${c.id}, name: ${quote(c.name)}, source: dvr, tile: ${c.tile}}`).join('\n')}
zones:
${cameras.map((c) => `  - {id: ${c.id}-zone, camera: ${c.id}, cooldown: ${cooldown}, points: ${JSON.stringify(zone)}}`).join('\n')}
${extra}`;
}
