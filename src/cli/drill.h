/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * drill - real faults on a unit of its own, watched from outside. Private to src/cli/drill*.c.
 *
 * drill.c          the verb: which drills, the table, a line of JSON each
 * drill_set.c      which drills there are
 * drill_process.c  workers that end, hang, talk nonsense; the supervisor stopped and killed
 * drill_machine.c  disk, clock, processor, link, detectors that are too slow
 * drill_model.c    the network: no room for it
 * drill_weights.c  bits of a network that go over in memory
 * drill_camera.c   cameras and sources
 * drill_actuation.c  the output
 * drill_cluster.c  two at once
 * drill_random.c   many, at random
 * drill_quiet.c    half a day without an event, in simulation
 * drill_unit.c     the unit: its folder, its disk, its clip, start and end
 * drill_clip.c     a clip to look at
 * drill_watch.c    what the unit says and stores, and what /proc says
 * drill_say.c      what a drill finds, and its judgement
 * drill_report.c   one HTML page with a timeline for each
 *
 * Shape       A drill starts a unit, makes a fault with what the operating system
 *             has for it, and looks at three witnesses that know nothing of one
 *             another: the control socket, the events on disk, /proc. It checks
 *             which states were gone through, what was done, and that it is over
 *             at the end; times are compared with what is promised, printed, and
 *             a miss of one is no failure of the drill: that depends on the
 *             machine, too.
 *
 * Numbers     Times of events are those of the unit's own records (mono_ms), which
 *             no step of the wall clock moves; at_ms is counted from the moment of
 *             the first fault.
 *
 * Owners      Mounts are in a mount namespace of this process: they end with it,
 *             and so does the unit. hf_drill_unit_end() takes the folder away.
 */
#include "base/err.h"
#include "shape/limits.h"
#include "shape/policy.h"
#include "wire/proto.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum {
	DRILL_FACTS_MAX = 400,
	DRILL_BOUNDS_MAX = 12,
	DRILL_TALLIES_MAX = 8,
	DRILL_EVENTS_MAX = 2000,
	DRILL_TEXT_BYTES = 256,
	DRILL_PATH_BYTES = 512, /* states gone through, in words */
	DRILL_FILES_MAX = 16,
	DRILL_CHILDREN_MAX = 32,
	DRILL_CLIP_FPS = 5,
};

/* ---- what is known of one drill ---- */

enum drill_fact_kind {
	DRILL_FAULT = 0,
	DRILL_STATE,
	DRILL_REASON,
	DRILL_ACTION,
	DRILL_PROCESS,
	DRILL_FACT_KINDS,
};

struct drill_fact {
	enum drill_fact_kind kind;
	int64_t mono_ms;
	int64_t until_ms; /* of what lasts; else mono_ms */
	char text[DRILL_TEXT_BYTES];
};

struct drill_bound {
	const char *what;
	int64_t promised;
	int64_t measured; /* -1: it did not happen */
	const char *unit; /* "ms", "frames", ... */
};

/* Of many faults: how often this kind was made. */
struct drill_tally {
	const char *what;
	uint32_t alone, in_pairs;
};

enum drill_verdict {
	DRILL_OK = 0,
	DRILL_FAILED,
	DRILL_SKIPPED,
};

struct drill_event {
	uint64_t seq;
	int64_t mono_ms;
	char event_class[64];
	json_t *attrs;
};

struct drill_options {
	const char *policy_path; /* NULL: the one that is installed */
	const char *clip;        /* NULL: one is made */
	bool sabotage;           /* no fault is made: the drill has to notice */
	bool keep;               /* folders of units stay */
	bool verbose;
	uint64_t seed;
	uint32_t count; /* of random injections */
};

/* A unit, and where everything of it is. */
struct drill_unit {
	char folder[HF_PATH_BYTES];
	char data[HF_PATH_BYTES + 16];
	char run[HF_PATH_BYTES + 16];
	char config[HF_PATH_BYTES + 16];
	char clip[HF_PATH_BYTES + 16];
	char log[HF_PATH_BYTES + 16];
	char rebooted[HF_PATH_BYTES + 16]; /* is there when the unit wanted the machine restarted */
	char clock[HF_PATH_BYTES + 16];    /* what libfaketime reads; empty: the clock is real */
	char libexec[HF_PATH_BYTES + 16];  /* of its own; empty: the installed one */
	bool mounted;
	pid_t pid; /* 0: it does not run */
};

enum drill_scene {
	DRILL_SCENE_CALM = 0,
	DRILL_SCENE_SILENT,
	DRILL_SCENE_FROZEN,
	DRILL_SCENE_BUSY, /* on every camera something moves, all the time: looks are wanted */
};

/* In frames; see drill_make_clip(). */
struct drill_clip {
	uint32_t side; /* cameras a side */
	uint32_t before, during, after;
	enum drill_scene scene;
};

struct drill_wants {
	struct drill_clip clip; /* side 0: ten calm seconds of 2x2 */
	bool disk;              /* a file system of its own */
	bool clock;             /* one that can be stepped */
	bool garbage;           /* infer.1 is not what it should be, when told so */
	bool actuation;         /* an output, which is a command */
	uint32_t on_s;          /* and for so long is on; 0: 30 */
	bool two_sources;       /* a second one, with one camera */
	int64_t objective_ms;   /* of latency; 0: the standard */
	const char *hub_url;    /* NULL: a port where nobody listens */
};

struct drill {
	const struct drill_kind *kind;
	const struct drill_options *options;
	const struct hf_policy *policy;
	struct drill_unit unit;
	enum drill_verdict verdict;
	char why[DRILL_TEXT_BYTES * 2];
	char done[DRILL_TEXT_BYTES]; /* what was injected, in words */
	char path[DRILL_PATH_BYTES];
	int64_t begun_ms; /* the unit was started */
	int64_t fault_ms; /* the first fault; 0: none yet */
	int64_t ended_ms;

	uint32_t fact_count;
	struct drill_fact facts[DRILL_FACTS_MAX];
	uint32_t bound_count;
	struct drill_bound bounds[DRILL_BOUNDS_MAX];
	uint32_t tally_count;
	struct drill_tally tallies[DRILL_TALLIES_MAX];

	uint32_t event_count;
	struct drill_event events[DRILL_EVENTS_MAX];
	struct {
		char name[64];
		int64_t offset;
	} files[DRILL_FILES_MAX];
	uint32_t file_count;
	char seen_state[32]; /* by the control socket, last */
};

struct drill_kind {
	const char *name;
	const char *about; /* what it proves */
	uint32_t seconds;  /* how long it takes, about */
	bool as_root;      /* it needs to be */
	void (*run)(struct drill *drill);
	int argument; /* of a family: role and index, ... */
};

/* ---- drill.c ---- */

bool drill_is_reached(const struct drill_bound *bound);
/* Somebody wants it to end. */
bool drill_interrupted(void);

/* ---- drill_set.c ---- */

extern const struct drill_kind drill_kinds[];
extern const size_t drill_kind_count;

/* ---- drill_unit.c ---- */

int64_t drill_now_ms(void);
/* A unit that is healthy. False: the verdict says why. */
bool drill_start(struct drill *drill, const struct drill_wants *wants);
/* One among several of one drill. NULL: out of memory. */
struct drill *drill_another(const struct drill *drill);
/* The same folders, another run, as a service manager would. */
bool drill_start_again(struct drill *drill);
bool drill_await_healthy(struct drill *drill, int64_t timeout_ms);
void drill_end(struct drill *drill);
/* It was killed: wait for it. */
void drill_bury(struct drill *drill);
/* Run a program and wait; its output goes nowhere. The exit status; -1: it could not be run. */
int drill_run(const char *const *argv);
bool drill_mount(struct drill *drill);
bool drill_unmount(struct drill *drill);
bool drill_has_program(const char *name);
/* For libfaketime: "+0", "+1h", "-1y", from the real time. */
bool drill_set_clock(struct drill *drill, const char *offset);
/* A libexec folder in which infer is drill-garbage, see proc/drill/garbage.c. */
bool drill_make_garbage(struct drill *drill);

/* ---- drill_actuation.c ---- */

/* FOLDER/switch: what it is called with is added to FOLDER/switched. */
bool drill_make_switch(struct drill *drill);

/* ---- drill_clip.c ---- */

/* A recorder's screen of cameras with noise, and nobody on it: a while as it should be, a while in
 * which the second camera is away or frozen, a while as it should be. */
enum hf_code drill_make_clip(const char *path, const struct drill_clip *what,
			     struct hf_err *err) HF_MUST_CHECK;

/* ---- drill_watch.c ---- */

/* Read what was stored since, ask the unit how it is. */
void drill_look(struct drill *drill);
/* Look again and again for so long. */
void drill_wait(struct drill *drill, int64_t ms);
/* The first event of that class since from_ms whose attrs have these texts; NULL keys are free.
 * NULL: it did not come in time. */
const struct drill_event *drill_await(struct drill *drill, int64_t from_ms, int64_t timeout_ms,
				      const char *event_class, const char *key, const char *value,
				      const char *key2, const char *value2);
/* The same among those that were read; does not wait. */
const struct drill_event *drill_find(const struct drill *drill, int64_t from_ms,
				     const char *event_class, const char *key, const char *value,
				     const char *key2, const char *value2);
uint32_t drill_count(const struct drill *drill, int64_t from_ms, const char *event_class,
		     const char *key, const char *value);
/* The unit's answer, the caller's to release; NULL: it gave none. */
json_t *drill_ask(const struct drill *drill, enum hf_msg_type type);
/* An operator's wish. False: it was refused. */
bool drill_command(const struct drill *drill, enum hf_operator_verb verb, const char *why);
bool drill_await_state(struct drill *drill, const char *state, int64_t timeout_ms);
/* No reason is active but these (a list with blanks). */
bool drill_await_reasons(struct drill *drill, const char *allowed, int64_t timeout_ms);
/* The names of those that are active, with blanks between. */
void drill_reasons(const struct drill *drill, char ret_names[DRILL_TEXT_BYTES]);
/* A number the status tells of a worker, or of its stats; otherwise: it tells none. */
int64_t drill_worker(const struct drill *drill, enum hf_role role, uint32_t index, bool stats,
		     const char *key, int64_t otherwise);
/* By the control socket; 0: it does not run. */
pid_t drill_pid_of(const struct drill *drill, enum hf_role role, uint32_t index);
/* A process of that role that is none of before, by /proc; looks every 2 ms. 0: none came. */
pid_t drill_await_child(struct drill *drill, enum hf_role role, const pid_t *before,
			size_t before_count, int64_t timeout_ms, int64_t *ret_ms);
size_t drill_children(const struct drill *drill, pid_t ret_pids[DRILL_CHILDREN_MAX]);
bool drill_pid_lives(pid_t pid);
/* Its log has this text somewhere. */
bool drill_log_says(const struct drill *drill, const char *text);

/* ---- drill_say.c ---- */

bool drill_in_list(const char *list, const char *word);

void drill_fact(struct drill *drill, enum drill_fact_kind kind, int64_t mono_ms, const char *format,
		...) __attribute__((format(printf, 4, 5)));
void drill_lasts(struct drill *drill, int64_t until_ms); /* the fact before */
void drill_fail(struct drill *drill, const char *format, ...) __attribute__((format(printf, 2, 3)));
void drill_skip(struct drill *drill, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool drill_expect(struct drill *drill, bool holds, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void drill_measure(struct drill *drill, const char *what, int64_t promised, int64_t measured,
		   const char *unit);
/* A fault is made now; it is said what. False: this run is sabotaged, make none. */
bool drill_inject(struct drill *drill, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* How it ended: healthy, the outbox whole, no state but those named (a list with blanks). */
void drill_conclude(struct drill *drill, const char *states, int64_t within_ms);
/* The same with another last state. */
void drill_conclude_as(struct drill *drill, const char *last, const char *states,
		       int64_t within_ms);
/* The path and the facts, of what was seen so far. */
void drill_collect(struct drill *drill);
/* Nothing but these actions (a list with blanks) was chosen since the fault. */
void drill_expect_no_more_than(struct drill *drill, const char *actions);
/* No action more often than its budget allows, in any window. */
bool drill_expect_budgets(struct drill *drill);

/* ---- families, by drill_set.c ---- */

void drill_crash(struct drill *drill);
void drill_hang(struct drill *drill);
void drill_crash_loop(struct drill *drill);
void drill_garbage(struct drill *drill);
void drill_supervisor_stopped(struct drill *drill);
void drill_supervisor_killed(struct drill *drill);
void drill_everything_killed(struct drill *drill);
void drill_disk_full(struct drill *drill);
void drill_read_only(struct drill *drill);
void drill_clock(struct drill *drill);
void drill_cpu(struct drill *drill);
void drill_memory(struct drill *drill);
void drill_fallback(struct drill *drill);
void drill_latency(struct drill *drill);
void drill_wan_gone(struct drill *drill);
void drill_camera(struct drill *drill);
void drill_source_lost(struct drill *drill);
void drill_cameras_gone(struct drill *drill);
void drill_cluster_crash_full(struct drill *drill);
void drill_cluster_hang_crash(struct drill *drill);
void drill_cluster_killed_read_only(struct drill *drill);
void drill_actuation(struct drill *drill);
void drill_integrity(struct drill *drill);
void drill_random(struct drill *drill);
void drill_quiet_night(struct drill *drill);

/* Parts that clusters use, too. */
void drill_fill_disk(struct drill *drill);
void drill_free_disk(struct drill *drill);
bool drill_make_read_only(struct drill *drill);
/* What a boot does: end, check the disk, mount it, start again. */
void drill_boot_again(struct drill *drill);
bool drill_signal(struct drill *drill, enum hf_role role, uint32_t index, int signal,
		  pid_t *ret_pid);

/* ---- drill_weights.c ---- */

enum drill_damage {
	DRILL_DAMAGE_SIGN, /* other numbers: wrong results */
	DRILL_DAMAGE_NAN,  /* none: results that are no numbers */
};
struct drill_weights;
/* Some of the main network's, to be freed. NULL: the verdict says why. */
struct drill_weights *drill_find_weights(struct drill *drill);
/* In the memory of a detector that runs. False: the same. */
bool drill_damage_weights(struct drill *drill, const struct drill_weights *weights, pid_t pid,
			  enum drill_damage damage);

/* ---- drill_report.c ---- */

enum hf_code drill_report_write(const char *path, const struct drill *const *drills, size_t count,
				struct hf_err *err) HF_MUST_CHECK;
