/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command as a user runs it, with the real ingest and infer, on pictures whose answers are
 * known (infer/tiny_pack.h). Arguments: the paths of holdfast, ingest and infer.
 */
#include "base/auto.h"
#include "cli/draw.h"
#include "infer/tiny_pack.h"
#include "test.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *holdfast, *ingest, *infer;
static char folder[64];
static char out[64 * 1024], said[16 * 1024];

static const char one_person[] =
	"\"frame\":0,\"detections\":[{\"class\":\"person\",\"score\":1.000,\"box\":[";

static int run_shell(const char *format, ...) HF_PRINTF(1, 2);

static int run_shell(const char *format, ...)
{
	char command[4096];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(command, sizeof command, format, ap);
	va_end(ap);
	int status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-detect-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	tiny_pack_write(folder, TINY_GOOD);
	return run_shell("mkdir %s/programs && ln -s %s %s/programs/ingest && "
			 "ln -s %s %s/programs/infer",
			 folder, ingest, folder, infer, folder);
}

static int remove_folder(void **state)
{
	(void)state;
	return run_shell("rm -r %s", folder);
}

static void read_back(const char *name, char *text, size_t size)
{
	char path[128];
	HF_AUTO_FCLOSE FILE *file = NULL;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "rb");
	CHECK(file != NULL);
	text[fread(text, 1, size - 1, file)] = '\0';
}

/* In the folder. Returns the exit code; out and said hold what was printed. */
static int detect(const char *arguments)
{
	int exit_code = run_shell("cd %s && unset HOLDFAST_LOG && "
				  "HOLDFAST_LIBEXEC=%s/programs %s detect %s >out 2>said",
				  folder, folder, holdfast, arguments);

	read_back("out", out, sizeof out);
	read_back("said", said, sizeof said);
	return exit_code;
}

static FILE *create(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "wb");
	CHECK(file != NULL);
	return file;
}

/* Of a black picture, scale times the tiny input's size, with cell (4, 2) white. */
static bool is_white(unsigned x, unsigned y, unsigned scale)
{
	return x / scale / TINY_STRIDE == 4 && y / scale / TINY_STRIDE == 2;
}

static void write_picture(const char *name, unsigned scale)
{
	HF_AUTO_FCLOSE FILE *file = create(name);

	(void)fprintf(file, "P6 %u %u 255\n", TINY_WIDTH * scale, TINY_HEIGHT * scale);
	for (unsigned y = 0; y < TINY_HEIGHT * scale; y++)
		for (unsigned x = 0; x < TINY_WIDTH * scale; x++)
			for (unsigned c = 0; c < 3; c++)
				(void)fputc(is_white(x, y, scale) ? 255 : 0, file);
}

/* The same picture again and again. */
static void write_clip(const char *name, unsigned frames)
{
	HF_AUTO_FCLOSE FILE *file = create(name);

	(void)fprintf(file, "YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C444\n", TINY_WIDTH, TINY_HEIGHT);
	for (unsigned f = 0; f < frames; f++) {
		(void)fputs("FRAME\n", file);
		for (unsigned y = 0; y < TINY_HEIGHT; y++)
			for (unsigned x = 0; x < TINY_WIDTH; x++)
				(void)fputc(is_white(x, y, 1) ? 235 : 16, file);
		for (unsigned i = 0; i < 2 * TINY_WIDTH * TINY_HEIGHT; i++)
			(void)fputc(128, file);
	}
}

static void write_script(const char *name, const char *text)
{
	HF_AUTO_FCLOSE FILE *file = create(name);

	(void)fputs(text, file);
	CHECK_I64(fchmod(fileno(file), 0755), ==, 0);
}

static void check_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, text);
}

static unsigned lines(const char *text)
{
	unsigned count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

TEST(a_picture_gives_a_line_with_its_boxes)
{
	write_picture("a.ppm", 1);
	CHECK_I64(detect("--model . --json a.ppm"), ==, 0);
	CHECK_U64(lines(out), ==, 1);
	check_has(out, "{\"source\":\"a.ppm\",");
	check_has(out, one_person);
	check_has(out, "[20.0,4.0,32.0,28.0]");
	CHECK_TEXT(said, "");
}

TEST(boxes_are_in_pixels_of_the_picture_however_large)
{
	/* 1920x960 goes into the ring as 480x240 and into the network as 64x32. */
	write_picture("large.ppm", 30);
	CHECK_I64(detect("--model . large.ppm"), ==, 0);
	check_has(out, one_person);
	check_has(out, "[600.0,120.0,960.0,840.0]");
}

TEST(every_frame_of_a_clip_has_its_line_in_order)
{
	char expected[32];
	const char *at = out;

	write_clip("clip.y4m", 40);
	CHECK_I64(detect("--model . clip.y4m"), ==, 0);
	CHECK_U64(lines(out), ==, 40);
	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(expected, sizeof expected, "\"frame\":%u,", i);
		at = strstr(at, expected);
		CHECK(at != NULL);
	}
}

TEST(a_file_that_cannot_be_read_costs_that_file_alone)
{
	write_picture("a.ppm", 1);
	CHECK_I64(run_shell("echo not a picture > %s/bad.jpg", folder), ==, 0);
	CHECK_I64(detect("--model . missing.png a.ppm bad.jpg a.ppm"), ==, 5);
	CHECK_U64(lines(out), ==, 2);
	CHECK_U64(lines(said), ==, 2);
	check_has(said, "missing.png: No such file");
	check_has(said, "bad.jpg");
	CHECK_I64(detect("--model . missing.png"), ==, 1);
	CHECK_U64(lines(out), ==, 0);
}

TEST(a_score_that_is_asked_for_is_the_limit)
{
	write_picture("a.ppm", 1);
	CHECK_I64(detect("--model . --score 0.01 a.ppm"), ==, 0);
	check_has(out, one_person);
	tiny_pack_describe(folder, "\"score_threshold\": 0.5", "\"score_threshold\": 0.99999");
	CHECK_I64(detect("--model . a.ppm"), ==, 0);
	check_has(out, "\"detections\":[]");
	CHECK_I64(detect("--model . --score 0.5 a.ppm"), ==, 0);
	check_has(out, one_person);
}

TEST(wrong_arguments_are_told_before_anything_starts)
{
	CHECK_I64(detect(""), ==, 2);
	CHECK_I64(detect("--score 0 a.ppm"), ==, 2);
	CHECK_I64(detect("--score 1.1 a.ppm"), ==, 2);
	CHECK_I64(detect("--score"), ==, 2);
	CHECK_I64(detect("--model"), ==, 2);
	CHECK_I64(detect("--modle . a.ppm"), ==, 2);
	check_has(said, "--modle");
	CHECK_I64(detect("--help"), ==, 0);
	check_has(out, "usage: holdfast detect");
}

TEST(a_model_that_cannot_be_used_is_the_reason_given)
{
	write_picture("a.ppm", 1);
	CHECK_I64(detect("--model nowhere a.ppm"), ==, 1);
	check_has(said, "no model pack in nowhere");
	tiny_pack_write(folder, TINY_DAMAGED);
	CHECK_I64(detect("--model . a.ppm"), ==, 1);
	check_has(said, "model.onnx is damaged");
	CHECK_U64(lines(said), ==, 1);
}

TEST(a_run_that_fails_is_told_and_counts)
{
	tiny_pack_write(folder, TINY_OVERFLOW);
	write_clip("a.y4m", 2);
	CHECK_I64(detect("--model . a.y4m"), ==, 1);
	CHECK_U64(lines(out), ==, 0);
	check_has(said, "a.y4m: frame 0 could not be looked at");
	check_has(said, "a.y4m: frame 1 could not be looked at");
}

TEST(a_worker_that_dies_is_told_with_its_last_words)
{
	write_picture("a.ppm", 1);
	CHECK_I64(run_shell("rm %s/programs/infer", folder), ==, 0);
	write_script("programs/infer", "#!/bin/sh\n"
				       "until head -c1 <&3; do :; done >/dev/null 2>&1\n"
				       "echo '<3>infer: too tired' >&2\n"
				       "kill -9 $$\n");
	CHECK_I64(detect("--model . a.ppm"), ==, 1);
	check_has(said, "infer ended unexpectedly (killed by signal 9 (KILL))");
	check_has(said, "its last words: infer: too tired");
	CHECK_I64(run_shell("rm %s/programs/infer", folder), ==, 0);
	CHECK_I64(detect("--model . a.ppm"), ==, 1);
	check_has(said, "programs/infer: No such file");
}

TEST(drawn_frames_are_jpeg_files_in_a_folder_that_is_made)
{
	struct stat st;
	char path[128];

	write_clip("a.y4m", 3);
	CHECK_I64(detect("--model . --draw seen/here a.y4m"), ==, 0);
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof path, "%s/seen/here/a.y4m-%06u.jpg", folder, i);
		CHECK_I64(stat(path, &st), ==, 0);
		CHECK_I64(st.st_size, >, 200);
	}
	CHECK_I64(detect("--model . --draw a.y4m/x a.y4m"), ==, 1);
}

TEST(a_box_over_the_edge_is_drawn_as_far_as_it_goes)
{
	const struct hf_detection boxes[] = {
		{ .x = -5, .y = -5, .width = 15, .height = 15, .score = 0.9F },
		{ .x = 30, .y = 10, .width = 100, .height = 100, .score = 0.9F },
		{ .x = 12, .y = 2, .width = 10, .height = 10, .score = 0.2F },
	};
	static uint8_t guarded[(40 * 20 + 2) * 3];
	uint8_t *bgr = guarded + 3;

	hf_draw_boxes(bgr, 40, 20, boxes, HF_ARRAY_LEN(boxes), 0.5F);
	CHECK_U64(bgr[(9 * 40 + 9) * 3 + 1], ==, 255);   /* its lower right corner */
	CHECK_U64(bgr[(5 * 40 + 5) * 3 + 1], ==, 0);     /* within */
	CHECK_U64(bgr[(19 * 40 + 39) * 3 + 1], ==, 255); /* cut at the edge */
	CHECK_U64(bgr[(2 * 40 + 15) * 3 + 1], ==, 0);    /* too weak */
	for (size_t i = 0; i < 3; i++) {
		CHECK_U64(guarded[i], ==, 0);
		CHECK_U64(guarded[sizeof guarded - 1 - i], ==, 0);
	}
}

#define RUN_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RUN_IN_FOLDER(a_picture_gives_a_line_with_its_boxes),
		RUN_IN_FOLDER(boxes_are_in_pixels_of_the_picture_however_large),
		RUN_IN_FOLDER(every_frame_of_a_clip_has_its_line_in_order),
		RUN_IN_FOLDER(a_file_that_cannot_be_read_costs_that_file_alone),
		RUN_IN_FOLDER(a_score_that_is_asked_for_is_the_limit),
		RUN_IN_FOLDER(wrong_arguments_are_told_before_anything_starts),
		RUN_IN_FOLDER(a_model_that_cannot_be_used_is_the_reason_given),
		RUN_IN_FOLDER(a_run_that_fails_is_told_and_counts),
		RUN_IN_FOLDER(a_worker_that_dies_is_told_with_its_last_words),
		RUN_IN_FOLDER(drawn_frames_are_jpeg_files_in_a_folder_that_is_made),
		RUN(a_box_over_the_edge_is_drawn_as_far_as_it_goes),
	};

	if (argc != 4)
		return 2;
	/* The commands run in another folder. */
	holdfast = realpath(argv[1], NULL);
	ingest = realpath(argv[2], NULL);
	infer = realpath(argv[3], NULL);
	if (holdfast == NULL || ingest == NULL || infer == NULL)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
