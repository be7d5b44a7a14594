/* SPDX-License-Identifier: Apache-2.0 */
/* The program that reads configurations is a shell script here, in a folder of its own. */
#include "proc/supervisor/supervisor.h"

#include "base/file.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct hf_err err;
static char folder[64];
static struct hf_config config;

static bool is_there(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static void put_file(const char *name, const char *text, mode_t mode)
{
	char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs(text, file);
	(void)fclose(file);
	CHECK_I64(chmod(path, mode), ==, 0);
}

static struct settings settings_here(void)
{
	struct settings settings = { 0 };

	(void)snprintf(settings.run_path, sizeof settings.run_path, "%s", folder);
	(void)snprintf(settings.libexec_path, sizeof settings.libexec_path, "%s", folder);
	(void)snprintf(settings.config_path, sizeof settings.config_path, "%s/unit.yaml", folder);
	return settings;
}

static enum hf_code read_with(const char *script)
{
	struct settings settings = settings_here();

	put_file("config", script, 0755);
	return settings_read_config(&settings, &config, &err);
}

TEST(paths_are_absolute_and_run_lies_in_the_data_folder_unless_told_otherwise)
{
	struct settings settings;
	char here[1024], expected[2048];

	assert_non_null(getcwd(here, sizeof here));
	CHECK_OK(settings_find("unit.yaml", "/data", NULL, &settings, &err));
	(void)snprintf(expected, sizeof expected, "%s/unit.yaml", here);
	CHECK_TEXT(settings.config_path, expected);
	CHECK_TEXT(settings.run_path, "/data/run");
	CHECK_OK(settings_find("unit.yaml", "/data", "/run/x", &settings, &err));
	CHECK_TEXT(settings.run_path, "/run/x");
}

TEST(a_path_that_is_too_long_is_an_error_not_another_path)
{
	struct settings settings;
	char path[HF_PATH_BYTES + 1];

	memset(path, 'x', sizeof path);
	path[0] = '/';
	path[HF_PATH_BYTES] = '\0';
	CHECK_CODE(settings_find(path, "/data", NULL, &settings, &err), HF_E_LIMIT);
	/* Long enough for itself, not for what comes behind it. */
	path[HF_PATH_BYTES - 2] = '\0';
	CHECK_CODE(settings_find("/c", path, NULL, &settings, &err), HF_E_LIMIT);
}

TEST(the_environment_may_name_other_programs)
{
	struct settings settings;

	(void)setenv("HOLDFAST_LIBEXEC", "/elsewhere", 1);
	CHECK_OK(settings_find("/c", "/d", NULL, &settings, &err));
	CHECK_TEXT(settings.libexec_path, "/elsewhere");
	(void)unsetenv("HOLDFAST_LIBEXEC");
}

TEST(each_run_has_a_generation_folder_and_those_before_it_are_gone)
{
	struct settings settings = settings_here();
	char path[HF_PATH_BYTES + 64];

	CHECK_OK(settings_make_generation(&settings, 7, &err));
	CHECK(is_there("gen/7"));
	put_file("gen/7/left", "behind", 0644);
	put_file("gen/stray", "a file", 0644);
	CHECK_OK(settings_make_generation(&settings, 8, &err));
	CHECK(!is_there("gen/7"));
	CHECK(is_there("gen/8"));
	(void)snprintf(path, sizeof path, "%s/gen/8", folder);
	CHECK_TEXT(settings.generation_path, path);
	/* The same number again, after a counter that could not be stored. */
	put_file("gen/8/left", "behind", 0644);
	CHECK_OK(settings_make_generation(&settings, 8, &err));
	CHECK(is_there("gen/8"));
	CHECK(!is_there("gen/8/left"));
}

TEST(a_link_in_the_generation_folder_is_not_followed)
{
	struct settings settings = settings_here();
	char path[256];

	(void)snprintf(path, sizeof path, "%s/kept", folder);
	CHECK_I64(mkdir(path, 0755), ==, 0);
	put_file("kept/file", "mine", 0644);
	CHECK_OK(settings_make_generation(&settings, 9, &err));
	(void)snprintf(path, sizeof path, "%s/gen/5", folder);
	CHECK_I64(symlink("../kept", path), ==, 0);
	CHECK_OK(settings_make_generation(&settings, 10, &err));
	CHECK(is_there("kept/file"));
}

TEST(a_configuration_program_that_is_missing_is_named)
{
	struct settings settings = settings_here();

	(void)snprintf(settings.libexec_path, sizeof settings.libexec_path, "/nonexistent");
	CHECK_CODE(settings_read_config(&settings, &config, &err), HF_E_NOENT);
	CHECK(strstr(err.text, "/nonexistent/config") != NULL);
}

TEST(a_refused_configuration_names_the_file_that_was_refused)
{
	CHECK_CODE(read_with("#!/bin/sh\nexit 2\n"), HF_E_INVALID);
	CHECK(strstr(err.text, "unit.yaml") != NULL);
}

TEST(a_configuration_program_that_is_killed_has_not_succeeded)
{
	CHECK_CODE(read_with("#!/bin/sh\nkill -9 $$\n"), HF_E_INVALID);
}

TEST(a_configuration_of_another_size_or_make_is_refused)
{
	CHECK_CODE(read_with("#!/bin/sh\nprintf short\n"), HF_E_INVALID);
	CHECK(strstr(err.text, "another build") != NULL);
	CHECK_CODE(read_with("#!/bin/sh\nhead -c 1000000 /dev/zero\n"), HF_E_INVALID);
	CHECK(strstr(err.text, "another build") != NULL);

	char script[128];
	(void)snprintf(script, sizeof script, "#!/bin/sh\nhead -c %zu /dev/zero\n", sizeof config);
	CHECK_CODE(read_with(script), HF_E_INVALID);
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-settings-XXXXXX");
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
		RUN(paths_are_absolute_and_run_lies_in_the_data_folder_unless_told_otherwise),
		RUN(a_path_that_is_too_long_is_an_error_not_another_path),
		RUN(the_environment_may_name_other_programs),
		RUN(each_run_has_a_generation_folder_and_those_before_it_are_gone),
		RUN(a_link_in_the_generation_folder_is_not_followed),
		RUN(a_configuration_program_that_is_missing_is_named),
		RUN(a_refused_configuration_names_the_file_that_was_refused),
		RUN(a_configuration_program_that_is_killed_has_not_succeeded),
		RUN(a_configuration_of_another_size_or_make_is_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
