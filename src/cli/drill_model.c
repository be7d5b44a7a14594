/* SPDX-License-Identifier: Apache-2.0 */
/* The network that looks: no room for it, so that the smaller one has to do. */
#include "cli/drill.h"

#include "base/auto.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	DETECTORS = 2,
	MEMORY_MIB = 48, /* holds the smaller network, and not the main one */
	NOTICE_MS = 10000,
	SERVING_MS = 3000,
	GAP_MS = 3000,
	WATCHED_MS = 5000, /* it looks, and goes on */
	OVER_MS = 300000,  /* a busy machine's delays take two minutes to be over */
	STEP_MS = 20,
};

/* ---- no room ---- */

/* What a unit may have is less than it needs: its supervisor hands the limit on to the detector
 * that it starts next. */
static bool limit_memory(struct drill *drill)
{
	const struct rlimit limit = { .rlim_cur = (rlim_t)MEMORY_MIB << 20,
				      .rlim_max = RLIM_INFINITY };
	pid_t pid;

	if (drill_inject(drill, "no more than %d MiB for what is started next (prlimit)",
			 MEMORY_MIB) &&
	    prlimit(drill->unit.pid, RLIMIT_DATA, &limit, NULL) != 0) {
		drill_fail(drill, "prlimit: %s", strerror(errno));
		return false;
	}
	return drill_signal(drill, HF_ROLE_INFER, 0, SIGKILL, &pid);
}

static void lift_limit(struct drill *drill)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	pid_t pid = drill_pid_of(drill, HF_ROLE_INFER, 0);

	(void)prlimit(drill->unit.pid, RLIMIT_DATA, &none, NULL);
	if (pid != 0)
		(void)prlimit(pid, RLIMIT_DATA, &none, NULL);
	drill_lasts(drill, drill_now_ms());
	drill_fact(drill, DRILL_FAULT, drill_now_ms(), "the limit is lifted");
}

/* The smaller network stays for its ten minutes; that no reason is left is what matters. */
static void conclude(struct drill *drill)
{
	bool over = drill_await_reasons(drill, "", OVER_MS);

	(void)drill_expect(drill, over, "reasons are left %d s after the limit was lifted",
			   OVER_MS / 1000);
	drill_measure(drill, "no reason left, from the first fault", OVER_MS,
		      over ? drill_now_ms() - drill->fault_ms : -1, "ms");
	drill_conclude_as(drill, drill->seen_state, "degraded recovering healthy", OVER_MS);
	drill_expect_no_more_than(drill, "fallback_model restart_worker shed");
}

static const struct drill_event *find_refused(const struct drill *drill)
{
	const struct drill_event *event = drill_find(drill, drill->fault_ms, "reason_entered",
						     "reason", "out_of_memory", NULL, NULL);

	return event != NULL ? event
			     : drill_find(drill, drill->fault_ms, "reason_entered", "reason",
					  "model_failed", NULL, NULL);
}

void drill_memory(struct drill *drill)
{
	const struct drill_wants wants = { 0 };

	if (!drill_start(drill, &wants) || !limit_memory(drill))
		return;
	for (int64_t end_ms = drill_now_ms() + NOTICE_MS * 2;
	     find_refused(drill) == NULL && drill_now_ms() < end_ms && !drill_interrupted();)
		drill_wait(drill, 200);
	const struct drill_event *told = find_refused(drill);
	(void)drill_expect(drill, told != NULL, "nobody said that memory was refused");
	drill_measure(drill, "refused memory told", NOTICE_MS,
		      told != NULL ? told->mono_ms - drill->fault_ms : -1, "ms");
	(void)drill_expect(drill, strcmp(drill->seen_state, "safe_mode") != 0,
			   "one detector without memory put the unit into safe mode");
	lift_limit(drill);
	conclude(drill);
}

/* ---- what looks, by the control socket ---- */

struct sight {
	int64_t looks[DETECTORS]; /* that came to a result, since that process was started */
	int64_t last_ms;          /* when some detector had one more */
	int64_t longest_ms;       /* without one */
	char tags[DETECTORS][HF_TAG_BYTES];
};

/* Told once a second by each: a gap may be shown a second too long. */
static void follow(struct drill *drill, struct sight *sight)
{
	json_t *status = drill_ask(drill, HF_MSG_CTL_STATUS);
	const json_t *worker;
	size_t i;
	int64_t now_ms = drill_now_ms();

	json_array_foreach(json_object_get(status, "workers"), i, worker)
	{
		const char *role = json_string_value(json_object_get(worker, "role"));
		json_int_t index = json_integer_value(json_object_get(worker, "index"));
		const json_t *stats = json_object_get(worker, "stats");
		const char *tag = json_string_value(json_object_get(stats, "model"));

		if (role == NULL || strcmp(role, hf_role_name(HF_ROLE_INFER)) != 0 || tag == NULL ||
		    index < 0 || index >= DETECTORS)
			continue;
		int64_t looks = (int64_t)(json_integer_value(json_object_get(stats, "jobs")) -
					  json_integer_value(json_object_get(stats, "failed")));
		if (looks > sight->looks[index])
			sight->last_ms = now_ms;
		sight->looks[index] = looks;
		(void)snprintf(sight->tags[index], sizeof sight->tags[index], "%s", tag);
	}
	json_decref(status);
	if (now_ms - sight->last_ms > sight->longest_ms)
		sight->longest_ms = now_ms - sight->last_ms;
}

static void follow_for(struct drill *drill, struct sight *sight, int64_t ms)
{
	for (int64_t end_ms = drill_now_ms() + ms; drill_now_ms() < end_ms && !drill_interrupted();
	     drill_wait(drill, STEP_MS))
		follow(drill, sight);
}

/* ---- the smaller network instead ---- */

static const struct drill_event *fallback_of(const struct drill *drill, int64_t from_ms,
					     uint32_t index)
{
	char worker[32];

	(void)snprintf(worker, sizeof worker, "%s.%u", hf_role_name(HF_ROLE_INFER), index);
	const struct drill_event *event =
		drill_find(drill, from_ms, "model_changed", "worker", worker, NULL, NULL);
	return event != NULL && json_is_true(json_object_get(event->attrs, "fallback")) ? event
											: NULL;
}

/* Each detector has given a result of another network than the main one, by what is stored and by
 * what it says. */
static void expect_fallback(struct drill *drill, struct sight *sight, const char *main_tag)
{
	const struct drill_event *chosen = drill_find(drill, drill->fault_ms, "mode_engaged",
						      "action", "fallback_model", NULL, NULL);
	int64_t first_ms = INT64_MAX, last_ms = -1;

	if (!drill_expect(drill, chosen != NULL, "the smaller network was not chosen"))
		return;
	for (uint32_t i = 0; i < DETECTORS; i++) {
		const struct drill_event *event = fallback_of(drill, chosen->mono_ms, i);
		const char *tag =
			event != NULL ? json_string_value(json_object_get(event->attrs, "model"))
				      : NULL;

		if (!drill_expect(drill, tag != NULL,
				  "no event says that a result of infer.%u is the smaller "
				  "network's",
				  i))
			return;
		(void)drill_expect(drill, strcmp(tag, main_tag) != 0,
				   "the smaller network of infer.%u is the main one, %s", i, tag);
		(void)drill_expect(drill, strcmp(tag, sight->tags[i]) == 0,
				   "infer.%u says that %s looks, the event says %s", i,
				   sight->tags[i], tag);
		drill_fact(drill, DRILL_PROCESS, event->mono_ms, "infer.%u: first result of %s", i,
			   tag);
		first_ms = event->mono_ms < first_ms ? event->mono_ms : first_ms;
		last_ms = event->mono_ms > last_ms ? event->mono_ms : last_ms;
	}
	drill_measure(drill, "fallback chosen to its first result", SERVING_MS,
		      first_ms - chosen->mono_ms, "ms");
	drill_measure(drill, "fallback chosen to results of both", SERVING_MS,
		      last_ms - chosen->mono_ms, "ms");
}

/* A detector is started where there is room for the smaller network only. The other has to change
 * while it looks. */
void drill_fallback(struct drill *drill)
{
	const struct drill_wants wants = {
		.clip = { .side = 2, .during = 50, .scene = DRILL_SCENE_BUSY }
	};
	struct sight sight = { 0 };
	char main_tag[HF_TAG_BYTES];

	if (!drill_start(drill, &wants))
		return;
	follow(drill, &sight);
	(void)snprintf(main_tag, sizeof main_tag, "%s", sight.tags[0]);
	(void)drill_expect(drill, main_tag[0] != '\0' && strcmp(main_tag, sight.tags[1]) == 0,
			   "both detectors begin with one network, and say %s and %s", main_tag,
			   sight.tags[1]);
	sight.last_ms = drill_now_ms();
	sight.longest_ms = 0;
	if (!limit_memory(drill))
		return;
	for (int64_t end_ms = drill_now_ms() + NOTICE_MS;
	     drill_now_ms() < end_ms && !drill_interrupted() &&
	     (fallback_of(drill, drill->fault_ms, 0) == NULL ||
	      fallback_of(drill, drill->fault_ms, 1) == NULL);)
		follow_for(drill, &sight, STEP_MS);
	follow_for(drill, &sight, WATCHED_MS);
	expect_fallback(drill, &sight, main_tag);
	drill_measure(drill, "no result of any detector, at the longest", GAP_MS, sight.longest_ms,
		      "ms");
	lift_limit(drill);
	conclude(drill);
}
