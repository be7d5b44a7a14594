/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * retry - when a channel may try again.
 *
 * Shape       On disk two lines of text, "attempts=3\nremaining_ms=12345\n":
 *             failures in a row, and what is left of the wait. No wall time:
 *             a clock that jumps neither shortens nor stretches a wait.
 *
 * Numbers     The wait after failure n is drawn evenly from
 *             [min * 2^(n-1), min * 2^n], both capped: at the cap from
 *             [max / 2, max], so that a fleet that lost its hub at one moment
 *             does not come back at one moment. A Retry-After of the hub wins
 *             when it is larger, and is capped at max too.
 *
 * Durability  A restart goes on with what was left at the last save: at most
 *             an eighth of the wait (or HF_RETRY_SAVE_MS, if that is more) is
 *             waited twice, nothing is skipped.
 *
 * Errors      A state file that is missing or damaged means "no failures so
 *             far": it never keeps the channel from working. HF_E_CORRUPT
 *             tells the caller so that it can be logged.
 */
#include "base/clock.h"
#include "base/disk.h"
#include "base/err.h"
#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

#define HF_RETRY_HUB "meta/retry_state"

enum {
	HF_RETRY_TEXT_BYTES = 64,
	HF_RETRY_SAVE_MS = 3000, /* while waiting, not more often than this */
};

struct hf_retry {
	int64_t min_ms;
	int64_t max_ms;
	uint32_t attempts;  /* failures in a row; 0: no wait */
	int64_t delay_ms;   /* the whole wait in hand */
	struct hf_mono due; /* its end; zero while attempts is 0 */
	bool changed;       /* since the last save */
	int64_t saved_remaining_ms;
};

/* No failures so far. max_ms below min_ms counts as min_ms. */
void hf_retry_init(struct hf_retry *ret_retry, int64_t min_ms, int64_t max_ms);

/* retry_after_ms: what the hub asked for, 0 if nothing. */
void hf_retry_failed(struct hf_retry *retry, struct hf_mono now, const struct hf_random *random,
		     int64_t retry_after_ms);
void hf_retry_succeeded(struct hf_retry *retry);

/* 0: an attempt may be made now. */
int64_t hf_retry_remaining_ms(const struct hf_retry *retry, struct hf_mono now);

/* The state as text, and back. HF_E_CORRUPT: not such a text; retry is as after init. */
void hf_retry_text(const struct hf_retry *retry, struct hf_mono now,
		   char ret_text[HF_RETRY_TEXT_BYTES]);
enum hf_code hf_retry_parse(struct hf_retry *retry, const char *text, struct hf_mono now,
			    struct hf_err *err) HF_MUST_CHECK;

/* The file must be written: something changed, or enough of the wait has passed. */
bool hf_retry_save_due(const struct hf_retry *retry, struct hf_mono now);
enum hf_code hf_retry_save(struct hf_retry *retry, struct hf_disk *disk, const char *path,
			   struct hf_mono now, struct hf_err *err) HF_MUST_CHECK;
/* A missing file is HF_OK. Whatever the answer, retry can be used. */
enum hf_code hf_retry_load(struct hf_retry *retry, struct hf_disk *disk, const char *path,
			   struct hf_mono now, struct hf_err *err) HF_MUST_CHECK;
