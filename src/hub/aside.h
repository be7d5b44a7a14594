/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * aside - a second thread for work that need not hold up the one that answers.
 *
 * Shape       A job is `count` items that do not depend on one another. Both threads take items,
 *             the second one from share() on, the caller in finish(): so a job is never later than
 *             without the second thread by more than the item that is in hand there. Without a second
 *             thread (NULL) finish() does it all.
 *
 * Owners      One caller at a time; the job is the caller's and must stay until finish() returns.
 *             What the items write is the caller's to read after that, and not before.
 */
#include "base/err.h"

#include <stdatomic.h>
#include <stddef.h>

typedef void hf_aside_fn(void *context, size_t item);

struct hf_aside_job {
	hf_aside_fn *fn;
	void *context;
	size_t count;
	atomic_size_t next; /* the first item that nobody has taken */
};

struct hf_aside;

enum hf_code hf_aside_start(struct hf_aside **ret_aside, struct hf_err *err) HF_MUST_CHECK;
/* NULL is fine. No job may be shared. */
void hf_aside_stop(struct hf_aside *aside);

void hf_aside_share(struct hf_aside *aside, struct hf_aside_job *job);
/* Returns when all items are done. Of a job that was shared, or, with NULL, of any. */
void hf_aside_finish(struct hf_aside *aside, struct hf_aside_job *job);
