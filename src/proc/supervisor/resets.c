/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: ingest says that its grabber stays silent; which device that is, the supervisor reads
 * from the configuration, not from the message. A child process switches it, since the kernel
 * may take seconds over it and a supervisor that waits watches nobody. The child lives through
 * our end (it holds none of our descriptors), and what it has in hand lies in the run folder:
 * the next supervisor switches on what was left off.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"
#include "proc/supervisor/usb.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	EVERY_MS = 10 * 60 * 1000, /* of one source: a device that it does not help is left alone */
	OFF_MS = 1000,
	END_MS = 3000, /* waited for a child when the unit stops */
	WORDS_FD = 3,
};

static void hand_path(const struct supervisor *supervisor, size_t source,
		      char ret_path[HF_PATH_BYTES + 32])
{
	(void)snprintf(ret_path, HF_PATH_BYTES + 32, "%s/usb-reset.%zu",
		       supervisor->settings.run_path, source);
}

static void raise_reset(struct supervisor *supervisor, const struct reset *reset,
			const char *event_class, const char *error)
{
	char attrs[1024];
	struct hf_err err;
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	size_t source = (size_t)(reset - supervisor->resets);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "source", supervisor->config.sources[source].id);
	if (reset->device[0] != '\0')
		hf_json_put_text(&json, "usb_device", reset->device);
	if (error != NULL)
		hf_json_put_text(&json, "error", error);
	hf_json_object_close(&json);
	raise_event(supervisor, event_class, NULL,
		    hf_json_end(&json, &err) == HF_OK ? attrs : "{}");
}

/* In the same words only once: it is asked for again every few minutes. */
static void tell_failed(struct supervisor *supervisor, struct reset *reset, const char *why)
{
	if (strncmp(reset->told, why, sizeof reset->told - 1) == 0)
		return;
	(void)snprintf(reset->told, sizeof reset->told, "%.*s", (int)sizeof reset->told - 1, why);
	hf_log(HF_LOG_WARN, "usb_reset_failed", "source=%s why=\"%s\"",
	       supervisor->config.sources[reset - supervisor->resets].id, why);
	raise_reset(supervisor, reset, "usb_reset_failed", why);
}

static void forget_process(struct reset *reset)
{
	reset->on_exit = sd_event_source_disable_unref(reset->on_exit);
	if (reset->pidfd >= 0)
		(void)close(reset->pidfd);
	if (reset->words_fd >= 0)
		(void)close(reset->words_fd);
	reset->pidfd = reset->words_fd = -1;
	reset->pid = 0;
}

static int on_reset_done(sd_event_source *event, int fd, uint32_t events, void *data)
{
	struct reset *reset = data;
	struct supervisor *supervisor = reset->supervisor;
	char why[HF_ERR_TEXT_BYTES_MAX] = "";
	int status = 0;

	(void)event;
	(void)fd;
	(void)events;
	if (waitpid(reset->pid, &status, WNOHANG) == 0)
		return 0;
	ssize_t size = read(reset->words_fd, why, sizeof why - 1);
	why[size > 0 ? size : 0] = '\0';
	forget_process(reset);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		hf_log(HF_LOG_INFO, "usb_reset", "source=%s usb_device=%s",
		       supervisor->config.sources[reset - supervisor->resets].id, reset->device);
		reset->told[0] = '\0';
		raise_reset(supervisor, reset, "usb_reset", NULL);
		return 0;
	}
	tell_failed(supervisor, reset, why[0] != '\0' ? why : "the process that did it was killed");
	return 0;
}

/* In the child: nothing of the supervisor's stays open, its signals stay blocked. */
static _Noreturn void switch_it(const char *switch_path, const char *hand)
{
	struct hf_err err = { 0 };
	enum hf_code code = switch_path != NULL ? usb_cycle(switch_path, hand, OFF_MS, &err)
						: usb_finish(hand, &err);

	if (code != HF_OK)
		(void)!write(WORDS_FD, err.text, strlen(err.text));
	_exit(code == HF_OK ? 0 : 1);
}

static enum hf_code start(struct supervisor *supervisor, struct reset *reset,
			  const char *switch_path, struct hf_err *err)
{
	char hand[HF_PATH_BYTES + 32];
	int ends[2];

	hand_path(supervisor, (size_t)(reset - supervisor->resets), hand);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return hf_fail_errno(err, "make a pipe");
	HF_AUTO_FD in = ends[0];
	HF_AUTO_FD out = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return hf_fail_errno(err, "start a process");
	if (pid == 0) {
		if (dup2(out, WORDS_FD) < 0 || close_range(WORDS_FD + 1, ~0U, 0) != 0)
			_exit(2);
		switch_it(switch_path, hand);
	}
	reset->pid = pid;
	reset->words_fd = HF_TAKE_FD(in);
	reset->pidfd = pidfd_open(pid, 0);
	if (reset->pidfd < 0 || sd_event_add_io(supervisor->loop, &reset->on_exit, reset->pidfd,
						EPOLLIN, on_reset_done, reset) < 0) {
		/* It does its work all the same; it is reaped at the end. */
		hf_log(HF_LOG_WARN, "usb_reset_unwatched", "pid=%d", (int)pid);
	}
	return HF_OK;
}

/* "1-2" of ".../usb1/1-2/authorized": what lsusb -t and the kernel's log call it. */
static void name_device(const char *switch_path, char ret_name[USB_DEVICE_BYTES])
{
	const char *end = strrchr(switch_path, '/');
	const char *begin = end;

	while (begin > switch_path && begin[-1] != '/')
		begin--;
	(void)snprintf(ret_name, USB_DEVICE_BYTES, "%.*s", (int)(end - begin), begin);
}

void resets_want(struct supervisor *supervisor, uint32_t source)
{
	const char *path = supervisor->config.sources[source].url;
	const struct hf_mono now = hf_mono_now(supervisor->clock);
	struct reset *reset = &supervisor->resets[source];
	char switch_path[USB_PATH_BYTES];
	struct hf_err err;
	struct stat st;

	if (reset->pid != 0 || supervisor->stopping ||
	    (reset->last.us != 0 && hf_mono_before(now, hf_mono_add_ms(reset->last, EVERY_MS))))
		return;
	reset->device[0] = '\0';
	enum hf_code code = stat(path, &st) == 0 && S_ISCHR(st.st_mode)
				    ? usb_find("", st.st_rdev, switch_path, &err)
				    : hf_fail(&err, HF_E_NOENT, "there is no such device now");
	if (code == HF_OK) {
		reset->last = now;
		name_device(switch_path, reset->device);
		code = start(supervisor, reset, switch_path, &err);
	}
	if (code != HF_OK) {
		(void)hf_err_prefix(&err, "%s stays silent, and %s", path,
				    "cannot be taken off its bus and on again");
		tell_failed(supervisor, reset, err.text);
	}
}

void resets_open(struct supervisor *supervisor)
{
	char hand[HF_PATH_BYTES + 32];
	struct hf_err err;

	for (size_t i = 0; i < HF_SOURCES_MAX; i++) {
		struct reset *reset = &supervisor->resets[i];

		*reset = (struct reset){ .supervisor = supervisor, .pidfd = -1, .words_fd = -1 };
		hand_path(supervisor, i, hand);
		if (access(hand, F_OK) != 0)
			continue;
		hf_log(HF_LOG_WARN, "usb_reset_unfinished",
		       "the last run left a USB device off: switching it on");
		if (i >= supervisor->config.source_count ||
		    start(supervisor, reset, NULL, &err) != HF_OK)
			(void)!usb_finish(hand, &err);
	}
}

void resets_close(struct supervisor *supervisor)
{
	for (size_t i = 0; i < HF_SOURCES_MAX; i++) {
		struct reset *reset = &supervisor->resets[i];
		struct pollfd wait = { .fd = reset->pidfd, .events = POLLIN };

		if (reset->pid == 0)
			continue;
		(void)poll(&wait, 1, END_MS);
		(void)waitpid(reset->pid, NULL, WNOHANG);
		forget_process(reset);
	}
}
