/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/readings.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct hf_config config;
static struct readings readings;
static struct hf_policy_input input;
static struct hf_err err;

static struct hf_mono at_ms(int64_t ms)
{
	return (struct hf_mono){ .us = ms * 1000 };
}

/* Two sources; cameras 0 and 1 on the first, 2 on the second; two detectors. */
static int begin(void **state)
{
	(void)state;
	hf_config_defaults(&config);
	config.source_count = 2;
	config.camera_count = 3;
	config.cameras[2].source = 1;
	config.infer_workers = 2;
	readings_open(&readings, at_ms(1000));
	memset(&input, 0, sizeof input);
	return 0;
}

static enum hf_code say(enum hf_role role, uint32_t index, enum hf_signal signal, uint8_t scope,
			int64_t value, int64_t now_ms)
{
	struct hf_signals signals = { .count = 1 };

	signals.samples[0] =
		(struct hf_sample){ .signal = (uint16_t)signal, .scope = scope, .value = value };
	return readings_take(&readings, &config, role, index, &signals, at_ms(now_ms), &err);
}

static enum hf_code say_unknown(enum hf_role role, uint32_t index, enum hf_signal signal,
				int64_t now_ms)
{
	struct hf_signals signals = { .count = 1 };

	signals.samples[0] = (struct hf_sample){ .signal = (uint16_t)signal, .unknown = true };
	return readings_take(&readings, &config, role, index, &signals, at_ms(now_ms), &err);
}

static const struct hf_reading *read_at(enum hf_signal signal, unsigned scope, int64_t now_ms)
{
	readings_fill(&readings, &config, at_ms(now_ms), &input);
	return &input.readings[signal][scope];
}

TEST(what_nobody_has_said_is_unknown_since_the_start)
{
	const struct hf_reading *frame = read_at(HF_SIGNAL_CAMERA_FRAME, 0, 3500);

	CHECK(!frame->known);
	CHECK_I64(frame->value, ==, 2500);
}

TEST(what_was_said_is_good_for_a_while_and_then_unknown_since_it_was_said)
{
	CHECK_OK(say(HF_ROLE_INGEST, 0, HF_SIGNAL_CAMERA_FRAME, 1, 40, 5000));
	CHECK(read_at(HF_SIGNAL_CAMERA_FRAME, 1, 5000 + HF_READINGS_FRESH_MS)->known);
	CHECK_I64(read_at(HF_SIGNAL_CAMERA_FRAME, 1, 5000)->value, ==, 40);
	CHECK(!read_at(HF_SIGNAL_CAMERA_FRAME, 1, 5001 + HF_READINGS_FRESH_MS)->known);
	CHECK_I64(read_at(HF_SIGNAL_CAMERA_FRAME, 1, 9000)->value, ==, 4000);
}

TEST(who_says_again_and_again_that_it_does_not_know_has_not_known_since_the_first_time)
{
	CHECK_OK(say(HF_ROLE_RESPOND, 0, HF_SIGNAL_INPUT_AGE, 0, 0, 2000));
	CHECK_OK(say_unknown(HF_ROLE_RESPOND, 0, HF_SIGNAL_INPUT_AGE, 3000));
	CHECK_OK(say_unknown(HF_ROLE_RESPOND, 0, HF_SIGNAL_INPUT_AGE, 4000));
	CHECK(!read_at(HF_SIGNAL_INPUT_AGE, 0, 5000)->known);
	CHECK_I64(read_at(HF_SIGNAL_INPUT_AGE, 0, 5000)->value, ==, 2000);
}

TEST(nobody_speaks_for_another)
{
	CHECK_CODE(say(HF_ROLE_INFER, 0, HF_SIGNAL_CAMERA_FRAME, 0, 1, 2000), HF_E_DENIED);
	CHECK_CODE(say(HF_ROLE_INGEST, 0, HF_SIGNAL_INFER_GOLDEN, 0, 1, 2000), HF_E_DENIED);
	CHECK_CODE(say(HF_ROLE_INGEST, 0, HF_SIGNAL_CAMERA_FRAME, 2, 1, 2000), HF_E_INVALID);
	CHECK_CODE(say(HF_ROLE_INGEST, 1, HF_SIGNAL_SOURCE_FRAME, 0, 1, 2000), HF_E_INVALID);
	CHECK_CODE(say(HF_ROLE_INGEST, 0, HF_SIGNAL_CAMERA_FRAME, 3, 1, 2000), HF_E_INVALID);
	CHECK_CODE(say(HF_ROLE_KEEPER, 0, HF_SIGNAL_WORKER_DOWN, 0, 1, 2000), HF_E_DENIED);
	CHECK_CODE(say(HF_ROLE_INFER, 0, HF_SIGNAL_COUNT, 0, 1, 2000), HF_E_INVALID);
	CHECK(!read_at(HF_SIGNAL_CAMERA_FRAME, 0, 2000)->known);
}

TEST(of_several_detectors_counts_are_added_and_of_the_rest_the_worst_counts)
{
	CHECK_OK(say(HF_ROLE_INFER, 0, HF_SIGNAL_INFER_OOM, 0, 2, 2000));
	CHECK_OK(say(HF_ROLE_INFER, 1, HF_SIGNAL_INFER_OOM, 0, 3, 2000));
	CHECK_OK(say(HF_ROLE_INFER, 0, HF_SIGNAL_INFER_DRIFT, 0, 40, 2000));
	CHECK_OK(say(HF_ROLE_INFER, 1, HF_SIGNAL_INFER_DRIFT, 0, 10, 2000));
	CHECK_I64(read_at(HF_SIGNAL_INFER_OOM, 0, 2000)->value, ==, 5);
	CHECK_I64(read_at(HF_SIGNAL_INFER_DRIFT, 0, 2000)->value, ==, 40);
}

TEST(one_detector_that_says_nothing_is_passed_over_while_another_does)
{
	CHECK_OK(say(HF_ROLE_INFER, 1, HF_SIGNAL_INFER_OOM, 0, 1, 2000));
	CHECK(read_at(HF_SIGNAL_INFER_OOM, 0, 2000)->known);
	CHECK_I64(read_at(HF_SIGNAL_INFER_OOM, 0, 2000)->value, ==, 1);
}

TEST(cameras_without_a_picture_are_counted_of_all)
{
	CHECK_OK(say(HF_ROLE_INGEST, 0, HF_SIGNAL_CAMERA_FRAME, 0, 6000, 9000));
	CHECK_OK(say(HF_ROLE_INGEST, 0, HF_SIGNAL_CAMERA_FRAME, 1, 100, 9000));
	CHECK_OK(say(HF_ROLE_INGEST, 1, HF_SIGNAL_CAMERA_FRAME, 2, 5001, 9000));
	CHECK_I64(read_at(HF_SIGNAL_CAMERAS_LOST, 0, 9000)->value, ==, 666);
}

struct time {
	int64_t mono_us;
	int64_t wall_ms;
};

static struct hf_mono fake_mono(const struct hf_clock *clock)
{
	return (struct hf_mono){ .us = ((const struct time *)clock->context)->mono_us };
}

static struct hf_wall fake_wall(const struct hf_clock *clock)
{
	return (struct hf_wall){ .ms = ((const struct time *)clock->context)->wall_ms };
}

TEST(a_wall_clock_that_jumps_is_told_for_a_minute_and_one_that_is_slewed_is_not)
{
	struct time time = { 2000000, 1770000000000 };
	const struct hf_clock clock = { fake_mono, fake_wall, &time };

	readings_look(&readings, "/nowhere", "/", &clock);
	time.mono_us += 100000;
	time.wall_ms += 100 + 400;
	readings_look(&readings, "/nowhere", "/", &clock);
	CHECK_I64(read_at(HF_SIGNAL_CLOCK_STEP, 0, time.mono_us / 1000)->value, ==, 0);
	time.mono_us += 100000;
	time.wall_ms -= 3600000;
	readings_look(&readings, "/nowhere", "/", &clock);
	CHECK_I64(read_at(HF_SIGNAL_CLOCK_STEP, 0, time.mono_us / 1000)->value, ==, 3600100);
	time.mono_us += 61000000;
	time.wall_ms += 61000;
	readings_look(&readings, "/nowhere", "/", &clock);
	CHECK_I64(read_at(HF_SIGNAL_CLOCK_STEP, 0, time.mono_us / 1000)->value, ==, 0);
}

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	(void)fputs(text, file);
	(void)fclose(file);
}

TEST(the_machine_is_read_where_it_can_be_and_unknown_where_not)
{
	char root[] = "/tmp/holdfast-readings-XXXXXX", path[128];
	const struct hf_clock *clock = hf_clock_real();
	static const char *const folders[] = {
		"/proc",      "/proc/pressure",     "/sys",
		"/sys/class", "/sys/class/thermal", "/sys/class/thermal/thermal_zone0"
	};

	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		(void)snprintf(path, sizeof path, "%s%s", root, folders[i]);
		CHECK_I64(mkdir(path, 0700), ==, 0);
	}
	(void)snprintf(path, sizeof path, "%s/proc/pressure/memory", root);
	put_file(path, "some avg10=9.00 avg60=0.00 avg300=0.00 total=0\n"
		       "full avg10=1.25 avg60=0.00 avg300=0.00 total=0\n");
	(void)snprintf(path, sizeof path, "%s/sys/class/thermal/thermal_zone0/temp", root);
	put_file(path, "71500\n");
	readings_look(&readings, root, root, clock);
	int64_t now_ms = hf_mono_now(clock).us / 1000;
	CHECK_I64(read_at(HF_SIGNAL_MEMORY_PRESSURE, 0, now_ms)->value, ==, 12);
	CHECK_I64(read_at(HF_SIGNAL_TEMPERATURE, 0, now_ms)->value, ==, 71);
	CHECK(!read_at(HF_SIGNAL_CPU_PRESSURE, 0, now_ms)->known);
	CHECK(read_at(HF_SIGNAL_DISK_FREE, 0, now_ms)->known);
	CHECK_I64(read_at(HF_SIGNAL_DISK_READ_ONLY, 0, now_ms)->value, ==, 0);
	(void)snprintf(path, sizeof path, "rm -rf %s", root);
	CHECK_I64(system(path), ==, 0);
}

#define EACH(name) cmocka_unit_test_setup(name, begin)

TESTS(EACH(what_nobody_has_said_is_unknown_since_the_start),
      EACH(what_was_said_is_good_for_a_while_and_then_unknown_since_it_was_said),
      EACH(who_says_again_and_again_that_it_does_not_know_has_not_known_since_the_first_time),
      EACH(nobody_speaks_for_another),
      EACH(of_several_detectors_counts_are_added_and_of_the_rest_the_worst_counts),
      EACH(one_detector_that_says_nothing_is_passed_over_while_another_does),
      EACH(cameras_without_a_picture_are_counted_of_all),
      EACH(a_wall_clock_that_jumps_is_told_for_a_minute_and_one_that_is_slewed_is_not),
      EACH(the_machine_is_read_where_it_can_be_and_unknown_where_not))
