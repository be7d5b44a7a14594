/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hired.h"

#include "base/auto.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	STUCK_MS = 10000,
	TAIL_BYTES = 1024,
};

static enum hf_code put_path(char ret_path[HF_PATH_BYTES], const char *folder, const char *rest,
			     struct hf_err *err)
{
	if ((size_t)snprintf(ret_path, HF_PATH_BYTES, "%s%s", folder, rest) >= HF_PATH_BYTES)
		return hf_fail(err, HF_E_LIMIT, "path longer than %d bytes: %.80s...",
			       HF_PATH_BYTES - 1, folder);
	return HF_OK;
}

enum hf_code hf_hired_find_tree(struct hf_hired_tree *ret_tree, struct hf_err *err)
{
	char self[PATH_MAX];
	const char *libexec = getenv("HOLDFAST_LIBEXEC");
	const char *share = getenv("HOLDFAST_SHARE");
	enum hf_code code = hf_spawn_tree(self, err);

	if (code != HF_OK)
		return code;
	code = libexec != NULL ? put_path(ret_tree->libexec, libexec, "", err)
			       : put_path(ret_tree->libexec, self, "/libexec/holdfast", err);
	if (code != HF_OK)
		return code;
	return share != NULL ? put_path(ret_tree->share, share, "", err)
			     : put_path(ret_tree->share, self, "/share/holdfast", err);
}

enum hf_code hf_hired_start(const struct hf_hired_tree *tree, const struct hf_hello *hello,
			    const struct hf_config *config, struct hf_hired *ret_hired,
			    struct hf_err *err)
{
	const char *name = hf_role_name((enum hf_role)hello->role);
	char program[HF_PATH_BYTES + 32];
	HF_AUTO_FD config_fd = -1;

	*ret_hired = HF_HIRED_NONE;
	(void)snprintf(program, sizeof program, "%s/%s", tree->libexec, name);
	enum hf_code code = hf_spawn_config(config, &config_fd, err);
	if (code != HF_OK)
		return code;
	bool keeps_log = getenv("HOLDFAST_LOG") == NULL;
	if (keeps_log) {
		ret_hired->log_fd = memfd_create("holdfast-log", MFD_CLOEXEC);
		if (ret_hired->log_fd < 0)
			return hf_fail_errno(err, "make room for a log");
	}
	const struct hf_spawn spawn = { .path = program,
					.hello = hello,
					.config_fd = config_fd,
					.stderr_fd = ret_hired->log_fd };
	/* The child inherits it. */
	if (keeps_log && setenv("HOLDFAST_LOG", "warn", 1) != 0)
		return hf_fail_errno(err, "set HOLDFAST_LOG");
	ret_hired->started = hf_mono_now(hf_clock_real());
	code = hf_spawn_worker(&spawn, &ret_hired->child, err);
	if (keeps_log)
		(void)unsetenv("HOLDFAST_LOG");
	return code;
}

void hf_hired_close(struct hf_hired *hired)
{
	hf_child_close(&hired->child);
	if (hired->log_fd >= 0)
		(void)close(hired->log_fd);
	*hired = HF_HIRED_NONE;
}

/* The reason of a failure stands in a note's "error". */
static void keep_reason(struct hf_hired *hired, const struct hf_note *note)
{
	json_t *attrs = json_loadb(note->attrs, strnlen(note->attrs, sizeof note->attrs), 0, NULL);
	const char *reason = json_string_value(json_object_get(attrs, "error"));

	if (reason != NULL)
		(void)snprintf(hired->why, sizeof hired->why, "%s", reason);
	json_decref(attrs);
}

enum hf_code hf_hired_on_note(struct hf_hired *hired, struct hf_msg *msg, struct hf_note *ret_note,
			      struct hf_err *err)
{
	hf_msg_get(msg, ret_note, sizeof *ret_note);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		keep_reason(hired, ret_note);
	return code;
}

enum hf_code hf_hired_drain(struct hf_hired *hired, int fd, uint8_t *buffer,
			    hf_hired_on_message *on_message, void *context, struct hf_err *err)
{
	while (fd >= 0) {
		struct hf_msg msg;
		struct hf_note note;
		enum hf_code code = hf_msg_receive(fd, buffer, &msg, err);

		if (code == HF_E_AGAIN || code == HF_E_CLOSED)
			return HF_OK;
		if (code != HF_OK)
			return code;
		if (msg.type == HF_MSG_NOTE && msg.size_bytes == sizeof note) {
			memcpy(&note, msg.body, sizeof note);
			keep_reason(hired, &note);
		}
		if (!hf_msg_allowed(msg.type, hired->child.role))
			code = hf_fail(err, HF_E_DENIED, "%s may not send %s",
				       hf_role_name(hired->child.role), hf_msg_name(msg.type));
		else
			code = on_message(context, &msg, err);
		hf_msg_drop(&msg);
		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

/* The last line of its log, without the priority that stands before it. */
static void last_words(const struct hf_hired *hired, char ret_words[TAIL_BYTES])
{
	off_t size = hired->log_fd < 0 ? 0 : lseek(hired->log_fd, 0, SEEK_END);
	off_t from = size > TAIL_BYTES - 1 ? size - (TAIL_BYTES - 1) : 0;
	ssize_t n = size <= 0 ? 0 : pread(hired->log_fd, ret_words, TAIL_BYTES - 1, from);

	while (n > 0 && ret_words[n - 1] == '\n')
		n--;
	ret_words[n > 0 ? n : 0] = '\0';
	const char *line = strrchr(ret_words, '\n');
	line = line != NULL ? line + 1 : ret_words;
	if (line[0] == '<' && line[1] != '\0' && line[2] == '>')
		line += 3;
	memmove(ret_words, line, strlen(line) + 1);
}

enum hf_code hf_hired_died(const struct hf_hired *hired, const struct hf_exit *end,
			   struct hf_err *err)
{
	char how[64], words[TAIL_BYTES];

	if (hired->why[0] != '\0')
		return hf_fail(err, HF_E_INVALID, "%s", hired->why);
	hf_exit_text(end, sizeof how, how);
	last_words(hired, words);
	return hf_fail(err, HF_E_IO, "the program %s ended unexpectedly (%s)%s%.300s",
		       hf_role_name(hired->child.role), how,
		       words[0] != '\0' ? ", its last words: " : "", words);
}

enum hf_code hf_hired_check_alive(const struct hf_hired *hired, struct hf_err *err)
{
	const struct hf_child *child = &hired->child;
	struct hf_mono now = hf_mono_now(hf_clock_real());
	int64_t beat_us = atomic_load_explicit(&child->pulse->beat_us, memory_order_relaxed);
	int64_t busy_us = atomic_load_explicit(&child->pulse->busy_until_us, memory_order_relaxed);
	int64_t last_us = beat_us > hired->started.us ? beat_us : hired->started.us;

	if (now.us < busy_us || now.us - last_us < (int64_t)STUCK_MS * 1000)
		return HF_OK;
	return hf_fail(err, HF_E_IO, "the program %s hangs: no sign of life for %d s",
		       hf_role_name(child->role), STUCK_MS / 1000);
}
