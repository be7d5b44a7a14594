/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the CRC is looked at before the JSON. A line that was damaged on the way or on the
 * unit's disk is then called damaged, whatever the damage made of its JSON; only a line that
 * is as the unit wrote it can be called badly written.
 *
 * The unit's own reader (outbox/line.h) wants every key at its place. Nearly every line has them
 * there, and what passes it needs only a look at what it leaves out: attrs, and the control
 * characters of origin. A line that does not pass is not refused for that: a general parser judges
 * it, and unknown keys pass there. A fleet has units of many releases, a refusal is for good, and a
 * unit that was updated before its hub must not lose what it saw. Only the general way refuses, so
 * that there is one set of reasons.
 */
#include "hub/intake.h"

#include "base/auto.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "base/random.h"
#include "hub/members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char crc_key[] = ",\"crc32c\":\"";
static const char chain_key[] = ",\"chain\":\"";
static const uint64_t seq_max = UINT64_C(1) << 53;

enum {
	CRC_DIGITS = 8,
	TRAILER_BYTES = sizeof crc_key - 1 + CRC_DIGITS + 2, /* and "} */
	CHAIN_DIGITS = 64,
	/* ,"chain":"<64>" */
	CHAIN_MEMBER_BYTES = 10 + CHAIN_DIGITS + 1,
};

/* Where a bad line was found, and the error text begun with it. */
struct place {
	struct hf_intake_fault *fault;
	struct hf_err *err;
	size_t line;
	uint64_t seq;
};

/* What a line must and may carry. Anything else is passed on as it is. */
enum want {
	TEXT,
	TEXT_OR_NULL,
	INTEGER,
	NUMBER_OR_NULL,
	OBJECT,
	NOTHING, /* the hub's own word in its answers: a unit may not speak it */
};

static const struct {
	const char *key;
	enum want want;
} wanted[] = {
	{ "device_id", TEXT },
	{ "local_seq", INTEGER },
	{ "captured_at", TEXT },
	{ "layout_id", TEXT_OR_NULL },
	{ "camera_name", TEXT_OR_NULL },
	{ "event_class", TEXT },
	{ "zone_id", TEXT_OR_NULL },
	{ "dwell_seconds", NUMBER_OR_NULL },
	{ "thumb_path", TEXT_OR_NULL },
	{ "model_tag", TEXT_OR_NULL },
	{ "v", INTEGER },
	{ "epoch", TEXT },
	{ "boot_id", TEXT_OR_NULL },
	{ "mono_ms", NUMBER_OR_NULL },
	{ "clock", TEXT_OR_NULL },
	{ "release", TEXT_OR_NULL },
	{ "state", TEXT },
	{ "attrs", OBJECT },
	{ "origin", TEXT },
	{ "chain", TEXT },
	{ "crc32c", TEXT },
	{ "hub_row", NOTHING },
	{ "received_at", NOTHING },
};

static enum hf_code refuse(const struct place *at, const char *word, const char *format, ...)
	HF_PRINTF(3, 4);

static enum hf_code refuse(const struct place *at, const char *word, const char *format, ...)
{
	char why[HF_ERR_TEXT_BYTES_MAX / 2];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, sizeof why, format, ap);
	va_end(ap);
	*at->fault = (struct hf_intake_fault){ .word = word, .line = at->line, .seq = at->seq };
	if (at->seq == 0)
		return hf_fail(at->err, HF_E_INVALID, "line %zu: %s", at->line, why);
	return hf_fail(at->err, HF_E_INVALID, "line %zu (local_seq %llu): %s", at->line,
		       (unsigned long long)at->seq, why);
}

static bool all_hex(const char *text, size_t digits)
{
	return strspn(text, "0123456789abcdef") == digits && text[digits] == '\0';
}

/* A number in a line that cannot be trusted, so that the unit can find it; 0 when there is none. */
static uint64_t legible_seq(const char *line, size_t size_bytes)
{
	static const char key[] = "\"local_seq\":";
	const char *at = memmem(line, size_bytes, key, sizeof key - 1);
	uint64_t seq = 0;

	if (at == NULL)
		return 0;
	for (at += sizeof key - 1; at < line + size_bytes && *at >= '0' && *at <= '9'; at++) {
		seq = seq * 10 + (uint64_t)(*at - '0');
		if (seq > seq_max)
			return 0;
	}
	return seq;
}

static enum hf_code check_crc(const struct place *at, const char *line, size_t size_bytes,
			      uint32_t *ret_crc)
{
	if (size_bytes <= TRAILER_BYTES)
		return refuse(at, "not_a_line", "%zu bytes are too few for an event", size_bytes);

	const char *trailer = line + size_bytes - TRAILER_BYTES;
	char digits[CRC_DIGITS + 1];
	memcpy(digits, trailer + sizeof crc_key - 1, CRC_DIGITS);
	digits[CRC_DIGITS] = '\0';
	if (memcmp(trailer, crc_key, sizeof crc_key - 1) != 0 || !all_hex(digits, CRC_DIGITS) ||
	    memcmp(line + size_bytes - 2, "\"}", 2) != 0)
		return refuse(
			at, "not_a_line",
			"does not end in ,\"crc32c\":\"<8 hex>\"}: cut short, or not a line of "
			"an outbox");

	uint32_t said = (uint32_t)strtoul(digits, NULL, 16);
	uint32_t is = hf_crc32c(0, line, size_bytes - TRAILER_BYTES);
	if (said != is)
		return refuse(at, "crc_mismatch",
			      "crc32c says %08x, the bytes give %08x: damaged on the unit's disk "
			      "or on the way",
			      said, is);
	*ret_crc = is;
	return HF_OK;
}

/* member NULL: it is not there. */
static bool is_wanted(const struct hf_member *member, enum want want)
{
	bool is_null = member == NULL || member->kind == HF_MEMBER_NULL;

	switch (want) {
	case TEXT:
		return member != NULL && member->kind == HF_MEMBER_TEXT;
	case TEXT_OR_NULL:
		return is_null || member->kind == HF_MEMBER_TEXT;
	case INTEGER:
		return member != NULL && member->kind == HF_MEMBER_INTEGER;
	case NUMBER_OR_NULL:
		return is_null || member->kind == HF_MEMBER_INTEGER ||
		       member->kind == HF_MEMBER_REAL;
	case OBJECT:
		return member != NULL && member->kind == HF_MEMBER_OBJECT;
	case NOTHING:
		return member == NULL;
	}
	return false;
}

static const char *name_of(enum want want)
{
	switch (want) {
	case TEXT:
		return "must be a text";
	case TEXT_OR_NULL:
		return "must be a text or null";
	case INTEGER:
		return "must be an integer";
	case NUMBER_OR_NULL:
		return "must be a number or null";
	case OBJECT:
		return "must be an object";
	case NOTHING:
		return "is the hub's own word and may not be in a line";
	}
	return "";
}

/* The texts and the number that the hub itself looks at. */
struct known {
	char device_id[HF_ID_BYTES];
	char epoch[HF_ID_BYTES];
	char chain[CHAIN_DIGITS + 1];
	int64_t seq;
};

static enum hf_code copy_text(const struct place *at, const char *key,
			      const struct hf_member *member, char *ret_text, size_t size_bytes_max)
{
	ret_text[0] = '\0';
	if (member == NULL || member->kind != HF_MEMBER_TEXT ||
	    hf_member_text(member, ret_text, size_bytes_max))
		return HF_OK;
	return refuse(at, "too_long", "%s is longer than %zu bytes", key, size_bytes_max - 1);
}

/* Every member has its kind; those in `known` and `line` are taken out. */
static enum hf_code take_members(const struct place *at, const struct hf_members *members,
				 struct known *known, struct hf_intake_line *line)
{
	const struct {
		const char *key;
		char *text;
		size_t size_bytes_max;
	} texts[] = {
		{ "device_id", known->device_id, sizeof known->device_id },
		{ "epoch", known->epoch, sizeof known->epoch },
		{ "chain", known->chain, sizeof known->chain },
		{ "event_class", line->event_class, sizeof line->event_class },
		{ "state", line->state, sizeof line->state },
		{ "release", line->release, sizeof line->release },
	};
	size_t hint = 0;
	enum hf_code code = HF_OK;

	for (size_t i = 0; i < HF_ARRAY_LEN(wanted); i++) {
		const struct hf_member *member = hf_members_find(members, wanted[i].key, &hint);

		if (!is_wanted(member, wanted[i].want))
			return refuse(at, "bad_member", "%s %s", wanted[i].key,
				      name_of(wanted[i].want));
	}
	known->seq = hf_member_integer(hf_members_find(members, "local_seq", &hint));
	for (size_t i = 0; i < HF_ARRAY_LEN(texts) && code == HF_OK; i++)
		code = copy_text(at, texts[i].key, hf_members_find(members, texts[i].key, &hint),
				 texts[i].text, texts[i].size_bytes_max);
	return code;
}

static bool chain_stands_right(const struct hf_intake_line *line)
{
	const size_t end_bytes = TRAILER_BYTES + CHAIN_MEMBER_BYTES;

	return line->size_bytes > end_bytes && memcmp(line->text + line->size_bytes - end_bytes,
						      chain_key, sizeof chain_key - 1) == 0;
}

static enum hf_code check_known(struct place *at, const struct known *known,
				const struct hf_sender *sender, const struct hf_intake_line *line)
{
	at->seq = 0;
	if (known->seq < 1 || (uint64_t)known->seq > seq_max)
		return refuse(at, "bad_member", "local_seq %lld is not in 1..2^53",
			      (long long)known->seq);
	at->seq = (uint64_t)known->seq;
	if (strcmp(known->device_id, sender->device_id) != 0)
		return refuse(at, "wrong_device", "device_id is \"%s\", Holdfast-Device is \"%s\"",
			      known->device_id, sender->device_id);
	if (strcmp(known->epoch, hf_sender_line_epoch(sender)) != 0)
		return refuse(at, "wrong_epoch",
			      "epoch is \"%s\", Holdfast-%s is \"%s\": one request carries "
			      "lines of one epoch",
			      known->epoch,
			      sender->forked_from[0] != '\0' ? "Forked-From" : "Epoch",
			      hf_sender_line_epoch(sender));
	if (!all_hex(known->chain, CHAIN_DIGITS))
		return refuse(at, "bad_member", "chain is not %d hexadecimal digits", CHAIN_DIGITS);
	if (!chain_stands_right(line))
		return refuse(at, "bad_member",
			      "chain does not stand right before crc32c: what it covers cannot be "
			      "said");
	if (line->event_class[0] == '\0')
		return refuse(at, "bad_member", "event_class is empty");
	return HF_OK;
}

/* Exactly these bytes, without an escape: what is stored is then what stands there. */
static bool copy_slice(const struct hf_slice *slice, char *ret_text, size_t size_bytes_max)
{
	return slice->data == NULL || hf_slice_text(slice, ret_text, size_bytes_max);
}

static bool is_origin_text(const struct hf_slice *origin)
{
	for (size_t i = 0; i < origin->size_bytes; i++)
		if ((unsigned char)origin->data[i] < 0x20 || origin->data[i] == '\\')
			return false;
	return true;
}

/* text is followed by its newline. false: nothing is said about the line; *line may have been
 * written to. */
static bool take_usual_line(const char *text, size_t size_bytes, const struct hf_sender *sender,
			    struct hf_intake_line *line)
{
	struct hf_line whole;

	if (hf_line_parse(text, size_bytes + 1, &whole, NULL) != HF_OK ||
	    memchr(text, '\\', (size_t)(whole.attrs.data - text)) != NULL ||
	    !is_origin_text(&whole.origin) || !hf_slice_is(&whole.device_id, sender->device_id) ||
	    !hf_slice_is(&whole.epoch, hf_sender_line_epoch(sender)) ||
	    whole.event_class.size_bytes == 0 ||
	    !copy_slice(&whole.event_class, line->event_class, sizeof line->event_class) ||
	    !copy_slice(&whole.state, line->state, sizeof line->state) ||
	    !copy_slice(&whole.release, line->release, sizeof line->release) ||
	    !hf_json_is_plain_object(whole.attrs.data, whole.attrs.size_bytes))
		return false;
	line->seq = whole.local_seq;
	line->crc = whole.crc32c;
	memcpy(line->chain, whole.chain, sizeof line->chain);
	return true;
}

static enum hf_code parse_line(struct place *at, const struct hf_sender *sender,
			       struct hf_intake_line *line)
{
	const char *text = line->text;
	const size_t size_bytes = line->size_bytes;
	struct hf_err members_err;
	struct hf_members members;
	struct known known;

	if (take_usual_line(text, size_bytes, sender, line)) {
		at->seq = line->seq;
		return HF_OK;
	}
	at->seq = legible_seq(text, size_bytes);
	if (size_bytes >= HF_LINE_BYTES_MAX)
		return refuse(at, "too_long", "%zu bytes, at most %d with the newline", size_bytes,
			      HF_LINE_BYTES_MAX);
	enum hf_code code = check_crc(at, text, size_bytes, &line->crc);
	if (code != HF_OK)
		return code;
	if (hf_members_read(text, size_bytes, &members, &members_err) != HF_OK)
		return refuse(at, "not_json", "%s", members_err.text);
	code = take_members(at, &members, &known, line);
	if (code == HF_OK)
		code = check_known(at, &known, sender, line);
	if (code == HF_OK && !hf_unhex(known.chain, sizeof line->chain, line->chain))
		code = refuse(at, "bad_member", "chain is not hexadecimal");
	line->seq = at->seq;
	return code;
}

static size_t count_newlines(const char *body, size_t size_bytes)
{
	size_t count = 0;

	for (const char *at = body; (at = memchr(at, '\n', size_bytes - (size_t)(at - body))); at++)
		count++;
	return count;
}

static void split_lines(const char *body, size_t size_bytes, struct hf_intake *batch)
{
	const char *end = body + size_bytes;

	for (size_t i = 0; i < batch->line_count; i++) {
		const char *newline = memchr(body, '\n', (size_t)(end - body));

		batch->lines[i].text = body;
		batch->lines[i].size_bytes = (uint32_t)(newline - body);
		body = newline + 1;
	}
}

static enum hf_code parse_lines(struct hf_intake *batch, struct hf_intake_fault *fault,
				struct hf_err *err)
{
	uint64_t seq_before = 0;

	for (size_t i = 0; i < batch->line_count; i++) {
		struct place at = { .fault = fault, .err = err, .line = i + 1 };
		enum hf_code code = parse_line(&at, &batch->sender, &batch->lines[i]);

		if (code != HF_OK)
			return code;
		if (at.seq <= seq_before)
			return refuse(&at, "out_of_order",
				      "comes after local_seq %llu: numbers rise within a request",
				      (unsigned long long)seq_before);
		seq_before = at.seq;
	}
	return HF_OK;
}

/* The bytes that its chain value covers; the check of the line has seen that it stands there. */
static size_t chained_bytes(const struct hf_intake_line *line)
{
	return line->size_bytes - (TRAILER_BYTES + CHAIN_MEMBER_BYTES);
}

void hf_intake_chain(const uint8_t previous[HF_CHAIN_BYTES], const struct hf_intake_line *line,
		     uint8_t ret_chain[HF_CHAIN_BYTES])
{
	const struct hf_chain_input input = { previous, line->text, chained_bytes(line) };

	hf_chain_hash(&input, ret_chain);
}

/* Of a line that may be anything yet. */
static bool chain_in_text(const struct hf_intake_line *line, uint8_t ret_chain[HF_CHAIN_BYTES])
{
	return line->size_bytes > TRAILER_BYTES + CHAIN_MEMBER_BYTES &&
	       hf_unhex(line->text + line->size_bytes - TRAILER_BYTES - 1 - CHAIN_DIGITS,
			HF_CHAIN_BYTES, ret_chain);
}

/*
 * Does each line continue the one before it? Both values are in the lines, so no hash has to wait for
 * another: two at a time take less than one after the other, and other lines may be read meanwhile. What
 * does not continue is for the store to judge, which knows more.
 *
 * An item is two lines. It reads nothing but the bytes of them and of the line before, and writes
 * nothing but `follows`: the rest of a line is written at the same time, by who reads it.
 */
static void find_followers(void *context, size_t item)
{
	struct hf_intake_line *line = (struct hf_intake_line *)context + 1 + 2 * item;
	uint8_t said[3][HF_CHAIN_BYTES], is[2][HF_CHAIN_BYTES];

	for (size_t k = 0; k < HF_ARRAY_LEN(said); k++)
		if (!chain_in_text(line - 1 + k, said[k]))
			return;
	const struct hf_chain_input inputs[] = {
		{ said[0], line[0].text, chained_bytes(&line[0]) },
		{ said[1], line[1].text, chained_bytes(&line[1]) },
	};
	hf_chain_hash_two(inputs, is);
	for (size_t k = 0; k < HF_ARRAY_LEN(inputs); k++)
		if (memcmp(is[k], said[k + 1], HF_CHAIN_BYTES) == 0)
			line[k].follows = line[(ptrdiff_t)k - 1].chain;
}

bool hf_device_id_valid(const char *device_id)
{
	size_t length = strlen(device_id);

	if (length == 0 || length >= HF_ID_BYTES ||
	    hf_utf8_valid_prefix(device_id, length) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)device_id[i] < 0x20 || device_id[i] == 0x7f)
			return false;
	return true;
}

static bool is_epoch(const char *epoch)
{
	static const char word[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "-_.";
	size_t length = strlen(epoch);

	return length > 0 && length < HF_ID_BYTES && strspn(epoch, word) == length;
}

enum hf_code hf_sender_make(const char *device_id, const char *epoch, const char *forked_from,
			    const char *nonce, struct hf_sender *ret_sender, struct hf_err *err)
{
	if (device_id == NULL || !hf_device_id_valid(device_id))
		return hf_fail(err, HF_E_INVALID,
			       "header Holdfast-Device is %s: the unit's device_id, 1 to %d bytes",
			       device_id == NULL ? "missing" : "not an id", HF_ID_BYTES - 1);
	if (epoch == NULL || !is_epoch(epoch))
		return hf_fail(err, HF_E_INVALID,
			       "header Holdfast-Epoch is %s: the epoch of the lines, 1 to %d "
			       "letters and digits",
			       epoch == NULL ? "missing" : "not an epoch", HF_ID_BYTES - 1);
	if (forked_from != NULL && (!is_epoch(forked_from) || strcmp(forked_from, epoch) == 0))
		return hf_fail(err, HF_E_INVALID,
			       "header Holdfast-Forked-From is not another epoch than "
			       "Holdfast-Epoch: the one that the lines name, left out when they "
			       "name the same");
	if (nonce == NULL || strlen(nonce) != HF_NONCE_BYTES - 1 ||
	    strspn(nonce, "0123456789abcdefABCDEF") != HF_NONCE_BYTES - 1)
		return hf_fail(err, HF_E_INVALID,
			       "header Holdfast-Nonce is %s: %d hexadecimal digits, new with each "
			       "request",
			       nonce == NULL ? "missing" : "not a nonce", HF_NONCE_BYTES - 1);
	(void)snprintf(ret_sender->device_id, sizeof ret_sender->device_id, "%s", device_id);
	(void)snprintf(ret_sender->epoch, sizeof ret_sender->epoch, "%s", epoch);
	(void)snprintf(ret_sender->forked_from, sizeof ret_sender->forked_from, "%s",
		       forked_from != NULL ? forked_from : "");
	(void)snprintf(ret_sender->nonce, sizeof ret_sender->nonce, "%s", nonce);
	return HF_OK;
}

enum hf_code hf_intake_parse(const struct hf_sender *sender, const char *body, size_t size_bytes,
			     struct hf_aside *aside, struct hf_intake *ret_batch,
			     struct hf_intake_fault *ret_fault, struct hf_err *err)
{
	struct hf_intake batch = { .sender = *sender };

	if (size_bytes == 0) {
		*ret_fault = (struct hf_intake_fault){ .word = "empty" };
		return hf_fail(err, HF_E_INVALID, "the body has no lines");
	}
	if (body[size_bytes - 1] != '\n') {
		*ret_fault = (struct hf_intake_fault){ .word = "not_a_line" };
		return hf_fail(
			err, HF_E_INVALID,
			"the body does not end in a newline: cut short, or not outbox lines");
	}
	batch.line_count = count_newlines(body, size_bytes);
	if (batch.line_count > HF_INTAKE_LINES_MAX)
		return hf_fail(err, HF_E_LIMIT, "%zu lines in one request, at most %d",
			       batch.line_count, HF_INTAKE_LINES_MAX);
	batch.lines = calloc(batch.line_count, sizeof *batch.lines);
	if (batch.lines == NULL)
		return hf_fail(err, HF_E_NOMEM, "no memory for %zu lines", batch.line_count);

	split_lines(body, size_bytes, &batch);
	struct hf_aside_job followers = { .fn = find_followers,
					  .context = batch.lines,
					  .count = (batch.line_count - 1) / 2 };
	hf_aside_share(aside, &followers);
	enum hf_code code = parse_lines(&batch, ret_fault, err);
	hf_aside_finish(aside, &followers);
	if (code != HF_OK) {
		hf_intake_free(&batch);
		return code;
	}
	*ret_batch = batch;
	return HF_OK;
}

void hf_intake_free(struct hf_intake *batch)
{
	free(batch->lines);
	*batch = (struct hf_intake){ 0 };
}
