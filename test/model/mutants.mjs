// SPDX-License-Identifier: Apache-2.0
//
// Goal: a check that no mutant fails is not a check. The machine is built anew with one thing wrong
// in it, and searched; what the search cannot see in its small world the unit tests must. A policy
// with one thing wrong in it must be refused.
//
// Usage   node mutants.mjs BUILD SOURCE [NAME...]   prints which check caught which; exit 1: one
//         passed that is not known to be equivalent.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const [BUILD, SOURCE, ...only] = process.argv.slice(2);
const POLICY = path.join(SOURCE, 'dist/policy.yaml');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-mutants-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

// Seen by nothing, and why that is right.
const EQUIVALENT = {
	'busy ignored': 'the intent is looked at again before it acts, and waits there',
};

const MACHINE = [
	{ name: "uses not counted", file: "ladder.c",
		from: "\thf_use_add(step->state, action, key_of(step, one, action));\n",
		to: "" },
	{ name: "intent not stored", file: "ladder.c",
		from: "\tstep->out->store = true;\n\thf_step_tell(step, HF_CHANGE_CHOSEN",
		to: "\thf_step_tell(step, HF_CHANGE_CHOSEN" },
	{ name: "no evidence before", file: "ladder.c",
		from: "if (hf_action_destroys(action_at(step, one, one->rung)) == 0) {",
		to: "if (true) {" },
	{ name: "evidence not waited for", file: "ladder.c",
		from: "go_to(step, one, HF_STEP_FREEZING, HF_FREEZE_MS);",
		to: "go_to(step, one, HF_STEP_FREEZING, 0);" },
	{ name: "busy ignored", file: "ladder.c",
		from: "return is_busy(step, one, action) ? HF_REFUSED_BUSY : HF_REFUSED_NOT;",
		to: "return HF_REFUSED_NOT;" },
	{ name: "maintenance ignored", file: "ladder.c",
		from: "return HF_REFUSED_MAINTENANCE;",
		to: "return HF_REFUSED_NOT;" },
	{ name: "stop after intent ignored", file: "ladder.c",
		from: "\tif (refusal == HF_REFUSED_NOT)\n\t\treturn false;\n\thf_step_tell",
		to: "\tif (true)\n\t\treturn false;\n\thf_step_tell" },
	{ name: "failed rung repeated", file: "ladder.c",
		from: "if ((one->failed & 1U << rung) != 0)",
		to: "if (false)" },
	{ name: "rollback not denied", file: "ladder.c",
		from: "\tif (action_at(step, one, one->rung) == HF_ACTION_ROLLBACK)\n\t\tdeny(step);\n",
		to: "" },
	{ name: "volatile ignored", file: "ladder.c",
		from: "step->input->is_volatile && !is_first",
		to: "false && !is_first" },
	{ name: "denied runs", file: "machine.c",
		from: "if (hf_step_denied(state, step->input) && !state->safe && !rollback_in_hand(step)) {",
		to: "if (false) {" },
	{ name: "denied cleared by operator", file: "machine.c",
		from: "\tif (hf_step_denied(state, step->input))\n\t\treturn HF_REFUSED_DENIED;\n",
		to: "" },
	{ name: "safe left while bad", file: "machine.c",
		from: "\t\t\treturn HF_REFUSED_STILL_BAD;\n\t(void)ack",
		to: "\t\t\tbreak;\n\t(void)ack" },
	{ name: "auto exit without budget", file: "machine.c",
		from: "\tif (!by_operator)\n\t\thf_use_add(state, HF_ACTION_SAFE_MODE, 0);\n",
		to: "" },
	{ name: "auto exit of any class", file: "machine.c",
		from: "(state->safe_classes & ~policy->safe_exit_classes) == 0 &&",
		to: "true &&" },
	{ name: "auto exit at once", file: "machine.c",
		from: "bool is_over = state->safe_well_ms > step->policy->safe_exit_healthy_ms;",
		to: "bool is_over = true;" },
	{ name: "commit without gate", file: "machine.c",
		from: "step->input->gate == HF_GATE_PASSED &&",
		to: "step->input->gate != HF_GATE_NONE &&" },
	{ name: "decides in safe mode", file: "machine.c",
		from: "out->may_decide = !state->safe && !sum.wide;",
		to: "out->may_decide = !sum.wide;" },
	{ name: "decides during restart all", file: "machine.c",
		from: "out->may_decide = !state->safe && !sum.wide;",
		to: "out->may_decide = !state->safe;" },
	{ name: "ack while in hand", file: "machine.c",
		from: "if (!one->is_clear || hf_ladder_in_hand(one)) {",
		to: "if (!one->is_clear) {" },
	{ name: "ack of what is unknown", file: "machine.c",
		from: "if (!one->is_clear || hf_ladder_in_hand(one)) {",
		to: "if (one->is_bad || hf_ladder_in_hand(one)) {" },
	{ name: "left while bad, not active", file: "machine.c",
		from: "if (is_over && !some_bad(step))",
		to: "if (is_over)" },
	{ name: "any boot ends a release's latch", file: "cases.c",
		from: "return one->rereleased && !hf_step_denied",
		to: "return !hf_step_denied" },
	{ name: "latch ignored", file: "cases.c",
		from: "!latch_is_open(step, reason, one) ||",
		to: "false ||" },
	{ name: "unknown is clear", file: "cases.c",
		from: "\tif (!reading->known)\n\t\treturn condition->unknown",
		to: "\tif (!reading->known)\n\t\treturn true ? NO : condition->unknown" },
	{ name: "clear hold not begun anew", file: "ladder.c",
		from: "\t\tone->clear_ms = 0;\n\t\tone->is_bad = false;",
		to: "\t\tone->is_bad = false;" },
	{ name: "safe not packed", file: "pack.c",
		from: "(state->safe ? FLAG_SAFE : 0U)",
		to: "0U" },
	{ name: "uses not packed", file: "pack.c",
		from: "put(&writer, state->use_count, 1);\n\tfor (unsigned i = 0; i < state->use_count; i++)",
		to: "put(&writer, 0, 1);\n\tfor (unsigned i = 0; i < 0; i++)" },
	{ name: "denied not packed", file: "pack.c",
		from: "put(&writer, state->denied[i], 8);",
		to: "put(&writer, 0, 8);" },
	{ name: "entering not stored", file: "cases.c",
		from: "\tstep->out->store = true;\n\thf_step_tell(step, HF_CHANGE_ENTERED",
		to: "\thf_step_tell(step, HF_CHANGE_ENTERED" },
];

// What the check of a policy has to refuse.
const POLICIES = [
	{ name: 'the link restarts a worker', from: /(  link_behind:\n    class: link\n)/, to: '$1    ladder: [restart_worker]\n' },
	{ name: 'a full disk restarts all', from: /(  outbox_full:\n    class: resource\n)/, to: '$1    ladder: [restart_all]\n' },
	{ name: 'reboot without a budget', from: 'reboot: {budget: 2/24h, ', to: 'reboot: {' },
	{ name: 'restart_all may never be done', from: 'restart_all: {budget: 1/1h', to: 'restart_all: {budget: 0/1h' },
	{ name: 'restart_group is not verified', from: 'restart_group: {budget: 2/30m, deadline: 30s, settle: 15s, verify: 60s}', to: 'restart_group: {budget: 2/30m, deadline: 30s, settle: 15s}' },
	{ name: 'safe mode switches something', from: 'actuate: false', to: 'actuate: true' },
	{ name: 'a reason that never clears', from: 'clear: {when: camera.frame_age < 1s, hold: 60s, refill: 0.25}', to: 'clear: {when: camera.frame_age > 6s and camera.frame_age < 1s, hold: 60s}' },
	{ name: 'bad and clear at once', from: 'clear: {when: camera.frozen < 1s, hold: 60s}', to: 'clear: {when: camera.frozen < 20s, hold: 60s}' },
	{ name: 'an unknown signal', from: 'when: camera.frozen > 10s', to: 'when: camera.frosen > 10s' },
	{ name: 'a unit that does not fit', from: 'when: camera.frozen > 10s', to: 'when: camera.frozen > 10%' },
	{ name: 'the mildest action last', from: 'ladder: [shed, fallback_model, safe_mode]', to: 'ladder: [safe_mode, fallback_model, shed]' },
	{ name: 'a crash window too short to count', from: 'budget: [3/10m, 12/24h]', to: 'budget: [3/1m, 12/24h]' },
	{ name: 'nobody has to see the cameras', from: 'camera.frame_age: {stale_after: 3s, required: true}', to: 'camera.frame_age: {stale_after: 3s}' },
];

const cflags = ['-O1', '-w', '-D_GNU_SOURCE', `-I${path.join(SOURCE, 'src')}`, `-I${path.join(SOURCE, 'test/lib')}`];
const library = (name) => path.join(BUILD, 'src', name.replace(/^boot_config$/, 'boot'), `lib${name}.a`);
const libraries = ['recover_search', 'recover', 'boot_config', 'wire', 'shape', 'base'].map((name) =>
	name === 'recover_search' ? path.join(BUILD, 'src/recover/librecover_search.a') : library(name));
const links = ['-Wl,--start-group', ...libraries, '-Wl,--end-group', '-ljansson', '-lyaml', '-lcmocka', '-lm'];

function compile(source, object, extra = []) {
	return run('cc', [...cflags, ...extra, '-c', '-o', object, source]);
}

const failed = async (program, args) => {
	try {
		return { out: (await run(program, args, { timeout: 120000, maxBuffer: 1 << 26 })).stdout, bad: false };
	} catch (error) {
		return { out: `${error.stdout ?? ''}${error.stderr ?? ''}`, bad: true };
	}
};

async function caughtBy(mutant, objects) {
	const file = path.join(SOURCE, 'src/recover', mutant.file);
	const text = fs.readFileSync(file, 'utf8');
	if (!text.includes(mutant.from)) return 'PATTERN MISSING';
	const base = path.join(folder, mutant.name.replace(/\W+/g, '_'));
	fs.writeFileSync(`${base}.c`, text.replace(mutant.from, () => mutant.to));
	await compile(`${base}.c`, `${base}.o`);
	const program = async (name) => {
		await run('cc', ['-o', `${base}_${name}`, objects[name], `${base}.o`, ...links]);
		return `${base}_${name}`;
	};
	const search = await failed(await program('model'), ['--singles', '--first', POLICY]);
	const invariant = /BROKEN (I\d+)/.exec(search.out);
	if (invariant) return `the search, ${invariant[1]}`;
	for (const name of ['machine_test', 'pack_test'])
		if ((await failed(await program(name), [])).bad) return `recover/${name}`;
	return null;
}

async function refused(mutant) {
	const text = fs.readFileSync(POLICY, 'utf8');
	const spoiled = text.replace(mutant.from, mutant.to);
	if (spoiled === text) return 'PATTERN MISSING';
	const file = path.join(folder, `${mutant.name.replace(/\W+/g, '_')}.yaml`);
	fs.writeFileSync(file, spoiled);
	const check = await failed(path.join(BUILD, 'src/proc/config/config'), ['--policy', file]);
	return check.bad ? `policy check: ${check.out.trim().split('\n')[0].replace(`${file}:`, 'line ').slice(0, 90)}` : null;
}

const objects = Object.fromEntries(['model', 'machine_test', 'pack_test'].map((name) => [name, path.join(folder, `${name}.o`)]));
await Promise.all([
	compile(path.join(SOURCE, 'test/model/model.c'), objects.model),
	compile(path.join(SOURCE, 'src/recover/machine_test.c'), objects.machine_test),
	compile(path.join(SOURCE, 'src/recover/pack_test.c'), objects.pack_test),
]);
let passed = 0, wrong = 0;
async function judge(kind, mutant, by) {
	const known = by === null ? EQUIVALENT[mutant.name] : null;
	const bad = by === 'PATTERN MISSING' || (by === null && !known);
	console.log(`${bad ? 'NOT SEEN' : 'seen    '}  ${kind.padEnd(8)} ${mutant.name.padEnd(36)} ${by ?? (known ? `equivalent: ${known}` : '')}`);
	if (bad) wrong++;
	else passed++;
}
const wanted = (m) => only.length === 0 || only.includes(m.name);
const queue = MACHINE.filter(wanted);
const worker = async () => {
	for (let mutant = queue.shift(); mutant; mutant = queue.shift())
		await judge('machine', mutant, await caughtBy(mutant, objects));
};
await Promise.all([worker(), worker()]);
for (const mutant of POLICIES.filter(wanted)) await judge('policy', mutant, await refused(mutant));
console.log(`${passed} seen or equivalent, ${wrong} not`);
process.exit(wrong > 0 ? 1 : 0);
