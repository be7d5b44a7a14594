/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

#include "base/assert.h"
#include "base/json.h"
#include "hub/thumbs.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	RETRY_MIN_S = 5,
	RETRY_MAX_S = 20,
	/* Room for a row's own members in JSON: texts of at most HF_ID_BYTES, six bytes each. */
	ROW_JSON_BYTES = 4096,
};

static const char json_type[] = "application/json";
static const char cache_never[] = "no-store";
/* A thumbnail never changes under its name; it shows people, so no shared cache may keep it. */
static const char cache_thumb[] = "private, max-age=86400, immutable";
static const char cache_page[] = "no-cache";
static const char thumbs_prefix[] = "/v1/thumbs/";

typedef void handle_fn(struct hf_api *api, const struct hf_request *request,
		       struct hf_reply *reply);

static handle_fn post_events, get_events, get_devices, get_gaps, get_thumb, put_thumb, get_health,
	get_key, get_page;

static const struct route {
	const char *path;
	bool prefix; /* path is followed by a name */
	bool open;   /* no token is asked for */
	const char *allow;
	handle_fn *get, *post, *put;
	const char *query; /* the parameters it knows, each between commas */
} routes[] = {
	{ "/v1/events", false, false, "GET, HEAD, POST", get_events, post_events, NULL,
	  ",after,before,limit,device,class," },
	{ "/v1/devices", false, false, "GET, HEAD", get_devices, NULL, NULL, "," },
	{ "/v1/gaps", false, false, "GET, HEAD", get_gaps, NULL, NULL, ",device," },
	{ thumbs_prefix, true, false, "GET, HEAD, PUT", get_thumb, NULL, put_thumb, "," },
	{ "/v1/key", false, false, "GET, HEAD", get_key, NULL, NULL, "," },
	{ "/healthz", false, true, "GET, HEAD", get_health, NULL, NULL, "," },
};
/* The page takes any query: it holds no data, and people put marks into addresses. */
static const struct route page_route = { "", false, true, "GET, HEAD", get_page, NULL, NULL, NULL };

/* ---- replies ---- */

static void reply_memory(struct hf_reply *reply, unsigned status, char *body, size_t body_bytes)
{
	reply->status = status;
	reply->type = json_type;
	reply->body = body;
	reply->body_bytes = body != NULL ? body_bytes : 0;
}

static void reply_json(struct hf_reply *reply, unsigned status, struct hf_json *json)
{
	/* What is written here is bounded by construction: ids, numbers and one error text. */
	enum hf_code code = hf_json_end(json, NULL);

	HF_ASSERT(code == HF_OK);
	reply_memory(reply, status, strdup(json->data), json->size_bytes);
}

static void reply_error(struct hf_reply *reply, unsigned status, const char *word,
			const char *message, const struct hf_intake_fault *fault)
{
	char text[HF_ERR_TEXT_BYTES_MAX * 6 + 256];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "error", word);
	hf_json_put_text(&json, "message", message);
	if (fault != NULL && fault->seq != 0)
		hf_json_put_u64(&json, "seq", fault->seq);
	else if (fault != NULL)
		hf_json_put_null(&json, "seq");
	if (fault != NULL && fault->line != 0)
		hf_json_put_u64(&json, "line", fault->line);
	hf_json_object_close(&json);
	reply_json(reply, status, &json);
}

/* The disk, not the request: the sender keeps what it has and comes again. */
static void reply_storage(const struct hf_api *api, struct hf_reply *reply,
			  const struct hf_err *err)
{
	hf_api_refuse(api, 503, "storage", err->text, reply);
}

/* ---- what a request asks for ---- */

static const struct route *route_of(const char *path)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(routes); i++) {
		const struct route *route = &routes[i];

		if (route->prefix ? strncmp(path, route->path, strlen(route->path)) == 0
				  : strcmp(path, route->path) == 0)
			return route;
	}
	for (size_t i = 0; i < hf_asset_count; i++)
		if (strcmp(path, hf_assets[i].path) == 0)
			return &page_route;
	return NULL;
}

static handle_fn *handler_of(const struct route *route, const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return route->get;
	if (strcmp(method, "POST") == 0)
		return route->post;
	if (strcmp(method, "PUT") == 0)
		return route->put;
	return NULL;
}

static bool token_right(const struct hf_api *api, const struct hf_request *request)
{
	static const char scheme[] = "Bearer ";
	const char *given = request->header(request, "Authorization");

	if (api->token == NULL)
		return true;
	if (given == NULL || strncasecmp(given, scheme, sizeof scheme - 1) != 0)
		return false;
	given += sizeof scheme - 1;
	return strlen(given) == strlen(api->token) &&
	       sodium_memcmp(given, api->token, strlen(given)) == 0;
}

static const char *query_value(const struct hf_request *request, const char *key)
{
	for (size_t i = 0; i < request->query_count; i++)
		if (strcmp(request->query[i].key, key) == 0)
			return request->query[i].value;
	return NULL;
}

/* Every parameter is one the route knows, given once and with a value. */
static bool query_known(const struct route *route, const struct hf_request *request,
			struct hf_reply *reply)
{
	char message[192], wanted[64];

	if (route->query == NULL)
		return true;
	if (request->query_count > HF_QUERY_ITEMS_MAX) {
		reply_error(reply, 400, "bad_query", "too many parameters", NULL);
		return false;
	}
	for (size_t i = 0; i < request->query_count; i++) {
		const struct hf_query_item *item = &request->query[i];
		bool known = (size_t)snprintf(wanted, sizeof wanted, ",%s,", item->key) <
				     sizeof wanted &&
			     strchr(item->key, ',') == NULL && *item->key != '\0' &&
			     strstr(route->query, wanted) != NULL;
		const char *why = !known                ? "is not known here"
				  : item->value == NULL ? "has no value"
				  : query_value(request, item->key) != item->value
					  ? "is given twice"
					  : NULL;

		if (why == NULL)
			continue;
		(void)snprintf(message, sizeof message, "parameter \"%.40s\" %s; there are: %s",
			       item->key, why,
			       strlen(route->query) > 1 ? route->query + 1 : "none");
		reply_error(reply, 400, "bad_query", message, NULL);
		return false;
	}
	return true;
}

/* A parameter that is a number; standard when it is not given. */
static bool query_number(const struct hf_request *request, const char *key, uint64_t standard,
			 uint64_t min, uint64_t max, uint64_t *ret_value, struct hf_reply *reply)
{
	const char *text = query_value(request, key);
	char message[128];
	uint64_t value = 0;

	if (text == NULL) {
		*ret_value = standard;
		return true;
	}
	size_t digits = strspn(text, "0123456789");
	if (digits > 0 && digits <= 16 && text[digits] == '\0')
		value = strtoull(text, NULL, 10);
	else
		digits = 0;
	if (digits == 0 || value < min || value > max) {
		(void)snprintf(message, sizeof message,
			       "%s=%.40s is not a number from %llu to %llu", key, text,
			       (unsigned long long)min, (unsigned long long)max);
		reply_error(reply, 400, "bad_query", message, NULL);
		return false;
	}
	*ret_value = value;
	return true;
}

bool hf_api_admit(const struct hf_api *api, const struct hf_request *request,
		  struct hf_reply *ret_reply)
{
	const struct route *route = route_of(request->path);

	*ret_reply = (struct hf_reply){ .fd = -1, .cache_control = cache_never };
	if (route == NULL) {
		reply_error(ret_reply, 404, "not_found",
			    "no such path; there are /, /healthz, /v1/events, /v1/devices, "
			    "/v1/gaps, /v1/key, /v1/thumbs/<sha256>",
			    NULL);
		return false;
	}
	if (!route->open && !token_right(api, request)) {
		reply_error(ret_reply, 401, "unauthorized",
			    "this hub wants Authorization: Bearer <token>, the one of its "
			    "--token-file",
			    NULL);
		return false;
	}
	if (handler_of(route, request->method) == NULL) {
		reply_error(ret_reply, 405, "method_not_allowed", route->allow, NULL);
		ret_reply->allow = route->allow;
		return false;
	}
	if (!query_known(route, request, ret_reply))
		return false;

	const char *length = request->header(request, "Content-Length");
	if (length != NULL && strtoull(length, NULL, 10) > HF_BODY_BYTES_MAX) {
		hf_api_refuse(api, 413, "too_large", "a body may have at most 1 MiB", ret_reply);
		return false;
	}
	return true;
}

void hf_api_answer(struct hf_api *api, const struct hf_request *request, struct hf_reply *ret_reply)
{
	const struct route *route = route_of(request->path);
	handle_fn *handle = route != NULL ? handler_of(route, request->method) : NULL;

	HF_ASSERT(handle != NULL);
	*ret_reply = (struct hf_reply){ .fd = -1, .cache_control = cache_never };
	handle(api, request, ret_reply);
}

void hf_api_refuse(const struct hf_api *api, unsigned status, const char *word, const char *message,
		   struct hf_reply *ret_reply)
{
	*ret_reply = (struct hf_reply){ .fd = -1, .cache_control = cache_never };
	reply_error(ret_reply, status, word, message, NULL);
	/* Spread out, so that a fleet that was turned away together does not return together. */
	if (status == 503)
		ret_reply->retry_after_s =
			(unsigned)hf_random_between(api->random, RETRY_MIN_S, RETRY_MAX_S);
}

void hf_reply_free(struct hf_reply *reply)
{
	free(reply->body);
	hf_auto_close(&reply->fd);
	*reply = (struct hf_reply){ .fd = -1 };
}

/* ---- events ---- */

static bool is_ndjson(const char *type)
{
	static const char wanted[] = "application/x-ndjson";

	if (type == NULL || strncasecmp(type, wanted, sizeof wanted - 1) != 0)
		return false;
	return strchr("; \t", type[sizeof wanted - 1]) != NULL;
}

static void put_hex(struct hf_json *json, const char *key, const uint8_t *bytes, size_t size_bytes)
{
	char text[2 * HF_RECEIPT_SIG_BYTES + 1];

	HF_ASSERT(2 * size_bytes < sizeof text);
	hf_hex(bytes, size_bytes, text);
	hf_json_put_text(json, key, text);
}

/* The chain value of the last line of a request, to be countersigned. */
struct signing {
	const struct hf_hub_key *key;
	const struct hf_sender *sender;
	struct hf_receipt receipt;
};

static void sign(void *context, size_t item)
{
	struct signing *signing = context;

	(void)item;
	hf_hub_key_sign(signing->key, signing->sender->device_id, signing->sender->epoch,
			&signing->receipt);
}

static struct signing signing_of(const struct hf_api *api, const struct hf_intake *batch,
				 struct hf_wall now)
{
	const struct hf_intake_line *last = &batch->lines[batch->line_count - 1];
	struct signing signing = { .key = api->key,
				   .sender = &batch->sender,
				   .receipt = { .seq = last->seq } };

	hf_wall_text(now, signing.receipt.at);
	memcpy(signing.receipt.chain, last->chain, sizeof signing.receipt.chain);
	return signing;
}

static void put_receipt(const struct hf_receipt *receipt, struct hf_json *json)
{
	hf_json_key(json, "receipt");
	hf_json_object_open(json);
	hf_json_put_u64(json, "seq", receipt->seq);
	put_hex(json, "chain", receipt->chain, sizeof receipt->chain);
	hf_json_put_text(json, "at", receipt->at);
	put_hex(json, "key", receipt->key, sizeof receipt->key);
	put_hex(json, "sig", receipt->sig, sizeof receipt->sig);
	hf_json_object_close(json);
}

/* receipt NULL: nothing is countersigned. */
static void reply_acked(struct hf_reply *reply, const struct hf_intake *batch,
			const struct hf_ingest_result *result, const struct hf_receipt *receipt)
{
	char text[2048];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "device_id", batch->sender.device_id);
	hf_json_put_text(&json, "epoch", batch->sender.epoch);
	hf_json_put_text(&json, "nonce", batch->sender.nonce);
	hf_json_put_u64(&json, "acked_through", result->acked_through);
	hf_json_put_u64(&json, "mark", result->mark);
	if (receipt != NULL)
		put_receipt(receipt, &json);
	hf_json_object_close(&json);
	reply_json(reply, 200, &json);
}

static void ingest(struct hf_api *api, const struct hf_intake *batch, struct hf_reply *reply)
{
	struct hf_ingest_result result = { 0 };
	struct hf_err err = { .code = HF_OK };
	struct hf_wall now = hf_wall_now(api->clock);
	struct signing signing = signing_of(api, batch, now);
	struct hf_aside_job job = { .fn = sign,
				    .context = &signing,
				    .count = api->key != NULL ? 1 : 0 };

	/* Signed while the disk flushes, and told only when it has. */
	hf_aside_share(api->aside, &job);
	enum hf_code code = api->store->ops->ingest(api->store, batch, now, &result, &err);
	hf_aside_finish(api->aside, &job);

	if (code == HF_E_INVALID && result.conflict_seq != 0) {
		struct hf_intake_fault fault = { .seq = result.conflict_seq };

		reply_error(reply, 409, result.fork ? "chain_fork" : "conflict", err.text, &fault);
		return;
	}
	api->write_err = (struct hf_err){ .code = HF_OK };
	if (code != HF_OK) {
		api->write_err = err;
		reply_storage(api, reply, &err);
		return;
	}
	reply_acked(reply, batch, &result, api->key != NULL ? &signing.receipt : NULL);
}

static void post_events(struct hf_api *api, const struct hf_request *request,
			struct hf_reply *reply)
{
	struct hf_sender sender;
	struct hf_intake batch;
	struct hf_intake_fault fault;
	struct hf_err err;

	if (!is_ndjson(request->header(request, "Content-Type"))) {
		reply_error(reply, 415, "bad_type",
			    "Content-Type must be application/x-ndjson: outbox lines as they are",
			    NULL);
		return;
	}
	enum hf_code code =
		hf_sender_make(request->header(request, "Holdfast-Device"),
			       request->header(request, "Holdfast-Epoch"),
			       request->header(request, "Holdfast-Forked-From"),
			       request->header(request, "Holdfast-Nonce"), &sender, &err);
	if (code != HF_OK) {
		reply_error(reply, 400, "bad_header", err.text, NULL);
		return;
	}
	code = hf_intake_parse(&sender, request->body, request->body_bytes, api->aside, &batch,
			       &fault, &err);
	if (code == HF_E_INVALID) {
		reply_error(reply, 422, fault.word, err.text, &fault);
	} else if (code == HF_E_LIMIT) {
		reply_error(reply, 413, "too_large", err.text, NULL);
	} else if (code != HF_OK) {
		reply_storage(api, reply, &err);
	} else {
		ingest(api, &batch, reply);
		hf_intake_free(&batch);
	}
}

/* A list is written into memory that grows: its length is the store's to say. */
struct list {
	FILE *file;
	bool any;
};

static enum hf_code list_add(struct list *list, const char *text, size_t size_bytes,
			     struct hf_err *err)
{
	if (list->any)
		(void)fputc(',', list->file);
	list->any = true;
	if (fwrite(text, 1, size_bytes, list->file) != size_bytes)
		return hf_fail(err, HF_E_NOMEM, "no memory for the answer");
	return HF_OK;
}

/* One row made with hf_json: the same for devices and gaps. */
static enum hf_code list_add_json(struct list *list, struct hf_json *json, struct hf_err *err)
{
	enum hf_code code = hf_json_end(json, err);

	return code == HF_OK ? list_add(list, json->data, json->size_bytes, err) : code;
}

static enum hf_code add_event(void *context, const struct hf_event_row *row, struct hf_err *err)
{
	struct list *list = context;
	char received[HF_WALL_TEXT_BYTES];

	/* The line is an object that the batch check has parsed: only its brace is moved. */
	HF_ASSERT(row->line_bytes > 2 && row->line[row->line_bytes - 1] == '}');
	enum hf_code code = list_add(list, row->line, row->line_bytes - 1, err);
	if (code != HF_OK)
		return code;
	hf_wall_text(row->received, received);
	(void)fprintf(list->file, ",\"hub_row\":%llu,\"received_at\":\"%s\"}",
		      (unsigned long long)row->row, received);
	return HF_OK;
}

static enum hf_code add_device(void *context, const struct hf_device_row *row, struct hf_err *err)
{
	char text[ROW_JSON_BYTES], when[HF_WALL_TEXT_BYTES];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "device_id", row->device_id);
	hf_json_put_text(&json, "epoch", row->epoch);
	hf_json_put_u64(&json, "mark", row->mark);
	hf_wall_text(row->first_seen, when);
	hf_json_put_text(&json, "first_seen", when);
	hf_wall_text(row->last_seen, when);
	hf_json_put_text(&json, "last_seen", when);
	hf_json_put_u64(&json, "events", row->events);
	hf_json_put_u64(&json, "duplicates", row->duplicates);
	hf_json_put_u64(&json, "conflicts", row->conflicts);
	hf_json_put_u64(&json, "forks", row->forks);
	hf_json_put_u64(&json, "unchecked", row->unchecked);
	hf_json_put_text(&json, "forked_from",
			 row->forked_from[0] != '\0' ? row->forked_from : NULL);
	hf_json_put_u64(&json, "late_fills", row->late_fills);
	hf_json_put_u64(&json, "missing", row->missing);
	hf_json_put_text(&json, "state", row->state);
	hf_json_put_text(&json, "release", row->release);
	hf_json_object_close(&json);
	return list_add_json(context, &json, err);
}

static enum hf_code add_gap(void *context, const struct hf_gap_row *row, struct hf_err *err)
{
	char text[ROW_JSON_BYTES], when[HF_WALL_TEXT_BYTES];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "device_id", row->device_id);
	hf_json_put_text(&json, "epoch", row->epoch);
	hf_json_put_u64(&json, "first", row->first);
	hf_json_put_u64(&json, "last", row->last);
	hf_json_put_u64(&json, "count", row->last - row->first + 1);
	hf_wall_text(row->noticed, when);
	hf_json_put_text(&json, "noticed_at", when);
	hf_json_object_close(&json);
	return list_add_json(context, &json, err);
}

static bool query_events(const struct hf_request *request, struct hf_event_query *query,
			 struct hf_reply *reply)
{
	const uint64_t row_max = UINT64_C(1) << 53;
	uint64_t limit;

	*query = (struct hf_event_query){
		.direction = HF_EVENTS_NEWEST,
		.device_id = query_value(request, "device"),
		.event_class = query_value(request, "class"),
	};
	if (query_value(request, "after") != NULL && query_value(request, "before") != NULL) {
		reply_error(reply, 400, "bad_query", "after or before, not both", NULL);
		return false;
	}
	if (!query_number(request, "limit", HF_EVENTS_LIMIT, 1, HF_EVENTS_LIMIT_MAX, &limit, reply))
		return false;
	query->limit = (uint32_t)limit;
	if (query_value(request, "after") != NULL)
		query->direction = HF_EVENTS_AFTER;
	else if (query_value(request, "before") != NULL)
		query->direction = HF_EVENTS_BEFORE;
	else
		return true;
	return query_number(request, query->direction == HF_EVENTS_AFTER ? "after" : "before", 0, 0,
			    row_max, &query->row, reply);
}

/* What the three lists have in common. `fill` writes the rows, `tail` what follows "]". */
struct listing {
	const char *head;
	enum hf_code (*fill)(struct hf_api *api, struct list *list, void *context,
			     struct hf_err *err);
	void (*tail)(FILE *file, void *context);
	void *context;
};

static void reply_listing(struct hf_api *api, const struct listing *listing, struct hf_reply *reply)
{
	struct hf_err err = { .code = HF_OK };
	char *body = NULL;
	size_t body_bytes = 0;
	struct list list = { .file = open_memstream(&body, &body_bytes) };

	if (list.file == NULL) {
		(void)hf_fail_errno(&err, "no memory for the answer");
		reply_storage(api, reply, &err);
		return;
	}
	(void)fputs(listing->head, list.file);
	enum hf_code code = listing->fill(api, &list, listing->context, &err);
	(void)fputc(']', list.file);
	if (listing->tail != NULL)
		listing->tail(list.file, listing->context);
	(void)fputs("}\n", list.file);
	bool short_of_memory = ferror(list.file) != 0;
	if (fclose(list.file) != 0)
		short_of_memory = true;
	if (code == HF_OK && short_of_memory)
		code = hf_fail(&err, HF_E_NOMEM, "no memory for the answer");
	if (code != HF_OK) {
		free(body);
		reply_storage(api, reply, &err);
		return;
	}
	reply_memory(reply, 200, body, body_bytes);
}

struct events_context {
	struct hf_event_query query;
	struct hf_event_page page;
};

static enum hf_code fill_events(struct hf_api *api, struct list *list, void *context,
				struct hf_err *err)
{
	struct events_context *events = context;

	return api->store->ops->events(api->store, &events->query, add_event, list, &events->page,
				       err);
}

static void tail_events(FILE *file, void *context)
{
	const struct events_context *events = context;

	(void)fprintf(file, ",\"after\":%llu", (unsigned long long)events->page.after);
	if (events->query.direction == HF_EVENTS_AFTER)
		return;
	if (events->page.before != 0)
		(void)fprintf(file, ",\"before\":%llu", (unsigned long long)events->page.before);
	else
		(void)fputs(",\"before\":null", file);
}

static void get_events(struct hf_api *api, const struct hf_request *request, struct hf_reply *reply)
{
	struct events_context context = { 0 };
	struct listing listing = { "{\"events\":[", fill_events, tail_events, &context };

	if (query_events(request, &context.query, reply))
		reply_listing(api, &listing, reply);
}

static enum hf_code fill_devices(struct hf_api *api, struct list *list, void *context,
				 struct hf_err *err)
{
	(void)context;
	return api->store->ops->devices(api->store, add_device, list, err);
}

static void get_devices(struct hf_api *api, const struct hf_request *request,
			struct hf_reply *reply)
{
	char now[HF_WALL_TEXT_BYTES], head[64];
	struct listing listing = { head, fill_devices, NULL, NULL };

	(void)request;
	hf_wall_text(hf_wall_now(api->clock), now);
	(void)snprintf(head, sizeof head, "{\"now\":\"%s\",\"devices\":[", now);
	reply_listing(api, &listing, reply);
}

static enum hf_code fill_gaps(struct hf_api *api, struct list *list, void *context,
			      struct hf_err *err)
{
	return api->store->ops->gaps(api->store, context, add_gap, list, err);
}

static void get_gaps(struct hf_api *api, const struct hf_request *request, struct hf_reply *reply)
{
	const char *device = query_value(request, "device");
	struct listing listing = { "{\"gaps\":[", fill_gaps, NULL, (void *)(uintptr_t)device };

	reply_listing(api, &listing, reply);
}

/* ---- thumbnails, health, page ---- */

static void get_thumb(struct hf_api *api, const struct hf_request *request, struct hf_reply *reply)
{
	const char *name = request->path + sizeof thumbs_prefix - 1;
	struct hf_err err;
	enum hf_code code =
		hf_thumb_open(api->thumbs_dir, name, &reply->fd, &reply->fd_bytes, &err);

	if (code == HF_E_INVALID) {
		reply_error(reply, 400, "bad_name", err.text, NULL);
	} else if (code == HF_E_NOENT) {
		reply_error(reply, 404, "not_found",
			    "this thumbnail is not here (pictures come after their events)", NULL);
	} else if (code != HF_OK) {
		reply_storage(api, reply, &err);
	} else {
		reply->status = 200;
		reply->type = "image/jpeg";
		reply->cache_control = cache_thumb;
	}
}

static void put_thumb(struct hf_api *api, const struct hf_request *request, struct hf_reply *reply)
{
	const char *name = request->path + sizeof thumbs_prefix - 1;
	char text[160];
	struct hf_err err;
	bool is_new;

	if (!hf_thumb_name_valid(name)) {
		reply_error(reply, 400, "bad_name",
			    "PUT /v1/thumbs/<the 64 hexadecimal digits of the picture's SHA-256>",
			    NULL);
		return;
	}
	enum hf_code code = hf_thumb_put(api->thumbs_dir, name, request->body, request->body_bytes,
					 &is_new, &err);
	if (code == HF_E_INVALID) {
		reply_error(reply, 422, "bad_thumb", err.text, NULL);
		return;
	}
	if (code != HF_OK) {
		reply_storage(api, reply, &err);
		return;
	}
	struct hf_json json = hf_json_begin(text, sizeof text);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "sha256", name);
	hf_json_put_u64(&json, "bytes", request->body_bytes);
	hf_json_object_close(&json);
	reply_json(reply, is_new ? 201 : 200, &json);
}

static enum hf_code pass_over(void *context, const struct hf_event_row *row, struct hf_err *err)
{
	(void)context;
	(void)row;
	(void)err;
	return HF_OK;
}

static void get_health(struct hf_api *api, const struct hf_request *request, struct hf_reply *reply)
{
	struct hf_event_query query = { .direction = HF_EVENTS_NEWEST, .limit = 1 };
	struct hf_event_page page;
	struct hf_err err = api->write_err;
	char text[256];

	(void)request;
	if (err.code == HF_OK &&
	    api->store->ops->events(api->store, &query, pass_over, NULL, &page, &err) == HF_OK) {
		struct hf_json json = hf_json_begin(text, sizeof text);

		hf_json_object_open(&json);
		hf_json_put_text(&json, "status", "ok");
		hf_json_put_text(&json, "version", api->version);
		hf_json_object_close(&json);
		reply_json(reply, 200, &json);
		return;
	}
	reply_storage(api, reply, &err);
}

static void get_key(struct hf_api *api, const struct hf_request *request, struct hf_reply *reply)
{
	char text[256];
	struct hf_json json = hf_json_begin(text, sizeof text);

	(void)request;
	if (api->key == NULL) {
		reply_error(reply, 404, "not_found", "this hub countersigns nothing", NULL);
		return;
	}
	hf_json_object_open(&json);
	hf_json_put_text(&json, "algorithm", "ed25519");
	put_hex(&json, "key", api->key->public, sizeof api->key->public);
	hf_json_object_close(&json);
	reply_json(reply, 200, &json);
}

static void get_page(struct hf_api *api, const struct hf_request *request, struct hf_reply *reply)
{
	(void)api;
	for (size_t i = 0; i < hf_asset_count; i++)
		if (strcmp(request->path, hf_assets[i].path) == 0)
			reply->asset = &hf_assets[i];
	HF_ASSERT(reply->asset != NULL);
	reply->status = 200;
	reply->type = reply->asset->type;
	reply->cache_control = cache_page;
}
