/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/ingest/signals.h"

#include "test.h"

enum {
	START_MS = 1000000,
	STEP_MS = 200,
};

struct bench {
	struct hf_config config;
	struct signals signals;
	struct hf_source_info info;
	struct hf_view_reading view;
	int64_t now_ms;
	struct hf_signals out;
	bool due;
};

static struct hf_mono at_ms(int64_t ms)
{
	return (struct hf_mono){ .us = ms * 1000 };
}

/* Two cameras on source 1, which is at five pictures a second; one on source 0. */
static struct bench bench_new(void)
{
	static struct bench b;

	b = (struct bench){ .now_ms = START_MS, .info = { .fps = 5 } };
	hf_config_defaults(&b.config);
	b.config.source_count = 2;
	b.config.camera_count = 3;
	b.config.cameras[1].source = b.config.cameras[2].source = 1;
	b.view.tile_count = 4;
	signals_begin(&b.signals, &b.config, 1, at_ms(b.now_ms));
	return b;
}

static void show(struct bench *b)
{
	/* It was copied since: the view points into this one's configuration. */
	b->view.tiles[0].camera = &b->config.cameras[1];
	b->view.tiles[3].camera = &b->config.cameras[2];
}

static void picture(struct bench *b)
{
	b->now_ms += STEP_MS;
	signals_picture(&b->signals, &b->config, &b->info, &b->view, NULL, at_ms(b->now_ms));
}

static void ask(struct bench *b)
{
	b->due = signals_due(&b->signals, at_ms(b->now_ms), &b->out);
	if (b->due)
		signals_told(&b->signals, &b->out, at_ms(b->now_ms));
}

/* -1: not known; -2: not there. */
static int64_t value(struct bench *b, enum hf_signal signal, unsigned scope)
{
	ask(b);
	for (uint32_t i = 0; i < b->out.count; i++)
		if (b->out.samples[i].signal == signal && b->out.samples[i].scope == scope)
			return b->out.samples[i].unknown ? -1 : b->out.samples[i].value;
	return -2;
}

TEST(only_the_own_source_and_its_cameras_are_told)
{
	struct bench b = bench_new();

	ask(&b);
	CHECK_U64(b.out.count, ==, 1 + 2 * 4);
	CHECK_I64(value(&b, HF_SIGNAL_SOURCE_FRAME, 0), ==, -2);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FRAME, 0), ==, -2);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FRAME, 2), ==, -1);
}

TEST(before_the_first_picture_no_age_is_known_and_then_none_is_young)
{
	struct bench b = bench_new();

	CHECK_I64(value(&b, HF_SIGNAL_SOURCE_FRAME, 1), ==, -1);
	b.now_ms += SIGNALS_UNKNOWN_MS;
	CHECK_I64(value(&b, HF_SIGNAL_SOURCE_FRAME, 1), ==, SIGNALS_UNKNOWN_MS);
	b.now_ms += 6000;
	/* Opened again, and nothing comes of it: it goes on. */
	signals_opened(&b.signals);
	CHECK_I64(value(&b, HF_SIGNAL_SOURCE_FRAME, 1), ==, SIGNALS_UNKNOWN_MS + 6000);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FRAME, 1), ==, SIGNALS_UNKNOWN_MS + 6000);
}

TEST(pictures_keep_ages_young_and_silence_is_each_cameras)
{
	struct bench b = bench_new();

	show(&b);
	for (int i = 0; i < 10; i++)
		picture(&b);
	CHECK_I64(value(&b, HF_SIGNAL_SOURCE_FRAME, 1), ==, 0);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FRAME, 2), ==, 0);
	b.now_ms += 5500;
	signals_opened(&b.signals);
	CHECK_I64(value(&b, HF_SIGNAL_SOURCE_FRAME, 1), ==, 5500);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FRAME, 2), ==, 5500);
}

TEST(a_camera_that_the_screen_does_not_show_is_not_known_until_the_source_is_silent)
{
	struct bench b = bench_new();

	show(&b);
	picture(&b);
	b.view.tiles[3].camera = NULL;
	for (int i = 0; i < 50; i++)
		picture(&b);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FRAME, 1), ==, 0);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FRAME, 2), ==, -1);
	b.now_ms += 3000;
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FRAME, 2), >=, 3000);
	show(&b);
	b.view.paused = 1;
	picture(&b);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FRAME, 1), ==, -1);
	CHECK_I64(value(&b, HF_SIGNAL_SOURCE_FRAME, 1), ==, 0);
}

TEST(pictures_that_do_not_come_are_counted_of_those_that_are_due)
{
	struct bench b = bench_new();

	show(&b);
	for (int i = 0; i < 10; i++)
		picture(&b);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_DROPS, 1), ==, -1);
	for (int i = 0; i < 200; i++)
		picture(&b);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_DROPS, 1), ==, 0);
	/* Every other one. */
	for (int i = 0; i < 200; i++) {
		b.now_ms += STEP_MS;
		picture(&b);
	}
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_DROPS, 1), >=, 470);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_DROPS, 2), <=, 510);
	/* None at all, for longer than the window. */
	b.now_ms += 100000;
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_DROPS, 2), >=, 980);
}

TEST(a_rate_that_nobody_says_is_learned_from_the_first_pictures)
{
	struct bench b = bench_new();

	show(&b);
	b.info.fps = 0;
	for (int i = 0; i < SIGNALS_STEPS_MIN; i++)
		picture(&b);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_DROPS, 1), ==, -1);
	picture(&b);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_DROPS, 1), ==, 0);
	for (int i = 0; i < 200; i++) {
		b.now_ms += 3 * STEP_MS;
		picture(&b);
	}
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_DROPS, 1), >=, 730);
}

TEST(skew_is_the_sources_word_and_frozen_is_not_known_without_health)
{
	struct bench b = bench_new();

	show(&b);
	b.info.skew_us = 345678;
	picture(&b);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_SKEW, 1), ==, 345);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FROZEN, 1), ==, -1);
	b.info.skew_us = -1;
	picture(&b);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_SKEW, 1), ==, -1);
}

TEST(a_recording_that_has_ended_owes_nothing)
{
	struct bench b = bench_new();

	show(&b);
	for (int i = 0; i < 100; i++)
		picture(&b);
	signals_ended(&b.signals);
	b.now_ms += 60000;
	CHECK_I64(value(&b, HF_SIGNAL_SOURCE_FRAME, 1), ==, 0);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_FRAME, 1), ==, 0);
	CHECK_I64(value(&b, HF_SIGNAL_CAMERA_DROPS, 1), ==, 0);
}

TEST(they_are_due_each_second_and_at_once_when_pictures_come_back)
{
	struct bench b = bench_new();
	int told = 0;

	show(&b);
	picture(&b);
	ask(&b);
	CHECK(b.due);
	for (int i = 0; i < 50; i++) {
		picture(&b);
		ask(&b);
		told += b.due;
	}
	/* Ten seconds, and once as the drops came to be known. */
	CHECK_I64(told, >=, 10);
	CHECK_I64(told, <=, 11);
	b.now_ms += 3000;
	ask(&b);
	CHECK(b.due);
	b.now_ms += 10;
	ask(&b);
	CHECK(!b.due);
	signals_picture(&b.signals, &b.config, &b.info, &b.view, NULL, at_ms(b.now_ms));
	ask(&b);
	CHECK(b.due);
}

TESTS(RUN(only_the_own_source_and_its_cameras_are_told),
      RUN(before_the_first_picture_no_age_is_known_and_then_none_is_young),
      RUN(pictures_keep_ages_young_and_silence_is_each_cameras),
      RUN(a_camera_that_the_screen_does_not_show_is_not_known_until_the_source_is_silent),
      RUN(pictures_that_do_not_come_are_counted_of_those_that_are_due),
      RUN(a_rate_that_nobody_says_is_learned_from_the_first_pictures),
      RUN(skew_is_the_sources_word_and_frozen_is_not_known_without_health),
      RUN(a_recording_that_has_ended_owes_nothing),
      RUN(they_are_due_each_second_and_at_once_when_pictures_come_back))
