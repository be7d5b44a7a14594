/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * lease - the page on which the unit's output is let be on (wire/lease.h): made, handed
 * out, renewed.
 *
 * Owners      One a run, the supervisor's. It outlives actuate: the next one gets the
 *             same page. page is NULL where the configuration names no output.
 *
 * Limits      Only this process can write it: what is handed out cannot be mapped
 *             for writing, nor made shorter.
 */
#include "shape/config.h"
#include "wire/lease.h"

struct lease {
	struct hf_lease *page;
	int fd; /* -1 */
};

/* Withdrawn, until it is renewed. */
enum hf_code lease_open(const struct hf_config *config, struct lease *ret_lease,
			struct hf_err *err) HF_MUST_CHECK;
void lease_close(struct lease *lease);

/* To an actuate that starts, before START. */
enum hf_code lease_hand_out(const struct lease *lease, int control_fd,
			    struct hf_err *err) HF_MUST_CHECK;

/* Every HF_LEASE_RENEW_MS, and at once when it may no longer. may: the unit may decide, but for
 * cameras_held. */
void lease_renew(struct lease *lease, bool may, uint64_t cameras_held, struct hf_mono now);
