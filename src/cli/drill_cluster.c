/* SPDX-License-Identifier: Apache-2.0 */
/* Failures come in clusters: two at once, and one must not hide the other. */
#include "cli/drill.h"

#include "base/auto.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NOTICE_MS = 10000,
	OVER_MS = 150000,
	UNIT_READY_MS = 90000,
};

static void expect_reason(struct drill *drill, const char *reason, const char *worker)
{
	(void)drill_expect(drill,
			   drill_await(drill, drill->fault_ms, NOTICE_MS, "reason_entered",
				       "reason", reason, worker != NULL ? "worker" : NULL,
				       worker) != NULL,
			   "no event says %s %s: the other fault hid it", reason,
			   worker != NULL ? worker : "");
}

/* A detector falls while the disk is full: it is started again, and nothing else for the disk. */
void drill_cluster_crash_full(struct drill *drill)
{
	const struct drill_wants wants = { .disk = true };
	pid_t before[DRILL_CHILDREN_MAX], old;
	int64_t child_ms = 0;

	if (!drill_start(drill, &wants))
		return;
	size_t count = drill_children(drill, before);
	if (drill_inject(drill, "its disk is written full by somebody else"))
		drill_fill_disk(drill);
	drill_wait(drill, 3000);
	if (!drill_signal(drill, HF_ROLE_INFER, 0, SIGKILL, &old))
		return;
	int64_t killed_ms = drill_now_ms();
	pid_t next = drill_await_child(drill, HF_ROLE_INFER, before, count, NOTICE_MS, &child_ms);
	(void)drill_expect(drill, next != 0, "no other infer was started on a full disk");
	drill_measure(drill, "crash to child running", 100, next != 0 ? child_ms - killed_ms : -1,
		      "ms");
	drill_wait(drill, 5000);
	drill_free_disk(drill);
	drill_fact(drill, DRILL_FAULT, drill_now_ms(), "the file that filled it is removed");
	drill_wait(drill, 3000);
	expect_reason(drill, "disk_low", NULL);
	expect_reason(drill, "worker_down", "infer.0");
	drill_conclude(drill, "degraded recovering healthy", OVER_MS);
	drill_expect_no_more_than(drill, "restart_worker");
}

/* The camera's reader hangs, and the one that would store this falls. */
void drill_cluster_hang_crash(struct drill *drill)
{
	const struct drill_wants wants = { 0 };
	pid_t ingest, keeper;

	if (!drill_start(drill, &wants))
		return;
	if (!drill_signal(drill, HF_ROLE_INGEST, 0, SIGSTOP, &ingest) ||
	    !drill_signal(drill, HF_ROLE_KEEPER, 0, SIGKILL, &keeper))
		return;
	expect_reason(drill, "worker_down", "keeper.0");
	expect_reason(drill, "worker_silent", "ingest.0");
	for (int i = 0; i < 40 && drill_pid_lives(ingest); i++)
		drill_wait(drill, 50);
	if (!drill->options->sabotage)
		(void)drill_expect(drill, !drill_pid_lives(ingest) && !drill_pid_lives(keeper),
				   "the old processes are still there");
	drill_conclude(drill, "degraded recovering healthy", OVER_MS);
	drill_expect_no_more_than(drill, "restart_worker hold_camera");
}

/* What wrote to the disk dies with it: it cannot start while the disk is read-only, or starts and
 * says so; after a boot it is whole. */
void drill_cluster_killed_read_only(struct drill *drill)
{
	const struct drill_wants wants = { .disk = true };

	if (!drill_start(drill, &wants))
		return;
	uint64_t stored = drill->events[drill->event_count - 1].seq;
	if (drill_inject(drill, "an error of its disk: the kernel makes it read-only") &&
	    !drill_make_read_only(drill))
		return;
	if (drill_inject(drill, "SIGKILL to holdfastd")) {
		(void)kill(drill->unit.pid, SIGKILL);
		drill_bury(drill);
		drill_fact(drill, DRILL_PROCESS, drill_now_ms(),
			   "started again, as by a service manager");
		(void)drill_start_again(drill);
	}
	drill_wait(drill, NOTICE_MS);
	bool runs = drill->unit.pid != 0 && waitpid(drill->unit.pid, NULL, WNOHANG) == 0;
	if (!runs)
		drill->unit.pid = 0;
	drill_fact(drill, DRILL_PROCESS, drill_now_ms(), "on a read-only disk %s",
		   runs ? drill->seen_state : "it does not start, and its log says why");
	(void)drill_expect(drill, !runs || strcmp(drill->seen_state, "healthy") != 0,
			   "it calls itself healthy on a disk that cannot be written");
	drill_boot_again(drill);
	(void)drill_expect(
		drill,
		drill_find(drill, drill->fault_ms, "device_state", NULL, NULL, NULL, NULL) != NULL,
		"no event says how the last run ended");
	(void)drill_expect(drill, drill->events[drill->event_count - 1].seq > stored,
			   "nothing was stored after the boot");
	drill_conclude(drill, "degraded recovering healthy", OVER_MS);
	drill_expect_no_more_than(drill, "reboot");
}
