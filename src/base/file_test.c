/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>
#include <sys/stat.h>

static void in_folder(char ret_path[64], const char *name)
{
	static char folder[] = "/tmp/holdfast-file-XXXXXX";
	static char *made;

	if (made == NULL)
		made = mkdtemp(folder);
	assert_non_null(made);
	(void)snprintf(ret_path, 64, "%s/%s", made, name);
}

TEST(a_file_is_replaced_whole_and_read_back)
{
	struct hf_err err;
	char path[64], path_new[72];
	size_t size;

	in_folder(path, "value");
	CHECK_OK(hf_file_replace(path, "first", 5, 0600, &err));
	CHECK_OK(hf_file_replace(path, "second!", 7, 0600, &err));
	HF_AUTO_FREE char *data = NULL;
	CHECK_OK(hf_file_read(path, 100, &data, &size, &err));
	CHECK_U64(size, ==, 7);
	CHECK_TEXT(data, "second!");
	(void)snprintf(path_new, sizeof path_new, "%s.new", path);
	CHECK(access(path_new, F_OK) != 0);
}

TEST(a_file_larger_than_allowed_is_an_error_not_a_part)
{
	struct hf_err err;
	char path[64];
	char *data = NULL;
	char big[9000];

	memset(big, 'x', sizeof big);
	in_folder(path, "big");
	CHECK_OK(hf_file_replace(path, big, sizeof big, 0600, &err));
	CHECK_CODE(hf_file_read(path, 8999, &data, NULL, &err), HF_E_LIMIT);
	assert_null(data);
	CHECK_OK(hf_file_read(path, 9000, &data, NULL, &err));
	free(data);
}

TEST(a_missing_file_says_which)
{
	struct hf_err err;
	char path[64];
	char *data = NULL;

	in_folder(path, "nowhere");
	CHECK_CODE(hf_file_read(path, 100, &data, NULL, &err), HF_E_NOENT);
	CHECK(strstr(err.text, path) != NULL);
}

TEST(folders_are_made_with_their_parents_and_a_file_in_the_way_is_said)
{
	struct hf_err err;
	struct stat st;
	char path[64];

	in_folder(path, "a/b/c");
	CHECK_OK(hf_folder_make(path, 0750, &err));
	CHECK_OK(hf_folder_make(path, 0750, &err));
	assert_int_equal(stat(path, &st), 0);
	CHECK(S_ISDIR(st.st_mode));
	in_folder(path, "value2");
	CHECK_OK(hf_file_replace(path, "x", 1, 0600, &err));
	CHECK_CODE(hf_folder_make(path, 0750, &err), HF_E_INVALID);
}

TESTS(RUN(a_file_is_replaced_whole_and_read_back),
      RUN(a_file_larger_than_allowed_is_an_error_not_a_part), RUN(a_missing_file_says_which),
      RUN(folders_are_made_with_their_parents_and_a_file_in_the_way_is_said))
