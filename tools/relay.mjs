// SPDX-License-Identifier: Apache-2.0
//
// relay - the wire between unit and hub where there may be no network namespaces: a TCP relay
// that is a process of its own, so that cutting the wire is killing it.
//
// Usage    node tools/relay.mjs LISTEN_PORT TARGET_HOST TARGET_PORT
import net from 'node:net';

const [listenPort, host, port] = process.argv.slice(2);
net.createServer((near) => {
	const far = net.connect(Number(port), host);
	const end = () => { near.destroy(); far.destroy(); };
	near.on('error', end).on('close', end);
	far.on('error', end).on('close', end);
	near.pipe(far).pipe(near);
}).listen(Number(listenPort), '127.0.0.1', function () {
	process.stdout.write(`${this.address().port}\n`);
});
