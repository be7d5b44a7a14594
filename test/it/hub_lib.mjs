// SPDX-License-Identifier: Apache-2.0
// What the hub's tests have in common: outbox lines with a right CRC, and a hub to send them to.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const HUB = process.env.HOLDFAST_HUB;
export const NONCE = '0123456789abcdef0123456789abcdef';
export const EPOCH = 'e1f0a9';

const CRC_TABLE = Array.from({ length: 256 }, (_, n) => {
	for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0x82f63b78 : n >>> 1;
	return n >>> 0;
});

export function crc32c(text) {
	let crc = 0xffffffff;
	for (const byte of Buffer.from(text)) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
	return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
}

// What the lines made so far end with: device, epoch and number -> chain value. Lines are made in
// the order of their numbers; one behind a gap continues the last one before it.
const chains = new Map();
const chainKey = (device, epoch) => `${device} ${epoch}`;

function chainBefore(device, epoch, seq) {
	let best = 0, chain = '0'.repeat(64);
	for (const [n, value] of chains.get(chainKey(device, epoch)) ?? [])
		if (n < seq && n > best) [best, chain] = [n, value];
	return chain;
}

// The tests of a file share the names of devices: each begins with a hub of its own.
export function forgetChains() {
	chains.clear();
}

// One outbox line. `over` replaces members; the key order is the unit's. A line that was made
// before keeps its place in the chain: what follows goes on from the first one.
export function line(device, seq, { chain_previous, ...over } = {}) {
	const members = {
		device_id: device, local_seq: seq, captured_at: new Date().toISOString(),
		layout_id: '4x4-std', camera_name: 'gate', event_class: 'pre_action_zone_entry',
		zone_id: 'z1', dwell_seconds: 1.5, thumb_path: null, model_tag: 'person-v1@a1f2c9',
		v: 1, epoch: EPOCH, boot_id: 'b', mono_ms: 1, clock: 'synced', release: 'r1',
		state: 'healthy', attrs: {}, origin: `1.r.1.${seq}`, ...over,
	};
	let head = JSON.stringify(members).slice(0, -1);
	const previous = chain_previous ?? chainBefore(device, members.epoch, seq);
	const chain = createHash('sha256').update(Buffer.from(previous, 'hex')).update(head).digest('hex');
	const key = chainKey(device, members.epoch);
	if (!chains.has(key)) chains.set(key, new Map());
	if (!chains.get(key).has(seq)) chains.get(key).set(seq, chain);
	head += `,"chain":"${chain}"`;
	return `${head},"crc32c":"${crc32c(head)}"}\n`;
}

export function folder(t) {
	forgetChains();
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hf_hub_'));
	t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
	return dir;
}

// Start the hub and wait until it says that it listens.
export async function start(t, dir, args = [], command = null) {
	const all = ['--data', dir, '--listen', '127.0.0.1:0', ...args];
	const child = command
		? spawn('sh', ['-c', `${command}; exec "$0" "$@"`, HUB, ...all])
		: spawn(HUB, all);
	const hub = { child, dir, stderr: '' };
	hub.exited = new Promise((done) => child.on('exit', (code, signal) => done({ code, signal })));
	t.after(async () => {
		child.kill('SIGKILL');
		await hub.exited;
	});
	await new Promise((done, fail) => {
		child.stderr.on('data', (data) => {
			hub.stderr += data;
			const found = /listening on (http:\S+)/.exec(hub.stderr);
			if (found) {
				hub.url = found[1];
				done();
			}
		});
		hub.exited.then(({ code }) => fail(new Error(`hub left with ${code}: ${hub.stderr}`)));
	});
	return hub;
}

export function post(hub, body, over = {}) {
	const headers = {
		'Content-Type': 'application/x-ndjson', 'Holdfast-Device': 'unit-1',
		'Holdfast-Epoch': EPOCH, 'Holdfast-Nonce': NONCE, ...over,
	};
	for (const key of Object.keys(headers)) if (headers[key] === null) delete headers[key];
	return fetch(`${hub.url}/v1/events`, { method: 'POST', headers, body });
}

export async function get(hub, where, status = 200, headers = {}) {
	const answer = await fetch(hub.url + where, { headers });
	assert.equal(answer.status, status, where);
	return answer.json();
}
