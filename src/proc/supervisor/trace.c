/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: each step is a line; the newest TRACE_KEPT_BYTES are kept in memory and all of them go
 * to run/trace.jsonl, which is turned over at TRACE_FILE_BYTES_MAX. To freeze is to put what is
 * in memory onto the disk of the data, before something destroys what it is about.
 *
 * The run folder is memory on an installed unit: a line a step would wear out a card.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "recover/trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	TRACE_KEPT_BYTES = 256 * 1024,
	TRACE_FILE_BYTES_MAX = 4 * 1024 * 1024,
	FULL_EVERY = 256, /* lines */
};

struct trace {
	int fd; /* -1: it cannot be written */
	uint64_t file_bytes;
	uint32_t lines; /* since the last full one */
	size_t kept_bytes;
	char kept[TRACE_KEPT_BYTES]; /* whole lines, the oldest first */
	struct hf_policy_input last;
	char line[HF_TRACE_LINE_BYTES];
};

static void trace_path(const struct supervisor *supervisor, const char *name,
		       char ret_path[HF_PATH_BYTES + 32])
{
	(void)snprintf(ret_path, HF_PATH_BYTES + 32, "%s/%s", supervisor->settings.run_path, name);
}

static void turn_over(struct supervisor *supervisor, struct trace *trace)
{
	char path[HF_PATH_BYTES + 32], path_old[HF_PATH_BYTES + 32];

	trace_path(supervisor, "trace.jsonl", path);
	trace_path(supervisor, "trace.1.jsonl", path_old);
	if (trace->fd >= 0)
		(void)close(trace->fd);
	(void)rename(path, path_old);
	trace->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	trace->file_bytes = 0;
	trace->lines = FULL_EVERY;
}

struct trace *trace_open(struct supervisor *supervisor)
{
	struct trace *trace = calloc(1, sizeof *trace);

	if (trace == NULL)
		return NULL;
	trace->fd = -1;
	turn_over(supervisor, trace);
	return trace;
}

/* Whole lines go, the oldest first, until there is room. */
static void keep_line(struct trace *trace, size_t bytes)
{
	size_t drop = 0;

	while (trace->kept_bytes - drop + bytes > sizeof trace->kept) {
		const char *from = trace->kept + drop;
		const char *end = memchr(from, '\n', trace->kept_bytes - drop);

		drop = end != NULL ? (size_t)(end - trace->kept) + 1 : trace->kept_bytes;
	}
	memmove(trace->kept, trace->kept + drop, trace->kept_bytes - drop);
	trace->kept_bytes -= drop;
	memcpy(trace->kept + trace->kept_bytes, trace->line, bytes);
	trace->kept_bytes += bytes;
}

/* Nothing is different from the line before and nothing was done: time passed, that is all. */
static bool is_quiet(const struct governor *governor, const struct trace *trace)
{
	const struct hf_policy_input *input = &governor->input;

	return governor->out.change_count == 0 && input->outcome_count == 0 &&
	       input->command.kind == HF_COMMAND_NONE && input->asleep_ms == 0 &&
	       input->is_volatile == trace->last.is_volatile &&
	       !hf_trace_differs(input, &trace->last);
}

void trace_step(struct supervisor *supervisor)
{
	struct governor *governor = supervisor->governor;
	struct trace *trace = governor->trace;
	struct hf_err err;
	size_t bytes = 0;

	if (trace == NULL || (trace->lines < FULL_EVERY && is_quiet(governor, trace)))
		return;
	bool full = trace->lines >= FULL_EVERY;
	if (hf_trace_line(&governor->policy, &governor->input, full ? NULL : &trace->last,
			  &governor->out, trace->line, &bytes, &err) != HF_OK)
		return;
	trace->lines = full ? 1 : trace->lines + 1;
	trace->last = governor->input;
	keep_line(trace, bytes);
	if (trace->fd < 0)
		return;
	if (hf_write_all(trace->fd, trace->line, bytes, &err) != HF_OK) {
		hf_log(HF_LOG_WARN, "trace_not_written", "why=\"%s\"", err.text);
		(void)close(trace->fd);
		trace->fd = -1;
		return;
	}
	trace->file_bytes += bytes;
	if (trace->file_bytes > TRACE_FILE_BYTES_MAX)
		turn_over(supervisor, trace);
}

bool trace_freeze(struct supervisor *supervisor, const struct hf_order *order)
{
	const struct trace *trace = supervisor->governor->trace;
	char path[HF_PATH_BYTES + 32];
	struct hf_err err;

	if (trace == NULL)
		return false;
	(void)snprintf(path, sizeof path, "%s/state/frozen.jsonl", supervisor->data.path);
	/* A process that ends takes nothing of it along; only the power does. */
	bool flush = hf_action_impact((enum hf_action)order->action) >= HF_IMPACT_STORED;
	enum hf_code code =
		flush ? hf_file_replace(path, trace->kept, trace->kept_bytes, 0640, &err)
		      : hf_file_replace_unflushed(path, trace->kept, trace->kept_bytes, 0640, &err);
	if (code == HF_OK)
		return true;
	hf_log(HF_LOG_WARN, "evidence_not_frozen", "action=%s why=\"%s\"",
	       hf_action_name((enum hf_action)order->action), err.text);
	return false;
}

void trace_close(struct trace *trace)
{
	if (trace == NULL)
		return;
	if (trace->fd >= 0)
		(void)close(trace->fd);
	free(trace);
}
