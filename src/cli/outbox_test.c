/* SPDX-License-Identifier: Apache-2.0 */
/* The verb as a script sees it: exit codes and what stands on standard output. */
#include "base/auto.h"
#include "cli/cli.h"
#include "outbox/testing.h"

#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>

static char folder[64];
static char printed[256 * 1024];

/* A unit that has written three events on each of two days. */
static int make(enum hf_outbox_commit commit)
{
	struct test_clock clock;
	struct hf_outbox_report report;
	struct hf_disk *disk;
	struct hf_err err;

	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-cli-XXXXXX");
	if (mkdtemp(folder) == NULL || hf_disk_real_open(folder, &disk, &err) != HF_OK)
		return 1;
	test_clock_start(&clock);
	struct hf_outbox_options options = test_options(&clock);
	options.commit = commit;
	struct hf_outbox *outbox = test_open(disk, &options, &report);
	for (uint64_t n = 1; n <= 6; n++) {
		test_append(outbox, n);
		if (n == 3)
			clock.wall_ms += INT64_C(86400000);
	}
	hf_outbox_close(outbox);
	hf_disk_real_close(disk);
	return 0;
}

static int make_outbox(void **state)
{
	(void)state;
	return make(HF_COMMIT_FILE);
}

static int make_ring_outbox(void **state)
{
	(void)state;
	return make(HF_COMMIT_RING);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static int remove_outbox(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The exit code; what was printed stands in printed. */
static int run(int argc, const char *const *words)
{
	char *argv[12];
	char path[96];

	(void)snprintf(path, sizeof path, "%s.out", folder);
	HF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	HF_AUTO_FD stdout_kept = dup(STDOUT_FILENO);
	HF_AUTO_FD nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && stdout_kept >= 0 && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0);
	for (int i = 0; i < argc; i++)
		argv[i] = (char *)(uintptr_t)words[i];
	(void)fflush(stdout);
	CHECK(dup2(fd, STDOUT_FILENO) >= 0);
	int status = hf_cli_outbox(argc, argv);
	(void)fflush(stdout);
	CHECK(dup2(stdout_kept, STDOUT_FILENO) >= 0);
	ssize_t size = pread(fd, printed, sizeof printed - 1, 0);
	CHECK(size >= 0);
	printed[size] = '\0';
	(void)unlink(path);
	return status;
}

#define RUN_VERB(...)                                                                             \
	run((int)(sizeof((const char *const[]){ "outbox", __VA_ARGS__ }) / sizeof(const char *)), \
	    (const char *const[]){ "outbox", __VA_ARGS__ })

static void spoil(const char *name, off_t offset)
{
	char path[128], byte = 0;

	(void)snprintf(path, sizeof path, "%s/outbox/%s", folder, name);
	HF_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0 && pread(fd, &byte, 1, offset) == 1);
	byte ^= 1;
	CHECK(pwrite(fd, &byte, 1, offset) == 1);
}

static json_t *parse(void)
{
	json_error_t why;
	json_t *json = json_loads(printed, 0, &why);

	if (json == NULL)
		fail_msg("%s: %s", why.text, printed);
	return json;
}

static uint64_t lines_printed(void)
{
	uint64_t lines = 0;

	for (const char *at = printed; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	return lines;
}

TEST(a_good_outbox_is_ok_as_data_folder_and_as_copied_outbox_folder)
{
	char path[96];

	CHECK_I64(RUN_VERB("verify", folder), ==, HF_EXIT_OK);
	CHECK(strstr(printed, "ok:") != NULL);
	CHECK(strstr(printed, "numbers 1 to 8") != NULL);
	(void)snprintf(path, sizeof path, "%s/outbox", folder);
	CHECK_I64(RUN_VERB("verify", path, "--json"), ==, HF_EXIT_OK);
	json_t *json = parse();
	CHECK(json_is_true(json_object_get(json, "ok")));
	CHECK_I64(json_integer_value(json_object_get(json, "lines")), ==, 8);
	CHECK(json_is_null(json_object_get(json, "acked_through")));
	json_decref(json);
}

TEST(a_damaged_line_is_named_and_the_exit_code_is_one)
{
	spoil("2026-04-20.jsonl", 800);
	CHECK_I64(RUN_VERB("verify", folder), ==, HF_EXIT_FAILED);
	CHECK(strstr(printed, "line_damaged  2026-04-20.jsonl") != NULL);
	CHECK_I64(RUN_VERB("verify", folder, "--json"), ==, HF_EXIT_FAILED);
	json_t *json = parse();
	const json_t *first = json_array_get(json_object_get(json, "findings"), 0);
	CHECK_TEXT(json_string_value(json_object_get(first, "kind")), "line_damaged");
	CHECK_I64(json_integer_value(json_object_get(first, "local_seq")), ==, 2);
	json_decref(json);
	CHECK_I64(RUN_VERB("gaps", folder), ==, HF_EXIT_FAILED);
	CHECK(strstr(printed, "2 to 2") != NULL);
}

TEST(tail_prints_the_last_lines_as_they_are)
{
	CHECK_I64(RUN_VERB("tail", folder, "-n", "2"), ==, HF_EXIT_OK);
	CHECK_U64(lines_printed(), ==, 2);
	CHECK(strstr(printed, "\"local_seq\":7,") != NULL);
	CHECK(strstr(printed, "\"local_seq\":8,") != NULL);
	CHECK_I64(RUN_VERB("tail", folder, "-n", "5"), ==, HF_EXIT_OK);
	CHECK_U64(lines_printed(), ==, 5);
	CHECK_I64(RUN_VERB("tail", folder, "-n", "0"), ==, HF_EXIT_OK);
	CHECK_U64(lines_printed(), ==, 0);
	CHECK_I64(RUN_VERB("tail", folder), ==, HF_EXIT_OK);
	CHECK_U64(lines_printed(), ==, 8);
	/* A gap does not make it shorter. */
	spoil("2026-04-20.jsonl", 1500);
	CHECK_I64(RUN_VERB("tail", folder, "-n", "6"), ==, HF_EXIT_OK);
	CHECK_U64(lines_printed(), ==, 6);
}

TEST(stat_counts_each_day)
{
	CHECK_I64(RUN_VERB("stat", folder, "--json"), ==, HF_EXIT_OK);
	json_t *json = parse();
	const json_t *days = json_object_get(json, "days");
	CHECK_U64(json_array_size(days), ==, 2);
	CHECK_I64(json_integer_value(json_object_get(json_array_get(days, 1), "first_seq")), ==, 5);
	json_decref(json);
	CHECK_I64(RUN_VERB("stat", folder), ==, HF_EXIT_OK);
	CHECK(strstr(printed, "2026-04-21.jsonl") != NULL);
}

/* What stands in a file of the folder. */
static void put_text(const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void cut(const char *name, off_t bytes)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/outbox/%s", folder, name);
	CHECK(stat(path, &st) == 0 && truncate(path, st.st_size - bytes) == 0);
}

TEST(stat_tells_how_far_each_channel_is_and_how_old_the_next_event_is)
{
	put_text("meta/ack_local_seq", "6\n");
	CHECK_I64(RUN_VERB("stat", folder, "--json"), ==, HF_EXIT_OK);
	json_t *json = parse();
	const json_t *hub = json_array_get(json_object_get(json, "channels"), 0);
	CHECK_TEXT(json_string_value(json_object_get(hub, "channel")), "hub");
	CHECK_I64(json_integer_value(json_object_get(hub, "pending")), ==, 2);
	CHECK(json_real_value(json_object_get(hub, "oldest_pending_s")) > 1000);
	CHECK_TEXT(json_string_value(json_object_get(json, "commit")), "file");
	CHECK(json_is_null(json_object_get(json, "ring")));
	json_decref(json);
	put_text("meta/ack_local_seq", "many\n");
	CHECK_I64(RUN_VERB("stat", folder), ==, HF_EXIT_OK);
	CHECK(strstr(printed, "does not hold a number") != NULL);
}

TEST(lines_only_in_the_ring_are_printed_counted_and_exported_without_padding)
{
	char path[128];

	cut("2026-04-21.jsonl", 600);
	CHECK_I64(RUN_VERB("stat", folder, "--json"), ==, HF_EXIT_OK);
	json_t *json = parse();
	const json_t *ring = json_object_get(json, "ring");
	CHECK_I64(json_integer_value(json_object_get(ring, "lines_only_there")), ==, 2);
	CHECK_I64(json_integer_value(json_object_get(json, "last_seq")), ==, 8);
	CHECK_TEXT(json_string_value(json_object_get(json, "commit")), "ring");
	json_decref(json);
	CHECK_I64(RUN_VERB("verify", folder), ==, HF_EXIT_OK);
	CHECK(strstr(printed, "remark   ring_only") != NULL);
	CHECK_I64(RUN_VERB("tail", folder, "-n", "3"), ==, HF_EXIT_OK);
	CHECK_U64(lines_printed(), ==, 3);
	CHECK(strstr(printed, "\"local_seq\":8,") != NULL);
	(void)snprintf(path, sizeof path, "%s/outbox", folder);
	CHECK_I64(RUN_VERB("export", path, "--from", "1"), ==, HF_EXIT_OK);
	CHECK_U64(lines_printed(), ==, 8);
	CHECK(strstr(printed, " \n") == NULL);
}

TEST(export_writes_a_whole_file_and_never_over_another)
{
	char path[128], path_new[160];

	(void)snprintf(path, sizeof path, "%s/day.jsonl", folder);
	(void)snprintf(path_new, sizeof path_new, "%s.new", path);
	/* The offers were captured on the first day; the second's header was not. */
	CHECK_I64(RUN_VERB("export", folder, "--day", "2026-04-21", "--out", path, "--json"), ==,
		  HF_EXIT_OK);
	json_t *json = parse();
	CHECK_I64(json_integer_value(json_object_get(json, "lines")), ==, 1);
	json_decref(json);
	CHECK(access(path, F_OK) == 0 && access(path_new, F_OK) != 0);
	CHECK_I64(RUN_VERB("export", folder, "--from", "3", "--through", "4", "--out", path), ==,
		  HF_EXIT_FAILED);
	CHECK_I64(RUN_VERB("export", folder, "--from", "3", "--through", "4", "--out", path,
			   "--force"),
		  ==, HF_EXIT_OK);
	CHECK_I64(RUN_VERB("export", folder, "--from", "3", "--through", "4"), ==, HF_EXIT_OK);
	CHECK_U64(lines_printed(), ==, 2);
	CHECK_I64(RUN_VERB("export", folder), ==, HF_EXIT_USAGE);
	CHECK_I64(RUN_VERB("export", folder, "--day", "2026-04-31"), ==, HF_EXIT_USAGE);
	CHECK_I64(RUN_VERB("export", folder, "--from", "4", "--through", "3"), ==, HF_EXIT_USAGE);
	spoil("2026-04-20.jsonl", 800);
	CHECK_I64(RUN_VERB("export", folder, "--from", "1"), ==, HF_EXIT_PARTIAL);
	CHECK_U64(lines_printed(), ==, 7);
}

TEST(gaps_name_the_event_that_explains_them)
{
	put_text("meta/outbox_gap", "9 12 reservation\n");
	struct test_clock clock;
	struct hf_outbox_report report;
	struct hf_disk *disk;
	struct hf_err err;

	CHECK_OK(hf_disk_real_open(folder, &disk, &err));
	test_clock_start(&clock);
	struct hf_outbox_options options = test_options(&clock);
	struct hf_outbox *outbox = test_open(disk, &options, &report);
	CHECK_U64(test_append(outbox, 9), >, 12);
	hf_outbox_close(outbox);
	hf_disk_real_close(disk);
	CHECK_I64(RUN_VERB("gaps", folder, "--json"), ==, HF_EXIT_OK);
	json_t *json = parse();
	const json_t *gap = json_array_get(json_object_get(json, "list"), 0);
	CHECK_I64(json_integer_value(json_object_get(gap, "from")), ==, 9);
	CHECK_TEXT(json_string_value(json_object_get(gap, "reason")), "reservation");
	CHECK_I64(json_integer_value(json_object_get(gap, "event_seq")), ==, 13);
	json_decref(json);
}

TEST(verify_chain_says_when_nothing_is_countersigned)
{
	CHECK_I64(RUN_VERB("verify", folder, "--chain"), ==, HF_EXIT_PARTIAL);
	CHECK(strstr(printed, "countersigned: nothing") != NULL);
	CHECK_I64(RUN_VERB("verify", folder, "--chain", "--json"), ==, HF_EXIT_PARTIAL);
	json_t *json = parse();
	CHECK(json_is_null(json_object_get(json_object_get(json, "chain"), "proven_through")));
	json_decref(json);
	CHECK_I64(RUN_VERB("verify", folder, "--hub-key", "beef"), ==, HF_EXIT_USAGE);
}

static void cursor_is(const char *text)
{
	char path[128], found[32] = "";

	(void)snprintf(path, sizeof path, "%s/meta/ack_local_seq", folder);
	FILE *file = fopen(path, "r");
	CHECK(file != NULL && fgets(found, sizeof found, file) != NULL);
	(void)fclose(file);
	CHECK_TEXT(found, text);
}

TEST(replay_without_a_unit_moves_the_cursor_back_and_never_forward)
{
	CHECK_I64(RUN_VERB("replay", folder, "--from", "3", "--channel", "hub", "--yes"), ==,
		  HF_EXIT_FAILED);
	put_text("meta/ack_local_seq", "6\n");
	CHECK_I64(RUN_VERB("replay", folder, "--from", "7", "--channel", "hub", "--yes"), ==,
		  HF_EXIT_FAILED);
	CHECK_I64(RUN_VERB("replay", folder, "--from", "3", "--channel", "fax", "--yes"), ==,
		  HF_EXIT_USAGE);
	/* run() leaves no terminal to be asked at. */
	CHECK_I64(RUN_VERB("replay", folder, "--from", "3", "--channel", "hub"), ==, HF_EXIT_USAGE);
	cursor_is("6\n");
	CHECK_I64(RUN_VERB("replay", folder, "--from", "3", "--channel", "hub", "--yes"), ==,
		  HF_EXIT_OK);
	cursor_is("2\n");
}

TEST(replay_waits_for_whoever_holds_the_outbox)
{
	struct hf_disk *disk;
	struct hf_err err;
	int lock;

	put_text("meta/ack_local_seq", "6\n");
	CHECK_OK(hf_disk_real_open(folder, &disk, &err));
	CHECK_OK(hf_disk_lock(disk, "meta/outbox.lock", &lock, &err));
	CHECK_I64(RUN_VERB("replay", folder, "--from", "3", "--channel", "hub", "--yes"), ==,
		  HF_EXIT_LATER);
	cursor_is("6\n");
	hf_disk_close(disk, lock);
	hf_disk_real_close(disk);
}

TEST(a_file_instead_of_a_folder_is_told_so)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/outbox/2026-04-20.jsonl", folder);
	CHECK_I64(RUN_VERB("verify", path), ==, HF_EXIT_FAILED);
}

TEST(what_cannot_be_meant_is_a_usage_error)
{
	CHECK_I64(run(1, (const char *const[]){ "outbox" }), ==, HF_EXIT_USAGE);
	CHECK_I64(RUN_VERB("repair"), ==, HF_EXIT_USAGE);
	CHECK_I64(RUN_VERB("verify", folder, folder), ==, HF_EXIT_USAGE);
	CHECK_I64(RUN_VERB("verify", "-f"), ==, HF_EXIT_USAGE);
	CHECK_I64(RUN_VERB("tail", "-n"), ==, HF_EXIT_USAGE);
	CHECK_I64(RUN_VERB("tail", "-n", "-3"), ==, HF_EXIT_USAGE);
}

TEST(a_folder_without_an_outbox_is_an_error_not_an_empty_one)
{
	char path[96];

	(void)snprintf(path, sizeof path, "%s/meta", folder);
	CHECK_I64(RUN_VERB("verify", path), ==, HF_EXIT_FAILED);
	CHECK_I64(RUN_VERB("verify", "/nowhere/at/all"), ==, HF_EXIT_FAILED);
}

#define RUN_ON(name) cmocka_unit_test_setup_teardown(name, make_outbox, remove_outbox)

#define RUN_RING(name) cmocka_unit_test_setup_teardown(name, make_ring_outbox, remove_outbox)

TESTS(RUN_ON(a_good_outbox_is_ok_as_data_folder_and_as_copied_outbox_folder),
      RUN_ON(a_damaged_line_is_named_and_the_exit_code_is_one),
      RUN_ON(tail_prints_the_last_lines_as_they_are), RUN_ON(stat_counts_each_day),
      RUN_ON(stat_tells_how_far_each_channel_is_and_how_old_the_next_event_is),
      RUN_RING(lines_only_in_the_ring_are_printed_counted_and_exported_without_padding),
      RUN_ON(export_writes_a_whole_file_and_never_over_another),
      RUN_ON(gaps_name_the_event_that_explains_them),
      RUN_ON(verify_chain_says_when_nothing_is_countersigned),
      RUN_ON(replay_without_a_unit_moves_the_cursor_back_and_never_forward),
      RUN_ON(replay_waits_for_whoever_holds_the_outbox),
      RUN_ON(a_file_instead_of_a_folder_is_told_so), RUN_ON(what_cannot_be_meant_is_a_usage_error),
      RUN_ON(a_folder_without_an_outbox_is_an_error_not_an_empty_one))
