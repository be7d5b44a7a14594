/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/judge.h"

#include "base/assert.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* How bad a state is; the worst reason decides. */
static int rank_of(enum hf_state state)
{
	switch (state) {
	case HF_STATE_HEALTHY:
		return 0;
	case HF_STATE_RECOVERING:
		return 1;
	case HF_STATE_DEGRADED:
		return 2;
	case HF_STATE_ROLLED_BACK:
		return 3;
	case HF_STATE_SAFE_MODE:
		return 4;
	case HF_STATE_COUNT:
		break;
	}
	return 0;
}

/* Reasons of a worse state go in front of those of a milder one. */
static void add_reason(struct hf_verdict *verdict, enum hf_state state, const char *text)
{
	if (verdict->reason_count == HF_JUDGE_REASONS_MAX)
		return;
	size_t at = verdict->reason_count;

	if (rank_of(state) > rank_of(verdict->state)) {
		memmove(verdict->reasons[1], verdict->reasons[0],
			verdict->reason_count * sizeof verdict->reasons[0]);
		at = 0;
		verdict->state = state;
	}
	/* Cut between characters: a reason becomes part of an event. */
	size_t bytes = hf_utf8_valid_prefix(text, strnlen(text, HF_JUDGE_REASON_BYTES - 1));
	memcpy(verdict->reasons[at], text, bytes);
	verdict->reasons[at][bytes] = '\0';
	verdict->reason_count++;
}

static bool another_detector_runs(const struct hf_judge_input *input)
{
	for (size_t i = 0; i < input->worker_count; i++)
		if (input->workers[i].role == HF_ROLE_INFER &&
		    input->workers[i].condition == HF_WORKER_RUNNING)
			return true;
	return false;
}

static void judge_worker(const struct hf_judge_input *input, const struct hf_judge_worker *worker,
			 struct hf_verdict *verdict)
{
	char text[HF_JUDGE_REASON_BYTES];
	const char *name = hf_role_name(worker->role);
	const char *doing =
		worker->condition == HF_WORKER_STARTING ? "starting" : "being restarted";

	if (worker->condition == HF_WORKER_RUNNING)
		return;
	if (worker->condition == HF_WORKER_STUCK) {
		(void)snprintf(text, sizeof text,
			       "%s.%u was killed and does not end: stuck in the kernel", name,
			       worker->index);
		add_reason(verdict, HF_STATE_DEGRADED, text);
	} else if (worker->failures >= HF_JUDGE_FAILURES_MAX) {
		(void)snprintf(text, sizeof text, "%s.%u failed %u times in a row", name,
			       worker->index, worker->failures);
		add_reason(verdict, HF_STATE_DEGRADED, text);
	} else if (worker->role == HF_ROLE_INFER && worker->failures > 0 &&
		   another_detector_runs(input)) {
		(void)snprintf(text, sizeof text, "%s.%u is %s, the others carry on", name,
			       worker->index, doing);
		add_reason(verdict, HF_STATE_DEGRADED, text);
	} else {
		(void)snprintf(text, sizeof text, "%s.%u is %s", name, worker->index, doing);
		add_reason(verdict, HF_STATE_RECOVERING, text);
	}
}

static void judge_trouble(const struct hf_judge_trouble *trouble, struct hf_verdict *verdict)
{
	char text[HF_JUDGE_NAME_BYTES + HF_JUDGE_REASON_BYTES];

	(void)snprintf(text, sizeof text, "%s%s%s", trouble->name,
		       trouble->why[0] != '\0' ? ": " : "", trouble->why);
	add_reason(verdict, HF_STATE_DEGRADED, text);
}

struct hf_verdict hf_judge(const struct hf_judge_input *input)
{
	struct hf_verdict verdict = { .state = HF_STATE_HEALTHY };

	HF_ASSERT(input->worker_count <= HF_JUDGE_WORKERS_MAX &&
		  input->trouble_count <= HF_JUDGE_TROUBLES_MAX);
	for (size_t i = 0; i < input->worker_count; i++)
		judge_worker(input, &input->workers[i], &verdict);
	for (size_t i = 0; i < input->trouble_count; i++)
		judge_trouble(&input->troubles[i], &verdict);
	return verdict;
}
