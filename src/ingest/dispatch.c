/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/dispatch.h"

#include "base/assert.h"

enum {
	WHOLE_PERMILLE = 1000,
};

struct hf_dispatch hf_dispatch_begin(bool lockstep)
{
	struct hf_dispatch dispatch = { .lockstep = lockstep, .next_job_id = 1 };

	/* Not all of them with the same frame, when looks are left out. */
	for (uint32_t i = 0; i < HF_TILES_MAX; i++)
		dispatch.tiles[i].earned_permille = i * WHOLE_PERMILLE / HF_TILES_MAX;
	return dispatch;
}

void hf_dispatch_worker_up(struct hf_dispatch *dispatch, uint32_t worker)
{
	HF_ASSERT(worker < HF_INFER_WORKERS_MAX);
	dispatch->workers[worker].up = true;
}

void hf_dispatch_worker_down(struct hf_dispatch *dispatch, uint32_t worker)
{
	HF_ASSERT(worker < HF_INFER_WORKERS_MAX);
	dispatch->workers[worker].up = false;
	for (int i = 0; i < HF_DISPATCH_CREDIT; i++) {
		struct hf_dispatch_job *job = &dispatch->workers[worker].jobs[i];
		struct hf_dispatch_tile *tile = &dispatch->tiles[job->tile];

		if (job->job_id == 0)
			continue;
		dispatch->jobs_lost++;
		if (!dispatch->lockstep)
			tile->lost = job->look;
		else if (tile->attempts < HF_DISPATCH_ATTEMPTS)
			tile->look = job->look;
		*job = (struct hf_dispatch_job){ 0 };
	}
}

void hf_dispatch_frame(struct hf_dispatch *dispatch, struct hf_mono now)
{
	for (uint32_t i = 0; i < HF_TILES_MAX; i++) {
		struct hf_dispatch_tile *tile = &dispatch->tiles[i];

		tile->attempts = 0;
		if (tile->look != 0)
			dispatch->jobs_dropped++;
		else if (tile->lost != 0)
			hf_dispatch_want(dispatch, i, tile->lost, tile->priority, now);
		tile->lost = 0;
	}
}

void hf_dispatch_want(struct hf_dispatch *dispatch, uint32_t tile, enum hf_look look,
		      int64_t priority, struct hf_mono now)
{
	HF_ASSERT(tile < HF_TILES_MAX && look != 0);
	struct hf_dispatch_tile *wanted = &dispatch->tiles[tile];

	if (wanted->look == 0) {
		wanted->since = now;
		wanted->admitted = false;
	}
	wanted->look = look;
	wanted->priority = priority;
}

/* What each look of these tiles may have of its wish: all have the least, the rest goes to the
 * highest priority as far as it reaches, evenly, then to the next. */
static void share_out(const struct hf_dispatch *dispatch, uint32_t wanted, uint32_t rate_permille,
		      uint32_t ret_shares[HF_TILES_MAX])
{
	const int64_t more = WHOLE_PERMILLE - HF_DISPATCH_LEAST_PERMILLE;
	int64_t left = (int64_t)__builtin_popcount(wanted) *
		       ((int64_t)rate_permille - HF_DISPATCH_LEAST_PERMILLE);

	while (wanted != 0) {
		int64_t highest = INT64_MIN, peers = 0;

		for (uint32_t i = 0; i < HF_TILES_MAX; i++)
			if ((wanted >> i & 1) != 0 && dispatch->tiles[i].priority > highest)
				highest = dispatch->tiles[i].priority;
		for (uint32_t i = 0; i < HF_TILES_MAX; i++)
			peers += (wanted >> i & 1) != 0 && dispatch->tiles[i].priority == highest;
		const int64_t even = left > 0 ? left / peers : 0, each = even < more ? even : more;
		for (uint32_t i = 0; i < HF_TILES_MAX; i++)
			if ((wanted >> i & 1) != 0 && dispatch->tiles[i].priority == highest) {
				ret_shares[i] = (uint32_t)(HF_DISPATCH_LEAST_PERMILLE + each);
				wanted &= ~(1U << i);
			}
		left -= each * peers;
	}
}

void hf_dispatch_shed(struct hf_dispatch *dispatch, uint32_t rate_permille)
{
	uint32_t shares[HF_TILES_MAX], wanted = 0;

	if (dispatch->lockstep || rate_permille >= WHOLE_PERMILLE)
		return;
	for (uint32_t i = 0; i < HF_TILES_MAX; i++)
		if (dispatch->tiles[i].look != 0 && dispatch->tiles[i].look != HF_LOOK_FULL)
			wanted |= 1U << i;
	share_out(dispatch, wanted, rate_permille, shares);
	for (uint32_t i = 0; i < HF_TILES_MAX; i++) {
		struct hf_dispatch_tile *tile = &dispatch->tiles[i];

		if ((wanted >> i & 1) == 0 || tile->admitted)
			continue;
		tile->earned_permille += shares[i];
		if (tile->earned_permille >= WHOLE_PERMILLE) {
			tile->earned_permille -= WHOLE_PERMILLE;
			tile->admitted = true;
			continue;
		}
		tile->look = 0;
		dispatch->jobs_shed++;
	}
}

void hf_dispatch_give_up(struct hf_dispatch *dispatch, uint32_t tile)
{
	HF_ASSERT(tile < HF_TILES_MAX);
	dispatch->jobs_dropped += dispatch->tiles[tile].look != 0;
	dispatch->tiles[tile].look = 0;
	dispatch->tiles[tile].lost = 0;
}

void hf_dispatch_forget(struct hf_dispatch *dispatch)
{
	for (uint32_t i = 0; i < HF_TILES_MAX; i++)
		hf_dispatch_give_up(dispatch, i);
}

static unsigned jobs_of(const struct hf_dispatch *dispatch, uint32_t worker)
{
	unsigned jobs = 0;

	for (int i = 0; i < HF_DISPATCH_CREDIT; i++)
		jobs += dispatch->workers[worker].jobs[i].job_id != 0;
	return jobs;
}

static unsigned jobs_of_all(const struct hf_dispatch *dispatch)
{
	unsigned jobs = 0;

	for (uint32_t i = 0; i < HF_INFER_WORKERS_MAX; i++)
		jobs += jobs_of(dispatch, i);
	return jobs;
}

/* Out, and not for so long that it is not waited for. */
static bool is_out(const struct hf_dispatch *dispatch, uint32_t tile, struct hf_mono now)
{
	for (uint32_t i = 0; i < HF_INFER_WORKERS_MAX; i++)
		for (int k = 0; k < HF_DISPATCH_CREDIT; k++) {
			const struct hf_dispatch_job *job = &dispatch->workers[i].jobs[k];

			if (job->job_id != 0 && job->tile == tile &&
			    hf_mono_before(now, hf_mono_add_ms(job->sent, HF_DISPATCH_STUCK_MS)))
				return true;
		}
	return false;
}

/* The one with least to do; HF_INFER_WORKERS_MAX when there is none. */
static uint32_t free_worker(const struct hf_dispatch *dispatch)
{
	uint32_t best = HF_INFER_WORKERS_MAX;
	unsigned best_jobs = dispatch->lockstep ? 1 : HF_DISPATCH_CREDIT;

	for (uint32_t i = 0; i < HF_INFER_WORKERS_MAX; i++) {
		unsigned jobs = jobs_of(dispatch, i);

		if (dispatch->workers[i].up && jobs < best_jobs) {
			best = i;
			best_jobs = jobs;
		}
	}
	return best;
}

static int64_t weight(const struct hf_dispatch_tile *tile, struct hf_mono now)
{
	const int64_t parts =
		tile->look == HF_LOOK_OCCUPIED ? 1 : (int64_t)HF_DISPATCH_OCCUPIED_PART;

	return (hf_mono_diff_us(now, tile->since) + 1) * tile->priority * parts;
}

/* Does a go before b? Of equals, the one that was sent longer ago. */
static bool goes_before(const struct hf_dispatch_tile *a, const struct hf_dispatch_tile *b,
			struct hf_mono now)
{
	const int64_t weight_a = weight(a, now), weight_b = weight(b, now);

	return weight_a > weight_b || (weight_a == weight_b && hf_mono_before(a->sent, b->sent));
}

bool hf_dispatch_next(const struct hf_dispatch *dispatch, struct hf_mono now,
		      struct hf_dispatch_choice *ret_choice)
{
	uint32_t worker = free_worker(dispatch), best = HF_TILES_MAX;

	if (worker == HF_INFER_WORKERS_MAX)
		return false;
	for (uint32_t i = 0; i < HF_TILES_MAX; i++) {
		const struct hf_dispatch_tile *tile = &dispatch->tiles[i];

		if (tile->look == 0 || is_out(dispatch, i, now))
			continue;
		/* Lockstep: in the order of the screen, whatever the priorities. */
		if (best == HF_TILES_MAX ||
		    (!dispatch->lockstep && goes_before(tile, &dispatch->tiles[best], now)))
			best = i;
	}
	if (best == HF_TILES_MAX)
		return false;
	*ret_choice = (struct hf_dispatch_choice){ .tile = best,
						   .worker = worker,
						   .look = dispatch->tiles[best].look };
	return true;
}

uint64_t hf_dispatch_job_id(const struct hf_dispatch *dispatch)
{
	return dispatch->next_job_id;
}

void hf_dispatch_sent(struct hf_dispatch *dispatch, const struct hf_dispatch_choice *choice,
		      struct hf_mono captured, struct hf_mono now)
{
	struct hf_dispatch_tile *tile = &dispatch->tiles[choice->tile];
	struct hf_dispatch_job *jobs = dispatch->workers[choice->worker].jobs;
	int place = 0;

	while (place < HF_DISPATCH_CREDIT && jobs[place].job_id != 0)
		place++;
	HF_ASSERT(place < HF_DISPATCH_CREDIT); /* choice came from hf_dispatch_next() */
	jobs[place] = (struct hf_dispatch_job){ .job_id = dispatch->next_job_id++,
						.tile = choice->tile,
						.look = choice->look,
						.captured = captured,
						.sent = now };
	tile->look = 0;
	tile->sent = now;
	tile->attempts++;
	dispatch->jobs_sent++;
}

enum hf_code hf_dispatch_done(struct hf_dispatch *dispatch, uint32_t worker, uint64_t job_id,
			      struct hf_dispatch_job *ret_job, struct hf_err *err)
{
	for (int i = 0; i < HF_DISPATCH_CREDIT && worker < HF_INFER_WORKERS_MAX && job_id != 0;
	     i++) {
		struct hf_dispatch_job *job = &dispatch->workers[worker].jobs[i];

		if (job->job_id != job_id)
			continue;
		*ret_job = *job;
		*job = (struct hf_dispatch_job){ 0 };
		return HF_OK;
	}
	return hf_fail(err, HF_E_INVALID, "infer.%u is done with job %llu, which it does not have",
		       worker, (unsigned long long)job_id);
}

bool hf_dispatch_idle(const struct hf_dispatch *dispatch)
{
	for (uint32_t i = 0; i < HF_TILES_MAX; i++)
		if (dispatch->tiles[i].look != 0)
			return false;
	return jobs_of_all(dispatch) == 0;
}
