/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/dispatch.h"

#include "test.h"

static struct hf_mono at_ms(int64_t ms)
{
	return (struct hf_mono){ .us = ms * 1000 };
}

/* Sends the next job; its tile, or -1. */
static int send(struct hf_dispatch *d, int64_t now_ms, struct hf_dispatch_choice *ret_choice)
{
	if (!hf_dispatch_next(d, at_ms(now_ms), ret_choice))
		return -1;
	hf_dispatch_sent(d, ret_choice, at_ms(now_ms), at_ms(now_ms));
	return (int)ret_choice->tile;
}

static void done(struct hf_dispatch *d, uint32_t worker, uint64_t job_id)
{
	struct hf_dispatch_job job;
	struct hf_err err;

	CHECK_OK(hf_dispatch_done(d, worker, job_id, &job, &err));
}

TEST(a_worker_gets_two_jobs_and_the_third_waits_for_a_place)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	struct hf_dispatch_choice c;

	hf_dispatch_worker_up(&d, 0);
	for (uint32_t i = 0; i < 3; i++)
		hf_dispatch_want(&d, i, HF_LOOK_MOTION, 5, at_ms(10));
	CHECK_I64(send(&d, 10, &c), ==, 0);
	CHECK_I64(send(&d, 10, &c), ==, 1);
	CHECK_I64(send(&d, 10, &c), ==, -1);
	done(&d, 0, 1);
	CHECK_I64(send(&d, 20, &c), ==, 2);
	CHECK_U64(d.jobs_sent, ==, 3);
	CHECK_U64(d.jobs_dropped, ==, 0);
}

TEST(the_worker_with_least_to_do_is_chosen)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	struct hf_dispatch_choice c;
	uint32_t got[4];

	hf_dispatch_worker_up(&d, 0);
	hf_dispatch_worker_up(&d, 3);
	for (uint32_t i = 0; i < 4; i++)
		hf_dispatch_want(&d, i, HF_LOOK_MOTION, 5, at_ms(10));
	for (int i = 0; i < 4; i++) {
		CHECK_I64(send(&d, 10, &c), ==, i);
		got[i] = c.worker;
	}
	CHECK_U64(got[0], ==, 0);
	CHECK_U64(got[1], ==, 3);
	CHECK_U64(got[2], ==, 0);
	CHECK_U64(got[3], ==, 3);
}

TEST(a_newer_frame_replaces_a_waiting_tile_and_is_counted)
{
	struct hf_dispatch d = hf_dispatch_begin(false);

	hf_dispatch_want(&d, 4, HF_LOOK_MOTION, 5, at_ms(0));
	hf_dispatch_frame(&d, at_ms(200));
	hf_dispatch_want(&d, 4, HF_LOOK_MOTION, 5, at_ms(200));
	CHECK_U64(d.jobs_dropped, ==, 1);
	CHECK_I64(d.tiles[4].since.us, ==, 0); /* it has waited since the first */
}

TEST(no_tile_starves_when_there_is_too_much_to_do)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	struct hf_dispatch_choice c;
	unsigned looks[HF_TILES_MAX] = { 0 };

	/* 16 moving tiles, five frames a second, one place every 20 ms. */
	hf_dispatch_worker_up(&d, 0);
	for (int64_t now = 0; now < 20000; now += 20) {
		if (now % 200 == 0) {
			hf_dispatch_frame(&d, at_ms(now));
			for (uint32_t i = 0; i < HF_TILES_MAX; i++)
				hf_dispatch_want(&d, i, HF_LOOK_MOTION, 5, at_ms(now));
		}
		int tile = send(&d, now, &c);
		if (tile >= 0) {
			looks[tile]++;
			done(&d, 0, d.next_job_id - 1);
		}
	}
	for (int i = 0; i < HF_TILES_MAX; i++) {
		CHECK_U64(looks[i], >=, 55);
		CHECK_U64(looks[i], <=, 70);
	}
	CHECK_U64(d.jobs_dropped, >, 0);
}

TEST(priority_gets_more_but_never_all)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	struct hf_dispatch_choice c;
	unsigned looks[HF_TILES_MAX] = { 0 };

	hf_dispatch_worker_up(&d, 0);
	for (int64_t now = 0; now < 20000; now += 50) {
		hf_dispatch_frame(&d, at_ms(now));
		for (uint32_t i = 0; i < HF_TILES_MAX; i++)
			hf_dispatch_want(&d, i, HF_LOOK_MOTION, i == 7 ? 9 : 1, at_ms(now));
		looks[send(&d, now, &c)]++;
		done(&d, 0, d.next_job_id - 1);
	}
	CHECK_U64(looks[7], >, 3 * looks[0]);
	for (int i = 0; i < HF_TILES_MAX; i++)
		CHECK_U64(looks[i], >, 10);
}

TEST(a_tile_is_with_one_worker_at_a_time_unless_it_is_stuck)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	struct hf_dispatch_choice c;

	hf_dispatch_worker_up(&d, 0);
	hf_dispatch_worker_up(&d, 1);
	hf_dispatch_want(&d, 2, HF_LOOK_MOTION, 5, at_ms(0));
	CHECK_I64(send(&d, 0, &c), ==, 2);
	hf_dispatch_want(&d, 2, HF_LOOK_MOTION, 5, at_ms(200));
	CHECK_I64(send(&d, 200, &c), ==, -1);
	CHECK_I64(send(&d, HF_DISPATCH_STUCK_MS, &c), ==, 2);
	CHECK_U64(c.worker, ==, 1);
}

TEST(the_jobs_of_a_dead_worker_are_lost_and_wanted_with_the_next_frame)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	struct hf_dispatch_choice c;

	hf_dispatch_worker_up(&d, 0);
	hf_dispatch_want(&d, 1, HF_LOOK_MOTION, 5, at_ms(0));
	hf_dispatch_want(&d, 2, HF_LOOK_FULL, 5, at_ms(0));
	CHECK_I64(send(&d, 0, &c), ==, 1);
	CHECK_I64(send(&d, 0, &c), ==, 2);
	hf_dispatch_worker_down(&d, 0);
	CHECK_U64(d.jobs_lost, ==, 2);
	hf_dispatch_worker_up(&d, 0);
	CHECK_I64(send(&d, 100, &c), ==, -1);
	hf_dispatch_frame(&d, at_ms(200));
	CHECK_I64(send(&d, 200, &c), ==, 1);
	CHECK_I64(send(&d, 200, &c), ==, 2);
	CHECK_I64(c.look, ==, HF_LOOK_FULL);
	CHECK_U64(d.jobs_dropped, ==, 0);
}

TEST(a_worker_cannot_be_done_with_what_it_does_not_have)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	struct hf_dispatch_choice c;
	struct hf_dispatch_job job;
	struct hf_err err;

	hf_dispatch_worker_up(&d, 0);
	hf_dispatch_worker_up(&d, 1);
	hf_dispatch_want(&d, 1, HF_LOOK_MOTION, 5, at_ms(0));
	CHECK_I64(send(&d, 0, &c), ==, 1);
	CHECK_CODE(hf_dispatch_done(&d, 1, 1, &job, &err), HF_E_INVALID);
	CHECK_CODE(hf_dispatch_done(&d, 0, 2, &job, &err), HF_E_INVALID);
	CHECK_CODE(hf_dispatch_done(&d, 0, 0, &job, &err), HF_E_INVALID);
	CHECK_CODE(hf_dispatch_done(&d, 99, 1, &job, &err), HF_E_INVALID);
	CHECK_OK(hf_dispatch_done(&d, 0, 1, &job, &err));
	CHECK_U64(job.tile, ==, 1);
	CHECK_CODE(hf_dispatch_done(&d, 0, 1, &job, &err), HF_E_INVALID);
}

TEST(what_is_forgotten_is_not_sent)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	struct hf_dispatch_choice c;

	hf_dispatch_worker_up(&d, 0);
	hf_dispatch_want(&d, 1, HF_LOOK_MOTION, 5, at_ms(0));
	hf_dispatch_forget(&d);
	CHECK_I64(send(&d, 0, &c), ==, -1);
	CHECK(hf_dispatch_idle(&d));
	CHECK_U64(d.jobs_dropped, ==, 1);
}

TEST(lockstep_sends_each_worker_one_job_in_the_order_of_the_screen)
{
	struct hf_dispatch d = hf_dispatch_begin(true);
	struct hf_dispatch_choice c;

	hf_dispatch_worker_up(&d, 0);
	hf_dispatch_worker_up(&d, 1);
	for (uint32_t i = 0; i < 4; i++)
		hf_dispatch_want(&d, i, HF_LOOK_ALWAYS, 1 + (int64_t)i, at_ms(0));
	CHECK_I64(send(&d, 0, &c), ==, 0);
	for (int i = 1; i < 4; i++) {
		uint32_t before = c.worker;

		CHECK_I64(send(&d, i, &c), ==, i);
		CHECK_U64(c.worker, !=, before);
		CHECK_I64(send(&d, 5000, &c), ==, -1);
		CHECK(!hf_dispatch_idle(&d));
		done(&d, before, (uint64_t)i);
	}
	done(&d, c.worker, 4);
	CHECK(hf_dispatch_idle(&d));
}

TEST(lockstep_sends_a_lost_job_again_but_not_for_ever)
{
	struct hf_dispatch d = hf_dispatch_begin(true);
	struct hf_dispatch_choice c;

	hf_dispatch_worker_up(&d, 0);
	hf_dispatch_want(&d, 3, HF_LOOK_ALWAYS, 5, at_ms(0));
	for (int i = 0; i < HF_DISPATCH_ATTEMPTS; i++) {
		CHECK_I64(send(&d, i, &c), ==, 3);
		hf_dispatch_worker_down(&d, 0);
		hf_dispatch_worker_up(&d, 0);
	}
	CHECK_I64(send(&d, 9, &c), ==, -1);
	CHECK(hf_dispatch_idle(&d));
	CHECK_U64(d.jobs_lost, ==, HF_DISPATCH_ATTEMPTS);
}

TEST(looks_at_still_people_wait_for_what_moves_and_not_for_ever)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	struct hf_dispatch_choice c;
	unsigned moving = 0, occupied = 0;

	/* Eight of each, all at once again and again, one place every 25 ms: half of what they ask. */
	hf_dispatch_worker_up(&d, 0);
	for (int64_t now = 0; now < 20000; now += 25) {
		if (now % 200 == 0) {
			hf_dispatch_frame(&d, at_ms(now));
			for (uint32_t i = 0; i < HF_TILES_MAX; i++)
				hf_dispatch_want(&d, i, i < 8 ? HF_LOOK_MOTION : HF_LOOK_OCCUPIED,
						 5, at_ms(now));
		}
		if (send(&d, now, &c) < 0)
			continue;
		moving += c.tile < 8;
		occupied += c.tile >= 8;
		done(&d, c.worker, d.next_job_id - 1);
	}
	CHECK_U64(moving, >=, 2 * occupied);
	CHECK_U64(occupied, >=, 100);
}

/* How many looks of each tile go out within so many frames in which all are wanted, when there is
 * always somebody free. */
static void shed_frames(struct hf_dispatch *d, int frames, uint32_t rate, uint32_t tiles,
			const int64_t *priorities, unsigned *ret_looks)
{
	for (int frame = 0; frame < frames; frame++) {
		struct hf_dispatch_choice c;
		struct hf_dispatch_job job;
		struct hf_err err;
		const struct hf_mono now = at_ms(200 * (frame + 1));

		hf_dispatch_frame(d, now);
		for (uint32_t i = 0; i < tiles; i++)
			hf_dispatch_want(d, i, HF_LOOK_MOTION, priorities[i], now);
		hf_dispatch_shed(d, rate);
		while (hf_dispatch_next(d, now, &c)) {
			ret_looks[c.tile]++;
			hf_dispatch_sent(d, &c, now, now);
			CHECK_OK(hf_dispatch_done(d, c.worker, d->next_job_id - 1, &job, &err));
		}
	}
}

TEST(at_a_lower_rate_equals_get_the_same_and_all_together_the_rate)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	const int64_t priorities[4] = { 5, 5, 5, 5 };
	unsigned looks[HF_TILES_MAX] = { 0 };

	hf_dispatch_worker_up(&d, 0);
	shed_frames(&d, 1000, 400, 4, priorities, looks);
	for (int i = 0; i < 4; i++) {
		CHECK_U64(looks[i], >=, 399);
		CHECK_U64(looks[i], <=, 401);
	}
	CHECK_U64(d.jobs_shed, ==, 4000 - looks[0] - looks[1] - looks[2] - looks[3]);
	CHECK_U64(d.jobs_dropped, ==, 0);
}

TEST(low_priorities_are_left_out_first_and_none_for_ever)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	const int64_t priorities[4] = { 9, 1, 9, 5 };
	unsigned looks[HF_TILES_MAX] = { 0 };

	hf_dispatch_worker_up(&d, 0);
	/* 2252 of 4000: both of 9 whole, and 150 beyond the least for that of 5. */
	shed_frames(&d, 1000, 563, 4, priorities, looks);
	CHECK_U64(looks[0], >=, 999);
	CHECK_U64(looks[2], >=, 999);
	CHECK_U64(looks[3], >=, 195);
	CHECK_U64(looks[3], <=, 205);
	CHECK_U64(looks[1], >=, 49);
	CHECK_U64(looks[1], <=, 51);
}

TEST(a_rate_of_nothing_still_looks_now_and_then)
{
	struct hf_dispatch d = hf_dispatch_begin(false);
	const int64_t priorities[2] = { 9, 1 };
	unsigned looks[HF_TILES_MAX] = { 0 };

	hf_dispatch_worker_up(&d, 0);
	shed_frames(&d, 1000, 0, 2, priorities, looks);
	for (int i = 0; i < 2; i++) {
		CHECK_U64(looks[i], >=, 49);
		CHECK_U64(looks[i], <=, 51);
	}
}

TEST(full_looks_and_lockstep_and_the_full_rate_leave_nothing_out)
{
	struct hf_dispatch d = hf_dispatch_begin(false), l = hf_dispatch_begin(true);

	hf_dispatch_want(&d, 0, HF_LOOK_FULL, 1, at_ms(1));
	hf_dispatch_shed(&d, 0);
	CHECK_U64(d.tiles[0].look, ==, HF_LOOK_FULL);
	hf_dispatch_want(&d, 1, HF_LOOK_MOTION, 1, at_ms(1));
	hf_dispatch_shed(&d, 1000);
	CHECK_U64(d.tiles[1].look, ==, HF_LOOK_MOTION);
	hf_dispatch_want(&l, 0, HF_LOOK_MOTION, 1, at_ms(1));
	hf_dispatch_shed(&l, 0);
	CHECK_U64(l.tiles[0].look, ==, HF_LOOK_MOTION);
	CHECK_U64(d.jobs_shed + l.jobs_shed, ==, 0);
}

TEST(a_look_that_was_let_in_and_waits_is_not_left_out_with_the_next_frame)
{
	struct hf_dispatch d = hf_dispatch_begin(false);

	/* Nobody is there to take it. */
	for (int frame = 0; frame < 100; frame++) {
		hf_dispatch_frame(&d, at_ms(200 * frame));
		hf_dispatch_want(&d, 0, HF_LOOK_MOTION, 5, at_ms(200 * frame));
		hf_dispatch_shed(&d, 500);
	}
	CHECK_U64(d.tiles[0].look, ==, HF_LOOK_MOTION);
	CHECK_U64(d.jobs_shed, ==, 1);
}

TESTS(RUN(looks_at_still_people_wait_for_what_moves_and_not_for_ever),
      RUN(a_worker_gets_two_jobs_and_the_third_waits_for_a_place),
      RUN(the_worker_with_least_to_do_is_chosen),
      RUN(a_newer_frame_replaces_a_waiting_tile_and_is_counted),
      RUN(no_tile_starves_when_there_is_too_much_to_do), RUN(priority_gets_more_but_never_all),
      RUN(a_tile_is_with_one_worker_at_a_time_unless_it_is_stuck),
      RUN(the_jobs_of_a_dead_worker_are_lost_and_wanted_with_the_next_frame),
      RUN(a_worker_cannot_be_done_with_what_it_does_not_have), RUN(what_is_forgotten_is_not_sent),
      RUN(lockstep_sends_each_worker_one_job_in_the_order_of_the_screen),
      RUN(lockstep_sends_a_lost_job_again_but_not_for_ever),
      RUN(at_a_lower_rate_equals_get_the_same_and_all_together_the_rate),
      RUN(low_priorities_are_left_out_first_and_none_for_ever),
      RUN(a_rate_of_nothing_still_looks_now_and_then),
      RUN(full_looks_and_lockstep_and_the_full_rate_leave_nothing_out),
      RUN(a_look_that_was_let_in_and_waits_is_not_left_out_with_the_next_frame))
