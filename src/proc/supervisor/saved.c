/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/saved.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char prefix[] = "respond.";

/* A start each boot would otherwise leave a file each boot, where run/ is on a disk. */
static void remove_others(const char *run_path, const char *own_name)
{
	DIR *folder = opendir(run_path);

	if (folder == NULL)
		return;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
		if (strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0 &&
		    strcmp(entry->d_name, own_name) != 0)
			(void)unlinkat(dirfd(folder), entry->d_name, 0);
	(void)closedir(folder);
}

struct saved saved_open(const char *run_path, const char *boot_id)
{
	struct saved saved = { 0 };
	char name[sizeof prefix + HF_BOOT_ID_BYTES];
	char *data = NULL;
	struct hf_err err;

	/* The boot is in the name: the state of another boot is never found. */
	(void)snprintf(name, sizeof name, "%s%.*s", prefix, HF_BOOT_ID_BYTES - 1, boot_id);
	remove_others(run_path, name);
	if ((size_t)snprintf(saved.path, sizeof saved.path, "%s/%s", run_path, name) >=
	    sizeof saved.path) {
		saved.path[0] = '\0';
		return saved;
	}
	enum hf_code code =
		hf_file_read(saved.path, SAVED_BYTES_MAX, &data, &saved.size_bytes, &err);
	if (code == HF_OK)
		saved.data = (uint8_t *)data;
	else if (code != HF_E_NOENT)
		hf_log(HF_LOG_WARN, "saved_state_unreadable", "why=\"%s\"", err.text);
	return saved;
}

void saved_put(struct saved *saved, const uint8_t *data, size_t size_bytes)
{
	struct hf_err err;
	uint8_t *copy = malloc(size_bytes > 0 ? size_bytes : 1);

	if (copy == NULL) {
		hf_log(HF_LOG_ERROR, "saved_state_lost", "why=\"out of memory\"");
		return;
	}
	memcpy(copy, data, size_bytes);
	free(saved->data);
	saved->data = copy;
	saved->size_bytes = size_bytes;
	if (saved->path[0] != '\0' &&
	    hf_file_replace_unflushed(saved->path, data, size_bytes, 0600, &err) != HF_OK)
		hf_log(HF_LOG_DEBUG, "saved_state_not_written", "why=\"%s\"", err.text);
}

void saved_close(struct saved *saved)
{
	free(saved->data);
	*saved = (struct saved){ 0 };
}
