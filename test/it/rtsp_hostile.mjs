// SPDX-License-Identifier: Apache-2.0
//
// rtsp_hostile - network cameras that lie, stall and talk nonsense: one server a form, each on a
// port of its own on loopback. FORMS says what each does and what a unit must say of it.
import crypto from 'node:crypto';
import net from 'node:net';

const sdp = (media) => ['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=x', 't=0 0', 'a=control:*', ...media, ''].join('\r\n');
const H264 = sdp(['m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000', 'a=fmtp:96 packetization-mode=1', 'a=control:t0']);
const answer = (cseq, head, body = '') => `RTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\n${head}${body
	? `Content-Type: application/sdp\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` : ''}\r\n${body}`;
const drip = (socket, make, everyMs = 5) => {
	const timer = setInterval(() => socket.writable && socket.write(make()), everyMs);
	socket.on('close', () => clearInterval(timer));
};
// A well-formed RTP packet in the stream, whatever is in it.
function rtp(sequence, stamp, payload) {
	const packet = Buffer.alloc(16 + payload.length);
	packet.write('$\0', 0, 'latin1');
	packet.writeUInt16BE(12 + payload.length, 2);
	packet[4] = 0x80;
	packet[5] = 96;
	packet.writeUInt16BE(sequence & 0xffff, 6);
	packet.writeUInt32BE(stamp >>> 0, 8);
	payload.copy(packet, 16);
	return packet;
}

// A camera as it should be up to PLAY: description is its SDP, play begins when it may send.
const polite = (description, play = () => {}) => (socket) => {
	let text = '';
	socket.on('data', (data) => {
		text += data.toString('latin1');
		for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
			const request = text.slice(0, end);
			text = text.slice(end + 4);
			const [method] = request.split(' ');
			const cseq = /CSeq: *(\d+)/i.exec(request)?.[1] ?? 0;
			if (method === 'OPTIONS') socket.write(answer(cseq, 'Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n'));
			else if (method === 'DESCRIBE') socket.write(answer(cseq, '', description));
			else if (method === 'SETUP')
				socket.write(answer(cseq, 'Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n'));
			else socket.write(answer(cseq, 'Session: 1\r\n'));
			if (method === 'PLAY') play(socket);
		}
	});
};
const after = (what) => (socket) => socket.once('data', () => what(socket));

export const FORMS = {
	'closes at once': [(s) => s.end(), 'closed the connection'],
	'says nothing': [() => {}, 'does not answer as it should within 1000 ms'],
	'speaks HTTP': [after((s) => s.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')), /closed the connection|not RTSP/],
	'sends noise': [after((s) => drip(s, () => crypto.randomBytes(1000))), /not RTSP|does not answer|absurd/],
	'sends headers without end': [after((s) => drip(s, () => `X-${Math.random()}: ${'y'.repeat(500)}\r\n`)),
		'does not answer as it should within 1000 ms'],
	'claims a body of two gigabytes': [after((s) => {
		s.write('RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 2147483000\r\n\r\n');
		drip(s, () => 'v=0\r\n'.repeat(100));
	}), /absurd size|does not answer/],
	'wants a password': [(s) => s.on('data', (data) => s.write('RTSP/1.0 401 Unauthorized\r\nCSeq: ' +
		`${/CSeq: *(\d+)/i.exec(data)?.[1]}\r\nWWW-Authenticate: Basic realm="cam"\r\n\r\n`)), 'wants a user and password'],
	'has no such stream': [(s) => s.on('data', (data) => s.write('RTSP/1.0 404 Not Found\r\nCSeq: ' +
		`${/CSeq: *(\d+)/i.exec(data)?.[1]}\r\n\r\n`)), 'no such stream'],
	'describes itself in nonsense': [polite('v=\r\nm=video video video\r\na=rtpmap:\r\nc=IN IP9 x\r\n=\r\n'), /no video|of kind|not RTSP/],
	'has sound only': [polite(sdp(['m=audio 0 RTP/AVP 0', 'a=control:t0'])), 'offers no video'],
	'has another codec': [polite(sdp(['m=video 0 RTP/AVP 96', 'a=rtpmap:96 VP8/90000', 'a=control:t0'])), 'of kind vp8'],
	'stalls after PLAY': [polite(H264), 'does not send pictures within 1000 ms'],
	'sends noise after PLAY': [polite(H264, (s) => drip(s, () => crypto.randomBytes(1000))),
		/does not send pictures|closed|cut the connection|no whole picture/],
	'sends anything as H.264': [polite(H264, (s) => {
		let n = 0;
		drip(s, () => rtp(++n, n * 3600, Buffer.concat([Buffer.from([0x65]), crypto.randomBytes(600)])), 40);
	}), 'no whole picture'],
};

export async function startHostile(form) {
	const sockets = new Set();
	const server = net.createServer((socket) => {
		sockets.add(socket);
		socket.on('error', () => {});
		socket.on('close', () => sockets.delete(socket));
		FORMS[form][0](socket);
	}).listen(0, '127.0.0.1');
	await new Promise((done) => server.once('listening', done));
	return {
		port: server.address().port,
		end() {
			server.close();
			for (const socket of sockets) socket.destroy();
		},
	};
}
