/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/aside.h"

#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

static struct hf_err err;

enum {
	ITEMS_MAX = 64,
};

struct tries {
	unsigned done[ITEMS_MAX]; /* not atomic: each item is one thread's, and then the caller's */
	pthread_t by[ITEMS_MAX];
	bool slow;
};

static void count(void *context, size_t item)
{
	struct tries *tries = context;

	tries->done[item]++;
	tries->by[item] = pthread_self();
	if (tries->slow)
		(void)sched_yield();
}

TEST(every_item_of_every_job_is_done_once)
{
	struct hf_aside *aside;

	CHECK_OK(hf_aside_start(&aside, &err));
	for (size_t round = 0; round < 5000; round++) {
		struct tries tries = { .slow = round % 10 == 0 };
		struct hf_aside_job job = { .fn = count,
					    .context = &tries,
					    .count = round % (ITEMS_MAX + 1) };

		hf_aside_share(aside, &job);
		if (round % 5 == 0)
			(void)sched_yield();
		hf_aside_finish(aside, &job);
		for (size_t i = 0; i < ITEMS_MAX; i++)
			CHECK_U64(tries.done[i], ==, i < job.count);
	}
	hf_aside_stop(aside);
}

/* The first item ends when the second one has begun, which needs two threads. */
static void meet(void *context, size_t item)
{
	atomic_uint *begun = context;

	(void)item;
	atomic_fetch_add(begun, 1);
	while (atomic_load(begun) < 2)
		(void)sched_yield();
}

TEST(two_threads_take_items_of_one_job_after_the_other)
{
	struct hf_aside *aside;
	atomic_uint begun;
	struct hf_aside_job job = { .fn = meet, .context = &begun, .count = 2 };

	CHECK_OK(hf_aside_start(&aside, &err));
	for (unsigned round = 0; round < 500; round++) {
		atomic_store(&begun, 0);
		hf_aside_share(aside, &job);
		hf_aside_finish(aside, &job);
		CHECK_U64(atomic_load(&begun), ==, 2);
		if (round % 2 == 0)
			(void)sched_yield();
	}
	hf_aside_stop(aside);
}

TEST(without_a_second_thread_the_caller_does_it_all)
{
	struct tries tries = { 0 };
	struct hf_aside_job job = { .fn = count, .context = &tries, .count = 7 };

	hf_aside_share(NULL, &job);
	CHECK_U64(tries.done[0], ==, 0);
	hf_aside_finish(NULL, &job);
	for (size_t i = 0; i < 7; i++)
		CHECK(tries.done[i] == 1 && pthread_equal(tries.by[i], pthread_self()));
	hf_aside_stop(NULL);
}

TESTS(RUN(every_item_of_every_job_is_done_once),
      RUN(two_threads_take_items_of_one_job_after_the_other),
      RUN(without_a_second_thread_the_caller_does_it_all))
