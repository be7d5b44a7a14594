/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy_trace.h"

#include "base/auto.h"
#include "test.h"
#include "wire/proto.h"

#include <string.h>

static struct hf_policy_trace trace;
static struct hf_err err;
static bool taken;

#define FULL                                                                              \
	"{\"full\":true,\"t\":1000,\"boot\":3,\"run\":7,\"uptime\":900,\"workers\":6,"    \
	"\"sources\":1,\"cameras\":4,\"s\":[[\"worker.down\",3,0],[\"infer.p99\",0,null," \
	"5200],[\"camera.frame_age\",2,40]]}"

static enum hf_code line(const char *text)
{
	return hf_policy_trace_line(&trace, text, strlen(text), &taken, &err);
}

static void begin(void)
{
	memset(&trace, 0, sizeof trace);
	CHECK_OK(line(FULL));
}

TEST(a_line_says_what_changed_and_the_rest_stays)
{
	begin();
	CHECK(taken);
	CHECK_OK(line("{\"t\":1500,\"uptime\":1400,\"s\":[[\"camera.frame_age\",2,540]]}"));
	CHECK_I64(trace.input.now_ms, ==, 1500);
	CHECK_I64(trace.input.uptime_ms, ==, 1400);
	CHECK_U64(trace.input.boot, ==, 3);
	CHECK_U64(trace.input.camera_count, ==, 4);
	CHECK_I64(trace.input.readings[HF_SIGNAL_CAMERA_FRAME][2].value, ==, 540);
	CHECK(trace.input.readings[HF_SIGNAL_WORKER_DOWN][3].known);
	/* What nobody ever said is not known. */
	CHECK(!trace.input.readings[HF_SIGNAL_CAMERA_FRAME][1].known);
}

TEST(what_is_unknown_grows_older_by_itself)
{
	begin();
	CHECK_I64(trace.input.readings[HF_SIGNAL_INFER_P99][0].value, ==, 5200);
	CHECK_OK(line("{\"t\":3000}"));
	CHECK(!trace.input.readings[HF_SIGNAL_INFER_P99][0].known);
	CHECK_I64(trace.input.readings[HF_SIGNAL_INFER_P99][0].value, ==, 7200);
}

TEST(lines_before_the_first_full_one_are_passed_over)
{
	memset(&trace, 0, sizeof trace);
	CHECK_OK(line("{\"t\":500,\"s\":[[\"worker.down\",3,1]]}"));
	CHECK(!taken);
	CHECK_OK(line(FULL));
	CHECK(taken);
	CHECK_U64(trace.skipped, ==, 1);
	CHECK_I64(trace.input.readings[HF_SIGNAL_WORKER_DOWN][3].value, ==, 0);
}

TEST(roles_are_named_or_follow_from_the_order_of_the_children)
{
	static const enum hf_role expected[] = { HF_ROLE_KEEPER, HF_ROLE_UPLINK, HF_ROLE_RESPOND,
						 HF_ROLE_INFER,  HF_ROLE_INFER,  HF_ROLE_INGEST };

	begin();
	for (size_t i = 0; i < HF_ARRAY_LEN(expected); i++)
		CHECK_U64(trace.input.worker_roles[i], ==, expected[i]);
	CHECK_OK(line("{\"full\":true,\"t\":2000,\"roles\":[\"uplink\",\"keeper\"]}"));
	CHECK_U64(trace.input.worker_roles[0], ==, HF_ROLE_UPLINK);
	CHECK_U64(trace.input.worker_roles[1], ==, HF_ROLE_KEEPER);
}

TEST(a_command_is_of_its_line_only)
{
	begin();
	CHECK_OK(line("{\"t\":2000,\"command\":[\"hold\",\"reboot\",null,60000]}"));
	CHECK_U64(trace.input.command.kind, ==, HF_COMMAND_HOLD);
	CHECK_U64(trace.input.command.action, ==, HF_ACTION_REBOOT);
	CHECK_I64(trace.input.command.for_ms, ==, 60000);
	CHECK_OK(line("{\"t\":2001,\"command\":[\"ack\",null,\"results_wrong\",0]}"));
	CHECK_TEXT(trace.ack, "results_wrong");
	CHECK_OK(line("{\"t\":2002}"));
	CHECK_U64(trace.input.command.kind, ==, HF_COMMAND_NONE);
}

static const struct {
	const char *text;
	const char *message;
} refusals[] = {
	{ "", "line 2: " },
	{ "[]", "line 2: it is no JSON object" },
	{ "{\"t\":2000", "line 2: " },
	{ "{\"t\":2000,\"t\":3000}", "line 2: duplicate object key" },
	{ "{\"s\":[]}", "t is missing" },
	{ "{\"t\":999}", "t goes back" },
	{ "{\"t\":-1}", "t is missing" },
	{ "{\"t\":9007199254740993}", "t is missing" },
	{ "{\"t\":2000,\"cameras\":65}", "a number is out of range" },
	{ "{\"t\":2000,\"workers\":-1}", "a number is out of range" },
	{ "{\"t\":2000,\"s\":[[\"camera.fame\",0,1]]}", "there is no signal \"camera.fame\"" },
	{ "{\"t\":2000,\"s\":[[\"camera.frame_age\",4,1]]}", "camera.frame_age of number 4: there "
							     "are 4" },
	{ "{\"t\":2000,\"s\":[[\"camera.frame_age\",-1,1]]}", "there are 4" },
	{ "{\"t\":2000,\"s\":[[\"infer.p99\",0,\"x\"]]}", "a reading is" },
	{ "{\"t\":2000,\"s\":[[\"infer.p99\",0,null,-5]]}", "unknown for less than no time" },
	{ "{\"t\":2000,\"s\":[5]}", "a reading is" },
	{ "{\"t\":2000,\"command\":[\"hold\",\"everything\",null,5]}", "a command is" },
	{ "{\"t\":2000,\"command\":[\"rm\",null,null,5]}", "a command is" },
	{ "{\"t\":2000,\"command\":5}", "a command is" },
};

TEST(a_line_that_is_no_step_is_refused_by_its_number)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(refusals); i++) {
		begin();
		if (line(refusals[i].text) != HF_E_INVALID ||
		    strstr(err.text, refusals[i].message) == NULL)
			fail_msg("[%zu] %s: %s, wanted %s", i, refusals[i].text, err.text,
				 refusals[i].message);
		CHECK(!taken);
	}
}

TESTS(RUN(a_line_says_what_changed_and_the_rest_stays), RUN(what_is_unknown_grows_older_by_itself),
      RUN(lines_before_the_first_full_one_are_passed_over),
      RUN(roles_are_named_or_follow_from_the_order_of_the_children),
      RUN(a_command_is_of_its_line_only), RUN(a_line_that_is_no_step_is_refused_by_its_number))
