// SPDX-License-Identifier: Apache-2.0
//
// device - a block device of our own: a journalled ext4 (mkfs's defaults) on a loop device, whose
// counters tell what reaches it. Where that is not allowed, a folder, and no counters.
//
// Owners   close() unmounts and removes everything; it also runs when the process is ended.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const run = (program, ...args) =>
	execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

const open = new Set();
function closeAll() {
	for (const device of [...open]) device.close();
}
process.on('exit', closeAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, () => process.exit(130));

// Written, not only sized: a hole would be filled during the measurement, by the file system below.
function writeImage(file, sizeMb, sparse) {
	const fd = fs.openSync(file, 'w');
	const block = Buffer.alloc(4 << 20);
	if (sparse) fs.ftruncateSync(fd, sizeMb * 2 ** 20);
	else for (let mb = 0; mb < sizeMb; mb += 4) fs.writeSync(fd, block);
	fs.fsyncSync(fd);
	fs.closeSync(fd);
}

// below: a folder on the disk in question. sparse: for what is only read cold, where 16 GB need
// not be written.
export function openDevice(below, sizeMb, { sparse = false } = {}) {
	const root = fs.mkdtempSync(path.join(below, 'outbox-bench-'));
	// Servers that do not run as root must get through.
	fs.chmodSync(root, 0o755);
	const device = { folder: path.join(root, 'data'), stat: null, why: null };
	let loop = null, mounted = false;
	const mount = () => {
		run('mount', '-o', 'noatime', loop, device.folder);
		mounted = true;
	};
	const umount = () => {
		run('umount', device.folder);
		mounted = false;
	};
	device.close = () => {
		open.delete(device);
		try {
			if (mounted) umount();
			if (loop) run('losetup', '-d', loop);
			fs.rmSync(root, { recursive: true, force: true });
		} catch (error) {
			console.error(`outbox: ${root} stays: ${error.stderr || error.message}`);
		}
	};
	// Nothing of the file system is cached afterwards: no page, no inode, no map.
	device.cool = () => {
		if (!loop) return false;
		umount();
		mount();
		return true;
	};
	open.add(device);
	fs.mkdirSync(device.folder);
	try {
		const image = path.join(root, 'image');
		if (process.getuid() !== 0) throw new Error('not root');
		run('losetup', '--version');
		writeImage(image, sizeMb, sparse);
		try {
			// Without a second cache below: a read that is cold is cold.
			loop = run('losetup', '-f', '--show', '--direct-io=on', image);
		} catch {
			loop = run('losetup', '-f', '--show', image);
		}
		// What mkfs leaves for later would be written, and counted, during the measurement.
		run('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', loop);
		mount();
		device.stat = `/sys/block/${path.basename(loop)}/stat`;
	} catch (error) {
		device.why = (error.stderr || error.message).trim().split('\n')[0];
	}
	return device;
}
