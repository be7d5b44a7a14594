// SPDX-License-Identifier: Apache-2.0
//
// Somebody walks into a zone and stands there. He is told once at the threshold and once at twice
// that, with the dwell he has, although respond is killed in between; and although the wall clock
// is set by an hour and by a year, forth and back, while he stands.
//
// The clip is made here: a man of vtest.avi walks in, then his frame stands, with fresh noise.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { STAGE, bin, outboxLines, sleep, startUnit, status, until, worker } from '../../tools/harness.mjs';

const VTEST = '/usr/share/doc/opencv-doc/examples/data/vtest.avi';
const THRESHOLD_S = 8;
let folder, clip;

before(() => {
	folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-it-'));
	clip = path.join(folder, 'stands.avi');
	execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', VTEST, '-vf',
		'trim=start_frame=364:end_frame=397,setpts=PTS-STARTPTS,' +
		'tpad=stop_mode=clone:stop_duration=50,noise=alls=8:allf=t:all_seed=5',
		'-c:v', 'mjpeg', '-q:v', '3', clip]);
});
after(() => { if (folder && !process.env.KEEP_IT) fs.rmSync(folder, { recursive: true, force: true }); });

function start(name, options) {
	const config = path.join(folder, `${name}.yaml`), data = path.join(folder, name);
	fs.writeFileSync(config, `
sources: [{id: film, type: file, url: ${clip}, layout: 1x1}]
cameras: [{id: yard, tile: 1}]
zones:
  - id: corner
    camera: yard
    cooldown: 0
    loitering: {person: ${THRESHOLD_S}s}
    points: [[0.80, 0.60], [0.999, 0.60], [0.999, 0.82], [0.80, 0.82]]
motion: {full_look: 500ms}
infer: {workers: 1}
`);
	const unit = { data, program: startUnit(data, config, options) };
	unit.events = () => outboxLines(data).filter((l) => l.zone_id === 'corner');
	unit.loitering = () => unit.events().filter((l) => l.event_class === 'loitering_dwell_exceeded');
	unit.until = (what, probe) => until(what, () => {
		if (unit.program.how) throw new Error(unit.program.log().slice(-600));
		return probe();
	}, 90000);
	return unit;
}

// Exactly one event and one escalation, of one stay, each with the dwell that it asks for.
function checkEvents(unit) {
	const told = unit.loitering();
	assert.deepEqual(told.map((l) => l.attrs.escalation), [0, 1],
		JSON.stringify(told.map((l) => [l.attrs.escalation, l.dwell_seconds, l.attrs.stay])));
	assert.equal(told[0].attrs.stay, told[1].attrs.stay);
	told.forEach((line, i) => {
		const threshold = THRESHOLD_S * (i + 1);
		assert.equal(line.attrs.class, 'person');
		assert.equal(line.attrs.threshold_s, threshold);
		assert.ok(line.dwell_seconds >= threshold && line.dwell_seconds < threshold + 1,
			`dwell ${line.dwell_seconds} at a threshold of ${threshold} s`);
		assert.ok(line.thumb_path === null || fs.existsSync(line.thumb_path));
	});
	return told;
}

async function killRespond(unit) {
	const { pid } = worker(await status(unit.data), 'respond');
	process.kill(pid, 'SIGKILL');
	await unit.until('another respond', async () => {
		const next = worker(await status(unit.data), 'respond');
		return next.pid && next.pid !== pid && next.stats;
	});
}

test('respond killed before the threshold and after it: one event, one escalation', async (t) => {
	const unit = start('killed');
	t.after(() => unit.program.how || unit.program.stop());
	await unit.until('somebody in the zone', () => unit.events().length > 0);
	await sleep(3000);
	assert.equal(unit.loitering().length, 0, 'too early to kill it before the threshold');
	await killRespond(unit);
	const [first] = await unit.until('the event', () => unit.loitering().length > 0 && unit.loitering());
	await killRespond(unit);
	await unit.until('the escalation', () => unit.loitering().length > 1);
	await sleep(4000); // a second one would come now
	const told = checkEvents(unit);
	assert.equal(told[0].local_seq, first.local_seq);
	assert.equal(unit.events().filter((l) => l.event_class === 'pre_action_zone_entry').length, 1);
	// What was missed while there was no respond is blind time, and told as such.
	assert.ok(told[1].attrs.blind_s > 0);
	t.diagnostic(told.map((l) => `dwell ${l.dwell_seconds} s, blind ${l.attrs.blind_s} s`).join('; '));
});

// libfaketime, and before it what mends its timers (src/proc/drill/timers.c).
const faketime = fs.readdirSync('/usr/lib').map((arch) => `/usr/lib/${arch}/faketime/libfaketimeMT.so.1`)
	.find((file) => fs.existsSync(file));

test('the wall clock set by an hour and a year, forth and back', {
	skip: !faketime ? 'needs libfaketime' :
		// Which wants to be the first library itself.
		fs.readFileSync(bin('holdfastd')).includes('__asan_init') && 'built with a sanitizer',
}, async (t) => {
	// Where every process but the detector may read it out of its sandbox.
	const offset = path.join(folder, 'stepped/thumbs/offset');
	fs.mkdirSync(path.dirname(offset), { recursive: true });
	const set = (seconds) => {
		fs.writeFileSync(`${offset}.new`, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`);
		fs.renameSync(`${offset}.new`, offset);
	};
	set(0);
	const unit = start('stepped', { env: {
		LD_PRELOAD: `${path.join(STAGE, 'libexec/holdfast/drill-timers.so')}:${faketime}`, FAKETIME_TIMESTAMP_FILE: offset, FAKETIME_NO_CACHE: '1',
		DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1',
	} });
	t.after(() => unit.program.how || unit.program.stop());
	await unit.until('somebody in the zone', () => unit.events().length > 0);
	for (const seconds of [3600, -3600, 31536000, -31536000, 0]) {
		set(seconds);
		await sleep(1200);
	}
	await unit.until('the event', () => unit.loitering().length > 0);
	for (const seconds of [-31536000, 31536000, 3600]) {
		set(seconds);
		await sleep(1200);
	}
	await unit.until('the escalation', () => unit.loitering().length > 1);
	await sleep(2000);
	const told = checkEvents(unit);
	for (const line of told) assert.equal(line.attrs.blind_s, undefined);
	// The steps did reach it: the two are 8 s apart by the one clock and an hour by the other.
	const apart = (Date.parse(told[1].captured_at) - Date.parse(told[0].captured_at)) / 1000;
	assert.ok(Math.abs(apart - 3600 - (told[1].mono_ms - told[0].mono_ms) / 1000) < 2, `${apart} s apart`);
	const state = await status(unit.data);
	for (const one of state.workers)
		assert.equal(one.restarts, 0, `${one.role} was restarted`);
	t.diagnostic(told.map((l) => `${l.captured_at} dwell ${l.dwell_seconds} s`).join('; '));
});
