/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * arming - at which hours a rule speaks.
 *
 * Shape       A schedule (shape/schedule.h) a kind of rule, for the unit and
 *             for each zone; a zone's own replaces the unit's, none at all is
 *             always armed. Hours are those of one time zone a unit (time.zone).
 *
 * Numbers     The wall clock decides: a rule is armed at a moment when a clock
 *             on the wall of the site shows a day and minute within one of its
 *             windows. So where the clock goes forward, a window that would
 *             start within the missing hour starts with the first minute there
 *             is; one that lies wholly within it does not come that day. Where
 *             it goes back, the hour that comes twice is armed both times, and
 *             a window that ends within it ends twice. The moment asked about
 *             is the capture of the look on which the rule asks; in lockstep
 *             that is the clip's own time.
 *
 * Doubt       In doubt it is armed, and the answer says why: the clock was not
 *             synchronised or shows a year before 2001 (a box that boots in
 *             1970 must not be off all night; a clip may bear no date), or
 *             the zone is not known. Where no schedule is set, there
 *             is nothing to doubt.
 *
 * Owners      One a process: it sets the process's time zone (base/timezone.h).
 *             The configuration is read once, at hf_arming_new().
 *
 * Errors      hf_arming_new(): HF_E_INVALID for hours that `config check`
 *             refuses. An unknown zone is no error but a doubt.
 */
#include "base/clock.h"
#include "shape/config.h"

enum hf_arming_kind {
	HF_ARMING_ENTRY,
	HF_ARMING_LOITERING,
	HF_ARMING_KINDS,
};

enum hf_armed {
	HF_ARMED_NO,
	HF_ARMED_YES,
	HF_ARMED_CLOCK_UNSYNCED, /* armed, because of this doubt */
	HF_ARMED_ZONE_UNKNOWN,
};

struct hf_arming;

enum hf_code hf_arming_new(const struct hf_config *config, struct hf_arming **ret_arming,
			   struct hf_err *err) HF_MUST_CHECK;
void hf_arming_free(struct hf_arming *arming); /* NULL is fine */

/* Why the time zone is not known, for the log; NULL: it is, or no schedule asks for it. */
const char *hf_arming_trouble(const struct hf_arming *arming);

/* Is the wall clock to be believed from now on? At first it is not. */
void hf_arming_trust(struct hf_arming *arming, bool trusted);

/* zone: index into config.zones. */
enum hf_armed hf_arming_at(struct hf_arming *arming, enum hf_arming_kind kind, uint32_t zone,
			   struct hf_wall at);

/* "clock unsynced", "zone unknown" for events; NULL without a doubt. */
const char *hf_armed_doubt(enum hf_armed armed);
