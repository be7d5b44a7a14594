/* SPDX-License-Identifier: Apache-2.0 */
/* The machine below: disk, clock, processor, network; detectors that it is too slow for. */
#include "cli/drill.h"

#include "base/auto.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NOTICE_MS = 10000,
	FULL_FOR_MS = 15000,
	OVER_MS = 120000, /* holds of a minute, and what comes before */
	READ_ONLY_FOR_MS = 20000,
	UNIT_READY_MS = 90000,
	STARVED_MS = 20000,
	BURNERS = 8,
	OBJECTIVE_MS = 500,   /* severe at twice that: the pulse is well above it, all the time */
	PULSE_STOP_MS = 1250, /* a heartbeat may be older: it is alive */
	PULSE_RUN_MS = 100,
	SLOW_MS_MAX = 110000,
	SLACK_MS = 500, /* readings come once a second, ticks ten times */
	PATH_BYTES = HF_PATH_BYTES + 64,
};

/* ---- disk full ---- */

static void filler_path(const struct drill *drill, char ret_path[PATH_BYTES])
{
	(void)snprintf(ret_path, PATH_BYTES, "%s/filler", drill->unit.data);
}

/* Somebody else writes the disk full, to the last block, and goes on trying. */
void drill_fill_disk(struct drill *drill)
{
	static const char block[64 * 1024] = { 1 };
	char path[PATH_BYTES];

	filler_path(drill, path);
	HF_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0) {
		drill_fail(drill, "create %s: %s", path, strerror(errno));
		return;
	}
	for (size_t size = sizeof block; size >= 512; size /= 2)
		while (write(fd, block, size) > 0)
			;
	(void)fsync(fd);
}

void drill_free_disk(struct drill *drill)
{
	char path[PATH_BYTES];

	filler_path(drill, path);
	if (unlink(path) != 0 && errno != ENOENT)
		drill_fail(drill, "remove %s: %s", path, strerror(errno));
}

static int64_t entered_ms(struct drill *drill, const char *reason)
{
	const struct drill_event *event =
		drill_find(drill, drill->fault_ms, "reason_entered", "reason", reason, NULL, NULL);

	return event != NULL ? event->mono_ms - drill->fault_ms : -1;
}

void drill_disk_full(struct drill *drill)
{
	const struct drill_wants wants = { .disk = true };
	pid_t before[DRILL_CHILDREN_MAX], after[DRILL_CHILDREN_MAX];

	if (!drill_start(drill, &wants))
		return;
	size_t count = drill_children(drill, before);
	bool injected = drill_inject(drill, "its disk is written full by somebody else");
	int64_t end_ms = drill_now_ms() + FULL_FOR_MS;

	/* What it gives back (its ballast), somebody takes at once. */
	while (drill_now_ms() < end_ms) {
		if (injected)
			drill_fill_disk(drill);
		drill_wait(drill, 500);
	}
	drill_lasts(drill, drill_now_ms());
	bool degraded = strcmp(drill->seen_state, "degraded") == 0;
	(void)drill_expect(drill, degraded, "with a full disk it is %s, not degraded",
			   drill->seen_state);
	size_t now = drill_children(drill, after);
	(void)drill_expect(drill,
			   now == count && memcmp(before, after, count * sizeof *before) == 0,
			   "workers were restarted, which frees no disk");
	if (injected)
		drill_free_disk(drill);
	drill_fact(drill, DRILL_FAULT, drill_now_ms(), "the file that filled it is removed");
	drill_conclude(drill, "degraded recovering healthy", OVER_MS);
	(void)drill_expect(drill, entered_ms(drill, "disk_low") >= 0, "no event says disk_low");
	drill_measure(drill, "low disk noticed", 2000, entered_ms(drill, "disk_low"), "ms");
	drill_expect_no_more_than(drill, "");
}

/* ---- read-only ---- */

/* The kernel found an error on it, and will not write to it any more: what a dying card does. */
bool drill_make_read_only(struct drill *drill)
{
	struct stat data;
	char link[128], device[PATH_BYTES], path[PATH_BYTES];

	if (stat(drill->unit.data, &data) != 0)
		return false;
	(void)snprintf(link, sizeof link, "/sys/dev/block/%u:%u",
		       (unsigned)(data.st_dev >> 8 & 0xfff), (unsigned)(data.st_dev & 0xff));
	ssize_t bytes = readlink(link, device, sizeof device - 1);
	if (bytes < 0) {
		drill_fail(drill, "find the device of %s: %s", drill->unit.data, strerror(errno));
		return false;
	}
	device[bytes] = '\0';
	const char *name = strrchr(device, '/');
	(void)snprintf(path, sizeof path, "/sys/fs/ext4/%.32s/trigger_fs_error",
		       name != NULL ? name + 1 : device);
	HF_AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "drill", 5) != 5) {
		drill_skip(drill, "this kernel has no %s", path);
		return false;
	}
	/* Younger kernels do not show it in the flags of the file system: a write says so. */
	(void)snprintf(path, sizeof path, "%s/probe", drill->unit.data);
	for (int i = 0; i < 100; i++) {
		HF_AUTO_FD probe = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (probe < 0 && errno == EROFS)
			return true;
		(void)usleep(10000);
	}
	drill_fail(drill, "%s was not made read-only", drill->unit.data);
	return false;
}

/* What a boot does to it: checked and mounted again. */
static bool repair_disk(struct drill *drill)
{
	char image[PATH_BYTES];

	(void)snprintf(image, sizeof image, "%s/disk", drill->unit.folder);
	const char *const argv[] = { "fsck.ext4", "-p", "-f", image, NULL };
	int status = drill_unmount(drill) ? drill_run(argv) : -1;
	if (!drill_expect(drill, status == 0 || status == 1 || status == 2,
			  "the disk could not be repaired: fsck says %d", status))
		return false;
	return drill_expect(drill, drill_mount(drill), "the disk could not be mounted again");
}

void drill_boot_again(struct drill *drill)
{
	int64_t end_ms = drill_now_ms() + 20000;

	drill_fact(drill, DRILL_FAULT, drill_now_ms(),
		   "the machine is booted: disk checked and mounted again");
	if (drill->unit.pid != 0) {
		(void)kill(drill->unit.pid, SIGTERM);
		while (drill_pid_lives(drill->unit.pid) && drill_now_ms() < end_ms)
			(void)usleep(50000);
		(void)kill(drill->unit.pid, SIGKILL);
		drill_bury(drill);
	}
	if (!repair_disk(drill) || !drill_start_again(drill))
		return;
	int64_t again_ms = drill_now_ms();
	bool up = drill_await_healthy(drill, UNIT_READY_MS);
	drill_measure(drill, "start to healthy", UNIT_READY_MS, up ? drill_now_ms() - again_ms : -1,
		      "ms");
}

/* Is there a reason of this name, by the control socket? What cannot be stored is said. */
static bool says_reason(const struct drill *drill, const char *name)
{
	json_t *why = drill_ask(drill, HF_MSG_CTL_WHY);
	const json_t *reason;
	size_t i;
	bool found = false;

	json_array_foreach(json_object_get(why, "reasons"), i, reason)
	{
		const char *text = json_string_value(json_object_get(reason, "reason"));

		found = found || (text != NULL && strcmp(text, name) == 0);
	}
	json_decref(why);
	return found;
}

/* One of the two. */
static int64_t await_reason(struct drill *drill, const char *one, const char *other,
			    int64_t timeout_ms)
{
	int64_t begun_ms = drill_now_ms();

	while (drill_now_ms() < begun_ms + timeout_ms) {
		bool first = says_reason(drill, one);

		if (first || says_reason(drill, other)) {
			drill_fact(drill, DRILL_REASON, drill_now_ms(), "%s (as it says)",
				   first ? one : other);
			return drill_now_ms() - begun_ms;
		}
		drill_wait(drill, 100);
	}
	return -1;
}

void drill_read_only(struct drill *drill)
{
	const struct drill_wants wants = { .disk = true };
	pid_t before[DRILL_CHILDREN_MAX], after[DRILL_CHILDREN_MAX];

	if (!drill_start(drill, &wants))
		return;
	size_t count = drill_children(drill, before);
	uint64_t stored = drill->events[drill->event_count - 1].seq;
	if (drill_inject(drill, "an error of its disk: the kernel makes it read-only") &&
	    !drill_make_read_only(drill))
		return;
	/* Whatever was wanted becomes an event: something that has to be stored. */
	(void)drill_command(drill, HF_OPERATOR_ACK, "drill: something to store");
	int64_t noticed_ms =
		await_reason(drill, "disk_read_only", "outbox_failed", READ_ONLY_FOR_MS);
	drill_measure(drill, "read-only disk noticed, after its 10 s", 12000, noticed_ms, "ms");
	if (!drill_expect(drill, noticed_ms >= 0,
			  "it says neither disk_read_only nor outbox_failed"))
		return;
	drill_wait(drill, 5000);
	(void)drill_expect(drill, strcmp(drill->seen_state, "degraded") == 0,
			   "with a read-only disk it is %s, not degraded", drill->seen_state);
	size_t now = drill_children(drill, after);
	for (size_t i = 0; i < count && i < now; i++)
		(void)drill_expect(drill, before[i] == after[i],
				   "workers were restarted, which mends no disk");
	struct stat rebooted;
	bool reboots = stat(drill->unit.rebooted, &rebooted) == 0;
	drill_fact(drill, DRILL_ACTION, drill_now_ms(), "reboot %s",
		   reboots ? "asked for: up for long enough"
			   : "not done: it could not be remembered");
	drill_boot_again(drill);
	(void)drill_expect(
		drill, drill->event_count > 0 && drill->events[drill->event_count - 1].seq > stored,
		"nothing was stored after the boot");
	drill_conclude(drill, "degraded recovering healthy", OVER_MS);
	drill_expect_no_more_than(drill, "reboot");
}

/* ---- clock ---- */

static const char *const steps[] = { "+1h", "-1h", "+1y", "-1y" };

static int64_t step_ms(const char *step)
{
	int64_t hours = strchr(step, 'y') != NULL ? 365 * 24 : 1;

	return (step[0] == '-' ? -hours : hours) * 3600000;
}

void drill_clock(struct drill *drill)
{
	const struct drill_wants wants = { .clock = true };
	const char *step = steps[drill->kind->argument];
	pid_t before[DRILL_CHILDREN_MAX], after[DRILL_CHILDREN_MAX];

	if (!drill_start(drill, &wants))
		return;
	size_t count = drill_children(drill, before);
	if (drill_inject(drill, "the wall clock is stepped by %s", step) &&
	    !drill_set_clock(drill, step))
		return;
	const struct drill_event *entered =
		drill_await(drill, drill->fault_ms, NOTICE_MS, "reason_entered", "reason",
			    "clock_stepped", NULL, NULL);
	(void)drill_expect(drill, entered != NULL, "no event says clock_stepped");
	drill_measure(drill, "clock step noticed", 2000,
		      entered != NULL ? entered->mono_ms - drill->fault_ms : -1, "ms");
	/* And back, as time synchronisation would: a second step. */
	drill_wait(drill, 5000);
	if (!drill->options->sabotage) {
		drill_fact(drill, DRILL_FAULT, drill_now_ms(), "and back");
		(void)drill_set_clock(drill, "+0");
	}
	drill_conclude(drill, "degraded recovering healthy", OVER_MS);
	size_t now = drill_children(drill, after);
	(void)drill_expect(drill,
			   now == count && memcmp(before, after, count * sizeof *before) == 0,
			   "workers were restarted for a step of %" PRId64 " ms", step_ms(step));
	drill_expect_no_more_than(drill, "");
}

/* ---- processor ---- */

static size_t start_burners(pid_t ret_pids[BURNERS])
{
	size_t count = 0;

	for (size_t i = 0; i < BURNERS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (volatile uint64_t n = 0;; n++)
				;
		}
		if (pid > 0)
			ret_pids[count++] = pid;
	}
	return count;
}

static void stop_burners(const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
}

/* Slow is not dead: it may look less often, take the smaller model, and must not restart anything
 * for it, nor end in safe mode. */
void drill_cpu(struct drill *drill)
{
	const struct drill_wants wants = { 0 };
	pid_t burners[BURNERS];
	size_t count = 0;

	if (!drill_start(drill, &wants))
		return;
	if (drill_inject(drill, "%d busy processes for %d s", BURNERS, STARVED_MS / 1000))
		count = start_burners(burners);
	drill_wait(drill, STARVED_MS);
	drill_lasts(drill, drill_now_ms());
	stop_burners(burners, count);
	drill_fact(drill, DRILL_FAULT, drill_now_ms(), "they end");
	(void)drill_expect(drill, count > 0, "nothing was starved");
	drill_conclude(drill, "degraded recovering healthy", OVER_MS * 2);
	drill_expect_no_more_than(drill, "shed fallback_model");
}

/* ---- latency ---- */

static void pulse_detectors(struct drill *drill)
{
	pid_t pids[] = { drill_pid_of(drill, HF_ROLE_INFER, 0),
			 drill_pid_of(drill, HF_ROLE_INFER, 1) };

	for (size_t i = 0; i < HF_ARRAY_LEN(pids); i++)
		if (pids[i] != 0)
			(void)kill(pids[i], SIGSTOP);
	(void)usleep(PULSE_STOP_MS * 1000);
	for (size_t i = 0; i < HF_ARRAY_LEN(pids); i++)
		if (pids[i] != 0)
			(void)kill(pids[i], SIGCONT);
	drill_wait(drill, PULSE_RUN_MS);
}

/* When the reading was bad first: an active reason tells for how long it was before. */
static int64_t bad_since(const struct drill_event *entered)
{
	return entered->mono_ms -
	       (int64_t)json_integer_value(json_object_get(entered->attrs, "bad_ms"));
}

/* Detectors that are too slow for long, and alive: stopped again and again, for less than their
 * heartbeat allows. */
void drill_latency(struct drill *drill)
{
	const struct drill_wants wants = { .objective_ms = OBJECTIVE_MS };
	int64_t end_ms = 0;

	if (!drill_start(drill, &wants))
		return;
	bool injected = drill_inject(drill, "both detectors stopped for %d ms of each %d",
				     PULSE_STOP_MS, PULSE_STOP_MS + PULSE_RUN_MS);
	end_ms = drill_now_ms() + (injected ? SLOW_MS_MAX : NOTICE_MS * 2);
	while (strcmp(drill->seen_state, "safe_mode") != 0 && drill_now_ms() < end_ms &&
	       !drill_interrupted()) {
		if (injected)
			pulse_detectors(drill);
		else
			drill_wait(drill, PULSE_RUN_MS);
	}
	drill_lasts(drill, drill_now_ms());
	drill_fact(drill, DRILL_FAULT, drill_now_ms(), "they are let run");
	drill_wait(drill, 2000);
	const struct drill_event *entered = drill_find(drill, drill->fault_ms, "reason_entered",
						       "reason", "latency_severe", NULL, NULL);
	const struct drill_event *shed =
		drill_find(drill, drill->fault_ms, "mode_engaged", "action", "shed", NULL, NULL);
	const struct drill_event *safe = drill_find(drill, drill->fault_ms, "mode_engaged",
						    "action", "safe_mode", NULL, NULL);
	if (!drill_expect(drill, entered != NULL && shed != NULL && safe != NULL,
			  "severe latency was not answered by shedding, then by safe mode"))
		return;
	drill_measure(drill, "severe latency mitigated, from its first reading", 10000 + SLACK_MS,
		      shed->mono_ms - bad_since(entered), "ms");
	drill_measure(drill, "still severe: safe mode", 60000 + SLACK_MS,
		      safe->mono_ms - bad_since(entered), "ms");
	(void)drill_expect(
		drill,
		drill_find(drill, drill->fault_ms, "action_done", NULL, NULL, NULL, NULL) == NULL,
		"something was restarted, which makes nothing faster");
	bool over = drill_await_reasons(drill, "", OVER_MS * 2);
	(void)drill_expect(drill, over, "reasons are left long after they were let run");
	(void)drill_expect(drill, drill_command(drill, HF_OPERATOR_SAFE_CLEAR, "drill: fast again"),
			   "safe mode could not be cleared");
	drill_wait(drill, 1000);
	/* It lasts a minute, and is over after two minutes without. */
	drill_conclude_as(drill, drill->seen_state, "degraded healthy safe_mode", OVER_MS * 2);
	(void)drill_expect(drill, strcmp(drill->seen_state, "safe_mode") != 0,
			   "it is in safe mode again");
	drill_expect_no_more_than(drill, "shed fallback_model safe_mode");
}

/* ---- link ---- */

/* The hub is never there: nothing of the unit may depend on it. */
void drill_wan_gone(struct drill *drill)
{
	const struct drill_wants wants = { .hub_url = drill->options->sabotage ? "" : NULL };
	pid_t before[DRILL_CHILDREN_MAX], after[DRILL_CHILDREN_MAX];

	if (!drill_start(drill, &wants))
		return;
	size_t count = drill_children(drill, before);
	(void)drill_inject(drill, "the hub's port is closed, from the start");
	drill_wait(drill, NOTICE_MS * 2);
	int64_t attempts = drill_worker(drill, HF_ROLE_UPLINK, 0, true, "attempts", -1);
	(void)drill_expect(drill, attempts > 0, "it does not say that it fails to reach the hub");
	drill_measure(drill, "failed attempts that are told, at least", 1, attempts, "attempts");
	size_t now = drill_children(drill, after);
	(void)drill_expect(drill,
			   now == count && memcmp(before, after, count * sizeof *before) == 0,
			   "workers were restarted because of the network");
	drill_conclude(drill, "healthy", OVER_MS);
	drill_expect_no_more_than(drill, "");
}
