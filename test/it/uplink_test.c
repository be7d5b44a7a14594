/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever answers in the hub's place, nothing that was not delivered counts as delivered,
 * nothing is lost, and the order holds.
 *
 * Method: the real uplink, started as the supervisor starts it, over a real outbox that this
 * program writes as keeper does; the other end of the network is hostile_hub.mjs. This program
 * plays supervisor and keeper in one loop and waits for conditions, never for a time. At the end
 * of each test the hub holds exactly the bytes of the day files, in their order.
 */
#include "uplink_bench.h"

TEST(events_go_out_at_once_and_in_order)
{
	struct bench *bench = bench_open();

	uplink_start(bench);
	for (int i = 0; i < 20; i++) {
		commit(bench, 3);
		WAIT_FOR(bench, bench->mark == bench->committed);
	}
	arrives(bench);
	check_store(bench, NULL, 0);
	CHECK_U64(bench->duplicates, ==, 0);
	CHECK_U64(bench->note_count, ==, 0);
	WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "idle") == 0);
	CHECK_TEXT(stat_text(bench, "link"), "up");
	CHECK_U64(stat_u64(bench, "pending"), ==, 0);
	CHECK_U64(stat_u64(bench, "sent"), ==, bench->committed);
	bench_close(bench);
}

TEST(no_answer_but_a_strict_success_counts)
{
	static const char *const hostile[] = {
		"html200",    "json_html200", "redirect302",   "redirect307",   "created201",
		"e500",       "half_json",    "half_response", "wrong_numbers", "lower_numbers",
		"negative",   "fraction",     "wrong_nonce",   "wrong_device",  "wrong_epoch",
		"wrong_type", "twice",        "huge",          "reset",         "portal403",
		"none",       "denied",       "conflict",
	};
	struct bench *bench = bench_open();

	uplink_start(bench);
	commit(bench, 5);
	arrives(bench);
	for (size_t i = 0; i < HF_ARRAY_LEN(hostile); i++) {
		uint64_t before = bench->told;

		scenario(bench, hostile[i]);
		commit(bench, 3);
		/* A third request means that one was judged and waited for at least: libcurl
		 * repeats one by itself when a kept connection dies without a byte. */
		WAIT_FOR(bench, bench->requests >= 3);
		CHECK_U64(bench->told, ==, before);
		CHECK_U64(stored_cursor(bench), ==, before);
		CHECK_U64(bench->mark, ==, before);
		CHECK_U64(stored_retry(bench).attempts, >=, 1);
		scenario(bench, "good");
		arrives(bench);
		CHECK_U64(stored_retry(bench).attempts, ==, 0);
	}
	check_store(bench, NULL, 0);
	CHECK_U64(bench->duplicates, ==, 0);
	bench_close(bench);
}

TEST(a_hub_that_says_nothing_is_given_up_and_tried_again)
{
	struct bench *bench = bench_open();

	bench->config.hub_total_ms = 500;
	uplink_start(bench);
	scenario(bench, "slow");
	commit(bench, 3);
	WAIT_FOR(bench, bench->requests >= 2);
	CHECK_U64(stored_cursor(bench), ==, 0);
	scenario(bench, "good");
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(the_process_goes_on_beating_while_the_hub_is_silent)
{
	struct bench *bench = bench_open();

	bench->config.hub_total_ms = 600000;
	uplink_start(bench);
	scenario(bench, "slow");
	commit(bench, 1);
	WAIT_FOR(bench, bench->requests == 1);
	int64_t beat = atomic_load(&bench->uplink.pulse->beat_us);
	unsigned stats = bench->stats_count;
	WAIT_FOR(bench, atomic_load(&bench->uplink.pulse->beat_us) > beat &&
				bench->stats_count >= stats + 2);
	CHECK_TEXT(stat_text(bench, "state"), "sending");
	CHECK_U64(bench->requests, ==, 1);
	bench_close(bench);
}

TEST(the_link_going_down_and_up_is_told_once_each)
{
	struct bench *bench = bench_open();

	uplink_start(bench);
	commit(bench, 2);
	arrives(bench);
	scenario(bench, "reset");
	commit(bench, 2);
	WAIT_FOR(bench, bench->requests >= 4);
	WAIT_FOR(bench, notes_of(bench, "link_down") == 1);
	WAIT_FOR(bench, strcmp(stat_text(bench, "link"), "down") == 0);
	CHECK_U64(stat_u64(bench, "pending"), ==, 2);
	CHECK(stat_text(bench, "last_error")[0] != '\0');
	scenario(bench, "good");
	arrives(bench);
	CHECK_U64(notes_of(bench, "link_down"), ==, 1);
	CHECK_U64(notes_of(bench, "link_up"), ==, 1);
	CHECK_U64(bench->note_count, ==, 2);
	CHECK(strstr(attrs_of(bench, "link_down"), "\"error\":") != NULL);
	CHECK(strstr(attrs_of(bench, "link_down"), "\"pending\":2") != NULL);
	CHECK(strstr(attrs_of(bench, "link_up"), "\"waited_ms\":") != NULL);
	bench_close(bench);
}

TEST(a_partial_receipt_goes_on_behind_it)
{
	struct bench *bench = bench_open();

	scenario(bench, "partial");
	commit(bench, 40);
	uplink_start(bench);
	arrives(bench);
	CHECK_U64(bench->requests, >=, 5);
	CHECK_U64(bench->duplicates, ==, 0);
	CHECK_U64(bench->note_count, ==, 0);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(a_receipt_that_was_lost_brings_duplicates_not_gaps)
{
	struct bench *bench = bench_open();

	uplink_start(bench);
	scenario(bench, "lost_receipt");
	commit(bench, 3);
	WAIT_FOR(bench, bench->requests >= 2);
	CHECK_U64(stored_cursor(bench), ==, 0);
	scenario(bench, "good");
	arrives(bench);
	WAIT_FOR(bench, bench->duplicates > 0);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(a_refused_line_is_noted_and_the_others_arrive)
{
	static const uint64_t refused[] = { 4 };
	struct bench *bench = bench_open();

	scenario(bench, "reject 4");
	commit(bench, 9);
	uplink_start(bench);
	arrives(bench);
	CHECK_U64(notes_of(bench, "event_rejected"), ==, 1);
	CHECK_U64(bench->note_count, ==, 1);
	CHECK(strstr(attrs_of(bench, "event_rejected"), "\"seq\":4,") != NULL);
	CHECK(strstr(attrs_of(bench, "event_rejected"), "bad_line") != NULL);
	check_store(bench, refused, 1);
	bench_close(bench);
}

TEST(a_batch_that_is_too_large_is_made_smaller)
{
	struct bench *bench = bench_open();

	scenario(bench, "too_large 3");
	commit(bench, 60);
	uplink_start(bench);
	arrives(bench);
	CHECK_U64(bench->note_count, ==, 0);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(one_line_that_is_too_large_for_a_proxy_is_kept)
{
	struct bench *bench = bench_open();

	scenario(bench, "too_large 0");
	commit(bench, 4);
	uplink_start(bench);
	WAIT_FOR(bench, notes_of(bench, "uplink_blocked") == 1);
	WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "blocked") == 0);
	CHECK_U64(stored_cursor(bench), ==, 0);
	scenario(bench, "good");
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(refused_credentials_are_told_and_end_with_a_good_answer)
{
	struct bench *bench = bench_open();

	scenario(bench, "denied");
	uplink_start(bench);
	commit(bench, 2);
	WAIT_FOR(bench, bench->requests >= 3);
	WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "blocked") == 0);
	CHECK_U64(notes_of(bench, "uplink_blocked"), ==, 1);
	scenario(bench, "good");
	arrives(bench);
	WAIT_FOR(bench, notes_of(bench, "uplink_unblocked") == 1);
	CHECK_U64(bench->note_count, ==, 2);
	bench_close(bench);
}

TEST(a_token_that_is_missing_blocks_until_it_is_there)
{
	struct bench *bench = bench_open();
	struct hf_err err;

	CHECK(unlink(bench->token) == 0);
	uplink_start(bench);
	commit(bench, 2);
	WAIT_FOR(bench, notes_of(bench, "uplink_blocked") == 1);
	CHECK_U64(bench->posts, ==, 0);
	CHECK_OK(hf_file_replace(bench->token, "sesame\n", 7, 0600, &err));
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(a_busy_hub_is_waited_for_without_news)
{
	struct bench *bench = bench_open();

	bench->config.hub_backoff_max_ms = 600000;
	scenario(bench, "retry_after 500");
	uplink_start(bench);
	commit(bench, 2);
	WAIT_FOR(bench, bench->requests == 1);
	WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "waiting") == 0);
	CHECK_U64(stat_u64(bench, "attempts"), ==, 1);
	/* Far more than the backoff alone would be, and capped. */
	CHECK_U64(stat_u64(bench, "retry_in_ms"), >, 300000);
	CHECK_U64(stat_u64(bench, "retry_in_ms"), <=, 500000);
	CHECK_U64(bench->note_count, ==, 0);
	/* New events do not shorten the wait. */
	unsigned stats = bench->stats_count;
	commit(bench, 5);
	WAIT_FOR(bench, bench->stats_count >= stats + 2);
	CHECK_U64(bench->requests, ==, 1);
	CHECK_U64(stat_u64(bench, "pending"), ==, bench->committed);
	bench_close(bench);
}

TEST(a_restart_neither_loses_nor_shortens_the_wait)
{
	struct bench *bench = bench_open();

	bench->config.hub_backoff_min_ms = 600000;
	bench->config.hub_backoff_max_ms = 600000;
	scenario(bench, "e500");
	uplink_start(bench);
	commit(bench, 2);
	WAIT_FOR(bench, bench->requests == 1);
	WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "waiting") == 0);
	uplink_kill(bench);
	struct hf_retry stored = stored_retry(bench);
	CHECK_U64(stored.attempts, ==, 1);
	CHECK_I64(stored.delay_ms, >, 500000);

	scenario(bench, "good");
	uplink_start(bench);
	WAIT_FOR(bench, bench->stats_count >= 2);
	CHECK_U64(bench->requests, ==, 0);
	CHECK_TEXT(stat_text(bench, "state"), "waiting");
	CHECK_U64(stat_u64(bench, "attempts"), ==, 1);
	CHECK_U64(stat_u64(bench, "retry_in_ms"), >, 500000);
	CHECK_U64(stat_u64(bench, "retry_in_ms"), <=, (uint64_t)stored.delay_ms);
	CHECK_U64(stat_u64(bench, "pending"), ==, bench->committed);
	uplink_kill(bench);

	/* The state file damaged: as if nothing had failed, and not stuck. */
	char path[128];
	struct hf_err err;
	(void)snprintf(path, sizeof path, "%s/meta/retry_state", bench->folder);
	CHECK_OK(hf_file_replace(path, "\0\0\0garbage", 10, 0640, &err));
	uplink_start(bench);
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(killed_at_any_moment_it_brings_everything_once)
{
	struct bench *bench = bench_open();

	bench->config.hub_batch_max = 7;
	for (unsigned round = 1; round <= 8; round++) {
		commit(bench, 25);
		unsigned posts = bench->posts;
		uplink_start(bench);
		WAIT_FOR(bench, bench->posts >= posts + round % 4);
		uplink_kill(bench);
	}
	uplink_start(bench);
	arrives(bench);
	check_store(bench, NULL, 0);
	CHECK_U64(bench->lines_max, <=, 7);
	bench_close(bench);
}

TEST(a_damaged_cursor_sends_again_from_the_beginning)
{
	struct bench *bench = bench_open();
	struct hf_err err;
	char path[128];

	uplink_start(bench);
	commit(bench, 6);
	arrives(bench);
	uplink_stop(bench);
	(void)snprintf(path, sizeof path, "%s/%s", bench->folder, HF_CURSOR_HUB);
	CHECK_OK(hf_file_replace(path, "four\n", 5, 0640, &err));
	uint64_t had = bench->committed;
	uplink_start(bench);
	commit(bench, 1);
	arrives(bench);
	CHECK_U64(bench->duplicates, ==, had);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(nothing_is_sent_before_keeper_has_published_in_this_boot)
{
	struct bench *bench = bench_open();

	/* What stands in the page is of another boot. */
	commit(bench, 3);
	(void)snprintf(bench->hello.boot_id, sizeof bench->hello.boot_id,
		       "ffffffff-89ab-cdef-0123-456789abcdef");
	uplink_start(bench);
	WAIT_FOR(bench, bench->stats_count >= 3);
	CHECK_U64(bench->posts, ==, 0);
	CHECK_U64(stat_u64(bench, "pending"), ==, 0);

	struct hf_err err;
	hf_watermark_close(bench->page);
	CHECK_OK(hf_watermark_create(bench->hello.run_path, bench->hello.boot_id, 2, &bench->page,
				     &err));
	commit(bench, 1);
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(lines_above_the_watermark_are_not_sent)
{
	struct bench *bench = bench_open();
	struct hf_watermark held;

	commit(bench, 3);
	hf_outbox_position(bench->outbox, &held);
	commit(bench, 4);
	hf_watermark_publish(bench->page, &held);
	uplink_start(bench);
	WAIT_FOR(bench, bench->told == held.seq);
	unsigned stats = bench->stats_count;
	WAIT_FOR(bench, bench->stats_count >= stats + 2);
	CHECK_U64(bench->mark, ==, held.seq);
	commit(bench, 1);
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(an_address_that_may_not_be_used_is_told_and_waited_out)
{
	static const char *const urls[] = { "http://192.0.2.1:9/", "ftp://192.0.2.1/", "hub" };

	for (size_t i = 0; i < HF_ARRAY_LEN(urls); i++) {
		struct bench *bench = bench_open();

		(void)snprintf(bench->config.hub_url, sizeof bench->config.hub_url, "%s", urls[i]);
		uplink_start(bench);
		commit(bench, 2);
		WAIT_FOR(bench, notes_of(bench, "uplink_blocked") == 1);
		WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "blocked") == 0);
		CHECK(strstr(attrs_of(bench, "uplink_blocked"), "hub.url") != NULL);
		CHECK_U64(stat_u64(bench, "pending"), ==, bench->committed);
		bench_close(bench);
	}
}

TEST(without_a_hub_nothing_is_sent_and_nothing_fails)
{
	struct bench *bench = bench_open();

	bench->config.hub_url[0] = '\0';
	uplink_start(bench);
	commit(bench, 2);
	WAIT_FOR(bench, bench->stats_count >= 2);
	CHECK_TEXT(stat_text(bench, "state"), "idle");
	CHECK_U64(stat_u64(bench, "pending"), ==, bench->committed);
	CHECK_U64(bench->note_count, ==, 0);
	bench_close(bench);
}

TEST(pictures_follow_their_events)
{
	struct bench *bench = bench_open();
	struct hf_err err;
	char folder[96], path[256], hex[65];
	uint8_t digest[crypto_hash_sha256_BYTES];
	static const char jpeg[] = "\xff\xd8 a picture \xff\xd9";

	(void)crypto_hash_sha256(digest, (const uint8_t *)jpeg, sizeof jpeg);
	for (size_t i = 0; i < sizeof digest; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	(void)snprintf(folder, sizeof folder, "%s/thumbs", bench->folder);
	(void)snprintf(path, sizeof path, "%s/%s.jpg", folder, hex);
	CHECK_OK(hf_folder_make(folder, 0750, &err));
	CHECK_OK(hf_file_replace(path, jpeg, sizeof jpeg, 0640, &err));

	uplink_start(bench);
	commit_thumb(bench, 1, path);
	WAIT_FOR(bench, bench->puts == 1);
	/* The hub has it now; a picture that is gone stops nobody. */
	commit_thumb(bench, 1, path);
	WAIT_FOR(bench, bench->heads == 2);
	commit_thumb(bench, 1,
		     "/elsewhere/00000000000000000000000000000000"
		     "00000000000000000000000000000000.jpg");
	commit(bench, 1);
	arrives(bench);
	WAIT_FOR(bench, stat_u64(bench, "thumbs_sent") == 1 &&
				stat_u64(bench, "thumbs_dropped") == 1 &&
				stat_u64(bench, "thumbs_waiting") == 0);
	CHECK_U64(bench->puts, ==, 1);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(a_line_that_rotted_is_noted_and_the_others_arrive)
{
	static const uint64_t rotten[] = { 3 };
	struct bench *bench = bench_open();
	struct hf_watermark position;
	struct hf_err err;
	HF_AUTO_FREE char *day = NULL;
	size_t size;
	char path[160];

	commit(bench, 6);
	hf_outbox_position(bench->outbox, &position);
	(void)snprintf(path, sizeof path, "%s/outbox/%s", bench->folder, position.file);
	CHECK_OK(hf_file_read(path, DAY_BYTES_MAX, &day, &size, &err));
	char *third = strstr(day, "\"local_seq\":3,");
	CHECK(third != NULL);
	char *digit = strstr(third, "\"crc32c\":\"") + 10;
	char good = *digit;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(pwrite(fd, good == 'f' ? "e" : "f", 1, digit - day) == 1);
	uplink_start(bench);
	arrives(bench);
	WAIT_FOR(bench, notes_of(bench, "outbox_line_unreadable") == 1);
	CHECK_U64(bench->note_count, ==, 1);
	CHECK(pwrite(fd, &good, 1, digit - day) == 1);
	(void)close(fd);
	check_store(bench, rotten, 1);
	bench_close(bench);
}

TESTS(RUN(events_go_out_at_once_and_in_order), RUN(no_answer_but_a_strict_success_counts),
      RUN(a_hub_that_says_nothing_is_given_up_and_tried_again),
      RUN(the_process_goes_on_beating_while_the_hub_is_silent),
      RUN(the_link_going_down_and_up_is_told_once_each), RUN(a_partial_receipt_goes_on_behind_it),
      RUN(a_receipt_that_was_lost_brings_duplicates_not_gaps),
      RUN(a_refused_line_is_noted_and_the_others_arrive),
      RUN(a_batch_that_is_too_large_is_made_smaller),
      RUN(one_line_that_is_too_large_for_a_proxy_is_kept),
      RUN(refused_credentials_are_told_and_end_with_a_good_answer),
      RUN(a_token_that_is_missing_blocks_until_it_is_there),
      RUN(a_busy_hub_is_waited_for_without_news),
      RUN(a_restart_neither_loses_nor_shortens_the_wait),
      RUN(killed_at_any_moment_it_brings_everything_once),
      RUN(a_damaged_cursor_sends_again_from_the_beginning),
      RUN(nothing_is_sent_before_keeper_has_published_in_this_boot),
      RUN(lines_above_the_watermark_are_not_sent),
      RUN(an_address_that_may_not_be_used_is_told_and_waited_out),
      RUN(without_a_hub_nothing_is_sent_and_nothing_fails), RUN(pictures_follow_their_events),
      RUN(a_line_that_rotted_is_noted_and_the_others_arrive))
