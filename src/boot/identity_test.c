/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/identity.h"

#include "base/auto.h"
#include "base/file.h"
#include "boot/data.h"
#include "test.h"

#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define BOOT_A "11111111-2222-3333-4444-555555555555"
#define BOOT_B "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static char base[64];
static char data[128];
static struct hf_err err;
static struct hf_identity identity;

static uint64_t counting_next(const struct hf_random *random)
{
	return ++*(uint64_t *)random->context * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t drawn;
static const struct hf_random chance = { .next = counting_next, .context = &drawn };

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void put(const char *name, const char *text)
{
	char path[PATH_MAX], folder[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s", base, name);
	(void)snprintf(folder, sizeof folder, "%s", path);
	*strrchr(folder, '/') = '\0';
	CHECK_OK(hf_folder_make(folder, 0755, &err));
	CHECK_OK(hf_file_replace(path, text, strlen(text), 0644, &err));
}

static const char *get(const char *name)
{
	static char text[4096];
	char path[PATH_MAX];
	HF_AUTO_FREE char *read = NULL;

	(void)snprintf(path, sizeof path, "%s/%s", base, name);
	CHECK_OK(hf_file_read(path, sizeof text - 1, &read, NULL, &err));
	(void)snprintf(text, sizeof text, "%s", read);
	return text;
}

static void boot_with(const char *boot_id)
{
	char line[64];

	(void)snprintf(line, sizeof line, "%s\n", boot_id);
	put("root/proc/sys/kernel/random/boot_id", line);
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(base, sizeof base, "/tmp/holdfast-identity-XXXXXX");
	assert_non_null(mkdtemp(base));
	(void)snprintf(data, sizeof data, "%s/data", base);
	CHECK_OK(hf_folder_make(data, 0755, &err));
	boot_with(BOOT_A);
	drawn = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void start(const char *config_id)
{
	char root[128];

	(void)snprintf(root, sizeof root, "%s/root", base);
	const struct hf_identity_options options = {
		.data_path = data, .config_id = config_id, .root = root, .random = &chance
	};
	CHECK_OK(hf_identity_open(&options, &identity, &err));
}

TEST(a_unit_without_a_serial_draws_a_name_once_and_keeps_it)
{
	char first[HF_ID_BYTES];
	struct stat st;
	char path[PATH_MAX];

	start("");
	CHECK_U64(identity.source, ==, HF_IDENTITY_DRAWN);
	CHECK_U64(identity.warning_count, ==, 0);
	CHECK(strncmp(identity.device_id, "hf-", 3) == 0 && strlen(identity.device_id) == 11);
	memcpy(first, identity.device_id, sizeof first);
	start("");
	CHECK_U64(identity.source, ==, HF_IDENTITY_KEPT);
	CHECK_TEXT(identity.device_id, first);
	(void)snprintf(path, sizeof path, "%s/identity/device_id", data);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	(void)snprintf(path, sizeof path, "%s/identity", data);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
}

TEST(a_serial_that_names_the_board_is_the_name)
{
	put("root/sys/class/dmi/id/product_serial", "To be filled by O.E.M.\n");
	put("root/sys/class/dmi/id/board_serial", "PF3K7L2M\n");
	start("");
	CHECK_U64(identity.source, ==, HF_IDENTITY_SERIAL);
	CHECK_TEXT(identity.device_id, "PF3K7L2M");
	put("root/sys/class/dmi/id/board_serial", "ANOTHER77\n");
	start("");
	CHECK_TEXT(identity.device_id, "PF3K7L2M");
}

TEST(the_hardware_is_told_whatever_the_name_is)
{
	start("");
	CHECK_TEXT(identity.hardware, "");
	put("root/sys/class/dmi/id/product_serial", "PF3K7L2M\n");
	start("");
	CHECK_U64(identity.source, ==, HF_IDENTITY_KEPT);
	CHECK_TEXT(identity.hardware, "PF3K7L2M");
	start("configured");
	CHECK_TEXT(identity.device_id, "configured");
	CHECK_TEXT(identity.hardware, "PF3K7L2M");
	put("root/sys/class/dmi/id/product_serial", "ANOTHER77\n");
	start("");
	CHECK_TEXT(identity.hardware, "ANOTHER77");
}

TEST(a_place_holder_is_no_serial)
{
	static const char *const fillers[] = {
		"",           "0000000000", "FFFFFFFF",   "ffffffff",      "00:00:00:00",
		"XXXXXXXX",   "Default",    "None",       "N/A",           "1234",
		"0123456789", "123456789",  "System-S/N", "OEM12",         "unknown-1",
		"a b c d e",  "x\x01yzab",  "INVALID",    "Not-Specified",
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(fillers); i++)
		if (hf_identity_serial_sane(fillers[i]))
			fail_msg("\"%s\" was taken for a serial", fillers[i]);
	CHECK(hf_identity_serial_sane("PF3K7L2M"));
	CHECK(hf_identity_serial_sane("10000000a1b2c3d4"));
}

TEST(the_configured_name_wins_and_a_change_is_told)
{
	start("gate-7");
	CHECK_U64(identity.source, ==, HF_IDENTITY_CONFIG);
	CHECK_U64(identity.warning_count, ==, 0);
	start("");
	CHECK_TEXT(identity.device_id, "gate-7");
	start("gate-8");
	CHECK_TEXT(identity.device_id, "gate-8");
	CHECK_U64(identity.warning_count, ==, 1);
	CHECK(strstr(identity.warnings[0], "gate-7") != NULL);
	start("");
	CHECK_TEXT(identity.device_id, "gate-7");
}

TEST(a_kept_name_that_is_damaged_is_set_aside_not_used)
{
	put("data/identity/device_id", "\x01\x02\n");
	put("root/sys/class/dmi/id/product_serial", "PF3K7L2M\n");
	start("");
	CHECK_TEXT(identity.device_id, "PF3K7L2M");
	CHECK_TEXT(get("data/identity/device_id.bad"), "\x01\x02\n");
	CHECK(identity.warning_count > 0);
}

TEST(each_start_raises_run_and_only_a_new_boot_raises_boot)
{
	start("");
	CHECK_U64(identity.boot, ==, 1);
	CHECK_U64(identity.run, ==, 1);
	CHECK_TEXT(identity.boot_id, BOOT_A);
	start("");
	CHECK_U64(identity.boot, ==, 1);
	CHECK_U64(identity.run, ==, 2);
	boot_with(BOOT_B);
	start("");
	CHECK_U64(identity.boot, ==, 2);
	CHECK_U64(identity.run, ==, 3);
	CHECK_U64(identity.warning_count, ==, 0);
	CHECK(strstr(get("data/state/boot"), "boot_id=" BOOT_B "\nboot=2\nrun=3\ncheck=") != NULL);
}

/* Every cut and every changed byte of the file: never a (boot, run) that was there before. */
TEST(no_damage_to_the_counters_brings_an_old_number_back)
{
	char whole[512], damaged[512];

	for (int i = 0; i < 12; i++)
		start("");
	(void)snprintf(whole, sizeof whole, "%s", get("data/state/boot"));
	for (size_t at = 0; at < strlen(whole); at++)
		for (int cut = 0; cut < 2; cut++) {
			memcpy(damaged, whole, sizeof damaged);
			if (cut != 0)
				damaged[at] = '\0';
			else
				damaged[at] = (char)(damaged[at] == '1' ? '0' : '1');
			put("data/state/boot", damaged);
			start("");
			if (identity.run <= 12)
				fail_msg("run %llu again after a change at %zu",
					 (unsigned long long)identity.run, at);
			CHECK(identity.warning_count > 0);
			CHECK(identity.boot < UINT64_C(1) << 53 && identity.run < UINT64_C(1)
											  << 53);
		}
}

TEST(counters_that_were_lost_are_drawn_not_begun_again)
{
	char path[PATH_MAX];

	start("");
	(void)snprintf(path, sizeof path, "%s/state/boot", data);
	CHECK(remove(path) == 0);
	start("");
	CHECK_U64(identity.run, >, UINT64_C(1) << 39);
	CHECK_U64(identity.warning_count, ==, 1);
	uint64_t run = identity.run;
	start("");
	CHECK_U64(identity.run, ==, run + 1);
	CHECK_U64(identity.warning_count, ==, 0);
}

TEST(counters_that_cannot_be_stored_are_never_the_same_twice)
{
	put("data/state", "a file where a folder should be");
	start("");
	CHECK(identity.warning_count > 0);
	uint64_t run = identity.run;
	start("");
	CHECK(identity.run != run && run > UINT64_C(1) << 39);
}

TEST(a_second_supervisor_on_the_same_data_is_refused_and_told_who_has_it)
{
	struct hf_data one, two;
	char pid[32];

	CHECK_OK(hf_data_open(data, &one, &err));
	CHECK(one.size_bytes > 0 && one.file_system[0] != '\0');
	CHECK_CODE(hf_data_open(data, &two, &err), HF_E_AGAIN);
	(void)snprintf(pid, sizeof pid, "process %d;", (int)getpid());
	CHECK(strstr(err.text, pid) != NULL);
	hf_data_close(&one);
	CHECK_OK(hf_data_open(data, &two, &err));
	hf_data_close(&two);
}

TEST(a_missing_folder_is_made_and_a_file_in_its_place_is_refused)
{
	struct hf_data opened;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/a/b/c", base);
	CHECK_OK(hf_data_open(path, &opened, &err));
	CHECK_TEXT(opened.path, path);
	hf_data_close(&opened);
	put("file", "x");
	(void)snprintf(path, sizeof path, "%s/file", base);
	CHECK_CODE(hf_data_open(path, &opened, &err), HF_E_INVALID);
	CHECK(strstr(err.text, "not a folder") != NULL);
}

TEST(fast_commits_are_seen_by_those_that_were_tried)
{
	CHECK(!hf_data_fast_commits(""));
	CHECK(!hf_data_fast_commits("fc stats:\n0 commits\n0 ineligible\n0 numblks\n"));
	CHECK(hf_data_fast_commits("fc stats:\n1 commits\n0 ineligible\n1 numblks\n"));
	CHECK(hf_data_fast_commits("fc stats:\n0 commits\n1 ineligible\n0 numblks\n"));
	CHECK(!hf_data_fast_commits("another text of another kernel"));
}

#define RUN_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TESTS(RUN_IN_FOLDER(a_unit_without_a_serial_draws_a_name_once_and_keeps_it),
      RUN_IN_FOLDER(a_serial_that_names_the_board_is_the_name),
      RUN_IN_FOLDER(the_hardware_is_told_whatever_the_name_is), RUN(a_place_holder_is_no_serial),
      RUN(fast_commits_are_seen_by_those_that_were_tried),
      RUN_IN_FOLDER(the_configured_name_wins_and_a_change_is_told),
      RUN_IN_FOLDER(a_kept_name_that_is_damaged_is_set_aside_not_used),
      RUN_IN_FOLDER(each_start_raises_run_and_only_a_new_boot_raises_boot),
      RUN_IN_FOLDER(no_damage_to_the_counters_brings_an_old_number_back),
      RUN_IN_FOLDER(counters_that_were_lost_are_drawn_not_begun_again),
      RUN_IN_FOLDER(counters_that_cannot_be_stored_are_never_the_same_twice),
      RUN_IN_FOLDER(a_second_supervisor_on_the_same_data_is_refused_and_told_who_has_it),
      RUN_IN_FOLDER(a_missing_folder_is_made_and_a_file_in_its_place_is_refused))
