/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * proto - who is who, and what they say to one another.
 *
 * Shape       Bodies are plain structs of fixed size of this build; a body of
 *             another size is refused. See wire/msg.h for the framing.
 */
#include "base/clock.h"
#include "shape/event.h"
#include "shape/limits.h"
#include "shape/signal.h"
#include "shape/state.h"
#include "shape/tile.h"

#include <stdbool.h>
#include <stdint.h>

enum hf_role {
	HF_ROLE_SUPERVISOR = 0,
	HF_ROLE_INGEST,
	HF_ROLE_INFER,
	HF_ROLE_RESPOND,
	HF_ROLE_KEEPER,
	HF_ROLE_UPLINK,
	HF_ROLE_CTL,
	HF_ROLE_ACTUATE,
	HF_ROLE_COUNT,
};

const char *hf_role_name(enum hf_role role);

enum hf_msg_type {
#define HF_MSG(id, name, from, body) HF_MSG_##id,
#include "wire/proto_tbl.h"
	HF_MSG_COUNT,
};

const char *hf_msg_name(enum hf_msg_type type);
/* May this role send this message? */
bool hf_msg_allowed(enum hf_msg_type type, enum hf_role from);

enum hf_lockstep {
	HF_LOCKSTEP_NONE = 0, /* a unit: paced by the clock, the newest frame wins */
	HF_LOCKSTEP_ALL, /* detect: no pacing, no drops, every tile of every frame is looked at */
	HF_LOCKSTEP_AS_LIVE, /* analyze: no pacing, no drops, the looks a unit would take; each
			      * tick and result is answered by TAKEN */
};

/* First message to a worker: who it is, and where things are. */
struct hf_hello {
	uint32_t role;     /* enum hf_role */
	uint32_t index;    /* source number of ingest, worker number of infer, else 0 */
	uint32_t lockstep; /* enum hf_lockstep */
	uint32_t restarts; /* of this worker in this run */
	uint64_t boot;     /* boot counter */
	uint64_t run;      /* supervisor run counter */
	char boot_id[HF_BOOT_ID_BYTES];
	char device_id[HF_ID_BYTES];
	char hardware[HF_ID_BYTES]; /* its serial number; empty: none that tells it from others */
	char release[HF_TAG_BYTES];
	char data_path[HF_PATH_BYTES];       /* /var/lib/holdfast; empty: nothing is kept */
	char run_path[HF_PATH_BYTES];        /* control socket, committed watermark */
	char generation_path[HF_PATH_BYTES]; /* run/gen/N: of this run only */
	char share_path[HF_PATH_BYTES];      /* models and pages that came with the build */
};

/* A link (a new end of a socketpair) to a peer. An older link to the same peer ends with it. */
struct hf_plug {
	uint32_t role;    /* of the peer */
	uint32_t index;   /* of the peer */
	uint64_t ring_id; /* where a pixel ring comes with it, else 0 */
};

/* How the unit works from now on. Everything at zero but the rate: as it should. */
struct hf_unit {
	uint32_t state;          /* enum hf_state */
	uint32_t rate_permille;  /* of the looks a detector would take; 1000: all */
	uint32_t observe_only;   /* 1: nothing is decided; events are stored and say so */
	uint32_t fallback_model; /* 1: the smaller model of the pack */
	uint64_t cameras_held;   /* bits 1 << camera: nothing is decided from its pictures */
};

enum {
	HF_RATE_FULL_PERMILLE = 1000,
	HF_SIGNALS_MAX = 256, /* in one message */
};

/* What a worker sees, whenever it changed and at least once a second. Of its own and of what it
 * looks at; one of another role's is refused. Cut to count. */
struct hf_signals {
	uint32_t count;
	uint32_t reserved;
	struct hf_sample samples[HF_SIGNALS_MAX];
};

struct hf_note {
	char event_class[HF_ID_BYTES];
	char camera_name[HF_ID_BYTES]; /* empty = null */
	char attrs[1024];              /* a JSON object */
	/* When it was seen; mono zero: now. */
	struct hf_mono captured_mono;
	struct hf_wall captured_wall;
	uint32_t layout; /* enum hf_layout; unknown = null */
};

/* A worker has closed its link to this peer: the supervisor ends the peer and starts another. */
struct hf_condemn {
	uint32_t role;
	uint32_t index;
	char why[256];
};

struct hf_done {
	uint64_t job_id;
	uint32_t failed;
	uint32_t detection_count;
	float score_best; /* of the detections; 0: none */
	uint64_t inference_us;
};

/* HF_LOCKSTEP_AS_LIVE only: what was told is done with, its offers are acknowledged. */
struct hf_taken {
	uint64_t frame;
	uint64_t job_id; /* 0: the frame's tick */
};

enum hf_ack_outcome {
	HF_ACK_COMMITTED = 1, /* local_seq is its number, now or already before */
	HF_ACK_REFUSED,       /* the offer breaks its contract: drop it, it will never be taken */
	HF_ACK_LATER,         /* the disk is full or failing: offer it again later */
};

struct hf_ack {
	char origin[HF_ORIGIN_BYTES];
	uint64_t local_seq;
	uint32_t outcome;
	uint32_t duplicate;            /* 1: it already had this number */
	struct hf_mono committed_mono; /* when fdatasync had returned */
};

struct hf_committed {
	uint64_t local_seq;
};

/* An event is stored whose rule, camera and zone ask for the output. */
struct hf_actuate {
	uint32_t camera; /* index in the configuration */
	uint32_t zone;
	uint64_t local_seq;
	char event_class[HF_ID_BYTES];
};

/* Events that were delivered are to be sent again. */
struct hf_replay {
	char channel[HF_ID_BYTES]; /* "hub" */
	uint64_t from_seq;
	uint64_t through_seq; /* 0: all that were delivered */
};

enum hf_operator_verb {
	HF_OPERATOR_SAFE_ENTER = 1,
	HF_OPERATOR_SAFE_CLEAR,
	HF_OPERATOR_HOLD,        /* an action, for so long; 0: no longer */
	HF_OPERATOR_MAINTENANCE, /* for so long; 0: over */
	HF_OPERATOR_ACK,         /* a reason; empty: all */
	HF_OPERATOR_VERB_COUNT,
};

enum {
	HF_OPERATOR_FOR_MS_MAX = 7 * 24 * 3600 * 1000, /* an override that is forgotten ends */
};

struct hf_ctl_command {
	uint32_t verb; /* enum hf_operator_verb */
	char action[HF_ID_BYTES];
	char reason[HF_ID_BYTES];
	int64_t for_ms;
	char why[256]; /* in the operator's words: kept in the event */
};

struct hf_cursor_note {
	uint64_t acked_through; /* flushed: a file at or below may go, by retention */
};

/* How the uplink came to know that the hub has another history. */
enum hf_fork_reason {
	HF_FORK_CONFLICT = 1, /* another event under this number */
	HF_FORK_CHAIN,        /* this line does not continue what is stored */
	HF_FORK_MARK,         /* more lines than this unit ever wrote */
	HF_FORK_RECEIPT,      /* the hub signed another chain value than this unit's */
	HF_FORK_REASON_COUNT,
};

struct hf_fork_note {
	char epoch[HF_ID_BYTES]; /* under which the hub keeps them */
	uint64_t seq;    /* the first line that has to go elsewhere; 0: the next one written */
	uint32_t reason; /* enum hf_fork_reason */
};
