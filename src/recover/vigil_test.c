/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/vigil.h"

#include "test.h"

static struct hf_mono at_ms(int64_t ms)
{
	return (struct hf_mono){ .us = ms * 1000 };
}

/* Started at 100 s, ready, beat at 200 s, watched without a break. */
static struct hf_vigil running(void)
{
	return (struct hf_vigil){ .started = at_ms(100000),
				  .ready = true,
				  .beat = at_ms(200000),
				  .awake = at_ms(1000),
				  .heartbeat_ms = 3000 };
}

TEST(a_worker_that_beats_lives_and_one_that_is_silent_for_longer_than_the_limit_does_not)
{
	struct hf_vigil vigil = running();

	assert_null(hf_vigil(&vigil, at_ms(203000)));
	CHECK_TEXT(hf_vigil(&vigil, at_ms(203001)), "no heartbeat");
}

TEST(the_first_beat_may_take_as_long_as_a_cold_disk_needs)
{
	struct hf_vigil vigil = running();

	vigil.ready = false;
	vigil.beat = at_ms(0);
	assert_null(hf_vigil(&vigil, at_ms(100000 + HF_FIRST_BEAT_MS)));
	CHECK_TEXT(hf_vigil(&vigil, at_ms(100001 + HF_FIRST_BEAT_MS)), "no heartbeat");
	/* Where the operator allows more, it is more. */
	vigil.heartbeat_ms = 60000;
	assert_null(hf_vigil(&vigil, at_ms(160000)));
}

TEST(one_that_beats_and_never_gets_ready_has_an_end)
{
	struct hf_vigil vigil = running();
	struct hf_mono late = at_ms(100001 + HF_READY_MS);

	vigil.beat = late;
	assert_null(hf_vigil(&vigil, late));
	vigil.ready = false;
	CHECK_TEXT(hf_vigil(&vigil, late), "not ready two minutes after its start");
	/* Nor does it help to call itself busy. */
	vigil.busy_until = hf_mono_add_ms(late, 1000);
	CHECK_TEXT(hf_vigil(&vigil, late), "not ready two minutes after its start");
}

TEST(what_a_worker_announced_is_what_it_is_judged_by)
{
	struct hf_vigil vigil = running();

	vigil.busy_until = at_ms(230000);
	assert_null(hf_vigil(&vigil, at_ms(230000)));
	CHECK_TEXT(hf_vigil(&vigil, at_ms(230001)), "busy past the deadline it announced");
}

TEST(nobody_may_be_busy_for_ever)
{
	struct hf_vigil vigil = running();

	vigil.busy_until = at_ms(200000 + HF_BUSY_MS_MAX);
	assert_null(hf_vigil(&vigil, at_ms(200000)));
	vigil.busy_until = at_ms(200001 + HF_BUSY_MS_MAX);
	CHECK_TEXT(hf_vigil(&vigil, at_ms(200000)),
		   "announced to be busy for longer than anybody may");
}

TEST(a_watcher_that_was_away_itself_begins_to_count_anew)
{
	struct hf_vigil vigil = running();
	struct hf_mono back = at_ms(260000);

	CHECK_I64(hf_vigil_awake(vigil.awake, at_ms(259000), back).us, ==, vigil.awake.us);
	vigil.awake = hf_vigil_awake(vigil.awake, at_ms(200100), back);
	CHECK_I64(vigil.awake.us, ==, back.us);
	assert_null(hf_vigil(&vigil, back));
	assert_null(hf_vigil(&vigil, at_ms(263000)));
	CHECK_TEXT(hf_vigil(&vigil, at_ms(263001)), "no heartbeat");

	vigil.busy_until = at_ms(210000);
	assert_null(hf_vigil(&vigil, at_ms(263000)));
	CHECK_TEXT(hf_vigil(&vigil, at_ms(263001)), "busy past the deadline it announced");

	vigil.busy_until = at_ms(0);
	vigil.beat = at_ms(290000);
	vigil.ready = false;
	assert_null(hf_vigil(&vigil, at_ms(290000)));
}

TESTS(RUN(a_worker_that_beats_lives_and_one_that_is_silent_for_longer_than_the_limit_does_not),
      RUN(the_first_beat_may_take_as_long_as_a_cold_disk_needs),
      RUN(one_that_beats_and_never_gets_ready_has_an_end),
      RUN(what_a_worker_announced_is_what_it_is_judged_by), RUN(nobody_may_be_busy_for_ever),
      RUN(a_watcher_that_was_away_itself_begins_to_count_anew))
