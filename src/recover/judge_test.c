/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/judge.h"

#include "base/json.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static struct hf_judge_input all_running(void)
{
	struct hf_judge_input input = { .worker_count = 6 };
	static const struct hf_judge_worker workers[] = {
		{ HF_ROLE_KEEPER, 0, HF_WORKER_RUNNING, 0 },
		{ HF_ROLE_UPLINK, 0, HF_WORKER_RUNNING, 0 },
		{ HF_ROLE_RESPOND, 0, HF_WORKER_RUNNING, 0 },
		{ HF_ROLE_INFER, 0, HF_WORKER_RUNNING, 0 },
		{ HF_ROLE_INFER, 1, HF_WORKER_RUNNING, 0 },
		{ HF_ROLE_INGEST, 0, HF_WORKER_RUNNING, 0 },
	};

	for (size_t i = 0; i < input.worker_count; i++)
		input.workers[i] = workers[i];
	return input;
}

TEST(a_unit_whose_workers_all_run_is_healthy_without_a_reason)
{
	struct hf_judge_input input = all_running();
	struct hf_verdict verdict = hf_judge(&input);

	CHECK_U64(verdict.state, ==, HF_STATE_HEALTHY);
	CHECK_U64(verdict.reason_count, ==, 0);
}

TEST(one_detector_of_two_down_is_degraded_and_both_down_is_recovering)
{
	struct hf_judge_input input = all_running();

	input.workers[3].condition = HF_WORKER_DOWN;
	input.workers[3].failures = 1;
	CHECK_U64(hf_judge(&input).state, ==, HF_STATE_DEGRADED);
	input.workers[4].condition = HF_WORKER_STARTING;
	CHECK_U64(hf_judge(&input).state, ==, HF_STATE_RECOVERING);
}

TEST(a_detector_that_starts_for_the_first_time_does_not_degrade)
{
	struct hf_judge_input input = all_running();

	input.workers[3].condition = HF_WORKER_STARTING;
	CHECK_U64(hf_judge(&input).state, ==, HF_STATE_RECOVERING);
}

TEST(a_worker_that_cannot_die_degrades_and_is_named)
{
	struct hf_judge_input input = all_running();

	input.workers[5].condition = HF_WORKER_STUCK;
	struct hf_verdict verdict = hf_judge(&input);
	CHECK_U64(verdict.state, ==, HF_STATE_DEGRADED);
	CHECK_TEXT(verdict.reasons[0], "ingest.0 was killed and does not end: stuck in the kernel");
}

TEST(any_single_other_worker_down_is_recovering)
{
	for (size_t i = 0; i < 6; i++) {
		struct hf_judge_input input = all_running();

		if (input.workers[i].role == HF_ROLE_INFER)
			continue;
		input.workers[i].condition = HF_WORKER_DOWN;
		CHECK_U64(hf_judge(&input).state, ==, HF_STATE_RECOVERING);
	}
}

TEST(a_worker_that_keeps_failing_degrades_and_its_reason_comes_first)
{
	struct hf_judge_input input = all_running();

	input.workers[0].condition = HF_WORKER_STARTING;
	input.workers[5].condition = HF_WORKER_DOWN;
	input.workers[5].failures = HF_JUDGE_FAILURES_MAX;
	struct hf_verdict verdict = hf_judge(&input);

	CHECK_U64(verdict.state, ==, HF_STATE_DEGRADED);
	CHECK_U64(verdict.reason_count, ==, 2);
	CHECK_TEXT(verdict.reasons[0], "ingest.0 failed 3 times in a row");
	CHECK_TEXT(verdict.reasons[1], "keeper.0 is starting");
}

TEST(a_standing_trouble_degrades_a_unit_whose_workers_all_run)
{
	struct hf_judge_input input = all_running();

	input.trouble_count = 1;
	(void)snprintf(input.troubles[0].name, sizeof input.troubles[0].name, "source_lost dvr");
	struct hf_verdict verdict = hf_judge(&input);

	CHECK_U64(verdict.state, ==, HF_STATE_DEGRADED);
	CHECK_TEXT(verdict.reasons[0], "source_lost dvr");
}

TEST(a_trouble_that_has_words_says_them_and_long_ones_are_cut_between_characters)
{
	struct hf_judge_input input = all_running();
	struct hf_judge_trouble *trouble = &input.troubles[0];

	input.trouble_count = 1;
	(void)snprintf(trouble->name, sizeof trouble->name, "source_lost dvr");
	(void)snprintf(trouble->why, sizeof trouble->why, "open /x.avi: no such file");
	struct hf_verdict verdict = hf_judge(&input);
	CHECK_TEXT(verdict.reasons[0], "source_lost dvr: open /x.avi: no such file");

	for (size_t i = 0; i + 2 < sizeof trouble->why; i += 2)
		memcpy(&trouble->why[i], "\xc3\xa4", 3);
	verdict = hf_judge(&input);
	size_t bytes = strlen(verdict.reasons[0]);
	CHECK_U64(bytes, >, HF_JUDGE_REASON_BYTES - 3);
	CHECK_U64(bytes, ==, hf_utf8_valid_prefix(verdict.reasons[0], bytes));
}

TEST(more_reasons_than_there_is_room_for_are_cut_not_written_past_the_end)
{
	struct hf_judge_input input = { .worker_count = HF_JUDGE_WORKERS_MAX,
					.trouble_count = HF_JUDGE_TROUBLES_MAX };

	for (size_t i = 0; i < input.worker_count; i++)
		input.workers[i] = (struct hf_judge_worker){ HF_ROLE_INGEST, 0, HF_WORKER_DOWN, 9 };
	CHECK_U64(hf_judge(&input).reason_count, ==, HF_JUDGE_REASONS_MAX);
}

TESTS(RUN(a_unit_whose_workers_all_run_is_healthy_without_a_reason),
      RUN(one_detector_of_two_down_is_degraded_and_both_down_is_recovering),
      RUN(a_detector_that_starts_for_the_first_time_does_not_degrade),
      RUN(a_worker_that_cannot_die_degrades_and_is_named),
      RUN(any_single_other_worker_down_is_recovering),
      RUN(a_worker_that_keeps_failing_degrades_and_its_reason_comes_first),
      RUN(a_standing_trouble_degrades_a_unit_whose_workers_all_run),
      RUN(a_trouble_that_has_words_says_them_and_long_ones_are_cut_between_characters),
      RUN(more_reasons_than_there_is_room_for_are_cut_not_written_past_the_end))
