/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: an order names an action and the reason for it; from the reason's scope follows which
 * workers it is about. Those are ended and started again, each as soon as its predecessor is
 * gone; the order is done when all of them have been started. What they then make of it is seen
 * by the policy, not here.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WORDS_MAX = 16, /* of the reboot command */
};

static uint32_t of_role(const struct supervisor *supervisor, enum hf_role role)
{
	uint32_t children = 0;

	for (size_t i = 0; i < supervisor->child_count; i++)
		if (supervisor->children[i].role == role)
			children |= UINT32_C(1) << i;
	return children;
}

static uint32_t ingest_of(struct supervisor *supervisor, uint32_t source)
{
	const struct child *ingest = children_find(supervisor, HF_ROLE_INGEST, source);

	return ingest != NULL ? UINT32_C(1) << (ingest - supervisor->children) : 0;
}

/* Of a reason about the unit: those whose work its class is about. */
static uint32_t of_class(const struct supervisor *supervisor, enum hf_class class_of)
{
	switch (class_of) {
	case HF_CLASS_ACCELERATOR:
	case HF_CLASS_INTEGRITY:
		return of_role(supervisor, HF_ROLE_INFER);
	case HF_CLASS_SENSOR:
		return of_role(supervisor, HF_ROLE_INGEST);
	case HF_CLASS_PLATFORM:
		return of_role(supervisor, HF_ROLE_KEEPER);
	case HF_CLASS_BLIND:
	case HF_CLASS_PROCESS:
		return of_role(supervisor, HF_ROLE_INFER) | of_role(supervisor, HF_ROLE_RESPOND);
	case HF_CLASS_LATENCY:
	case HF_CLASS_RESOURCE:
	case HF_CLASS_LINK:
	case HF_CLASS_RELEASE:
	case HF_CLASS_COUNT:
		break;
	}
	return 0;
}

static uint32_t workers_of(struct supervisor *supervisor, const struct hf_order *order)
{
	const struct hf_policy_reason *reason =
		&supervisor->governor->policy.reasons[order->reason];

	if (order->action == HF_ACTION_RESTART_ALL)
		return (UINT32_C(1) << supervisor->child_count) - 1;
	if (order->action == HF_ACTION_RESTART_GROUP)
		return of_role(supervisor, HF_ROLE_INGEST) | of_role(supervisor, HF_ROLE_INFER) |
		       of_role(supervisor, HF_ROLE_RESPOND);
	switch ((enum hf_scope)reason->scope) {
	case HF_SCOPE_WORKER:
		return UINT32_C(1) << order->scope;
	case HF_SCOPE_SOURCE:
		return ingest_of(supervisor, order->scope);
	case HF_SCOPE_CAMERA:
		return ingest_of(supervisor, supervisor->config.cameras[order->scope].source);
	case HF_SCOPE_UNIT:
	case HF_SCOPE_COUNT:
		break;
	}
	return of_class(supervisor, (enum hf_class)reason->class_of);
}

static struct pending *place_for(struct governor *governor)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(governor->pending); i++)
		if (governor->pending[i].children == 0)
			return &governor->pending[i];
	return NULL;
}

/* Nothing of a run that went wrong is found by the next: sockets, temporary files. */
static bool fresh_generation(struct supervisor *supervisor)
{
	struct hf_err err;

	supervisor->governor->generation++;
	if (settings_next_generation(&supervisor->settings, supervisor->identity.run,
				     supervisor->governor->generation, &err) == HF_OK)
		return true;
	hf_log(HF_LOG_WARN, "no_fresh_generation", "why=\"%s\"", err.text);
	return false;
}

static void restart(struct supervisor *supervisor, const struct hf_order *order)
{
	struct pending *pending = place_for(supervisor->governor);
	uint32_t children = workers_of(supervisor, order);
	const struct hf_policy_reason *reason =
		&supervisor->governor->policy.reasons[order->reason];

	if (pending == NULL || children == 0) {
		govern_report(supervisor, order, HF_RESULT_FAILED);
		return;
	}
	if (hf_action_scope((enum hf_action)order->action) == HF_SCOPE_UNIT &&
	    !fresh_generation(supervisor)) {
		govern_report(supervisor, order, HF_RESULT_FAILED);
		return;
	}
	*pending = (struct pending){ .order = *order, .children = children };
	for (size_t i = 0; i < supervisor->child_count; i++)
		if ((children & UINT32_C(1) << i) != 0)
			children_restart(&supervisor->children[i], reason->name);
}

void actions_started(struct supervisor *supervisor, const struct child *child, bool ok)
{
	struct governor *governor = supervisor->governor;
	uint32_t bit = UINT32_C(1) << (child - supervisor->children);

	for (size_t i = 0; i < HF_ARRAY_LEN(governor->pending); i++) {
		struct pending *pending = &governor->pending[i];

		if ((pending->children & bit) == 0)
			continue;
		pending->children &= ~bit;
		pending->failed = pending->failed || !ok;
		if (pending->children == 0)
			govern_report(supervisor, &pending->order,
				      pending->failed ? HF_RESULT_FAILED : HF_RESULT_DONE);
	}
}

/* ---- the machine ---- */

static int on_reboot_command(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct supervisor *supervisor = data;
	struct governor *governor = supervisor->governor;
	int status = 0;

	(void)fd;
	(void)events;
	bool ok = waitpid(governor->reboot_pid, &status, 0) > 0 && WIFEXITED(status) &&
		  WEXITSTATUS(status) == 0;
	(void)sd_event_source_disable_unref(source);
	governor->reboot_pid = 0;
	/* That it was asked for is no reboot yet: the next boot says that it was. */
	if (ok)
		return 0;
	hf_log(HF_LOG_ERROR, "reboot_failed", "command=\"%s\" status=%d",
	       supervisor->config.reboot_command, status);
	govern_report(supervisor, &governor->reboot_order, HF_RESULT_FAILED);
	govern(supervisor);
	return 0;
}

static void run_words(const char *command)
{
	char text[HF_PATH_BYTES];
	char *words[WORDS_MAX + 1];
	char *rest = NULL;
	size_t count = 0;

	(void)snprintf(text, sizeof text, "%s", command);
	for (char *word = strtok_r(text, " ", &rest); word != NULL && count < WORDS_MAX;
	     word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	words[count] = NULL;
	if (count > 0)
		(void)execvp(words[0], words);
	_exit(127);
}

static void reboot(struct supervisor *supervisor, const struct hf_order *order)
{
	struct governor *governor = supervisor->governor;
	sd_event_source *source = NULL;

	hf_log(HF_LOG_WARN, "reboot_ordered", "command=\"%s\"", supervisor->config.reboot_command);
	governor->reboot_order = *order;
	pid_t pid = governor->reboot_pid == 0 ? fork() : -1;
	if (pid == 0) {
		sigset_t none;

		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		run_words(supervisor->config.reboot_command);
	}
	HF_AUTO_FD pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
	if (pid > 0)
		governor->reboot_pid = pid;
	if (pidfd < 0 || sd_event_add_io(supervisor->loop, &source, pidfd, EPOLLIN,
					 on_reboot_command, supervisor) < 0) {
		govern_report(supervisor, order, HF_RESULT_FAILED);
		return;
	}
	(void)sd_event_source_set_io_fd_own(source, 1);
	(void)HF_TAKE_FD(pidfd);
}

void actions_perform(struct supervisor *supervisor, const struct hf_order *order)
{
	if (order->kind == HF_ORDER_FREEZE) {
		govern_report(supervisor, order,
			      trace_freeze(supervisor, order) ? HF_RESULT_FROZEN
							      : HF_RESULT_FAILED);
		return;
	}
	switch ((enum hf_action)order->action) {
	case HF_ACTION_RESTART_WORKER:
	case HF_ACTION_RETRY_WORKER:
	case HF_ACTION_RESTART_GROUP:
	case HF_ACTION_RESTART_ALL:
		restart(supervisor, order);
		return;
	case HF_ACTION_REBOOT:
		reboot(supervisor, order);
		return;
	/* Modes are no orders; the others are unavailable. */
	case HF_ACTION_HOLD_CAMERA:
	case HF_ACTION_SHED:
	case HF_ACTION_FALLBACK_MODEL:
	case HF_ACTION_RESET_DEVICE:
	case HF_ACTION_ROLLBACK:
	case HF_ACTION_SAFE_MODE:
	case HF_ACTION_ROLLBACK_SYSTEM:
	case HF_ACTION_COUNT:
		break;
	}
	govern_report(supervisor, order, HF_RESULT_FAILED);
}

/* What this unit has nothing to perform with is not waited for. */
void actions_available(const struct supervisor *supervisor, struct hf_policy *policy)
{
	static const struct {
		enum hf_action action;
		const char *why;
	} missing[] = {
		{ HF_ACTION_RESET_DEVICE, "this build resets no accelerator" },
		{ HF_ACTION_ROLLBACK, "this build has no releases to go back to" },
		{ HF_ACTION_ROLLBACK_SYSTEM, "no system updater is connected" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(missing); i++) {
		policy->actions[missing[i].action].unavailable = true;
		(void)snprintf(policy->actions[missing[i].action].why,
			       sizeof policy->actions[missing[i].action].why, "%s", missing[i].why);
	}
	if (supervisor->config.reboot_command[0] != '\0')
		return;
	policy->actions[HF_ACTION_REBOOT].unavailable = true;
	(void)snprintf(policy->actions[HF_ACTION_REBOOT].why,
		       sizeof policy->actions[HF_ACTION_REBOOT].why,
		       "supervisor.reboot_command is empty");
}
