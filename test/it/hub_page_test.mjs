// SPDX-License-Identifier: Apache-2.0
// The hub's page in the real browser: what a unit sends is seen, and is only ever text.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { haveChromium, openPage } from './chromium.mjs';
import { folder, line, post, start } from './hub_lib.mjs';

const skip = haveChromium ? false : 'chromium is not installed';

// The smallest JPEG that decodes: one grey pixel.
const PIXEL = Buffer.from('/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP////////////////////////////////////' +
	'//////////////////////////////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA' +
	'//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z', 'base64');
const PIXEL_NAME = createHash('sha256').update(PIXEL).digest('hex');

async function show(t, hub, where = '/', options = {}) {
	const page = await openPage(hub.url + where, options);
	t.after(() => page.close());
	return page;
}

const rows = "document.querySelectorAll('#list button').length";

test('an empty hub teaches, and an event appears without a reload', { skip }, async (t) => {
	const hub = await start(t, folder(t));
	const page = await show(t, hub);
	await page.until("!document.querySelector('#empty').hidden");
	assert.match(await page.run("document.querySelector('#empty').innerText"), new RegExp(`url: ${hub.url}`));
	await post(hub, line('unit-1', 1, { camera_name: 'Gate north' }));
	await page.until(`${rows} === 1`);
	assert.match(await page.run("document.querySelector('.event').innerText"), /Zone entry[^]*Gate north[^]*unit-1/);
	assert.equal(await page.run("document.querySelector('#empty').hidden"), true);
	await page.until("document.querySelector('.unit')?.innerText.includes('healthy')");
	await post(hub, line('unit-1', 2, { camera_name: 'Yard' }));
	await page.until(`${rows} === 2`);
	assert.match(await page.run("document.querySelector('.event').innerText"), /Yard/, 'newest on top');
	assert.deepEqual(page.said, []);
});

test('what a unit sends is text and never runs', { skip }, async (t) => {
	const hub = await start(t, folder(t));
	const canary = '<img src=x onerror="window.canary=1"><script>window.canary=1</script>';
	const short = '<img src=x onerror=canary=1>';
	const body = line(short, 1, {
		camera_name: canary, event_class: short, zone_id: canary, state: short, release: short,
		model_tag: canary, thumb_path: `"onerror="window.canary=1`, layout_id: canary,
		captured_at: canary, clock: canary, attrs: { [canary]: canary },
	}) + line(short, 5, { camera_name: null, event_class: 'javascript:canary=1', attrs: { a: canary } });
	assert.equal((await post(hub, body, { 'Holdfast-Device': short })).status, 200);
	const page = await show(t, hub);
	await page.until(`${rows} === 2`);
	await page.until("!document.querySelector('#trouble').hidden && document.querySelector('.unit')");
	await page.run("document.querySelector('.event').click()");
	await page.until("document.querySelector('#detail').open");
	await page.run("document.querySelector('details').open = true");
	const seen = await page.run("document.body.innerText + document.querySelector('#detail').innerText");
	assert.ok(seen.includes(canary), 'the canary is shown as it was written');
	assert.equal(await page.run('typeof window.canary'), 'undefined');
	assert.equal(await page.run("document.querySelectorAll('img[src=x], body script').length"), 0);
	assert.deepEqual(page.said, []);
});

test('late events, gaps and conflicts are said', { skip }, async (t) => {
	const hub = await start(t, folder(t));
	const late = new Date(Date.now() - 6 * 60000 - 5000).toISOString();
	await post(hub, line('unit-1', 1));
	await post(hub, line('unit-1', 5, { captured_at: late }));
	await post(hub, line('unit-1', 6, { captured_at: '1970-01-01T00:00:09.000Z', clock: 'unsynced' }));
	await post(hub, line('unit-1', 5, { camera_name: 'a clone' }));
	await post(hub, line('unit-1', 7, { chain_previous: 'a'.repeat(64) }));
	const page = await show(t, hub);
	await page.until(`${rows} === 3`);
	const badges = await page.run("[...document.querySelectorAll('#list .badge')].map((b) => b.textContent)");
	assert.deepEqual(badges, ['clock not set', 'late 6 m']);
	await page.until("!document.querySelector('#trouble').hidden");
	const trouble = await page.run("document.querySelector('#trouble').innerText");
	assert.match(trouble, /3 events never came/);
	assert.match(trouble, /nos\. 2 to 4/);
	assert.match(trouble, /share one identity/);
	assert.match(trouble, /chain broke 1 time\b/);
	assert.match(await page.run("document.querySelector('.unit').innerText"), /3 missing[^]*1 conflict[^]*1 fork/);
	assert.match(await page.run("document.querySelector('.event time').title"), /UTC$/);
});

test('a thumbnail that comes after its event is shown then', { skip }, async (t) => {
	const hub = await start(t, folder(t));
	await post(hub, line('unit-1', 1, { thumb_path: `/var/lib/holdfast/thumbs/${PIXEL_NAME}.jpg` }));
	const page = await show(t, hub);
	await page.until(`${rows} === 1`);
	assert.equal(await page.run("document.querySelectorAll('.picture img').length"), 0);
	const put = await fetch(`${hub.url}/v1/thumbs/${PIXEL_NAME}`, { method: 'PUT', body: PIXEL });
	assert.equal(put.status, 201);
	await page.until("document.querySelector('.picture img')?.naturalWidth === 1");
});

test('filters live in the address and reach what is further back', { skip }, async (t) => {
	const hub = await start(t, folder(t));
	await post(hub, line('rare', 1, { event_class: 'loitering' }), { 'Holdfast-Device': 'rare' });
	for (let seq = 1; seq <= 120; seq += 40)
		await post(hub, Array.from({ length: 40 }, (_, i) => line('unit-1', seq + i)).join(''));
	const page = await show(t, hub);
	await page.until(`${rows} === 50`);
	await page.run("document.querySelector('#older').click()");
	await page.until(`${rows} === 100`);
	await page.until("document.querySelectorAll('.unit').length === 2");
	await page.run("[...document.querySelectorAll('.unit')].find((u) => u.innerText.includes('rare')).click()");
	await page.until(`${rows} === 1`);
	assert.equal(await page.run('location.hash'), '#device=rare');
	const linked = await show(t, hub, '/#device=unit-1&class=loitering');
	await linked.until("document.querySelector('#empty').innerText.includes('Nothing that fits')");
});

test('everything can be reached and left with the keyboard', { skip }, async (t) => {
	const hub = await start(t, folder(t));
	await post(hub, line('unit-1', 1));
	const page = await show(t, hub);
	await page.until(`${rows} === 1`);
	await page.until("document.querySelector('.unit')");
	const stops = [];
	for (let i = 0; i < 8 && stops.at(-1) !== 'event'; i++) {
		await page.press('Tab');
		stops.push(await page.run("document.activeElement.id || document.activeElement.className.split(' ')[0]"));
	}
	assert.deepEqual(stops, ['skip', 'unit', 'by-device', 'by-class', 'event']);
	await page.press('Enter');
	await page.until("document.querySelector('#detail').open");
	await page.press('Escape');
	await page.until("!document.querySelector('#detail').open");
	assert.match(await page.run('document.activeElement.className'), /event/, 'focus returns');
});

test('a lost connection is said, and passes when the hub is back', { skip }, async (t) => {
	const dir = folder(t);
	const hub = await start(t, dir);
	await post(hub, line('unit-1', 1));
	const page = await show(t, hub);
	await page.until(`${rows} === 1`);
	hub.child.kill('SIGKILL');
	await hub.exited;
	await page.until("!document.querySelector('#lost').hidden");
	assert.equal(await page.run(rows), 1, 'what was there stays');
	const back = await start(t, dir, ['--listen', hub.url.slice('http://'.length)]);
	await post(back, line('unit-1', 2));
	await page.until(`document.querySelector('#lost').hidden && ${rows} === 2`);
});

test('a hub with a token asks for it and opens with it', { skip }, async (t) => {
	const dir = folder(t), token = 'a-token-of-some-length';
	fs.writeFileSync(path.join(dir, 'token'), token, { mode: 0o600 });
	const hub = await start(t, dir, ['--token-file', path.join(dir, 'token')]);
	await post(hub, line('unit-1', 1), { Authorization: `Bearer ${token}` });
	const page = await show(t, hub);
	const open = (value) => page.run(`document.querySelector('#token-value').value = '${value}';
		document.querySelector('#token button').click()`);
	await page.until("!document.querySelector('#token').hidden");
	await open('wrong');
	await page.until("!document.querySelector('#token').hidden");
	await open(token);
	await page.until(`${rows} === 1`);
	assert.equal(await page.run("document.querySelector('#token').hidden"), true);
});
