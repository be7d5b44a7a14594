/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/retry.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

enum {
	SAVES_PER_WAIT = 8, /* a longer wait is saved less often: flash wears */
};

/* min * 2^doublings, capped. */
static int64_t edge_ms(const struct hf_retry *retry, uint32_t doublings)
{
	int64_t edge = retry->min_ms;

	for (uint32_t i = 0; i < doublings && edge < retry->max_ms; i++)
		edge *= 2;
	return edge < retry->max_ms ? edge : retry->max_ms;
}

static int64_t at_least(int64_t value, int64_t floor)
{
	return value > floor ? value : floor;
}

void hf_retry_init(struct hf_retry *ret_retry, int64_t min_ms, int64_t max_ms)
{
	HF_ASSERT(min_ms > 0);
	*ret_retry = (struct hf_retry){ .min_ms = min_ms, .max_ms = at_least(max_ms, min_ms) };
}

void hf_retry_failed(struct hf_retry *retry, struct hf_mono now, const struct hf_random *random,
		     int64_t retry_after_ms)
{
	if (retry->attempts < UINT32_MAX)
		retry->attempts++;

	int64_t high = edge_ms(retry, retry->attempts);
	int64_t low = at_least(high / 2, retry->min_ms);
	int64_t delay = (int64_t)hf_random_between(random, (uint64_t)low, (uint64_t)high);
	int64_t asked = retry_after_ms < retry->max_ms ? retry_after_ms : retry->max_ms;

	retry->delay_ms = at_least(delay, asked);
	retry->due = hf_mono_add_ms(now, retry->delay_ms);
	retry->changed = true;
}

void hf_retry_succeeded(struct hf_retry *retry)
{
	if (retry->attempts == 0)
		return;
	retry->attempts = 0;
	retry->delay_ms = 0;
	retry->due = (struct hf_mono){ 0 };
	retry->changed = true;
}

int64_t hf_retry_remaining_ms(const struct hf_retry *retry, struct hf_mono now)
{
	if (retry->attempts == 0 || !hf_mono_before(now, retry->due))
		return 0;
	/* Rounded up: 0 only when the wait is over. */
	return (hf_mono_diff_us(retry->due, now) + 999) / 1000;
}

void hf_retry_text(const struct hf_retry *retry, struct hf_mono now,
		   char ret_text[HF_RETRY_TEXT_BYTES])
{
	(void)snprintf(ret_text, HF_RETRY_TEXT_BYTES, "attempts=%u\nremaining_ms=%lld\n",
		       retry->attempts, (long long)hf_retry_remaining_ms(retry, now));
}

enum hf_code hf_retry_parse(struct hf_retry *retry, const char *text, struct hf_mono now,
			    struct hf_err *err)
{
	unsigned long attempts;
	long long remaining_ms;
	char again[HF_RETRY_TEXT_BYTES];

	hf_retry_init(retry, retry->min_ms, retry->max_ms);
	/* sscanf forgives signs, blanks and leading zeros; writing it again does not. */
	if (sscanf(text, "attempts=%10lu\nremaining_ms=%18lld\n", &attempts, &remaining_ms) != 2 ||
	    (size_t)snprintf(again, sizeof again, "attempts=%lu\nremaining_ms=%lld\n", attempts,
			     remaining_ms) >= sizeof again ||
	    strcmp(again, text) != 0 || attempts > UINT32_MAX || remaining_ms < 0 ||
	    (attempts == 0 && remaining_ms > 0))
		return hf_fail(err, HF_E_CORRUPT,
			       "retry state \"%.40s\" is not attempts=N, remaining_ms=N", text);
	if (attempts == 0)
		return HF_OK;
	retry->attempts = (uint32_t)attempts;
	/* The limits may have been lowered since, or the number flipped a bit. */
	retry->delay_ms = remaining_ms < retry->max_ms ? remaining_ms : retry->max_ms;
	retry->due = hf_mono_add_ms(now, retry->delay_ms);
	retry->saved_remaining_ms = retry->delay_ms;
	return HF_OK;
}

bool hf_retry_save_due(const struct hf_retry *retry, struct hf_mono now)
{
	if (retry->changed || retry->attempts == 0)
		return retry->changed;
	return retry->saved_remaining_ms - hf_retry_remaining_ms(retry, now) >=
	       at_least(retry->delay_ms / SAVES_PER_WAIT, HF_RETRY_SAVE_MS);
}

enum hf_code hf_retry_save(struct hf_retry *retry, struct hf_disk *disk, const char *path,
			   struct hf_mono now, struct hf_err *err)
{
	char text[HF_RETRY_TEXT_BYTES];

	hf_retry_text(retry, now, text);
	enum hf_code code = hf_disk_text_replace(disk, path, text, err);
	/* A disk that refuses is asked again with the next change or step of the wait, not in
	 * a loop. */
	retry->changed = false;
	retry->saved_remaining_ms = hf_retry_remaining_ms(retry, now);
	return code;
}

enum hf_code hf_retry_load(struct hf_retry *retry, struct hf_disk *disk, const char *path,
			   struct hf_mono now, struct hf_err *err)
{
	char text[HF_RETRY_TEXT_BYTES];
	enum hf_code code = hf_disk_text_read(disk, path, text, sizeof text, err);

	if (code == HF_E_NOENT)
		return HF_OK;
	if (code == HF_E_LIMIT)
		return hf_fail(err, HF_E_CORRUPT, "%s is too long for a retry state", path);
	if (code != HF_OK)
		return code;
	code = hf_retry_parse(retry, text, now, err);
	if (code != HF_OK) {
		(void)hf_err_prefix(err, "%s", path);
		/* Overwritten with what is in force, so that a person finds the truth there. */
		retry->changed = true;
	}
	return code;
}
