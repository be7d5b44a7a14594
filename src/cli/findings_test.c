/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/findings.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

static struct hf_config config;
static struct hf_findings findings;
static char *printed;
static size_t printed_bytes;

static void begin(void)
{
	hf_config_defaults(&config);
	config.source_count = 1;
	config.camera_count = config.zone_count = 2;
	(void)strcpy(config.cameras[0].id, "c1");
	(void)strcpy(config.cameras[0].name, "Größe"); /* five letters, seven bytes */
	(void)strcpy(config.cameras[1].id, "c2");
	config.cameras[0].tile = 1;
	config.cameras[1].tile = 2;
	(void)strcpy(config.zones[0].id, "door");
	(void)strcpy(config.zones[1].id, "yard");
	config.zones[1].camera = 1;
	findings = (struct hf_findings){ .config = &config };
}

static const char *print_with(void (*print)(FILE *stream))
{
	free(printed);
	FILE *stream = open_memstream(&printed, &printed_bytes);
	assert_non_null(stream);
	print(stream);
	(void)fclose(stream);
	return printed;
}

static const char event[] =
	"{\"device_id\":\"analyze\",\"camera_name\":\"Größe\",\"event_class\":\"zone_entry\","
	"\"zone_id\":\"door\",\"dwell_seconds\":1.25,\"mono_ms\":63450,"
	"\"attrs\":{\"camera\":\"c1\",\"score\":0.871}}\n";
static const char fault[] =
	"{\"camera_name\":\"c2\",\"event_class\":\"camera_fault_raised\",\"zone_id\":null,"
	"\"dwell_seconds\":null,\"mono_ms\":1000,\"attrs\":{}}\n";

static void print_event(FILE *stream)
{
	hf_findings_print_event(&findings, event, strlen(event), stream, false);
	hf_findings_print_event(&findings, fault, strlen(fault), stream, false);
}

static void print_sum(FILE *stream)
{
	hf_findings_print_sum(&findings, stream, false);
}

static void print_doubts(FILE *stream)
{
	hf_findings_print_doubts(&findings, stream);
}

TEST(a_row_has_the_time_in_the_clip_and_what_there_is)
{
	begin();
	CHECK_TEXT(print_with(print_event),
		   "01:02.5    Größe   door    zone_entry                    1.2 s   0.87\n"
		   "00:00.0    c2      -       camera_fault_raised         \n");
}

TEST(events_are_counted_by_camera_zone_and_kind)
{
	const struct hf_tick tick = { .layout = HF_LAYOUT_2X2 };
	const struct hf_result result = { .job = { .camera = 0 } };

	begin();
	hf_findings_tick(&findings, &tick);
	hf_findings_result(&findings, &result);
	hf_findings_event(&findings, event, strlen(event));
	hf_findings_event(&findings, event, strlen(event));
	hf_findings_event(&findings, fault, strlen(fault));
	CHECK_U64(findings.events, ==, 3);
	CHECK_TEXT(print_with(print_sum), "\nCAMERA    LOOKS  ZONE    EVENTS\n"
					  "Größe         1  door    2 zone_entry\n"
					  "c2            0  yard    none\n"
					  "                 -       1 camera_fault_raised\n");
	CHECK_TEXT(print_with(print_doubts), "");
}

TEST(a_clip_of_which_nothing_was_watched_says_so)
{
	const struct hf_tick tick = { .layout = HF_LAYOUT_1X1, .paused = 1 };

	begin();
	hf_findings_tick(&findings, &tick);
	assert_non_null(strstr(print_with(print_doubts), "looks like 1x1-std"));
	assert_non_null(strstr(printed, "a camera at tile 2"));
	assert_non_null(strstr(print_with(print_sum), "never on the screen"));
}

TEST(a_line_that_is_no_event_harms_nothing)
{
	begin();
	hf_findings_event(&findings, "{", 1);
	CHECK_U64(findings.events, ==, 1);
}

TESTS(RUN(a_row_has_the_time_in_the_clip_and_what_there_is),
      RUN(events_are_counted_by_camera_zone_and_kind),
      RUN(a_clip_of_which_nothing_was_watched_says_so), RUN(a_line_that_is_no_event_harms_nothing))
