/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/channel.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

static int64_t since_ms(struct hf_mono from, struct hf_mono now)
{
	return hf_mono_diff_us(now, from) / 1000;
}

static unsigned go_up(struct hf_channel *channel, struct hf_mono now)
{
	bool was_down = channel->way == HF_WAY_DOWN;

	channel->way = HF_WAY_UP;
	if (!was_down)
		return 0;
	channel->down_ms = since_ms(channel->down_since, now);
	channel->down_since = (struct hf_mono){ 0 };
	return HF_NEWS_LINK_UP;
}

static unsigned go_down(struct hf_channel *channel, struct hf_mono now)
{
	if (channel->way == HF_WAY_DOWN)
		return 0;
	channel->way = HF_WAY_DOWN;
	channel->down_since = now;
	return HF_NEWS_LINK_DOWN;
}

static unsigned block(struct hf_channel *channel, unsigned news, struct hf_mono now)
{
	if (channel->blocked)
		return 0;
	channel->blocked = true;
	channel->blocked_since = now;
	return news;
}

static unsigned unblock(struct hf_channel *channel, struct hf_mono now)
{
	if (!channel->blocked)
		return 0;
	channel->blocked = false;
	channel->blocked_ms = since_ms(channel->blocked_since, now);
	channel->blocked_since = (struct hf_mono){ 0 };
	return HF_NEWS_UNBLOCKED;
}

static unsigned on_delivered(struct hf_channel *channel, const struct hf_answer *answer,
			     const struct hf_channel_batch *batch, struct hf_mono now,
			     const struct hf_random *random)
{
	if (answer->acked_through < batch->first_seq) {
		/* Honest, but no progress: at once again would be a loop. */
		(void)snprintf(channel->last_error, sizeof channel->last_error,
			       "the hub took none of the lines");
		hf_retry_failed(&channel->retry, now, random, 0);
		return go_up(channel, now);
	}
	channel->acked_through = answer->acked_through;
	channel->refusals = 0;
	channel->last_error[0] = '\0';
	if (channel->lines_now < channel->lines_max)
		channel->lines_now = channel->lines_now <= channel->lines_max / 2
					     ? channel->lines_now * 2
					     : channel->lines_max;
	hf_retry_succeeded(&channel->retry);
	return go_up(channel, now) | unblock(channel, now);
}

static unsigned on_too_large(struct hf_channel *channel, const struct hf_channel_batch *batch,
			     struct hf_mono now, const struct hf_random *random)
{
	if (batch->line_count > 1) {
		channel->lines_now = batch->line_count / 2;
		return 0;
	}
	hf_retry_failed(&channel->retry, now, random, 0);
	return block(channel, HF_NEWS_BLOCKED, now);
}

static unsigned on_rejected(struct hf_channel *channel, const struct hf_answer *answer,
			    struct hf_mono now, const struct hf_random *random)
{
	channel->refused_seq = answer->seq;
	memcpy(channel->refused_text, answer->text, sizeof channel->refused_text);
	channel->refusals++;
	if (channel->refusals > 1)
		hf_retry_failed(&channel->retry, now, random, 0);
	return go_up(channel, now);
}

void hf_channel_init(struct hf_channel *ret_channel, const struct hf_retry *retry,
		     uint64_t acked_through, uint32_t lines_max, struct hf_mono now)
{
	HF_ASSERT(lines_max > 0);
	*ret_channel = (struct hf_channel){ .retry = *retry,
					    .acked_through = acked_through,
					    .lines_max = lines_max,
					    .lines_now = lines_max };
	if (retry->attempts > 0) {
		ret_channel->way = HF_WAY_DOWN;
		ret_channel->down_since = now;
	}
}

bool hf_channel_refuses(const struct hf_channel *channel, uint64_t seq)
{
	return channel->refused_seq != 0 && seq == channel->refused_seq;
}

bool hf_channel_takes(struct hf_channel *channel, uint64_t seq, uint32_t line_count)
{
	/* The refused line should have been next and is not: it cannot be read any more. */
	if (line_count == 0 && seq > channel->refused_seq)
		channel->refused_seq = 0;
	return line_count < channel->lines_now &&
	       (channel->refused_seq == 0 || seq < channel->refused_seq);
}

void hf_channel_pass(struct hf_channel *channel, uint64_t seq)
{
	HF_ASSERT(seq > channel->acked_through);
	channel->acked_through = seq;
	if (channel->refused_seq <= seq)
		channel->refused_seq = 0;
}

void hf_channel_resume(struct hf_channel *channel)
{
	hf_retry_succeeded(&channel->retry);
}

unsigned hf_channel_answered(struct hf_channel *channel, const struct hf_answer *answer,
			     const struct hf_channel_batch *batch, struct hf_mono now,
			     const struct hf_random *random)
{
	HF_ASSERT(batch->line_count > 0 && batch->first_seq > channel->acked_through);

	memcpy(channel->last_error, answer->text, sizeof channel->last_error);
	switch (answer->verdict) {
	case HF_VERDICT_DELIVERED:
		return on_delivered(channel, answer, batch, now, random);
	case HF_VERDICT_RETRY:
		hf_retry_failed(&channel->retry, now, random, answer->retry_after_ms);
		return answer->busy || answer->local ? 0 : go_down(channel, now);
	case HF_VERDICT_BLOCKED:
		hf_retry_failed(&channel->retry, now, random, 0);
		return (answer->local ? 0 : go_up(channel, now)) |
		       block(channel, HF_NEWS_BLOCKED, now);
	case HF_VERDICT_CONFLICT:
		hf_retry_failed(&channel->retry, now, random, 0);
		return go_up(channel, now) | block(channel, HF_NEWS_CONFLICT, now);
	case HF_VERDICT_TOO_LARGE:
		return on_too_large(channel, batch, now, random);
	case HF_VERDICT_REJECTED:
		return on_rejected(channel, answer, now, random);
	}
	hf_assert_failed("a verdict", __FILE__, __LINE__, __func__);
}
