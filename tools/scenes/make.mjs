// SPDX-License-Identifier: Apache-2.0
//
// make - draws one scene: the clip, the configuration for it, and what is true of it.
//
// Usage    make.mjs VTEST FOLDER SCENE [--frames T,T,...]     (called by tools/make-scenes)
// Output   FOLDER/scene.mp4, scene.yaml, truth.json; with --frames only FOLDER/frame-T.png
import fs from 'node:fs';
import path from 'node:path';
import { castOf } from './people.mjs';
import { clipWriter, picture, writePng } from './picture.mjs';
import { SCENES } from './scenes.mjs';
import { Lens } from './stage.mjs';
import { impossible, truthOf } from './truth.mjs';

const START = 1773930000; // 19-03-2026 14:20:00, as the clock on the screen
const FONTS = '/usr/share/fonts/truetype/dejavu';
const SEAM = 12; // grey level

const [vtest, folder, name, , frameList] = process.argv.slice(2);
const { background, cast } = await castOf(vtest);
const scene = SCENES[name](cast);
const wrong = impossible(scene);
if (wrong.length > 0) {
	console.error(wrong.join('\n'));
	process.exit(1);
}
const sideOf = (cameras) => Math.ceil(Math.sqrt(cameras.length));
const views = scene.views ?? [{ at: 0, side: sideOf(scene.cameras), cameras: scene.cameras.map((c) => c.id) }];
const width = scene.tile[0] * views[0].side, height = scene.tile[1] * views[0].side;
const byId = new Map(scene.cameras.map((c) => [c.id, c]));

// Each camera is drawn at each size it is shown at.
const lenses = new Map();
function lensOf(id, side) {
	const key = `${id}@${side}`;
	if (!lenses.has(key)) {
		const n = scene.cameras.findIndex((c) => c.id === id);
		lenses.set(key, new Lens(byId.get(id), background, Math.floor(width / side), Math.floor(height / side),
			1000 * (n + 1) + name.length));
	}
	return lenses.get(key);
}

function place(screen, tile, x0, y0) {
	for (let y = 0; y < tile.height; y++)
		screen.data.set(tile.data.subarray(y * tile.width * 3, (y + 1) * tile.width * 3),
			((y0 + y) * screen.width + x0) * 3);
}

function seams(screen, side) {
	for (let n = 1; n < side; n++)
		for (let w = -1; w < 1; w++) {
			const x = Math.round((n * screen.width) / side) + w, y = Math.round((n * screen.height) / side) + w;
			screen.data.fill(SEAM, y * screen.width * 3, (y + 1) * screen.width * 3);
			for (let row = 0; row < screen.height; row++)
				screen.data.fill(SEAM, (row * screen.width + x) * 3, (row * screen.width + x + 1) * 3);
		}
}

const still = new Map(); // what a frozen camera goes on showing

function draw(screen, t) {
	const view = views.findLast((v) => t >= v.at - 1e-9);
	view.cameras.forEach((id, n) => {
		const { frozen } = byId.get(id), key = `${id}@${view.side}`;
		let tile = still.get(key);
		if (!tile) {
			tile = lensOf(id, view.side).draw(t);
			if (frozen !== undefined && t >= frozen)
				still.set(key, picture(tile.width, tile.height, tile.data.slice()));
		}
		place(screen, tile, (n % view.side) * tile.width, Math.floor(n / view.side) * tile.height);
	});
	seams(screen, view.side);
}

// Times of the frames: the clock goes on while nothing comes.
function times() {
	const list = [];
	for (let n = 0; n / scene.fps < scene.seconds; n++) {
		const t = n / scene.fps;
		if (!(scene.stalls ?? []).some((s) => t >= s.at && t < s.at + s.seconds)) list.push({ n, t });
	}
	return list;
}

// What a recorder letters over its cameras: names, REC, its clock. A camera alone has a clock only.
function lettering(folderOf) {
	const filters = [];
	const text = (file, words) => {
		fs.writeFileSync(path.join(folderOf, file), words);
		return path.join(folderOf, file);
	};
	const clock = text('clock', `%{pts:gmtime:${START}:%d-%m-%Y %H\\:%M\\:%S}`);
	if (width / views[0].side > 500 && views[0].side === 1) {
		filters.push(`drawtext=fontfile=${FONTS}/DejaVuSansMono.ttf:textfile=${clock}:fontsize=14:` +
			'fontcolor=white:borderw=1:bordercolor=black:x=8:y=8');
	} else {
		views.forEach((view, v) => {
			const until = views[v + 1]?.at ?? scene.seconds + 1;
			const on = `between(t,${view.at - 0.01},${until - 0.02})`;
			view.cameras.forEach((id, n) => {
				const x = Math.round((n % view.side) * (width / view.side));
				const y = Math.round(Math.floor(n / view.side) * (height / view.side));
				const size = 13 + Math.round(height / view.side / 80);
				const number = String(scene.cameras.findIndex((c) => c.id === id) + 1).padStart(2, '0');
				const label = text(`name-${v}-${n}`, `CAM ${number} ${id.toUpperCase()}`);
				filters.push(`drawtext=fontfile=${FONTS}/DejaVuSans-Bold.ttf:textfile=${label}:fontsize=${size}:` +
					`fontcolor=white:borderw=1:bordercolor=black:x=${x + 9}:y=${y + 7}:enable='${on}'`);
				filters.push(`drawbox=c=0xf01818:t=fill:w=9:h=9:x=${x + Math.round(width / view.side) - 22}:y=${y + 12}:` +
					`enable='${on}*lt(mod(t,1),0.55)'`);
			});
		});
		filters.push(`drawtext=fontfile=${FONTS}/DejaVuSansMono-Bold.ttf:textfile=${clock}:fontsize=20:` +
			'fontcolor=white:borderw=2:bordercolor=black:x=w-tw-14:y=h-th-10');
	}
	return filters;
}

function encoder() {
	const codec = scene.codec === 'mjpeg'
		? ['-pix_fmt', 'yuvj422p', '-c:v', 'mjpeg', '-q:v', '6']
		: ['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', 'veryfast', '-crf', String(scene.crf ?? 23), '-bf', '0',
			'-g', String(scene.fps * 4), '-threads', '2'];
	return [...codec, '-fps_mode', 'passthrough', '-metadata',
		`creation_time=${new Date(START * 1000).toISOString()}`];
}

const fraction = (camera, [x, y]) => {
	const u = (x - camera.crop.x) / camera.crop.width, v = (y - camera.crop.y) / camera.crop.height;
	return [camera.mirrored ? 1 - u : u, v].map((n) => Math.round(Math.min(1, Math.max(0, n)) * 1e4) / 1e4);
};

function configuration() {
	const lines = ['sources:', '  - {id: recorder, url: scene.mp4}', 'cameras:'];
	scene.cameras.forEach((c, n) => lines.push(`  - {id: ${c.id}, tile: ${n + 1}}`));
	lines.push('zones:');
	for (const camera of scene.cameras)
		for (const zone of camera.zones) {
			const points = zone.points.map((p) => `[${fraction(camera, p).join(', ')}]`).join(', ');
			// Names of zones are the unit's, not the camera's.
			lines.push(`  - {id: ${camera.id}-${zone.id}, camera: ${camera.id}, cooldown: 0s, ` +
				`loitering: ${zone.loitering ? `${zone.loitering}s` : 'off'}, points: [${points}]}`);
		}
	return `${lines.join('\n')}\n`;
}

const screen = picture(width, height);
if (frameList) {
	const wanted = new Set(frameList.split(',').map((t) => Math.round(Number(t) * scene.fps)));
	for (const { n, t } of times()) {
		draw(screen, t);
		if (wanted.has(n)) await writePng(path.join(folder, `${name}-${String(t).padStart(5, '0')}.png`), screen);
	}
} else {
	const truth = truthOf(scene, START);
	for (const item of [...truth.expect, ...truth.ignore]) if (item.zone) item.zone = `${item.camera}-${item.zone}`;
	const frames = times();
	// Frame numbers to times: what was left out shows as a jump.
	let clock = `N/${scene.fps}`;
	for (const s of scene.stalls ?? []) {
		const n = frames.findIndex((f) => f.t >= s.at);
		clock += `+gte(N\\,${n})*${s.seconds}`;
	}
	const graph = path.join(folder, 'graph');
	fs.writeFileSync(graph, [`setpts=round((${clock})/TB)`, ...lettering(folder)].join(',\n'));
	const writer = clipWriter(path.join(folder, 'scene.mp4'), width, height, scene.fps,
		['-filter_script:v', graph, ...encoder()]);
	for (const { t } of frames) {
		draw(screen, t);
		await writer.write(screen);
	}
	await writer.end();
	for (const file of fs.readdirSync(folder)) if (/^(graph|clock|name-)/.test(file)) fs.rmSync(path.join(folder, file));
	fs.writeFileSync(path.join(folder, 'scene.yaml'), configuration());
	fs.writeFileSync(path.join(folder, 'truth.json'), `${JSON.stringify(truth, null, '\t')}\n`);
}
