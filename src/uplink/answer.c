/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/answer.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/random.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const uint64_t integer_max = UINT64_C(1) << 53;

static void free_json(json_t **json)
{
	json_decref(*json);
}

/* Set verdict and text. Foreign bytes go into logs and events: only printable ones stay. */
static void conclude(struct hf_answer *answer, enum hf_verdict verdict, const char *format, ...)
	HF_PRINTF(3, 4);

static void conclude(struct hf_answer *answer, enum hf_verdict verdict, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(answer->text, sizeof answer->text, format, ap);
	va_end(ap);
	/* A cut in the middle of a character would not be UTF-8. */
	answer->text[hf_utf8_valid_prefix(answer->text, strlen(answer->text))] = '\0';
	for (char *c = answer->text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	answer->verdict = verdict;
}

static bool is_json_type(const char *content_type)
{
	static const char wanted[] = "application/json";
	size_t length = sizeof wanted - 1;

	if (content_type == NULL || strncasecmp(content_type, wanted, length) != 0)
		return false;
	const char *rest = content_type + length;
	rest += strspn(rest, " \t");
	return *rest == '\0' || *rest == ';';
}

/* The body as an object, NULL when it is none. The caller's to release. */
static json_t *parse_object(const struct hf_response *response)
{
	if (response->body == NULL || response->body_cut || !is_json_type(response->content_type))
		return NULL;
	json_t *json =
		json_loadb(response->body, response->body_bytes, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

/* A whole number in 0..2^53; a real one, even 3.0, is not. */
static bool get_u64(const json_t *object, const char *key, uint64_t *ret_value)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > integer_max)
		return false;
	*ret_value = (uint64_t)json_integer_value(value);
	return true;
}

static bool echoes(const json_t *object, const char *key, const char *sent)
{
	const char *echoed = json_string_value(json_object_get(object, key));

	return echoed != NULL && strcmp(echoed, sent) == 0;
}

static bool get_hex(const json_t *object, const char *key, size_t size_bytes, uint8_t *ret_bytes)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) && json_string_length(value) == 2 * size_bytes &&
	       hf_unhex(json_string_value(value), size_bytes, ret_bytes);
}

static bool get_receipt(const json_t *object, uint64_t first, uint64_t through,
			struct hf_receipt *receipt)
{
	const char *at = json_string_value(json_object_get(object, "at"));

	if (!get_u64(object, "seq", &receipt->seq) || receipt->seq < first ||
	    receipt->seq > through || at == NULL || !hf_receipt_at_valid(at) ||
	    !get_hex(object, "chain", sizeof receipt->chain, receipt->chain) ||
	    !get_hex(object, "key", sizeof receipt->key, receipt->key) ||
	    !get_hex(object, "sig", sizeof receipt->sig, receipt->sig))
		return false;
	(void)snprintf(receipt->at, sizeof receipt->at, "%s", at);
	return true;
}

/* What a delivery says besides. */
static void take_extras(const json_t *object, const struct hf_sent *sent, uint64_t through,
			struct hf_answer *answer)
{
	const json_t *receipt = json_object_get(object, "receipt");
	uint64_t mark;

	if (get_u64(object, "mark", &mark) && mark >= through)
		answer->mark = mark;
	if (receipt == NULL)
		return;
	answer->has_receipt = get_receipt(receipt, sent->first_seq, through, &answer->receipt);
	answer->receipt_malformed = !answer->has_receipt;
}

static void judge_200(const struct hf_response *response, const struct hf_sent *sent,
		      struct hf_answer *answer)
{
	if (!is_json_type(response->content_type)) {
		conclude(answer, HF_VERDICT_RETRY,
			 "200 with Content-Type %s: not the hub, perhaps a portal",
			 response->content_type != NULL ? response->content_type : "(none)");
		return;
	}
	HF_AUTO(free_json) json_t *object = parse_object(response);
	if (object == NULL) {
		conclude(answer, HF_VERDICT_RETRY, "200 whose body is not one whole JSON object");
		return;
	}
	static const char *const keys[] = { "device_id", "epoch", "nonce" };
	const char *const wanted[] = { sent->device_id, sent->epoch, sent->nonce };
	for (size_t i = 0; i < HF_ARRAY_LEN(keys); i++)
		if (!echoes(object, keys[i], wanted[i])) {
			conclude(answer, HF_VERDICT_RETRY,
				 "200 that does not echo our %s: not an answer to this request",
				 keys[i]);
			return;
		}

	uint64_t through;
	if (!get_u64(object, "acked_through", &through)) {
		conclude(answer, HF_VERDICT_RETRY, "200 whose acked_through is not a whole number");
		return;
	}
	/* One below the first is an honest "none of them". */
	if (through + 1 < sent->first_seq || through > sent->last_seq) {
		conclude(answer, HF_VERDICT_RETRY,
			 "200 with acked_through %" PRIu64 ", but %" PRIu64 " to %" PRIu64
			 " were sent",
			 through, sent->first_seq, sent->last_seq);
		return;
	}
	answer->acked_through = through;
	take_extras(object, sent, through, answer);
	conclude(answer, HF_VERDICT_DELIVERED, "delivered through %" PRIu64, through);
}

/* A refusal that only the hub can have written, or RETRY. */
static void judge_refusal(const struct hf_response *response, const struct hf_sent *sent,
			  enum hf_verdict verdict, struct hf_answer *answer)
{
	HF_AUTO(free_json) json_t *object = parse_object(response);
	const char *error = json_string_value(json_object_get(object, "error"));
	const char *message = json_string_value(json_object_get(object, "message"));

	if (error == NULL) {
		conclude(answer, HF_VERDICT_RETRY,
			 "%ld without the hub's error object: a portal or a proxy",
			 response->status);
		return;
	}
	bool named = get_u64(object, "seq", &answer->seq) && answer->seq >= sent->first_seq &&
		     answer->seq <= sent->last_seq;
	if (!named)
		answer->seq = 0;
	answer->fork = verdict == HF_VERDICT_CONFLICT && strcmp(error, "chain_fork") == 0;
	if (verdict == HF_VERDICT_REJECTED && !named) {
		conclude(answer, HF_VERDICT_RETRY,
			 "%ld %s that names none of the lines sent: nothing can be passed over",
			 response->status, error);
		return;
	}
	conclude(answer, verdict, "%ld %s: %s", response->status, error,
		 message != NULL ? message : "(no message)");
}

const char *hf_verdict_name(enum hf_verdict verdict)
{
	switch (verdict) {
	case HF_VERDICT_DELIVERED:
		return "delivered";
	case HF_VERDICT_RETRY:
		return "retry";
	case HF_VERDICT_BLOCKED:
		return "blocked";
	case HF_VERDICT_REJECTED:
		return "rejected";
	case HF_VERDICT_TOO_LARGE:
		return "too_large";
	case HF_VERDICT_CONFLICT:
		return "conflict";
	}
	return "unknown";
}

void hf_answer_unsent(enum hf_verdict verdict, const char *text, struct hf_answer *ret_answer)
{
	*ret_answer = (struct hf_answer){ .local = true };
	conclude(ret_answer, verdict, "%s", text);
}

void hf_answer_judge(const struct hf_response *response, const struct hf_sent *sent,
		     struct hf_answer *ret_answer)
{
	HF_ASSERT(sent->first_seq > 0 && sent->first_seq <= sent->last_seq);
	*ret_answer = (struct hf_answer){ .verdict = HF_VERDICT_RETRY };
	if (response->failure != NULL) {
		conclude(ret_answer, HF_VERDICT_RETRY, "%s", response->failure);
		return;
	}
	if (response->body_cut) {
		conclude(ret_answer, HF_VERDICT_RETRY, "%ld with a body of more than %d bytes",
			 response->status, HF_RESPONSE_BODY_BYTES_MAX);
		return;
	}
	switch (response->status) {
	case 200:
		judge_200(response, sent, ret_answer);
		return;
	case 401:
	case 403:
		judge_refusal(response, sent, HF_VERDICT_BLOCKED, ret_answer);
		return;
	case 409:
		judge_refusal(response, sent, HF_VERDICT_CONFLICT, ret_answer);
		return;
	case 422:
		judge_refusal(response, sent, HF_VERDICT_REJECTED, ret_answer);
		return;
	case 413:
		/* A proxy in front of the hub may say this too; fewer lines suit both. */
		conclude(ret_answer, HF_VERDICT_TOO_LARGE, "413: the batch is too large");
		return;
	case 429:
	case 503:
		ret_answer->busy = true;
		ret_answer->retry_after_ms = response->retry_after_ms;
		conclude(ret_answer, HF_VERDICT_RETRY, "%ld: the hub is busy", response->status);
		return;
	default:
		conclude(ret_answer, HF_VERDICT_RETRY, "status %ld, expected 200",
			 response->status);
	}
}
