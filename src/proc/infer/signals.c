/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/infer/infer.h"

#include <string.h>

enum {
	SIGNALS_MS = 1000,
	PERMILLE = 1000,
};

void signals_count_failure(struct infer *infer, enum hf_code code)
{
	if (code == HF_E_NOMEM)
		hf_recent_add(&infer->out_of_memory, infer_now());
	else if (code == HF_E_CORRUPT)
		hf_recent_add(&infer->not_a_number, infer_now());
	else if (code == HF_E_IO)
		hf_recent_add(&infer->errors, infer_now());
}

static void put(struct hf_signals *signals, enum hf_signal signal, bool known, int64_t value)
{
	signals->samples[signals->count++] = (struct hf_sample){ .signal = (uint16_t)signal,
								 .unknown = !known,
								 .value = known ? value : 0 };
}

/* Of the objective. */
static void put_delay(const struct infer *infer, struct hf_signals *signals, struct hf_mono now)
{
	const int64_t objective_us = hf_worker_config(infer->worker)->latency_objective_ms * 1000;
	uint64_t us = 0;
	/* Without a network nothing can be given to this process: not idle, but blind. */
	bool known = infer->runtime != NULL && hf_delay_p99_us(&infer->delay, now, &us);

	put(signals, HF_SIGNAL_INFER_P99, known, (int64_t)us * PERMILLE / objective_us);
}

static void fill(const struct infer *infer, struct hf_signals *signals)
{
	const struct hf_mono now = infer_now();
	int64_t drift = 0;
	bool drift_known = hf_drift_permille(&infer->drift[infer->on_fallback], &drift);

	signals->count = 0;
	put(signals, HF_SIGNAL_INFER_OOM, true, hf_recent_count(&infer->out_of_memory, now));
	put(signals, HF_SIGNAL_INFER_ERRORS, true, hf_recent_count(&infer->errors, now));
	put(signals, HF_SIGNAL_INFER_GOLDEN, infer->golden_known, infer->golden_wrong);
	put(signals, HF_SIGNAL_INFER_NAN, true, hf_recent_count(&infer->not_a_number, now));
	put(signals, HF_SIGNAL_MODEL_INVALID, true, infer->main_invalid);
	/* From here on what is never twice the same: once a second is enough. */
	put(signals, HF_SIGNAL_INFER_DRIFT, drift_known, drift);
	put_delay(infer, signals, now);
}

static bool changed(const struct infer *infer, const struct hf_signals *signals)
{
	for (uint32_t i = 0; i < INFER_SIGNALS_AT_ONCE; i++)
		if (signals->samples[i].unknown != infer->said[i].unknown ||
		    signals->samples[i].value != infer->said[i].value)
			return true;
	return false;
}

void signals_send_when_due(struct infer *infer)
{
	static struct hf_signals signals;
	const struct hf_mono now = infer_now();
	struct hf_err err;

	/* In lockstep nobody judges; the one who reads is not the supervisor. */
	if (hf_worker_hello(infer->worker)->lockstep != HF_LOCKSTEP_NONE)
		return;
	fill(infer, &signals);
	if (!changed(infer, &signals) && hf_mono_before(now, infer->signals_due))
		return;
	/* A queue that is full is tried again after the next step. */
	if (hf_worker_send(infer->worker, HF_ROLE_SUPERVISOR, 0, HF_MSG_SIGNALS, &signals,
			   offsetof(struct hf_signals, samples) +
				   signals.count * sizeof signals.samples[0],
			   &err) != HF_OK)
		return;
	infer->signals_due = hf_mono_add_ms(now, SIGNALS_MS);
	memcpy(infer->said, signals.samples, sizeof infer->said);
}
