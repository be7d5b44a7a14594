/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one value alone does not tell: references, names that must differ, orders, addresses,
 * paths. A value that was refused is at its default here; nothing that depends on it is judged,
 * so that one fault gives one message.
 */
#include "boot/config_check.h"

#include "boot/config_loitering.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/suggest.h"
#include "base/timezone.h"
#include "base/url.h"
#include "shape/actuation.h"
#include "shape/polygon.h"
#include "shape/schedule.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct check {
	struct hf_config *config;
	struct hf_config_report *report;
};

static struct hf_place at(const struct check *check, enum hf_config_section section, uint32_t index,
			  const char *key)
{
	const struct hf_config_row *row = hf_config_row_find(section, key);

	HF_ASSERT(row != NULL);
	return *hf_config_place(check->report, section, index, row);
}

/* The place of a value, or where its record begins when it is not set. */
static struct hf_place place_or_record(const struct check *check, enum hf_config_section section,
				       uint32_t index, const char *key)
{
	struct hf_place place = at(check, section, index, key);

	return place.line > 0 ? place : *hf_config_record_place(check->report, section, index);
}

static bool refused(const struct check *check, enum hf_config_section section, uint32_t index,
		    const char *key)
{
	return at(check, section, index, key).refused ||
	       hf_config_record_place(check->report, section, index)->refused;
}

static const char *id_of(const struct check *check, enum hf_config_section section, uint32_t index)
{
	const struct hf_config_row *row = hf_config_row_find(section, "id");

	return (const char *)hf_config_record(check->config, section, index) + row->offset;
}

/* Every record has an id, and no two have the same. */
static void check_ids(const struct check *check, enum hf_config_section section)
{
	const struct hf_config_list *list = hf_config_list(section);
	uint32_t count = hf_config_record_count(check->config, section);

	for (uint32_t i = 0; i < count; i++) {
		struct hf_place place = place_or_record(check, section, i, "id");

		if (refused(check, section, i, "id"))
			continue;
		if (id_of(check, section, i)[0] == '\0') {
			hf_complain(&check->report->found, place,
				    "%s[].id is missing: a %s is known by it in events and "
				    "messages",
				    list->key, list->one);
			continue;
		}
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(id_of(check, section, i), id_of(check, section, j)) != 0)
				continue;
			hf_complain(&check->report->found, place,
				    "%s \"%s\" is already there, in line %u; every %s has an "
				    "id of its own",
				    list->one, id_of(check, section, i),
				    place_or_record(check, section, j, "id").line, list->one);
			break;
		}
	}
}

/* The index of the record with this id, or -1. */
static int find_id(const struct check *check, enum hf_config_section section, const char *id,
		   const char **ret_best)
{
	uint32_t count = hf_config_record_count(check->config, section);

	*ret_best = NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(id_of(check, section, i), id) == 0)
			return (int)i;
		hf_suggest_consider(id, id_of(check, section, i), ret_best);
	}
	return -1;
}

/* Make a path absolute: it is meant from the folder of the file. */
static void resolve_path(const struct check *check, struct hf_place place, const char *shown,
			 char path[HF_PATH_BYTES])
{
	char folder[PATH_MAX], whole[2 * PATH_MAX];

	if (path[0] == '\0' || path[0] == '/')
		return;
	(void)snprintf(folder, sizeof folder, "%s", check->report->found.path);
	char *slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder] = '\0';
	HF_AUTO_FREE char *absolute = realpath(slash != NULL ? folder : ".", NULL);
	(void)snprintf(whole, sizeof whole, "%s/%s", absolute != NULL ? absolute : folder, path);
	if (strlen(whole) >= HF_PATH_BYTES) {
		hf_complain(&check->report->found, place,
			    "%s: with the folder of this file before it the path is longer "
			    "than %d bytes",
			    shown, HF_PATH_BYTES - 1);
		return;
	}
	memset(path, 0, HF_PATH_BYTES);
	memcpy(path, whole, strlen(whole));
}

static void check_address(const struct check *check, struct hf_place place, const char *url)
{
	const char *scheme_end = strstr(url, "://");
	char shown[HF_PATH_BYTES];
	struct hf_url parsed;
	struct hf_err why;

	hf_url_hide(url, shown, sizeof shown);
	if (strncmp(url, "rtsp://", 7) != 0 && strncmp(url, "rtsps://", 8) != 0) {
		hf_complain(&check->report->found, place,
			    "sources[].url \"%.60s\": a source of type rtsp has an address "
			    "that begins with rtsp:// (or rtsps://)",
			    shown);
		return;
	}
	if (hf_url_parse(url, &parsed, &why) != HF_OK) {
		hf_complain(&check->report->found, place,
			    "sources[].url %s; write rtsp://HOST:PORT/PATH, with "
			    "USER:PASSWORD and an at sign before HOST if the camera asks "
			    "for them, / in a password as %%2F",
			    why.text);
		return;
	}
	if (strchr(scheme_end + 3 + strcspn(scheme_end + 3, "/?#"), '@') != NULL)
		hf_complain(&check->report->found, place,
			    "sources[].url has an @ behind its host; it is written %%40 "
			    "there, and / in a password %%2F");
}

/* What was set for another kind of source has no effect, and somebody thinks that it has. */
static void check_kind(const struct check *check, uint32_t i)
{
	static const struct {
		const char *key;
		enum hf_source_type type;
		const char *words;
	} owned[] = {
		{ "loop", HF_SOURCE_FILE, "file" },      { "pixels", HF_SOURCE_V4L2, "v4l2" },
		{ "width", HF_SOURCE_V4L2, "v4l2" },     { "height", HF_SOURCE_V4L2, "v4l2" },
		{ "usb_reset", HF_SOURCE_V4L2, "v4l2" }, { "timeout", HF_SOURCE_RTSP, "rtsp" },
		{ "transport", HF_SOURCE_RTSP, "rtsp" },
	};
	const struct hf_config_source *source = &check->config->sources[i];

	for (size_t k = 0; k < HF_ARRAY_LEN(owned); k++) {
		struct hf_place place = at(check, HF_CONFIG_SOURCES, i, owned[k].key);

		if (place.line > 0 && !place.refused && source->type != (int)owned[k].type)
			hf_warn(&check->report->found, place,
				"sources[].%s has no effect here: it is for sources of type "
				"%s",
				owned[k].key, owned[k].words);
	}
}

static void check_grabber(const struct check *check, uint32_t i)
{
	const struct hf_config_source *source = &check->config->sources[i];
	struct hf_place width = place_or_record(check, HF_CONFIG_SOURCES, i, "width");
	struct hf_place height = place_or_record(check, HF_CONFIG_SOURCES, i, "height");

	if ((source->width == 0) != (source->height == 0) &&
	    !refused(check, HF_CONFIG_SOURCES, i, "width") &&
	    !refused(check, HF_CONFIG_SOURCES, i, "height"))
		hf_complain(&check->report->found, source->width == 0 ? width : height,
			    "sources[].%s: 0 is \"as it stands\", and that is for both: set "
			    "width and height to 0, or neither",
			    source->width == 0 ? "width" : "height");
	if (strncmp(source->url, "/dev/", 5) != 0)
		hf_warn(&check->report->found, place_or_record(check, HF_CONFIG_SOURCES, i, "url"),
			"sources[].url %.100s does not lie in /dev, where devices are: "
			"/dev/video0, /dev/v4l/by-path/...",
			source->url);
}

static void check_source(const struct check *check, uint32_t i)
{
	struct hf_config_source *source = &check->config->sources[i];
	struct hf_place place = place_or_record(check, HF_CONFIG_SOURCES, i, "url");
	bool rtsp_address =
		strncmp(source->url, "rtsp://", 7) == 0 || strncmp(source->url, "rtsps://", 8) == 0;

	if (refused(check, HF_CONFIG_SOURCES, i, "url") ||
	    refused(check, HF_CONFIG_SOURCES, i, "type"))
		return;
	if (source->url[0] == '\0')
		hf_complain(&check->report->found, place,
			    "sources[].url is missing: where do the pictures come from? A "
			    "path, or an rtsp:// address");
	else if (source->type == HF_SOURCE_RTSP)
		check_address(check, place, source->url);
	else if (strstr(source->url, "://") != NULL)
		hf_complain(&check->report->found, place,
			    "sources[].url is an address, but the type is %s, which is read "
			    "from a path%s",
			    source->type == HF_SOURCE_FILE ? "file" : "v4l2",
			    rtsp_address ? "; add \"type: rtsp\"" : "");
	else
		resolve_path(check, place, "sources[].url", source->url);
	check_kind(check, i);
	if (source->type == HF_SOURCE_V4L2 && source->url[0] != '\0')
		check_grabber(check, i);
	if (source->type == HF_SOURCE_FILE && (strncmp(source->url, "/dev/video", 10) == 0 ||
					       strncmp(source->url, "/dev/v4l/", 9) == 0))
		hf_complain(&check->report->found, place,
			    "sources[].url %.100s is a grabber, but the type is file; add "
			    "\"type: v4l2\"",
			    source->url);
}

static void check_sources(const struct check *check)
{
	struct hf_config *config = check->config;

	if (config->source_count == 0) {
		if (!check->report->lists[HF_CONFIG_SOURCES].refused)
			hf_complain(&check->report->found, check->report->lists[HF_CONFIG_SOURCES],
				    "sources: there is none, so there is nothing to watch");
		return;
	}
	/* The only source needs no name of its own. */
	if (config->source_count == 1 && config->sources[0].id[0] == '\0' &&
	    !refused(check, HF_CONFIG_SOURCES, 0, "id"))
		(void)snprintf(config->sources[0].id, HF_ID_BYTES, "main");
	check_ids(check, HF_CONFIG_SOURCES);
	for (uint32_t i = 0; i < config->source_count; i++)
		check_source(check, i);
}

/* True: camera->source is valid. */
static bool resolve_source(const struct check *check, uint32_t i)
{
	struct hf_config *config = check->config;
	struct hf_config_camera *camera = &config->cameras[i];
	struct hf_place place = place_or_record(check, HF_CONFIG_CAMERAS, i, "source");
	const char *best;

	if (config->source_count == 0 || refused(check, HF_CONFIG_CAMERAS, i, "source"))
		return false;
	if (camera->source_id[0] == '\0' && config->source_count > 1) {
		hf_complain(&check->report->found, place,
			    "cameras[].source is missing: there are %u sources, on which "
			    "one is camera \"%s\"?",
			    config->source_count, camera->id);
		return false;
	}
	if (camera->source_id[0] == '\0')
		(void)snprintf(camera->source_id, HF_ID_BYTES, "%s", config->sources[0].id);
	int source = find_id(check, HF_CONFIG_SOURCES, camera->source_id, &best);
	if (source < 0) {
		hf_complain(&check->report->found, place,
			    "cameras[].source: there is no source \"%s\"%s%s%s", camera->source_id,
			    best != NULL ? "; did you mean \"" : "", best != NULL ? best : "",
			    best != NULL ? "\"?" : "");
		return false;
	}
	camera->source = (uint32_t)source;
	return true;
}

static void check_tile(const struct check *check, uint32_t i)
{
	const struct hf_config *config = check->config;
	const struct hf_config_camera *camera = &config->cameras[i];
	const struct hf_config_source *source = &config->sources[camera->source];
	struct hf_place place = place_or_record(check, HF_CONFIG_CAMERAS, i, "tile");
	int64_t side = source->layout; /* 0 is auto, 1 is 1x1, ... */

	if (refused(check, HF_CONFIG_CAMERAS, i, "tile"))
		return;
	if (side > 0 && camera->tile > side * side)
		hf_complain(&check->report->found, place,
			    "cameras[].tile: %" PRId64 " is outside the layout %" PRId64 "x%" PRId64
			    " of source \"%s\", which has %" PRId64 " tiles",
			    camera->tile, side, side, source->id, side * side);
	for (uint32_t j = 0; j < i; j++) {
		const struct hf_config_camera *other = &config->cameras[j];

		if (other->source != camera->source || other->tile != camera->tile ||
		    other->source_id[0] == '\0' || refused(check, HF_CONFIG_CAMERAS, j, "tile"))
			continue;
		hf_complain(&check->report->found, place,
			    "cameras[].tile: camera \"%s\" (line %u) is already at tile %" PRId64
			    " of source \"%s\"; two cameras cannot share a place",
			    other->id, place_or_record(check, HF_CONFIG_CAMERAS, j, "id").line,
			    camera->tile, source->id);
		break;
	}
}

static void check_cameras(const struct check *check)
{
	struct hf_config *config = check->config;

	if (config->camera_count == 0) {
		if (!check->report->lists[HF_CONFIG_CAMERAS].refused)
			hf_complain(&check->report->found, check->report->lists[HF_CONFIG_CAMERAS],
				    "cameras: there is none; say which tile of the picture "
				    "is which camera");
		return;
	}
	check_ids(check, HF_CONFIG_CAMERAS);
	for (uint32_t i = 0; i < config->camera_count; i++) {
		struct hf_config_camera *camera = &config->cameras[i];

		if (camera->name[0] == '\0')
			memcpy(camera->name, camera->id, sizeof camera->name);
		if (resolve_source(check, i))
			check_tile(check, i);
	}
}

static void check_zone(const struct check *check, uint32_t i)
{
	struct hf_config *config = check->config;
	struct hf_config_zone *zone = &config->zones[i];
	struct hf_place place = place_or_record(check, HF_CONFIG_ZONES, i, "camera");
	struct hf_place points = check->report->points[i];
	const char *best;
	struct hf_err why;

	if (hf_config_record_place(check->report, HF_CONFIG_ZONES, i)->refused)
		return;
	if (zone->camera_id[0] == '\0' && !place.refused) {
		hf_complain(&check->report->found, place,
			    "zones[].camera is missing: in which camera's picture does zone "
			    "\"%s\" lie?",
			    zone->id);
	} else if (!place.refused && config->camera_count > 0) {
		int camera = find_id(check, HF_CONFIG_CAMERAS, zone->camera_id, &best);

		if (camera < 0)
			hf_complain(&check->report->found, place,
				    "zones[].camera: there is no camera \"%s\"%s%s%s",
				    zone->camera_id, best != NULL ? "; did you mean \"" : "",
				    best != NULL ? best : "", best != NULL ? "\"?" : "");
		else
			zone->camera = (uint32_t)camera;
	}
	if (points.refused)
		return;
	if (points.line == 0)
		points = *hf_config_record_place(check->report, HF_CONFIG_ZONES, i);
	if (hf_polygon_check(zone->points, zone->point_count, &why) != HF_OK)
		hf_complain(&check->report->found, points, "zones[].points: %s", why.text);
}

/* Hours */

static void check_hours_text(const struct check *check, enum hf_config_section section,
			     uint32_t index, const char *key, const char *text)
{
	struct hf_place place = at(check, section, index, key);
	struct hf_schedule schedule;
	struct hf_err why;

	if (!place.refused && hf_schedule_parse(text, &schedule, &why) != HF_OK)
		hf_complain(&check->report->found, place, "%s%s: %s",
			    section == HF_CONFIG_ZONES ? "zones[]." : "", key, why.text);
}

static void check_time_zone(const struct check *check)
{
	const char *name = check->config->time_zone;
	struct hf_place place = at(check, HF_CONFIG_UNIT, 0, "time.zone");
	struct hf_err why;

	if (place.refused || name[0] == '\0')
		return;
	enum hf_code code = hf_timezone_check(name, &why);
	if (code == HF_E_AGAIN)
		hf_warn(&check->report->found, place,
			"time.zone: %s. Until then rules are armed at all hours", why.text);
	else if (code != HF_OK)
		hf_complain(&check->report->found, place, "time.zone: %s", why.text);
}

static void check_hours(const struct check *check)
{
	const struct hf_config *config = check->config;

	check_time_zone(check);
	check_hours_text(check, HF_CONFIG_UNIT, 0, "armed.entry", config->armed_entry);
	check_hours_text(check, HF_CONFIG_UNIT, 0, "armed.loitering", config->armed_loitering);
	for (uint32_t i = 0; i < config->zone_count; i++) {
		const struct hf_config_zone *zone = &config->zones[i];

		check_hours_text(check, HF_CONFIG_ZONES, i, "armed_entry", zone->armed_entry);
		check_hours_text(check, HF_CONFIG_ZONES, i, "armed_loitering",
				 zone->armed_loitering);
		if (zone->armed_entry[0] != '\0' && !zone->entry)
			hf_warn(&check->report->found, at(check, HF_CONFIG_ZONES, i, "armed_entry"),
				"zones[].armed_entry has no effect: \"entry: false\" "
				"switches the rule off in zone \"%s\"",
				zone->id);
	}
}

static void check_classes(const struct check *check, uint32_t i,
			  const struct hf_config_classes *classes, bool pack_unread)
{
	const struct hf_config_zone *zone = &check->config->zones[i];
	struct hf_err why;

	for (uint32_t j = 0; j < zone->loitering_count; j++) {
		const char *name = zone->loitering[j].class_name;
		struct hf_place place = check->report->classes[i][j];
		bool has = classes->count == 0;

		if (name[0] == '\0' || place.line == 0)
			continue;
		if (hf_config_class_check(name, classes, pack_unread, &why) != HF_OK) {
			hf_complain(&check->report->found, place, "zones[].loitering: %s",
				    why.text);
			continue;
		}
		for (uint32_t k = 0; k < classes->count; k++)
			has = has || strcmp(classes->names[k], name) == 0;
		if (!has)
			hf_warn(&check->report->found, place,
				"zones[].loitering: the model pack in %s has no class "
				"\"%s\", so none will be seen",
				check->config->model_path, name);
	}
}

static void check_zones(const struct check *check)
{
	struct hf_config_classes classes = { 0 };
	const char *pack = check->config->model_path;

	if (pack[0] != '\0' && !at(check, HF_CONFIG_UNIT, 0, "model.path").refused)
		hf_config_classes_read(pack, &classes);
	check_ids(check, HF_CONFIG_ZONES);
	for (uint32_t i = 0; i < check->config->zone_count; i++) {
		check_zone(check, i);
		check_classes(check, i, &classes, pack[0] != '\0' && classes.count == 0);
	}
	if (check->config->zone_count == 0 && !check->report->lists[HF_CONFIG_ZONES].refused)
		hf_warn(&check->report->found, check->report->lists[HF_CONFIG_ZONES],
			"zones: there is none, so no event of a person is ever raised");
}

static bool is_loopback(const char *host)
{
	unsigned a, b, c, d;
	int length = -1;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
		return true;
	return sscanf(host, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &length) == 4 && length > 0 &&
	       host[length] == '\0' && a == 127 && b < 256 && c < 256 && d < 256;
}

static void check_hub(const struct check *check)
{
	struct hf_config *config = check->config;
	struct hf_place place = at(check, HF_CONFIG_UNIT, 0, "hub.url");
	char shown[HF_PATH_BYTES];
	struct hf_url url;
	struct hf_err why;

	if (config->hub_url[0] == '\0' || place.refused)
		return;
	hf_url_hide(config->hub_url, shown, sizeof shown);
	bool plain = strncmp(config->hub_url, "http://", 7) == 0;
	if (!plain && strncmp(config->hub_url, "https://", 8) != 0) {
		hf_complain(&check->report->found, place,
			    "hub.url \"%.60s\" does not begin with https:// (or http://); "
			    "events go over nothing else",
			    shown);
		return;
	}
	if (hf_url_parse(config->hub_url, &url, &why) != HF_OK) {
		hf_complain(&check->report->found, place,
			    "hub.url %s; write for example https://hub.example.org", why.text);
		return;
	}
	if (url.with_user || strchr(config->hub_url, '@') != NULL) {
		hf_complain(&check->report->found, place,
			    "hub.url has a user or password in it, which logs would show; "
			    "put the token into hub.token_file");
		return;
	}
	if (strpbrk(config->hub_url, "?#") != NULL) {
		hf_complain(&check->report->found, place,
			    "hub.url ends with ? or #; give the address of the hub alone");
		return;
	}
	if (plain && !config->hub_insecure && !is_loopback(url.host) &&
	    !at(check, HF_CONFIG_UNIT, 0, "hub.insecure").refused)
		hf_complain(&check->report->found, place,
			    "hub.url is plain http to %.60s: anybody on the way could read "
			    "and forge events and receipts. Use https://, or say \"insecure: "
			    "true\" under hub: if that is meant",
			    url.host);
}

/* low <= high, or the later one of the two in the file is wrong. */
static void check_order(const struct check *check, const char *low_key, const char *high_key,
			bool in_order, const char *why)
{
	struct hf_place low = at(check, HF_CONFIG_UNIT, 0, low_key);
	struct hf_place high = at(check, HF_CONFIG_UNIT, 0, high_key);

	if (in_order || low.refused || high.refused)
		return;
	hf_complain(&check->report->found, high.line > low.line ? high : low,
		    "%s is above %s%s: %s", low_key, high_key,
		    low.line == 0    ? " (it is at its default)"
		    : high.line == 0 ? " (which is at its default)"
				     : "",
		    why);
}

static void check_orders(const struct check *check)
{
	const struct hf_config *config = check->config;

	check_order(check, "hub.backoff_min", "hub.backoff_max",
		    config->hub_backoff_min_ms <= config->hub_backoff_max_ms,
		    "the first wait would be longer than the longest");
	check_order(check, "hub.connect_timeout", "hub.total_timeout",
		    config->hub_connect_ms <= config->hub_total_ms,
		    "a connection would get longer than the whole request it is part of");
	check_order(check, "track.score_low", "track.score_high",
		    config->track_score_low <= config->track_score_high,
		    "no detection would ever be in the second stage");
}

static void check_device(const struct check *check)
{
	struct hf_place place = at(check, HF_CONFIG_UNIT, 0, "device.id");

	if (place.refused)
		return;
	for (const char *c = check->config->device_id; *c != '\0'; c++) {
		if (isalnum((unsigned char)*c) || strchr("._:-", *c) != NULL)
			continue;
		hf_complain(&check->report->found, place,
			    "device.id: only letters, digits and . _ : - are taken; it "
			    "travels in the headers of every request");
		return;
	}
}

static void check_actuation(const struct check *check)
{
	struct hf_config *config = check->config;
	struct hf_place gpio = at(check, HF_CONFIG_UNIT, 0, "actuation.gpio");
	struct hf_place on = at(check, HF_CONFIG_UNIT, 0, "actuation.on");
	struct hf_gpio_line line;
	struct hf_err why;

	resolve_path(check, at(check, HF_CONFIG_UNIT, 0, "actuation.command"), "actuation.command",
		     config->actuation_command);
	if (config->actuation_gpio[0] != '\0' && !gpio.refused &&
	    hf_gpio_line_parse(config->actuation_gpio, &line, &why) != HF_OK)
		hf_complain(&check->report->found, gpio, "actuation.gpio: %s", why.text);
	if (on.line > 0 && !on.refused && !hf_actuation_configured(config))
		hf_warn(&check->report->found, on,
			"actuation.on has no effect: neither actuation.command nor "
			"actuation.gpio says what is switched");
}

void hf_config_cross_check(struct hf_config *config, struct hf_config_report *report)
{
	const struct check check = { config, report };

	check_device(&check);
	check_actuation(&check);
	check_sources(&check);
	check_cameras(&check);
	resolve_path(&check, at(&check, HF_CONFIG_UNIT, 0, "model.path"), "model.path",
		     config->model_path);
	resolve_path(&check, at(&check, HF_CONFIG_UNIT, 0, "policy.path"), "policy.path",
		     config->policy_path);
	check_zones(&check);
	check_hours(&check);
	check_hub(&check);
	check_orders(&check);
	resolve_path(&check, at(&check, HF_CONFIG_UNIT, 0, "hub.ca_file"), "hub.ca_file",
		     config->hub_ca_file);
	resolve_path(&check, at(&check, HF_CONFIG_UNIT, 0, "hub.token_file"), "hub.token_file",
		     config->hub_token_file);
}

static void check_program(struct hf_config_report *report, const char *path)
{
	if (path[0] != '\0' && access(path, X_OK) != 0)
		hf_warn(&report->found,
			*hf_config_place(report, HF_CONFIG_UNIT, 0,
					 hf_config_row_find(HF_CONFIG_UNIT, "actuation.command")),
			"actuation.command: %s cannot be run at the moment (%s)", path,
			strerror(errno));
}

static void check_file(struct hf_config_report *report, struct hf_place place, const char *shown,
		       const char *path)
{
	if (path[0] != '\0' && access(path, R_OK) != 0)
		hf_warn(&report->found, place, "%s: %s cannot be read at the moment (%s)", shown,
			path, strerror(errno));
}

void hf_config_check_files(const struct hf_config *config, struct hf_config_report *report)
{
	static const struct {
		const char *key;
		size_t offset;
	} files[] = {
		{ "model.path", offsetof(struct hf_config, model_path) },
		{ "hub.ca_file", offsetof(struct hf_config, hub_ca_file) },
		{ "hub.token_file", offsetof(struct hf_config, hub_token_file) },
	};

	struct stat st;

	check_program(report, config->actuation_command);
	for (size_t i = 0; i < HF_ARRAY_LEN(files); i++)
		check_file(report,
			   *hf_config_place(report, HF_CONFIG_UNIT, 0,
					    hf_config_row_find(HF_CONFIG_UNIT, files[i].key)),
			   files[i].key, (const char *)config + files[i].offset);
	for (uint32_t i = 0; i < config->source_count; i++) {
		const struct hf_config_source *source = &config->sources[i];
		struct hf_place place = *hf_config_place(
			report, HF_CONFIG_SOURCES, i, hf_config_row_find(HF_CONFIG_SOURCES, "url"));

		if (source->type != HF_SOURCE_RTSP)
			check_file(report, place, "sources[].url", source->url);
		else if (strchr(source->url, '@') != NULL && stat(report->found.path, &st) == 0 &&
			 (st.st_mode & S_IROTH) != 0)
			hf_warn(&report->found, place,
				"sources[].url holds a password, and every user of this "
				"machine may read this file: chmod o-r %s",
				report->found.path);
	}
}
