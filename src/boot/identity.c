/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/identity.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/crc32c.h"
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
	SMALL_FILE_BYTES_MAX = 4096,
	DAMAGED_STEP = 1000,
	SERIAL_BYTES_MIN = 5,
	SERIAL_DISTINCT_MIN = 3,
};

/* Counted numbers stay far below; drawn ones lie above and still fit JSON's integers. */
static const uint64_t drawn_low = UINT64_C(1) << 40;
static const uint64_t drawn_high = UINT64_C(1) << 50;

struct counters {
	char boot_id[HF_BOOT_ID_BYTES];
	uint64_t boot;
	uint64_t run;
};

HF_PRINTF(2, 3) static void warn(struct hf_identity *identity, const char *format, ...)
{
	va_list ap;

	HF_ASSERT(identity->warning_count < HF_IDENTITY_WARNINGS_MAX);
	va_start(ap, format);
	(void)vsnprintf(identity->warnings[identity->warning_count++], HF_ERR_TEXT_BYTES_MAX,
			format, ap);
	va_end(ap);
}

static bool is_id_character(char c)
{
	return isalnum((unsigned char)c) != 0 || (c != '\0' && strchr("._:-", c) != NULL);
}

static bool is_id(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (!is_id_character(text[i]))
			return false;
	return length > 0 && length < HF_ID_BYTES;
}

bool hf_identity_serial_sane(const char *serial)
{
	static const char *const fillers[] = { "oem",     "o.e.m",   "default",  "serial",
					       "none",    "unknown", "inval",    "filled",
					       "system",  "empty",   "chassis",  "board",
					       "notspec", "not-",    "01234567", "12345678" };
	bool seen[256] = { false };
	unsigned distinct = 0;

	if (strlen(serial) < SERIAL_BYTES_MIN || !is_id(serial))
		return false;
	for (size_t i = 0; i < HF_ARRAY_LEN(fillers); i++)
		if (strcasestr(serial, fillers[i]) != NULL)
			return false;
	/* 0000000000, FFFFFFFF, 00:00:00, XXXXXXXX. */
	for (const char *c = serial; *c != '\0'; c++) {
		unsigned char letter = (unsigned char)toupper((unsigned char)*c);

		if (isalnum(letter) && !seen[letter]) {
			seen[letter] = true;
			distinct++;
		}
	}
	return distinct >= SERIAL_DISTINCT_MIN;
}

/* The first line of a small file, without blanks at its ends. */
static enum hf_code read_line(const char *path, char *ret_line, size_t size_bytes_max,
			      struct hf_err *err)
{
	HF_AUTO_FREE char *text = NULL;

	enum hf_code code = hf_file_read(path, SMALL_FILE_BYTES_MAX, &text, NULL, err);
	if (code != HF_OK)
		return code;
	const char *from = text + strspn(text, " \t");
	size_t length = strcspn(from, "\r\n");
	while (length > 0 && (from[length - 1] == ' ' || from[length - 1] == '\t'))
		length--;
	if (length >= size_bytes_max)
		return hf_fail(err, HF_E_INVALID, "%s: a line of %zu bytes", path, length);
	memcpy(ret_line, from, length);
	ret_line[length] = '\0';
	return HF_OK;
}

enum hf_code hf_boot_id_read(const char *root, char ret_boot_id[HF_BOOT_ID_BYTES],
			     struct hf_err *err)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/proc/sys/kernel/random/boot_id", root);
	enum hf_code code = read_line(path, ret_boot_id, HF_BOOT_ID_BYTES, err);
	if (code != HF_OK)
		return hf_err_prefix(err, "boot id (is /proc mounted?)");
	for (size_t i = 0; i < HF_BOOT_ID_BYTES - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? ret_boot_id[i] != '-' : isxdigit((unsigned char)ret_boot_id[i]) == 0)
			return hf_fail(err, HF_E_INVALID, "boot id: %s is not an UUID", path);
	}
	return HF_OK;
}

static size_t counters_text(const struct counters *counters, char *ret_text, size_t size_bytes_max)
{
	int length = snprintf(ret_text, size_bytes_max,
			      "boot_id=%s\nboot=%" PRIu64 "\nrun=%" PRIu64 "\n", counters->boot_id,
			      counters->boot, counters->run);

	length += snprintf(ret_text + length, size_bytes_max - (size_t)length, "check=%08x\n",
			   hf_crc32c(0, ret_text, (size_t)length));
	return (size_t)length;
}

/* The number after "\nNAME=", or 0 when it is not legible. */
static uint64_t legible(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	uint64_t value = 0;

	if (at == NULL)
		return 0;
	for (const char *c = at + strlen(name); *c >= '0' && *c <= '9'; c++) {
		value = value * 10 + (uint64_t)(*c - '0');
		if (value >= drawn_high)
			return 0;
	}
	return value;
}

/* True: the file is whole. Else what is legible of it, zeroes for the rest. */
static bool parse_counters(const char *text, struct counters *ret_counters)
{
	char again[256];
	const char *id = strstr(text, "boot_id=");

	*ret_counters = (struct counters){ .boot = legible(text, "\nboot="),
					   .run = legible(text, "\nrun=") };
	if (id != NULL)
		(void)snprintf(ret_counters->boot_id, HF_BOOT_ID_BYTES, "%.*s",
			       (int)strcspn(id + 8, "\n"), id + 8);
	/* Whole is what would be written again, byte for byte. */
	(void)counters_text(ret_counters, again, sizeof again);
	return strcmp(text, again) == 0 && ret_counters->boot > 0 && ret_counters->run > 0;
}

static bool exists(const char *folder, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

/* What the last start left. Boot 0: nothing to go on from, draw. */
static struct counters last_counters(const struct hf_identity_options *options,
				     struct hf_identity *identity)
{
	struct counters last = { 0 };
	struct hf_err why;
	char path[PATH_MAX];
	HF_AUTO_FREE char *text = NULL;

	(void)snprintf(path, sizeof path, "%s/state/boot", options->data_path);
	enum hf_code code = hf_file_read(path, SMALL_FILE_BYTES_MAX, &text, NULL, &why);
	if (code == HF_E_NOENT) {
		if (exists(options->data_path, "outbox") ||
		    exists(options->data_path, "identity/device_id"))
			warn(identity,
			     "%s is missing though this unit has run before: boot and run are "
			     "drawn "
			     "anew, far above the old ones",
			     path);
		return last;
	}
	if (code != HF_OK) {
		warn(identity, "%s; boot and run are drawn anew, far above the old ones", why.text);
		return last;
	}
	if (parse_counters(text, &last))
		return last;
	if (last.boot == 0 || last.run == 0) {
		warn(identity, "%s is damaged: boot and run are drawn anew, far above the old ones",
		     path);
		return (struct counters){ 0 };
	}
	warn(identity,
	     "%s is damaged: going on %d above what is legible (boot %" PRIu64 ", run %" PRIu64 ")",
	     path, DAMAGED_STEP, last.boot, last.run);
	last.boot += DAMAGED_STEP;
	last.run += DAMAGED_STEP;
	last.boot_id[0] = '\0';
	return last;
}

static enum hf_code store_counters(const char *data_path, const struct counters *now,
				   struct hf_err *err)
{
	char path[PATH_MAX], text[256];

	(void)snprintf(path, sizeof path, "%s/state", data_path);
	enum hf_code code = hf_folder_make(path, 0750, err);
	if (code != HF_OK)
		return code;
	(void)snprintf(path, sizeof path, "%s/state/boot", data_path);
	return hf_file_replace(path, text, counters_text(now, text, sizeof text), 0640, err);
}

static void count(const struct hf_identity_options *options, struct hf_identity *identity)
{
	unsigned warnings_before = identity->warning_count;
	struct counters last = last_counters(options, identity);
	struct counters now = last;
	struct hf_err why;

	memcpy(now.boot_id, identity->boot_id, sizeof now.boot_id);
	if (last.boot == 0 && identity->warning_count > warnings_before) {
		now.boot = hf_random_between(options->random, drawn_low, drawn_high / 2);
		now.run = hf_random_between(options->random, drawn_low, drawn_high / 2);
	} else {
		now.boot += strcmp(last.boot_id, identity->boot_id) != 0;
		now.run++;
	}
	if (store_counters(options->data_path, &now, &why) != HF_OK) {
		/* The next start will count the same: only chance keeps the two apart. */
		now.run = hf_random_between(options->random, drawn_low, drawn_high / 2);
		warn(identity, "the counters of starts cannot be stored (%s): this run is drawn",
		     why.text);
	}
	identity->boot = now.boot;
	identity->run = now.run;
}

static bool find_serial(const char *root, char ret_serial[HF_ID_BYTES])
{
	static const char *const places[] = {
		"/sys/class/dmi/id/product_serial",
		"/sys/class/dmi/id/board_serial",
		"/sys/firmware/devicetree/base/serial-number",
		"/proc/device-tree/serial-number",
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(places); i++) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof path, "%s%s", root, places[i]);
		if (read_line(path, ret_serial, HF_ID_BYTES, NULL) == HF_OK &&
		    hf_identity_serial_sane(ret_serial))
			return true;
	}
	return false;
}

/* True: ret_kept is the kept name. An illegible one is set aside. */
static bool read_kept(const char *data_path, struct hf_identity *identity,
		      char ret_kept[HF_ID_BYTES])
{
	struct hf_err why;
	char path[PATH_MAX], aside[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/identity/device_id", data_path);
	enum hf_code code = read_line(path, ret_kept, HF_ID_BYTES, &why);
	if (code == HF_OK && is_id(ret_kept))
		return true;
	if (code == HF_E_NOENT)
		return false;
	(void)snprintf(aside, sizeof aside, "%s/identity/device_id.bad", data_path);
	(void)rename(path, aside);
	warn(identity,
	     "%s does not hold a name (%s): set aside as %s; the hub may see this unit as a new "
	     "one",
	     path, code == HF_OK ? "other characters than letters, digits and ._:-" : why.text,
	     aside);
	return false;
}

static void keep(const char *data_path, struct hf_identity *identity)
{
	char folder[PATH_MAX], path[PATH_MAX], line[HF_ID_BYTES + 1];
	struct hf_err why;

	(void)snprintf(folder, sizeof folder, "%s/identity", data_path);
	(void)snprintf(path, sizeof path, "%s/identity/device_id", data_path);
	int length = snprintf(line, sizeof line, "%s\n", identity->device_id);
	enum hf_code code = hf_folder_make(folder, 0700, &why);
	if (code == HF_OK)
		code = hf_file_replace(path, line, (size_t)length, 0600, &why);
	if (code != HF_OK)
		warn(identity, "the name %s cannot be kept (%s): the next start may have another",
		     identity->device_id, why.text);
}

static void name_unit(const struct hf_identity_options *options, struct hf_identity *identity)
{
	char folder[PATH_MAX], kept[HF_ID_BYTES];

	(void)snprintf(folder, sizeof folder, "%s/identity", options->data_path);
	/* Keys will lie here: a folder that somebody made by hand is closed to others. */
	(void)chmod(folder, 0700);
	bool has_kept = read_kept(options->data_path, identity, kept);

	if (options->config_id[0] != '\0') {
		(void)snprintf(identity->device_id, HF_ID_BYTES, "%s", options->config_id);
		identity->source = HF_IDENTITY_CONFIG;
		if (has_kept && strcmp(kept, identity->device_id) != 0)
			warn(identity,
			     "device.id says %s, this unit was %s until now: used as configured; "
			     "the "
			     "hub sees a new unit",
			     identity->device_id, kept);
		if (has_kept)
			return;
	} else if (has_kept) {
		memcpy(identity->device_id, kept, sizeof kept);
		identity->source = HF_IDENTITY_KEPT;
		return;
	} else if (identity->hardware[0] != '\0') {
		memcpy(identity->device_id, identity->hardware, HF_ID_BYTES);
		identity->source = HF_IDENTITY_SERIAL;
	} else {
		char digits[9];

		hf_random_hex(options->random, 4, digits);
		(void)snprintf(identity->device_id, HF_ID_BYTES, "hf-%s", digits);
		identity->source = HF_IDENTITY_DRAWN;
	}
	keep(options->data_path, identity);
}

enum hf_code hf_identity_open(const struct hf_identity_options *options,
			      struct hf_identity *ret_identity, struct hf_err *err)
{
	struct hf_identity identity = { 0 };

	enum hf_code code = hf_boot_id_read(options->root, identity.boot_id, err);
	if (code != HF_OK)
		return code;
	if (!find_serial(options->root, identity.hardware))
		identity.hardware[0] = '\0';
	/* Counted first: a kept name is a sign that the unit has run before. */
	count(options, &identity);
	name_unit(options, &identity);
	*ret_identity = identity;
	return HF_OK;
}
