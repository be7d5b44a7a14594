// SPDX-License-Identifier: Apache-2.0
//
// small_unit - a hub and a unit on a short clip of the recorder screen, in a folder of their
// own that goes when the test was good.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { QUICK_POLICY, ROOT, startHub, startUnit, status, unitConfig, until } from '../../tools/harness.mjs';

export function shortClip() {
	const clip = execFileSync(path.join(ROOT, 'tools/make-screen'), ['--seconds', '12'],
		{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim().split('\n').at(-1);
	const screen = JSON.parse(fs.readFileSync(clip.replace(/\.avi$/, '.json'), 'utf8'));
	return { clip, screen };
}

export async function startSmallUnit({ cooldown = '1s', extra = '', withHub = true, wait = true, policy = QUICK_POLICY,
	options = {} } = {}) {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-it-'));
	const { clip, screen } = shortClip();
	const hub = withHub ? await startHub(path.join(folder, 'hub')) : null;
	const config = path.join(folder, 'holdfast.yaml');
	const data = path.join(folder, 'unit');
	fs.writeFileSync(config, unitConfig({
		policy,
		device: 'it-unit', clip, hubUrl: hub?.url ?? '', cooldown, extra,
		cameras: screen.tiles.map((t) => ({ id: `c${t.tile + 1}`, name: t.camera, tile: t.tile + 1 })),
		zone: [[0.05, 0.2], [0.95, 0.2], [0.95, 0.98], [0.05, 0.98]],
		hub: { backoff_min: '200ms', backoff_max: '1s', connect_timeout: '1s', total_timeout: '5s' },
	}));
	const self = {
		folder, data, config, hub, screen,
		program: startUnit(data, config, options),
		async restart() { self.program = startUnit(data, config, options); },
		async end() {
			if (!self.program.how) await self.program.stop();
			if (hub && !hub.how) await hub.stop();
			if (!process.env.KEEP_IT) fs.rmSync(folder, { recursive: true, force: true });
		},
	};
	if (wait)
		await until('a healthy unit', async () => {
			if (self.program.how) throw new Error(self.program.log());
			return (await status(data)).state === 'healthy';
		}, 90000, 250);
	return self;
}
