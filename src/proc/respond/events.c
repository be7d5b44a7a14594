/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/respond/respond.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SAVE_EVERY_MS = 1000,
	THUMB_LIMIT_MS = 10000,
	THUMB_ERROR_BYTES_MAX = 200,
	FOLDER_MODE = 0750,
	/* A restart whose saved state is lost must not give a number twice: keeper would take
	 * the new event for an old one. So each start counts from its own block. */
	RESTART_BLOCK_BITS = 32,
};

/* Numbers */

static uint64_t first_n(const struct hf_hello *hello)
{
	return ((uint64_t)hello->restarts << RESTART_BLOCK_BITS) + 1;
}

static struct hf_save_parts parts_of(struct respond *respond)
{
	const struct hf_hello *hello = hf_worker_hello(respond->worker);

	return (struct hf_save_parts){ .boot = hello->boot,
				       .run = hello->run,
				       .origin_next = respond->origin_next,
				       .stays = hf_scene_stays(respond->scene),
				       .rules = hf_scene_rules(respond->scene),
				       .offers = &respond->offers };
}

static void note(struct respond *respond, const char *event_class, const char *key,
		 const char *value)
{
	char attrs[sizeof(((struct hf_note *)NULL)->attrs)];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	struct hf_err err;

	hf_json_object_open(&json);
	hf_json_put_text(&json, key, value);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK ||
	    hf_worker_note(respond->worker, event_class, NULL, attrs, &err) != HF_OK)
		hf_log(HF_LOG_WARN, "note_unsent", "class=%s why=\"%s\"", event_class, err.text);
}

void events_open(struct respond *respond)
{
	const struct hf_hello *hello = hf_worker_hello(respond->worker);
	char absolute[PATH_MAX];
	struct hf_err err;

	(void)snprintf(respond->context.boot_id, sizeof respond->context.boot_id, "%.*s",
		       (int)sizeof respond->context.boot_id - 1, hello->boot_id);
	(void)snprintf(respond->context.release, sizeof respond->context.release, "%.*s",
		       (int)sizeof respond->context.release - 1, hello->release);
	respond->origin_next = first_n(hello);
	hf_offers_reset(&respond->offers);

	if (hello->data_path[0] == '\0')
		return;
	/* Events name their pictures by absolute paths. */
	const char *data_path = realpath(hello->data_path, absolute);
	if (data_path == NULL || strlen(data_path) >= HF_PATH_BYTES)
		data_path = hello->data_path;
	(void)snprintf(respond->thumbs_path, sizeof respond->thumbs_path, "%.*s/thumbs",
		       HF_PATH_BYTES - 1, data_path);
	if (hf_folder_make(respond->thumbs_path, FOLDER_MODE, &err) != HF_OK)
		hf_log(HF_LOG_ERROR, "no_thumbs",
		       "events go without pictures until this is mended: %s", err.text);
}

enum hf_code events_restore(struct respond *respond, const uint8_t *data, size_t size_bytes,
			    struct hf_err *err)
{
	struct hf_save_parts parts = parts_of(respond);
	uint32_t forgotten;
	enum hf_code code = hf_save_decode(data, size_bytes, hf_worker_config(respond->worker),
					   respond_now(), &parts, &forgotten, err);

	if (code != HF_OK) {
		hf_log(HF_LOG_ERROR, "state_damaged",
		       "stays and cool-downs begin anew, events not yet on disk are lost: %s",
		       err->text);
		note(respond, "respond_state_damaged", "error", err->text);
		return HF_OK; /* the supervisor only hands on what it was given */
	}
	respond->origin_next = parts.origin_next;
	respond->save_now = respond->offers.count > 0;
	hf_log(HF_LOG_INFO, "state_restored", "stays=%u offers=%zu forgotten=%u",
	       hf_stays_open(parts.stays), respond->offers.count, forgotten);
	return HF_OK;
}

/* Events */

static bool offer(struct respond *respond, const struct hf_event *event)
{
	const struct hf_hello *hello = hf_worker_hello(respond->worker);
	const struct hf_origin origin = {
		.boot = hello->boot, .run = hello->run, .n = respond->origin_next, .producer = 'r'
	};
	struct hf_offer made;
	struct hf_err err;

	if (hf_offer_make(event, &respond->context, &origin, &made, &err) != HF_OK ||
	    hf_offers_put(&respond->offers, &made, event->captured_mono, &err) != HF_OK) {
		hf_log(HF_LOG_ERROR, "event_lost", "class=%s why=\"%s\"", event->event_class,
		       err.text);
		return false;
	}
	respond->origin_next++;
	respond->events++;
	respond->save_now = true;
	hf_log(HF_LOG_INFO, "event", "class=%s camera=\"%s\" zone=\"%s\" origin=%s",
	       event->event_class, event->camera_name != NULL ? event->camera_name : "",
	       event->zone_id != NULL ? event->zone_id : "", made.origin);
	return true;
}

static enum hf_code write_thumb(struct respond *respond, const struct hf_fire *fire,
				char ret_path[HF_THUMB_PATH_BYTES], struct hf_err *err)
{
	struct hf_pulse *pulse = hf_worker_pulse(respond->worker);

	if (respond->thumbs_path[0] == '\0')
		return hf_fail(err, HF_E_NOENT, "no pictures are kept");
	hf_pulse_busy(pulse, respond_now(), THUMB_LIMIT_MS);
	enum hf_code code = hf_thumbs_write(respond->thumbs, fire->look->job.camera,
					    fire->track->id, respond->thumbs_path, ret_path, err);
	hf_pulse_idle(pulse, respond_now());
	if (code != HF_OK)
		hf_log(HF_LOG_WARN, "no_thumb", "zone=\"%s\" why=\"%s\"", fire->zone->id,
		       err->text);
	return code;
}

static void write_attrs(struct hf_json *json, struct respond *respond, const struct hf_fire *fire,
			const char *thumb_error)
{
	const struct hf_config *config = hf_worker_config(respond->worker);
	const struct hf_job *job = &fire->look->job;
	const struct hf_box *box = &fire->track->box;
	char stay[HF_STAY_ID_TEXT_BYTES];

	hf_stay_id_text(&fire->stay->id, stay);
	hf_json_object_open(json);
	hf_json_put_text(json, "source", config->sources[job->source].id);
	hf_json_put_text(json, "camera", config->cameras[job->camera].id);
	hf_json_put_u64(json, "tile", job->tile + 1);
	hf_json_put_text(json, "class", fire->stay->class_name);
	hf_json_put_text(json, "stay", stay);
	hf_json_put_u64(json, "track", fire->track->id);
	hf_json_key(json, "box");
	hf_json_array_open(json);
	hf_json_real(json, box->x, 1);
	hf_json_real(json, box->y, 1);
	hf_json_real(json, box->width, 1);
	hf_json_real(json, box->height, 1);
	hf_json_array_close(json);
	hf_json_put_real(json, "score", fire->track->score, 3);
	hf_json_key(json, "tile_size");
	hf_json_array_open(json);
	hf_json_u64(json, job->width);
	hf_json_u64(json, job->height);
	hf_json_array_close(json);
	hf_json_put_u64(json, "frame", fire->moment.frame);
	if (fire->threshold_us > 0) {
		hf_json_put_real(json, "threshold_s", (double)fire->threshold_us / 1e6, 3);
		hf_json_put_u64(json, "escalation", hf_rule_escalation(fire->rule));
	}
	/* In lockstep the same clip must give the same lines. */
	if (hf_worker_hello(respond->worker)->lockstep == 0)
		hf_json_put_real(json, "look_ms", (double)fire->look->inference_us / 1000, 1);
	hf_json_put_u64(json, "suppressed_n", fire->suppressed_n);
	const char *held = decision_held(respond, job->camera);
	if (held != NULL) {
		hf_json_put_text(json, "decision", "held");
		hf_json_put_text(json, "held_because", held);
	}
	if (hf_armed_doubt(fire->armed) != NULL)
		hf_json_put_text(json, "armed", hf_armed_doubt(fire->armed));
	if (fire->moment.blind_us > 0)
		hf_json_put_real(json, "blind_s", (double)fire->moment.blind_us / 1e6, 1);
	if (thumb_error != NULL) {
		hf_json_key(json, "thumb_error");
		hf_json_text_n(json, thumb_error, strnlen(thumb_error, THUMB_ERROR_BYTES_MAX));
	}
	hf_json_object_close(json);
}

void events_on_classes(struct respond *respond)
{
	const struct hf_config *config = hf_worker_config(respond->worker);
	const struct hf_result *result = &respond->result;

	if (respond->classes_known || result->class_count == 0)
		return;
	respond->classes_known = true;
	for (uint32_t i = 0; i < config->zone_count; i++)
		for (uint32_t j = 0; j < config->zones[i].loitering_count; j++) {
			const char *name = config->zones[i].loitering[j].class_name;
			bool has = name[0] == '\0';

			for (uint32_t k = 0; k < result->class_count; k++)
				has = has || strcmp(result->classes[k], name) == 0;
			if (!has)
				hf_log(HF_LOG_WARN, "class_unseen",
				       "zone=\"%s\" class=\"%s\" model=%s has no such class: "
				       "this threshold is never reached",
				       config->zones[i].id, name, result->model_tag);
		}
}

void events_on_fire(void *context, const struct hf_fire *fire)
{
	struct respond *respond = context;
	const struct hf_job *job = &fire->look->job;
	const struct hf_config_camera *camera =
		&hf_worker_config(respond->worker)->cameras[job->camera];
	char path[HF_THUMB_PATH_BYTES], attrs[HF_ATTRS_BYTES];
	struct hf_err thumb_err = { 0 }, err;

	if (hf_offers_full(&respond->offers)) {
		if (respond->offers.suppressed++ == 0)
			hf_log(HF_LOG_ERROR, "events_suppressed",
			       "keeper takes none and %d wait: from here on they are only counted",
			       HF_OFFERS_MAX);
		respond->suppressed++;
		return;
	}
	bool has_thumb = write_thumb(respond, fire, path, &thumb_err) == HF_OK;
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	write_attrs(&json, respond, fire, has_thumb ? NULL : thumb_err.text);
	bool has_attrs = hf_json_end(&json, &err) == HF_OK;
	if (!has_attrs)
		hf_log(HF_LOG_ERROR, "attrs_lost", "%s", err.text);

	const struct hf_event event = {
		.event_class = hf_rule_event_class(fire->rule),
		.captured_wall = fire->moment.wall,
		.captured_mono = fire->moment.mono,
		.layout_id = hf_layout_id((enum hf_layout)job->layout),
		.camera_name = camera->name[0] != '\0' ? camera->name : camera->id,
		.zone_id = fire->zone->id,
		.has_dwell = true,
		.dwell_s = (double)fire->moment.dwell_us / 1e6,
		.thumb_path = has_thumb ? path : NULL,
		.model_tag = fire->look->model_tag,
		/* In lockstep times are the clip's, and taken at their word. */
		.clock = respond->lockstep ? "synced" : hf_clock_trust(),
		.state = hf_worker_state(respond->worker),
		.attrs = has_attrs ? attrs : NULL,
	};
	if (!offer(respond, &event)) {
		respond->offers.suppressed++;
		respond->suppressed++;
	}
}

/* What was only counted becomes one event as soon as there is room for it. */
static void tell_suppressed(struct respond *respond)
{
	char attrs[128];

	if (respond->offers.suppressed == 0 || hf_offers_full(&respond->offers))
		return;
	(void)snprintf(attrs, sizeof attrs,
		       "{\"count\":%" PRIu64 ",\"reason\":\"keeper did not take events\"}",
		       respond->offers.suppressed);
	const struct hf_event event = { .event_class = "events_suppressed",
					.captured_wall = hf_wall_now(hf_clock_real()),
					.captured_mono = respond_now(),
					.clock = hf_clock_trust(),
					.state = hf_worker_state(respond->worker),
					.attrs = attrs };
	/* Cannot fail: it is short, and there is room. Told or not, it must not be tried for ever. */
	respond->offers.suppressed = 0;
	(void)offer(respond, &event);
}

/* Saves and offers */

static void save_when_due(struct respond *respond)
{
	struct hf_save_parts parts = parts_of(respond);
	struct hf_mono now = respond_now();
	size_t size_bytes, offers;
	uint32_t digest;
	struct hf_err err;

	if (!respond->save_now && hf_mono_before(now, respond->save_due))
		return;
	respond->save_due = hf_mono_add_ms(now, SAVE_EVERY_MS);
	enum hf_code code =
		hf_save_encode(&parts, hf_worker_config(respond->worker), now, respond->save,
			       sizeof respond->save, &size_bytes, &offers, &digest, &err);
	if (code == HF_OK && digest == respond->saved_digest && !respond->save_now)
		return;
	if (code == HF_OK)
		code = hf_worker_send(respond->worker, HF_ROLE_SUPERVISOR, 0, HF_MSG_SAVE,
				      respond->save, size_bytes, &err);
	if (code != HF_OK) {
		if (!respond->save_held_up)
			hf_log(HF_LOG_WARN, "save_held_up", "events wait for it: %s", err.text);
		respond->save_held_up = true;
		return;
	}
	respond->save_held_up = false;
	respond->save_now = false;
	respond->saved_digest = digest;
	hf_offers_saved(&respond->offers, offers);
}

static enum hf_code send_offer(struct respond *respond, const struct hf_offer *offer)
{
	uint8_t packed[sizeof *offer];
	struct hf_err err;

	return hf_worker_send(respond->worker, HF_ROLE_KEEPER, 0, HF_MSG_OFFER, packed,
			      hf_offer_pack(offer, packed), &err);
}

static void send_offers(struct respond *respond)
{
	const struct hf_offer *next = hf_offers_next(&respond->offers, respond_now());

	if (next == NULL)
		return;
	/* A full queue or no keeper: again after the next step, or when its link is there. */
	if (send_offer(respond, next) == HF_OK)
		hf_offers_sent(&respond->offers);
}

void events_push(struct respond *respond)
{
	tell_suppressed(respond);
	save_when_due(respond);
	send_offers(respond);
}

void events_last_words(struct respond *respond)
{
	struct hf_offers *offers = &respond->offers;

	/* What fired since the last save, or the next process would let it fire again. */
	respond->save_now = true;
	save_when_due(respond);
	/* Not past one that keeper has put off: it must not be overtaken. */
	if (offers->not_before.us != 0)
		return;
	for (size_t i = offers->under_way ? 1 : 0; i < offers->count; i++)
		if (send_offer(respond, &hf_offers_at(offers, i)->offer) != HF_OK)
			return;
}

static void on_committed(struct respond *respond, const struct hf_ack *ack,
			 const struct hf_pending *pending)
{
	int64_t latency_us = hf_mono_diff_us(ack->committed_mono, pending->captured);

	respond->committed++;
	/* A re-offer that was there already says nothing about speed; nor does lockstep. */
	if (pending->captured.us > 0 && latency_us >= 0 && ack->duplicate == 0 &&
	    hf_worker_hello(respond->worker)->lockstep == 0)
		hf_histogram_add(&respond->latency_us, (uint64_t)latency_us);
}

enum hf_code events_on_ack(struct respond *respond, const struct hf_ack *ack, struct hf_err *err)
{
	struct hf_pending pending;
	enum hf_code code = hf_offers_ack(&respond->offers, ack, respond_now(), &pending, err);

	if (code == HF_E_NOENT) {
		hf_log(HF_LOG_WARN, "stray_ack", "%s", err->text);
		return HF_OK;
	}
	if (code != HF_OK)
		return code;
	if (ack->outcome == HF_ACK_COMMITTED) {
		on_committed(respond, ack, &pending);
		decide_stored(respond, ack, &pending);
	} else if (ack->outcome == HF_ACK_REFUSED) {
		respond->refused++;
		hf_log(HF_LOG_ERROR, "event_refused",
		       "origin=%s keeper will never take it: a fault in this program, please "
		       "report it",
		       pending.offer.origin);
		note(respond, "event_refused", "origin", pending.offer.origin);
	} else if (respond->put_off++ == 0) {
		hf_log(HF_LOG_WARN, "event_put_off", "origin=%s keeper cannot store now",
		       pending.offer.origin);
	}
	/* Those that did not fit into the last save may fit now. */
	if (respond->offers.saved == 0 && respond->offers.count > 0)
		respond->save_now = true;
	return HF_OK;
}
