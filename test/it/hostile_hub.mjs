// SPDX-License-Identifier: Apache-2.0
/*
 * hostile_hub - a hub, or what stands in its place, that misbehaves on command.
 *
 * Start:   node hostile_hub.mjs STORE    STORE: the lines accepted are appended to this file
 * stdout:  {"port":N} first, then one JSON object for each request that came in whole, and
 *          {"scenario":NAME} once a command is in force
 * stdin:   one scenario a line: NAME [NUMBER]. End of input ends the server.
 *
 * Whatever the scenario, the request itself is judged: headers, a fresh nonce, one epoch, numbers
 * that rise. What is wrong stands in "wrong" of that request's object.
 */
import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const store = process.argv[2];
let scenario = "good";
let number = 0;
let mark = 0; // highest local_seq stored
const nonces = new Set(); // of requests that were answered
const thumbs = new Set();

const say = (object) => process.stdout.write(JSON.stringify(object) + "\n");

function judge(request, body) {
	const wrong = [];
	const h = request.headers;
	const text = body.toString("utf8");
	const lines = text === "" ? [] : text.split("\n").slice(0, -1);
	const events = [];

	if (!text.endsWith("\n")) wrong.push("body does not end with a newline");
	for (const line of lines) {
		try {
			events.push(JSON.parse(line));
		} catch {
			wrong.push(`not JSON: ${line.slice(0, 60)}`);
		}
	}
	if (events.length === 0) wrong.push("no lines");
	if (h["content-type"] !== "application/x-ndjson") wrong.push("content type");
	if (!h["holdfast-device"]) wrong.push("no device");
	if (!/^[0-9a-f]{32}$/.test(h["holdfast-nonce"] ?? "")) wrong.push("nonce");
	if (nonces.has(h["holdfast-nonce"])) wrong.push("nonce used before");
	if (h["authorization"] !== "Bearer sesame") wrong.push("authorization");
	for (let i = 0; i < events.length; i++) {
		if (events[i].epoch !== h["holdfast-epoch"]) wrong.push("epoch differs");
		if (events[i].device_id !== h["holdfast-device"]) wrong.push("device differs");
		if (i > 0 && events[i].local_seq <= events[i - 1].local_seq) wrong.push("order");
	}
	return { lines, seqs: events.map((e) => e.local_seq), wrong };
}

// Store what is new, in order, as the hub does: a high-water mark.
function keep({ lines, seqs }, through) {
	let duplicates = 0;
	for (let i = 0; i < lines.length && seqs[i] <= through; i++) {
		if (seqs[i] <= mark) {
			duplicates++;
			continue;
		}
		appendFileSync(store, lines[i] + "\n");
		mark = seqs[i];
	}
	return duplicates;
}

function receipt(request, through, changes = {}) {
	return JSON.stringify({
		device_id: request.headers["holdfast-device"],
		epoch: request.headers["holdfast-epoch"],
		nonce: request.headers["holdfast-nonce"],
		acked_through: through,
		...changes,
	});
}

function answer(response, status, type, body, headers = {}) {
	response.writeHead(status, {
		"Content-Type": type,
		"Content-Length": Buffer.byteLength(body),
		...headers,
	});
	response.end(body);
}

const JSON_TYPE = "application/json";
const refusal = (error, more = {}) => JSON.stringify({ error, message: `said the ${scenario}`, ...more });

const scenarios = {
	good: (q, r, b, last) => {
		const duplicates = keep(b, last);
		answer(r, 200, `${JSON_TYPE}; charset=utf-8`, receipt(q, last));
		return { stored: true, duplicates };
	},
	partial: (q, r, b) => {
		const through = b.seqs[Math.floor((b.seqs.length - 1) / 2)];
		keep(b, through);
		answer(r, 200, JSON_TYPE, receipt(q, through));
		return { stored: true };
	},
	none: (q, r, b) => answer(r, 200, JSON_TYPE, receipt(q, b.seqs[0] - 1)),
	html200: (q, r) => answer(r, 200, "text/html", "<html><body>Accept our terms</body></html>"),
	json_html200: (q, r) => answer(r, 200, JSON_TYPE, "<html><body>Accept our terms</body></html>"),
	redirect302: (q, r) => answer(r, 302, "text/html", "", { Location: "/portal" }),
	redirect307: (q, r) => answer(r, 307, "text/html", "", { Location: "/portal" }),
	created201: (q, r, b, last) => answer(r, 201, JSON_TYPE, receipt(q, last)),
	e500: (q, r, b, last) => answer(r, 500, JSON_TYPE, receipt(q, last)),
	half_response: (q, r, b, last) => {
		const body = receipt(q, last);
		r.writeHead(200, { "Content-Type": JSON_TYPE, "Content-Length": body.length + 50 });
		r.write(body, () => r.socket.destroy());
	},
	half_json: (q, r, b, last) => answer(r, 200, JSON_TYPE, receipt(q, last).slice(0, -1)),
	wrong_numbers: (q, r, b, last) => answer(r, 200, JSON_TYPE, receipt(q, last + 1)),
	lower_numbers: (q, r, b) => answer(r, 200, JSON_TYPE, receipt(q, b.seqs[0] - 2)),
	negative: (q, r) => answer(r, 200, JSON_TYPE, receipt(q, -1)),
	fraction: (q, r, b, last) => answer(r, 200, JSON_TYPE, receipt(q, last - 0.5)),
	wrong_nonce: (q, r, b, last) => answer(r, 200, JSON_TYPE, receipt(q, last, { nonce: "0".repeat(32) })),
	wrong_device: (q, r, b, last) => answer(r, 200, JSON_TYPE, receipt(q, last, { device_id: "x" })),
	wrong_epoch: (q, r, b, last) => answer(r, 200, JSON_TYPE, receipt(q, last, { epoch: "x" })),
	wrong_type: (q, r, b, last) => answer(r, 200, "text/plain", receipt(q, last)),
	twice: (q, r, b, last) =>
		answer(r, 200, JSON_TYPE, receipt(q, last).replace("}", `,"acked_through":${last}}`)),
	huge: (q, r, b, last) => answer(r, 200, JSON_TYPE, receipt(q, last) + " ".repeat(200000)),
	slow: () => {},
	reset: (q) => q.socket.resetAndDestroy(),
	portal403: (q, r) => answer(r, 403, "text/html", "<html>log in</html>"),
	retry_after: (q, r) => answer(r, 503, JSON_TYPE, refusal("busy"), { "Retry-After": String(number) }),
	denied: (q, r) => answer(r, 401, JSON_TYPE, refusal("unauthorized")),
	conflict: (q, r, b) => answer(r, 409, JSON_TYPE, refusal("conflict", { seq: b.seqs[0] })),
	too_large: (q, r, b, last) =>
		b.lines.length > number ? answer(r, 413, "text/html", "too large") : scenarios.good(q, r, b, last),
	reject: (q, r, b, last) =>
		b.seqs.includes(number)
			? answer(r, 422, JSON_TYPE, refusal("bad_line", { seq: number }))
			: scenarios.good(q, r, b, last),
	// Commits, then the way dies before the receipt is out: the same lines must come again.
	lost_receipt: (q, r, b, last) => {
		keep(b, last);
		q.socket.resetAndDestroy();
		return { stored: true };
	},
};

function onThumb(request, response, body) {
	const name = request.url.slice("/v1/thumbs/".length);
	const wrong = [];

	if (request.method === "HEAD") {
		response.writeHead(thumbs.has(name) ? 200 : 404, { "Content-Type": "image/jpeg" }).end();
	} else {
		if (createHash("sha256").update(body).digest("hex") !== name) wrong.push("digest");
		if (request.headers["content-type"] !== "image/jpeg") wrong.push("content type");
		thumbs.add(name);
		response.writeHead(201, { "Content-Length": 0 }).end();
	}
	say({ method: request.method, thumb: name, wrong });
}

function onEvents(request, response, body) {
	const batch = judge(request, body);
	const last = batch.seqs[batch.seqs.length - 1];
	const more = scenarios[scenario](request, response, batch, last) ?? {};

	// A client may repeat a request as it was when a kept connection dies without a byte.
	if (response.headersSent) nonces.add(request.headers["holdfast-nonce"]);

	say({
		scenario,
		method: request.method,
		path: request.url,
		first: batch.seqs[0],
		last,
		lines: batch.lines.length,
		mark,
		wrong: batch.wrong,
		stored: more.stored ?? false,
		duplicates: more.duplicates ?? 0,
	});
}

const server = createServer((request, response) => {
	const parts = [];

	request.on("error", () => {});
	request.on("data", (part) => parts.push(part));
	request.on("end", () => {
		const body = Buffer.concat(parts);

		if (request.url.startsWith("/v1/thumbs/")) onThumb(request, response, body);
		else if (request.method === "POST" && request.url === "/v1/events") onEvents(request, response, body);
		else {
			// Only a client that follows redirects comes here.
			say({ path: request.url, wrong: [`${request.method} ${request.url}`] });
			answer(response, 200, JSON_TYPE, receipt(request, number));
		}
	});
});
server.keepAliveTimeout = 60000;
server.on("clientError", (error, socket) => socket.destroy());
server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));

createInterface({ input: process.stdin })
	.on("line", (line) => {
		const [name, argument] = line.trim().split(" ");

		if (!(name in scenarios)) throw new Error(`no scenario ${name}`);
		scenario = name;
		number = Number(argument ?? 0);
		say({ scenario: name });
	})
	.on("close", () => process.exit(0));
