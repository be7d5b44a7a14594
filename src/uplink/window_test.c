/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/window.h"

#include "base/auto.h"

#include <string.h>

#include "test.h"

static struct hf_window *fresh(void)
{
	struct hf_window *window = malloc(sizeof *window);

	CHECK(window != NULL);
	hf_window_clear(window);
	return window;
}

static const struct hf_window_owner owner = { .device_id = "unit-7", .epoch = "e" };

static bool add(struct hf_window *window, const char *text, uint64_t seq)
{
	struct hf_window_line line = { .seq = seq, .size_bytes = strlen(text) };

	return hf_window_add(window, text, &owner, &line);
}

TEST(lines_stand_in_a_window_as_they_were_stored)
{
	HF_AUTO_FREE struct hf_window *window = fresh();

	CHECK(add(window, "one\n", 5));
	CHECK(add(window, "three\n", 7));
	CHECK_U64(window->size_bytes, ==, 10);
	CHECK(memcmp(window->data, "one\nthree\n", 10) == 0);
	CHECK_U64(hf_window_bytes(window, 0), ==, 0);
	CHECK_U64(hf_window_bytes(window, 1), ==, 4);
	CHECK_U64(hf_window_bytes(window, 2), ==, 10);
}

TEST(a_line_of_another_owner_waits_until_the_window_is_empty)
{
	static const struct hf_window_owner others[] = { { .device_id = "unit-7", .epoch = "f" },
							 { .device_id = "unit-8", .epoch = "e" } };
	const struct hf_window_line line = { .seq = 2, .size_bytes = 2 };

	for (size_t i = 0; i < HF_ARRAY_LEN(others); i++) {
		HF_AUTO_FREE struct hf_window *window = fresh();

		CHECK(add(window, "a\n", 1));
		CHECK(!hf_window_add(window, "b\n", &others[i], &line));
		CHECK_U64(window->line_count, ==, 1);
		hf_window_leave(window, 1);
		CHECK(hf_window_add(window, "b\n", &others[i], &line));
		CHECK_TEXT(window->owner.device_id, others[i].device_id);
		CHECK_TEXT(window->owner.epoch, others[i].epoch);
	}
}

TEST(a_full_window_takes_no_more_and_stays_whole)
{
	HF_AUTO_FREE struct hf_window *window = fresh();
	static char text[HF_LINE_BYTES_MAX];
	struct hf_window_line line = { .size_bytes = sizeof text };
	uint64_t seq = 0;

	memset(text, 'x', sizeof text);
	for (line.seq = 1; hf_window_add(window, text, &owner, &line); line.seq++)
		seq++;
	CHECK_U64(seq, ==, HF_WINDOW_BYTES_MAX / HF_LINE_BYTES_MAX);
	CHECK_U64(window->size_bytes, ==, seq * HF_LINE_BYTES_MAX);
	hf_window_clear(window);
	for (seq = 0; add(window, "y\n", seq + 1);)
		seq++;
	CHECK_U64(seq, ==, HF_WINDOW_LINES_MAX);
}

TEST(lines_up_to_a_number_are_counted_over_holes)
{
	HF_AUTO_FREE struct hf_window *window = fresh();

	CHECK(add(window, "a\n", 5));
	CHECK(add(window, "b\n", 9));
	CHECK_U64(hf_window_through(window, 4), ==, 0);
	CHECK_U64(hf_window_through(window, 5), ==, 1);
	CHECK_U64(hf_window_through(window, 8), ==, 1);
	CHECK_U64(hf_window_through(window, 9), ==, 2);
	CHECK_U64(hf_window_through(window, 100), ==, 2);
}

TEST(lines_that_leave_make_room_and_the_rest_stays_in_order)
{
	HF_AUTO_FREE struct hf_window *window = fresh();

	CHECK(add(window, "a\n", 1));
	CHECK(add(window, "bb\n", 2));
	CHECK(add(window, "ccc\n", 3));
	hf_window_leave(window, 2);
	CHECK_U64(window->line_count, ==, 1);
	CHECK_U64(window->lines[0].seq, ==, 3);
	CHECK(add(window, "d\n", 4));
	CHECK_U64(window->size_bytes, ==, 6);
	CHECK(memcmp(window->data, "ccc\nd\n", 6) == 0);
	hf_window_leave(window, 2);
	CHECK_U64(window->size_bytes, ==, 0);
}

TESTS(RUN(lines_stand_in_a_window_as_they_were_stored),
      RUN(a_line_of_another_owner_waits_until_the_window_is_empty),
      RUN(a_full_window_takes_no_more_and_stays_whole),
      RUN(lines_up_to_a_number_are_counted_over_holes),
      RUN(lines_that_leave_make_room_and_the_rest_stays_in_order))
