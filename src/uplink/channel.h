/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * channel - what an answer does to the cursor, the wait and the state of the way to the hub.
 *
 * Shape       Pure: no disk, no network, no clock of its own. The process reads
 *             lines and talks; the channel says how many lines, whether now, and
 *             what has changed that a person should hear of.
 *
 * Numbers     acked_through moves forward only: by a strict success, or by one
 *             line when the process has noted a line that the hub refuses or
 *             that cannot be read.
 *
 * Method      Refused line: the batch is sent again without it and what follows,
 *             so that everything before it is delivered first; once it is the
 *             next one it is noted and passed over. The first refusal since a
 *             success costs no wait; each further one does, so that a hub that
 *             refuses everything is not fed the whole outbox, nor an event for
 *             each refusal, in one minute.
 *             Too large: half as many lines, and twice as many again with each
 *             success. One line that is too large needs a person: the hub takes
 *             HF_LINE_BYTES_MAX, so something in between does not.
 *             A busy hub (503, 429) makes the channel wait, but does not count as
 *             link down: an event for each would feed the storm.
 */
#include "shape/limits.h"
#include "uplink/answer.h"
#include "uplink/retry.h"

enum hf_way {
	HF_WAY_UNKNOWN = 0, /* nothing has been tried yet */
	HF_WAY_UP,
	HF_WAY_DOWN,
};

/* What a person should hear of; a set. */
enum hf_channel_news {
	HF_NEWS_LINK_DOWN = 1,
	HF_NEWS_LINK_UP = 2,
	HF_NEWS_BLOCKED = 4,
	HF_NEWS_UNBLOCKED = 8,
	HF_NEWS_CONFLICT = 16,
};

struct hf_channel {
	struct hf_retry retry;
	uint64_t acked_through;
	uint64_t refused_seq; /* 0: none */
	uint32_t refusals;    /* in a row */
	uint32_t lines_max;   /* of one request, as configured */
	uint32_t lines_now;   /* the same, after "too large" */
	bool blocked;
	enum hf_way way;
	struct hf_mono down_since;    /* zero: not down */
	struct hf_mono blocked_since; /* zero: not blocked */
	int64_t down_ms;              /* of the last HF_NEWS_LINK_UP */
	int64_t blocked_ms;           /* of the last HF_NEWS_UNBLOCKED */

	char last_error[HF_ANSWER_TEXT_BYTES]; /* empty: the last request was a success */
	char refused_text[HF_ANSWER_TEXT_BYTES];
};

/* What was asked when the answer came. */
struct hf_channel_batch {
	uint64_t first_seq;
	uint64_t last_seq;
	uint32_t line_count;
};

/* retry was loaded before: failures in it mean that the way was down when the last process ended. */
void hf_channel_init(struct hf_channel *ret_channel, const struct hf_retry *retry,
		     uint64_t acked_through, uint32_t lines_max, struct hf_mono now);

/* Is this line the next one, and never to be sent? Then note it and call hf_channel_pass(). */
bool hf_channel_refuses(const struct hf_channel *channel, uint64_t seq);
/* May this line stand in the next batch, after line_count others? */
bool hf_channel_takes(struct hf_channel *channel, uint64_t seq, uint32_t line_count);
/* Pass over everything up to seq: the caller has made a note of it. */
void hf_channel_pass(struct hf_channel *channel, uint64_t seq);

/* What the hub refused goes another way now: no need to wait. */
void hf_channel_resume(struct hf_channel *channel);

/* Take an answer in; ret: a set of enum hf_channel_news. */
unsigned hf_channel_answered(struct hf_channel *channel, const struct hf_answer *answer,
			     const struct hf_channel_batch *batch, struct hf_mono now,
			     const struct hf_random *random);
