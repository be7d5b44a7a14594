// SPDX-License-Identifier: Apache-2.0
//
// Goal: on a recorder's screen exactly the cameras that have a fault are told, each once and with
// its own fault, and no other tile is ever blind. However the picture was compressed: where that
// leaves no noise to judge by, nothing may be called frozen.
//
// Method: the 16-camera screen of tools/make-screen (LOADING_BAY frozen, NORTH_FENCE without
// signal, BIKE_SHED dark and noisy), as it is and compressed again, through health-screen.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bin } from '../../tools/harness.mjs';

const healthScreen = process.env.HOLDFAST_HEALTH_SCREEN;
const makeScreen = fileURLToPath(new URL('../../tools/make-screen', import.meta.url));
const vtest = process.env.HOLDFAST_VTEST ?? '/usr/share/doc/opencv-doc/examples/data/vtest.avi';
const skip = existsSync(vtest) ? false : 'needs opencv-doc';
const FROZEN = 6, LOSS = 8;
let folder, screen;

const watch = (file, tiles) => execFileSync(healthScreen, [file, String(tiles)], { encoding: 'utf8' })
	.trim().split('\n').map((line) => JSON.parse(line));
const faults = (lines) => lines.filter((line) => line.news)
	.map((line) => `${line.news} ${line.fault} ${line.tile}`).sort();
const everBlind = (lines) => [...new Set(lines.flatMap((line) => line.blind ?? []))].sort();

function compress(name, input, ...options) {
	const out = join(folder, name);
	execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', input, ...options, out]);
	return out;
}

before(() => {
	if (skip)
		return;
	folder = mkdtempSync(join(tmpdir(), 'holdfast-health-'));
	screen = execFileSync(makeScreen, ['--seconds', '100', '--fps', '2'],
		{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
});
after(() => folder && rmSync(folder, { recursive: true }));

test('the frozen and the lost camera are told once and no other is blind', { skip }, () => {
	const lines = watch(screen, 16);
	assert.deepEqual(faults(lines), [`raised frozen ${FROZEN}`, `raised no_signal ${LOSS}`]);
	assert.deepEqual(everBlind(lines), [FROZEN, LOSS]);
	const frozen = lines.find((line) => line.fault === 'frozen');
	assert.ok(frozen.t >= 54 && frozen.t <= 60, `frozen was found after ${frozen.t} s`);
	const blind = lines.find((line) => line.blind?.includes(FROZEN));
	assert.ok(blind.t <= 2, `it was blind after ${blind.t} s`);
});

// Sound ones are not blind for a moment, nor is the frozen one woken by a key frame, whatever the
// quality: where it is good a key frame changes the live pictures no more than anything else does.
test('a tile frozen from the start is blind from its second picture on', { skip }, () => {
	const short = execFileSync(makeScreen, ['--seconds', '12', '--fps', '5'],
		{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
	const files = [short];

	for (const preset of ['ultrafast', 'medium'])
		for (const crf of ['20', '28'])
			for (const g of ['10', '50'])
				files.push(compress(`${preset}-${crf}-${g}.mkv`, short, '-c:v', 'libx264', '-preset', preset,
					'-crf', crf, '-g', g));
	for (const file of files) {
		const blind = watch(file, 16).filter((line) => line.blind);
		assert.deepEqual(blind.map((line) => line.blind), [[FROZEN, LOSS]], file);
		assert.ok(blind[0].t <= 1, `${file}: blind after ${blind[0].t} s`);
	}
});

// Somebody stands in it. Without a word for the one who cannot be seen the others are found in time.
test('nobody is found in a tile that was frozen from the start', { skip }, () => {
	const config = join(folder, 'frozen.yaml');
	const tiles = [5, FROZEN, 9, 10];
	const lines = ['sources: [{url: screen.avi}]', 'cameras:', ...tiles.map((t) => `  - {id: cam-${t}, tile: ${t}}`),
		'zones:', ...tiles.map((t) => `  - {id: zone-${t}, camera: cam-${t}, points: [[0, 0], [1, 0], [1, 1], [0, 1]]}`)];
	const clip = execFileSync(makeScreen, ['--seconds', '12', '--fps', '5'],
		{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

	writeFileSync(config, lines.join('\n') + '\n');
	for (const file of [clip, compress('entry.mkv', clip, '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '20',
		'-g', '10')]) {
		const events = execFileSync(bin('holdfast'), ['analyze', '--config', config, '--json', file],
			{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim().split('\n').map((line) => JSON.parse(line));
		const first = new Map(events.map((event) => [event.camera_name, event.mono_ms]).reverse());
		assert.ok(!first.has(`cam-${FROZEN}`), JSON.stringify(events));
		// Analysis begins at 1 s.
		assert.deepEqual([...first].filter(([, ms]) => ms < 4000).length, 3, JSON.stringify([...first]));
	}
});

test('a screen recorded with key frames has the same faults', { skip }, () => {
	const lines = watch(compress('good.mkv', screen, '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '20',
		'-g', '10'), 16);
	assert.deepEqual(faults(lines), [`raised frozen ${FROZEN}`, `raised no_signal ${LOSS}`]);
	assert.deepEqual(everBlind(lines), [FROZEN, LOSS]);
});

test('a screen compressed until its noise is gone has no frozen tile', { skip }, () => {
	const lines = watch(compress('poor.mkv', screen, '-vf', 'hqdn3d=8', '-c:v', 'libx264', '-preset',
		'ultrafast', '-crf', '40', '-g', '30'), 16);
	assert.deepEqual(faults(lines), [`raised no_signal ${LOSS}`]);
	assert.deepEqual(everBlind(lines), [LOSS]);
});

test('one camera with people is sound in its own clip, compressed or not', { skip }, () => {
	const poor = compress('one.mkv', vtest, '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '38');

	for (const file of [vtest, poor]) {
		const lines = watch(file, 1);
		assert.deepEqual(faults(lines), []);
		assert.deepEqual(everBlind(lines), []);
	}
});
