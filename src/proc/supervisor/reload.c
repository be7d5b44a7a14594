/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the file is read by the same short-lived child as at the start, without waiting for it.
 * What it gives is checked whole; then the state is carried over by the names of its reasons and
 * the policy changes between two steps. Whatever goes wrong on the way, the last good policy stays
 * in force, and that it does is a reason of its own.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TIMEOUT_US = 10 * 1000 * 1000,
};

struct reload {
	struct supervisor *supervisor;
	pid_t pid;
	int fd;
	sd_event_source *on_data;
	sd_event_source *on_late;
	size_t size_bytes;
	struct hf_policy policy;
};

static void tell(struct supervisor *supervisor, const char *event_class, const char *why)
{
	char attrs[1024];
	struct hf_err err;
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "policy", supervisor->governor->policy.name);
	if (why != NULL)
		hf_json_put_text(&json, "error", why);
	hf_json_object_close(&json);
	hf_log(why == NULL ? HF_LOG_INFO : HF_LOG_ERROR, event_class, "policy=%s%s%s%s",
	       supervisor->governor->policy.name, why != NULL ? " why=\"" : "",
	       why != NULL ? why : "", why != NULL ? "\"" : "");
	raise_event(supervisor, event_class, NULL,
		    hf_json_end(&json, &err) == HF_OK ? attrs : "{}");
}

static enum hf_code adopt(struct supervisor *supervisor, struct hf_policy *policy,
			  struct hf_err *err)
{
	struct governor *governor = supervisor->governor;
	uint8_t packed[HF_POLICY_STATE_BYTES];
	struct hf_policy_state state;

	enum hf_code code = hf_policy_check(policy, err);
	if (code != HF_OK)
		return code;
	actions_available(supervisor, policy);
	size_t size = hf_policy_state_pack(&governor->policy, &governor->state, packed);
	code = hf_policy_state_unpack(policy, packed, size, &state, err);
	if (code != HF_OK)
		return code;
	governor->policy = *policy;
	governor->state = state;
	/* Results of orders of the old one mean nothing to the new one: their deadlines pass. */
	memset(governor->pending, 0, sizeof governor->pending);
	governor->input.outcome_count = 0;
	return HF_OK;
}

static void finish(struct reload *reload, const char *why)
{
	struct supervisor *supervisor = reload->supervisor;
	struct hf_err err = { 0 };
	int status = 0;

	(void)kill(reload->pid, SIGKILL);
	while (waitpid(reload->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (why == NULL && reload->size_bytes != sizeof reload->policy)
		why = "the file was refused; the log says why";
	if (why == NULL && adopt(supervisor, &reload->policy, &err) != HF_OK)
		why = err.text;
	(void)snprintf(supervisor->governor->policy_refused,
		       sizeof supervisor->governor->policy_refused, "%s", why != NULL ? why : "");
	tell(supervisor, why == NULL ? "policy_loaded" : "policy_refused", why);
	reload_close(supervisor);
	govern(supervisor);
}

static int on_data(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct reload *reload = data;
	char *to = (char *)&reload->policy + reload->size_bytes;
	size_t room = sizeof reload->policy - reload->size_bytes;
	char more;

	(void)source;
	(void)events;
	ssize_t n = read(fd, room > 0 ? to : &more, room > 0 ? room : 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0 && room > 0)
		reload->size_bytes += (size_t)n;
	else
		finish(reload, n > 0 ? "its reader is of another build than this program" : NULL);
	return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	finish(data, "it was not read in 10 s");
	return 0;
}

const char *reload_policy(struct supervisor *supervisor)
{
	static char refused[HF_ERR_TEXT_BYTES_MAX];
	struct hf_err err;

	if (supervisor->governor->reload != NULL)
		return "it is being read already";
	struct reload *reload = calloc(1, sizeof *reload);
	if (reload == NULL)
		return "out of memory";
	reload->supervisor = supervisor;
	if (settings_start_policy(&supervisor->settings, &supervisor->config, &reload->pid,
				  &reload->fd, &err) != HF_OK) {
		free(reload);
		(void)snprintf(refused, sizeof refused, "%s", err.text);
		return refused;
	}
	supervisor->governor->reload = reload;
	if (sd_event_add_io(supervisor->loop, &reload->on_data, reload->fd, EPOLLIN, on_data,
			    reload) < 0 ||
	    sd_event_add_time_relative(supervisor->loop, &reload->on_late, CLOCK_MONOTONIC,
				       TIMEOUT_US, 0, on_late, reload) < 0) {
		finish(reload, "out of memory");
		return "out of memory";
	}
	return NULL;
}

void reload_close(struct supervisor *supervisor)
{
	struct reload *reload = supervisor->governor->reload;

	if (reload == NULL)
		return;
	(void)sd_event_source_disable_unref(reload->on_data);
	(void)sd_event_source_disable_unref(reload->on_late);
	(void)close(reload->fd);
	free(reload);
	supervisor->governor->reload = NULL;
}
