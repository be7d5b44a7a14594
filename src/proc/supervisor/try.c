/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `holdfastd --check` cannot know by looking: whether a source gives pictures and whether
 * the model loads. Only their own workers read such files, so each is started as the unit would
 * start it, without peers, until it has shown that it works or said why it does not.
 *
 * ingest works when it reports a frame, infer when it is ready. Both are ended then; they write
 * nothing.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
	TRY_MS = 30000, /* a model on a slow card */
};

static bool has_frames(const char *text, size_t size_bytes)
{
	static const char key[] = "\"frames\":";
	const char *at = memmem(text, size_bytes, key, sizeof key - 1);

	return at != NULL && at[sizeof key - 1] >= '1' && at[sizeof key - 1] <= '9';
}

/* HF_E_AGAIN: it says nothing about whether it works. */
static enum hf_code judge_message(enum hf_role role, struct hf_msg *msg, struct hf_err *err)
{
	struct troubles troubles = { 0 };
	struct hf_note note;
	size_t size;

	if (msg->type == HF_MSG_READY && role == HF_ROLE_INFER)
		return HF_OK;
	if (msg->type == HF_MSG_STATS && role == HF_ROLE_INGEST) {
		const char *text = (const char *)hf_msg_get_rest(msg, &size);

		return has_frames(text, size) ? HF_OK : HF_E_AGAIN;
	}
	if (msg->type != HF_MSG_NOTE)
		return HF_E_AGAIN;
	hf_msg_get(msg, &note, sizeof note);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	note.event_class[sizeof note.event_class - 1] = '\0';
	note.attrs[sizeof note.attrs - 1] = '\0';
	(void)troubles_note(&troubles, note.event_class, note.attrs);
	if (troubles.count == 0)
		return HF_E_AGAIN;
	return hf_fail(err, HF_E_CORRUPT, "%s", troubles.list[0].why);
}

static enum hf_code judge_end(struct hf_child *child, struct hf_err *err)
{
	char text[64];
	struct hf_exit end;

	enum hf_code code = hf_child_reap(child, &end, err);
	if (code != HF_OK)
		return code;
	hf_exit_text(&end, sizeof text, text);
	return hf_fail(err, HF_E_IO, "%s ended (%s) and did not say why", hf_role_name(child->role),
		       text);
}

static enum hf_code await_verdict(struct hf_child *child, uint8_t *buffer, struct hf_err *err)
{
	const struct hf_mono until = hf_mono_add_ms(hf_mono_now(hf_clock_real()), TRY_MS);

	for (;;) {
		struct hf_msg msg;
		enum hf_code code = hf_msg_receive(child->control_fd, buffer, &msg, err);

		if (code == HF_OK) {
			code = judge_message(child->role, &msg, err);
			hf_msg_drop(&msg);
			if (code != HF_E_AGAIN)
				return code;
			continue;
		}
		struct pollfd wait[] = { { .fd = child->pidfd, .events = POLLIN },
					 { .fd = child->control_fd, .events = POLLIN } };
		int64_t left_us = hf_mono_diff_us(until, hf_mono_now(hf_clock_real()));
		if (left_us <= 0)
			return hf_fail(err, HF_E_AGAIN, "%s did not show within %d s that it works",
				       hf_role_name(child->role), TRY_MS / 1000);
		/* After its end everything that it said has been read. */
		if (code == HF_E_CLOSED)
			wait[1].fd = -1;
		if (poll(wait, 2, (int)(left_us / 1000) + 1) > 0 && wait[0].revents != 0 &&
		    wait[1].revents == 0)
			return judge_end(child, err);
	}
}

static enum hf_code try_worker(const struct settings *settings, int config_fd, enum hf_role role,
			       uint32_t index, struct hf_err *err)
{
	struct hf_hello hello = { .role = (uint32_t)role, .index = index };
	struct hf_child child = HF_CHILD_NONE;
	char path[2 * HF_PATH_BYTES];
	HF_AUTO_FREE uint8_t *buffer = malloc(HF_MSG_BODY_BYTES_MAX);
	HF_AUTO_FD hush = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (buffer == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	(void)snprintf(path, sizeof path, "%s/%s", settings->libexec_path, hf_role_name(role));
	memcpy(hello.share_path, settings->share_path, sizeof hello.share_path);
	const struct hf_spawn spawn = {
		.path = path, .hello = &hello, .config_fd = config_fd, .stderr_fd = hush
	};
	enum hf_code code = hf_spawn_worker(&spawn, &child, err);
	if (code == HF_OK)
		code = hf_spawn_start(&child, err);
	if (code == HF_OK || code == HF_E_CLOSED) /* gone already: what did it say? */
		code = await_verdict(&child, buffer, err);
	hf_child_close(&child);
	return code;
}

bool try_parts(const struct settings *settings, const struct hf_config *config)
{
	struct hf_err err;
	HF_AUTO_FD config_fd = -1;
	bool good = true;

	if (hf_spawn_config(config, &config_fd, &err) != HF_OK) {
		(void)fprintf(stderr, "holdfastd: %s\n", err.text);
		return false;
	}
	for (uint32_t i = 0; i < config->source_count; i++) {
		/* What to do then; a driver's own words say enough. */
		static const char *const advice[] = {
			[HF_SOURCE_FILE] = "; correct its url, or put the right file there",
			[HF_SOURCE_V4L2] = "",
			[HF_SOURCE_RTSP] = "; the unit starts without it and goes on trying",
		};
		const struct hf_config_source *source = &config->sources[i];
		/* A camera may be off today; a unit is set up all the same. */
		bool may_come = source->type == HF_SOURCE_RTSP;

		if (try_worker(settings, config_fd, HF_ROLE_INGEST, i, &err) == HF_OK)
			continue;
		good = good && may_come;
		(void)fprintf(stderr, "holdfastd: %ssource %s: %s%s\n", may_come ? "warning: " : "",
			      source->id, err.text, advice[source->type]);
	}
	if (try_worker(settings, config_fd, HF_ROLE_INFER, 0, &err) != HF_OK) {
		good = false;
		(void)fprintf(stderr, "holdfastd: model: %s\n", err.text);
	}
	return good;
}
