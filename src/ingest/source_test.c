/* SPDX-License-Identifier: Apache-2.0 */
/* HOLDFAST_CLIPS names the folder that test/data/make-clips.sh has filled. */
#include "ingest/source.h"

#include "base/auto.h"
#include "ingest/layout.h"
#include "test.h"

#include <string.h>

/* Time that passes only when told to. */
struct fake {
	struct hf_clock clock;
	int64_t us;
};

static struct hf_mono fake_mono(const struct hf_clock *clock)
{
	return (struct hf_mono){ .us = ((const struct fake *)clock->context)->us };
}

static struct hf_wall fake_wall(const struct hf_clock *clock)
{
	return (struct hf_wall){ .ms = 1700000000000 +
				       ((const struct fake *)clock->context)->us / 1000 };
}

static struct fake *fake(void)
{
	static struct fake f;

	f = (struct fake){ .clock = { .mono = fake_mono, .wall = fake_wall, .context = &f },
			   .us = 50000000 };
	return &f;
}

static bool have_clips(void)
{
	const char *folder = getenv("HOLDFAST_CLIPS");
	char path[HF_PATH_BYTES], word[16] = "";

	if (folder == NULL)
		return false;
	(void)snprintf(path, sizeof path, "%s/done", folder);
	HF_AUTO_FCLOSE FILE *file = fopen(path, "re");
	return file != NULL && fgets(word, sizeof word, file) != NULL &&
	       strcmp(word, "made\n") == 0;
}

#define NEEDS_CLIPS()              \
	do {                       \
		if (!have_clips()) \
			skip();    \
	} while (0)

static struct hf_config_source config_of(const char *clip)
{
	struct hf_config_source config = { .type = HF_SOURCE_FILE };

	(void)snprintf(config.url, sizeof config.url, "%s/%s",
		       clip[0] == '/' ? "" : getenv("HOLDFAST_CLIPS"), clip);
	return config;
}

static enum hf_code open_it(const struct hf_config_source *config, struct fake *f, bool lockstep,
			    struct hf_source **ret_source, struct hf_err *err)
{
	const struct hf_source_options options = { .config = config,
						   .clock = &f->clock,
						   .lockstep = lockstep };

	return hf_source_open(&options, ret_source, err);
}

/* Steps, letting time pass to when the next frame is due, until there is one or an end. */
static enum hf_code next(struct hf_source *source, struct fake *f, struct hf_frame *ret_frame,
			 struct hf_err *err)
{
	for (int i = 0; i < 10000; i++) {
		enum hf_code code = hf_source_step(source, ret_frame, err);
		struct hf_mono due = hf_source_due(source);

		if (code != HF_E_AGAIN)
			return code;
		if (due.us > f->us)
			f->us = due.us;
	}
	return hf_fail(err, HF_E_LIMIT, "no frame in 10000 steps");
}

/* Reads in lockstep to the end; the number of frames. */
static unsigned read_all(const char *clip, enum hf_code *ret_code, struct hf_source_info *ret_info)
{
	struct hf_config_source config = config_of(clip);
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	struct fake *f = fake();
	unsigned frames = 0;

	config.fps = 60;
	CHECK_OK(open_it(&config, f, true, &source, &err));
	while ((*ret_code = next(source, f, &frame, &err)) == HF_OK)
		frames++;
	*ret_info = hf_source_info(source);
	hf_source_close(source);
	return frames;
}

TEST(a_missing_file_is_noent_and_named)
{
	struct hf_config_source config = config_of("/nowhere/at-all.avi");
	struct hf_source *source;
	struct hf_err err;

	CHECK_CODE(open_it(&config, fake(), false, &source, &err), HF_E_NOENT);
	assert_non_null(strstr(err.text, "at-all.avi"));
}

TEST(a_folder_an_empty_path_and_an_unknown_type_are_invalid)
{
	struct hf_config_source config = config_of("/tmp");
	struct hf_source *source;
	struct hf_err err;

	CHECK_CODE(open_it(&config, fake(), false, &source, &err), HF_E_INVALID);
	config.url[0] = '\0';
	CHECK_CODE(open_it(&config, fake(), false, &source, &err), HF_E_INVALID);
	config.type = 77;
	CHECK_CODE(open_it(&config, fake(), false, &source, &err), HF_E_INVALID);
}

/* Opens a file with these bytes. */
static enum hf_code open_bytes(const char *suffix, const void *data, size_t size_bytes,
			       struct hf_err *err)
{
	char path[64] = "/tmp/holdfast-source-XXXXXX";
	struct hf_source *source = NULL;
	size_t length = strlen(path);

	(void)snprintf(path + length, sizeof path - length, "%s", suffix);
	HF_AUTO_FD fd = mkstemps(path, (int)strlen(suffix));
	assert_true(fd >= 0 && write(fd, data, size_bytes) == (ssize_t)size_bytes);
	struct hf_config_source config = config_of(path);
	enum hf_code code = open_it(&config, fake(), false, &source, err);
	hf_source_close(source);
	(void)unlink(path);
	return code;
}

TEST(a_text_named_avi_an_empty_file_and_a_playlist_are_refused)
{
	static const char text[] = "This is not a video.\nIt never was one.\n";
	static const char list[] = "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n";
	static const char concat[] = "ffconcat version 1.0\nfile /etc/passwd\n";
	struct hf_err err;

	CHECK_CODE(open_bytes(".avi", text, sizeof text - 1, &err), HF_E_INVALID);
	/* libavformat would play this one as a terminal session. */
	CHECK_CODE(open_bytes(".ans", text, sizeof text - 1, &err), HF_E_INVALID);
	CHECK_CODE(open_bytes(".avi", "", 0, &err), HF_E_CORRUPT);
	CHECK_CODE(open_bytes(".m3u8", list, sizeof list - 1, &err), HF_E_INVALID);
	CHECK_CODE(open_bytes(".ffconcat", concat, sizeof concat - 1, &err), HF_E_INVALID);
}

TEST(every_frame_of_a_clip_comes_once_in_its_own_time)
{
	NEEDS_CLIPS();
	struct hf_config_source config = config_of("small.avi");
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	struct fake *f = fake();
	const int64_t begin_us = f->us;

	CHECK_OK(open_it(&config, f, false, &source, &err));
	for (unsigned i = 0; i < 10; i++) {
		CHECK_OK(next(source, f, &frame, &err));
		CHECK_U64(frame.number, ==, i);
		CHECK_U64(frame.width, ==, 320);
		CHECK_U64(frame.height, ==, 240);
		CHECK_I64(frame.captured_mono.us, ==, begin_us + i * 100000);
		CHECK_I64(frame.captured_wall.ms, ==,
			  1700000000000 + frame.captured_mono.us / 1000);
	}
	CHECK_CODE(next(source, f, &frame, &err), HF_E_CLOSED);
	hf_source_close(source);
}

TEST(nothing_comes_before_it_is_due)
{
	NEEDS_CLIPS();
	struct hf_config_source config = config_of("small.avi");
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	struct fake *f = fake();

	CHECK_OK(open_it(&config, f, false, &source, &err));
	CHECK_OK(next(source, f, &frame, &err));
	for (int i = 0; i < 20; i++)
		CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	CHECK_I64(hf_source_due(source).us, ==, f->us + 100000);
	f->us += 100000;
	CHECK_OK(hf_source_step(source, &frame, &err));
	hf_source_close(source);
}

TEST(fewer_frames_are_handed_out_when_fewer_are_asked_for)
{
	NEEDS_CLIPS();
	static const char *const clips[] = { "small.avi", "chained.mp4" };

	for (size_t c = 0; c < HF_ARRAY_LEN(clips); c++) {
		struct hf_config_source config = config_of(clips[c]);
		struct hf_source *source;
		struct hf_frame frame;
		struct hf_err err;
		struct fake *f = fake();

		config.fps = 5;
		CHECK_OK(open_it(&config, f, true, &source, &err));
		for (unsigned i = 0; i < 5; i++) {
			CHECK_OK(next(source, f, &frame, &err));
			CHECK_U64(frame.number, ==, 2 * i);
			CHECK_I64(frame.captured_mono.us, ==,
				  HF_SOURCE_LOCKSTEP_START_US + i * 200000);
		}
		hf_source_close(source);
	}
}

/* Which of the frames come with word of a key frame, but for the first: nothing was before it. */
static uint32_t renewed_of(const char *clip, double fps, unsigned frames)
{
	struct hf_config_source config = config_of(clip);
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	struct fake *f = fake();
	uint32_t renewed = 0;

	config.fps = fps;
	CHECK_OK(open_it(&config, f, true, &source, &err));
	for (unsigned i = 0; i < frames; i++) {
		CHECK_OK(next(source, f, &frame, &err));
		renewed |= (frame.renewed ? 1U : 0) << i;
	}
	hf_source_close(source);
	return renewed & ~1U;
}

TEST(a_key_frame_is_told_of_with_the_frame_that_comes_next_and_only_where_there_are_others)
{
	NEEDS_CLIPS();
	const uint32_t all = renewed_of("chained.mp4", 0, 30); /* a key frame every 10, or so */
	const uint32_t half = renewed_of("chained.mp4", 5, 15);

	CHECK_I64(__builtin_popcount(all), >=, 2);
	CHECK_I64(__builtin_popcount(all), <=, 4);
	for (unsigned i = 1; i < 15; i++)
		CHECK((half >> i & 1) == ((all >> (2 * i) | all >> (2 * i - 1)) & 1));
	CHECK_U64(renewed_of("small.avi", 0, 10), ==, 0);
}

TEST(a_looped_clip_goes_on_with_rising_time_and_numbers)
{
	NEEDS_CLIPS();
	static const struct {
		const char *clip;
		double fps;
	} clips[] = { { "small.avi", 0 },
		      { "chained.mp4", 0 },
		      { "still.jpg", 0 },
		      { "still.png", 0 },
		      { "resized.mjpeg", 25 } };

	for (size_t c = 0; c < HF_ARRAY_LEN(clips); c++) {
		struct hf_config_source config = config_of(clips[c].clip);
		struct hf_source *source;
		struct hf_frame frame;
		struct hf_err err;
		struct fake *f = fake();
		int64_t last_us = 0;

		config.loop = true;
		config.fps = clips[c].fps;
		CHECK_OK(open_it(&config, f, false, &source, &err));
		for (unsigned i = 0; i < 75; i++) {
			CHECK_OK(next(source, f, &frame, &err));
			CHECK_U64(frame.number, ==, i);
			CHECK_I64(frame.captured_mono.us, >, last_us);
			if (i > 0)
				CHECK_I64(frame.captured_mono.us, <=, last_us + 200001);
			last_us = frame.captured_mono.us;
		}
		hf_source_close(source);
	}
}

TEST(a_looped_clip_shorter_than_the_time_between_wanted_frames_goes_on)
{
	NEEDS_CLIPS();
	struct hf_config_source config = config_of("small.avi"); /* one second */
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	struct fake *f = fake();

	config.loop = true;
	config.fps = 0.4;
	CHECK_OK(open_it(&config, f, false, &source, &err));
	for (unsigned i = 0; i < 5; i++) {
		CHECK_OK(next(source, f, &frame, &err));
		CHECK_U64(frame.number, ==, 25 * i);
	}
	hf_source_close(source);
}

TEST(a_looped_clip_that_is_taken_away_is_missed)
{
	NEEDS_CLIPS();
	struct hf_config_source config = config_of("small.avi");
	char path[] = "/tmp/holdfast-gone-XXXXXX", clip[HF_PATH_BYTES];
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	struct fake *f = fake();
	enum hf_code code = HF_OK;

	assert_non_null(mkdtemp(path));
	(void)snprintf(clip, sizeof clip, "%s", config.url);
	(void)snprintf(config.url, sizeof config.url, "%s/clip.avi", path);
	assert_int_equal(symlink(clip, config.url), 0);
	config.loop = true;
	CHECK_OK(open_it(&config, f, false, &source, &err));
	assert_int_equal(unlink(config.url), 0);
	for (int i = 0; i < 20 && code == HF_OK; i++)
		code = next(source, f, &frame, &err);
	CHECK_I64(code, ==, HF_E_NOENT);
	hf_source_close(source);
	(void)rmdir(path);
}

TEST(a_still_picture_is_one_frame)
{
	NEEDS_CLIPS();
	static const char *const stills[] = { "still.jpg", "still.png" };
	struct hf_source_info info;
	enum hf_code code;

	for (size_t i = 0; i < HF_ARRAY_LEN(stills); i++) {
		CHECK_U64(read_all(stills[i], &code, &info), ==, 1);
		CHECK_I64(code, ==, HF_E_CLOSED);
		CHECK(info.still);
		CHECK_U64(info.decode_errors, ==, 0);
	}
}

TEST(a_cut_clip_gives_what_is_left_of_it)
{
	NEEDS_CLIPS();
	struct hf_source_info info;
	enum hf_code code;
	unsigned frames = read_all("cut.avi", &code, &info);

	CHECK_I64(code, ==, HF_E_CLOSED);
	CHECK_U64(frames, >=, 3);
	CHECK_U64(frames, <, 10);
}

TEST(a_clip_with_nothing_but_a_head_is_an_error)
{
	NEEDS_CLIPS();
	struct hf_config_source config = config_of("head-only.avi");
	struct hf_source *source;
	struct hf_err err;

	CHECK_CODE(open_it(&config, fake(), false, &source, &err), HF_E_INVALID);
}

TEST(broken_frames_are_passed_over_and_counted)
{
	NEEDS_CLIPS();
	struct hf_source_info info;
	enum hf_code code;
	unsigned frames = read_all("hole.avi", &code, &info);

	CHECK_I64(code, ==, HF_E_CLOSED);
	CHECK_U64(frames, <, 10);
	CHECK_U64(frames, >=, 6);
	CHECK_U64(info.decode_errors, >=, 1);
}

TEST(odd_sizes_and_other_formats_are_taken)
{
	NEEDS_CLIPS();
	struct hf_source_info info;
	enum hf_code code;

	CHECK_U64(read_all("odd.avi", &code, &info), ==, 3);
	CHECK_U64(info.width, ==, 323);
	CHECK_U64(info.height, ==, 241);
	CHECK_U64(read_all("chained.mp4", &code, &info), ==, 30);
	CHECK_U64(info.decode_errors, ==, 0);
}

TEST(a_clip_that_changes_its_size_goes_on)
{
	NEEDS_CLIPS();
	struct hf_source_info info;
	enum hf_code code;

	CHECK_U64(read_all("resized.mjpeg", &code, &info), ==, 8);
	CHECK_U64(info.width, ==, 480);
	CHECK_U64(info.height, ==, 272);
}

TEST(a_clip_that_changes_its_pixel_format_goes_on)
{
	NEEDS_CLIPS();
	struct hf_source_info info;
	enum hf_code code;

	CHECK_U64(read_all("formats.mjpeg", &code, &info), ==, 12);
	CHECK_I64(code, ==, HF_E_CLOSED);
	CHECK_U64(info.decode_errors, ==, 0);
}

TEST(a_clip_of_one_frame_of_4k_is_one_frame)
{
	NEEDS_CLIPS();
	struct hf_source_info info;
	enum hf_code code;

	CHECK_U64(read_all("uhd.avi", &code, &info), ==, 1);
	CHECK_I64(code, ==, HF_E_CLOSED);
	CHECK_U64(info.width, ==, 3840);
	CHECK_U64(info.height, ==, 2160);
}

/* A header's frame rate: none, or one in a century. */
TEST(a_frame_rate_that_makes_no_sense_costs_no_frame)
{
	NEEDS_CLIPS();
	static const struct {
		uint32_t scale, rate;
	} rates[] = { { 0, 0 }, { 1, 0 }, { 0, 25 }, { UINT32_MAX, 1 } };
	static uint8_t data[1 << 20];
	struct hf_config_source config = config_of("small.avi");
	HF_AUTO_FCLOSE FILE *file = fopen(config.url, "re");
	assert_non_null(file);
	const size_t size = fread(data, 1, sizeof data, file);
	uint8_t *header = memmem(data, size, "strh", 4);
	assert_non_null(header);

	for (size_t i = 0; i < HF_ARRAY_LEN(rates); i++) {
		char path[] = "/tmp/holdfast-rate-XXXXXX";
		HF_AUTO_FD fd = mkstemp(path);
		int64_t last_us = 0;
		struct hf_source *source;
		struct hf_frame frame;
		struct hf_err err;

		memcpy(header + 28, &rates[i].scale, 4);
		memcpy(header + 32, &rates[i].rate, 4);
		assert_true(fd >= 0 && write(fd, data, size) == (ssize_t)size);
		(void)snprintf(config.url, sizeof config.url, "%s", path);
		config.fps = 60;
		CHECK_OK(open_it(&config, fake(), true, &source, &err));
		for (int frames = 0; frames < 10; frames++) {
			CHECK_OK(next(source, fake(), &frame, &err));
			CHECK_I64(frame.captured_mono.us, >, last_us);
			CHECK_I64(frame.captured_mono.us, <=,
				  HF_SOURCE_LOCKSTEP_START_US + 1000000);
			last_us = frame.captured_mono.us;
		}
		CHECK_CODE(next(source, fake(), &frame, &err), HF_E_CLOSED);
		hf_source_close(source);
		(void)unlink(path);
	}
}

TEST(a_frame_stays_whole_while_the_next_is_prepared)
{
	NEEDS_CLIPS();
	struct hf_config_source config = config_of("chained.mp4");
	struct hf_source *source;
	struct hf_frame frame, next_frame;
	struct hf_err err;
	struct fake *f = fake();

	CHECK_OK(open_it(&config, f, false, &source, &err));
	CHECK_OK(next(source, f, &frame, &err));
	HF_AUTO_FREE uint8_t *kept = malloc(320);
	assert_non_null(kept);
	memcpy(kept, frame.planes[0] + 120 * frame.strides[0], 320);
	for (int i = 0; i < 20; i++)
		CHECK_CODE(hf_source_step(source, &next_frame, &err), HF_E_AGAIN);
	assert_memory_equal(kept, frame.planes[0] + 120 * frame.strides[0], 320);
	hf_source_close(source);
}

/* Whatever a damaged file holds: an answer, never a crash, never an endless loop. */
TEST(damaged_files_never_hang_or_crash)
{
	NEEDS_CLIPS();
	static const char *const clips[] = { "small.avi", "chained.mp4", "still.png", "still.jpg" };
	uint32_t chance = 7;

	for (size_t c = 0; c < HF_ARRAY_LEN(clips); c++) {
		struct hf_config_source config = config_of(clips[c]);
		HF_AUTO_FCLOSE FILE *file = fopen(config.url, "re");
		assert_non_null(file);
		HF_AUTO_FREE uint8_t *data = malloc(1 << 20);
		assert_non_null(data);
		size_t size = fread(data, 1, 1 << 20, file);

		for (int round = 0; round < 12; round++) {
			char path[] = "/tmp/holdfast-damaged-XXXXXX";
			HF_AUTO_FD fd = mkstemp(path);
			struct hf_source *source;
			struct hf_frame frame;
			struct hf_err err;
			struct fake *f = fake();

			for (int i = 0; i < 20; i++) {
				chance = chance * 1664525 + 1013904223;
				/* Heads are where the interesting mistakes are. */
				size_t at = (chance >> 4) % (i % 2 != 0 ? size : size / 20);
				data[at] = (uint8_t)(chance >> 24);
			}
			assert_true(fd >= 0 && write(fd, data, size) == (ssize_t)size);
			(void)snprintf(config.url, sizeof config.url, "%s", path);
			config.loop = round % 2 != 0;
			if (open_it(&config, f, false, &source, &err) == HF_OK) {
				for (int i = 0; i < 40; i++)
					if (next(source, f, &frame, &err) != HF_OK)
						break;
				CHECK_I64(err.code, !=, HF_E_LIMIT);
				hf_source_close(source);
			}
			(void)unlink(path);
		}
	}
}

TEST(screens_made_of_real_footage_are_recognised)
{
	NEEDS_CLIPS();
	static const char *const kinds[] = { "plain", "border", "mirror", "dark", "720", "menu" };

	for (int side = 1; side <= 4; side++)
		for (size_t k = 0; k < HF_ARRAY_LEN(kinds); k++) {
			char clip[32];
			struct hf_source *source;
			struct hf_frame frame;
			struct hf_err err;
			struct fake *f = fake();

			if ((side == 1 && k > 0) || (side < 4 && k == 5))
				continue;
			(void)snprintf(clip, sizeof clip, "%dx%d-%s.avi", side, side, kinds[k]);
			struct hf_config_source config = config_of(clip);
			CHECK_OK(open_it(&config, f, true, &source, &err));
			while (next(source, f, &frame, &err) == HF_OK) {
				struct hf_layout_reading r;

				hf_layout_assess(&frame, &r);
				if ((int)r.layout != side || !r.sure)
					fail_msg("%s: frame %d is taken for %s", clip,
						 (int)frame.number, hf_layout_id(r.layout));
			}
			hf_source_close(source);
		}
}

TESTS(RUN(a_missing_file_is_noent_and_named),
      RUN(a_folder_an_empty_path_and_an_unknown_type_are_invalid),
      RUN(a_text_named_avi_an_empty_file_and_a_playlist_are_refused),
      RUN(every_frame_of_a_clip_comes_once_in_its_own_time), RUN(nothing_comes_before_it_is_due),
      RUN(fewer_frames_are_handed_out_when_fewer_are_asked_for),
      RUN(a_key_frame_is_told_of_with_the_frame_that_comes_next_and_only_where_there_are_others),
      RUN(a_looped_clip_goes_on_with_rising_time_and_numbers),
      RUN(a_looped_clip_shorter_than_the_time_between_wanted_frames_goes_on),
      RUN(a_looped_clip_that_is_taken_away_is_missed), RUN(a_still_picture_is_one_frame),
      RUN(a_cut_clip_gives_what_is_left_of_it), RUN(a_clip_with_nothing_but_a_head_is_an_error),
      RUN(broken_frames_are_passed_over_and_counted), RUN(odd_sizes_and_other_formats_are_taken),
      RUN(a_clip_that_changes_its_size_goes_on), RUN(a_clip_that_changes_its_pixel_format_goes_on),
      RUN(a_clip_of_one_frame_of_4k_is_one_frame),
      RUN(a_frame_rate_that_makes_no_sense_costs_no_frame),
      RUN(a_frame_stays_whole_while_the_next_is_prepared), RUN(damaged_files_never_hang_or_crash),
      RUN(screens_made_of_real_footage_are_recognised))
