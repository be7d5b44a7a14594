/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a job is posted under the lock; its items are then taken by counting up. finish() withdraws a
 * job that the second thread has not come to and waits for the item it may have in hand: looking for a
 * moment first, because items take microseconds and going to sleep costs several.
 */
#include "hub/aside.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOKS_MAX = 2000,
};

struct hf_aside {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t posted, done;
	struct hf_aside_job *job; /* posted; NULL: none */
	bool stopping;
	atomic_bool busy; /* set and cleared under the lock, looked at without it */
};

static void take_items(struct hf_aside_job *job)
{
	size_t item;

	while ((item = atomic_fetch_add(&job->next, 1)) < job->count)
		job->fn(job->context, item);
}

static void *work(void *context)
{
	struct hf_aside *aside = context;

	(void)pthread_mutex_lock(&aside->lock);
	for (;;) {
		while (aside->job == NULL && !aside->stopping)
			(void)pthread_cond_wait(&aside->posted, &aside->lock);
		if (aside->stopping)
			break;
		struct hf_aside_job *job = aside->job;
		aside->job = NULL;
		atomic_store(&aside->busy, true);
		(void)pthread_mutex_unlock(&aside->lock);
		take_items(job);
		(void)pthread_mutex_lock(&aside->lock);
		atomic_store(&aside->busy, false);
		(void)pthread_cond_signal(&aside->done);
	}
	(void)pthread_mutex_unlock(&aside->lock);
	return NULL;
}

void hf_aside_share(struct hf_aside *aside, struct hf_aside_job *job)
{
	atomic_store(&job->next, 0);
	if (aside == NULL || job->count == 0)
		return;
	(void)pthread_mutex_lock(&aside->lock);
	HF_ASSERT(aside->job == NULL && !atomic_load(&aside->busy));
	aside->job = job;
	(void)pthread_cond_signal(&aside->posted);
	(void)pthread_mutex_unlock(&aside->lock);
}

void hf_aside_finish(struct hf_aside *aside, struct hf_aside_job *job)
{
	take_items(job);
	if (aside == NULL)
		return;
	for (int looks = 0; looks < LOOKS_MAX && atomic_load(&aside->busy); looks++)
		;
	(void)pthread_mutex_lock(&aside->lock);
	aside->job = NULL;
	while (atomic_load(&aside->busy))
		(void)pthread_cond_wait(&aside->done, &aside->lock);
	(void)pthread_mutex_unlock(&aside->lock);
}

enum hf_code hf_aside_start(struct hf_aside **ret_aside, struct hf_err *err)
{
	struct hf_aside *aside = calloc(1, sizeof *aside);

	if (aside == NULL)
		return hf_fail(err, HF_E_NOMEM, "no memory for a second thread");
	(void)pthread_mutex_init(&aside->lock, NULL);
	(void)pthread_cond_init(&aside->posted, NULL);
	(void)pthread_cond_init(&aside->done, NULL);
	int failed = pthread_create(&aside->thread, NULL, work, aside);
	if (failed != 0) {
		free(aside);
		return hf_fail(err, HF_E_AGAIN, "start a second thread: %s", strerror(failed));
	}
	*ret_aside = aside;
	return HF_OK;
}

void hf_aside_stop(struct hf_aside *aside)
{
	if (aside == NULL)
		return;
	(void)pthread_mutex_lock(&aside->lock);
	aside->stopping = true;
	(void)pthread_cond_signal(&aside->posted);
	(void)pthread_mutex_unlock(&aside->lock);
	(void)pthread_join(aside->thread, NULL);
	(void)pthread_mutex_destroy(&aside->lock);
	(void)pthread_cond_destroy(&aside->posted);
	(void)pthread_cond_destroy(&aside->done);
	free(aside);
}
