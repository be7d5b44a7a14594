/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * keeper_host - the real keeper executable between a program that plays supervisor,
 * producers and uplink.
 *
 * Shape       Producer 0 .. producers-1 each have a link of their own. Keeper takes them
 *             for respond.0 .. respond.14; the sixteenth speaks through the control link,
 *             as the supervisor's own events do. keeper_host_letter() is what the
 *             producer's origins must carry. Who has several producers gives each a run
 *             of its own: origins are not told apart by link.
 *
 *             The keeper is started with this program's environment (LD_PRELOAD is set
 *             around keeper_host_start() and taken back) and may be a script that ends in
 *             `exec strace -D ... keeper`: then the pid is still keeper's.
 *
 * Owners      keeper_host_kill() and keeper_host_stop() give everything back; the pid and
 *             the descriptors are read freely. Options are borrowed for the call.
 *
 * Errors      HF_E_CLOSED: keeper is gone. HF_E_AGAIN from keeper_host_offer(): its queue
 *             is full; from the others: nothing came in time.
 */
#include "proc/common/spawn.h"
#include "shape/event.h"

enum {
	/* As many links as a worker has, but for the supervisor's and uplink's; and the
	 * supervisor's own. */
	KEEPER_HOST_PRODUCERS_MAX = 16,
	KEEPER_HOST_WAIT_MS = 60000, /* far beyond what it takes: only a hang meets it */
};

struct keeper_host_options {
	const char *executable;
	const char *data_path;
	const char *run_path; /* gone with the power: where the watermark is */
	const char *device_id;
	const char *boot_id;
	uint64_t boot;
	uint64_t run;
	uint32_t restarts; /* of keeper in this run */
	unsigned producers;
	const struct hf_config *config; /* NULL: the defaults */
	int stderr_fd;                  /* -1: ours */
};

struct keeper_host {
	struct hf_child child;
	unsigned producers;
	int respond[KEEPER_HOST_PRODUCERS_MAX - 1]; /* our ends */
	int uplink;
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX]; /* of the message received last */
};

/* Start it and hand it its links; it does not run before keeper_host_ready(). */
enum hf_code keeper_host_spawn(const struct keeper_host_options *options,
			       struct keeper_host *ret_host, struct hf_err *err) HF_MUST_CHECK;
/* START, then wait for its READY. */
enum hf_code keeper_host_ready(struct keeper_host *host, struct hf_err *err) HF_MUST_CHECK;
/* Both. */
enum hf_code keeper_host_start(const struct keeper_host_options *options,
			       struct keeper_host *ret_host, struct hf_err *err) HF_MUST_CHECK;

/* The descriptor to poll for this producer's answers. */
int keeper_host_fd(const struct keeper_host *host, unsigned producer);
char keeper_host_letter(unsigned producer);

enum hf_code keeper_host_offer(const struct keeper_host *host, unsigned producer,
			       const struct hf_offer *offer, struct hf_err *err) HF_MUST_CHECK;

/* The next message of this type on a descriptor; others in between are passed over.
 * It borrows the host's buffer. */
enum hf_code keeper_host_receive(struct keeper_host *host, int fd, enum hf_msg_type type,
				 int wait_ms, struct hf_msg *ret_msg,
				 struct hf_err *err) HF_MUST_CHECK;
/* wait_ms 0: only what is there. */
enum hf_code keeper_host_ack(struct keeper_host *host, unsigned producer, int wait_ms,
			     struct hf_ack *ret_ack, struct hf_err *err) HF_MUST_CHECK;

/* How it ended, when it does so by itself. */
enum hf_code keeper_host_wait(struct keeper_host *host, struct hf_exit *ret_exit,
			      struct hf_err *err) HF_MUST_CHECK;
/* The end of its control link: it finishes what it has, closes its files and exits. */
enum hf_code keeper_host_stop(struct keeper_host *host, struct hf_exit *ret_exit,
			      struct hf_err *err) HF_MUST_CHECK;
/* SIGKILL, and wait for its end. Nothing when there is none. */
void keeper_host_kill(struct keeper_host *host);
