/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that end, hang and talk nonsense. */
#include "cli/drill.h"

#include "base/auto.h"
#include "base/file.h"
#include "cli/hired.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NOTICE_MS = 8000, /* to see what has to be there after 2 s at most; then it is missing */
	CRASH_CHILD_MS = 100,
	DETECT_MS = 2000,
	HEALTHY_MS = 60000, /* a restart, verified for 30 s, and over after 30 s */
	LOOP_MS = 600000,
	LOOKING_MS = 2000,
	LOOKED_FOR_MS = 3000, /* by then it has told of more looks than a new one at first */
	STEP_MS = 20,
	STOPPED_MS = 3000,
	GONE_MS = 2000,
	UNIT_READY_MS = 90000,
};

/* ---- one worker ---- */

static void name_of(int argument, enum hf_role *ret_role, uint32_t *ret_index)
{
	*ret_role = (enum hf_role)(argument & 0xff);
	*ret_index = (uint32_t)argument >> 8;
}

bool drill_signal(struct drill *drill, enum hf_role role, uint32_t index, int signal,
		  pid_t *ret_pid)
{
	pid_t pid = drill_pid_of(drill, role, index);

	if (pid == 0) {
		drill_fail(drill, "%s.%u did not run", hf_role_name(role), index);
		return false;
	}
	*ret_pid = pid;
	if (!drill_inject(drill, "%s to %s.%u", signal == SIGKILL ? "SIGKILL" : "SIGSTOP",
			  hf_role_name(role), index))
		return true;
	if (kill(pid, signal) != 0)
		drill_fail(drill, "signal %s.%u: %s", hf_role_name(role), index, strerror(errno));
	return true;
}

/* Its successor, by the kernel's word; and that nobody else was touched. */
static void expect_successor(struct drill *drill, enum hf_role role, const pid_t *before,
			     size_t count, pid_t old, int64_t wait_ms, int64_t *ret_ms)
{
	pid_t after[DRILL_CHILDREN_MAX];
	pid_t next = drill_await_child(drill, role, before, count, wait_ms, ret_ms);

	if (!drill_expect(drill, next != 0, "no other %s was started within %" PRId64 " s",
			  hf_role_name(role), wait_ms / 1000))
		return;
	drill_fact(drill, DRILL_PROCESS, *ret_ms, "pid %d follows %d", next, old);
	(void)drill_expect(drill, !drill_pid_lives(old), "%d still lives", old);
	size_t now = drill_children(drill, after);
	for (size_t b = 0; b < count; b++) {
		bool there = before[b] == old;

		for (size_t a = 0; a < now; a++)
			there = there || after[a] == before[b];
		(void)drill_expect(drill, there, "process %d went, too", before[b]);
	}
}

static const char *reason_for(enum hf_role role, bool hangs)
{
	if (role == HF_ROLE_UPLINK)
		return hangs ? "uplink_silent" : "uplink_down";
	return hangs ? "worker_silent" : "worker_down";
}

static void expect_story(struct drill *drill, enum hf_role role, uint32_t index, bool hangs)
{
	char worker[32];
	const char *reason = reason_for(role, hangs);

	(void)snprintf(worker, sizeof worker, "%s.%u", hf_role_name(role), index);
	const struct drill_event *entered =
		drill_await(drill, drill->fault_ms, NOTICE_MS, "reason_entered", "reason", reason,
			    "worker", worker);
	(void)drill_expect(drill, entered != NULL, "no event says %s %s", reason, worker);
	drill_measure(drill, hangs ? "hang detected" : "crash detected", DETECT_MS,
		      entered != NULL ? entered->mono_ms - drill->fault_ms : -1, "ms");
	(void)drill_expect(drill,
			   drill_await(drill, drill->fault_ms, NOTICE_MS, "action_done", "action",
				       "restart_worker", "worker", worker) != NULL,
			   "no event says that %s was restarted", worker);
	drill_conclude(drill, "recovering degraded healthy", HEALTHY_MS);
	(void)drill_expect(drill,
			   drill_find(drill, drill->fault_ms, "action_verified", "action",
				      "restart_worker", "worker", worker) != NULL,
			   "the restart of %s was not verified", worker);
	drill_expect_no_more_than(drill, "restart_worker");
}

static int64_t looks_of(const struct drill *drill, uint32_t index)
{
	return drill_worker(drill, HF_ROLE_INFER, index, true, "jobs", 0) -
	       drill_worker(drill, HF_ROLE_INFER, index, true, "failed", 0);
}

/* Its successor counts from none: fewer than before, and some, are its own. It tells once a second. */
static void expect_looking(struct drill *drill, uint32_t index, int64_t looks_before)
{
	int64_t looks = 0;

	for (int64_t end_ms = drill_now_ms() + NOTICE_MS;
	     drill_now_ms() < end_ms && !drill_interrupted() &&
	     (looks == 0 || looks >= looks_before);
	     drill_wait(drill, STEP_MS))
		looks = looks_of(drill, index);
	bool again = looks > 0 && looks < looks_before;
	(void)drill_expect(drill, again, "the new detector %u gives no result", index);
	drill_measure(drill, "crash to looking again", LOOKING_MS,
		      again ? drill_now_ms() - drill->fault_ms : -1, "ms");
}

/* A worker ends, or hangs: another follows, nobody else goes, and it is told. */
static void lose_worker(struct drill *drill, bool hangs)
{
	struct drill_wants wants = { 0 };
	pid_t before[DRILL_CHILDREN_MAX], old;
	int64_t child_ms = 0, looks = 0;
	enum hf_role role;
	uint32_t index;

	name_of(drill->kind->argument, &role, &index);
	/* A detector is seen to look where there is something to look at. */
	bool looks_again = role == HF_ROLE_INFER && !hangs;
	if (looks_again)
		wants.clip =
			(struct drill_clip){ .side = 2, .during = 50, .scene = DRILL_SCENE_BUSY };
	if (!drill_start(drill, &wants))
		return;
	if (looks_again) {
		drill_wait(drill, LOOKED_FOR_MS);
		looks = looks_of(drill, index);
	}
	size_t count = drill_children(drill, before);
	if (!drill_signal(drill, role, index, hangs ? SIGSTOP : SIGKILL, &old))
		return;
	expect_successor(drill, role, before, count, old, NOTICE_MS, &child_ms);
	if (child_ms == 0)
		return;
	/* One that hangs is noticed first: that is measured by what is stored. */
	if (!hangs)
		drill_measure(drill, "crash to child running", CRASH_CHILD_MS,
			      child_ms - drill->fault_ms, "ms");
	if (looks_again)
		expect_looking(drill, index, looks);
	expect_story(drill, role, index, hangs);
}

void drill_crash(struct drill *drill)
{
	lose_worker(drill, false);
}

void drill_hang(struct drill *drill)
{
	lose_worker(drill, true);
}

/* ---- again and again ---- */

/* Kill it whenever it is there. */
static uint32_t kill_until(struct drill *drill, enum hf_role role, uint32_t index,
			   const char *state, int64_t timeout_ms)
{
	int64_t end_ms = drill_now_ms() + timeout_ms;
	uint32_t kills = 0;

	while (drill_now_ms() < end_ms && !drill_interrupted() &&
	       strcmp(drill->seen_state, state) != 0) {
		pid_t pid = drill_pid_of(drill, role, index);

		if (pid != 0 && kill(pid, SIGKILL) == 0)
			kills++;
		drill_wait(drill, 300);
	}
	return kills;
}

static void expect_rungs(struct drill *drill)
{
	static const char *const rungs[] = { "restart_worker", "restart_group", "restart_all",
					     "reboot" };
	int64_t from_ms = drill->fault_ms;

	for (size_t i = 0; i < HF_ARRAY_LEN(rungs); i++) {
		const struct drill_event *event =
			drill_find(drill, from_ms, "action_chosen", "action", rungs[i], NULL, NULL);

		/* A machine that has just been booted is not booted again. */
		if (event == NULL && strcmp(rungs[i], "reboot") == 0)
			return;
		if (!drill_expect(drill, event != NULL, "%s did not follow in its turn", rungs[i]))
			return;
		from_ms = event->mono_ms;
	}
}

void drill_crash_loop(struct drill *drill)
{
	const struct drill_wants wants = { 0 };
	struct stat rebooted;

	if (!drill_start(drill, &wants))
		return;
	uint32_t kills = 0;
	if (drill_inject(drill, "SIGKILL to infer.0 whenever it runs"))
		kills = kill_until(drill, HF_ROLE_INFER, 0, "safe_mode", LOOP_MS);
	else
		drill_wait(drill, NOTICE_MS);
	drill_lasts(drill, drill_now_ms());
	bool safe = strcmp(drill->seen_state, "safe_mode") == 0;
	(void)drill_expect(drill, safe, "%u kills later it is %s, not in safe mode", kills,
			   drill->seen_state);
	drill_measure(drill, "crash loop to safe mode", LOOP_MS,
		      safe ? drill_now_ms() - drill->fault_ms : -1, "ms");
	drill_fact(drill, DRILL_PROCESS, drill_now_ms(),
		   "killed %u times; from now on it is let be", kills);
	expect_rungs(drill);
	if (drill_find(drill, drill->fault_ms, "action_done", "action", "reboot", NULL, NULL) !=
	    NULL)
		(void)drill_expect(drill, stat(drill->unit.rebooted, &rebooted) == 0,
				   "it says that it rebooted, and the command was not run");
	/* Left to itself the worker comes back, and safe mode stays: an operator ends it. */
	int64_t end_ms = drill_now_ms() + LOOP_MS;
	bool cleared = false;
	while (safe && !cleared && drill_now_ms() < end_ms && !drill_interrupted()) {
		drill_wait(drill, 1000);
		(void)drill_expect(drill, strcmp(drill->seen_state, "safe_mode") == 0,
				   "it left safe mode by itself");
		cleared = drill_command(drill, HF_OPERATOR_SAFE_CLEAR, "drill: it is over");
	}
	(void)drill_expect(drill, cleared || !safe, "safe mode could not be cleared");
	/* That it fell so often is shown for ten minutes, and is no fault any more. */
	bool over = drill_await_reasons(drill, "worker_crashes", HEALTHY_MS * 2);
	(void)drill_expect(drill, over || !cleared, "reasons are left long after the last kill");
	drill_conclude_as(drill, drill->seen_state, "recovering degraded healthy safe_mode",
			  LOOP_MS);
	(void)drill_expect(drill, strcmp(drill->seen_state, "safe_mode") != 0,
			   "it is in safe mode again");
}

/* ---- nonsense ---- */

bool drill_make_garbage(struct drill *drill)
{
	static const char *const workers[] = { "config", "ingest", "respond",
					       "keeper", "uplink", "paint" };
	struct drill_unit *unit = &drill->unit;
	struct hf_hired_tree tree;
	char from[HF_PATH_BYTES + 32], to[HF_PATH_BYTES + 48];
	struct hf_err err;

	if (hf_hired_find_tree(&tree, &err) != HF_OK) {
		drill_fail(drill, "%s", err.text);
		return false;
	}
	(void)snprintf(from, sizeof from, "%s/drill-garbage", tree.libexec);
	if (access(from, X_OK) != 0) {
		drill_skip(drill, "%s is not there", from);
		return false;
	}
	(void)snprintf(unit->libexec, sizeof unit->libexec, "%s/libexec", unit->folder);
	bool ok = mkdir(unit->libexec, 0755) == 0;
	(void)snprintf(to, sizeof to, "%s/infer", unit->libexec);
	ok = ok && symlink(from, to) == 0;
	(void)snprintf(from, sizeof from, "%s/infer", tree.libexec);
	(void)snprintf(to, sizeof to, "%s/infer.real", unit->libexec);
	ok = ok && symlink(from, to) == 0;
	for (size_t i = 0; i < HF_ARRAY_LEN(workers) && ok; i++) {
		(void)snprintf(from, sizeof from, "%s/%s", tree.libexec, workers[i]);
		(void)snprintf(to, sizeof to, "%s/%s", unit->libexec, workers[i]);
		ok = access(from, X_OK) != 0 || symlink(from, to) == 0;
	}
	if (!ok)
		drill_fail(drill, "make %s: %s", unit->libexec, strerror(errno));
	return ok;
}

/* The next detector to be started in place 1 sends garbage once; the one after it is good. */
static bool plant_garbage(struct drill *drill)
{
	char path[HF_PATH_BYTES + 32];

	(void)snprintf(path, sizeof path, "%s/garbage", drill->unit.folder);
	FILE *file = fopen(path, "we");
	if (file == NULL || fclose(file) != 0) {
		drill_fail(drill, "write %s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

void drill_garbage(struct drill *drill)
{
	const struct drill_wants wants = { .garbage = true };
	pid_t before[DRILL_CHILDREN_MAX], others[3];
	static const enum hf_role other_roles[] = { HF_ROLE_INGEST, HF_ROLE_RESPOND,
						    HF_ROLE_KEEPER };

	if (!drill_start(drill, &wants))
		return;
	for (size_t i = 0; i < HF_ARRAY_LEN(others); i++)
		others[i] = drill_pid_of(drill, other_roles[i], 0);
	(void)drill_children(drill, before);
	if (drill_inject(drill, "infer.1 replaced by a program that sends garbage")) {
		pid_t pid = drill_pid_of(drill, HF_ROLE_INFER, 1);

		if (!plant_garbage(drill) || pid == 0 || kill(pid, SIGKILL) != 0)
			return;
	}
	const struct drill_event *told =
		drill_await(drill, drill->fault_ms, NOTICE_MS * 2, "reason_entered", "reason",
			    "worker_hostile", "worker", "infer.1");
	(void)drill_expect(drill, told != NULL, "nobody noticed the garbage");
	for (size_t i = 0; i < HF_ARRAY_LEN(others); i++)
		(void)drill_expect(drill, drill_pid_of(drill, other_roles[i], 0) == others[i],
				   "%s was restarted, too", hf_role_name(other_roles[i]));
	/* It is shown for ten minutes, and nothing is done: what matters is that it works again. */
	(void)drill_expect(drill,
			   drill_await(drill, told != NULL ? told->mono_ms : 0, HEALTHY_MS,
				       "action_verified", "worker", "infer.1", NULL, NULL) != NULL,
			   "infer.1 did not come back");
	drill_conclude_as(drill, "degraded", "recovering degraded healthy", HEALTHY_MS);
	drill_expect_no_more_than(drill, "restart_worker");
}

/* ---- the supervisor itself ---- */

void drill_supervisor_stopped(struct drill *drill)
{
	const struct drill_wants wants = { 0 };
	pid_t before[DRILL_CHILDREN_MAX], after[DRILL_CHILDREN_MAX];

	if (!drill_start(drill, &wants))
		return;
	size_t count = drill_children(drill, before);
	pid_t pid = drill->unit.pid;
	if (drill_inject(drill, "SIGSTOP to holdfastd for %d s", STOPPED_MS / 1000)) {
		(void)kill(pid, SIGSTOP);
		json_t *answer = NULL;

		(void)usleep(STOPPED_MS * 1000);
		answer = drill_ask(drill, HF_MSG_CTL_STATUS);
		(void)drill_expect(drill, answer == NULL, "it answered while it was stopped");
		json_decref(answer);
		(void)kill(pid, SIGCONT);
	}
	drill_lasts(drill, drill_now_ms());
	drill_fact(drill, DRILL_FAULT, drill_now_ms(), "SIGCONT");
	drill_wait(drill, 5000);
	/* What it did not see meanwhile it must not hold against anybody. */
	size_t now = drill_children(drill, after);
	(void)drill_expect(drill,
			   now == count && memcmp(before, after, count * sizeof *before) == 0,
			   "workers were restarted for what the supervisor itself missed");
	(void)drill_expect(drill, drill_log_says(drill, "supervisor_was_held_up"),
			   "its log does not say that it was held up");
	drill_conclude(drill, "degraded recovering healthy", HEALTHY_MS);
	drill_expect_no_more_than(drill, "hold_camera");
}

static bool all_gone(const pid_t *pids, size_t count, int64_t timeout_ms, int64_t *ret_ms)
{
	int64_t end_ms = drill_now_ms() + timeout_ms;

	for (;;) {
		bool some = false;

		for (size_t i = 0; i < count; i++)
			some = some || drill_pid_lives(pids[i]);
		*ret_ms = drill_now_ms();
		if (!some || *ret_ms >= end_ms)
			return !some;
		(void)usleep(5000);
	}
}

static uint64_t last_seq(const struct drill *drill)
{
	return drill->event_count > 0 ? drill->events[drill->event_count - 1].seq : 0;
}

/* state: which one the next run has to come to. */
static void kill_supervisor(struct drill *drill, bool everybody, const char *state)
{
	pid_t workers[DRILL_CHILDREN_MAX];
	int64_t gone_ms = 0;
	uint64_t stored = last_seq(drill);
	size_t count = drill_children(drill, workers);

	if (!drill_inject(drill, "SIGKILL to %s",
			  everybody ? "every process of the unit" : "holdfastd"))
		return;
	(void)kill(drill->unit.pid, SIGKILL);
	for (size_t i = 0; i < count && everybody; i++)
		(void)kill(workers[i], SIGKILL);
	drill_bury(drill);
	bool gone = all_gone(workers, count, GONE_MS * 2, &gone_ms);
	(void)drill_expect(drill, gone, "workers live on without their supervisor");
	drill_measure(drill, "supervisor killed to all gone", GONE_MS,
		      gone ? gone_ms - drill->fault_ms : -1, "ms");
	int64_t again_ms = drill_now_ms();
	drill_fact(drill, DRILL_PROCESS, again_ms, "started again, as by a service manager");
	if (!drill_start_again(drill))
		return;
	bool up = drill_await_state(drill, state, UNIT_READY_MS);
	(void)drill_expect(drill, up, "it came back %s, not %s", drill->seen_state, state);
	drill_measure(drill, "start to where it was", UNIT_READY_MS,
		      up ? drill_now_ms() - again_ms : -1, "ms");
	drill_wait(drill, 1000);
	(void)drill_expect(drill, last_seq(drill) > stored, "no event was stored after it");
}

static void expect_found(struct drill *drill)
{
	(void)drill_expect(drill,
			   drill_await(drill, drill->fault_ms, NOTICE_MS, "device_state", NULL,
				       NULL, NULL, NULL) != NULL,
			   "no event says how the last run ended");
}

void drill_supervisor_killed(struct drill *drill)
{
	const struct drill_wants wants = { 0 };

	if (!drill_start(drill, &wants))
		return;
	kill_supervisor(drill, false, "healthy");
	expect_found(drill);
	drill_conclude(drill, "recovering healthy degraded", HEALTHY_MS);
	drill_expect_no_more_than(drill, "");
}

/* A latch is set before: nothing may drop it. */
void drill_everything_killed(struct drill *drill)
{
	const struct drill_wants wants = { 0 };

	if (!drill_start(drill, &wants))
		return;
	(void)drill_expect(drill, drill_command(drill, HF_OPERATOR_SAFE_ENTER, "drill: a latch"),
			   "safe mode could not be entered");
	(void)drill_await_state(drill, "safe_mode", NOTICE_MS);
	kill_supervisor(drill, true, "safe_mode");
	expect_found(drill);
	(void)drill_expect(drill, drill_command(drill, HF_OPERATOR_SAFE_CLEAR, "drill: it is over"),
			   "safe mode could not be cleared");
	drill_conclude(drill, "recovering healthy degraded safe_mode", HEALTHY_MS);
	drill_expect_no_more_than(drill, "");
}
