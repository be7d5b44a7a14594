// SPDX-License-Identifier: Apache-2.0
//
// peers - other people's logs, started on the device in question and on loopback only, each at the
// most durable setting that its version has.
//
// Owners   what was started here is ended here, by its pid.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const READY_MS = 20000;
const started = [];
process.on('exit', () => {
	for (const child of started) if (child.exitCode === null) child.kill('SIGKILL');
});

const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
const find = (name, ...folders) => ['/usr/bin', '/usr/sbin', '/usr/local/bin', ...folders]
	.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
const version = (program, ...args) => {
	const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
	return /\d+(\.\d+)+/.exec(stdout + stderr)?.[0] ?? '';
};

function freePort() {
	return new Promise((done) => {
		const server = net.createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => done(port));
		});
	});
}

// Until something listens there: a port, or the path of a socket.
async function listening(child, address) {
	for (let waited = 0; waited < READY_MS; waited += 50) {
		if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
		const there = await new Promise((done) => {
			const socket = String(address).startsWith('/') ? net.connect(address)
				: net.connect(address, '127.0.0.1');
			socket.on('connect', () => { socket.destroy(); done(true); });
			socket.on('error', () => done(false));
		});
		if (there) return;
		await sleep(50);
	}
	throw new Error('it does not listen');
}

async function run(address, folder, program, args, options = {}) {
	const log = fs.openSync(path.join(folder, 'log'), 'a');
	const child = spawn(program, args, { stdio: ['ignore', log, log], cwd: folder, ...options });
	fs.closeSync(log);
	started.push(child);
	await listening(child, address);
	return child;
}

const PEERS = {
	postgresql: {
		label: 'PostgreSQL', durable: true, packages: ['postgresql'],
		note: 'one INSERT a transaction, synchronous_commit=on',
		async start(folder) {
			const bin = fs.readdirSync('/usr/lib/postgresql').sort().at(-1);
			const program = (name) => `/usr/lib/postgresql/${bin}/bin/${name}`;
			const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
			const user = { uid: id('-u'), gid: id('-g') };
			const data = path.join(folder, 'data');
			fs.chownSync(folder, user.uid, user.gid);
			execFileSync(program('initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8',
				'--locale=C'], { ...user, cwd: folder, stdio: 'ignore' });
			await run(`${folder}/.s.PGSQL.5432`, folder, program('postgres'), ['-D', data, '-k', folder,
				'-c', 'listen_addresses=', '-c', 'fsync=on', '-c', 'synchronous_commit=on',
				'-c', 'max_wal_size=256MB', '-c', 'autovacuum=off'], user);
			return { address: `${folder}/.s.PGSQL.5432`, version: version(program('postgres'), '-V') };
		},
	},
	redis: {
		label: 'Redis', durable: true, packages: ['redis-server'], note: 'RPUSH, appendfsync always',
		async start(folder) {
			const program = find('redis-server');
			const address = `${folder}/redis.sock`;
			await run(address, folder, program, ['--port', '0', '--unixsocket', address, '--dir', folder,
				'--appendonly', 'yes', '--appendfsync', 'always', '--save', '',
				'--auto-aof-rewrite-percentage', '0']);
			return { address, version: version(program, '--version') };
		},
	},
	mosquitto: {
		label: 'Mosquitto', durable: false, packages: ['mosquitto'],
		note: 'QoS 1, persistence on; its PUBACK comes before anything is stored: it is not durable',
		async start(folder) {
			const program = find('mosquitto');
			const port = await freePort();
			fs.writeFileSync(`${folder}/conf`, `listener ${port} 127.0.0.1\nallow_anonymous true\n` +
				`user root\npersistence true\npersistence_location ${folder}/\nautosave_interval 5\n` +
				'max_queued_messages 0\nmax_inflight_messages 0\nlog_dest stderr\nlog_type error\n');
			await run(port, folder, program, ['-c', `${folder}/conf`]);
			return { address: String(port), version: version(program, '-h') };
		},
	},
	nats: {
		label: 'NATS JetStream', durable: true, packages: ['nats-server'], note: 'file stream, sync always',
		async start(folder) {
			const program = find('nats-server');
			const port = await freePort();
			const write = (sync) => fs.writeFileSync(`${folder}/conf`, `listen: 127.0.0.1:${port}\n` +
				`jetstream { store_dir: "${folder}", ${sync} }\n`);
			write('sync_interval: always');
			let weaker;
			if (spawnSync(program, ['-t', '-c', `${folder}/conf`]).status !== 0) {
				write('');
				weaker = 'this version cannot sync each message: it flushes every 2 minutes, its ' +
					'acknowledgement is not durable';
			}
			await run(port, folder, program, ['-c', `${folder}/conf`]);
			return { address: String(port), version: version(program, '--version'), weaker };
		},
	},
	rsyslog: {
		label: 'rsyslog', durable: true, packages: ['rsyslog', 'rsyslog-relp'],
		note: 'RELP to omfile with sync on, direct queues',
		async start(folder) {
			const program = find('rsyslogd');
			const port = await freePort();
			fs.writeFileSync(`${folder}/conf`, `global(workDirectory="${folder}")\n` +
				'main_queue(queue.type="Direct")\nmodule(load="imrelp")\n' +
				`input(type="imrelp" port="${port}" address="127.0.0.1" ruleset="events")\n` +
				'ruleset(name="events" queue.type="Direct") {\n' +
				`\taction(type="omfile" file="${folder}/events.log" sync="on" asyncWriting="off" ` +
				'flushOnTXEnd="on" queue.type="Direct")\n}\n');
			await run(port, folder, program, ['-n', '-f', `${folder}/conf`, '-i', `${folder}/pid`]);
			return { address: String(port), version: version(program, '-v') };
		},
	},
};

const isInstalled = (name) => spawnSync('dpkg-query', ['-W', '-f=${db:Status-Abbrev}', name],
	{ encoding: 'utf8' }).stdout?.startsWith('ii');

// Packages only; Debian starts their services, which are then none of our business.
export function installPeers(say) {
	const missing = Object.values(PEERS).flatMap((peer) => peer.packages).filter((name) => !isInstalled(name));
	if (missing.length === 0) return;
	if (process.getuid() !== 0) {
		say(`not installed, and only root could: ${missing.join(' ')}`);
		return;
	}
	say(`installing ${missing.join(' ')}`);
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
	for (const name of missing) {
		const { status } = spawnSync('apt-get', ['install', '-y', '--no-install-recommends', name],
			{ stdio: 'ignore', env });
		if (status !== 0) say(`${name} cannot be installed`);
	}
}

// Those that are there: name -> {label, durable, note, address, version}. What is not to be had is said.
export async function startPeers(folder, say) {
	const peers = {};
	for (const [name, peer] of Object.entries(PEERS)) {
		const own = path.join(folder, `peer-${name}`);
		if (!peer.packages.every(isInstalled)) {
			say(`${peer.label}: not installed (${peer.packages.join(', ')})`);
			continue;
		}
		try {
			fs.mkdirSync(own);
			const { weaker, ...running } = await peer.start(own);
			peers[name] = { label: peer.label, durable: peer.durable && !weaker, note: weaker ?? peer.note, ...running };
		} catch (error) {
			say(`${peer.label}: does not start: ${error.message}`);
		}
	}
	return peers;
}

export async function stopPeers() {
	for (const child of started) {
		if (child.exitCode !== null || child.signalCode !== null) continue;
		const ended = new Promise((done) => child.on('exit', done));
		// PostgreSQL waits for nobody at SIGINT; the others end at it too.
		child.kill('SIGINT');
		await Promise.race([ended, sleep(10000).then(() => { child.kill('SIGKILL'); return ended; })]);
	}
}
