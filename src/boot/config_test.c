/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/config.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>

static struct hf_config config;
static struct hf_config_report report;
static struct hf_err err;

static enum hf_code parse(const char *text)
{
	return hf_config_parse("/etc/unit.yaml", text, strlen(text), &config, &report, &err);
}

/* All messages, as a person sees them. */
static const char *messages(void)
{
	static char text[16384];
	FILE *stream = fmemopen(text, sizeof text - 1, "w");

	memset(text, 0, sizeof text);
	hf_report_print(&report.found, stream);
	(void)fclose(stream);
	return text;
}

#define SOURCE  "sources: [{id: dvr, url: clip.mp4}]\n"
#define CAMERA  "cameras: [{id: gate, tile: 1}, {id: yard, tile: 2}]\n"
#define ZONE    "zones: [{id: door, camera: gate, points: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}]\n"
#define MINIMUM SOURCE CAMERA ZONE

TEST(the_smallest_file_loads_and_everything_is_resolved)
{
	CHECK_OK(parse(MINIMUM));
	CHECK_U64(report.found.errors + report.found.warnings, ==, 0);
	CHECK_OK(hf_config_check(&config, &err));
	CHECK_TEXT(config.sources[0].url, "/etc/clip.mp4");
	CHECK_TEXT(config.cameras[1].name, "yard");
	CHECK_TEXT(config.cameras[1].source_id, "dvr");
	CHECK_U64(config.zones[0].camera, ==, 0);
	CHECK_U64(config.zones[0].point_count, ==, 3);
	CHECK_REAL(config.zones[0].points[2].y, ==, 0.9);
	CHECK_I64(config.hub_backoff_min_ms, ==, 5000);
}

TEST(every_kind_of_value_arrives)
{
	CHECK_OK(parse(
		"sources:\n"
		"  - {id: a, type: rtsp, url: 'rtsp://u:p@10.0.0.2/1', fps: 7.5, layout: 2x2}\n"
		"  - {id: b, type: file, url: /clips/b.mp4, loop: true}\n"
		"cameras:\n"
		"  - {id: c1, name: \"T\xc3\xbcr\", source: b, tile: 16, priority: 9}\n"
		"zones:\n"
		"  - id: z\n"
		"    camera: c1\n"
		"    entry: false\n"
		"    cooldown: 90s\n"
		"    points: [[0, 0], [1, 0], [1, 1.0], [0, 1]]\n"
		"hub: {url: \"https://hub.example.org:8443/x\", backoff_min: 200ms}\n"
		"track: {score_high: 0.6}\n"
		"outbox:\n"));
	CHECK_U64(config.sources[0].type, ==, HF_SOURCE_RTSP);
	CHECK_REAL(config.sources[0].fps, ==, 7.5);
	CHECK_I64(config.sources[0].layout, ==, 2);
	CHECK(config.sources[1].loop);
	CHECK_U64(config.cameras[0].source, ==, 1);
	CHECK_I64(config.cameras[0].tile, ==, 16);
	CHECK_TEXT(config.cameras[0].name, "T\xc3\xbcr");
	CHECK(!config.zones[0].entry);
	CHECK_I64(config.zones[0].cooldown_ms, ==, 90000);
	CHECK_I64(config.hub_backoff_min_ms, ==, 200);
	CHECK_REAL(config.track_score_high, ==, 0.6);
}

/* Each: a file, and a piece of the message it must give, with its place. */
static const struct {
	const char *text;
	const char *message;
} refusals[] = {
	{ "", ":1:1: there are no sections" },
	{ "# nothing\n", ":1:1: there are no sections" },
	{ "- a\n", ":1:1: there are no sections" },
	{ MINIMUM "hub: {urll: x}\n", ":4:7: hub.urll is not a setting; did you mean \"url\"?" },
	{ MINIMUM "hbu: {}\n", ":4:1: \"hbu\" is not a section; did you mean \"hub\"?" },
	{ MINIMUM "zzzzzz: {}\n", ":4:1: \"zzzzzz\" is not a section: it would have no effect" },
	{ MINIMUM "backoff_min: 5s\n",
	  ":4:1: \"backoff_min\" stands as \"backoff_min\" under \"hub:\"" },
	{ MINIMUM "hub.url: x\n", ":4:1: \"hub.url\" stands as \"url\" under \"hub:\"" },
	{ "sources: [{url: /dev/video0}]\n" CAMERA ZONE, "add \"type: v4l2\"" },
	{ "sources: [{type: v4l2, url: /dev/video0, width: 0}]\n" CAMERA ZONE,
	  "sources[].width: 0 is \"as it stands\", and that is for both" },
	{ MINIMUM "hub: 5\n", ":4:6: \"hub\" is a section" },
	{ MINIMUM "hub: {url: }\n", "hub.url: has no value" },
	{ MINIMUM "hub: {batch_max: 0}\n",
	  ":4:18: hub.batch_max: 0 is out of range (1 to 1000 events)" },
	{ MINIMUM "hub: {batch_max: 5s}\n", "is not a whole number" },
	{ MINIMUM "hub: {batch_max: \"5\"}\n", "write the number without quotes" },
	{ MINIMUM "hub: {batch_max: 010}\n", "begins with 0" },
	{ MINIMUM "hub: {batch_max: [1]}\n", "takes one value (1 to 1000 events), not a list" },
	{ MINIMUM "hub: {backoff_min: 5}\n", "\"5\" has no unit; write 200ms, 5s" },
	{ MINIMUM "hub: {backoff_min: 1ms}\n", "1ms is out of range (100ms to 10m)" },
	{ MINIMUM "hub: {thumbs: yes}\n", "\"yes\" is neither true nor false; write true" },
	{ MINIMUM "hub: {thumbs: true, thumbs: false}\n",
	  ":4:21: hub.thumbs was set before, in line 4" },
	{ MINIMUM "hub: {thumbs: true}\nhub: {batch_max: 5}\n",
	  ":5:1: \"hub\" was begun before, in line 4" },
	{ MINIMUM "track: {score_high: .nan}\n", "is not a number such as 0.5" },
	{ MINIMUM "track: {score_high: .inf}\n", "is not a number such as 0.5" },
	{ MINIMUM "track: {score_high: 1.5}\n", "1.5 is out of range (0.05 to 1 score)" },
	{ MINIMUM "track: {score_high: 0.2, score_low: 0.3}\n",
	  "track.score_low is above track.score_high" },
	{ MINIMUM "hub: {backoff_max: 1s}\n",
	  ":4:20: hub.backoff_min is above hub.backoff_max (it is at its default)" },
	{ MINIMUM "hub: {connect_timeout: 31s}\n",
	  "hub.connect_timeout is above hub.total_timeout (which is at its default)" },
	{ MINIMUM "armed: {entry: '18.00-07:00'}\n",
	  ":4:16: armed.entry: \"18.00\" at character 1 is not a time as HH:MM; write 18:00" },
	{ MINIMUM "armed:\n  loitering: mon-fry 18:00-07:00\n",
	  ":5:14: armed.loitering: \"fry\" at character 5 is not a day; did you mean fri?" },
	{ SOURCE CAMERA "zones:\n"
			"  - id: door\n"
			"    camera: gate\n"
			"    armed_entry: mon\n"
			"    armed_loitering: 7-8\n"
			"    points: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]\n",
	  ":6:18: zones[].armed_entry: \"mon\" at character 1 has no hours" },
	{ SOURCE CAMERA "zones:\n"
			"  - id: door\n"
			"    camera: gate\n"
			"    armed_loitering: 7-8\n"
			"    points: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]\n",
	  ":6:22: zones[].armed_loitering: \"7\" at character 1 is not a time as HH:MM; write "
	  "07:00" },
	{ MINIMUM "time: {zone: Europe/Berln}\n",
	  ":4:14: time.zone: \"Europe/Berln\" is not a time zone this machine knows; did you mean "
	  "\"Europe/Berlin\"?" },
	{ MINIMUM "time: {zone: ../../etc/passwd}\n", "is not the name of a time zone" },
	{ MINIMUM "hub: {url: ftp://x}\n", "does not begin with https://" },
	{ MINIMUM "hub: {url: hub.example.org}\n", "does not begin with https://" },
	{ MINIMUM "hub: {url: \"https://\"}\n", "has no host" },
	{ MINIMUM "hub: {url: \"https://:80/\"}\n", "has no host" },
	{ MINIMUM "hub: {url: \"https://a:99999\"}\n", "has a port that is not a number" },
	{ MINIMUM "hub: {url: \"https://a:x\"}\n", "has a port that is not a number" },
	{ MINIMUM "hub: {url: \"https://u:p@a\"}\n", "put the token into hub.token_file" },
	{ MINIMUM "hub: {url: \"http://hub.example.org\"}\n", "plain http to hub.example.org" },
	{ MINIMUM "hub: {url: \"http://127.0.0.1.example.org\"}\n",
	  "plain http to 127.0.0.1.example.org" },
	{ MINIMUM "device: {id: \"a b\"}\n", "only letters, digits" },
	{ CAMERA ZONE, "sources: there is none" },
	{ SOURCE ZONE, "cameras: there is none" },
	{ "sources: 5\n" CAMERA, ":1:10: sources is a list" },
	{ "sources: [5]\n" CAMERA, ":1:11: a source is a group of settings" },
	{ "sources: [{id: a}]\n" CAMERA, ":1:11: sources[].url is missing" },
	{ "sources: [{type: rtsp, url: x}]\n" CAMERA, "begins with rtsp://" },
	{ "sources: [{url: \"rtsp://x\"}]\n" CAMERA, "add \"type: rtsp\"" },
	{ "sources: [{type: rtsp, url: \"http://u:p@x\"}]\n" CAMERA, "\"http://***@x\"" },
	{ "sources: [{type: rtsp, url: \"rtsp://:554/x\"}]\n" CAMERA, "url has no host" },
	{ "sources: [{type: rtsp, url: \"rtsp://x:70000\"}]\n" CAMERA, "has a port that" },
	{ "sources: [{type: rtsp, url: \"rtsp://u:p/q@x/1\"}]\n" CAMERA, "password as %2F" },
	{ "sources: [{type: rtsp, url: \"rtsp://u:1/q@x/1\"}]\n" CAMERA, "behind its host" },
	{ "sources: [{fps: \"rtsp://u:p@x/1\", url: x}]\n" CAMERA, "fps: is an address" },
	{ MINIMUM "hub: {url: \"rtsp://u:p@x\"}\n", "hub.url \"rtsp://***@x\" does not" },
	{ "sources: [{type: rstp, url: x}]\n" CAMERA,
	  "is not one of file, v4l2, rtsp; did you mean \"rtsp\"?" },
	{ "sources: [{id: a, url: x}, {id: a, url: y}]\n",
	  "source \"a\" is already there, in line 1" },
	{ "sources: [{url: x}, {id: b, url: y}]\ncameras: [{id: c, source: b}]\n",
	  ":1:11: sources[].id is missing" },
	{ "sources: [{id: a, url: x}, {id: b, url: y}]\ncameras: [{id: c}]\n",
	  ":2:11: cameras[].source is missing: there are 2 sources" },
	{ "sources: [{id: a, url: x}, {id: b, url: y}, {id: c, url: x}, {id: d, url: x}, {id: e, "
	  "url: x}]\n",
	  "more than 4 sources" },
	{ SOURCE "cameras: [{tile: 1}]\n", ":2:11: cameras[].id is missing" },
	{ SOURCE "cameras: [{id: a, source: dvrr}]\n",
	  ":2:27: cameras[].source: there is no source \"dvrr\"; did you mean \"dvr\"?" },
	{ SOURCE "cameras: [{id: a}, {id: b}]\n", "camera \"a\" (line 2) is already at tile 1" },
	{ SOURCE "cameras: [{id: a}, {id: a, tile: 2}]\n", "camera \"a\" is already there" },
	{ SOURCE "cameras: [{id: a, tile: 17}]\n", "17 is out of range (1 to 16 position)" },
	{ "sources: [{url: x, layout: 2x2}]\ncameras: [{id: a, tile: 5}]\n",
	  "5 is outside the layout 2x2 of source \"main\", which has 4 tiles" },
	{ SOURCE CAMERA "zones: [{camera: gate, points: [[0,0],[1,0],[1,1]]}]\n",
	  ":3:9: zones[].id is missing" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gat, points: [[0,0],[1,0],[1,1]]}]\n",
	  "there is no camera \"gat\"; did you mean \"gate\"?" },
	{ SOURCE CAMERA "zones: [{id: z, points: [[0,0],[1,0],[1,1]]}]\n",
	  "zones[].camera is missing" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gate}]\n",
	  "zones[].points: 0 points: an outline needs at least 3" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gate, points: [[0,0],[1,1]]}]\n",
	  ":3:39: zones[].points: 2 points: an outline needs" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gate, points: [[0,0],[1,1],[1,0],[0,1]]}]\n",
	  ":3:39: zones[].points: edge 1-2 and edge 3-4 cross or touch" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gate, points: [[0,0],[0.5,0.5],[1,1]]}]\n",
	  "all points lie on one line" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gate, points: [[0,0],[1,0],[480,1]]}]\n",
	  ":3:52: a point is [x, y], two numbers from 0 to 1" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gate, points: [[0,0],[1,0],[.nan,1]]}]\n",
	  "a point is [x, y]" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gate, points: [[0,0],[1,0],[1,1,1]]}]\n",
	  "a point is [x, y]" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gate, points: [[0,0],[1,0],[0.5]]}]\n",
	  "a point is [x, y]" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gate, pionts: [[0,0],[1,0],[1,1]]}]\n",
	  "did you mean \"points\"?" },
	{ SOURCE CAMERA "zones: [{id: z, camera: gate, points: "
			"[[0,0],[0,0],[0,0],[0,0],[0,0],[0,0],[0,0],[0,0],[0,0],[0,0],[0,0],[0,0],["
			"0,0],[0,0],[0,0],[0,0],[0,0]]}]\n",
	  "17 points, at most 16 fit" },
	{ "sources: &a [{id: dvr, url: x}]\n" CAMERA, ":1:10: anchor &a" },
	{ MINIMUM "hub: {<<: *a}\n", "alias *a" },
	{ MINIMUM "hub: {url: !!str x}\n", ":4:12: tag tag:yaml.org,2002:str" },
	{ MINIMUM "---\nhub: {}\n", ":4:1: a second document begins here" },
	{ "a: [[[[[[[[[[[[1]]]]]]]]]]]]\n", "more than 8 levels" },
	{ "hub:\n\turl: x\n", "not YAML: " },
	{ "hub:\n\turl: x\n", "never with tabs" },
	{ "hub: {url: x\n", "not YAML: " },
	{ "hub: \"x\n", "not YAML: " },
	{ MINIMUM "hub: {url: \"a\\nb\"}\n", "has a control character" },
	{ MINIMUM "hub: {batch_max: \"1\\0\"}\n", "has a NUL character" },
	{ MINIMUM "[a]: 5\n", "a key is a short word" },
	{ MINIMUM "hub: {? {a: b} : c}\n", "a key is a short word" },
	{ "hub: \x01\n", ":1:6: byte 0x01 is a control character" },
	{ "# \xc3\xbc\n# \xc3\xbc\xff\n", ":2:4: byte 0xff is not UTF-8" },
};

TEST(every_refusal_says_where_and_what)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(refusals); i++) {
		if (parse(refusals[i].text) != HF_E_INVALID)
			fail_msg("was taken: %s", refusals[i].text);
		if (strstr(messages(), refusals[i].message) == NULL)
			fail_msg("%s\nsays: %sand not: %s", refusals[i].text, messages(),
				 refusals[i].message);
		CHECK(strstr(err.text, "/etc/unit.yaml:") != NULL);
	}
}

TEST(one_fault_gives_one_message)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(refusals); i++) {
		(void)parse(refusals[i].text);
		/* Without the rest of the file there is more to say. */
		if (strncmp(refusals[i].text, MINIMUM, strlen(MINIMUM)) == 0 &&
		    report.found.errors != 1)
			fail_msg("%s\nsays: %s", refusals[i].text, messages());
	}
}

TEST(all_faults_of_a_file_are_reported_in_its_order)
{
	CHECK_CODE(parse("hub:\n"
			 "  batch_max: -1\n"
			 "  thumbs: maybe\n"
			 "  colour: red\n"
			 "cameras:\n"
			 "  - {id: a, tile: 99}\n"),
		   HF_E_INVALID);
	CHECK_U64(report.found.errors, ==, 5);
	const char *text = messages();
	const char *last = text;
	static const char *const order[] = { "sources: there is none",
					     ":2:14:", ":3:11:", ":4:3:", ":6:19:" };
	for (size_t i = 0; i < HF_ARRAY_LEN(order); i++) {
		const char *at = strstr(text, order[i]);

		if (at == NULL || at < last)
			fail_msg("%s is not in its place:\n%s", order[i], text);
		last = at;
	}
}

TEST(more_faults_than_fit_are_counted)
{
	char text[4096] = MINIMUM "hub:\n";

	for (int i = 0; i < 50; i++)
		(void)snprintf(text + strlen(text), 32, "  wrong%02d: 1\n", i);
	CHECK_CODE(parse(text), HF_E_INVALID);
	CHECK_U64(report.found.errors, ==, 50);
	CHECK_U64(report.found.message_count, ==, HF_REPORT_MESSAGES_MAX);
	CHECK(strstr(messages(), "and 30 more") != NULL);
}

TEST(a_refused_file_leaves_the_configuration_as_it_was)
{
	CHECK_OK(parse(MINIMUM));
	struct hf_config before = config;

	CHECK_CODE(parse(MINIMUM "hub: {batch_max: 7, oops: 1}\n"), HF_E_INVALID);
	assert_memory_equal(&before, &config, sizeof config);
}

TEST(a_message_never_carries_the_files_control_characters)
{
	CHECK_CODE(parse(MINIMUM "\"\\e[31mx\\x9b\": 1\n"), HF_E_INVALID);
	for (const char *c = messages(); *c != '\0'; c++)
		CHECK((unsigned char)*c >= 0x20 || *c == '\n');
	assert_null(strstr(messages(), "\xc2\x9b"));
}

TEST(plain_http_is_for_this_machine_or_for_those_who_say_so)
{
	CHECK_OK(parse(MINIMUM "hub: {url: \"http://localhost:8080\"}\n"));
	CHECK_OK(parse(MINIMUM "hub: {url: \"http://127.0.0.1:8080\"}\n"));
	CHECK_OK(parse(MINIMUM "hub: {url: \"http://[::1]:8080\"}\n"));
	CHECK_OK(parse(MINIMUM "hub: {url: \"http://hub.lan\", insecure: true}\n"));
	CHECK_OK(parse(MINIMUM "hub: {url: \"https://[2001:db8::1]/\"}\n"));
}

TEST(a_grabber_loads_as_it_is_written)
{
	CHECK_OK(parse("sources: [{type: v4l2, url: /dev/v4l/by-path/x, pixels: yuyv, width: 0, "
		       "height: 0, usb_reset: false}]\n" CAMERA ZONE));
	CHECK_U64(report.found.errors + report.found.warnings, ==, 0);
	CHECK_I64(config.sources[0].type, ==, HF_SOURCE_V4L2);
	CHECK_I64(config.sources[0].pixels, ==, 2);
	CHECK_I64(config.sources[0].width, ==, 0);
	CHECK(!config.sources[0].usb_reset);
}

TEST(what_is_for_another_kind_of_source_is_a_warning)
{
	CHECK_OK(parse("sources: [{url: clip.mp4, width: 640, usb_reset: true}]\n" CAMERA ZONE));
	CHECK_U64(report.found.warnings, ==, 2);
	assert_non_null(strstr(messages(), "sources[].width has no effect here: it is for sources "
					   "of type v4l2"));
	CHECK_OK(parse("sources: [{type: v4l2, url: /dev/video0, loop: true, timeout: 5s}]\n" CAMERA
			       ZONE));
	CHECK_U64(report.found.warnings, ==, 2);
	CHECK_OK(parse("sources: [{type: v4l2, url: video0}]\n" CAMERA ZONE));
	CHECK_U64(report.found.warnings, ==, 1);
	assert_non_null(strstr(messages(), "does not lie in /dev"));
}

TEST(hours_and_their_zone_load_as_they_are_written)
{
	CHECK_OK(parse(SOURCE CAMERA
		       "zones: [{id: door, camera: gate, armed_entry: '22:00-06:00', "
		       "points: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}]\n"
		       "time: {zone: Europe/Berlin}\n"
		       "armed: {entry: 'mon-fri 18:00-07:00, sat-sun 00:00-24:00'}\n"));
	CHECK_U64(report.found.errors + report.found.warnings, ==, 0);
	CHECK_TEXT(config.time_zone, "Europe/Berlin");
	CHECK_TEXT(config.armed_entry, "mon-fri 18:00-07:00, sat-sun 00:00-24:00");
	CHECK_TEXT(config.zones[0].armed_entry, "22:00-06:00");
}

TEST(without_a_time_zone_database_a_zone_is_a_warning_and_loads)
{
	assert_int_equal(setenv("TZDIR", "/nonexistent", 1), 0);
	CHECK_OK(parse(MINIMUM "time: {zone: Europe/Berlin}\n"));
	assert_int_equal(unsetenv("TZDIR"), 0);
	CHECK_U64(report.found.warnings, ==, 1);
	CHECK(strstr(messages(), "armed at all hours") != NULL);
}

TEST(hours_of_a_rule_that_is_off_are_a_warning)
{
	CHECK_OK(parse(SOURCE CAMERA
		       "zones: [{id: door, camera: gate, entry: false, armed_entry: '22:00-06:00', "
		       "points: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}]\n"));
	CHECK(strstr(messages(), "armed_entry has no effect") != NULL);
}

TEST(no_zones_is_a_warning_and_loads)
{
	CHECK_OK(parse(SOURCE CAMERA));
	CHECK_U64(report.found.warnings, ==, 1);
	CHECK(strstr(messages(), "warning: zones: there is none") != NULL);
}

TEST(a_byte_order_mark_and_windows_line_ends_are_fine)
{
	CHECK_OK(parse("\xef\xbb\xbfsources: [{url: x}]\r\ncameras: [{id: a}]\r\n"));
	CHECK_TEXT(config.sources[0].id, "main");
}

static char *shown(bool json)
{
	char *text = NULL;
	size_t size_bytes;
	FILE *stream = open_memstream(&text, &size_bytes);

	if (json)
		CHECK_OK(hf_config_show_json(&config, &report, stream, &err));
	else
		hf_config_show(&config, &report, stream);
	(void)fclose(stream);
	return text;
}

TEST(what_show_prints_loads_as_the_same_configuration)
{
	CHECK_OK(parse(MINIMUM "hub: {url: 'http://localhost/a\"b\\c', backoff_min: 1500ms}\n"
			       "track: {score_low: 0.1234567890123}\n"));
	struct hf_config before = config;
	HF_AUTO_FREE char *text = shown(false);

	CHECK(strstr(text, "backoff_min: 1500ms") != NULL);
	CHECK(strstr(text, "# line 4") != NULL && strstr(text, "# default") != NULL);
	CHECK_OK(parse(text));
	assert_memory_equal(&before, &config, sizeof config);
}

TEST(a_password_in_an_address_is_never_shown)
{
	CHECK_OK(
		parse("sources: [{type: rtsp, url: \"rtsp://user:se@cret@10.0.0.2/1\"}]\n" CAMERA));
	HF_AUTO_FREE char *text = shown(false);
	HF_AUTO_FREE char *json = shown(true);

	assert_null(strstr(text, "cret"));
	assert_null(strstr(json, "cret"));
	CHECK(strstr(text, "rtsp://***@10.0.0.2/1") != NULL);
	CHECK(strstr(json, "\"rtsp://***@10.0.0.2/1\"") != NULL);
}

TEST(the_example_loads_and_names_every_setting)
{
	char *text = NULL;
	size_t size_bytes;
	FILE *stream = open_memstream(&text, &size_bytes);

	hf_config_example(stream);
	(void)fclose(stream);
	HF_AUTO_FREE char *example = text;
	CHECK_OK(parse(example));
	CHECK_U64(report.found.warnings, ==, 0);
	for (int s = HF_CONFIG_UNIT; s < HF_CONFIG_SECTIONS; s++) {
		struct hf_config_rows all = hf_config_rows((enum hf_config_section)s);

		for (size_t r = 0; r < all.count; r++) {
			const char *dot = strchr(all.rows[r].key, '.');
			char line[HF_CONFIG_KEY_BYTES + 4];

			(void)snprintf(line, sizeof line,
				       " %s: ", dot != NULL ? dot + 1 : all.rows[r].key);
			CHECK(strstr(example, line) != NULL);
		}
	}
}

TEST(a_file_that_is_not_there_is_not_invalid_but_absent)
{
	CHECK_CODE(hf_config_load("/nonexistent/unit.yaml", &config, &report, &err), HF_E_NOENT);
	CHECK(strstr(err.text, "/nonexistent/unit.yaml") != NULL);
}

TESTS(RUN(the_smallest_file_loads_and_everything_is_resolved), RUN(every_kind_of_value_arrives),
      RUN(every_refusal_says_where_and_what), RUN(one_fault_gives_one_message),
      RUN(all_faults_of_a_file_are_reported_in_its_order), RUN(more_faults_than_fit_are_counted),
      RUN(a_refused_file_leaves_the_configuration_as_it_was),
      RUN(a_message_never_carries_the_files_control_characters),
      RUN(plain_http_is_for_this_machine_or_for_those_who_say_so),
      RUN(a_grabber_loads_as_it_is_written), RUN(what_is_for_another_kind_of_source_is_a_warning),
      RUN(hours_and_their_zone_load_as_they_are_written),
      RUN(without_a_time_zone_database_a_zone_is_a_warning_and_loads),
      RUN(hours_of_a_rule_that_is_off_are_a_warning), RUN(no_zones_is_a_warning_and_loads),
      RUN(a_byte_order_mark_and_windows_line_ends_are_fine),
      RUN(what_show_prints_loads_as_the_same_configuration),
      RUN(a_password_in_an_address_is_never_shown), RUN(the_example_loads_and_names_every_setting),
      RUN(a_file_that_is_not_there_is_not_invalid_but_absent))
