/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

#include "hub/test_line.h"
#include "test.h"

#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

/* A store that fails as it is told to. */
struct fake_store {
	struct hf_store base;
	enum hf_code ingest_code;
	uint64_t conflict_seq;
	bool fork;
	enum hf_code read_code;
	unsigned ingests;
};

static enum hf_code fake_ingest(struct hf_store *base, const struct hf_intake *batch,
				struct hf_wall now, struct hf_ingest_result *ret_result,
				struct hf_err *err)
{
	struct fake_store *store = (struct fake_store *)base;

	(void)now;
	store->ingests++;
	ret_result->conflict_seq = store->conflict_seq;
	ret_result->fork = store->fork;
	if (store->ingest_code != HF_OK)
		return hf_fail(err, store->ingest_code, "the medium says no");
	ret_result->acked_through = batch->lines[batch->line_count - 1].seq;
	ret_result->mark = 9;
	return HF_OK;
}

static enum hf_code fake_events(struct hf_store *base, const struct hf_event_query *query,
				hf_event_row_fn *row, void *context, struct hf_event_page *ret_page,
				struct hf_err *err)
{
	const struct fake_store *store = (const struct fake_store *)base;
	const struct hf_event_row one = { .row = 9, .line = "{\"a\":1}", .line_bytes = 7 };

	if (store->read_code != HF_OK)
		return hf_fail(err, store->read_code, "cannot be read");
	*ret_page = (struct hf_event_page){ .after = query->row, .before = query->limit };
	return row(context, &one, err);
}

static enum hf_code fake_devices(struct hf_store *base, hf_device_row_fn *row, void *context,
				 struct hf_err *err)
{
	const struct hf_device_row one = { .device_id = "<b>\"\n",
					   .epoch = "e",
					   .state = "s",
					   .release = "r",
					   .forked_from = "" };

	(void)base;
	return row(context, &one, err);
}

static enum hf_code fake_gaps(struct hf_store *base, const char *device_id, hf_gap_row_fn *row,
			      void *context, struct hf_err *err)
{
	const struct hf_gap_row one = { .device_id = device_id != NULL ? device_id : "all",
					.epoch = "e",
					.first = 3,
					.last = 5 };

	(void)base;
	return row(context, &one, err);
}

static const struct hf_store_ops fake_ops = {
	.ingest = fake_ingest,
	.events = fake_events,
	.devices = fake_devices,
	.gaps = fake_gaps,
};

static struct hf_wall fixed_wall(const struct hf_clock *clock)
{
	(void)clock;
	return (struct hf_wall){ .ms = 0 };
}

static const struct hf_clock clock_fixed = { .wall = fixed_wall };

static struct fake_store store;
static struct hf_api api;

static void api_reset(const char *token)
{
	store = (struct fake_store){ .base = { .ops = &fake_ops } };
	api = (struct hf_api){
		.store = &store.base,
		.thumbs_dir = "/nowhere",
		.token = token,
		.version = "1",
		.clock = &clock_fixed,
		.random = hf_random_real(),
	};
}

struct headers {
	const char *pairs[6][2];
};

static const char *find_header(const struct hf_request *request, const char *name)
{
	const struct headers *headers = request->context;

	for (size_t i = 0; i < 6 && headers->pairs[i][0] != NULL; i++)
		if (strcasecmp(headers->pairs[i][0], name) == 0)
			return headers->pairs[i][1];
	return NULL;
}

static struct headers good_headers(void)
{
	return (struct headers){ { { "Content-Type", "application/x-ndjson" },
				   { "Holdfast-Device", "unit-1" },
				   { "Holdfast-Epoch", TEST_EPOCH },
				   { "Holdfast-Nonce", TEST_NONCE } } };
}

static struct hf_reply reply = { .fd = -1 };

/* The whole way of a request: admitted and answered, or refused. */
static unsigned ask(const char *method, const char *path, const struct headers *headers,
		    const char *body)
{
	struct hf_request request = { .method = method,
				      .path = path,
				      .header = find_header,
				      .context = headers,
				      .body = body,
				      .body_bytes = strlen(body) };

	hf_reply_free(&reply);
	if (hf_api_admit(&api, &request, &reply))
		hf_api_answer(&api, &request, &reply);
	return reply.status;
}

static unsigned post(const struct headers *headers, const char *body)
{
	return ask("POST", "/v1/events", headers, body);
}

static const char *good_line(void)
{
	static char line[HF_LINE_BYTES_MAX];

	(void)test_line_make("unit-1", TEST_EPOCH, 7, "gate", line);
	return line;
}

TEST(an_answer_echoes_the_sender_and_the_last_number)
{
	struct headers headers = good_headers();

	api_reset(NULL);
	CHECK_U64(post(&headers, good_line()), ==, 200);
	CHECK_TEXT(reply.body, "{\"device_id\":\"unit-1\",\"epoch\":\"" TEST_EPOCH
			       "\",\"nonce\":\"" TEST_NONCE "\",\"acked_through\":7,\"mark\":9}");
	CHECK_TEXT(reply.type, "application/json");
}

/* The value of "key":"..." in the reply, as bytes. */
static void reply_hex(const char *key, size_t size_bytes, uint8_t *ret_bytes)
{
	const char *at = strstr(reply.body, key);

	CHECK(at != NULL && hf_unhex(at + strlen(key), size_bytes, ret_bytes));
	CHECK(at[strlen(key) + 2 * size_bytes] == '"');
}

TEST(an_answer_countersigns_the_chain_of_its_last_line)
{
	struct headers headers = good_headers();
	struct hf_hub_key key;
	struct hf_receipt receipt = { .seq = 7 };
	uint8_t seed[crypto_sign_SEEDBYTES] = { 7 };
	char text[HF_RECEIPT_TEXT_BYTES], wanted[sizeof text + 64];
	char line[HF_LINE_BYTES_MAX];

	api_reset(NULL);
	CHECK_U64(ask("GET", "/v1/key", &headers, ""), ==, 404);
	CHECK(crypto_sign_seed_keypair(key.public, key.secret, seed) == 0);
	api.key = &key;
	(void)snprintf(line, sizeof line, "%s", good_line());
	CHECK_U64(post(&headers, line), ==, 200);
	reply_hex("\"chain\":\"", sizeof receipt.chain, receipt.chain);
	reply_hex("\"key\":\"", sizeof receipt.key, receipt.key);
	reply_hex("\"sig\":\"", sizeof receipt.sig, receipt.sig);
	(void)snprintf(receipt.at, sizeof receipt.at, "%.24s", strstr(reply.body, "\"at\":\"") + 6);
	CHECK(hf_receipt_at_valid(receipt.at));
	CHECK(strstr(reply.body, "\"receipt\":{\"seq\":7,") != NULL);
	CHECK(strstr(line, ",\"chain\":\"") != NULL &&
	      strncmp(strstr(line, ",\"chain\":\"") + 1, strstr(reply.body, "\"chain\":\""), 74) ==
		      0);
	size_t length = hf_receipt_text(&receipt, "unit-1", TEST_EPOCH, text);
	CHECK(crypto_sign_verify_detached(receipt.sig, (const unsigned char *)text, length,
					  receipt.key) == 0);
	assert_memory_equal(receipt.key, key.public, sizeof key.public);

	CHECK_U64(ask("GET", "/v1/key", &headers, ""), ==, 200);
	hf_hex(key.public, sizeof key.public, text);
	(void)snprintf(wanted, sizeof wanted, "{\"algorithm\":\"ed25519\",\"key\":\"%s\"}", text);
	CHECK_TEXT(reply.body, wanted);
}

TEST(a_fork_is_409_with_a_word_of_its_own)
{
	struct headers headers = good_headers();

	api_reset(NULL);
	store.ingest_code = HF_E_INVALID;
	store.conflict_seq = 7;
	CHECK_U64(post(&headers, good_line()), ==, 409);
	CHECK(strstr(reply.body, "\"error\":\"conflict\"") != NULL);
	CHECK(strstr(reply.body, "\"seq\":7") != NULL);
	store.fork = true;
	CHECK_U64(post(&headers, good_line()), ==, 409);
	CHECK(strstr(reply.body, "\"error\":\"chain_fork\"") != NULL);
	CHECK(strstr(reply.body, "acked_through") == NULL);
}

TEST(a_store_that_fails_is_503_with_a_time_to_return_and_no_acknowledgement)
{
	static const enum hf_code codes[] = { HF_E_AGAIN,   HF_E_NOSPACE, HF_E_IO,
					      HF_E_CORRUPT, HF_E_DENIED,  HF_E_NOMEM };
	struct headers headers = good_headers();

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		api_reset(NULL);
		store.ingest_code = codes[i];
		CHECK_U64(post(&headers, good_line()), ==, 503);
		CHECK_U64(reply.retry_after_s, >, 0);
		CHECK(strstr(reply.body, "acked_through") == NULL);
		CHECK(strstr(reply.body, "the medium says no") != NULL);
	}
}

TEST(health_is_bad_from_a_failed_write_to_the_next_good_one)
{
	struct headers headers = good_headers();

	api_reset(NULL);
	CHECK_U64(ask("GET", "/healthz", &headers, ""), ==, 200);
	store.ingest_code = HF_E_NOSPACE;
	(void)post(&headers, good_line());
	CHECK_U64(ask("GET", "/healthz", &headers, ""), ==, 503);
	store.ingest_code = HF_OK;
	(void)post(&headers, good_line());
	CHECK_U64(ask("GET", "/healthz", &headers, ""), ==, 200);
	store.read_code = HF_E_CORRUPT;
	CHECK_U64(ask("GET", "/healthz", &headers, ""), ==, 503);
}

TEST(nothing_reaches_the_store_before_the_wire_is_right)
{
	static const struct {
		size_t header;
		const char *value;
		unsigned status;
	} cases[] = {
		{ 0, "application/json", 415 },
		{ 0, "application/x-ndjsonx", 415 },
		{ 1, "", 400 },
		{ 1, "unit-2", 422 },
		{ 2, "other", 422 },
		{ 3, "123", 400 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct headers headers = good_headers();

		api_reset(NULL);
		headers.pairs[cases[i].header][1] = cases[i].value;
		CHECK_U64(post(&headers, good_line()), ==, cases[i].status);
		CHECK_U64(store.ingests, ==, 0);
	}
	struct headers with_charset = good_headers();
	with_charset.pairs[0][1] = "Application/X-NDJSON; charset=utf-8";
	CHECK_U64(post(&with_charset, good_line()), ==, 200);
}

TEST(a_wrong_token_is_401_whatever_else_is_wrong)
{
	static const char *const wrong[] = { "",
					     "Bearer",
					     "Bearer ",
					     "Bearer secret-secret-secre",
					     "Bearer secret-secret-secretx",
					     "secret-secret-secret" };
	struct headers headers = good_headers();

	api_reset("secret-secret-secret");
	CHECK_U64(post(&headers, good_line()), ==, 401);
	headers.pairs[4][0] = "Authorization";
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		headers.pairs[4][1] = wrong[i];
		CHECK_U64(post(&headers, "rubbish"), ==, 401);
		CHECK_U64(ask("DELETE", "/v1/events", &headers, ""), ==, 401);
	}
	CHECK_U64(store.ingests, ==, 0);
	headers.pairs[4][1] = "Bearer secret-secret-secret";
	CHECK_U64(post(&headers, good_line()), ==, 200);
}

TEST(a_body_that_is_told_to_be_too_large_is_refused_before_it_is_read)
{
	struct headers headers = good_headers();

	api_reset(NULL);
	headers.pairs[4][0] = "Content-Length";
	headers.pairs[4][1] = "1048577";
	CHECK_U64(post(&headers, ""), ==, 413);
	headers.pairs[4][1] = "1048576";
	CHECK_U64(post(&headers, ""), ==, 422);
}

TEST(every_path_answers_every_method_with_its_own_or_405)
{
	static const struct {
		const char *path;
		unsigned get, post, put;
	} cases[] = {
		{ "/", 200, 405, 405 },
		{ "/hub.js", 200, 405, 405 },
		{ "/healthz", 200, 405, 405 },
		{ "/v1/events", 200, 415, 405 },
		{ "/v1/devices", 200, 405, 405 },
		{ "/v1/gaps", 200, 405, 405 },
		{ "/v1/thumbs/x", 400, 405, 400 },
		{ "/v1/thumbs", 404, 404, 404 },
		{ "/v1/eventsx", 404, 404, 404 },
		{ "", 404, 404, 404 },
		{ "//", 404, 404, 404 },
		{ "/v1/thumbs/", 400, 405, 400 },
	};
	const struct headers none = { 0 };

	api_reset(NULL);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK_U64(ask("GET", cases[i].path, &none, ""), ==, cases[i].get);
		CHECK_U64(ask("HEAD", cases[i].path, &none, ""), ==, cases[i].get);
		CHECK_U64(ask("POST", cases[i].path, &none, ""), ==, cases[i].post);
		CHECK_U64(ask("PUT", cases[i].path, &none, ""), ==, cases[i].put);
		unsigned unknown = cases[i].get == 404 ? 404 : 405;
		CHECK_U64(ask("get", cases[i].path, &none, ""), ==, unknown);
		CHECK((reply.allow != NULL) == (unknown == 405));
	}
}

TEST(lists_are_json_even_when_ids_are_not_friendly)
{
	const struct headers none = { 0 };

	api_reset(NULL);
	CHECK_U64(ask("GET", "/v1/devices", &none, ""), ==, 200);
	CHECK(strstr(reply.body, "\"device_id\":\"<b>\\\"\\u000a\"") != NULL);
	CHECK(strstr(reply.body, "{\"now\":\"1970-01-01T00:00:00.000Z\",\"devices\":[{") ==
	      reply.body);
	CHECK_U64(ask("GET", "/v1/gaps", &none, ""), ==, 200);
	CHECK_TEXT(reply.body,
		   "{\"gaps\":[{\"device_id\":\"all\",\"epoch\":\"e\",\"first\":3,\"last\":5,"
		   "\"count\":3,\"noticed_at\":\"1970-01-01T00:00:00.000Z\"}]}\n");
	CHECK_U64(ask("GET", "/v1/events", &none, ""), ==, 200);
	CHECK_TEXT(reply.body, "{\"events\":[{\"a\":1,\"hub_row\":9,"
			       "\"received_at\":\"1970-01-01T00:00:00.000Z\"}],"
			       "\"after\":0,\"before\":50}\n");
	hf_reply_free(&reply);
}

TESTS(RUN(an_answer_echoes_the_sender_and_the_last_number),
      RUN(an_answer_countersigns_the_chain_of_its_last_line),
      RUN(a_fork_is_409_with_a_word_of_its_own),
      RUN(a_store_that_fails_is_503_with_a_time_to_return_and_no_acknowledgement),
      RUN(health_is_bad_from_a_failed_write_to_the_next_good_one),
      RUN(nothing_reaches_the_store_before_the_wire_is_right),
      RUN(a_wrong_token_is_401_whatever_else_is_wrong),
      RUN(a_body_that_is_told_to_be_too_large_is_refused_before_it_is_read),
      RUN(every_path_answers_every_method_with_its_own_or_405),
      RUN(lists_are_json_even_when_ids_are_not_friendly))
