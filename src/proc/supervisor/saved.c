/* SPDX-License-Identifier: Apache-2.0 */
/*
 * respond's state for its next life: its open stays, cool-downs and the offers nobody has
 * acknowledged. Kept in memory for a restart of respond, and in the run folder for a restart
 * of the supervisor within the same boot. Not flushed: what a power cut takes with it is the
 * memory of who stood where, and after a power cut nobody stands there any more.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool saved_path(const struct supervisor *supervisor, char ret_path[PATH_MAX])
{
	/* The boot is in the name: the state of another boot is never found. */
	return (size_t)snprintf(ret_path, PATH_MAX, "%s/respond.%s", supervisor->settings.run_path,
				supervisor->identity.boot_id) < PATH_MAX;
}

void saved_load(struct supervisor *supervisor)
{
	char path[PATH_MAX];
	struct hf_err err;
	char *data = NULL;
	size_t size = 0;

	if (!saved_path(supervisor, path))
		return;
	enum hf_code code = hf_file_read(path, SAVED_BYTES_MAX, &data, &size, &err);
	if (code == HF_OK) {
		supervisor->saved = (uint8_t *)data;
		supervisor->saved_bytes = size;
	} else if (code != HF_E_NOENT) {
		hf_log(HF_LOG_WARN, "saved_state_unreadable", "why=\"%s\"", err.text);
	}
}

static enum hf_code write_unflushed(const char *path, const uint8_t *data, size_t size_bytes,
				    struct hf_err *err)
{
	char path_new[PATH_MAX];

	if ((size_t)snprintf(path_new, sizeof path_new, "%s.new", path) >= sizeof path_new)
		return hf_fail(err, HF_E_LIMIT, "path too long: %s", path);
	HF_AUTO_FD fd = open(path_new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return hf_fail_errno(err, "create %s", path_new);
	enum hf_code code = hf_write_all(fd, data, size_bytes, err);
	if (code != HF_OK)
		return code;
	if (rename(path_new, path) != 0)
		return hf_fail_errno(err, "rename %s", path_new);
	return HF_OK;
}

void saved_put(struct supervisor *supervisor, const uint8_t *data, size_t size_bytes)
{
	char path[PATH_MAX];
	struct hf_err err;
	uint8_t *copy = malloc(size_bytes > 0 ? size_bytes : 1);

	if (copy == NULL) {
		hf_log(HF_LOG_ERROR, "saved_state_lost", "why=\"out of memory\"");
		return;
	}
	memcpy(copy, data, size_bytes);
	free(supervisor->saved);
	supervisor->saved = copy;
	supervisor->saved_bytes = size_bytes;
	if (saved_path(supervisor, path) && write_unflushed(path, data, size_bytes, &err) != HF_OK)
		hf_log(HF_LOG_DEBUG, "saved_state_not_written", "why=\"%s\"", err.text);
}
