/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/chain_check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_LINES = 512,
	BATCH_BYTES = 512 * 1024,
};

_Static_assert((int)BATCH_BYTES > (int)HF_LINE_BYTES_MAX, "a whole line fits");

struct job {
	struct hf_chain_line about;
	uint8_t previous[HF_CHAIN_BYTES];
	uint8_t expected[HF_CHAIN_BYTES];
	size_t at;
	size_t size_bytes;
	bool fits;
};

struct batch {
	size_t count;
	size_t filled;
	struct job jobs[BATCH_LINES];
	uint8_t data[BATCH_BYTES];
};

struct hf_chain_check {
	struct hf_chain_check_options options;
	size_t current; /* the batch that is being gathered; the other one is the thread's */
	bool has_thread;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct batch *handed; /* being hashed; NULL: the thread waits */
	bool stop;
	struct batch batches[2];
};

static struct hf_chain_input input_of(const struct batch *batch, size_t index)
{
	const struct job *job = &batch->jobs[index];

	return (struct hf_chain_input){ .previous = job->previous,
					.data = batch->data + job->at,
					.size_bytes = job->size_bytes };
}

static void hash(struct batch *batch)
{
	uint8_t chains[2][HF_CHAIN_BYTES];

	for (size_t i = 0; i < batch->count; i += 2) {
		size_t pair = batch->count - i >= 2 ? 2 : 1;
		const struct hf_chain_input inputs[2] = {
			input_of(batch, i),
			input_of(batch, i + pair - 1),
		};

		if (pair == 2)
			hf_chain_hash_two(inputs, chains);
		else
			hf_chain_hash(&inputs[0], chains[0]);
		for (size_t k = 0; k < pair; k++)
			batch->jobs[i + k].fits =
				memcmp(chains[k], batch->jobs[i + k].expected, HF_CHAIN_BYTES) == 0;
	}
}

static void *run(void *context)
{
	struct hf_chain_check *check = context;

	(void)pthread_mutex_lock(&check->lock);
	while (!check->stop) {
		struct batch *batch = check->handed;

		if (batch == NULL) {
			(void)pthread_cond_wait(&check->changed, &check->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&check->lock);
		hash(batch);
		(void)pthread_mutex_lock(&check->lock);
		check->handed = NULL;
		(void)pthread_cond_broadcast(&check->changed);
	}
	(void)pthread_mutex_unlock(&check->lock);
	return NULL;
}

static void wait_until_hashed(struct hf_chain_check *check)
{
	if (!check->has_thread)
		return;
	(void)pthread_mutex_lock(&check->lock);
	while (check->handed != NULL)
		(void)pthread_cond_wait(&check->changed, &check->lock);
	(void)pthread_mutex_unlock(&check->lock);
}

/* The batch in the thread's hands is done with, and empty again. */
static void take_back(struct hf_chain_check *check)
{
	struct batch *batch = &check->batches[1 - check->current];

	wait_until_hashed(check);
	for (size_t i = 0; i < batch->count; i++)
		if (!batch->jobs[i].fits)
			check->options.broken(check->options.context, &batch->jobs[i].about);
	batch->count = 0;
	batch->filled = 0;
}

static void hand_over(struct hf_chain_check *check)
{
	struct batch *batch = &check->batches[check->current];

	if (check->has_thread) {
		(void)pthread_mutex_lock(&check->lock);
		check->handed = batch;
		(void)pthread_cond_broadcast(&check->changed);
		(void)pthread_mutex_unlock(&check->lock);
	} else {
		hash(batch);
	}
	check->current = 1 - check->current;
}

enum hf_code hf_chain_check_open(const struct hf_chain_check_options *options,
				 struct hf_chain_check **ret_check, struct hf_err *err)
{
	struct hf_chain_check *check = calloc(1, sizeof *check);

	if (check == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	check->options = *options;
	(void)pthread_mutex_init(&check->lock, NULL);
	(void)pthread_cond_init(&check->changed, NULL);
	check->has_thread = pthread_create(&check->thread, NULL, run, check) == 0;
	*ret_check = check;
	return HF_OK;
}

void hf_chain_check_close(struct hf_chain_check *check)
{
	if (check == NULL)
		return;
	if (check->has_thread) {
		(void)pthread_mutex_lock(&check->lock);
		check->stop = true;
		(void)pthread_cond_broadcast(&check->changed);
		(void)pthread_mutex_unlock(&check->lock);
		(void)pthread_join(check->thread, NULL);
	}
	(void)pthread_cond_destroy(&check->changed);
	(void)pthread_mutex_destroy(&check->lock);
	free(check);
}

void hf_chain_check_add(struct hf_chain_check *check, const struct hf_line *line,
			const uint8_t previous[HF_CHAIN_BYTES], const struct hf_chain_line *about)
{
	struct hf_chain_input input = hf_line_chain_input(line, previous);
	struct batch *batch = &check->batches[check->current];

	if (batch->count == BATCH_LINES || input.size_bytes > BATCH_BYTES - batch->filled) {
		take_back(check);
		hand_over(check);
		batch = &check->batches[check->current];
	}
	struct job *job = &batch->jobs[batch->count++];
	job->about = *about;
	job->at = batch->filled;
	job->size_bytes = input.size_bytes;
	memcpy(job->previous, previous, HF_CHAIN_BYTES);
	memcpy(job->expected, line->chain, HF_CHAIN_BYTES);
	memcpy(batch->data + batch->filled, input.data, input.size_bytes);
	batch->filled += input.size_bytes;
}

void hf_chain_check_settle(struct hf_chain_check *check)
{
	take_back(check);
	if (check->batches[check->current].count == 0)
		return;
	hand_over(check);
	take_back(check);
}
