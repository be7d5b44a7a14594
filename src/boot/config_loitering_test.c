/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/config_loitering.h"

#include "base/auto.h"
#include "base/file.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct hf_config config;
static struct hf_config_report report;
static struct hf_err err;

/* A file with one zone, whose fourth line is this. */
static enum hf_code parse(const char *line, const char *more)
{
	char text[2048];

	(void)snprintf(text, sizeof text,
		       "sources: [{id: dvr, url: a.avi}]\n"
		       "cameras: [{id: gate}]\n"
		       "zones:\n"
		       "  - %s\n"
		       "    id: door\n"
		       "    camera: gate\n"
		       "    points: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]\n"
		       "%s",
		       line, more);
	return hf_config_parse("/etc/unit.yaml", text, strlen(text), &config, &report, &err);
}

static const char *messages(void)
{
	static char text[8192];
	FILE *stream = fmemopen(text, sizeof text, "w");

	hf_report_print(&report.found, stream);
	(void)fclose(stream);
	return text;
}

static int64_t ms_of(const char *class_name)
{
	const struct hf_config_dwell *dwell = hf_config_loitering_of(&config.zones[0], class_name);

	return dwell != NULL ? dwell->ms : 0;
}

TEST(a_zone_that_says_nothing_asks_a_minute_of_people)
{
	CHECK_OK(parse("cooldown: 5s", ""));
	CHECK_I64(ms_of("person"), ==, 60000);
	CHECK_I64(ms_of("vehicle"), ==, 0);
}

TEST(one_duration_is_for_every_class)
{
	CHECK_OK(parse("loitering: 90s", ""));
	CHECK_I64(ms_of("person"), ==, 90000);
	CHECK_I64(ms_of("anything"), ==, 90000);
}

TEST(off_and_zero_switch_the_rule_off)
{
	CHECK_OK(parse("loitering: off", ""));
	CHECK_U64(config.zones[0].loitering_count, ==, 0);
	CHECK_OK(parse("loitering: 0", ""));
	CHECK_U64(config.zones[0].loitering_count, ==, 0);
}

TEST(classes_have_thresholds_of_their_own_and_others_none)
{
	CHECK_OK(parse("loitering: {person: 15s, vehicle: 10m, dog: off}", ""));
	CHECK_I64(ms_of("person"), ==, 15000);
	CHECK_I64(ms_of("vehicle"), ==, 600000);
	CHECK_I64(ms_of("dog"), ==, 0);
	CHECK_I64(ms_of("truck"), ==, 0);
}

/* Each: a line, and a piece of the message it must give, with its place. */
static const struct {
	const char *line;
	const char *message;
} refusals[] = {
	{ "loitering: 60", ":4:16: zones[].loitering: \"60\" has no unit; write 200ms, 5s" },
	{ "loitering: 500ms", ":4:16: zones[].loitering: 500ms is out of range (1s to 7d)" },
	{ "loitering: 8d", "8d is out of range" },
	{ "loitering: -5s", "-5s is out of range" },
	{ "loitering: soon", ":4:16: zones[].loitering: \"soon\" is not a number and a unit" },
	{ "loitering: false", "\"false\" is no duration; write off" },
	{ "loitering:", "zones[].loitering: has no value; write a duration such as 60s, or off" },
	{ "loitering: [60s]", ":4:16: zones[].loitering is a duration such as 60s, off, or one a" },
	{ "loitering: {}", ":4:16: zones[].loitering names no class" },
	{ "loitering: {persn: 60s}",
	  ":4:17: zones[].loitering: \"persn\" is no class that a detector has; did you mean "
	  "\"person\"?" },
	{ "loitering: {Person: 60s}", "did you mean \"person\"?" },
	{ "loitering: {vehcle: 60s}", "did you mean \"vehicle\"?" },
	{ "loitering: {unicorn: 60s}",
	  ":4:17: zones[].loitering: \"unicorn\" is no class that a detector has, so nothing" },
	{ "loitering: {person: 60}", ":4:25: zones[].loitering.person: \"60\" has no unit" },
	{ "loitering: {person: [60s]}", ":4:25: zones[].loitering.person is a duration" },
	{ "loitering: {person: 60s, person: 10s}",
	  ":4:30: zones[].loitering.person was set before, in line 4" },
	{ "loitering: {[a]: 60s}", "a class is a word" },
	{ "loitering: {\"\": 60s}", "a class is a word" },
	{ "loitering: {\"a{b\": 60s}", "is no class's name" },
	{ "loitering: {car: 1s, bus: 1s, cat: 1s, dog: 1s, cow: 1s, cup: 1s, bed: 1s, tv: 1s, "
	  "book: 1s}",
	  "more than 8 classes" },
	{ "loitering: 5s\n    loitering: 6s", ":5:5: zones[].loitering was set before, in line 4" },
	{ "loitring: 5s", "zones[].loitring is not a setting; did you mean \"loitering\"?" },
};

TEST(every_refusal_says_where_and_what_and_says_it_once)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(refusals); i++) {
		if (parse(refusals[i].line, "") != HF_E_INVALID)
			fail_msg("was taken: %s", refusals[i].line);
		if (strstr(messages(), refusals[i].message) == NULL || report.found.errors != 1)
			fail_msg("%s\nsays: %sand not (alone): %s", refusals[i].line, messages(),
				 refusals[i].message);
	}
}

TEST(what_show_prints_loads_as_the_same_thresholds)
{
	static const char *const lines[] = { "loitering: off", "loitering: 75s",
					     "loitering: {person: 1500ms, vehicle: off}",
					     "cooldown: 5s" };

	for (size_t i = 0; i < HF_ARRAY_LEN(lines); i++) {
		char *text = NULL;
		size_t size_bytes;
		FILE *stream = open_memstream(&text, &size_bytes);

		CHECK_OK(parse(lines[i], ""));
		struct hf_config_zone before = config.zones[0];
		hf_config_show(&config, &report, stream);
		(void)fclose(stream);
		HF_AUTO_FREE char *shown = text;
		if (i < 3)
			CHECK(strstr(shown, lines[i]) != NULL);
		CHECK_OK(hf_config_parse("/etc/unit.yaml", shown, strlen(shown), &config, &report,
					 &err));
		assert_memory_equal(&before, &config.zones[0], sizeof before);
	}
}

TEST(show_as_json_tells_milliseconds_and_the_line)
{
	char *text = NULL;
	size_t size_bytes;
	FILE *stream = open_memstream(&text, &size_bytes);

	CHECK_OK(parse("loitering: {person: 15s, vehicle: off}", ""));
	CHECK_OK(hf_config_show_json(&config, &report, stream, &err));
	(void)fclose(stream);
	HF_AUTO_FREE char *json = text;
	CHECK(strstr(json, "\"loitering\":{\"value\":{\"person\":15000,\"vehicle\":0},"
			   "\"unit\":\"ms\",\"line\":4}") != NULL);
}

TEST(a_class_of_the_named_pack_is_known_and_one_it_lacks_is_a_warning)
{
	static const char pack[] = "{\"classes\": [\"person\", \"forklift\"]}";
	char folder[] = "/tmp/holdfast-classes-XXXXXX", path[64], more[96];

	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/model.json", folder);
	(void)snprintf(more, sizeof more, "model: {path: %s}\n", folder);
	/* Named and not there: nobody can say, but a slip of the pen is one all the same. */
	CHECK_OK(parse("loitering: {forklift: 60s}", more));
	CHECK_CODE(parse("loitering: {vehcle: 60s}", more), HF_E_INVALID);
	CHECK_OK(hf_file_replace(path, pack, sizeof pack - 1, 0600, &err));
	CHECK_OK(parse("loitering: {forklift: 60s}", more));
	CHECK_U64(report.found.warnings, ==, 0);
	CHECK_OK(parse("loitering: {vehicle: 60s}", more));
	CHECK(strstr(messages(), ":4:17: warning: zones[].loitering: the model pack in") != NULL);
	CHECK_CODE(parse("loitering: {forklit: 60s}", more), HF_E_INVALID);
	CHECK(strstr(messages(), "did you mean \"forklift\"?") != NULL);
	CHECK_I64(unlink(path), ==, 0);
	CHECK_I64(rmdir(folder), ==, 0);
}

TESTS(RUN(a_zone_that_says_nothing_asks_a_minute_of_people), RUN(one_duration_is_for_every_class),
      RUN(off_and_zero_switch_the_rule_off),
      RUN(classes_have_thresholds_of_their_own_and_others_none),
      RUN(every_refusal_says_where_and_what_and_says_it_once),
      RUN(what_show_prints_loads_as_the_same_thresholds),
      RUN(show_as_json_tells_milliseconds_and_the_line),
      RUN(a_class_of_the_named_pack_is_known_and_one_it_lacks_is_a_warning))
