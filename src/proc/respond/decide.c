/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: what is asked of the output is read out of the event itself, once it is stored, and not
 * remembered beside it: so it is the same whether this process raised it, or the one before it
 * that died in between. Looked for are members as hf_offer_make() writes them.
 *
 * Failures: an event that was long on its way (a full disk, a keeper that was away) asks for
 * nothing: a siren has to be about now.
 */
#include "proc/respond/respond.h"

#include "base/json.h"
#include "base/log.h"
#include "shape/actuation.h"

#include <stdio.h>
#include <string.h>

enum {
	FRESH_MS = 10000,
	MEMBER_BYTES = 2 * HF_ID_BYTES + 6 * HF_ID_BYTES, /* each byte escaped, and a key */
};

void decide_open(const struct respond *respond)
{
	const struct hf_config *config = hf_worker_config(respond->worker);
	char name[HF_ID_BYTES];

	for (const char *at = config->actuation_on; hf_actuation_next(&at, name);) {
		bool known = false;

		for (int rule = 0; rule < HF_RULE_COUNT; rule++)
			known = known || strcmp(hf_rule_event_class((enum hf_rule)rule), name) == 0;
		if (!known)
			hf_log(HF_LOG_WARN, "actuation_class_unknown",
			       "class=\"%s\" no rule raises such an event: it switches nothing",
			       name);
	}
}

const char *decision_held(const struct respond *respond, uint32_t camera)
{
	const struct hf_unit *unit = hf_worker_unit(respond->worker);

	if (unit->observe_only != 0)
		return "observe_only";
	return (unit->cameras_held >> camera & 1) != 0 ? "camera_held" : NULL;
}

/* Is "key":"value" a member of this? Quotes in values are escaped: it cannot be part of one. */
static bool has_member(const char *text, size_t size_bytes, const char *key, const char *value)
{
	char object[MEMBER_BYTES];
	struct hf_err err;
	struct hf_json json = hf_json_begin(object, sizeof object);

	hf_json_object_open(&json);
	hf_json_put_text(&json, key, value);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK)
		return false;
	/* Without its braces. */
	return memmem(text, size_bytes, object + 1, strlen(object) - 2) != NULL;
}

static bool wants(const struct hf_offer *offer, const char *list, char ret_class[HF_ID_BYTES])
{
	for (int rule = 0; rule < HF_RULE_COUNT; rule++) {
		const char *name = hf_rule_event_class((enum hf_rule)rule);

		if (!hf_actuation_wants(list, name) ||
		    !has_member(offer->head, offer->head_bytes, "event_class", name))
			continue;
		(void)snprintf(ret_class, HF_ID_BYTES, "%s", name);
		return true;
	}
	return false;
}

static bool is_fresh(const struct hf_pending *pending, struct hf_mono now)
{
	return pending->captured.us > 0 &&
	       hf_mono_diff_us(now, pending->captured) < FRESH_MS * INT64_C(1000);
}

void decide_stored(struct respond *respond, const struct hf_ack *ack,
		   const struct hf_pending *pending)
{
	const struct hf_config *config = hf_worker_config(respond->worker);
	const struct hf_offer *offer = &pending->offer;
	struct hf_actuate ask = { .local_seq = ack->local_seq };
	struct hf_err err;

	if (!hf_actuation_configured(config) || respond->lockstep ||
	    !wants(offer, config->actuation_on, ask.event_class) ||
	    !is_fresh(pending, respond_now()) ||
	    has_member(offer->tail, offer->tail_bytes, "decision", "held"))
		return;
	while (ask.zone < config->zone_count &&
	       !has_member(offer->head, offer->head_bytes, "zone_id", config->zones[ask.zone].id))
		ask.zone++;
	if (ask.zone == config->zone_count)
		return;
	ask.camera = config->zones[ask.zone].camera;
	if (decision_held(respond, ask.camera) != NULL)
		return;
	if (hf_worker_send(respond->worker, HF_ROLE_ACTUATE, 0, HF_MSG_ACTUATE, &ask, sizeof ask,
			   &err) != HF_OK)
		hf_log(HF_LOG_ERROR, "actuation_not_asked", "local_seq=%llu why=\"%s\"",
		       (unsigned long long)ack->local_seq, err.text);
}
