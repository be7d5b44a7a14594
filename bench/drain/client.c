/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - sends the lines of a queue to a receiver as a unit does after an outage: in order, one
 * request after the other on one connection, 100 lines each, the next when the last was answered.
 *
 * Usage    client URL QUEUES COUNT [turns]    QUEUES queues of COUNT lines, each of another device:
 *          one after the other, or, with turns, a request of each in turn, as from a fleet
 * Output   the seconds of each queue, a line each; with turns, the seconds of all, divided by QUEUES
 */
#include "base/auto.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "outbox/line.h"
#include "shape/limits.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_LINES = 100,
};

struct queue {
	char device[32];
	size_t count;
	size_t *starts; /* count + 1 */
	char *text;
	struct curl_slist *headers;
};

/* A line like those of respond: 620 bytes. */
static size_t make_line(const char *device, size_t seq, uint8_t chain[HF_CHAIN_BYTES],
			char *ret_line)
{
	char hex[2 * HF_CHAIN_BYTES + 1];
	uint8_t previous[HF_CHAIN_BYTES];
	int size = snprintf(
		ret_line, HF_LINE_BYTES_MAX,
		"{\"device_id\":\"%s\",\"local_seq\":%zu,\"captured_at\":\"2026-04-20T02:17:33."
		"123Z\","
		"\"layout_id\":\"4x4-std\",\"camera_name\":\"Loading bay 2\",\"event_class\":"
		"\"pre_action_zone_entry\",\"zone_id\":\"bay-doors\",\"dwell_seconds\":1.2,"
		"\"thumb_path\":\"/var/lib/holdfast/thumbs/%064zu.jpg\",\"model_tag\":"
		"\"person-480x288@a1f2c9\",\"v\":1,\"epoch\":\"e1f0a9c2\",\"boot_id\":"
		"\"8b7e0a52-3b1c-4a3e-9a51-0c1d2e3f4a5b\",\"mono_ms\":%zu,\"clock\":\"synced\","
		"\"release\":\"0.1.0\",\"state\":\"healthy\",\"attrs\":{\"score\":0.87,\"stay\":%"
		"zu},"
		"\"origin\":\"4.r.1.%zu\"",
		device, seq, seq, seq * 200, seq, seq);
	const struct hf_line line = { .data = ret_line,
				      .size_bytes = (size_t)size + HF_LINE_CHAIN_END_BYTES };
	memcpy(previous, chain, sizeof previous);
	hf_line_chain(previous, &line, chain);
	hf_hex(chain, HF_CHAIN_BYTES, hex);
	size += sprintf(ret_line + size, ",\"chain\":\"%s\"", hex);
	uint32_t crc = hf_crc32c(0, ret_line, (size_t)size);

	return (size_t)(size + sprintf(ret_line + size, ",\"crc32c\":\"%08x\"}\n", crc));
}

static struct curl_slist *headers_of(const struct queue *queue)
{
	char device[64];
	struct curl_slist *headers = NULL;

	(void)snprintf(device, sizeof device, "Holdfast-Device: %s", queue->device);
	headers = curl_slist_append(headers, device);
	headers = curl_slist_append(headers, "Holdfast-Epoch: e1f0a9c2");
	headers = curl_slist_append(headers, "Holdfast-Nonce: 0123456789abcdef0123456789abcdef");
	headers = curl_slist_append(headers, "Content-Type: application/x-ndjson");
	return curl_slist_append(headers, "Expect:");
}

static int queue_make(struct queue *queue, unsigned number, size_t count)
{
	uint8_t chain[HF_CHAIN_BYTES] = { 0 };

	(void)snprintf(queue->device, sizeof queue->device, "bench-%u", number);
	queue->count = count;
	queue->starts = calloc(count + 1, sizeof *queue->starts);
	queue->text = malloc((count + 10) * 1024);
	if (queue->starts == NULL || queue->text == NULL)
		return -1;
	for (size_t i = 0; i < count; i++)
		queue->starts[i + 1] = queue->starts[i] + make_line(queue->device, i + 1, chain,
								    queue->text + queue->starts[i]);
	queue->headers = headers_of(queue);
	return queue->headers != NULL ? 0 : -1;
}

static void queue_free(struct queue *queue)
{
	curl_slist_free_all(queue->headers);
	free(queue->starts);
	free(queue->text);
	*queue = (struct queue){ 0 };
}

static size_t take_nothing(char *data, size_t size, size_t count, void *context)
{
	(void)data;
	(void)context;
	return size * count;
}

/* The lines from `at` on that are one request. */
static int send_some(CURL *curl, const struct queue *queue, size_t at)
{
	size_t end = at + BATCH_LINES < queue->count ? at + BATCH_LINES : queue->count;
	long status = 0;

	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, queue->headers);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, queue->text + queue->starts[at]);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE,
			       (long)(queue->starts[end] - queue->starts[at]));
	CURLcode result = curl_easy_perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (result == CURLE_OK && status == 200)
		return 0;
	(void)fprintf(stderr, "client: %s, status %ld\n", curl_easy_strerror(result), status);
	return -1;
}

/* All of these queues, a request of each in turn. */
static int drain(CURL *curl, const struct queue *queues, unsigned queue_count)
{
	for (size_t at = 0; at < queues[0].count; at += BATCH_LINES)
		for (unsigned i = 0; i < queue_count; i++)
			if (send_some(curl, &queues[i], at) != 0)
				return -1;
	return 0;
}

/* together: so many at once. */
static int measure(CURL *curl, unsigned queue_count, size_t count, unsigned together)
{
	struct queue *queues = calloc(together, sizeof *queues);
	const struct hf_clock *clock = hf_clock_real();
	int failed = queues == NULL;

	for (unsigned done = 0; done < queue_count && !failed; done += together) {
		for (unsigned i = 0; i < together && !failed; i++)
			failed = queue_make(&queues[i], (unsigned)getpid() * 1000 + done + i,
					    count) != 0;
		struct hf_mono from = hf_mono_now(clock);
		failed = failed || drain(curl, queues, together) != 0;
		if (!failed)
			(void)printf("%.6f\n", (double)hf_mono_diff_us(hf_mono_now(clock), from) /
						       1e6 / together);
		for (unsigned i = 0; i < together; i++)
			queue_free(&queues[i]);
	}
	free(queues);
	return failed;
}

int main(int argc, char **argv)
{
	char url[256];

	if (argc < 4 || argc > 5 || (argc == 5 && strcmp(argv[4], "turns") != 0)) {
		(void)fprintf(stderr, "usage: client URL QUEUES COUNT [turns]\n");
		return 2;
	}
	unsigned queue_count = (unsigned)strtoul(argv[2], NULL, 10);
	size_t count = strtoul(argv[3], NULL, 10);
	CURL *curl = curl_easy_init();
	if (curl == NULL || queue_count == 0)
		return 1;
	(void)snprintf(url, sizeof url, "%s/v1/events", argv[1]);
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_nothing);
	(void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");

	int failed = measure(curl, queue_count, count, argc == 5 ? queue_count : 1);
	curl_easy_cleanup(curl);
	return failed;
}
