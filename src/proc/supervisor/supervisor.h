/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * supervisor - holdfastd's own parts: what they share. Private to this folder.
 *
 * children.c   start, watch, bury and restart the workers; give them their links
 * messages.c   what workers say to the supervisor, its own events
 * readings.c   what is known of the unit at this moment
 * govern.c     the policy: what is known goes in, what it decides is told and done
 * actions.c    what it decides, performed
 * keep.c       the device state, from run to run
 * reload.c     another policy while the unit runs
 * verbs.c      what an operator asks and wants
 * trace.c      what the policy was told and said, step by step
 * resets.c     a silent USB grabber taken off its bus and on again (usb.c)
 * lease.c      for how long the unit's output may be on
 * control.c    the control socket: status for the command line
 * saved.c      respond's state, kept for its next life
 * troubles.c   what stands in the way, as the workers reported it
 * try.c        sources and model, tried for a moment (--check)
 * settings.c   configuration by a short-lived child, folders, identity
 *
 * Owners      Single-threaded; one struct supervisor lives for the whole run.
 */
#include "boot/data.h"
#include "boot/identity.h"
#include "proc/common/spawn.h"
#include "proc/supervisor/lease.h"
#include "proc/supervisor/offers.h"
#include "proc/supervisor/readings.h"
#include "proc/supervisor/saved.h"
#include "proc/supervisor/troubles.h"
#include "recover/machine.h"
#include "recover/vigil.h"
#include "shape/config.h"

#include <systemd/sd-event.h>

enum {
	CHILDREN_MAX = HF_WORKERS_MAX,
	CRASHES_KEPT = 16,
	GOVERN_TICK_MS = 100,
	GOVERN_REASONS_MAX = 24,
	GOVERN_REASON_BYTES = 384, /* a longer one is cut */
	PENDING_MAX = HF_CASES_MAX,
	STATS_BYTES_MAX = 8192,
	CLIENTS_MAX = 16, /* of the control socket, at a time */
	USB_DEVICE_BYTES = 32,
	RING_SLOTS = 32, /* 4 tiles in flight, the rest is time for respond to take its crop */
};

enum child_phase {
	CHILD_DOWN = 1, /* waits for the policy */
	CHILD_STARTING,
	CHILD_RUNNING, /* has said READY */
	CHILD_ENDED,   /* the unit stops: not started again */
};

struct supervisor;

struct child {
	struct supervisor *supervisor;
	enum hf_role role;
	uint32_t index;
	enum child_phase phase;
	struct hf_child process;
	sd_event_source *on_exit;
	sd_event_source *on_message;
	struct hf_mono started;
	struct hf_mono ready;
	uint32_t restarts;
	struct hf_mono ended_at[CRASHES_KEPT]; /* by itself; a ring */
	uint32_t ended_count;
	uint32_t hostile;             /* messages that broke the contract */
	bool restart_ordered;         /* ended by an order: another follows at once */
	struct hf_mono overdue_since; /* 0: it is not */
	const char *overdue_because;  /* a literal */
	uint64_t progress;            /* seen last, and when it changed */
	struct hf_mono progress_at;
	const char *killed_because; /* a literal, when it was us; NULL with the next start */
	struct hf_mono killed_at;
	struct hf_mono deaf_since; /* its control link is over */
	bool stuck;                /* killed, and lives on */
	char last_exit[128];
	uint32_t notes; /* become events, for now: see may_note() */
	struct hf_mono notes_at;
	uint64_t ring_id; /* ingest only */
	int ring_fd;      /* ingest only; -1 */
	char *stats;      /* latest JSON object, NULL before the first */
};

/* Of one source; see resets.c. */
struct reset {
	struct supervisor *supervisor;
	pid_t pid;    /* of the process that does it; 0: none */
	int pidfd;    /* -1 */
	int words_fd; /* what it has to say if it fails; -1 */
	sd_event_source *on_exit;
	struct hf_mono last;
	char device[USB_DEVICE_BYTES];
	char told[HF_ERR_TEXT_BYTES_MAX]; /* why it failed last */
};

struct settings {
	char config_path[HF_PATH_BYTES];
	char data_path[HF_PATH_BYTES];
	char run_path[HF_PATH_BYTES];
	char generation_path[HF_PATH_BYTES];
	char libexec_path[HF_PATH_BYTES];
	char share_path[HF_PATH_BYTES];
};

/* An order in hand: these workers have still to be started. */
struct pending {
	struct hf_order order;
	uint32_t children; /* bits 1 << number of the child; 0: free */
	bool failed;
};

struct trace;
struct keep;
struct reload;

/* What the policy needs, and what it said last. */
struct governor {
	struct hf_policy policy;
	struct hf_policy_state state;
	struct hf_policy_input input;
	struct hf_policy_output out;
	struct readings readings;
	struct trace *trace; /* NULL: there is none */
	struct keep *keep;
	sd_event_source *timer;
	struct hf_mono stepped;
	struct hf_mono state_since;
	struct hf_unit told; /* to the workers, last */
	struct pending pending[PENDING_MAX];
	uint64_t generation;
	bool busy;
	bool again;
	bool is_volatile;
	bool state_lost;
	char policy_refused[HF_ERR_TEXT_BYTES_MAX]; /* the file on reload; empty: it is in force */
	struct reload *reload;                      /* in hand; NULL */
	pid_t reboot_pid;
	struct hf_order reboot_order;
};

struct supervisor {
	sd_event *loop;
	const struct hf_clock *clock;
	struct settings settings;
	struct hf_config config;
	int config_fd; /* sealed memfd */
	struct hf_data data;
	struct hf_identity identity;
	struct hf_event_context context;
	struct hf_mono started;

	size_t child_count;
	struct child children[CHILDREN_MAX];
	uint64_t ring_id_last;

	struct reset resets[HF_SOURCES_MAX];

	struct offers *offers;
	struct hf_mono offers_again_at; /* keeper said "later" */
	struct saved saved;
	struct lease lease;

	struct governor *governor;
	struct troubles troubles;
	struct hf_mono looked; /* at the workers' pulses, last */
	struct hf_mono awake;  /* see recover/vigil.h */

	int control_fd;
	size_t client_count;
	sd_event_source *clients[CLIENTS_MAX]; /* the oldest first */
	bool stopping;
	enum hf_role stopping_role;
	struct hf_mono stop_deadline;
	struct hf_mono goodbye_deadline; /* 0: not said yet */
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
	struct hf_signals signals; /* of the message in hand */
};

/* children.c */
void children_start(struct supervisor *supervisor);
/* Every 100 ms: workers that are silent, or do not die. */
void children_tick(struct supervisor *supervisor);
/* End it, if it runs, and start another; actions_started() is told when that was tried. */
void children_restart(struct child *child, const char *why);
void children_condemn(struct child *child, const char *why);
/* Stop them in the order of the data, so that what was seen is still committed. True: all ended. */
bool children_stop_step(struct supervisor *supervisor);
struct child *children_find(struct supervisor *supervisor, enum hf_role role, uint32_t index);
void children_close(struct supervisor *supervisor);

/* messages.c */
/* Everything it has said, within a bound: true when there may be more. */
bool message_from(struct child *child);
void raise_event(struct supervisor *supervisor, const char *event_class, const char *camera_name,
		 const char *attrs);
void send_offers(struct supervisor *supervisor);

/* govern.c */
/* Something happened, or some time passed: what does the policy say? */
void govern(struct supervisor *supervisor);
/* What came of an order; read by the next round. */
void govern_report(struct supervisor *supervisor, const struct hf_order *order,
		   enum hf_outcome_result result);
/* What an operator wants, decided at once. */
enum hf_refusal govern_command(struct supervisor *supervisor, const struct hf_command *command);
/* How the workers are to work. */
struct hf_unit govern_unit(const struct supervisor *supervisor);
/* What a reason is about: "infer.0", a source's id, a camera's name; empty: the unit. */
void govern_about(const struct supervisor *supervisor, unsigned reason, unsigned scope,
		  char ret_text[HF_ID_BYTES]);
void govern_describe(const struct supervisor *supervisor, const struct hf_case *one, char *ret_text,
		     size_t size_bytes);
/* Those that are active, in words. */
size_t govern_reasons(const struct supervisor *supervisor,
		      char ret_texts[GOVERN_REASONS_MAX][GOVERN_REASON_BYTES]);

/* actions.c */
void actions_perform(struct supervisor *supervisor, const struct hf_order *order);
/* A worker that had to be restarted was, or could not be. */
void actions_started(struct supervisor *supervisor, const struct child *child, bool ok);
/* Mark what this unit has nothing to perform with. */
void actions_available(const struct supervisor *supervisor, struct hf_policy *policy);

/* keep.c */
/* Before hf_identity_open(): see recover/slots.h. */
enum hf_code keep_find(struct supervisor *supervisor, struct hf_err *err) HF_MUST_CHECK;
/* What was found becomes the policy's state. */
void keep_open(struct supervisor *supervisor);
int64_t keep_on_ms(const struct supervisor *supervisor, struct hf_mono now);
/* Ends that were not clean, of the machine and of the supervisor, in the last half hour. */
uint32_t keep_unclean(const struct supervisor *supervisor);
void keep_tick(struct supervisor *supervisor);
void keep_store(struct supervisor *supervisor);
/* clean: the unit was told to end, and did. */
void keep_close(struct supervisor *supervisor, bool clean);

/* reload.c */
/* Read the policy's file again, in a child; what comes of it is an event. NULL, or why not now. */
const char *reload_policy(struct supervisor *supervisor);
void reload_close(struct supervisor *supervisor);

/* trace.c */
struct trace *trace_open(struct supervisor *supervisor);
void trace_step(struct supervisor *supervisor);
bool trace_freeze(struct supervisor *supervisor, const struct hf_order *order);
void trace_close(struct trace *trace); /* NULL is fine */

/* resets.c */
void resets_open(struct supervisor *supervisor);
/* The grabber of this source stays silent. Done at most every ten minutes; told how it went. */
void resets_want(struct supervisor *supervisor, uint32_t source);
void resets_close(struct supervisor *supervisor);

/* control.c */
enum hf_code control_open(struct supervisor *supervisor, struct hf_err *err) HF_MUST_CHECK;
void control_close(struct supervisor *supervisor);

/* try.c */
/* What is wrong with each goes to stderr. False: something is. */
bool try_parts(const struct settings *settings, const struct hf_config *config);

/* settings.c */
enum hf_code settings_find(const char *config_path, const char *data_path, const char *run_path,
			   struct settings *ret_settings, struct hf_err *err) HF_MUST_CHECK;
/* The configuration as the config program packed it; its complaints go to stderr as they are. */
enum hf_code settings_read_config(const struct settings *settings, struct hf_config *ret_config,
				  struct hf_err *err) HF_MUST_CHECK;
/* The policy the configuration names, in the same way. */
enum hf_code settings_read_policy(const struct settings *settings, const struct hf_config *config,
				  struct hf_policy *ret_policy, struct hf_err *err) HF_MUST_CHECK;
/* The same without waiting: ret_fd, non-blocking, gives sizeof(struct hf_policy) bytes or ends
 * early; the caller checks them, reaps the child and closes the descriptor. */
enum hf_code settings_start_policy(const struct settings *settings, const struct hf_config *config,
				   pid_t *ret_pid, int *ret_fd, struct hf_err *err) HF_MUST_CHECK;
enum hf_code settings_check_parts(const struct settings *settings,
				  struct hf_err *err) HF_MUST_CHECK;
/* run/gen/N for this run; older ones go. */
enum hf_code settings_make_generation(struct settings *settings, uint64_t run,
				      struct hf_err *err) HF_MUST_CHECK;
/* run/gen/N.K: a further one within this run; the others stay. */
enum hf_code settings_next_generation(struct settings *settings, uint64_t run, uint64_t number,
				      struct hf_err *err) HF_MUST_CHECK;
