/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to the hub, from whoever can reach it: method and target, headers, an empty line, the
 * body; CRCs of its lines are made right. Each line is judged the short way and the general one, which
 * must agree.
 */
#include "reseal.h"

#include "hub/api.h"

#include <sodium.h>
#include <stdio.h>
#include <strings.h>

#define NONCE "0123456789abcdef0123456789abcdef"

enum {
	HEADERS_MAX = 16,
};

struct headers {
	size_t count;
	const char *names[HEADERS_MAX];
	const char *values[HEADERS_MAX];
};

/* Takes everything, has one of each. */
static enum hf_code take(struct hf_store *store, const struct hf_intake *batch, struct hf_wall now,
			 struct hf_ingest_result *ret_result, struct hf_err *err)
{
	(void)store;
	(void)now;
	(void)err;
	FUZZ_MUST(batch->line_count >= 1 && batch->line_count <= HF_INTAKE_LINES_MAX);
	for (size_t i = 0; i < batch->line_count; i++) {
		const struct hf_intake_line *line = &batch->lines[i];

		FUZZ_MUST(line->seq > 0 && memchr(line->text, '\n', line->size_bytes) == NULL);
		FUZZ_MUST(i == 0 || line->seq > batch->lines[i - 1].seq);
		uint8_t chain[HF_CHAIN_BYTES];
		hf_intake_chain(line->chain, line, chain);
	}
	ret_result->acked_through = batch->lines[batch->line_count - 1].seq;
	return HF_OK;
}

static enum hf_code events(struct hf_store *store, const struct hf_event_query *query,
			   hf_event_row_fn *row, void *context, struct hf_event_page *ret_page,
			   struct hf_err *err)
{
	const struct hf_event_row one = { .row = 9, .line = "{\"a\":1}", .line_bytes = 7 };

	(void)store;
	FUZZ_MUST(query->limit >= 1 && query->limit <= HF_EVENTS_LIMIT_MAX);
	*ret_page = (struct hf_event_page){ .after = 1, .before = 1 };
	return row(context, &one, err);
}

static enum hf_code devices(struct hf_store *store, hf_device_row_fn *row, void *context,
			    struct hf_err *err)
{
	const struct hf_device_row one = { .device_id = "<b>\"\n",
					   .epoch = "e",
					   .state = "s",
					   .release = "r",
					   .forked_from = "" };

	(void)store;
	return row(context, &one, err);
}

static enum hf_code gaps(struct hf_store *store, const char *device_id, hf_gap_row_fn *row,
			 void *context, struct hf_err *err)
{
	const struct hf_gap_row one = { .device_id = device_id != NULL ? device_id : "all",
					.epoch = "e",
					.first = 3,
					.last = 5 };

	(void)store;
	return row(context, &one, err);
}

static const struct hf_store_ops ops = {
	.ingest = take, .events = events, .devices = devices, .gaps = gaps
};
static struct hf_store store = { .ops = &ops };

static struct hf_wall fixed_wall(const struct hf_clock *clock)
{
	(void)clock;
	return (struct hf_wall){ .ms = INT64_C(1776686400000) };
}

static struct hf_mono fixed_mono(const struct hf_clock *clock)
{
	(void)clock;
	return (struct hf_mono){ .us = 1 };
}

static const struct hf_clock fixed = { .wall = fixed_wall, .mono = fixed_mono };

static const char *find_header(const struct hf_request *request, const char *name)
{
	const struct headers *headers = request->context;

	for (size_t i = 0; i < headers->count; i++)
		if (strcasecmp(headers->names[i], name) == 0)
			return headers->values[i];
	return NULL;
}

static char *take_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	*at = end != NULL ? end + 1 : line + strlen(line);
	if (end != NULL)
		*end = '\0';
	return line;
}

static void take_query(char *query, struct hf_request *request)
{
	for (char *item; (item = strsep(&query, "&")) != NULL; request->query_count++) {
		char *value = strchr(item, '=');

		if (value != NULL)
			*value++ = '\0';
		if (request->query_count < HF_QUERY_ITEMS_MAX)
			request->query[request->query_count] =
				(struct hf_query_item){ .key = item, .value = value };
	}
}

/* One line. HF_OK: it was taken as ret_line. */
static enum hf_code judge(const struct hf_sender *sender, const char *text, size_t size_bytes,
			  struct hf_intake_line *ret_line, struct hf_intake_fault *ret_fault)
{
	struct hf_intake batch;
	struct hf_err err;
	enum hf_code code =
		hf_intake_parse(sender, text, size_bytes, NULL, &batch, ret_fault, &err);

	if (code == HF_OK) {
		*ret_line = batch.lines[0];
		hf_intake_free(&batch);
	}
	return code;
}

/* A space behind the first brace is none of the short way's business. */
static void check_both_ways(const struct hf_sender *sender, const char *line, size_t size_bytes)
{
	struct hf_intake_line usual, general;
	struct hf_intake_fault usual_fault, general_fault;

	if (size_bytes < 2 || line[0] != '{' || size_bytes >= HF_LINE_BYTES_MAX)
		return;
	HF_AUTO_FREE char *spaced = malloc(size_bytes + 1);
	FUZZ_MUST(spaced != NULL);
	spaced[0] = '{';
	spaced[1] = ' ';
	memcpy(spaced + 2, line + 1, size_bytes - 1);
	fuzz_reseal(spaced, size_bytes + 1);
	enum hf_code code = judge(sender, line, size_bytes, &usual, &usual_fault);
	FUZZ_MUST(judge(sender, spaced, size_bytes + 1, &general, &general_fault) == code);
	if (code == HF_E_INVALID)
		FUZZ_MUST(strcmp(usual_fault.word, general_fault.word) == 0 &&
			  usual_fault.seq == general_fault.seq);
	if (code == HF_OK)
		FUZZ_MUST(usual.seq == general.seq &&
			  memcmp(usual.chain, general.chain, sizeof usual.chain) == 0 &&
			  strcmp(usual.event_class, general.event_class) == 0 &&
			  strcmp(usual.state, general.state) == 0 &&
			  strcmp(usual.release, general.release) == 0);
}

static void check_lines(const struct hf_request *request)
{
	const char *at = request->body, *end = at + request->body_bytes, *newline;
	struct hf_sender sender;
	struct hf_err err;

	if (hf_sender_make(request->header(request, "Holdfast-Device"),
			   request->header(request, "Holdfast-Epoch"),
			   request->header(request, "Holdfast-Forked-From"), NONCE, &sender,
			   &err) != HF_OK)
		return;
	for (; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL; at = newline + 1)
		check_both_ways(&sender, at, (size_t)(newline - at) + 1);
}

static void ask(const struct hf_request *request)
{
	static struct hf_hub_key key;
	static const uint8_t seed[crypto_sign_SEEDBYTES];
	FUZZ_MUST(crypto_sign_seed_keypair(key.public, key.secret, seed) == 0);
	struct hf_api api = { .store = &store,
			      .key = &key,
			      .thumbs_dir = "/nowhere",
			      .version = "1",
			      .clock = &fixed,
			      .random = hf_random_real() };
	struct hf_reply reply = { .fd = -1 };

	if (hf_api_admit(&api, request, &reply))
		hf_api_answer(&api, request, &reply);
	FUZZ_MUST(reply.status >= 200 && reply.status < 600);
	hf_reply_free(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	HF_AUTO_FREE char *text = fuzz_text(data, size_bytes);
	struct headers headers = { 0 };
	struct hf_request request = { .header = find_header, .context = &headers };
	char *at = text, *first = take_line(&at), *target = strchr(first, ' ');

	if (target == NULL)
		return 0;
	*target++ = '\0';
	request.method = first;
	request.path = target;
	char *query = strchr(target, '?');
	if (query != NULL) {
		*query++ = '\0';
		take_query(query, &request);
	}
	for (char *line; *(line = take_line(&at)) != '\0' && headers.count < HEADERS_MAX;) {
		char *value = strchr(line, ':');

		if (value == NULL)
			continue;
		*value++ = '\0';
		headers.names[headers.count] = line;
		headers.values[headers.count++] = value + strspn(value, " ");
	}
	request.body = at;
	request.body_bytes = size_bytes - (size_t)(at - text);
	fuzz_reseal(at, request.body_bytes);
	check_lines(&request);
	ask(&request);
	return 0;
}
