/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Question: how long does one step of the policy take, of the largest unit there is?
 *
 * Method: the policy of the build, 64 cameras in 4 sources, 15 workers; every signal is given. First
 * with nothing wrong, then with 56 cameras lost and 4 workers down, 60 cases that are active, each
 * action reported as done at once. The step goes on by 100 ms each time, as in the supervisor.
 * Rounds of 2000 steps; the best round counts: what else runs on the machine only ever takes. The
 * limit is what the supervisor may spend on it: 20 us.
 */
#include "base/clock.h"
#include "base/json.h"
#include "boot/policy.h"
#include "recover/machine.h"
#include "wire/proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROUNDS = 25,
	STEPS = 2000,
	CAMERAS = 64,
	WORKERS = 15,
	LOST = 56,
	DOWN = 4,
	LIMIT_US = 20,
};

static struct hf_policy policy;
static struct hf_policy_state state;
static struct hf_policy_input input;
static struct hf_policy_output out;

static void die(const char *what)
{
	(void)fprintf(stderr, "policy_bench: %s\n", what);
	exit(EXIT_FAILURE);
}

static void set(enum hf_signal signal, unsigned scope, int64_t value)
{
	input.readings[signal][scope] = (struct hf_reading){ .known = true, .value = value };
}

static void begin(unsigned lost, unsigned down)
{
	hf_policy_state_fresh(&state);
	memset(&input, 0, sizeof input);
	input.now_ms = 3600000;
	input.uptime_ms = 3600000;
	input.release = 1;
	input.worker_count = WORKERS;
	input.source_count = 4;
	input.camera_count = CAMERAS;
	for (unsigned signal = 0; signal < HF_SIGNAL_COUNT; signal++)
		for (unsigned i = 0; i < HF_CAMERAS_MAX; i++)
			set((enum hf_signal)signal, i, 0);
	set(HF_SIGNAL_DISK_FREE, 0, 500);
	set(HF_SIGNAL_DISK_INODES, 0, 500);
	for (unsigned i = 0; i < WORKERS; i++) {
		input.worker_roles[i] = i < 4 ? HF_ROLE_INGEST : HF_ROLE_INFER;
		set(HF_SIGNAL_WORKER_DOWN, i, i < down ? 1 : 0);
	}
	for (unsigned i = 0; i < lost; i++)
		set(HF_SIGNAL_CAMERA_FRAME, i, 60000);
}

static void step(void)
{
	input.now_ms += 100;
	input.uptime_ms += 100;
	input.outcome_count = 0;
	for (unsigned i = 0; i < out.order_count; i++)
		input.outcomes[input.outcome_count++] = (struct hf_outcome){
			.result = out.orders[i].kind == HF_ORDER_FREEZE ? HF_RESULT_FROZEN
									: HF_RESULT_DONE,
			.action = out.orders[i].action,
			.reason = out.orders[i].reason,
			.scope = out.orders[i].scope,
		};
	hf_policy_step(&policy, &state, &input, &out);
}

static unsigned active(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < state.case_count; i++)
		if (state.cases[i].phase == HF_CASE_ACTIVE)
			count++;
	return count;
}

static void measure(const char *figure, unsigned lost, unsigned down)
{
	double best_us = 0;
	char text[512];
	struct hf_err err;
	struct hf_json json = hf_json_begin(text, sizeof text);

	begin(lost, down);
	memset(&out, 0, sizeof out);
	for (unsigned round = 0; round < ROUNDS; round++) {
		int64_t begun_us = hf_mono_now(hf_clock_real()).us;

		for (unsigned i = 0; i < STEPS; i++)
			step();
		double each_us =
			(double)(hf_mono_now(hf_clock_real()).us - begun_us) / (double)STEPS;
		if (round == 0 || each_us < best_us)
			best_us = each_us;
	}
	if (active() != lost + down)
		die("not as many cases are active as were meant to be");
	hf_json_object_open(&json);
	hf_json_put_text(&json, "bench", "policy");
	hf_json_put_text(&json, "figure", figure);
	hf_json_put_real(&json, "value", best_us, 2);
	hf_json_put_text(&json, "unit", "us/step");
	hf_json_put_real(&json, "limit", LIMIT_US, 1);
	hf_json_put_real(&json, "ratio", best_us / LIMIT_US, 3);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) == HF_OK)
		(void)puts(text);
}

int main(void)
{
	static struct hf_report report;
	struct hf_err err;
	size_t size_bytes;
	const char *text = hf_policy_standard(&size_bytes);

	if (hf_policy_parse("policy.yaml", text, size_bytes, &policy, &report, &err) != HF_OK)
		die(err.text);
	measure("quiet", 0, 0);
	measure("60 active cases", LOST, DOWN);
	return EXIT_SUCCESS;
}
