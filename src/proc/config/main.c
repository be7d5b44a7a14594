/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libexec/holdfast/config FILE, or --policy FILE - parses what the operator wants where a fault in
 * a parser can hurt nobody: in a child of the supervisor, which reads the finished struct from a pipe.
 *
 * Shape       On success exactly sizeof(struct hf_config), or sizeof(struct hf_policy), bytes to descriptor 1 and
 *             exit code 0. Otherwise nothing to descriptor 1, the messages to
 *             descriptor 2 and exit code 2: the file is refused, 1: it cannot
 *             be read or the struct not be written. Warnings go to descriptor 2
 *             in both cases. The reader calls hf_config_check() on what it gets.
 */
#include "base/auto.h"
#include "base/file.h"
#include "boot/config.h"
#include "boot/policy.h"
#include "proc/common/sandbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
	CPU_SECONDS_MAX = 10,
	EXIT_REFUSED = 2,
	PACKS_MAX = 4,
};

/* A file that makes the parser spin must not make the supervisor wait for ever. */
static void limit_resources(void)
{
	const struct rlimit seconds = { CPU_SECONDS_MAX, CPU_SECONDS_MAX };
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CPU, &seconds);
	(void)setrlimit(RLIMIT_CORE, &none);
}

/* Whether a zone's classes exist is looked up in the model pack that the file names. The sandbox
 * has to know before the parser does: so whatever stands behind a "path:" is taken for a pack's
 * folder, and the file model.json in it, no other, may be read. What is written in a way that is
 * not found here is judged without the pack. */
static void allow_packs(const char *config_path, struct hf_sandbox *sandbox)
{
	static const char key[] = "path:";
	HF_AUTO_FREE char *text = NULL;
	const char *slash = strrchr(config_path, '/');
	int folder_bytes = slash != NULL ? (int)(slash - config_path) + 1 : 0;
	struct hf_err ignored;

	if (hf_file_read(config_path, HF_CONFIG_FILE_BYTES_MAX, &text, NULL, &ignored) != HF_OK)
		return;
	const char *at = strstr(text, key);
	for (int i = 0; at != NULL && i < PACKS_MAX; i++, at = strstr(at, key)) {
		char path[2 * HF_PATH_BYTES];

		at += sizeof key - 1;
		at += strspn(at, " \"'");
		bool relative = *at != '/';
		(void)snprintf(path, sizeof path, "%.*s%.*s/model.json",
			       relative ? folder_bytes : 0, config_path,
			       (int)strcspn(at, "\"'#,}\r\n"), at);
		hf_sandbox_allow(sandbox, path, HF_SANDBOX_READ);
	}
}

/* One file, one struct. */
static int give(enum hf_code code, const struct hf_report *report, const void *data,
		size_t size_bytes, struct hf_err *err)
{
	hf_report_print(report, stderr);
	if (code == HF_OK)
		code = hf_write_all(STDOUT_FILENO, data, size_bytes, err);
	if (code != HF_OK && report->errors == 0)
		(void)fprintf(stderr, "%s\n", err->text);
	return code == HF_OK ? EXIT_SUCCESS : report->errors > 0 ? EXIT_REFUSED : EXIT_FAILURE;
}

static int give_config(const char *path)
{
	HF_AUTO_FREE struct hf_config *config = malloc(sizeof *config);
	HF_AUTO_FREE struct hf_config_report *report = malloc(sizeof *report);
	struct hf_err err;

	if (config == NULL || report == NULL) {
		(void)fputs("config: out of memory\n", stderr);
		return EXIT_FAILURE;
	}
	enum hf_code code = hf_config_load(path, config, report, &err);
	return give(code, &report->found, config, sizeof *config, &err);
}

static int give_policy(const char *path)
{
	HF_AUTO_FREE struct hf_policy *policy = malloc(sizeof *policy);
	HF_AUTO_FREE struct hf_report *report = malloc(sizeof *report);
	struct hf_err err;

	if (policy == NULL || report == NULL) {
		(void)fputs("config: out of memory\n", stderr);
		return EXIT_FAILURE;
	}
	enum hf_code code = hf_policy_load(path, policy, report, &err);
	return give(code, report, policy, sizeof *policy, &err);
}

int main(int argc, char **argv)
{
	bool is_policy = argc == 3 && strcmp(argv[1], "--policy") == 0;

	if (argc != 2 && !is_policy) {
		(void)fputs("usage: config FILE > STRUCT, config --policy FILE > STRUCT\n"
			    "Part of holdfastd; for people there are \"holdfast config check\" and "
			    "\"holdfast policy check\".\n",
			    stderr);
		return EXIT_REFUSED;
	}
	const char *path = argv[argc - 1];
	limit_resources();
	/* Whoever lacks a layer is told so by the workers. */
	static struct hf_sandbox sandbox;
	hf_sandbox_for_config(path, &sandbox);
	if (!is_policy)
		allow_packs(path, &sandbox);
	hf_sandbox_enter(&sandbox);
	return is_policy ? give_policy(path) : give_config(path);
}
