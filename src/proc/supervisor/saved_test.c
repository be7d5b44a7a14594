/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/saved.h"

#include "base/file.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char boot[] = "11111111-2222-3333-4444-555555555555";
static const char other_boot[] = "99999999-2222-3333-4444-555555555555";

static char folder[64];

static const uint8_t *bytes(const char *text)
{
	return (const uint8_t *)text;
}

static void name_of(const char *name, char *ret_path, size_t size_bytes)
{
	(void)snprintf(ret_path, size_bytes, "%s/%s", folder, name);
}

static bool is_there(const char *name)
{
	char path[256];

	name_of(name, path, sizeof path);
	return access(path, F_OK) == 0;
}

static void put_file(const char *name, size_t size_bytes)
{
	char path[256];

	name_of(name, path, sizeof path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < size_bytes; i++)
		(void)fputc('x', file);
	(void)fclose(file);
}

TEST(the_state_is_there_after_a_restart_within_the_boot)
{
	struct saved saved = saved_open(folder, boot);

	assert_null(saved.data);
	saved_put(&saved, bytes("first, and longer"), 17);
	saved_put(&saved, bytes("last"), 4);
	CHECK_U64(saved.size_bytes, ==, 4);
	saved_close(&saved);

	saved = saved_open(folder, boot);
	CHECK_U64(saved.size_bytes, ==, 4);
	assert_memory_equal(saved.data, "last", 4);
	saved_close(&saved);
	assert_null(saved.data);
}

TEST(the_state_of_another_boot_is_never_found_and_does_not_stay)
{
	struct saved saved = saved_open(folder, boot);

	saved_put(&saved, bytes("old"), 3);
	saved_close(&saved);
	put_file("respond.33333333-half.new", 5);
	put_file("control", 0);
	saved = saved_open(folder, other_boot);
	assert_null(saved.data);
	CHECK(!is_there("respond.11111111-2222-3333-4444-555555555555"));
	CHECK(!is_there("respond.33333333-half.new"));
	CHECK(is_there("control"));
	saved_close(&saved);
}

TEST(a_file_larger_than_any_state_is_left_alone)
{
	char name[64];

	(void)snprintf(name, sizeof name, "respond.%s", boot);
	put_file(name, SAVED_BYTES_MAX + 1);
	struct saved saved = saved_open(folder, boot);
	assert_null(saved.data);
	CHECK_U64(saved.size_bytes, ==, 0);
	saved_close(&saved);
}

TEST(without_a_folder_the_state_is_kept_in_memory)
{
	struct saved saved = saved_open("/nonexistent/folder", boot);

	saved_put(&saved, bytes("here"), 4);
	assert_memory_equal(saved.data, "here", 4);
	saved_close(&saved);
}

TEST(an_empty_state_is_a_state)
{
	struct saved saved = saved_open(folder, other_boot);

	saved_put(&saved, bytes(""), 0);
	CHECK_U64(saved.size_bytes, ==, 0);
	saved_close(&saved);
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-saved-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
	char command[96];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(the_state_is_there_after_a_restart_within_the_boot),
		RUN(the_state_of_another_boot_is_never_found_and_does_not_stay),
		RUN(a_file_larger_than_any_state_is_left_alone),
		RUN(without_a_folder_the_state_is_kept_in_memory),
		RUN(an_empty_state_is_a_state),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
