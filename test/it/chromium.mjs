// SPDX-License-Identifier: Apache-2.0
// Drives the installed Chromium over its debugging pipe (NUL-terminated JSON on descriptors 3
// and 4): no library, no port.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const haveChromium = spawnSync('chromium', ['--version']).status === 0;

// A page of its own browser. close() ends the browser and removes its profile.
export async function openPage(url, { width = 1280, height = 900, dark = false } = {}) {
	const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'hf_chromium_'));
	const child = spawn('chromium', ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
		'--no-first-run', '--disable-background-networking', '--disable-component-update',
		'--disable-sync', '--disable-dev-shm-usage', '--remote-debugging-pipe',
		`--user-data-dir=${profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
	const exited = new Promise((done) => child.on('exit', done));
	const waiting = new Map();
	const said = []; // exceptions, console errors, refusals by the policy
	let id = 0, rest = '';
	child.stdio[4].on('data', (data) => {
		const parts = (rest + data).split('\0');
		rest = parts.pop();
		for (const part of parts) {
			const message = JSON.parse(part);
			if (message.id !== undefined) {
				const { done, fail } = waiting.get(message.id);
				waiting.delete(message.id);
				if (message.error) fail(new Error(message.error.message));
				else done(message.result);
			} else if (message.method === 'Runtime.exceptionThrown') {
				said.push(message.params.exceptionDetails.exception?.description ?? 'exception');
			} else if (message.method === 'Log.entryAdded' && message.params.entry.level === 'error') {
				said.push(message.params.entry.text);
			}
		}
	});
	const call = (method, params = {}, sessionId = undefined) => new Promise((done, fail) => {
		waiting.set(++id, { done, fail });
		child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
	});
	const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
	const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
	const tell = (method, params) => call(method, params, sessionId);
	await tell('Page.enable');
	await tell('Runtime.enable');
	await tell('Log.enable');
	await tell('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
	await tell('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
	await tell('Page.navigate', { url });

	const run = async (expression) => {
		const { result, exceptionDetails } = await tell('Runtime.evaluate',
			{ expression, awaitPromise: true, returnByValue: true, userGesture: true });
		if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
		return result.value;
	};
	return {
		run, said, tell,
		// Wait until an expression is true in the page.
		async until(expression, timeoutMs = 20000) {
			for (const end = Date.now() + timeoutMs; Date.now() < end;) {
				if (await run(`Boolean(${expression})`).catch(() => false)) return;
				await new Promise((done) => setTimeout(done, 50));
			}
			throw new Error(`never true: ${expression}\n${await run('document.body?.innerText')}`);
		},
		async press(key, code = key) {
			for (const type of ['keyDown', 'keyUp'])
				await tell('Input.dispatchKeyEvent', { type, key, code, windowsVirtualKeyCode: { Tab: 9, Enter: 13, Escape: 27 }[key],
					text: key === 'Enter' && type === 'keyDown' ? '\r' : undefined });
		},
		async shot(file) {
			const { data } = await tell('Page.captureScreenshot', { format: 'png' });
			fs.writeFileSync(file, Buffer.from(data, 'base64'));
		},
		async close() {
			call('Browser.close').catch(() => {});
			const late = setTimeout(() => child.kill('SIGKILL'), 5000);
			await exited;
			clearTimeout(late);
			// Its helpers may write for a moment longer.
			fs.rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
		},
	};
}
