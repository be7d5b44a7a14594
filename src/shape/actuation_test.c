/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/actuation.h"

#include "base/auto.h"
#include "test.h"

TEST(a_gpio_line_is_a_chip_and_a_number)
{
	struct hf_gpio_line line;
	struct hf_err err;

	CHECK_OK(hf_gpio_line_parse("gpiochip0:17", &line, &err));
	CHECK_TEXT(line.chip, "gpiochip0");
	CHECK_U64(line.line, ==, 17);
	CHECK_OK(hf_gpio_line_parse("gpiochip4:1023", &line, &err));
	CHECK_U64(line.line, ==, 1023);
}

TEST(what_could_lead_out_of_dev_or_is_no_number_is_no_line)
{
	static const char *const bad[] = { "",
					   "gpiochip0",
					   "gpiochip0:",
					   ":17",
					   "a/b:1",
					   "../mem:1",
					   "gpiochip0:1x",
					   "gpiochip0:-1",
					   "c:1024",
					   "c:9999999999",
					   "gpio chip0:1",
					   "c: 1",
					   "this-name-is-far-too-long-for-a-chip-of-lines:1" };
	struct hf_gpio_line line;
	struct hf_err err;

	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
		if (hf_gpio_line_parse(bad[i], &line, &err) != HF_E_INVALID)
			fail_msg("\"%s\" was taken", bad[i]);
}

TEST(a_list_wants_its_classes_whole_and_an_empty_one_all)
{
	CHECK(hf_actuation_wants("", "loitering_dwell_exceeded"));
	CHECK(hf_actuation_wants(" , ", "loitering_dwell_exceeded"));
	CHECK(hf_actuation_wants("a,b", "b"));
	CHECK(hf_actuation_wants(" a , b ", "a"));
	CHECK(!hf_actuation_wants("a,b", "c"));
	CHECK(!hf_actuation_wants("a_long", "a"));
	CHECK(!hf_actuation_wants("a", "a_long"));
}

TESTS(RUN(a_gpio_line_is_a_chip_and_a_number),
      RUN(what_could_lead_out_of_dev_or_is_no_number_is_no_line),
      RUN(a_list_wants_its_classes_whole_and_an_empty_one_all))
