// SPDX-License-Identifier: Apache-2.0
//
// holdfast analyze, as people and scripts run it: the same lines each time, lines that a unit
// would have stored, a movie that plays, and for what goes wrong a message and nothing left behind.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { bin, isRoot, until } from '../../tools/harness.mjs';

const FOOTAGE = '/usr/share/doc/opencv-doc/examples/data/vtest.avi';
const FRAMES = 40; // four seconds
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-analyze-'));
after(() => { if (!process.env.KEEP_IT) fs.rmSync(home, { recursive: true, force: true }); });

const at = (...names) => path.join(home, ...names);
const write = (name, data) => {
	fs.writeFileSync(at(name), data);
	return at(name);
};
const ffmpeg = (...args) => execFileSync('ffmpeg', ['-v', 'error', '-y', ...args]);

function makeClip(name, seconds, filter) {
	ffmpeg('-i', FOOTAGE, '-t', `${seconds}`, ...(filter ? ['-vf', filter] : []), '-q:v', '2', at(name));
	fs.utimesSync(at(name), 1700000000, 1700000000);
	return at(name);
}

const ZONE = '[[0.3, 0.3], [0.7, 0.3], [0.7, 0.8], [0.3, 0.8]]';
function config(name, { layout = '1x1', url = 'not-there.avi', cameras = 1, more = '', extra = '' } = {}) {
	const list = Array.from({ length: cameras }, (_, i) => i + 1);
	return write(`${name}.yaml`, `${extra}sources:
  - {id: cam, url: ${url}, layout: ${layout}, loop: true}
${more}cameras:
${list.map((i) => `  - {id: c${i}, name: "Camera ${i}", source: cam, tile: ${i}}`).join('\n')}
zones:
${list.map((i) => `  - {id: z${i}, camera: c${i}, cooldown: 1s, points: ${ZONE}}`).join('\n')}
`);
}

const clip = makeClip('walk.avi', FRAMES / 10);
const plain = config('plain');
const analyze = (...args) =>
	spawnSync(bin('holdfast'), ['analyze', ...args], { encoding: 'utf8', timeout: 240000, cwd: home });
const linesOf = (text) => text.split('\n').slice(0, -1).map((line) => JSON.parse(line));

describe('events', () => {
	const first = analyze('--config', plain, '--json', clip);

	test('somebody who walks into the zone is found, in the clip\'s own time', () => {
		assert.equal(first.status, 0, first.stderr);
		const lines = linesOf(first.stdout);
		assert.ok(lines.length > 0);
		assert.equal(lines[0].event_class, 'pre_action_zone_entry');
		assert.equal(lines[0].camera_name, 'Camera 1');
		assert.equal(lines[0].zone_id, 'z1');
		assert.equal(lines[0].device_id, 'analyze');
		assert.deepEqual(lines.map((l) => l.local_seq), lines.map((_, i) => i + 1));
		for (const line of lines) {
			const ms = Date.parse(line.captured_at) - 1700000000000;
			assert.ok(ms >= 0 && ms < FRAMES * 100, line.captured_at);
			assert.equal(line.thumb_path, null);
		}
	});

	test('two runs, and one with another number of detectors, give the same bytes', () => {
		const again = analyze('--config', plain, '--json', clip);
		const alone = analyze('--config', config('alone', { extra: 'infer: {workers: 1}\n' }), '--json', clip);
		assert.equal(again.stdout, first.stdout);
		assert.equal(alone.stdout, first.stdout);
	});

	test('the lines pass for those of a unit, pictures and all', () => {
		const kept = at('unit');
		const run = analyze('--config', plain, '--json', '--thumbs', kept, clip);
		assert.equal(run.status, 0, run.stderr);
		fs.mkdirSync(path.join(kept, 'outbox'));
		fs.writeFileSync(path.join(kept, 'outbox', '2023-11-14.jsonl'), run.stdout);
		for (const line of linesOf(run.stdout))
			assert.ok(fs.statSync(line.thumb_path).size > 0, line.thumb_path);
		// All but the line that keeper writes when it begins a file.
		const verify = spawnSync(bin('holdfast'), ['outbox', 'verify', kept], { encoding: 'utf8' });
		assert.match(verify.stdout, /header_wrong .*byte 0 (.|\n)*\b1 problem found/);
	});

	test('a person gets a row an event, and what it came to', () => {
		const run = analyze('--config', plain, clip);
		assert.equal(run.status, 0, run.stderr);
		assert.match(run.stdout, /^TIME +CAMERA +ZONE +EVENT +DWELL +SCORE\n00:0\d\.\d +Camera 1 +z1 +pre_action_zone_entry/);
		assert.match(run.stdout, /\nCAMERA +LOOKS +ZONE +EVENTS\nCamera 1 +\d+ +z1 +\d+ pre_action_zone_entry/);
		assert.match(run.stderr, /event.* in 3\.9 s of video \(40 frames, \d+ looks\)/);
		assert.equal(run.stderr.trim().split('\n').length, 1, run.stderr);
	});

	test('the source that the clip stands for is named where there are several', () => {
		const two = config('two', { more: '  - {id: other, url: x.avi}\n' });
		const asked = analyze('--config', two, '--json', clip);
		assert.equal(asked.status, 1);
		assert.match(asked.stderr, /2 sources: say with --source .*cam, other/);
		const run = analyze('--config', two, '--source', 'cam', '--json', clip);
		assert.equal(run.stdout, first.stdout);
	});

	test('a screen with fewer tiles than cameras is not watched, and that is told', () => {
		const run = analyze('--config', config('wide', { layout: 'auto', cameras: 2 }), clip);
		assert.equal(run.status, 0, run.stderr);
		assert.match(run.stderr, /nothing was watched: .* 1x1-std, and there is a camera at tile 2/);
		assert.match(run.stdout, /Camera 2 +0 +z2 +never on the screen/);
	});

	const clips = process.env.HOLDFAST_CLIPS;
	test('a switched screen is an event, in its place', { skip: !clips }, () => {
		// MJPEG pictures one after the other are a clip: twice 4x4, then twice 2x2.
		const parts = ['4x4-border', '2x2-border'].map((name) => {
			ffmpeg('-i', path.join(clips, `${name}.avi`), '-c', 'copy', '-f', 'mjpeg', at(name));
			return fs.readFileSync(at(name));
		});
		const screen = write('switched.mjpeg', Buffer.concat([parts[0], parts[0], parts[1], parts[1]]));
		const run = analyze('--config', config('screen', { layout: 'auto', cameras: 2 }), '--json', screen);
		assert.equal(run.status, 0, run.stderr);
		const lines = linesOf(run.stdout);
		const change = lines.find((l) => l.event_class === 'view_changed');
		assert.ok(change, run.stdout);
		assert.equal(change.layout_id, '2x2-std');
		assert.equal(change.attrs.from, '4x4-std');
		const times = lines.map((l) => l.mono_ms);
		assert.deepEqual(times, [...times].sort((a, b) => a - b));
		assert.ok(!lines.some((l) => l.event_class.startsWith('source_')));
	});
});

describe('--draw', () => {
	const pixels = (file, second) => execFileSync('ffmpeg', ['-v', 'error', '-ss', `${second}`, '-i', file,
		'-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], { maxBuffer: 1 << 26 });
	const probe = (file) => JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-count_frames', '-of', 'json',
		'-show_entries', 'stream=codec_name,width,height,pix_fmt,nb_read_frames,duration', file])).streams[0];

	test('the movie has the clip\'s frames, size and time, in what browsers play, and is drawn on', () => {
		const out = at('drawn.mp4');
		fs.writeFileSync(out, 'an older one');
		const run = analyze('--config', plain, '--json', '--draw', out, clip);
		assert.equal(run.status, 0, run.stderr);
		const movie = probe(out);
		assert.deepEqual([movie.codec_name, movie.pix_fmt, movie.width, movie.height, +movie.nb_read_frames],
			['h264', 'yuv420p', 768, 576, FRAMES]);
		assert.ok(Math.abs(movie.duration - FRAMES / 10) < 0.15, movie.duration);
		const [before, then] = [pixels(clip, 3), pixels(out, 3)];
		assert.equal(before.length, then.length);
		let changed = 0;
		for (let i = 0; i < before.length; i += 3)
			changed += Math.abs(before[i] - then[i]) > 60;
		assert.ok(changed > 1000 && changed < before.length / 3, `${changed} pixels are drawn on`);
		assert.deepEqual(fs.readdirSync(home).filter((n) => n.endsWith('.part')), []);
	});

	test('one frame of odd size is a movie, too', () => {
		const small = makeClip('odd.avi', 0.1, 'crop=321:241');
		const run = analyze('--config', plain, '--draw', at('odd.mp4'), small);
		assert.equal(run.status, 0, run.stderr);
		const movie = probe(at('odd.mp4'));
		assert.deepEqual([movie.width, movie.height, +movie.nb_read_frames], [320, 240, 1]);
	});

	// Needs a file system of its own, which not every container may have.
	const mayMount = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0;
	test('a full disk ends the movie and not the events', { skip: !mayMount }, () => {
		fs.mkdirSync(at('tiny'));
		const run = spawnSync('unshare', ['-m', 'sh', '-c',
			'mount -t tmpfs -o size=64k tiny "$1" && shift && exec "$@"', 'sh', at('tiny'),
			bin('holdfast'), 'analyze', '--config', plain, '--json', '--draw', at('tiny', 'x.mp4'), clip],
		{ encoding: 'utf8', timeout: 240000 });
		assert.equal(run.status, 5, run.stderr);
		assert.match(run.stderr, /--draw: .*No space left on device; the events go on without it/);
		assert.ok(linesOf(run.stdout).length > 0);
	});
});

describe('bad input', () => {
	const lone = write('rubbish.avi', 'this is not a video\n'.repeat(100));
	fs.copyFileSync(clip, at('walk.mp4'));
	const cases = {
		'no clip': [[], 2, /needs CLIP/],
		'an option that is not there': [['--bogus', clip], 2, /no option --bogus/],
		'a missing clip': [['nope.avi'], 1, /nope\.avi: No such file/],
		'a folder': [[os.tmpdir()], 1, /not a regular file/],
		'no video': [[lone], 1, /rubbish\.avi is not a video/],
		'a missing configuration': [['--config', 'nope.yaml', clip], 1, /nope\.yaml: No such file/],
		'a bad configuration': [['--config', write('bad.yaml', 'cameras: [{id: a, tile: 99}]\n'), clip], 1,
			/bad\.yaml:1:\d+: .*tile.*(.|\n)*not a usable configuration/],
		'no such source': [['--source', 'x', clip], 1, /has no source x/],
		'a movie over the clip': [['--draw', at('walk.mp4'), at('walk.mp4')], 1, /that is the clip itself/],
		'a movie of another kind': [['--draw', 'x.avi', clip], 1, /name it \*\.mp4/],
		'a movie where nobody can write': [['--draw', '/nope/x.mp4', clip], 1, /create \/nope\/x\.mp4\.part/],
	};
	for (const [name, [args, status, message]] of Object.entries(cases))
		test(name, () => {
			const run = analyze(...(args.includes('--config') ? [] : ['--config', plain]), '--json', ...args);
			assert.equal(run.status, status, run.stderr);
			assert.match(run.stderr, message);
			assert.equal(run.stdout, '');
		});

	test('a clip that is cut short is watched as far as it goes', () => {
		const cut = write('cut.avi', fs.readFileSync(clip).subarray(0, 600000));
		const run = analyze('--config', plain, '--json', cut);
		assert.equal(run.status, 0, run.stderr);
		assert.match(run.stderr, /cut\.avi: some pictures could not be decoded/);
	});
});

describe('ends', () => {
	const long = makeClip('long.avi', 30);
	const children = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/)
		.filter(Boolean).map((child) => ({
			pid: +child, name: fs.readFileSync(`/proc/${child}/comm`, 'utf8').trim(),
		}));

	// Runs until the first event is told, then what is asked for happens.
	async function inTheMiddle(args, what) {
		const child = spawn(bin('holdfast'), ['analyze', '--config', plain, '--json', ...args, long],
			{ stdio: ['ignore', 'pipe', 'pipe'] });
		const self = { child, stdout: '', stderr: '' };
		child.stdout.on('data', (data) => { self.stdout += data; });
		child.stderr.on('data', (data) => { self.stderr += data; });
		const ended = new Promise((done) => child.on('close', (code, signal) => done({ code, signal })));
		await until('the first event', () => self.stdout.includes('\n') || child.exitCode !== null, 120000);
		assert.equal(child.exitCode, null, self.stderr);
		self.workers = children(child.pid);
		what(self);
		Object.assign(self, await ended);
		await until('its children to be gone',
			() => self.workers.every((w) => !fs.existsSync(`/proc/${w.pid}`)), 10000);
		return self;
	}
	const kill = (self, name) => process.kill(self.workers.find((w) => w.name === name).pid, 'SIGKILL');

	test('Ctrl-C leaves nothing behind', async () => {
		const run = await inTheMiddle(['--draw', at('c.mp4')], (self) => self.child.kill('SIGINT'));
		assert.equal(run.signal, 'SIGINT');
		assert.match(run.stderr, /interrupted/);
		assert.deepEqual(fs.readdirSync(home).filter((n) => n.startsWith('c.mp4')), []);
		assert.ok(run.workers.length >= 5, JSON.stringify(run.workers));
	});

	for (const name of ['ingest', 'infer', 'respond'])
		test(`${name} dies: told, and the lines so far are whole`, async () => {
			const run = await inTheMiddle([], (self) => kill(self, name));
			assert.equal(run.code, 1);
			assert.match(run.stderr, new RegExp(`the program ${name} ended unexpectedly \\(killed by signal 9`));
			assert.ok(linesOf(run.stdout).length > 0);
		});

	test('the painter dies: the events go on', async () => {
		const run = await inTheMiddle(['--draw', at('p.mp4')], (self) => kill(self, 'paint'));
		assert.equal(run.code, 5, run.stderr);
		assert.match(run.stderr, /the program paint ended unexpectedly .*; the events go on without it/);
		assert.match(run.stderr, /in 29\.9 s of video/);
		assert.deepEqual(fs.readdirSync(home).filter((n) => n.startsWith('p.mp4')), []);
	});

	test('nobody reads any more: it ends', async () => {
		const run = await inTheMiddle([], (self) => self.child.stdout.destroy());
		assert.equal(run.code, 1);
		assert.match(run.stderr, /write to standard output/);
	});
});
