/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast setup - looks at a source for a while and begins its configuration.
 *
 * What can be seen is written down: layout, cameras, where the recorder writes, which tiles show
 * nothing. What cannot be seen is left to the person, in comments. The result is checked before
 * it is written, so that nobody begins with a file that does not load.
 */
#include "cli/setup.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/url.h"
#include "boot/config.h"
#include "cli/cli.h"
#include "cli/command.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SECONDS_MIN = 2,
	SECONDS_MAX = 600,
	SECONDS = 10,
	FILE_MODE = 0640, /* an address may hold a password */
};

struct ask {
	const char *source, *out, *picture;
	bool force;
	char picture_path[PATH_MAX];
	char shown[HF_PATH_BYTES];
	struct hf_setup_options options;
};

static int fail(const struct hf_err *err)
{
	(void)fprintf(stderr, "holdfast: %s\n", err->text);
	return HF_EXIT_FAILED;
}

/* Arguments */

static int parse_seconds(const char *text, int64_t *ret_ms)
{
	char *end = NULL;
	long seconds = strtol(text, &end, 10);

	if (end == text || (*end != '\0' && strcmp(end, "s") != 0) || seconds < SECONDS_MIN ||
	    seconds > SECONDS_MAX)
		return hf_cli_usage("setup", "--for wants %d to %d seconds, not \"%s\"",
				    SECONDS_MIN, SECONDS_MAX, text);
	*ret_ms = (int64_t)seconds * 1000;
	return HF_EXIT_OK;
}

static int parse_layout(const char *text, enum hf_layout *ret_layout)
{
	for (int i = HF_LAYOUT_1X1; i <= HF_LAYOUT_4X4; i++)
		if (strlen(text) == 3 && strncmp(text, hf_layout_id((enum hf_layout)i), 3) == 0) {
			*ret_layout = (enum hf_layout)i;
			return HF_EXIT_OK;
		}
	return hf_cli_usage("setup", "--layout wants 1x1, 2x2, 3x3 or 4x4, not \"%s\"", text);
}

static int parse_arguments(struct ask *ask, int argc, char **argv)
{
	struct hf_words words;
	int exit_code = hf_command_parse(hf_command_find("setup"), argc, argv, &words);

	if (exit_code == HF_EXIT_OK && hf_words_has(&words, "--for"))
		exit_code = parse_seconds(hf_words_value(&words, "--for"), &ask->options.look_ms);
	if (exit_code == HF_EXIT_OK && hf_words_has(&words, "--layout"))
		exit_code = parse_layout(hf_words_value(&words, "--layout"), &ask->options.layout);
	if (exit_code != HF_EXIT_OK)
		return exit_code;
	ask->source = words.arguments[0];
	ask->out = hf_words_value(&words, "--out");
	ask->picture = hf_words_value(&words, "--picture");
	ask->force = hf_words_has(&words, "--force");
	if (ask->out == NULL)
		ask->out = "site.yaml";
	return HF_EXIT_OK;
}

/* The source */

static enum hf_code know_source(struct ask *ask, struct hf_err *err)
{
	struct stat st;

	hf_url_hide(ask->source, ask->shown, sizeof ask->shown);
	ask->options.shown = ask->shown;
	ask->options.source = ask->source;
	if (strlen(ask->source) >= HF_PATH_BYTES)
		return hf_fail(err, HF_E_LIMIT, "%.60s...: longer than %d bytes", ask->shown,
			       HF_PATH_BYTES - 1);
	if (strncmp(ask->source, "rtsp://", 7) == 0 || strncmp(ask->source, "rtsps://", 8) == 0) {
		ask->options.type = HF_SOURCE_RTSP;
		return HF_OK;
	}
	if (strstr(ask->source, "://") != NULL)
		return hf_fail(err, HF_E_INVALID,
			       "%s: of network sources, those with rtsp:// can be looked at",
			       ask->shown);
	if (stat(ask->source, &st) != 0)
		return hf_fail_errno(err, "%s", ask->source);
	ask->options.type = S_ISCHR(st.st_mode) ? HF_SOURCE_V4L2 : HF_SOURCE_FILE;
	return HF_OK;
}

/* Results */

/* site.yaml -> site.png */
static enum hf_code name_picture(struct ask *ask, struct hf_err *err)
{
	const char *slash = strrchr(ask->out, '/');
	const char *dot = strrchr(slash != NULL ? slash : ask->out, '.');
	int stem = dot != NULL ? (int)(dot - ask->out) : (int)strlen(ask->out);

	if (ask->picture != NULL)
		return HF_OK;
	if ((size_t)snprintf(ask->picture_path, sizeof ask->picture_path, "%.*s.png", stem,
			     ask->out) >= sizeof ask->picture_path)
		return hf_fail(err, HF_E_LIMIT, "%.60s...: the path is too long", ask->out);
	ask->picture = ask->picture_path;
	return HF_OK;
}

static enum hf_code check_free(const struct ask *ask, const char *path, struct hf_err *err)
{
	if (ask->force || access(path, F_OK) != 0)
		return HF_OK;
	return hf_fail(err, HF_E_DENIED,
		       "%s is there already; another name with --out and --picture, or --force to "
		       "replace it",
		       path);
}

static enum hf_code write_config(const struct ask *ask, const struct hf_setup *setup,
				 struct hf_err *err)
{
	HF_AUTO_FREE struct hf_config *config = malloc(sizeof *config);
	HF_AUTO_FREE struct hf_config_report *report = malloc(sizeof *report);
	HF_AUTO_FREE char *text = NULL;
	size_t size_bytes = 0;
	FILE *stream = open_memstream(&text, &size_bytes);

	if (stream == NULL || config == NULL || report == NULL) {
		if (stream != NULL)
			(void)fclose(stream);
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	}
	hf_setup_write(&ask->options, setup, ask->picture, stream);
	if (fclose(stream) != 0)
		return hf_fail_errno(err, "put the configuration together");
	enum hf_code code = hf_config_parse(ask->out, text, size_bytes, config, report, err);
	if (code != HF_OK)
		hf_report_print(&report->found, stderr);
	return code == HF_OK ? hf_file_replace(ask->out, text, size_bytes, FILE_MODE, err) : code;
}

static void say_what_was_seen(const struct ask *ask, const struct hf_setup *setup)
{
	unsigned side = hf_layout_side(setup->layout), still = 0, names = 0;

	for (unsigned i = 0; i < side * side; i++) {
		still += !setup->cameras[i].moves;
		names += setup->cameras[i].name[0] != '\0';
	}
	(void)printf("seen      %ux%u, %s: %u camera%s, %" PRIu64 " pictures in %.0f s\n",
		     setup->source_width, setup->source_height, hf_layout_id(setup->layout),
		     side * side, side * side == 1 ? "" : "s", setup->pictures, setup->seconds);
	if (setup->layouts_seen > 1)
		(void)printf("          the recorder switched its view: %u layouts were seen\n",
			     setup->layouts_seen);
	(void)printf("names     %u read off the picture, as proposals: look at each\n", names);
	if (!setup->can_read)
		(void)puts("          tesseract is not installed: names cannot be read");
	if (still > 0)
		(void)printf("still     %u tile%s in which nothing moved\n", still,
			     still == 1 ? "" : "s");
	(void)printf("written   %s, %s\n", ask->out, ask->picture);
	(void)printf("next      edit %s, then  holdfast config check %s\n", ask->out, ask->out);
}

/* The verb */

static void show_progress(bool in_parts, double seconds, double seconds_wanted)
{
	(void)fprintf(stderr, "\r%s %3.0f s of %.0f s ",
		      in_parts ? "looking at the tiles   " : "recognising the layout ",
		      fmin(seconds, seconds_wanted), seconds_wanted);
	(void)fflush(stderr);
}

static int run(struct ask *ask, struct hf_setup *setup)
{
	struct hf_err err = { 0 };
	bool shows_progress = isatty(STDERR_FILENO) == 1;
	enum hf_code code = know_source(ask, &err);

	if (code == HF_OK)
		code = name_picture(ask, &err);
	if (code == HF_OK)
		code = check_free(ask, ask->out, &err);
	if (code == HF_OK)
		code = check_free(ask, ask->picture, &err);
	if (code != HF_OK)
		return fail(&err);
	ask->options.on_progress = shows_progress ? show_progress : NULL;
	code = hf_setup_look(&ask->options, setup, &err);
	if (shows_progress)
		(void)fputs("\r\033[K", stderr);
	if (code == HF_OK)
		code = hf_setup_read(setup, &err);
	if (code == HF_OK)
		code = hf_setup_picture(setup, ask->picture, &err);
	if (code == HF_OK)
		code = write_config(ask, setup, &err);
	if (code != HF_OK)
		return fail(&err);
	say_what_was_seen(ask, setup);
	return HF_EXIT_OK;
}

int hf_cli_setup(int argc, char **argv)
{
	HF_AUTO_FREE struct ask *ask = calloc(1, sizeof *ask);
	struct hf_setup setup = { 0 };

	if (ask == NULL)
		return HF_EXIT_FAILED;
	ask->options.look_ms = (int64_t)SECONDS * 1000;
	int exit_code = parse_arguments(ask, argc, argv);
	if (exit_code == HF_EXIT_OK)
		exit_code = run(ask, &setup);
	hf_setup_free(&setup);
	return exit_code;
}
