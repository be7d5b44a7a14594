// SPDX-License-Identifier: Apache-2.0
//
// Files that are no videos, broken videos, and files that try to have others opened. Each is
// watched as ingest does it, in the sandbox of ingest (watch_file.c), within bounds of time and
// memory: no crash, no call that the sandbox kills for, no connection, nothing read but the file.
// Then the worst of them are sources of a real unit, beside one that is sound.
//
// SEED=n: the bits that are flipped; a failure prints it.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { after, before, test } from 'node:test';
import { fallen, sleep, startUnit, status, until, worker } from '../../tools/harness.mjs';
import { shortClip } from './small_unit.mjs';

const WATCH = process.env.HOLDFAST_WATCH_FILE;
const CLIPS = process.env.HOLDFAST_CLIPS;
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const FLIPPED = Number(process.env.FLIPPED ?? 12); // files a clip
const SECONDS = 30;
const RESIDENT_KIB = 900 * 1024; // a frame of the largest size is 28 MB in 4:4:4

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-media-'));
const elsewhere = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-media-elsewhere-'));
const at = (name) => path.join(home, name);
const hasClips = fs.existsSync(path.join(CLIPS, 'small.avi'));
const clip = (name) => fs.readFileSync(path.join(CLIPS, name));

// Whoever follows a link out of a file comes here.
let connections = 0;
const trap = net.createServer((socket) => { connections++; socket.destroy(); });
let unit;
before(() => new Promise((done) => trap.listen(0, '127.0.0.1', done)));
after(async () => {
	trap.close();
	if (unit && !unit.how) await unit.stop();
	for (const folder of [home, elsewhere]) fs.rmSync(folder, { recursive: true, force: true });
});
const url = () => `http://127.0.0.1:${trap.address().port}/a.ts`;

function random(seed) { // mulberry32
	return () => {
		seed = (seed + 0x6d2b79f5) | 0;
		let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

async function watch(file, frames = 3) {
	const child = spawn(WATCH, [file, String(frames)], { stdio: ['ignore', 'pipe', 'pipe'] });
	let out = '', log = '';
	child.stdout.on('data', (data) => { out += data; });
	child.stderr.on('data', (data) => { log += data; });
	const timer = setTimeout(() => child.kill('SIGKILL'), SECONDS * 1000);
	const [code, signal] = await new Promise((done) => child.on('close', (...how) => done(how)));
	clearTimeout(timer);
	assert.equal(signal, null, `${path.basename(file)}: ended by ${signal} (seed ${SEED}): ${log.slice(-1500)}`);
	assert.ok(code === 0 || code === 1, `${path.basename(file)}: exit ${code}: ${log.slice(-1500)}`);
	const said = JSON.parse(out);
	if (!process.env.ASAN_OPTIONS)
		assert.ok(said.resident_kib < RESIDENT_KIB, `${path.basename(file)}: ${said.resident_kib} KiB`);
	return said;
}

async function refused(name, data) {
	fs.writeFileSync(at(name), data);
	const said = await watch(at(name));
	assert.equal(said.frames, 0, `${name}: ${JSON.stringify(said)}`);
	assert.match(said.why, new RegExp(name.replaceAll('.', '\\.')), 'the message names the file');
}

const chunk = (type, data) => {
	const body = Buffer.concat([Buffer.from(type), data]);
	const frame = Buffer.alloc(8);
	frame.writeUInt32BE(data.length);
	frame.writeUInt32BE(zlib.crc32 ? zlib.crc32(body) : crc32(body), 4);
	return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
};
function crc32(data) { // node 18 has none
	let crc = ~0;
	for (const byte of data) {
		crc ^= byte;
		for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc >>> 0;
}
function png(width, height, pixels) {
	const head = Buffer.alloc(13);
	head.writeUInt32BE(width);
	head.writeUInt32BE(height, 4);
	head.set([8, 2, 0, 0, 0], 8);
	return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head),
		chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}
// A name that libavformat reads as a pattern, and a playlist in every disguise.
const playlists = () => {
	const real = path.join(elsewhere, 'real.mp4');
	return {
		'hls.m3u8': `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${url()}\n#EXT-X-ENDLIST\n`,
		'hls.avi': `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n`,
		'hls-key.ts': `#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="${url()}"\n#EXTINF:10,\n${real}\n#EXT-X-ENDLIST\n`,
		'real.m3u8': `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${real}\n#EXT-X-ENDLIST\n`,
		'concat.txt': `ffconcat version 1.0\nfile ${real}\n`,
		'concat.mp4': `ffconcat version 1.0\nfile /etc/passwd\nfile '${url()}'\n`,
		'dash.mpd': `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><BaseURL>${url()}</BaseURL><Period><AdaptationSet><Representation id="1"><BaseURL>${real}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
		'picture.svg': `<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" width="320" height="240"><image x:href="${url()}" width="320" height="240"/></svg>`,
		'entity.xml': `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`,
		'session.sdp': `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${trap.address().port} RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
		'ram.avi': `rtsp://127.0.0.1:${trap.address().port}/\n`,
		'asx.avi': `<asx version="3.0"><entry><ref href="${url()}"/></entry></asx>`,
		'reference.mov': '', // below
	};
};
// A movie whose samples lie in another file: data reference "url " of a track.
function referring(target) {
	const movie = clip('chained.mp4');
	const place = movie.indexOf('url ');
	assert.ok(place > 0);
	// Same size as before is not needed: nobody should look at it.
	const text = Buffer.from(`${target}\0`);
	const bytes = Buffer.concat([movie.subarray(0, place), Buffer.from('url \0\0\0\0', 'latin1'), text, movie.subarray(place + 8)]);
	for (const box of ['moov', 'trak', 'mdia', 'minf', 'dinf', 'dref', 'url ']) {
		const size = bytes.lastIndexOf(box, place) - 4;
		if (size >= 0) bytes.writeUInt32BE(bytes.readUInt32BE(size) + text.length, size);
	}
	return bytes;
}

test('a file that names others has none of them opened, and no host asked', { skip: !hasClips }, async () => {
	fs.writeFileSync(path.join(elsewhere, 'real.mp4'), clip('chained.mp4'));
	for (const [name, data] of Object.entries(playlists()))
		if (name !== 'reference.mov') await refused(name, data);
	for (const target of [url(), 'file:///etc/passwd', path.join(elsewhere, 'real.mp4')]) {
		fs.writeFileSync(at('reference.mov'), referring(target));
		await watch(at('reference.mov')); // its own samples are still there: it may be watched
	}
	for (const name of ['concat:a.avi|b.avi', 'a,b.avi', 'http:x', 'picture%03d.png', 'subfile,,start,0,end,9,,:a'])
		await refused(name, 'nothing');
	assert.equal(connections, 0);
});

test('what is no file, or nothing, is said', async () => {
	execFileSync('mkfifo', [at('fifo.avi')]);
	fs.mkdirSync(at('folder.avi'));
	fs.symlinkSync('/dev/zero', at('zero.avi'));
	fs.symlinkSync('loop.avi', at('loop.avi'));
	for (const name of ['fifo.avi', 'folder.avi', 'zero.avi', 'loop.avi', 'not-there.avi']) {
		const said = await watch(at(name));
		assert.equal(said.frames, 0, name);
		assert.match(said.why, new RegExp(name));
	}
	await refused('empty.avi', '');
	await refused('zeros.avi', Buffer.alloc(3 << 20));
	await refused('noise.mp4', Buffer.from(Array.from({ length: 1 << 18 }, random(SEED), (x) => x).map((x) => x * 256)));
});

test('pictures that claim to be huge are refused before anybody makes room for them', { skip: !hasClips }, async () => {
	const bomb = zlib.deflateSync(Buffer.alloc(64 << 20));
	await refused('huge.png', png(60000, 60000, bomb));
	await refused('wide.png', png(2 ** 31 - 1, 1, bomb));
	await refused('flat.png', png(0, 0, bomb));
	const avi = clip('small.avi');
	for (const [name, width, height] of [['huge.avi', 65535, 65535], ['negative.avi', -2, -2], ['thin.avi', 1, 60000]]) {
		const bytes = Buffer.from(avi);
		const format = bytes.indexOf('strf') + 8; // BITMAPINFOHEADER
		bytes.writeInt32LE(width, format + 4);
		bytes.writeInt32LE(height, format + 8);
		fs.writeFileSync(at(name), bytes);
		await watch(at(name));
	}
	const jpeg = clip('still.jpg');
	const start = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
	assert.ok(start > 0);
	jpeg.writeUInt16BE(65500, start + 5);
	jpeg.writeUInt16BE(65500, start + 7);
	await refused('huge.jpg', jpeg);
});

test(`damaged videos end in a message or in pictures, seed ${SEED}`, { skip: !hasClips }, async () => {
	const next = random(SEED);
	for (const name of ['small.avi', 'chained.mp4', 'still.png', 'still.jpg', 'a.mjpeg']) {
		const whole = clip(name);
		for (let i = 0; i < FLIPPED; i++) {
			const bytes = Buffer.from(whole);
			// The first kilobyte, where lengths and sizes are, more often than the rest.
			for (let flips = 1 + Math.floor(next() * 20); flips > 0; flips--)
				bytes[Math.floor(next() * (next() < 0.6 ? Math.min(1024, bytes.length) : bytes.length))] ^=
					1 << Math.floor(next() * 8);
			const cut = next() < 0.3 ? Math.floor(next() * bytes.length) : bytes.length;
			const file = at(`${i}-${name}`);
			fs.writeFileSync(file, bytes.subarray(0, cut));
			const said = await watch(file, 10);
			assert.ok(said.frames > 0 || said.why !== '', `${file}: nothing said (seed ${SEED})`);
			fs.rmSync(file);
		}
	}
	assert.equal(connections, 0);
});

test('a unit with three of them for sources watches the fourth, and nobody falls over', { skip: !hasClips }, async () => {
	const sources = ['hls.m3u8', 'concat.mp4', 'huge.png'];
	const config = at('holdfast.yaml');
	fs.writeFileSync(config, `device: {id: hostile-media}
sources:
  - {id: dvr, type: file, url: "${shortClip().clip}", loop: true}
${sources.map((name, i) => `  - {id: s${i}, type: file, url: "${at(name)}", loop: true}\n`).join('')}cameras:
  - {id: c1, source: dvr, tile: 1}
${sources.map((_, i) => `  - {id: h${i}, source: s${i}, tile: 1}\n`).join('')}`);
	unit = startUnit(at('unit'), config);
	const frames = async () => worker(await status(at('unit')), 'ingest', 0)?.stats?.frames ?? 0;
	await until('frames', async () => {
		if (unit.how) throw new Error(unit.log());
		return await frames() > 0;
	}, 60000);
	await until('each to be told', () => sources.every((_, i) => unit.log().includes(`source_lost source=s${i}`)), 30000);
	const before = await frames();
	await sleep(5000); // two more attempts to open them
	const state = await status(at('unit'));
	assert.ok(await frames() > before);
	assert.deepEqual(fallen(unit.log(), 'source_lost'), []);
	for (const w of state.workers)
		if (w.role !== 'ingest' || w.index === 0) assert.equal(w.restarts, 0, `${w.role}.${w.index}`);
	assert.equal(connections, 0);
	assert.equal((await unit.stop()).code, 0);
});
