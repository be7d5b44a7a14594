/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * supervisor - holdfastd's own parts: what they share. Private to this folder.
 *
 * children.c   start, watch, bury and restart the workers; give them their links
 * messages.c   what workers say to the supervisor, its own events, the verdict
 * resets.c     a silent USB grabber taken off its bus and on again (usb.c)
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
#include "proc/supervisor/offers.h"
#include "proc/supervisor/saved.h"
#include "proc/supervisor/troubles.h"
#include "recover/judge.h"
#include "recover/restart.h"
#include "shape/config.h"

#include <systemd/sd-event.h>

enum {
	CHILDREN_MAX = HF_JUDGE_WORKERS_MAX,
	STATS_BYTES_MAX = 8192,
	CLIENTS_MAX = 16, /* of the control socket, at a time */
	USB_DEVICE_BYTES = 32,
	RING_SLOTS = 32, /* 4 tiles in flight, the rest is time for respond to take its crop */
};

enum child_phase {
	CHILD_DOWN = 1, /* waits for restart_at */
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
	struct hf_mono restart_at;
	uint32_t restarts;
	uint32_t failures;          /* in a row */
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

	struct hf_verdict verdict;
	struct hf_mono verdict_since;
	struct troubles troubles;
	struct hf_mono looked; /* at the workers' pulses, last */
	struct hf_mono awake;  /* see recover/restart.h */

	int control_fd;
	size_t client_count;
	sd_event_source *clients[CLIENTS_MAX]; /* the oldest first */
	bool stopping;
	enum hf_role stopping_role;
	struct hf_mono stop_deadline;
	struct hf_mono goodbye_deadline; /* 0: not said yet */
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
};

/* children.c */
void children_start(struct supervisor *supervisor);
/* Every 100 ms: restarts that are due, workers that are silent. */
void children_tick(struct supervisor *supervisor);
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
/* Judge again; on a change tell the workers and raise an event. */
void judge_again(struct supervisor *supervisor);

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
enum hf_code settings_check_parts(const struct settings *settings,
				  struct hf_err *err) HF_MUST_CHECK;
/* run/gen/N for this run; older ones go. */
enum hf_code settings_make_generation(struct settings *settings, uint64_t run,
				      struct hf_err *err) HF_MUST_CHECK;
