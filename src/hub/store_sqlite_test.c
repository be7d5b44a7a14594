/* SPDX-License-Identifier: Apache-2.0 */
/* What the store takes and gives out. */
#include "hub/test_store.h"

#include "base/auto.h"

TEST(lines_that_follow_on_are_appended)
{
	struct bench b = bench_new();

	CHECK_U64(take(&b, 1, 3).stored, ==, 3);
	CHECK_U64(take(&b, 4, 4).stored, ==, 1);
	CHECK_U64(device_of(&b).mark, ==, 4);
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	bench_free(&b);
}

TEST(lines_sent_again_are_acknowledged_and_not_stored_again)
{
	struct bench b = bench_new();

	(void)take(&b, 1, 3);
	struct hf_ingest_result result = take(&b, 2, 5);
	CHECK_U64(result.stored, ==, 2);
	CHECK_U64(result.duplicates, ==, 2);
	CHECK_U64(device_of(&b).events, ==, 5);
	CHECK_U64(device_of(&b).duplicates, ==, 2);
	bench_free(&b);
}

TEST(a_restart_remembers_what_was_stored)
{
	struct bench b = bench_new();

	(void)take(&b, 1, 3);
	reopen(&b);
	CHECK_U64(take(&b, 1, 3).duplicates, ==, 3);
	CHECK_U64(take(&b, 4, 4).stored, ==, 1);
	bench_free(&b);
}

TEST(another_event_under_a_stored_number_is_a_conflict_and_stores_nothing)
{
	struct bench b = bench_new();
	struct hf_ingest_result result = { 0 };

	(void)take(&b, 1, 3);
	CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, 3, 9, "another", &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 3);
	CHECK_U64(device_of(&b).mark, ==, 3);
	CHECK_U64(device_of(&b).events, ==, 3);
	CHECK_U64(device_of(&b).conflicts, ==, 1);
	CHECK_U64(take(&b, 4, 4).stored, ==, 1);
	bench_free(&b);
}

TEST(a_conflict_late_in_a_batch_takes_back_what_came_before_it)
{
	struct bench b = bench_new();
	struct hf_ingest_result result = { 0 };

	(void)take(&b, 1, 3);
	(void)take(&b, 10, 10);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 8);
	log_add(log, 8, 9, "gate");
	log_add(log, 10, 10, "another");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 10);
	CHECK(!result.fork);
	struct listing gaps = gaps_of(&b, "unit-1");
	CHECK_U64(gaps.count, ==, 1);
	CHECK_U64(gaps.first[0], ==, 4);
	CHECK_U64(gaps.last[0], ==, 9);
	bench_free(&b);
}

TEST(numbers_passed_over_are_a_gap_and_a_late_fill_closes_it)
{
	struct bench b = bench_new();

	(void)take(&b, 1, 3);
	(void)take(&b, 8, 8);
	struct listing gaps = gaps_of(&b, NULL);
	CHECK_U64(gaps.count, ==, 1);
	CHECK_U64(gaps.first[0], ==, 4);
	CHECK_U64(gaps.last[0], ==, 7);
	CHECK_U64(device_of(&b).missing, ==, 4);

	CHECK_U64(take(&b, 5, 5).stored, ==, 1);
	gaps = gaps_of(&b, "unit-1");
	CHECK_U64(gaps.count, ==, 2);
	CHECK_U64(gaps.first[0], ==, 4);
	CHECK_U64(gaps.last[0], ==, 4);
	CHECK_U64(gaps.first[1], ==, 6);
	CHECK_U64(gaps.last[1], ==, 7);
	CHECK_U64(take(&b, 5, 5).duplicates, ==, 1);

	CHECK_U64(take(&b, 4, 7).stored, ==, 3);
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	CHECK_U64(device_of(&b).mark, ==, 8);
	CHECK_U64(device_of(&b).late_fills, ==, 4);
	CHECK_U64(device_of(&b).missing, ==, 0);
	bench_free(&b);
}

TEST(every_way_of_filling_a_gap_leaves_exactly_what_is_missing)
{
	/* The numbers 2..5 are missing; bit n of mask sends number n + 2 late, in rising order. */
	for (unsigned mask = 0; mask < 16; mask++) {
		struct bench b = bench_new();
		uint64_t missing = 0;

		(void)take(&b, 1, 1);
		(void)take(&b, 6, 6);
		for (unsigned n = 0; n < 4; n++)
			if ((mask & (1U << n)) != 0)
				(void)take(&b, n + 2, n + 2);
		struct listing gaps = gaps_of(&b, NULL);
		for (size_t i = 0; i < gaps.count; i++)
			for (uint64_t seq = gaps.first[i]; seq <= gaps.last[i]; seq++) {
				CHECK((mask & (1U << (seq - 2))) == 0);
				missing++;
			}
		CHECK_U64(missing, ==, 4 - (unsigned)__builtin_popcount(mask));
		bench_free(&b);
	}
}

TEST(the_first_number_ever_shows_what_came_before_it_as_missing)
{
	struct bench b = bench_new();

	(void)take(&b, 5, 5);
	struct listing gaps = gaps_of(&b, NULL);
	CHECK_U64(gaps.count, ==, 1);
	CHECK_U64(gaps.first[0], ==, 1);
	CHECK_U64(gaps.last[0], ==, 4);
	bench_free(&b);
}

TEST(a_redrawn_epoch_goes_on_counting_without_a_gap)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	CHECK_OK(offer(&b, "unit-1", "e2", 4, 5, "gate", &result));
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	CHECK_OK(offer(&b, "unit-1", "e3", 1, 5, "gate", &result));
	CHECK_U64(result.stored, ==, 5);
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	CHECK_OK(offer(&b, "unit-1", "e4", 7, 7, "gate", &result));
	CHECK_U64(gaps_of(&b, NULL).count, ==, 1);
	bench_free(&b);
}

/* Chance sends ranges of two units, again and again; a plain set says what must come out. */
TEST(whatever_comes_in_whatever_order_each_number_is_stored_once)
{
	enum {
		NUMBERS = 60,
		ROUNDS = 40,
	};
	uint64_t chance = 7;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct bench b = bench_new();
		bool stored[2][NUMBERS + 1] = { 0 };
		uint64_t missing = 0, mark = 0;

		for (unsigned n = 0; n < 25; n++) {
			chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
			unsigned unit = (unsigned)(chance >> 33) % 2;
			unsigned first = 1 + (unsigned)(chance >> 35) % NUMBERS;
			unsigned last = first + (unsigned)(chance >> 45) % 6;
			struct hf_ingest_result result;
			uint64_t fresh = 0;

			last = last < NUMBERS ? last : NUMBERS;
			for (unsigned seq = first; seq <= last; seq++) {
				fresh += !stored[unit][seq];
				stored[unit][seq] = true;
			}
			CHECK_OK(offer(&b, unit == 0 ? "unit-1" : "unit-2", TEST_EPOCH, first, last,
				       "gate", &result));
			CHECK_U64(result.stored, ==, fresh);
			CHECK_U64(result.duplicates, ==, last - first + 1 - fresh);
		}
		for (unsigned seq = NUMBERS; seq > 0; seq--) {
			mark = mark == 0 && stored[1][seq] ? seq : mark;
			missing += mark != 0 && !stored[1][seq];
		}
		CHECK_U64(device_of(&b).missing, ==, missing);
		CHECK_U64(device_of(&b).mark, ==, mark);
		bench_free(&b);
	}
}

TEST(two_devices_do_not_touch_one_another)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	CHECK_OK(offer(&b, "unit-2", TEST_EPOCH, 1, 2, "other", &result));
	CHECK_U64(result.stored, ==, 2);
	CHECK_OK(offer(&b, "unit-2", TEST_EPOCH, 4, 4, "other", &result));
	CHECK_U64(gaps_of(&b, "unit-1").count, ==, 0);
	CHECK_U64(gaps_of(&b, "unit-2").count, ==, 1);
	bench_free(&b);
}

TEST(pages_of_events_follow_on_in_both_directions)
{
	struct bench b = bench_new();
	struct hf_event_page page;
	struct hf_event_query query = { .direction = HF_EVENTS_NEWEST, .limit = 3 };

	(void)take(&b, 1, 8);
	struct listing list = events_of(&b, &query, &page);
	CHECK_U64(list.count, ==, 3);
	CHECK_U64(list.first[0], ==, 6);
	CHECK_U64(page.after, ==, 8);
	CHECK_U64(page.before, ==, 6);

	query.direction = HF_EVENTS_BEFORE;
	query.row = page.before;
	list = events_of(&b, &query, &page);
	CHECK_U64(list.first[0], ==, 3);
	query.row = page.before;
	list = events_of(&b, &query, &page);
	CHECK_U64(list.count, ==, 2);
	CHECK_U64(page.before, ==, 0);

	query = (struct hf_event_query){ .direction = HF_EVENTS_AFTER, .row = 2, .limit = 3 };
	list = events_of(&b, &query, &page);
	CHECK_U64(list.first[0], ==, 3);
	CHECK_U64(page.after, ==, 5);
	query.row = 8;
	CHECK_U64(events_of(&b, &query, &page).count, ==, 0);
	CHECK_U64(page.after, ==, 8);
	query.row = 500;
	CHECK_U64(events_of(&b, &query, &page).count, ==, 0);
	CHECK_U64(page.after, ==, 8);
	bench_free(&b);
}

TEST(a_page_has_the_rows_that_were_asked_for_whatever_runs_they_lie_in)
{
	/* Rows by device: the requests of three units in turn, of 1 to 3 lines. */
	static const char *const devices[] = { "unit-1", "unit-2", "unit-3" };
	struct bench b = bench_new();
	struct hf_event_page page;
	unsigned device_of_row[64];
	uint64_t rows = 0, seqs[3] = { 0 };

	for (unsigned n = 0; n < 18; n++) {
		struct hf_ingest_result result;
		unsigned unit = n * 7 / 3 % 3, count = 1 + n % 3;

		CHECK_OK(offer(&b, devices[unit], TEST_EPOCH, seqs[unit] + 1, seqs[unit] + count,
			       "gate", &result));
		seqs[unit] += count;
		for (unsigned i = 0; i < count; i++)
			device_of_row[++rows] = unit;
	}
	for (enum hf_event_direction way = HF_EVENTS_NEWEST; way <= HF_EVENTS_BEFORE; way++)
		for (uint64_t row = 0; row <= rows + 2; row++)
			for (unsigned unit = 0; unit < 4; unit++) {
				const struct hf_event_query query = {
					.direction = way,
					.row = row,
					.limit = 1 + (uint32_t)row % 6,
					.device_id = unit < 3 ? devices[unit] : NULL,
				};
				bool up = way == HF_EVENTS_AFTER;
				uint64_t at = up                        ? row + 1
					      : way == HF_EVENTS_BEFORE ? row - (row > 0)
									: rows;
				uint64_t wanted[16];
				size_t count = 0;

				for (at = at > rows && !up ? rows : at;
				     at >= 1 && at <= rows && count < query.limit; up ? at++ : at--)
					if (unit == 3 || device_of_row[at] == unit)
						wanted[count++] = at;
				struct listing list = events_of(&b, &query, &page);
				CHECK_U64(list.count, ==, count);
				for (size_t i = 0; i < count; i++)
					CHECK_U64(list.first[i], ==,
						  wanted[up ? i : count - 1 - i]);
			}
	bench_free(&b);
}

TEST(a_rare_class_is_found_in_bounded_steps)
{
	struct bench b = bench_new();
	struct hf_event_page page;
	struct hf_event_query query = { .direction = HF_EVENTS_NEWEST,
					.limit = 5,
					.device_id = "unit-2" };
	struct hf_ingest_result result;
	size_t found = 0, steps = 0;

	CHECK_OK(offer(&b, "unit-2", TEST_EPOCH, 1, 1, "gate", &result));
	for (uint64_t seq = 1; seq < 2 * HF_STORE_SCAN_ROWS; seq += 1000)
		(void)take(&b, seq, seq + 999);
	do {
		found += events_of(&b, &query, &page).count;
		query.direction = HF_EVENTS_BEFORE;
		query.row = page.before;
		steps++;
	} while (page.before != 0);
	CHECK_U64(found, ==, 1);
	CHECK_U64(steps, ==, 3);

	query = (struct hf_event_query){ .direction = HF_EVENTS_AFTER,
					 .limit = 5,
					 .device_id = "unit-3" };
	CHECK_U64(events_of(&b, &query, &page).count, ==, 0);
	CHECK_U64(page.after, ==, HF_STORE_SCAN_ROWS);
	bench_free(&b);
}

TEST(a_line_that_does_not_continue_the_stored_one_is_a_fork_and_stores_nothing)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 3);
	log_add(log, 3, 3, "another");
	log->size = 0; /* 3 is not sent, 4 continues it */
	log_add(log, 4, 9, "gate");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK(result.fork);
	CHECK_U64(result.conflict_seq, ==, 4);
	CHECK_U64(device_of(&b).forks, ==, 1);
	CHECK_U64(device_of(&b).conflicts, ==, 0);
	CHECK_U64(device_of(&b).events, ==, 3);
	CHECK_U64(device_of(&b).mark, ==, 3);
	/* The chain goes on from what is stored, after a restart too. */
	reopen(&b);
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_U64(take(&b, 3, 5).stored, ==, 2);
	CHECK_U64(device_of(&b).unchecked, ==, 0);
	bench_free(&b);
}

TEST(a_fork_in_the_first_batch_of_all_is_counted_too)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;
	struct log *log = log_begin("unit-1", TEST_EPOCH, 1);

	log_add(log, 1, 2, "gate");
	log->chain[5] ^= 1;
	log_add(log, 3, 3, "gate");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 3);
	CHECK_U64(device_of(&b).forks, ==, 1);
	CHECK_U64(device_of(&b).events, ==, 0);
	CHECK_U64(take(&b, 1, 3).stored, ==, 3);
	bench_free(&b);
}

TEST(the_same_crc_with_another_chain_or_the_other_way_round_is_a_conflict)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	execute(b.path, "UPDATE lines SET line = substr(line, 1, length(line) - 86) || '_'"
			" || substr(line, -85) WHERE row = 3;"
			"UPDATE lines SET line = substr(line, 1, length(line) - 3) || '_'"
			" || substr(line, -2) WHERE row = 2;");
	for (uint64_t seq = 2; seq <= 3; seq++) {
		CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, seq, seq, "gate", &result),
			   HF_E_INVALID);
		CHECK_U64(result.conflict_seq, ==, seq);
		CHECK(!result.fork);
	}
	CHECK_U64(take(&b, 1, 1).duplicates, ==, 1);
	bench_free(&b);
}

TEST(behind_a_gap_the_chain_goes_on_or_cannot_be_checked)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	/* The unit passed 4 to 6 over: its line 7 continues line 3. */
	struct log *log = log_begin("unit-1", TEST_EPOCH, 1);
	log_add(log, 1, 3, "gate");
	log_add(log, 7, 7, "gate");
	CHECK_OK(send(&b, log, TEST_EPOCH, &result));
	CHECK_U64(device_of(&b).unchecked, ==, 0);
	/* Line 8 never came. */
	log->size = 0;
	log_add(log, 8, 8, "gate");
	log->size = 0;
	log_add(log, 9, 10, "gate");
	CHECK_OK(send(&b, log, TEST_EPOCH, &result));
	CHECK_U64(device_of(&b).unchecked, ==, 1);
	CHECK_U64(device_of(&b).forks, ==, 0);
	bench_free(&b);
}

TEST(a_late_line_must_fit_between_its_neighbours)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	(void)take(&b, 6, 8);
	CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, 5, 5, "another", &result), HF_E_INVALID);
	CHECK(result.fork);
	CHECK_U64(result.conflict_seq, ==, 5);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 4);
	log->chain[0] ^= 1;
	log_add(log, 4, 4, "gate");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 4);
	CHECK_U64(device_of(&b).forks, ==, 2);
	CHECK_U64(device_of(&b).unchecked, ==, 1);
	CHECK_U64(take(&b, 4, 5).stored, ==, 2);
	CHECK_U64(device_of(&b).unchecked, ==, 1);
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	bench_free(&b);
}

/* A cloned card: both have 1 to 3; this one wrote 4 and 5 itself, and its twin was first. */
TEST(a_forked_stream_takes_the_lines_of_the_old_epoch_and_then_its_own)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 6);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 4);
	log_add(log, 4, 5, "clone");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 4);
	CHECK_OK(send(&b, log, "e2", &result));
	CHECK_U64(result.stored, ==, 2);
	CHECK_U64(result.mark, ==, 5);
	CHECK_OK(send(&b, log, "e2", &result));
	CHECK_U64(result.duplicates, ==, 2);
	/* Its own lines have a chain of their own, from zeros on. */
	struct log *own = log_begin("unit-1", "e2", 1);
	log_add(own, 6, 7, "clone");
	CHECK_OK(send(&b, own, "e2", &result));
	CHECK_U64(device_of(&b).mark, ==, 7);
	CHECK_U64(device_of(&b).unchecked, ==, 0);
	CHECK_U64(device_of(&b).forks, ==, 0);
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	/* The twin's history is as it was, and goes on. */
	CHECK_U64(take(&b, 1, 8).duplicates, ==, 6);
	bench_free(&b);
}

TEST(an_own_line_right_behind_forked_ones_must_begin_a_chain)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 3);
	log_add(log, 3, 5, "clone");
	CHECK_OK(send(&b, log, "e2", &result));
	CHECK_CODE(offer(&b, "unit-1", "e2", 6, 6, "gate", &result), HF_E_INVALID);
	CHECK(result.fork);
	bench_free(&b);
}

TEST(what_breaks_among_forked_lines_is_stored_and_counted)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 4);
	log->chain[3] ^= 1;
	log_add(log, 4, 5, "gate");
	log->chain[3] ^= 1;
	log_add(log, 6, 7, "gate");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_OK(send(&b, log, "e2", &result));
	CHECK_U64(result.stored, ==, 4);
	CHECK_U64(device_of(&b).forks, ==, 1);
	CHECK_U64(device_of(&b).unchecked, ==, 1);
	bench_free(&b);
}

TESTS(RUN(lines_that_follow_on_are_appended),
      RUN(lines_sent_again_are_acknowledged_and_not_stored_again),
      RUN(a_restart_remembers_what_was_stored),
      RUN(another_event_under_a_stored_number_is_a_conflict_and_stores_nothing),
      RUN(a_conflict_late_in_a_batch_takes_back_what_came_before_it),
      RUN(numbers_passed_over_are_a_gap_and_a_late_fill_closes_it),
      RUN(every_way_of_filling_a_gap_leaves_exactly_what_is_missing),
      RUN(the_first_number_ever_shows_what_came_before_it_as_missing),
      RUN(a_redrawn_epoch_goes_on_counting_without_a_gap),
      RUN(whatever_comes_in_whatever_order_each_number_is_stored_once),
      RUN(two_devices_do_not_touch_one_another), RUN(pages_of_events_follow_on_in_both_directions),
      RUN(a_page_has_the_rows_that_were_asked_for_whatever_runs_they_lie_in),
      RUN(a_rare_class_is_found_in_bounded_steps),
      RUN(a_line_that_does_not_continue_the_stored_one_is_a_fork_and_stores_nothing),
      RUN(a_fork_in_the_first_batch_of_all_is_counted_too),
      RUN(the_same_crc_with_another_chain_or_the_other_way_round_is_a_conflict),
      RUN(behind_a_gap_the_chain_goes_on_or_cannot_be_checked),
      RUN(a_late_line_must_fit_between_its_neighbours),
      RUN(a_forked_stream_takes_the_lines_of_the_old_epoch_and_then_its_own),
      RUN(an_own_line_right_behind_forked_ones_must_begin_a_chain),
      RUN(what_breaks_among_forked_lines_is_stored_and_counted))
