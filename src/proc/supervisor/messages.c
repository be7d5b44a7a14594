/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What workers say to the supervisor, checked against the route table before the body is
 * looked at. A bad message condemns the worker that sent it and nobody else.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
	MESSAGES_MAX = 64, /* of one wake-up: no worker keeps the others waiting */
	LATER_MS = 1000,
	NOTES_AT_ONCE = 100, /* of one worker */
	NOTE_EVERY_MS = 1000,
};

static void offer_event(struct supervisor *supervisor, struct hf_event *event)
{
	event->clock = hf_clock_trust();
	event->state = supervisor->governor->out.state;
	offers_add(supervisor->offers, event);
	send_offers(supervisor);
}

void raise_event(struct supervisor *supervisor, const char *event_class, const char *camera_name,
		 const char *attrs)
{
	struct hf_event event = { .event_class = event_class,
				  .captured_wall = hf_wall_now(supervisor->clock),
				  .captured_mono = hf_mono_now(supervisor->clock),
				  .camera_name = camera_name,
				  .attrs = attrs };

	offer_event(supervisor, &event);
}

static void raise_noted(struct supervisor *supervisor, const struct hf_note *note)
{
	const char *camera_name = note->camera_name[0] != '\0' ? note->camera_name : NULL;
	struct hf_event event = { .event_class = note->event_class,
				  .captured_wall = note->captured_wall,
				  .captured_mono = note->captured_mono,
				  .layout_id = note->layout != HF_LAYOUT_UNKNOWN
						       ? hf_layout_id((enum hf_layout)note->layout)
						       : NULL,
				  .camera_name = camera_name,
				  .attrs = note->attrs };

	if (note->captured_mono.us == 0)
		raise_event(supervisor, note->event_class, camera_name, note->attrs);
	else
		offer_event(supervisor, &event);
}

void send_offers(struct supervisor *supervisor)
{
	struct child *keeper = children_find(supervisor, HF_ROLE_KEEPER, 0);
	struct hf_mono now = hf_mono_now(supervisor->clock);

	if (keeper == NULL || keeper->phase != CHILD_RUNNING || keeper->process.control_fd < 0 ||
	    hf_mono_before(now, supervisor->offers_again_at))
		return;
	for (;;) {
		const struct hf_offer *offer = offers_next(supervisor->offers);
		uint8_t packed[sizeof *offer];
		struct hf_err err;

		if (offer == NULL)
			return;
		if (hf_msg_send(keeper->process.control_fd, HF_MSG_OFFER, packed,
				hf_offer_pack(offer, packed), NULL, 0, &err) != HF_OK)
			return; /* full or gone: the tick or its restart comes back to it */
		offers_sent(supervisor->offers);
	}
}

static enum hf_code on_ready(struct child *child, struct hf_msg *msg, struct hf_err *err)
{
	enum hf_code code = hf_msg_end(msg, err);

	if (code != HF_OK)
		return code;
	if (child->phase != CHILD_STARTING)
		return hf_fail(err, HF_E_INVALID, "ready twice");
	child->phase = CHILD_RUNNING;
	child->ready = hf_mono_now(child->supervisor->clock);
	hf_log(HF_LOG_INFO, "worker_ready", "worker=%s.%u after_ms=%lld", hf_role_name(child->role),
	       child->index, (long long)(hf_mono_diff_us(child->ready, child->started) / 1000));
	if (child->role == HF_ROLE_KEEPER)
		send_offers(child->supervisor);
	govern(child->supervisor);
	return HF_OK;
}

static enum hf_code on_stats(struct child *child, struct hf_msg *msg, struct hf_err *err)
{
	size_t size;
	const char *text = (const char *)hf_msg_get_rest(msg, &size);
	enum hf_code code = hf_msg_end(msg, err);

	if (code != HF_OK)
		return code;
	/* It becomes part of the status: half an object would take the others' numbers with it. */
	if (size >= STATS_BYTES_MAX || !hf_json_is_object(text, size))
		return hf_fail(err, HF_E_INVALID, "stats of %zu bytes are not a JSON object", size);
	if (child->stats == NULL)
		child->stats = malloc(STATS_BYTES_MAX);
	if (child->stats == NULL)
		return HF_OK; /* shown without; the memory pressure shows elsewhere */
	memcpy(child->stats, text, size);
	child->stats[size] = '\0';
	return HF_OK;
}

/* Above all what changed for the worse cannot wait for the next tick. */
static enum hf_code on_signals(struct child *child, struct hf_msg *msg, struct hf_err *err)
{
	struct supervisor *supervisor = child->supervisor;
	struct hf_signals *signals = &supervisor->signals;
	size_t size;

	hf_msg_get(msg, signals, offsetof(struct hf_signals, samples));
	const uint8_t *samples = hf_msg_get_rest(msg, &size);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (signals->count > HF_SIGNALS_MAX || size != signals->count * sizeof *signals->samples)
		return hf_fail(err, HF_E_INVALID, "signals: %u in %zu bytes", signals->count, size);
	memcpy(signals->samples, samples, size);
	code = readings_take(&supervisor->governor->readings, &supervisor->config, child->role,
			     child->index, signals, hf_mono_now(supervisor->clock), err);
	if (code == HF_OK)
		govern(supervisor);
	return code;
}

static enum hf_code on_save(struct child *child, struct hf_msg *msg, struct hf_err *err)
{
	size_t size;
	const uint8_t *data = hf_msg_get_rest(msg, &size);
	enum hf_code code = hf_msg_end(msg, err);

	if (code == HF_OK)
		saved_put(&child->supervisor->saved, data, size);
	return code;
}

static enum hf_code on_ack(struct child *child, struct hf_msg *msg, struct hf_err *err)
{
	struct supervisor *supervisor = child->supervisor;
	struct hf_ack ack;

	hf_msg_get(msg, &ack, sizeof ack);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (memchr(ack.origin, '\0', sizeof ack.origin) == NULL || ack.outcome < HF_ACK_COMMITTED ||
	    ack.outcome > HF_ACK_LATER)
		return hf_fail(err, HF_E_INVALID, "ack: outcome %u", ack.outcome);
	if (ack.outcome == HF_ACK_LATER) {
		offers_rewind(supervisor->offers);
		supervisor->offers_again_at =
			hf_mono_add_ms(hf_mono_now(supervisor->clock), LATER_MS);
		return HF_OK;
	}
	if (ack.outcome == HF_ACK_REFUSED)
		hf_log(HF_LOG_ERROR, "event_refused", "origin=%.79s by=keeper", ack.origin);
	(void)offers_answer(supervisor->offers, &ack);
	return HF_OK;
}

/* lower_snake: it names an event for ever. */
static bool is_class(const char *text)
{
	return text[0] != '\0' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

/* A worker that says the same again and again, whatever the reason, does not fill the disk with
 * it: a hundred notes at once, then one a second. The rest is counted. */
static bool may_note(struct child *child)
{
	struct hf_mono now = hf_mono_now(child->supervisor->clock);
	int64_t earned = hf_mono_diff_us(now, child->notes_at) / (NOTE_EVERY_MS * INT64_C(1000));

	if (earned >= child->notes) {
		child->notes = 0;
		child->notes_at = now;
	} else if (earned > 0) {
		child->notes -= (uint32_t)earned;
		child->notes_at = hf_mono_add_ms(child->notes_at, earned * NOTE_EVERY_MS);
	}
	if (child->notes == NOTES_AT_ONCE)
		return false;
	child->notes++;
	return true;
}

static enum hf_code on_note(struct child *child, struct hf_msg *msg, struct hf_err *err)
{
	struct supervisor *supervisor = child->supervisor;
	struct hf_note note;

	hf_msg_get(msg, &note, sizeof note);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (memchr(note.event_class, '\0', sizeof note.event_class) == NULL ||
	    memchr(note.camera_name, '\0', sizeof note.camera_name) == NULL ||
	    memchr(note.attrs, '\0', sizeof note.attrs) == NULL)
		return hf_fail(err, HF_E_INVALID, "note is not text");
	/* Both go into the outbox as they are, and on to the hub. */
	if (!is_class(note.event_class) || !hf_json_is_object(note.attrs, strlen(note.attrs)))
		return hf_fail(err, HF_E_INVALID, "note %.63s: its class or attrs are malformed",
			       note.event_class);
	if (note.layout > HF_LAYOUT_4X4 || note.captured_mono.us < 0 || note.captured_wall.ms < 0)
		return hf_fail(err, HF_E_INVALID, "note %.63s: layout or time out of range",
			       note.event_class);

	bool is_news = troubles_note(&supervisor->troubles, note.event_class, note.attrs);
	if (is_news && !may_note(child)) {
		offers_suppress(supervisor->offers);
		is_news = false;
	} else {
		hf_log(HF_LOG_INFO, note.event_class, "worker=%s.%u attrs=%s",
		       hf_role_name(child->role), child->index, note.attrs);
	}
	if (is_news)
		raise_noted(supervisor, &note);
	govern(supervisor);
	return HF_OK;
}

static enum hf_code on_condemn(struct child *child, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_condemn condemn;
	char attrs[512];

	hf_msg_get(msg, &condemn, sizeof condemn);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (condemn.role >= HF_ROLE_COUNT || memchr(condemn.why, '\0', sizeof condemn.why) == NULL)
		return hf_fail(err, HF_E_INVALID, "condemn: role %u", condemn.role);
	struct child *peer =
		children_find(child->supervisor, (enum hf_role)condemn.role, condemn.index);
	if (peer == NULL)
		return hf_fail(err, HF_E_INVALID, "condemn: there is no %s.%u",
			       hf_role_name((enum hf_role)condemn.role), condemn.index);

	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "role", hf_role_name(peer->role));
	hf_json_put_u64(&json, "index", peer->index);
	hf_json_put_text(&json, "by", hf_role_name(child->role));
	hf_json_put_text(&json, "why", condemn.why);
	hf_json_object_close(&json);
	if (hf_json_end(&json, err) == HF_OK)
		raise_event(child->supervisor, "worker_condemned", NULL, attrs);
	children_condemn(peer, "broke the contract with a peer");
	return HF_OK;
}

static enum hf_code on_usb_reset(struct child *child, struct hf_msg *msg, struct hf_err *err)
{
	const struct hf_config *config = &child->supervisor->config;
	enum hf_code code = hf_msg_end(msg, err);

	if (code != HF_OK)
		return code;
	if (child->index >= config->source_count ||
	    config->sources[child->index].type != HF_SOURCE_V4L2 ||
	    !config->sources[child->index].usb_reset)
		return hf_fail(err, HF_E_DENIED, "usb_reset: not for this source");
	resets_want(child->supervisor, child->index);
	return HF_OK;
}

static enum hf_code handle(struct child *child, struct hf_msg *msg, struct hf_err *err)
{
	static enum hf_code (*const handlers[HF_MSG_COUNT])(struct child *, struct hf_msg *,
							    struct hf_err *) = {
		[HF_MSG_READY] = on_ready,         [HF_MSG_STATS] = on_stats,
		[HF_MSG_SAVE] = on_save,           [HF_MSG_ACK] = on_ack,
		[HF_MSG_NOTE] = on_note,           [HF_MSG_CONDEMN] = on_condemn,
		[HF_MSG_USB_RESET] = on_usb_reset, [HF_MSG_SIGNALS] = on_signals,
	};

	if (!hf_msg_allowed(msg->type, child->role) || handlers[msg->type] == NULL) {
		hf_msg_drop(msg);
		return hf_fail(err, HF_E_DENIED, "%s may not send %s to the supervisor",
			       hf_role_name(child->role), hf_msg_name(msg->type));
	}
	return handlers[msg->type](child, msg, err);
}

bool message_from(struct child *child)
{
	struct supervisor *supervisor = child->supervisor;

	for (int i = 0; i < MESSAGES_MAX; i++) {
		struct hf_msg msg;
		struct hf_err err = { 0 };
		enum hf_code code =
			hf_msg_receive(child->process.control_fd, supervisor->buffer, &msg, &err);

		if (code == HF_E_AGAIN)
			return false;
		if (code == HF_OK)
			code = handle(child, &msg, &err);
		if (code == HF_OK)
			continue;
		/* Dead is told by the pidfd; an end of file here is only its forerunner. */
		child->on_message = sd_event_source_disable_unref(child->on_message);
		child->deaf_since = hf_mono_now(supervisor->clock);
		if (code == HF_E_CLOSED)
			return false;
		hf_log(HF_LOG_ERROR, "bad_message", "worker=%s.%u why=\"%s\"",
		       hf_role_name(child->role), child->index, err.text);
		child->hostile++;
		children_condemn(child, "sent a message that breaks the contract");
		return false;
	}
	return true;
}
