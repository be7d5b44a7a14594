/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/forks.h"

#include "fake_disk.h"
#include "test.h"

#include <string.h>

#define E1 "1111111111111111"
#define E2 "2222222222222222"
#define E3 "3333333333333333"

static struct hf_err err;

static struct hf_forks load_text(struct hf_disk *disk, const char *text)
{
	struct hf_forks forks;

	fake_disk_put(disk, HF_FORKS_PATH, text, strlen(text));
	CHECK_OK(hf_forks_load(disk, &forks, &err));
	return forks;
}

TEST(lines_go_where_the_redraws_lead_them)
{
	struct hf_disk *disk = fake_disk_new(1);
	struct hf_forks forks =
		load_text(disk, E2 " " E1 " 10 conflict 15 1\n" E3 " " E2 " 12 conflict 20 0\n");

	CHECK_U64(forks.count, ==, 2);
	CHECK_U64(forks.lines_bad, ==, 0);
	CHECK_TEXT(hf_forks_stream(&forks, E1, 9), E1);
	CHECK_TEXT(hf_forks_stream(&forks, E1, 10), E2);
	CHECK_TEXT(hf_forks_stream(&forks, E1, 11), E2);
	CHECK_TEXT(hf_forks_stream(&forks, E1, 12), E3);
	CHECK_TEXT(hf_forks_stream(&forks, E2, 15), E3);
	CHECK_TEXT(hf_forks_stream(&forks, E3, 25), E3);
	CHECK(hf_forks_left(&forks, E1) == &forks.list[0]);
	CHECK(hf_forks_left(&forks, E3) == NULL);
	CHECK(forks.list[0].told && !forks.list[1].told);
	CHECK_TEXT(forks.list[0].reason, "conflict");
	CHECK_U64(forks.list[1].at, ==, 20);
	fake_disk_free(disk);
}

TEST(what_is_stored_is_read_back)
{
	struct hf_disk *disk = fake_disk_new(1);
	struct hf_forks forks = load_text(disk, ""), again;

	CHECK_OK(hf_disk_folder_ensure(disk, "meta", &err));
	for (forks.count = 0; forks.count < HF_FORKS_MAX; forks.count++)
		forks.list[forks.count] = (struct hf_fork){ .next = E2,
							    .left = E1,
							    .from = UINT64_C(1) << 53,
							    .reason = "twenty-three-characters",
							    .at = UINT64_C(1) << 53 };
	CHECK_OK(hf_forks_store(disk, &forks, &err));
	CHECK_OK(hf_forks_load(disk, &again, &err));
	assert_memory_equal(&again, &forks, sizeof forks);
	fake_disk_free(disk);
}

TEST(no_file_is_no_fork_and_damaged_lines_are_passed_over)
{
	static const char *const bad[] = {
		E2 " " E1 " 10 conflict 15\n",    E2 " " E1 " 0 conflict 15 1\n",
		E2 " " E2 " 10 conflict 15 1\n",  E2 " " E1 " 10 conflict 15 2\n",
		E2 " 111111111111111 10 c 1 1\n", E2 " " E1 " 10 conflict 15 1 \n",
		E2 " " E1 "1 10 conflict 15 1\n", "rubbish\n",
	};
	struct hf_disk *disk = fake_disk_new(1);
	struct hf_forks forks;

	CHECK_OK(hf_forks_load(disk, &forks, &err));
	CHECK_U64(forks.count + forks.lines_bad, ==, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[256];

		(void)snprintf(text, sizeof text, "%s" E3 " " E2 " 12 mark 20 1\n", bad[i]);
		forks = load_text(disk, text);
		CHECK_U64(forks.count, ==, 1);
		CHECK_U64(forks.lines_bad, ==, 1);
		CHECK_TEXT(forks.list[0].next, E3);
	}
	fake_disk_free(disk);
}

TESTS(RUN(lines_go_where_the_redraws_lead_them), RUN(what_is_stored_is_read_back),
      RUN(no_file_is_no_fork_and_damaged_lines_are_passed_over))
