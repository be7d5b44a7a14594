/* SPDX-License-Identifier: Apache-2.0 */
#include "base/url.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>

TEST(host_port_and_user_are_found)
{
	static const struct {
		const char *url, *host;
		uint16_t port;
		bool with_user;
	} good[] = {
		{ "rtsp://cam", "cam", 0, false },
		{ "rtsp://cam:8554/live?x=1", "cam", 8554, false },
		{ "rtsp://u:p@10.0.0.2:554/1", "10.0.0.2", 554, true },
		{ "rtsp://u:p@q@10.0.0.2/1", "10.0.0.2", 0, true },
		{ "https://[::1]:443/", "::1", 443, false },
		{ "rtsp://u@[fe80::1]", "fe80::1", 0, true },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(good); i++) {
		struct hf_url url;
		struct hf_err err;

		CHECK_OK(hf_url_parse(good[i].url, &url, &err));
		CHECK_TEXT(url.host, good[i].host);
		CHECK_U64(url.port, ==, good[i].port);
		CHECK_I64(url.with_user, ==, good[i].with_user);
	}
}

TEST(what_is_no_address_is_refused_and_not_quoted)
{
	static const struct {
		const char *url, *says;
	} bad[] = {
		{ "cam/live", "no scheme" },
		{ "rtsp://", "no host" },
		{ "rtsp://secret@", "no host" },
		{ "rtsp://secret:secret@:554/", "no host" },
		{ "rtsp://cam:0/secret", "port" },
		{ "rtsp://cam:65536", "port" },
		{ "rtsp://user:secret/x@cam/", "port" }, /* a slash in the password */
		{ "rtsp://[::1/secret", "[ without" },
		{ "rtsp://[::1]secret/", "behind the ]" },
		{ "rtsp://se cret/", "characters" },
		{ "rtsp://se\ncret/", "characters" },
	};
	char host[400];

	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
		struct hf_url url;
		struct hf_err err;

		CHECK_CODE(hf_url_parse(bad[i].url, &url, &err), HF_E_INVALID);
		if (strstr(err.text, bad[i].says) == NULL || strstr(err.text, "secret") != NULL)
			fail_msg("%s: %s", bad[i].url, err.text);
	}
	memset(host, 'a', sizeof host);
	memcpy(host, "rtsp://", 7);
	host[sizeof host - 1] = '\0';
	struct hf_url url;
	CHECK_CODE(hf_url_parse(host, &url, NULL), HF_E_INVALID);
}

TEST(secrets_are_hidden_and_nothing_else)
{
	static const struct {
		const char *url, *shown;
	} all[] = {
		{ "/clips/user=a@b.avi", "/clips/user=a@b.avi" },
		{ "", "" },
		{ "rtsp://cam:554/live?channel=1&subtype=0",
		  "rtsp://cam:554/live?channel=1&subtype=0" },
		{ "rtsp://u:s3cret@cam/1", "rtsp://***@cam/1" },
		{ "rtsp://u@cam/1", "rtsp://***@cam/1" },
		{ "rtsp://a@b", "rtsp://***@b" },
		{ "rtsp://u:s3@cret@cam/1", "rtsp://***@cam/1" },
		{ "rtsp://u:s3/cret@cam/1", "rtsp://***@cam/1" },
		{ "rtsp://u:12/cret@cam/1", "rtsp://***@cam/1" },
		{ "rtsp://u:s3?cret#@cam/1", "rtsp://***@cam/1" },
		{ "rtsp://cam/?user=u&password=s3cret&channel=1",
		  "rtsp://cam/?user=u&password=***&channel=1" },
		{ "rtsp://cam/user=u_PassWord=s3cret_channel=1.sdp?x",
		  "rtsp://cam/user=u_PassWord=***?x" },
		{ "rtsp://cam/?authToken=s3cret", "rtsp://cam/?authToken=***" },
		{ "rtsp://cam/?pwd=", "rtsp://cam/?pwd=***" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(all); i++) {
		char text[128];

		hf_url_hide(all[i].url, text, sizeof text);
		CHECK_TEXT(text, all[i].shown);
	}
}

TEST(what_does_not_fit_is_cut_and_ends)
{
	static const char url[] = "rtsp://user:s3cret@cam/live?pwd=x&channel=1";

	for (size_t size = 1; size < sizeof url + 4; size++) {
		char text[64];

		memset(text, 'x', sizeof text);
		hf_url_hide(url, text, size);
		CHECK_U64(strlen(text), <, size);
		assert_true(text[size] == 'x');
		assert_null(strstr(text, "s3"));
	}
}

TESTS(RUN(host_port_and_user_are_found), RUN(what_is_no_address_is_refused_and_not_quoted),
      RUN(secrets_are_hidden_and_nothing_else), RUN(what_does_not_fit_is_cut_and_ends))
