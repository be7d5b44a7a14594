/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actuate - the unit's output: a relay, a siren, by a command or a GPIO line.
 *
 * Method: respond asks for it when an event is stored. It is on for a while, and only as long as
 * the lease (wire/lease.h) holds, at which this process looks every 50 ms. Nobody has to tell it
 * to switch off: that the supervisor no longer grants is enough, for whatever reason it does not.
 *
 * Off is the state that is always come back to: with the start of this process, before anything
 * else is done; with the end of the supervisor, before this process ends; and after an "on" that
 * failed. An "off" that failed is tried again, and told as a trouble of the unit until it is done.
 *
 * Failures: this process is killed: the line goes back to the kernel, and the next process calls
 * the command with "off". Both this process and the supervisor are killed, at once: nobody calls
 * it, which only an output with a time-out of its own survives.
 */
#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"
#include "proc/actuate/command.h"
#include "proc/actuate/line.h"
#include "proc/common/sandbox.h"
#include "proc/common/worker.h"
#include "wire/lease.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

enum {
	IDLE_MS = 200,
	COMMAND_LOOK_MS = 10, /* while one runs */
	RETRY_MS = 500,
	REPORT_MS = 1000,
	LAST_MS_MAX = 3 * COMMAND_MS_MAX,
	EXIT_ANEW = 75, /* the sandbox has to be made anew */
};

struct actuate {
	struct hf_worker *worker;
	const struct hf_config *config;
	struct hf_sandbox sandbox;
	const struct hf_lease *lease; /* NULL: has not come */
	struct command command;
	struct hf_gpio_line line;
	int line_fd; /* -1: not open */
	bool ready_told;

	bool on;      /* what the output is to be */
	bool settled; /* and is */
	bool was_on;  /* it may have been, since it was off for sure */
	struct hf_mono on_since, off_at, retry_at;
	const char *off_why; /* a literal */
	struct hf_actuate cause;
	bool failed;
	char failed_why[128];

	uint64_t asked, refused;
	struct hf_mono report_at;
};

static struct hf_mono now_of(void)
{
	return hf_mono_now(hf_clock_real());
}

/* ---- what is told ---- */

static void send_note(struct actuate *a, const char *event_class, bool about_camera,
		      struct hf_json *attrs, const char *text)
{
	const char *camera = about_camera ? a->config->cameras[a->cause.camera].name : NULL;
	struct hf_err err;

	hf_json_object_close(attrs);
	if (hf_json_end(attrs, &err) != HF_OK ||
	    hf_worker_note(a->worker, event_class, camera, text, &err) != HF_OK)
		hf_log(HF_LOG_WARN, "note_unsent", "class=%s why=\"%s\"", event_class, err.text);
}

static void tell_on(struct actuate *a)
{
	char text[512];
	struct hf_json attrs = hf_json_begin(text, sizeof text);

	hf_json_object_open(&attrs);
	hf_json_put_text(&attrs, "event", a->cause.event_class);
	hf_json_put_u64(&attrs, "local_seq", a->cause.local_seq);
	hf_json_put_text(&attrs, "zone", a->config->zones[a->cause.zone].id);
	hf_json_put_i64(&attrs, "hold_ms", a->config->actuation_hold_ms);
	hf_log(HF_LOG_INFO, "actuation_on", "event=%s local_seq=%llu", a->cause.event_class,
	       (unsigned long long)a->cause.local_seq);
	send_note(a, "actuation_on", true, &attrs, text);
}

static void tell_off(struct actuate *a, struct hf_mono now)
{
	char text[256];
	struct hf_json attrs = hf_json_begin(text, sizeof text);
	const int64_t on_ms = hf_mono_diff_us(now, a->on_since) / 1000;

	hf_json_object_open(&attrs);
	hf_json_put_text(&attrs, "why", a->off_why);
	hf_json_put_i64(&attrs, "on_ms", on_ms);
	hf_log(HF_LOG_INFO, "actuation_off", "why=%s on_ms=%lld", a->off_why, (long long)on_ms);
	send_note(a, "actuation_off", true, &attrs, text);
}

static void send_signals(struct actuate *a)
{
	struct hf_signals signals = {
		.count = 1,
		.samples = { { .signal = HF_SIGNAL_ACTUATION_FAILED, .value = a->failed } },
	};
	struct hf_err err;

	/* The next second brings it again. */
	(void)!hf_worker_send(a->worker, HF_ROLE_SUPERVISOR, 0, HF_MSG_SIGNALS, &signals,
			      offsetof(struct hf_signals, samples) + sizeof signals.samples[0],
			      &err);
}

static void tell_failed(struct actuate *a, const char *why)
{
	char text[512];
	struct hf_json attrs = hf_json_begin(text, sizeof text);

	if (a->failed && strncmp(a->failed_why, why, sizeof a->failed_why - 1) == 0)
		return;
	a->failed = true;
	(void)snprintf(a->failed_why, sizeof a->failed_why, "%s", why);
	hf_json_object_open(&attrs);
	hf_json_put_text(&attrs, "asked", a->on ? "on" : "off");
	hf_json_put_text(&attrs, "error", a->failed_why);
	hf_log(HF_LOG_ERROR, "actuation_failed", "asked=%s why=\"%s\"", a->on ? "on" : "off", why);
	send_note(a, "actuation_failed", false, &attrs, text);
	send_signals(a);
}

static void tell_mended(struct actuate *a)
{
	char text[64];
	struct hf_json attrs = hf_json_begin(text, sizeof text);

	if (!a->failed)
		return;
	a->failed = false;
	hf_json_object_open(&attrs);
	send_note(a, "actuation_ok", false, &attrs, text);
	send_signals(a);
}

/* ---- the output ---- */

static enum hf_code drive_line(struct actuate *a, struct hf_err *err)
{
	enum hf_code code = HF_OK;

	if (a->config->actuation_gpio[0] == '\0')
		return HF_OK;
	if (a->line_fd < 0)
		code = line_open(&a->line, &a->line_fd, err);
	if (code == HF_OK)
		code = line_set(a->line_fd, a->on, err);
	if (code != HF_OK && a->line_fd >= 0) {
		/* Given back, it is no longer driven. */
		(void)close(a->line_fd);
		a->line_fd = -1;
	}
	return code;
}

static void aim(struct actuate *a, bool on, const char *off_why, struct hf_mono now);

static void settle(struct actuate *a, enum hf_code code, const struct hf_err *err,
		   struct hf_mono now)
{
	if (code != HF_OK) {
		tell_failed(a, err->text);
		a->retry_at = hf_mono_add_ms(now, RETRY_MS);
		if (a->on)
			aim(a, false, "failed", now);
		return;
	}
	a->settled = true;
	tell_mended(a);
	if (a->on)
		tell_on(a);
	else if (a->was_on)
		tell_off(a, now);
	a->was_on = a->on;
}

/* What is under way for the opposite ends here. */
static void aim(struct actuate *a, bool on, const char *off_why, struct hf_mono now)
{
	const struct command_about about = {
		.camera = a->was_on || on ? a->config->cameras[a->cause.camera].id : "",
		.zone = a->was_on || on ? a->config->zones[a->cause.zone].id : "",
		.event_class = a->cause.event_class,
	};
	struct hf_err err = { 0 };

	if (on)
		a->on_since = now;
	else
		a->off_why = off_why;
	a->on = on;
	a->was_on = a->was_on || on;
	a->settled = false;
	enum hf_code code = drive_line(a, &err);
	if (a->config->actuation_command[0] != '\0') {
		struct hf_err command_err = { 0 };
		/* Whatever the line says, it is called. */
		enum hf_code started = command_start(&a->command, a->config->actuation_command, on,
						     &about, now, &command_err);

		if (code == HF_OK && started == HF_OK)
			return; /* its end settles it */
		if (code == HF_OK) {
			code = started;
			err = command_err;
		}
	}
	settle(a, code, &err, now);
}

/* Goes on with what is under way, and with what has to be tried again. */
static void look_at_output(struct actuate *a, struct hf_mono now)
{
	struct hf_err err = { 0 };

	if (a->settled)
		return;
	if (a->command.pid != 0) {
		enum hf_code code = command_look(&a->command, now, &err);

		if (code != HF_E_AGAIN)
			settle(a, code, &err, now);
	} else if (!hf_mono_before(now, a->retry_at)) {
		aim(a, false, a->off_why, now);
	}
}

static void look_at_lease(struct actuate *a, struct hf_mono now)
{
	if (!a->on)
		return;
	if (!hf_lease_holds(a->lease, now, a->cause.camera))
		aim(a, false, "lease", now);
	else if (!hf_mono_before(now, a->off_at))
		aim(a, false, "expired", now);
}

/* ---- messages ---- */

static enum hf_code on_lease(struct actuate *a, struct hf_msg *msg, struct hf_err *err)
{
	HF_AUTO_FD fd = hf_msg_take_fd(msg);
	enum hf_code code = hf_msg_end(msg, err);
	struct stat st;

	if (code != HF_OK)
		return code;
	if (a->lease != NULL || fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof *a->lease)
		return hf_fail(err, HF_E_INVALID, "lease: a second one, or too small");
	void *map = mmap(NULL, sizeof *a->lease, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return hf_fail_errno(err, "map the lease");
	a->lease = map;
	return HF_OK;
}

static enum hf_code on_actuate(struct actuate *a, struct hf_msg *msg, struct hf_err *err)
{
	const struct hf_mono now = now_of();
	struct hf_actuate body;

	hf_msg_get(msg, &body, sizeof body);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (body.camera >= a->config->camera_count || body.zone >= a->config->zone_count ||
	    memchr(body.event_class, '\0', sizeof body.event_class) == NULL)
		return hf_fail(err, HF_E_INVALID, "actuate: camera %u, zone %u", body.camera,
			       body.zone);
	a->asked++;
	if (!a->ready_told || !hf_lease_holds(a->lease, now, body.camera)) {
		a->refused++;
		hf_log(HF_LOG_WARN, "actuation_refused", "local_seq=%llu why=\"%s\"",
		       (unsigned long long)body.local_seq,
		       a->ready_told ? "no lease" : "not ready");
		return HF_OK;
	}
	a->cause = body;
	a->off_at = hf_mono_add_ms(now, a->config->actuation_hold_ms);
	if (!a->on)
		aim(a, true, NULL, now);
	return HF_OK;
}

static enum hf_code on_message(void *context, struct hf_link *link, struct hf_msg *msg,
			       struct hf_err *err)
{
	(void)link;
	if (msg->type == HF_MSG_LEASE)
		return on_lease(context, msg, err);
	if (msg->type == HF_MSG_ACTUATE)
		return on_actuate(context, msg, err);
	return hf_fail(err, HF_E_INVALID, "%s is not for actuate", hf_msg_name(msg->type));
}

static enum hf_code on_start(void *context, struct hf_err *err)
{
	struct actuate *a = context;

	return a->lease != NULL ? HF_OK : hf_fail(err, HF_E_INVALID, "start without a lease");
}

/* ---- its life ---- */

static void report(struct actuate *a, struct hf_mono now)
{
	char text[256];
	struct hf_json json = hf_json_begin(text, sizeof text);

	if (hf_mono_before(now, a->report_at))
		return;
	a->report_at = hf_mono_add_ms(now, REPORT_MS);
	hf_json_object_open(&json);
	hf_json_put_bool(&json, "on", a->on);
	hf_json_put_bool(&json, "failed", a->failed);
	hf_json_put_u64(&json, "asked", a->asked);
	hf_json_put_u64(&json, "refused", a->refused);
	hf_json_object_close(&json);
	if (hf_json_end(&json, NULL) == HF_OK)
		hf_worker_stats(a->worker, text);
	send_signals(a);
}

static int wait_ms(const struct actuate *a)
{
	if (a->command.pid != 0)
		return COMMAND_LOOK_MS;
	return a->on ? HF_LEASE_LOOK_MS : IDLE_MS;
}

/* The supervisor has gone, or wants us to: off, whatever it takes, within a bound. */
static int end(struct actuate *a)
{
	aim(a, false, "stopped", now_of());
	const struct hf_mono deadline = hf_mono_add_ms(now_of(), LAST_MS_MAX);

	while (!a->settled && hf_mono_before(now_of(), deadline)) {
		const struct timespec pause = { .tv_nsec = COMMAND_LOOK_MS * 1000000L };

		(void)nanosleep(&pause, NULL);
		hf_pulse_beat(hf_worker_pulse(a->worker), now_of());
		look_at_output(a, now_of());
	}
	if (!a->settled)
		hf_log(HF_LOG_ERROR, "output_left_on", "it may be on: %s", a->failed_why);
	return a->settled ? 0 : 1;
}

static int work(struct actuate *a)
{
	struct hf_err err = { 0 };

	aim(a, false, "started", now_of());
	while (hf_worker_step(a->worker, wait_ms(a), &err) == HF_OK) {
		look_at_lease(a, now_of());
		look_at_output(a, now_of());
		/* Off, or known that it could not be: the unit is told so, and need not wait. */
		if (!a->ready_told && hf_worker_started(a->worker) && (a->settled || a->failed)) {
			a->ready_told = true;
			if (hf_worker_ready(a->worker, &err) != HF_OK)
				break;
		}
		if (a->ready_told)
			report(a, now_of());
		if (a->failed && a->line_fd < 0 && hf_sandbox_stale(&a->sandbox) != NULL)
			return EXIT_ANEW;
	}
	if (err.code != HF_E_CLOSED)
		hf_log(HF_LOG_ERROR, "step_failed", "%s", err.text);
	return end(a);
}

static enum hf_code prepare(struct actuate *a, struct hf_err *err)
{
	a->config = hf_worker_config(a->worker);
	if (!hf_actuation_configured(a->config))
		return hf_fail(err, HF_E_INVALID, "the configuration names no output");
	if (a->config->actuation_gpio[0] == '\0')
		return HF_OK;
	return hf_gpio_line_parse(a->config->actuation_gpio, &a->line, err);
}

int main(void)
{
	static struct actuate a = { .line_fd = -1 };
	const struct hf_worker_ops ops = { .context = &a,
					   .on_start = on_start,
					   .on_message = on_message };
	struct hf_err err = { 0 };
	int status = 1;

	if (hf_worker_open(HF_ROLE_ACTUATE, &ops, &a.worker, &err) != HF_OK ||
	    prepare(&a, &err) != HF_OK) {
		hf_log(HF_LOG_ERROR, "not_started", "%s", err.text);
	} else {
		hf_sandbox_worker(hf_worker_hello(a.worker), a.config, &a.sandbox);
		status = work(&a);
	}
	command_kill(&a.command);
	if (a.line_fd >= 0)
		(void)close(a.line_fd);
	if (a.lease != NULL)
		(void)munmap((void *)(uintptr_t)a.lease, sizeof *a.lease);
	hf_worker_close(a.worker);
	return status;
}
