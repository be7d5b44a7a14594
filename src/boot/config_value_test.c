/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/config_value.h"

#include "base/auto.h"
#include "test.h"

#include <math.h>
#include <string.h>

static enum hf_code set_ms(const char *text, int64_t *ret_value, struct hf_err *err)
{
	const struct hf_config_row row = { .key = "wait",
					   .kind = HF_CONFIG_INT,
					   .unit = "ms",
					   .help = "How long.",
					   .min = 0,
					   .max = INT64_MAX };

	return hf_config_value_set(&row, text, strlen(text), false, ret_value, err);
}

static enum hf_code set_bytes(const char *text, int64_t *ret_value, struct hf_err *err)
{
	const struct hf_config_row row = { .key = "size",
					   .kind = HF_CONFIG_INT,
					   .unit = "bytes",
					   .help = "How much.",
					   .min = 0,
					   .max = INT64_MAX };

	return hf_config_value_set(&row, text, strlen(text), false, ret_value, err);
}

TEST(a_duration_is_a_whole_number_and_one_unit)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "0", 0 },        { "0s", 0 },       { "200ms", 200 },   { "5s", 5000 },
		{ "10m", 600000 }, { "2h", 7200000 }, { "1d", 86400000 }, { "007s", 7000 },
	};
	struct hf_err err;
	int64_t value;

	for (size_t i = 0; i < HF_ARRAY_LEN(good); i++) {
		value = -1;
		CHECK_OK(set_ms(good[i].text, &value, &err));
		CHECK_I64(value, ==, good[i].ms);
	}
}

TEST(a_duration_without_its_unit_or_with_another_is_refused_and_changes_nothing)
{
	static const char *const bad[] = {
		"5",
		"",
		"s",
		"5 s",
		"5S",
		"1.5s",
		"1h30m",
		"-5s",
		"5sec",
		"nan",
		"inf",
		"0x10s",
		"5s\n",
		" 5s",
		"9223372036854775807d",
		"99999999999999999999s",
		"--5s",
		"+",
		"5µs",
	};
	struct hf_err err;
	int64_t value = 42;

	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
		if (set_ms(bad[i], &value, &err) == HF_OK)
			fail_msg("\"%s\" was taken as %lld", bad[i], (long long)value);
		CHECK_I64(value, ==, 42);
		CHECK(strlen(err.text) > 0);
	}
}

TEST(a_size_is_a_whole_number_and_one_unit)
{
	struct hf_err err;
	int64_t value;

	CHECK_OK(set_bytes("64MiB", &value, &err));
	CHECK_I64(value, ==, 64 * 1024 * 1024);
	CHECK_OK(set_bytes("2GB", &value, &err));
	CHECK_I64(value, ==, 2000000000);
	CHECK_OK(set_bytes("7B", &value, &err));
	CHECK_I64(value, ==, 7);
	CHECK_CODE(set_bytes("64", &value, &err), HF_E_INVALID);
	CHECK_CODE(set_bytes("64mb", &value, &err), HF_E_INVALID);
	CHECK_CODE(set_bytes("9223372036854775807GiB", &value, &err), HF_E_INVALID);
}

TEST(a_real_is_finite_and_in_decimal_digits)
{
	static const char *const bad[] = { "",      "nan",  "NaN",   ".nan",  "inf",
					   "-inf",  ".inf", "1e999", "0x1p3", "1,5",
					   "1.5.2", ".",    "e5",    "1e",    "1e+",
					   "--1",   "1 ",   " 1",    "1f",    "infinity" };
	double value = 42;

	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
		if (hf_config_real_parse(bad[i], &value))
			fail_msg("\"%s\" was taken as %g", bad[i], value);
	CHECK_REAL(value, ==, 42);
	CHECK(hf_config_real_parse("-1.25e2", &value));
	CHECK_REAL(value, ==, -125);
	CHECK(hf_config_real_parse(".5", &value));
	CHECK_REAL(value, ==, 0.5);
	CHECK(hf_config_real_parse("1.", &value));
	CHECK_REAL(value, ==, 1);
}

/* As a file would have to say it, each value is read back the same. */
TEST(every_default_is_written_as_something_that_reads_back)
{
	static struct hf_config config;

	hf_config_defaults(&config);
	for (int s = HF_CONFIG_UNIT; s < HF_CONFIG_SECTIONS; s++) {
		enum hf_config_section section = (enum hf_config_section)s;
		struct hf_config_rows all = hf_config_rows(section);
		void *record = hf_config_record(&config, section, 0);

		hf_config_record_defaults(section, record);
		for (size_t r = 0; r < all.count; r++) {
			const struct hf_config_row *row = &all.rows[r];
			char text[HF_CONFIG_VALUE_BYTES], range[128];
			bool quoted = row->kind == HF_CONFIG_TEXT;
			struct hf_err err;

			CHECK(hf_config_value_standard(row, record));
			hf_config_value_text(row, record, text);
			hf_config_value_range(row, range, sizeof range);
			CHECK(strlen(range) > 0);
			CHECK_OK(hf_config_value_set(row, text + quoted, strlen(text) - 2 * quoted,
						     quoted, record, &err));
			CHECK(hf_config_value_standard(row, record));
		}
	}
}

/* A default outside its own range, or help that says nothing, is a fault of the table. */
TEST(every_row_of_the_table_is_sound)
{
	for (int s = HF_CONFIG_UNIT; s < HF_CONFIG_SECTIONS; s++) {
		struct hf_config_rows all = hf_config_rows((enum hf_config_section)s);

		for (size_t r = 0; r < all.count; r++) {
			const struct hf_config_row *row = &all.rows[r];

			CHECK(strlen(row->help) > 8 && strlen(row->reader) > 0);
			CHECK(strlen(row->key) < HF_CONFIG_KEY_BYTES);
			CHECK((strchr(row->key, '.') != NULL) == (s == HF_CONFIG_UNIT));
			if (row->kind == HF_CONFIG_INT)
				CHECK(row->value >= row->min && row->value <= row->max);
			if (row->kind == HF_CONFIG_REAL)
				CHECK(row->real_value >= row->real_min &&
				      row->real_value <= row->real_max);
			for (size_t other = 0; other < r; other++)
				CHECK(strcmp(row->key, all.rows[other].key) != 0);
		}
	}
}

TEST(texts_with_invisible_characters_are_refused)
{
	const struct hf_config_row row = {
		.key = "name", .kind = HF_CONFIG_TEXT, .help = "Name.", .text = "", .size_bytes = 16
	};
	static const struct {
		const char *text;
		size_t size_bytes;
	} bad[] = {
		{ "a\nb", 3 },
		{ "a\0b", 3 },
		{ "a\x7f", 2 },
		{ "a\xc2\x85", 3 },
		{ "\xe2\x80\xa8", 3 },
		{ "\xef\xbb\xbf"
		  "a",
		  4 },
		{ "\xff", 1 },
		{ " a", 2 },
		{ "a ", 2 },
		{ "sixteen bytes ..", 16 },
	};
	char text[16] = "before";
	struct hf_err err;

	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
		CHECK_CODE(
			hf_config_value_set(&row, bad[i].text, bad[i].size_bytes, true, text, &err),
			HF_E_INVALID);
		CHECK_TEXT(text, "before");
	}
	CHECK_OK(hf_config_value_set(&row, "T\xc3\xbcr \"1\" \\", 10, true, text, &err));
	char shown[HF_CONFIG_VALUE_BYTES];
	hf_config_value_text(&row, text, shown);
	CHECK_TEXT(shown, "\"T\xc3\xbcr \\\"1\\\" \\\\\"");
}

TESTS(RUN(a_duration_is_a_whole_number_and_one_unit),
      RUN(a_duration_without_its_unit_or_with_another_is_refused_and_changes_nothing),
      RUN(a_size_is_a_whole_number_and_one_unit), RUN(a_real_is_finite_and_in_decimal_digits),
      RUN(every_default_is_written_as_something_that_reads_back),
      RUN(every_row_of_the_table_is_sound), RUN(texts_with_invisible_characters_are_refused))
