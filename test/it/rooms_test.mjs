// SPDX-License-Identifier: Apache-2.0
//
// Each process links only what its role needs: read from the ELF files, and again from the
// maps of the running processes, where whatever a library drags in shows as well.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { STAGE, run, status, worker } from '../../tools/harness.mjs';
import { startSmallUnit } from './small_unit.mjs';

// Only what stands here may be a direct dependency; the C library and sanitizers aside.
const ALLOWED = {
	'bin/holdfastd': ['libsystemd'],
	'libexec/holdfast/config': ['libyaml', 'libjansson', 'libseccomp'],
	'libexec/holdfast/keeper': ['libsodium', 'libseccomp'],
	'libexec/holdfast/ingest': ['libavformat', 'libavcodec', 'libavutil', 'libswscale', 'libturbojpeg', 'libseccomp'],
	'libexec/holdfast/infer': ['libonnxruntime', 'libjansson', 'libsodium', 'libseccomp'],
	'libexec/holdfast/respond': ['libturbojpeg', 'libsodium', 'libseccomp'],
	'libexec/holdfast/uplink': ['libcurl', 'libjansson', 'libsodium', 'libseccomp'],
	'libexec/holdfast/actuate': ['libseccomp'],
	'libexec/holdfast/paint': ['libavformat', 'libavcodec', 'libavutil', 'libswscale', 'libturbojpeg', 'libcairo', 'libfontconfig', 'libjansson', 'libsodium', 'libseccomp'],
	'bin/holdfast': ['libcairo', 'libfontconfig', 'libjansson', 'libyaml', 'libsodium', 'libturbojpeg'],
	'bin/holdfast-hub': ['libmicrohttpd', 'libsqlite3', 'libjansson', 'libsodium'],
};
const EVERYWHERE = /^(libc|libm|libpthread|ld-linux.*|libgcc_s|libasan|libubsan|libtsan)\.so/;

// What must not be in the memory of a running process, by any way.
const FOREIGN = {
	supervisor: /libav|libonnx|libcurl|libyaml|libjansson|libsqlite|libsodium|libmicrohttpd/,
	keeper: /libav|libonnx|libcurl|libyaml|libjansson|libsqlite|libmicrohttpd|libsystemd/,
	ingest: /libonnx|libcurl|libyaml|libsqlite|libmicrohttpd/,
	infer: /libav|libcurl|libyaml|libsqlite|libmicrohttpd|libsystemd|libturbojpeg/,
	respond: /libav|libonnx|libcurl|libyaml|libsqlite|libmicrohttpd|libsystemd/,
	actuate: /libav|libonnx|libcurl|libyaml|libjansson|libsqlite|libsodium|libmicrohttpd|libsystemd|libturbojpeg/,
	uplink: /libav|libonnx|libyaml|libsqlite|libmicrohttpd|libsystemd|libturbojpeg/,
};

for (const [file, allowed] of Object.entries(ALLOWED)) {
	test(`${file} needs nothing but ${allowed.join(', ')}`, async () => {
		const { stdout } = await run('readelf', ['-d', path.join(STAGE, file)]);
		const needed = [...stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((m) => m[1])
			.filter((name) => !EVERYWHERE.test(name));
		const foreign = needed.filter((name) => !allowed.some((a) => name.startsWith(a)));
		assert.deepEqual(foreign, []);
	});
}

let unit;
before(async () => { unit = await startSmallUnit(); });
after(() => unit?.end());

test('no running process has a foreign library in its memory', async () => {
	const state = await status(unit.data);
	const processes = [['supervisor', unit.program.pid],
		...state.workers.map((w) => [w.role, w.pid])];
	assert.equal(worker(state, 'infer', 1).state, 'running');
	for (const [role, pid] of processes) {
		const libraries = new Set(fs.readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')
			.map((line) => path.basename(line.split(/\s+/)[5] ?? '')).filter((n) => n.includes('.so')));
		assert.ok(libraries.size > 0, `${role} (${pid}) has maps`);
		assert.deepEqual([...libraries].filter((n) => FOREIGN[role].test(n)), [], role);
	}
});

test('a worker has no descriptor but its own', async () => {
	const state = await status(unit.data);
	for (const w of state.workers.filter((w) => ['keeper', 'respond', 'infer'].includes(w.role))) {
		const targets = fs.readdirSync(`/proc/${w.pid}/fd`).map((fd) => {
			try { return fs.readlinkSync(`/proc/${w.pid}/fd/${fd}`); } catch { return ''; }
		});
		assert.ok(!targets.some((t) => t.includes('/run/control')), w.role);
		assert.ok(targets.length < 24, `${w.role} has ${targets.length} descriptors`);
	}
});
