/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/sender.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
	URL_BYTES = 1024,
	FDS_MAX = 64,
};

struct hf_sender {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers; /* of the request in hand */
	bool busy;
	bool loopback;
	int64_t connect_ms;
	int64_t total_ms;
	char *url; /* without a slash at the end */

	char *ca_file;
	char *token_file;
	struct hf_response response;
	char failure[CURL_ERROR_SIZE + 64];
	char error[CURL_ERROR_SIZE];
	char content_type[128];
	size_t body_bytes;
	char body[HF_RESPONSE_BODY_BYTES_MAX];
};

static void free_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void free_part(char **part)
{
	curl_free(*part);
}

static bool is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	char bare[INET6_ADDRSTRLEN + 2];

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	size_t length = strlen(host);
	if (length < 3 || length >= sizeof bare || host[0] != '[' || host[length - 1] != ']')
		return false;
	memcpy(bare, host + 1, length - 2);
	bare[length - 2] = '\0';
	return inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static enum hf_code check_url(const char *text, bool insecure, bool *ret_loopback,
			      struct hf_err *err)
{
	HF_AUTO(free_url) CURLU *url = curl_url();
	HF_AUTO(free_part) char *scheme = NULL;
	HF_AUTO(free_part) char *host = NULL;
	static const CURLUPart unwanted[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
					      CURLUPART_FRAGMENT };

	if (url == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	if (strlen(text) >= URL_BYTES / 2 ||
	    curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		return hf_fail(
			err, HF_E_INVALID,
			"hub.url \"%.200s\" is not an address like "
			"https://hub.example.org[:port][/prefix]; nothing is sent until it is",
			text);
	for (size_t i = 0; i < HF_ARRAY_LEN(unwanted); i++) {
		HF_AUTO(free_part) char *part = NULL;

		if (curl_url_get(url, unwanted[i], &part, 0) == CURLUE_OK)
			return hf_fail(err, HF_E_INVALID,
				       "hub.url must not hold a user, password, query or fragment; "
				       "a credential belongs in hub.token_file");
	}
	*ret_loopback = is_loopback(host);
	if (strcmp(scheme, "http") == 0 && !*ret_loopback && !insecure)
		return hf_fail(
			err, HF_E_DENIED,
			"hub.url is plain http:// to %.200s, which is not this machine: events "
			"and the token would travel in the clear. Use https://, or set "
			"hub.insecure: true if the way is protected otherwise",
			host);
	return HF_OK;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct hf_sender *sender = context;
	size_t bytes = size * count;

	if (bytes > sizeof sender->body - sender->body_bytes) {
		sender->response.body_cut = true;
		return CURL_WRITEFUNC_ERROR;
	}
	memcpy(sender->body + sender->body_bytes, data, bytes);
	sender->body_bytes += bytes;
	return bytes;
}

/* The token without the blanks at its end. */
static enum hf_code read_token(const char *path, char **ret_token, struct hf_err *err)
{
	struct stat st;
	HF_AUTO_FREE char *token = NULL;
	size_t length;

	enum hf_code code = hf_file_read(path, HF_SENDER_TOKEN_BYTES_MAX, &token, &length, err);
	if (code != HF_OK)
		return hf_err_prefix(err, "hub.token_file");
	if (stat(path, &st) != 0)
		return hf_fail_errno(err, "hub.token_file %s", path);
	if ((st.st_mode & S_IRWXO) != 0)
		return hf_fail(
			err, HF_E_DENIED,
			"hub.token_file %s can be read by everybody (mode %03o): chmod 600 it",
			path, st.st_mode & 0777U);
	while (length > 0 && strchr(" \t\r\n", token[length - 1]) != NULL)
		token[--length] = '\0';
	if (length == 0)
		return hf_fail(err, HF_E_INVALID, "hub.token_file %s is empty", path);
	for (size_t i = 0; i < length; i++)
		if (token[i] <= 0x20 || token[i] == 0x7f)
			return hf_fail(err, HF_E_INVALID,
				       "hub.token_file %s: byte %zu cannot stand in a header", path,
				       i + 1);
	*ret_token = HF_TAKE(token);
	return HF_OK;
}

static enum hf_code add_header(struct hf_sender *sender, const char *line, struct hf_err *err)
{
	struct curl_slist *longer = curl_slist_append(sender->headers, line);

	if (longer == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	sender->headers = longer;
	return HF_OK;
}

static enum hf_code build_headers(struct hf_sender *sender, const struct hf_request *request,
				  struct hf_err *err)
{
	char line[HF_SENDER_TOKEN_BYTES_MAX + 64];
	HF_AUTO_FREE char *token = NULL;

	curl_slist_free_all(sender->headers);
	sender->headers = NULL;

	/* Without this curl would wait for "100 Continue" before a large body. */
	enum hf_code code = add_header(sender, "Expect:", err);
	for (size_t i = 0; code == HF_OK && i < HF_SENDER_HEADERS_MAX; i++) {
		if (request->headers[i] == NULL)
			break;
		code = add_header(sender, request->headers[i], err);
	}
	if (code != HF_OK || sender->token_file[0] == '\0')
		return code;
	code = read_token(sender->token_file, &token, err);
	if (code != HF_OK)
		return code;
	(void)snprintf(line, sizeof line, "Authorization: Bearer %s", token);
	return add_header(sender, line, err);
}

static bool set_transport(struct hf_sender *sender, const char *url)
{
	CURL *easy = sender->easy;
	int bad = 0;

	bad |= (int)curl_easy_setopt(easy, CURLOPT_URL, url);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= (int)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (sender->ca_file[0] != '\0')
		bad |= (int)curl_easy_setopt(easy, CURLOPT_CAINFO, sender->ca_file);
	/* A proxy of the environment must not see what stays on this machine. */
	if (sender->loopback)
		bad |= (int)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	bad |= (int)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* A look-up that hangs longer than the time-out is left behind. Without this libcurl
	 * waits for its resolver thread, for half a minute with a dead name server, and the
	 * process does not beat meanwhile. */
	bad |= (int)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)sender->connect_ms);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)sender->total_ms);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_USERAGENT, "holdfast");
	bad |= (int)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, sender->error);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_WRITEDATA, sender);
	return bad == 0;
}

static bool set_method(struct hf_sender *sender, const struct hf_request *request)
{
	CURL *easy = sender->easy;
	int bad = 0;

	if (request->method == HF_METHOD_HEAD)
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
	bad |= (int)curl_easy_setopt(easy, CURLOPT_POST, 1L);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				     (curl_off_t)request->body_bytes);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
	if (request->method == HF_METHOD_PUT)
		bad |= (int)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
	return bad == 0;
}

static void conclude(struct hf_sender *sender, CURLcode result)
{
	struct hf_response *response = &sender->response;
	const char *content_type = NULL;
	curl_off_t retry_after_s = 0;

	(void)curl_easy_getinfo(sender->easy, CURLINFO_RESPONSE_CODE, &response->status);
	(void)curl_easy_getinfo(sender->easy, CURLINFO_CONTENT_TYPE, &content_type);
	(void)curl_easy_getinfo(sender->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	if (content_type != NULL) {
		(void)snprintf(sender->content_type, sizeof sender->content_type, "%s",
			       content_type);
		response->content_type = sender->content_type;
	}
	if (retry_after_s > 0)
		response->retry_after_ms =
			retry_after_s < INT64_MAX / 1000 ? retry_after_s * 1000 : INT64_MAX;
	response->body = sender->body;
	response->body_bytes = sender->body_bytes;
	if (result != CURLE_OK && !response->body_cut) {
		(void)snprintf(sender->failure, sizeof sender->failure, "%s%s%s",
			       curl_easy_strerror(result), sender->error[0] != '\0' ? ": " : "",
			       sender->error);
		response->failure = sender->failure;
	}
	(void)curl_multi_remove_handle(sender->multi, sender->easy);
	sender->busy = false;
}

enum hf_code hf_sender_check_url(const char *url, bool insecure, struct hf_err *err)
{
	bool loopback;

	return check_url(url, insecure, &loopback, err);
}

enum hf_code hf_sender_open(const struct hf_sender_options *options, struct hf_sender **ret_sender,
			    struct hf_err *err)
{
	bool loopback;
	enum hf_code code = check_url(options->url, options->insecure, &loopback, err);
	if (code != HF_OK)
		return code;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return hf_fail(err, HF_E_NOMEM, "libcurl cannot be initialised");

	struct hf_sender *sender = calloc(1, sizeof *sender);
	if (sender == NULL) {
		curl_global_cleanup();
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	}
	sender->loopback = loopback;
	sender->connect_ms = options->connect_ms;
	sender->total_ms = options->total_ms;
	sender->url = strdup(options->url);

	sender->ca_file = strdup(options->ca_file);
	sender->token_file = strdup(options->token_file);
	sender->multi = curl_multi_init();
	sender->easy = curl_easy_init();
	if (sender->url == NULL || sender->ca_file == NULL || sender->token_file == NULL ||
	    sender->multi == NULL || sender->easy == NULL) {
		hf_sender_close(sender);
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	}
	for (size_t length = strlen(sender->url); length > 0 && sender->url[length - 1] == '/';)
		sender->url[--length] = '\0';
	*ret_sender = sender;
	return HF_OK;
}

void hf_sender_close(struct hf_sender *sender)
{
	if (sender == NULL)
		return;
	if (sender->busy)
		(void)curl_multi_remove_handle(sender->multi, sender->easy);
	curl_easy_cleanup(sender->easy);
	(void)curl_multi_cleanup(sender->multi);
	curl_slist_free_all(sender->headers);
	free(sender->url);

	free(sender->ca_file);
	free(sender->token_file);
	free(sender);
	curl_global_cleanup();
}

enum hf_code hf_sender_start(struct hf_sender *sender, const struct hf_request *request,
			     struct hf_err *err)
{
	char url[URL_BYTES];

	HF_ASSERT(!sender->busy);
	sender->response = (struct hf_response){ 0 };
	sender->error[0] = '\0';
	sender->body_bytes = 0;
	if ((size_t)snprintf(url, sizeof url, "%s%s", sender->url, request->path) >= sizeof url)
		return hf_fail(err, HF_E_LIMIT, "address too long: %.200s", request->path);
	enum hf_code code = build_headers(sender, request, err);
	if (code != HF_OK)
		return code;

	/* Forgets every option of the last request; connections belong to the multi handle. */
	curl_easy_reset(sender->easy);
	if (!set_transport(sender, url) || !set_method(sender, request) ||
	    curl_easy_setopt(sender->easy, CURLOPT_HTTPHEADER, sender->headers) != CURLE_OK)
		return hf_fail(err, HF_E_INVALID,
			       "libcurl refuses an option: it was built without https?");
	if (curl_multi_add_handle(sender->multi, sender->easy) != CURLM_OK)
		return hf_fail(err, HF_E_NOMEM, "libcurl cannot start a request");
	sender->busy = true;
	return HF_OK;
}

bool hf_sender_busy(const struct hf_sender *sender)
{
	return sender->busy;
}

bool hf_sender_step(struct hf_sender *sender, const struct pollfd *fds, size_t fd_count,
		    int timeout_ms)
{
	struct curl_waitfd extra[FDS_MAX];
	int running = 0, queued = 0;

	HF_ASSERT(fd_count <= FDS_MAX);
	for (size_t i = 0; i < fd_count; i++)
		extra[i] = (struct curl_waitfd){
			.fd = fds[i].fd,
			.events = (fds[i].events & POLLIN) != 0 ? CURL_WAIT_POLLIN : 0,
		};
	/* Start or go on before the wait, so that curl knows what to wait for. */
	(void)curl_multi_perform(sender->multi, &running);
	if (running > 0 || !sender->busy)
		(void)curl_multi_poll(sender->multi, extra, (unsigned)fd_count, timeout_ms, NULL);
	(void)curl_multi_perform(sender->multi, &running);
	for (CURLMsg *done; (done = curl_multi_info_read(sender->multi, &queued)) != NULL;)
		if (done->msg == CURLMSG_DONE) {
			/* done belongs to the handle that conclude() removes. */
			CURLcode result = done->data.result;

			conclude(sender, result);
			return true;
		}
	return false;
}

const struct hf_response *hf_sender_response(const struct hf_sender *sender)
{
	return &sender->response;
}
