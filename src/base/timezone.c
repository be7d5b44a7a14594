/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timezone.h"

#include "base/auto.h"
#include "base/suggest.h"

#include <ctype.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCALTIME_PATH "/etc/localtime"

static const char *folder(void)
{
	const char *named = getenv("TZDIR");

	return named != NULL && *named != '\0' ? named : "/usr/share/zoneinfo";
}

/* Is this file a zone? */
static bool is_zone_file(const char *path)
{
	HF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char magic[4];
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       read(fd, magic, sizeof magic) == (ssize_t)sizeof magic &&
	       memcmp(magic, "TZif", sizeof magic) == 0;
}

static bool is_known(const char *name)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof path, "%s/%s", folder(), name) < sizeof path &&
	       is_zone_file(path);
}

static bool is_name(const char *name)
{
	bool begins = true; /* a part does */

	if (strlen(name) >= HF_TIMEZONE_BYTES || strncmp(name, "right/", 6) == 0)
		return false;
	for (const char *c = name; *c != '\0'; c++) {
		if (begins ? !isalpha((unsigned char)*c)
			   : !isalnum((unsigned char)*c) && strchr("_+-/", *c) == NULL)
			return false;
		begins = *c == '/';
	}
	return !begins;
}

/* Suggestions */

struct nearest {
	const char *word; /* what was written, blanks as _ */
	const char *best; /* NULL, or best_text */
	char best_text[HF_SUGGEST_BYTES_MAX];
	char name[HF_TIMEZONE_BYTES]; /* whole name of the best */
};

/* "Berlin" is compared with the last part of a name, "Europe/Berln" with the whole. */
static void consider(struct nearest *nearest, const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *key = slash == NULL || strchr(nearest->word, '/') != NULL ? name : slash + 1;

	hf_suggest_consider(nearest->word, key, &nearest->best);
	if (nearest->best != key)
		return;
	(void)snprintf(nearest->best_text, sizeof nearest->best_text, "%s", key);
	(void)snprintf(nearest->name, sizeof nearest->name, "%s", name);
	nearest->best = nearest->best_text;
}

static int by_name(const FTSENT **left, const FTSENT **right)
{
	return strcmp((*left)->fts_name, (*right)->fts_name);
}

static void walk_database(struct nearest *nearest)
{
	char root[PATH_MAX];
	char *roots[] = { root, NULL };

	if ((size_t)snprintf(root, sizeof root, "%s", folder()) >= sizeof root)
		return;
	size_t root_length = strlen(root);
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, by_name);
	if (fts == NULL)
		return;
	for (FTSENT *entry; (entry = fts_read(fts)) != NULL;) {
		/* posix/ and right/ hold all of it again. */
		if (entry->fts_info == FTS_D && entry->fts_level > 0 &&
		    !isupper((unsigned char)entry->fts_name[0]))
			(void)fts_set(fts, entry, FTS_SKIP);
		if (entry->fts_info == FTS_D || entry->fts_info == FTS_DP || entry->fts_level == 0)
			continue;
		const char *name = entry->fts_path + root_length + 1;
		if (is_name(name) && isupper((unsigned char)*name))
			consider(nearest, name);
	}
	(void)fts_close(fts);
}

static enum hf_code refuse_unknown(const char *name, struct hf_err *err)
{
	char word[HF_SUGGEST_BYTES_MAX];
	struct nearest nearest = { .word = word };

	(void)snprintf(word, sizeof word, "%s", name);
	for (char *c = word; *c != '\0'; c++)
		if (*c == ' ')
			*c = '_';
	walk_database(&nearest);
	const bool possible = is_name(name);
	return hf_fail(err, possible ? HF_E_NOENT : HF_E_INVALID, "\"%.60s\" is %s%s%s%s", name,
		       possible ? "not a time zone this machine knows"
				: "not the name of a time zone",
		       nearest.best != NULL ? "; did you mean \""
					    : ", which are named like Europe/Berlin or UTC",
		       nearest.best != NULL ? nearest.name : "", nearest.best != NULL ? "\"?" : "");
}

enum hf_code hf_timezone_check(const char *name, struct hf_err *err)
{
	if (is_name(name) && is_known(name))
		return HF_OK;
	if (is_name(name) && !is_known("Etc/UTC") && !is_known("UTC"))
		return hf_fail(
			err, HF_E_AGAIN,
			"\"%.60s\" cannot be looked up: there is no time zone database in %s; "
			"install the package tzdata",
			name, folder());
	return refuse_unknown(name, err);
}

static enum hf_code check_machine(struct hf_err *err)
{
	struct stat st;

	if (lstat(LOCALTIME_PATH, &st) != 0 || is_zone_file(LOCALTIME_PATH))
		return HF_OK;
	return hf_fail(err, HF_E_AGAIN,
		       "the machine's time zone " LOCALTIME_PATH " cannot be read or is not one; "
		       "install the package tzdata, or set time.zone");
}

enum hf_code hf_timezone_use(const char *name, struct hf_err *err)
{
	enum hf_code code = *name != '\0' ? hf_timezone_check(name, err) : check_machine(err);
	int failed = code != HF_OK   ? setenv("TZ", "UTC0", 1)
		     : *name != '\0' ? setenv("TZ", name, 1)
				     : unsetenv("TZ");

	tzset();
	if (code == HF_OK && failed != 0)
		return hf_fail_errno(err, "set the time zone %s", name);
	return code;
}
