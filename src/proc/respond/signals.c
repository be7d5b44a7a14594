/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An output is a result that was judged: what is decided, is decided then. No output, no age: that
 * pictures were offered and nothing came of them is told by the latency, and by progress.
 */
#include "proc/respond/respond.h"

#include <stddef.h>

enum {
	SIGNALS_MS = 1000,
	PERIOD_US_MAX = 2000000, /* a longer pause is no period */
	PERIOD_SHARE = 8,
};

void signals_on_tick(struct respond *respond, const struct hf_tick *tick)
{
	struct hf_mono *before = &respond->ticked[tick->source];
	int64_t *period_us = &respond->period_us[tick->source];
	const int64_t since_us = hf_mono_diff_us(tick->captured_mono, *before);

	if (before->us != 0 && since_us > 0 && since_us < PERIOD_US_MAX)
		*period_us += *period_us == 0 ? since_us : (since_us - *period_us) / PERIOD_SHARE;
	*before = tick->captured_mono;
}

void signals_on_output(struct respond *respond, const struct hf_job *job, struct hf_mono now)
{
	const int64_t allowed_us =
		2 * respond->period_us[job->source] +
		hf_worker_config(respond->worker)->latency_objective_ms * INT64_C(1000);
	const int64_t beyond_ms = (hf_mono_diff_us(now, job->captured_mono) - allowed_us) / 1000;

	if (beyond_ms > respond->input_age_ms)
		respond->input_age_ms = beyond_ms;
}

void signals_when_due(struct respond *respond)
{
	const struct hf_mono now = respond_now();
	struct hf_signals signals = {
		.count = 1,
		.samples = { { .signal = HF_SIGNAL_INPUT_AGE, .value = respond->input_age_ms } },
	};
	struct hf_err err;

	/* An old input is told at once. */
	if (hf_worker_hello(respond->worker)->lockstep != HF_LOCKSTEP_NONE ||
	    (hf_mono_before(now, respond->signals_due) &&
	     respond->input_age_ms <= respond->input_age_told_ms))
		return;
	if (hf_worker_send(respond->worker, HF_ROLE_SUPERVISOR, 0, HF_MSG_SIGNALS, &signals,
			   offsetof(struct hf_signals, samples) + sizeof signals.samples[0],
			   &err) != HF_OK)
		return; /* its queue is full: again after the next step */
	respond->input_age_told_ms = respond->input_age_ms;
	if (hf_mono_before(now, respond->signals_due))
		return;
	respond->signals_due = hf_mono_add_ms(now, SIGNALS_MS);
	respond->input_age_ms = respond->input_age_told_ms = 0;
}
