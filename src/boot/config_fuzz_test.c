/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: no file, however damaged, crashes the parser, and what is accepted is within its ranges.
 *
 * Method: the example (with every commented setting switched on, too) is cut at every byte, and
 * changed by seeded mutations: bytes flipped, removed, doubled, pieces swapped, tokens put in
 * that YAML or numbers are tricky about. Whatever is accepted is judged value by value against
 * the table. A failure prints the seed. The sanitizer build of this test looks for the rest.
 */
#include "boot/config.h"

#include "base/auto.h"
#include "shape/polygon.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum {
	MUTANTS = 6000,
	TEXT_BYTES_MAX = 64 * 1024,
};

static struct hf_config config;
static struct hf_config_report report;

static uint64_t next_random(uint64_t *state)
{
	/* xorshift64*, Vigna 2016: the same numbers on every machine. */
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static size_t below(uint64_t *state, size_t limit)
{
	return limit == 0 ? 0 : (size_t)(next_random(state) % limit);
}

static const char *row_fault(const struct hf_config_row *row, const void *record)
{
	const char *at = (const char *)record + row->offset;
	int64_t whole;
	double real;

	switch (row->kind) {
	case HF_CONFIG_INT:
		memcpy(&whole, at, sizeof whole);
		return whole >= row->min && whole <= row->max ? NULL : "out of range";
	case HF_CONFIG_REAL:
		memcpy(&real, at, sizeof real);
		return isfinite(real) && real >= row->real_min && real <= row->real_max
			       ? NULL
			       : "out of range";
	case HF_CONFIG_BOOL:
		return *(const unsigned char *)at <= 1 ? NULL : "neither true nor false";
	case HF_CONFIG_TEXT:
		return memchr(at, '\0', row->size_bytes) != NULL ? NULL : "without an end";
	case HF_CONFIG_ENUM:
		return *(const int32_t *)(const void *)at >= 0 &&
				       *(const int32_t *)(const void *)at < 5
			       ? NULL
			       : "no choice";
	}
	return "of no kind";
}

/* Everything the rest of the program may rely on after HF_OK. */
static void judge(const char *what, uint64_t number)
{
	struct hf_err err;

	if (hf_config_check(&config, &err) != HF_OK)
		fail_msg("%s %llu: %s", what, (unsigned long long)number, err.text);
	CHECK(config.source_count > 0 && config.camera_count > 0);
	CHECK(config.hub_backoff_min_ms <= config.hub_backoff_max_ms);
	CHECK(config.track_score_low <= config.track_score_high);
	for (int s = HF_CONFIG_UNIT; s < HF_CONFIG_SECTIONS; s++) {
		enum hf_config_section section = (enum hf_config_section)s;
		struct hf_config_rows all = hf_config_rows(section);
		uint32_t count = hf_config_record_count(&config, section);

		for (uint32_t i = 0; i < count; i++)
			for (size_t r = 0; r < all.count; r++) {
				const char *fault = row_fault(
					&all.rows[r], hf_config_record_const(&config, section, i));

				if (fault != NULL)
					fail_msg("%s %llu: %s is %s", what,
						 (unsigned long long)number, all.rows[r].key,
						 fault);
			}
	}
	for (uint32_t i = 0; i < config.zone_count; i++)
		CHECK_OK(hf_polygon_check(config.zones[i].points, config.zones[i].point_count,
					  &err));
}

static bool feed(const char *text, size_t size_bytes, const char *what, uint64_t number)
{
	struct hf_err err;
	/* A copy of exactly this size: a read behind the end is then seen by the sanitizer. */
	HF_AUTO_FREE char *exact = malloc(size_bytes > 0 ? size_bytes : 1);

	memcpy(exact, text, size_bytes);
	enum hf_code code = hf_config_parse("unit.yaml", exact, size_bytes, &config, &report, &err);
	if (code == HF_OK)
		judge(what, number);
	else if (code != HF_E_INVALID && code != HF_E_LIMIT)
		fail_msg("%s %llu: %s", what, (unsigned long long)number, hf_code_name(code));
	else if (code == HF_E_INVALID && report.found.errors == 0)
		fail_msg("%s %llu: refused without a word", what, (unsigned long long)number);
	return code == HF_OK;
}

/* The example; live: with the settings that are commented out switched on. */
static char *example(bool live)
{
	char *text = NULL;
	size_t size_bytes;
	FILE *stream = open_memstream(&text, &size_bytes);

	hf_config_example(stream);
	(void)fclose(stream);
	for (char *c = text; live && (c = strstr(c, "# ")) != NULL; c++) {
		size_t word = strcspn(c + 2, ": \n");

		if (c[2 + word] == ':' && c[3 + word] == ' ' && c[2] >= 'a' && c[2] <= 'z')
			memmove(c, c + 2, strlen(c + 2) + 1);
	}
	return text;
}

TEST(no_cut_of_the_example_crashes_or_is_taken_out_of_range)
{
	HF_AUTO_FREE char *text = example(false);

	for (size_t length = 0; length <= strlen(text); length++)
		(void)feed(text, length, "cut at", length);
	CHECK(feed(text, strlen(text), "whole", 0));
}

static const char *const tokens[] = {
	".nan",
	".inf",
	"-.inf",
	"nan",
	"1e999",
	"-1",
	"99999999999999999999",
	"0x7f",
	"0b1",
	"1e-320",
	"-0",
	"!!int 5",
	"&a ",
	"*a",
	"<<: ",
	"---\n",
	"...\n",
	"? ",
	": ",
	"- ",
	"[[[[[[[[[[",
	"{{{{",
	"|\n",
	">\n",
	"\"\\0\"",
	"\t",
	"\r",
	"\xef\xbb\xbf",
	"%YAML 9.9\n",
	"%TAG ! x\n",
	"\xc2\x85",
	"\xe2\x80\xa8",
	"'",
	"\"",
	"#",
	"~",
	"null",
	"true",
	"5s",
	"0",
	"\xff",
	"@",
	"`",
};

static size_t mutate(char *text, size_t size_bytes, uint64_t *state)
{
	size_t at = below(state, size_bytes), length = 1 + below(state, 40);
	const char *token = tokens[below(state, HF_ARRAY_LEN(tokens))];

	if (length > size_bytes - at)
		length = size_bytes - at;
	switch (below(state, 5)) {
	case 0:
		text[at] = (char)(text[at] ^ (1 << below(state, 8)));
		return size_bytes;
	case 1:
		memmove(text + at, text + at + length, size_bytes - at - length);
		return size_bytes - length;
	case 2:
		if (size_bytes + length > TEXT_BYTES_MAX)
			return size_bytes;
		memmove(text + at + length, text + at, size_bytes - at);
		return size_bytes + length;
	case 3: {
		size_t from = below(state, size_bytes - length + 1);

		memmove(text + at, text + from, length);
		return size_bytes;
	}
	default:
		/* After the nearest ": ", where a value would stand. */
		while (at > 0 && at < size_bytes && (text[at - 1] != ' ' || text[at] == '#'))
			at++;
		length = strlen(token);
		if (size_bytes + length > TEXT_BYTES_MAX)
			return size_bytes;
		memmove(text + at + length, text + at, size_bytes - at);
		memcpy(text + at, token, length);
		return size_bytes + length;
	}
}

TEST(no_mutant_of_the_example_crashes_or_is_taken_out_of_range)
{
	HF_AUTO_FREE char *commented = example(false);
	HF_AUTO_FREE char *live = example(true);
	static char text[TEXT_BYTES_MAX];
	unsigned taken = 0;

	CHECK(feed(live, strlen(live), "live", 0));
	for (uint64_t seed = 1; seed <= MUTANTS; seed++) {
		uint64_t chance = seed * UINT64_C(0x9e3779b97f4a7c15);
		const char *from = seed % 2 == 0 ? commented : live;
		size_t size_bytes = strlen(from);

		memcpy(text, from, size_bytes);
		for (size_t n = 1 + below(&chance, 4); n > 0 && size_bytes > 0; n--)
			size_bytes = mutate(text, size_bytes, &chance);
		taken += feed(text, size_bytes, "seed", seed);
	}
	/* Both outcomes must have been tried, or the test looks at nothing. */
	CHECK_U64(taken, >, MUTANTS / 100);
	CHECK_U64(taken, <, MUTANTS - MUTANTS / 100);
}

TEST(files_made_to_be_slow_or_large_are_refused)
{
	size_t size_bytes = HF_CONFIG_FILE_BYTES_MAX + 1;
	HF_AUTO_FREE char *text = malloc(size_bytes);

	memset(text, '[', size_bytes);
	CHECK(!feed(text, size_bytes, "too large", 0));
	CHECK(!feed(text, size_bytes - 1, "brackets", 0));
	for (size_t i = 0; i + 2 < size_bytes; i += 2)
		memcpy(text + i, "- ", 2);
	CHECK(!feed(text, size_bytes - 1, "dashes", 0));
	for (size_t i = 0; i + 5 < size_bytes; i += 5)
		memcpy(text + i, "a: b\n", 5);
	CHECK(!feed(text, size_bytes - 1, "pairs", 0));
	static const char bomb[] = "a: &a [x,x,x,x,x,x,x,x,x]\n"
				   "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
				   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
				   "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
				   "e: &e {x: *e}\n";
	CHECK(!feed(bomb, strlen(bomb), "a billion laughs", 0));
}

TESTS(RUN(no_cut_of_the_example_crashes_or_is_taken_out_of_range),
      RUN(no_mutant_of_the_example_crashes_or_is_taken_out_of_range),
      RUN(files_made_to_be_slow_or_large_are_refused))
