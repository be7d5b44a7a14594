/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/status_render.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>

static struct hf_err err;

/* As a unit said it, with one worker down and one camera's name wider than its bytes. */
static const char recorded[] =
	"{\"state\":\"degraded\",\"promise\":\"works in part: the reasons say what is missing\","
	"\"since_ms\":200500,\"reasons\":[\"infer 1 ends again and again\",\"uplink waits\"],"
	"\"device_id\":\"hf-0a1b2c3d\",\"site\":\"Gate 3\",\"release\":\"0.1.0-g1234567\","
	"\"boot\":3,\"run\":12,\"uptime_ms\":11520000,\"clock\":\"synced\","
	"\"config\":\"/etc/holdfast/holdfast.yaml\",\"data\":\"/var/lib/holdfast\","
	"\"hub\":\"https://hub.example.org\",\"workers\":["
	"{\"role\":\"ingest\",\"index\":0,\"state\":\"running\",\"restarts\":0,\"pid\":101,"
	"\"up_ms\":11519000,\"beat_age_ms\":12,\"progress\":57000,\"last_exit\":null,\"stats\":"
	"{\"source\":\"recorder\",\"open\":true,\"codec\":\"mjpeg\",\"frames\":57000,\"fps\":4.98,"
	"\"layout\":\"4x4-std\",\"frame_age_ms\":41.5,\"jobs_sent\":3000,\"jobs_dropped\":7,"
	"\"jobs_lost\":1,\"moving\":1,\"moving_gap_p95_ms\":212.5,\"tiles\":["
	"{\"tile\":1,\"camera\":\"gate\",\"moving\":true,\"looks_per_s\":4.8,\"look_age_ms_p95\":"
	"61.2},"
	"{\"tile\":2,\"camera\":\"T\xc3\xbcr\",\"moving\":false,\"looks_per_s\":0.1}]}},"
	"{\"role\":\"infer\",\"index\":0,\"state\":\"running\",\"restarts\":0,\"pid\":102,"
	"\"up_ms\":11519000,\"beat_age_ms\":30,\"progress\":3000,\"last_exit\":null,\"stats\":"
	"{\"model\":\"person-480x288\",\"jobs\":3000,\"failed\":0,\"stale\":2,"
	"\"inference_ms\":{\"p50\":17.04,\"p99\":21.5,\"max\":30}}},"
	"{\"role\":\"infer\",\"index\":1,\"state\":\"waiting\",\"restarts\":4,\"pid\":null,"
	"\"restart_in_ms\":9100,\"last_exit\":\"killed by signal 9\",\"stats\":null},"
	"{\"role\":\"respond\",\"index\":0,\"state\":\"running\",\"restarts\":1,\"pid\":104,"
	"\"up_ms\":90061000,\"beat_age_ms\":5,\"progress\":9,\"last_exit\":\"exit code "
	"1\",\"stats\":"
	"{\"tracks\":1,\"stays\":1,\"events\":42,\"suppressed\":3,\"pending_offers\":0,"
	"\"latency_ms\":{\"p50\":118,\"p99\":302},\"cameras\":[{\"camera\":\"gate\",\"tracks\":1,"
	"\"last_look_ms\":310}]}"
	"},"
	"{\"role\":\"keeper\",\"index\":0,\"state\":\"running\",\"restarts\":0,\"pid\":105,"
	"\"up_ms\":11519000,\"beat_age_ms\":80,\"progress\":42,\"last_exit\":null,\"stats\":"
	"{\"local_seq\":1042,\"commits\":42,\"commit\":\"ring\",\"file\":\"2026-04-20.jsonl\","
	"\"commit_ms\":{\"p50\":0.4,\"p99\":1.9}}},"
	"{\"role\":\"uplink\",\"index\":0,\"state\":\"running\",\"restarts\":0,\"pid\":106,"
	"\"up_ms\":11519000,\"beat_age_ms\":80,\"progress\":42,\"last_exit\":null,\"stats\":"
	"{\"acked\":1030,\"pending\":12,\"oldest_pending_ms\":3725000,\"state\":\"waiting\","
	"\"retry_in_ms\":42000,\"attempts\":5,\"last_error\":\"connection refused\","
	"\"link\":\"down\"}}]}";

static const char page[] =
	"state    degraded for 3m 20s: works in part: the reasons say what is missing\n"
	"because  infer 1 ends again and again\n"
	"         uplink waits\n"
	"unit     hf-0a1b2c3d, Gate 3; release 0.1.0-g1234567; boot 3, run 12; up 3h 12m; clock "
	"synced\n"
	"files    /etc/holdfast/holdfast.yaml; data in /var/lib/holdfast\n"
	"\n"
	"PROCESS     STATE     PID      UP       BEAT     RESTARTS\n"
	"ingest 0    running   101      3h 11m   12 ms    0\n"
	"infer 0     running   102      3h 11m   30 ms    0\n"
	"infer 1     waiting   -        -        -        4         again in 9.1 s; last: killed "
	"by signal 9\n"
	"respond 0   running   104      1d 01h   5.0 ms   1         last: exit code 1\n"
	"keeper 0    running   105      3h 11m   80 ms    0\n"
	"uplink 0    running   106      3h 11m   80 ms    0\n"
	"\n"
	"source   recorder; 5.0 frames a second; layout 4x4-std; frames 42 ms old\n"
	"         tiles dropped 7, lost 1; a moving tile is looked at every 212 ms (p95)\n"
	"\n"
	"CAMERA               TILE  MOVING  LOOKS/S  DELAY    LAST LOOK  TRACKS\n"
	"gate                 1     yes     4.8      61 ms    310 ms     1\n"
	"T\xc3\xbc"
	"r                  2     no      0.1      -        -          -\n"
	"\n"
	"detector person-480x288; 3000 tiles, 0 failed; inference p50 17 ms, p99 22 ms\n"
	"events   42 raised, 3 held back, 0 not yet stored; from frame to disk p50 118 ms, p99 302 "
	"ms\n"
	"outbox   last number 1042; in 2026-04-20.jsonl; commit by ring p50 0.4 ms, p99 1.9 ms\n"
	"hub      https://hub.example.org\n"
	"link     down, waiting; delivered through 1030, 12 to go, the oldest 1h 02m old\n"
	"         failed attempts 5, next in 42 s: connection refused\n";

static char *render(const char *json, bool colour)
{
	char *text = NULL;
	size_t size_bytes;
	FILE *stream = open_memstream(&text, &size_bytes);
	enum hf_code code = hf_status_render(json, colour, stream, &err);

	(void)fclose(stream);
	CHECK_OK(code);
	return text;
}

TEST(a_units_whole_status_becomes_this_page)
{
	HF_AUTO_FREE char *text = render(recorded, false);

	CHECK_TEXT(text, page);
}

TEST(colour_adds_escapes_and_changes_no_letter)
{
	HF_AUTO_FREE char *text = render(recorded, true);
	char *to = text;

	CHECK(strstr(text, "\033[1;33mdegraded\033[0m") != NULL);
	for (const char *from = text; *from != '\0';) {
		if (*from == '\033')
			from += strcspn(from, "m") + 1;
		else
			*to++ = *from++;
	}
	*to = '\0';
	CHECK_TEXT(text, page);
}

/* A unit that has just started has said little; one of another build, something else. */
TEST(what_is_missing_or_of_another_type_is_left_out)
{
	static const char *const odd[] = {
		"{}",
		"{\"workers\":null}",
		"{\"workers\":5,\"reasons\":{},\"state\":7,\"since_ms\":\"x\"}",
		"{\"workers\":[null,5,[],{},{\"role\":3},{\"role\":\"ingest\",\"stats\":[]}]}",
		"{\"workers\":[{\"role\":\"ingest\",\"stats\":{}},{\"role\":\"infer\",\"stats\":{}}"
		","
		"{\"role\":\"respond\",\"stats\":{\"cameras\":[5]}},{\"role\":\"keeper\",\"stats\":"
		"{}},"
		"{\"role\":\"uplink\",\"stats\":{\"pending\":1,\"attempts\":1}}]}",
		"{\"workers\":[{\"role\":\"ingest\",\"stats\":{\"tiles\":[{},null,5]}}]}",
		"{\"since_ms\":1e300,\"uptime_ms\":-5,\"reasons\":[null]}",
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(odd); i++) {
		HF_AUTO_FREE char *text = render(odd[i], false);

		CHECK(strncmp(text, "state    ", 9) == 0);
	}
}

TEST(a_text_from_another_process_cannot_steer_the_terminal)
{
	HF_AUTO_FREE char *text =
		render("{\"device_id\":\"a\\u001b[2Jb\\u009bc\\nd\",\"state\":\"\\u0007\"}", false);

	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "\xc2\x9b"));
	CHECK(strstr(text, "a?[2Jb?c?d") != NULL);
}

TEST(what_is_not_an_object_is_refused)
{
	static const char *const bad[] = { "", "[]", "5", "{", "{\"a\":1,\"a\":2}", "\xff" };

	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
		CHECK_CODE(hf_status_render(bad[i], false, stdout, &err), HF_E_INVALID);
}

TESTS(RUN(a_units_whole_status_becomes_this_page), RUN(colour_adds_escapes_and_changes_no_letter),
      RUN(what_is_missing_or_of_another_type_is_left_out),
      RUN(a_text_from_another_process_cannot_steer_the_terminal),
      RUN(what_is_not_an_object_is_refused))
